"""The folder in which AMD's tools work on one design, and how one stage of theirs is done in it.

build/<name>/synthesis-vitis/<design>-<version>/
    project/              the copy that the tools see and fill
    runs/csynth-001/      tool.log, replay.sh: every attempt is kept
    results/csynth.json   what a stage gave that is through, and results/csynth/ its reports
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from hlsflow.foundation.errors import HlsflowError, MismatchError, ReportError, StorageError, ToolError
from hlsflow.foundation.log import Step
from hlsflow.hls.design_files import SCRIPT
from hlsflow.processes.process import Finished
from hlsflow.vendor import cosim as vendor_cosim
from hlsflow.vendor.command import VendorStage, stage_command, write_files
from hlsflow.vendor.cosim import Expected
from hlsflow.vendor.diagnosis import explain
from hlsflow.vendor.project import Bench, bench_digest, has_rtl, prepare, remove_stale
from hlsflow.vendor.result import StageResult, judge, load_result, result_path, rtl_results, save_result
from hlsflow.vendor.run import LEASE_FILE, Limits, end_leftovers, run_stage_command
from hlsflow.vendor.run_results import NOTE as IMPORTED_NOTE
from hlsflow.vendor.run_results import check_versions, logged_version
from hlsflow.vendor.toolchain import Tool, Toolchain, environment, version_key


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """A synthesis folder of one design. `shown` is its path as figures name it, below the workspace."""

    folder: Path
    design: str
    top: str
    shown: str

    @property
    def project(self) -> Path:
        return self.folder / "project"

    def finished(self) -> dict[VendorStage, StageResult]:
        """The results of the stages that are through, in their order."""
        found = {stage: load_result(self.folder, stage, self.design) for stage in VendorStage}
        return {stage: result for stage, result in found.items() if result is not None}

    def missing(self, wanted: tuple[VendorStage, ...], bench: Bench | None) -> list[VendorStage]:
        """Which of the wanted stages have yet to be done; a co-simulation of other samples has."""
        done = self.finished()
        digest = None if bench is None else hashlib.sha256(bench.text.encode()).hexdigest()
        if VendorStage.COSIM in done and VendorStage.COSIM in wanted and done[VendorStage.COSIM].bench != digest:
            del done[VendorStage.COSIM]
        missing = [stage for stage in wanted if stage not in done]
        started_from_rtl = any(stage is not VendorStage.CSYNTH for stage in missing)
        if started_from_rtl and VendorStage.CSYNTH not in missing and not has_rtl(self.project, self.top):
            # Imported, or moved away: what follows needs the RTL itself.
            missing.insert(0, VendorStage.CSYNTH)
        return missing


def work_folder(base: Path, design: str, version: str | None, *, imported: bool = False) -> Path:
    """The folder of a design and a tool's version below `build/<name>/synthesis-<tool>`.

    What came from elsewhere never mixes with what the tools of this machine left.
    """
    return base / f"{design[:12]}-{version or 'unknown'}{'-imported' if imported else ''}"


def works(base: Path, design: str, top: str, name: str) -> list[Work]:
    """The synthesis folders of a design that are there, the newest tool first."""
    folders = sorted(
        base.glob(f"{design[:12]}-*"), key=lambda path: _version_in(path.name.partition("-")[2]), reverse=True
    )
    return [make_work(folder, design, top, name) for folder in folders if folder.is_dir()]


def _version_in(text: str) -> tuple[int, ...]:
    version = text.removesuffix("-imported")
    return version_key(version) if version.replace(".", "").isdigit() else ()


def make_work(folder: Path, design: str, top: str, name: str) -> Work:
    """The folder as a value; `name` is the build's, as in `build/<name>`."""
    return Work(folder=folder, design=design, top=top, shown=f"build/{name}/{folder.parent.name}/{folder.name}/project")


