"""Brings back what another machine synthesized: checked against the digest, judged by the same rules, then recorded."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hlsflow.conversion.project import read_project
from hlsflow.errors import HlsflowError, ReportError
from hlsflow.log import Log
from hlsflow.pipeline import build, locked
from hlsflow.plan import BuildRequest, Plan, make_plan
from hlsflow.stages import stage_inputs, write_figures
from hlsflow.steps import Steps
from hlsflow.synthesis.archive import unpack
from hlsflow.synthesis.pack import MANIFEST, PackedModel, read_manifest
from hlsflow.synthesis.toolchain import Tool
from hlsflow.synthesis.vendor_bench import bench_of
from hlsflow.synthesis.vendor_command import VendorStage
from hlsflow.synthesis.vendor_project import bench_digest, design_digest, file_hashes
from hlsflow.synthesis.vendor_stage import failed_state, figures_of, results_of, summary
from hlsflow.synthesis.vendor_work import Work, adopt, make_work, work_folder
from hlsflow.workspace import Workspace, storage_errors


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """What became of one model of an archive: the stages taken over, and the failures, each in words."""

    name: str
    done: tuple[VendorStage, ...]
    failures: tuple[HlsflowError, ...]


@contextmanager
def results_folder(path: Path, scratch: Path) -> Iterator[Path]:
    """The folder that holds the manifest: `path` itself, or an archive unpacked for as long as it is needed.

    Raises UsageError where there is none, ReportError where it is damaged or no result of a pack.
    """
    if path.is_dir():
        yield _with_manifest(path)
        return
    with storage_errors(scratch):
        scratch.mkdir(parents=True, exist_ok=True)
        for torn in scratch.glob(".import.*.partial"):
            # of an import that was killed: its process is named, and is gone
            if not Path("/proc", torn.name.split(".")[2]).exists():
                shutil.rmtree(torn, ignore_errors=True)
        partial = Path(tempfile.mkdtemp(prefix=f".import.{os.getpid()}.", suffix=".partial", dir=scratch))
    try:
        unpack(path, partial)
        yield _with_manifest(partial, path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _with_manifest(folder: Path, named: Path | None = None) -> Path:
    inner = [folder, *sorted(entry for entry in folder.iterdir() if entry.is_dir())]
    found = next((entry for entry in inner if (entry / MANIFEST).is_file()), None)
    if found is None:
        raise ReportError(f"{named or folder}: no {MANIFEST}: it is no result of 'hlsflow pack'")
    return found


def import_results(workspace: Workspace, path: Path, log: Log) -> list[Imported]:
    """Takes over the results of every model that a folder or an archive holds; one model's failure stops no other.

    Raises UsageError or ReportError where the archive itself cannot be used.
    """
    with results_folder(path, workspace.build) as root:
        manifest = read_manifest(root / MANIFEST)
        found = []
        for model in manifest.models:
            try:
                found.append(_import_model(workspace, root / "models" / model.name, model, log))
            except HlsflowError as error:
                found.append(Imported(name=model.name, done=(), failures=(error,)))
        return found


def _import_model(workspace: Workspace, source: Path, model: PackedModel, log: Log) -> Imported:
    request = BuildRequest(model=model.model, changes=model.changes, samples=model.samples)
    plan = make_plan(workspace, request)
    folder = workspace.build / plan.name
    hls = folder / "hls"
    with locked(folder, log):
        _check_same(plan, hls, source, model)
        done: list[VendorStage] = []
        failures: list[HlsflowError] = []
        for version, stages in _by_version(source, model).items():
            work, failed = _take_over(plan, hls, source, model, version, stages)
            done += work.finished()
            failures += failed
        if not done and not failures:
            raise ReportError(
                f"{model.name}: no stage was run there: {source}", hint="sh run.sh on a machine with the tools"
            )
        results = results_of(hls, model.tool, model.design, plan.name, model.top)
        state = failed_state(failures[0], results, workspace.root) if failures else summary(results)
        options = {"tool": model.tool, "stages": [str(stage) for stage in results]}
        steps = Steps(folder=folder, log=log)
        inputs = stage_inputs(model.tool, plan, model.design, options) | ({"failed": state} if failures else {})

        def record(target: Path, step: object) -> str:
            write_figures(target, figures_of(results), state)
            return state

        steps.run(model.tool, inputs, record)
    # The record of exactly this build is completed; one of other inputs is made anew first.
    build(workspace, request, log)
    return Imported(name=plan.name, done=tuple(dict.fromkeys(done)), failures=tuple(failures))


def _check_same(plan: Plan, hls: Path, source: Path, model: PackedModel) -> None:
    if not hls.is_dir():
        raise ReportError(f"{plan.name}: there is no HLS project at {hls}", hint=f"hlsflow build --model {plan.model}")
    here = design_digest(hls)
    if here != model.design:
        mine = file_hashes(hls)
        names = sorted({*mine, *model.files})
        other = [name for name in names if mine.get(name) != model.files.get(name)]
        raise ReportError(
            f"{plan.name}: these results are of another project (digest {model.design[:12]}, here {here[:12]}): "
            f"{len(other)} files differ, first {other[0]}",
            hint="the model or its configuration was changed since it was packed: pack it again",
        )
    there = file_hashes(source / "project")
    changed = sorted(name for name in {*there, *model.files} if there.get(name) != model.files.get(name))
    if changed:
        raise ReportError(f"{plan.name}: the sources were changed where they were synthesized: {changed[0]}")
    if bench_digest(source / "project") != model.bench:
        raise ReportError(f"{plan.name}: the samples of the test bench were changed where they were synthesized")


def _by_version(source: Path, model: PackedModel) -> dict[str | None, dict[VendorStage, Tool]]:
    """The stages that were run there, by the version of the tool. Raises ReportError for a status of another design."""
    found: dict[str | None, dict[VendorStage, Tool]] = {}
    for stage in VendorStage:
        path = source / "runs" / f"{stage}.status"
        if not path.is_file():
            continue
        said = dict(line.split("=", 1) for line in path.read_text(errors="replace").splitlines() if "=" in line)
        if said.get("design") != model.design:
            raise ReportError(f"{path}: of another project (digest {str(said.get('design'))[:12]})")
        version = said.get("version")
        version = None if version in (None, "", "unknown") else version
        tool = Tool(name=said.get("tool", "unknown"), path=Path("elsewhere"), version=version, found_by="imported")
        found.setdefault(version, {})[stage] = tool
    return found


def _take_over(
    plan: Plan, hls: Path, source: Path, model: PackedModel, version: str | None, stages: dict[VendorStage, Tool]
) -> tuple[Work, list[HlsflowError]]:
    """Judges the stages in a copy beside their place, and puts it there; the place never holds half of them."""
    project = read_project(hls)
    _, ports = bench_of(plan, project, model.cosim_samples)
    place = work_folder(hls.parent / f"synthesis-{model.tool}", model.design, version, imported=True)
    with storage_errors(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{place.name}.", suffix=".partial", dir=place.parent))
    try:
        for torn in place.parent.glob(".*.partial"):
            if torn != partial:
                shutil.rmtree(torn, ignore_errors=True)
        with storage_errors(partial):
            # A link in a folder that was brought by hand is not followed, and not taken.
            shutil.copytree(source / "project", partial / "project", symlinks=True, ignore=_links)
            shutil.copytree(source / "runs", partial / "runs", symlinks=True, ignore=_links)
        work = make_work(partial, model.design, model.top, plan.name)
        shown = make_work(place, model.design, model.top, plan.name).shown
        work = Work(folder=work.folder, design=work.design, top=work.top, shown=shown)
        failures: list[HlsflowError] = []
        for stage, tool in stages.items():
            log = place / "runs" / f"{stage}.log"
            try:
                adopt(work, stage, partial / "runs" / f"{stage}.log", ports, tool)
            except HlsflowError as error:
                hint = None if error.hint is None else error.hint.replace(str(partial), str(place))
                failures.append(
                    type(error)(error.message.replace(str(partial), str(place)), hint=hint or f"log: {log}")
                )
        with storage_errors(place):
            if place.exists():
                shutil.rmtree(place)
            os.rename(partial, place)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return make_work(place, model.design, model.top, plan.name), failures


def _links(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if os.path.islink(os.path.join(folder, name))}
