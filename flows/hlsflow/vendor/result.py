"""What a stage of AMD's tools gave: judged by its own reports, kept as JSON beside them as soon as it has ended."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from hlsflow.foundation.errors import ReportError, ToolError
from hlsflow.foundation.strict_read import brief
from hlsflow.foundation.workspace import storage_errors, write_text
from hlsflow.records.record import FigureRecord
from hlsflow.reports.discover import discover
from hlsflow.reports.figures import Clock, Latency, Resources, Stage
from hlsflow.reports.report import Module
from hlsflow.reports.run import STALE_KINDS, NoteKind, Role, Run
from hlsflow.vendor.command import COMPLETED, VendorStage
from hlsflow.vendor.diagnosis import read_log, remarks
from hlsflow.vendor.project import RTL_RESULTS_FILE, solution
from hlsflow.vendor.run_results import logged_version

_STAGE_OF = {
    VendorStage.CSYNTH: Stage.CSYNTH,
    VendorStage.COSIM: Stage.COSIM,
    VendorStage.VSYNTH: Stage.LOGIC_SYNTHESIS,
}
_RESOURCES = (
    "lut", "ff", "dsp", "bram_18k", "uram", "lut_available", "ff_available", "dsp_available", "bram_18k_available",
    "uram_available",
)  # fmt: skip


class StageResult(BaseModel):
    """A finished stage. `seconds` and `command` tell how it was run and are part of no report."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    stage: VendorStage
    design: str
    bench: str | None
    tool: str
    tool_version: str | None
    origin: Literal["here", "imported"]
    seconds: float | None
    figures: list[FigureRecord]
    remarks: list[str]
    # Where the packed IP is, below the project; the other stages leave none.
    ip: str | None = None


def result_path(folder: Path, stage: VendorStage) -> Path:
    """The file of a stage's result in a synthesis folder."""
    return folder / "results" / f"{stage}.json"


def load_result(folder: Path, stage: VendorStage, design: str) -> StageResult | None:
    """The result of a stage for exactly this design, None where there is none or the file is damaged."""
    try:
        result = StageResult.model_validate_json(result_path(folder, stage).read_text(), strict=False)
    except (OSError, ValueError, ValidationError):
        return None
    return result if result.design == design and result.stage is stage else None


def save_result(folder: Path, result: StageResult) -> None:
    """Keeps a result, whole or not at all."""
    write_text(result_path(folder, result.stage), result.model_dump_json(indent=1) + "\n")


def judge(
    stage: VendorStage, project: Path, top: str, log: Path, *, kept: Path, shown: str
) -> tuple[list[FigureRecord], list[str], str | None]:
    """(figures, remarks, packed IP) of a stage that has ended; its reports are copied to `kept`, known as `shown`.

    Raises ToolError where a result is missing or says that it failed, ReportError where a report is cut off or is of
    another project. A tool's exit code is no verdict, and neither are the error lines of its log.
    """
    text = read_log(log)
    marker = COMPLETED.get(stage)
    if marker is not None and marker not in text:
        raise ToolError(f"{stage}: the tool ended before the stage was through")
    if stage is VendorStage.EXPORT:
        packed = sorted(solution(project, top).glob("impl/**/*.zip")) + sorted(solution(project, top).glob("*.zip"))
        if not packed or packed[0].stat().st_size == 0:
            raise ToolError(f"export: no packed IP below {solution(project, top)}/impl")
        return [], remarks(text), packed[0].relative_to(project).as_posix()
    folder = {
        VendorStage.CSYNTH: solution(project, top) / "syn" / "report",
        VendorStage.COSIM: solution(project, top) / "sim" / "report",
        VendorStage.VSYNTH: project / "vivado_synth.rpt",
    }[stage]
    if not folder.exists():
        raise ToolError(f"{stage}: no report at {folder}")
    found = discover([project])
    below = f"{folder}".rstrip("/")
    damaged = [failure for failure in found.failures if failure.source_file.startswith(below)]
    if damaged:
        raise ReportError(f"{stage}: {damaged[0].source_file}: {damaged[0].message}")
    runs = [
        run
        for run in found.runs
        if run.provenance.stage == _STAGE_OF[stage] and run.role in (Role.TOP, Role.CORE)
        and run.provenance.source_file.startswith(below)
    ]  # fmt: skip
    if not runs:
        raise ToolError(f"{stage}: no report of '{top}' at {folder}")
    # The top carries the digest of its design: a report of another top is one of another design.
    run = next((run for run in runs if run.module == top), None)
    if run is None:
        raise ReportError(f"{stage}: the report is of {brief(runs[0].module)}, not of this design's top '{top}'")
    # What an earlier run left was removed before this one, so a clock that was set back makes no report stale.
    # Reports of the same top that contradict each other are runs of their own, and only the second one says so.
    doubts = [
        note
        for each in runs
        if each.module == run.module
        for note in each.notes
        if note.kind in STALE_KINDS and note.kind is not NoteKind.OLDER_THAN_CSYNTH
    ]
    if doubts:
        raise ReportError(f"{stage}: the report is not of this project: {doubts[0].text}")
    if run.simulation is not None and run.simulation.passed is not True:
        raise ToolError(f"cosim: the tool's verdict is '{run.simulation.status}'")
    if stage is VendorStage.COSIM and not _rtl_results(project, top):
        raise ToolError(f"cosim: the RTL's outputs are missing: no {RTL_RESULTS_FILE}")
    version = logged_version(log) or next(
        (log_run.tool_version for log_run in found.logs if log_run.tool_version), None
    )
    _keep(folder, project, kept)
    return _figures(run, project, shown, version), remarks(text), None