def do_stage(
    work: Work, stage: VendorStage, hls: Path, tool: Tool, toolchain: Toolchain, bench: Bench | None,
    ports: tuple[Expected, ...], limits: Limits, step: Step,
) -> StageResult:  # fmt: skip
    """Runs one stage and keeps its result. Raises ToolError, MismatchError or ReportError with the diagnosis.

    What an earlier run left of this stage, a stale report or a process, is gone before it starts.
    """
    for lease in work.folder.glob(f"runs/*/{LEASE_FILE}"):
        end_leftovers(lease)
    for torn in (*work.folder.glob("results/.*.partial"), *work.folder.glob("runs/*/.*.partial")):
        torn.unlink(missing_ok=True)
    prepare(hls, work.project, bench)
    remove_stale(work.project, work.top, stage)
    if stage is VendorStage.CSYNTH:
        # All that follows was made of the RTL that is now made anew.
        for later in VendorStage:
            _forget(work, later)
    vivado = toolchain.vivado_of(tool)
    if stage is VendorStage.VSYNTH and vivado is None:
        others = [str(other) for other in toolchain.tools if other.name == "vivado"]
        if others:
            raise ToolError(
                f"vsynth: no vivado {tool.version}, which belongs to {tool}: there is {', '.join(others)}",
                hint="a vivado on PATH (source its settings64.sh) is taken whatever its version",
            )
        raise ToolError(
            f"vsynth: vivado was not found (searched {', '.join(toolchain.searched)})",
            hint="logic synthesis is Vivado's: source its settings64.sh, or leave vsynth out of --stages",
        )
    command = stage_command(stage, (work.project / SCRIPT).read_text(), tool, vivado)
    write_files(command, work.project)
    attempt = _attempt(work.folder / "runs", stage)
    environ = environment(tool, toolchain)
    finished: Finished | None = None
    stopped: ToolError | None = None
    try:
        finished = run_stage_command(command, work.project, attempt, environ, limits, step)
    except ToolError as error:
        # A tool that hangs after its last report (its talk home, its licence) has done its work.
        stopped = error
    program = vivado if stage is VendorStage.VSYNTH else tool
    assert program is not None
    try:
        result = _result(work, stage, attempt / "tool.log", ports, program, finished, "here")
    except StorageError:
        raise
    except HlsflowError as error:
        if stopped is not None:
            raise stopped from error
        raise _explained(stage, error, attempt / "tool.log", finished) from error
    save_result(work.folder, result)
    return result


def _forget(work: Work, stage: VendorStage) -> None:
    result_path(work.folder, stage).unlink(missing_ok=True)


def _attempt(runs: Path, stage: VendorStage) -> Path:
    numbers = [int(path.name.rpartition("-")[2]) for path in runs.glob(f"{stage}-[0-9]*")]
    return runs / f"{stage}-{max(numbers, default=0) + 1:03d}"


def _result(
    work: Work, stage: VendorStage, log: Path, ports: tuple[Expected, ...], tool: Tool, finished: Finished | None,
    origin: str,
) -> StageResult:  # fmt: skip
    figures, remarks, ip = judge(
        stage, work.project, work.top, log, kept=work.folder / "results" / str(stage), shown=work.shown
    )
    if stage is VendorStage.COSIM and ports:
        remarks = [vendor_cosim.compare(rtl_results(work.project, work.top), ports), *remarks]
    if origin == "here" and finished is None:
        remarks.append("the tool was ended after it had written its result: it did not end by itself")
    elif finished is not None and finished.returncode != 0:
        remarks.append(f"the tool ended with {finished.returncode} after it had written its result")
    if origin == "imported":
        logged = logged_version(log)
        check_versions(stage, tool.version, logged, figures[0].tool_version if figures else None)
        tool = replace(tool, version=tool.version or logged)
        remarks.append(IMPORTED_NOTE)
    # Reports of Vitis 2024.2 and later still say Vitis HLS, whichever program was run; that one was.
    figures = [figure.model_copy(update={"tool": tool.name}) for figure in figures]
    if figures:
        first = figures[0].model_copy(
            update={
                "notes": [*figures[0].notes, *remarks],
                "tool_version": figures[0].tool_version or tool.version,
                "samples": len(ports[0].csim) if stage is VendorStage.COSIM and ports else None,
            }
        )
        figures = [first, *figures[1:]]
    return StageResult(
        stage=stage, design=work.design, bench=bench_digest(work.project) if stage is VendorStage.COSIM else None,
        tool=tool.name, tool_version=tool.version, origin=origin,
        seconds=None if finished is None else round(finished.seconds, 1), figures=figures, remarks=remarks, ip=ip,
    )  # fmt: skip


def adopt(work: Work, stage: VendorStage, log: Path, ports: tuple[Expected, ...], tool: Tool) -> StageResult:
    """Judges a stage that another machine ran in `work.project`, and keeps its result. Raises as `do_stage` does."""
    try:
        result = _result(work, stage, log, ports, tool, None, "imported")
    except StorageError:
        raise
    except HlsflowError as error:
        raise _explained(stage, error, log, None) from error
    save_result(work.folder, result)
    return result


def _explained(stage: VendorStage, error: HlsflowError, log: Path, finished: Finished | None) -> HlsflowError:
    """The failure with its cause: what the tool's log says goes before what its absent reports say."""
    if isinstance(error, MismatchError):
        return error
    if isinstance(error, ReportError):
        return ReportError(error.message, hint=f"run it again: it starts with this stage\n  log: {log}")
    code, said = explain(log, None if finished is None else finished.returncode)
    if code == "undiagnosed":
        return ToolError(error.message, hint=said)
    first, _, rest = said.partition("\n")
    return ToolError(f"{stage}: {first}", hint=rest.strip() or None)


def options_of(options: Mapping[str, object]) -> tuple[VendorStage, ...]:
    """The stages that a request's options name; C synthesis alone where they name none."""
    names = options.get("stages") or [VendorStage.CSYNTH]
    assert isinstance(names, (list, tuple))
    return tuple(VendorStage(str(name)) for name in names)