def _rtl_results(project: Path, top: str) -> Path | None:
    """The file of the RTL's outputs: where hls4ml's script looks for it, or where the simulator was run."""
    named = project / RTL_RESULTS_FILE
    if named.is_file():
        return named
    return next(iter(sorted((solution(project, top) / "sim").glob(f"**/{named.name}"))), None)


def rtl_results(project: Path, top: str) -> Path:
    """The same. Raises ToolError where there is none."""
    found = _rtl_results(project, top)
    if found is None:
        raise ToolError(f"cosim: the RTL's outputs are missing: no {RTL_RESULTS_FILE}")
    return found


def _keep(source: Path, project: Path, kept: Path) -> None:
    """Copies the reports: the next stage may write over them, and they are the evidence of the figures."""
    with storage_errors(kept):
        shutil.rmtree(kept, ignore_errors=True)
        files = [source] if source.is_file() else sorted(path for path in source.rglob("*") if path.is_file())
        for path in files:
            target = kept / path.relative_to(project)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)


def _figures(run: Run, project: Path, shown: str, version: str | None) -> list[FigureRecord]:
    source = Path(run.provenance.source_file).resolve().relative_to(project.resolve())
    common = {
        "stage": str(run.provenance.stage),
        "tool": run.provenance.tool or "unknown",
        "tool_version": run.provenance.tool_version or version,
        "part": run.provenance.part,
        "source_file": f"{shown}/{source.as_posix()}",
    }
    whole = FigureRecord(
        **common, **_values(run.resources, run.latency, run.clock), notes=[note.text for note in run.notes]
    )
    modules = [FigureRecord(**common, module=module.path, **_module(module)) for module in run.modules if module.depth]
    return [whole, *modules]


def _module(module: Module) -> dict[str, int | float | None]:
    return _values(module.resources, module.latency, module.clock)


def _values(resources: Resources | None, latency: Latency | None, clock: Clock | None) -> dict[str, int | float | None]:
    values: dict[str, int | float | None] = {}
    if resources is not None:
        values.update({name: getattr(resources, name) for name in _RESOURCES})
    if latency is not None:
        values.update({name: getattr(latency, name) for name in (
            "latency_min_cycles", "latency_max_cycles", "interval_min_cycles", "interval_max_cycles"
        )})  # fmt: skip
    if clock is not None:
        values.update(clock_target_ns=clock.target_ns, clock_achieved_ns=clock.achieved_ns, slack_ns=clock.slack_ns)
    return values
