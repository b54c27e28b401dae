"""Brings back what another machine synthesized: checked against the digests, judged by the same rules, then recorded.

Nothing of an archive is trusted: its texts are matched against patterns before one becomes part of a path, every path
is checked after joining, and what is removed was made here, under a name that no archive gave. What the digests prove
is that the files are what run.sh left, of exactly this design; they are checksums, and nobody signed them.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from hlsflow.building.pipeline import build, locked
from hlsflow.building.plan import BuildRequest, Plan, make_plan
from hlsflow.building.stages import stage_inputs
from hlsflow.building.tools.bench import bench_of
from hlsflow.building.tools.result import write_figures
from hlsflow.building.tools.vendor import failed_state, figures_of, results_of, summary
from hlsflow.foundation.archive import unpack
from hlsflow.foundation.errors import HlsflowError, ReportError, ToolError
from hlsflow.foundation.log import Log
from hlsflow.foundation.safe_names import below, safe_name
from hlsflow.foundation.steps import Steps
from hlsflow.foundation.strict_read import brief
from hlsflow.foundation.workspace import Workspace, storage_errors
from hlsflow.hls.design_files import design_digest, file_hashes
from hlsflow.hls.project import read_project
from hlsflow.packing.pack import MANIFEST, PackedModel, read_manifest
from hlsflow.vendor.command import VendorStage
from hlsflow.vendor.project import bench_digest
from hlsflow.vendor.result import result_path, save_result
from hlsflow.vendor.run_results import Target, check_sums, copy_files, read_status
from hlsflow.vendor.toolchain import Tool
from hlsflow.vendor.work import Work, adopt, make_work, work_folder

_SCRATCH = re.compile(r"\.import\.(\d{1,10})\.\w+\.partial", re.ASCII)


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
        partial = _scratch(scratch)
    try:
        unpack(path, partial)
        yield _with_manifest(partial, path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _scratch(folder: Path) -> Path:
    """A fresh folder in `folder`; those of imports that were killed are removed, ours by name and by process."""
    folder.mkdir(parents=True, exist_ok=True)
    for torn in folder.glob(".import.*.partial"):
        process = _SCRATCH.fullmatch(torn.name)
        if process is not None and not torn.is_symlink() and not Path("/proc", process[1]).exists():
            shutil.rmtree(torn, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f".import.{os.getpid()}.", suffix=".partial", dir=folder))


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
    try:
        with results_folder(path, workspace.build) as root:
            manifest = read_manifest(root / MANIFEST)
            return [_imported(workspace, root, model, log) for model in manifest.models]
    except OSError as error:
        raise ReportError(f"{path}: cannot be read: {error.strerror or error}") from error


def _imported(workspace: Workspace, root: Path, model: PackedModel, log: Log) -> Imported:
    try:
        return _import_model(workspace, root, model, log)
    except HlsflowError as error:
        return Imported(name=model.name, done=(), failures=(error,))
    except (OSError, ValueError, RecursionError) as error:
        # What Python makes of a file that no tool wrote: a number of ten thousand digits, a folder without rights.
        failure = ReportError(f"{model.name}: its results cannot be read: {brief(str(error))}")
        return Imported(name=model.name, done=(), failures=(failure,))


def _import_model(workspace: Workspace, root: Path, model: PackedModel, log: Log) -> Imported:
    config = None if model.config is None else below(workspace.hls_configs, model.config)
    request = BuildRequest(
        model=model.model, changes=dict(model.changes.items()), samples=model.samples, config_path=config
    )
    plan = make_plan(workspace, request)
    if plan.name != model.name:
        raise ReportError(f"{model.name}: what is said of it makes another build, {brief(plan.name)}: refused")
    source = below(root, "models", model.name)
    if not source.is_dir():
        raise ReportError(f"{model.name}: nothing of it in the archive")
    folder = workspace.build / safe_name(plan.name, "the build's name")
    hls = folder / "hls"
    with locked(folder, log):
        steps = Steps(folder=folder, log=log)
        target = _target(plan, hls, steps, model)
        base = (folder / f"synthesis-{target.kind}").resolve()
        with storage_errors(base):
            partial = _scratch(base)
        try:
            copy_files(source, partial)
            _check_sources(plan, partial, model)
            stages = _by_version(partial, target)
            if not stages:
                raise ReportError(
                    f"{model.name}: no stage was run there: {source}", hint="sh run.sh on a machine with the tools"
                )
            for found in stages.values():
                for stage in found:
                    check_sums(partial, stage, target)
            done: list[VendorStage] = []
            failures: list[HlsflowError] = []
            for version, found in stages.items():
                work, failed = _take_over(plan, hls, partial, model, target, version, found)
                done += work.finished()
                failures += failed
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        results = results_of(hls, target.kind, target.design, plan.name, target.top)
        state = failed_state(failures[0], results, workspace.root) if failures else summary(results)
        options = {"tool": target.kind, "stages": [str(stage) for stage in results]}
        inputs = stage_inputs(target.kind, plan, target.design, options) | ({"failed": state} if failures else {})

        def record(target: Path, step: object) -> str:
            write_figures(target, figures_of(results), state)
            return state

        steps.run(target.kind, inputs, record)
    # The record of exactly this build is completed; one of other inputs is made anew first.
    build(workspace, request, log)
    return Imported(name=plan.name, done=tuple(dict.fromkeys(done)), failures=tuple(failures))


def _target(plan: Plan, hls: Path, steps: Steps, model: PackedModel) -> Target:
    """What the results must be of: the project that is built here, of the configuration as it is now.

    Raises ReportError where they are of another one.
    """
    if not hls.is_dir():
        raise ReportError(f"{plan.name}: there is no HLS project at {hls}", hint=_command(plan))
    if not steps.up_to_date("hls", plan.keys["hls"]):
        raise ReportError(
            f"{plan.name}: the HLS project here is of another model or configuration than those are now",
            hint=f"{_command(plan)}, and import again: results of the same project are taken",
        )
    here = design_digest(hls)
    if here != model.design:
        mine = file_hashes(hls)
        names = sorted({*mine, *model.files})
        other = [name for name in names if mine.get(name) != model.files.get(name)]
        first = f": {len(other)} files differ, first {other[0]}" if other else ""
        raise ReportError(
            f"{plan.name}: these results are of another project (digest {model.design[:12]}, here {here[:12]}){first}",
            hint="the model or its configuration was changed since it was packed: pack it again",
        )
    found = Target(kind=plan.config.backend.lower(), top=read_project(hls).top, design=here)
    stated = (model.tool, model.top, model.part, model.clock_period_ns)
    if stated != (found.kind, found.top, plan.config.part, plan.config.clock_period_ns):
        raise ReportError(f"{plan.name}: the manifest names another tool, top, part or clock than the project has")
    return found


def _command(plan: Plan) -> str:
    """The command that builds a plan."""
    return f"hlsflow build --model {plan.model.name}{'' if plan.request is None else f' {plan.request.options}'}"


def _check_sources(plan: Plan, folder: Path, model: PackedModel) -> None:
    """Raises ReportError where what was synthesized there is not what was packed."""
    try:
        there = file_hashes(folder / "project")
    except ToolError as error:
        raise ReportError(f"{plan.name}: the sources are not whole: {error.message}") from error
    changed = sorted(name for name in {*there, *model.files} if there.get(name) != model.files.get(name))
    if changed:
        raise ReportError(f"{plan.name}: the sources were changed where they were synthesized: {brief(changed[0])}")
    if bench_digest(folder / "project") != model.bench:
        raise ReportError(f"{plan.name}: the samples of the test bench were changed where they were synthesized")


def _by_version(folder: Path, target: Target) -> dict[str | None, dict[VendorStage, Tool]]:
    """The stages that were run there, by the version of the tool. Raises ReportError for a status of another design."""
    found: dict[str | None, dict[VendorStage, Tool]] = {}
    for stage in VendorStage:
        tool = read_status(folder, stage, target)
        if tool is not None:
            found.setdefault(tool.version, {})[stage] = tool
    return found


def _take_over(
    plan: Plan, hls: Path, source: Path, model: PackedModel, target: Target, version: str | None,
    stages: dict[VendorStage, Tool],
) -> tuple[Work, list[HlsflowError]]:  # fmt: skip
    """Judges the stages in a copy beside their place, and puts it there; the place never holds half of them."""
    _, ports = bench_of(plan, read_project(hls), model.cosim_samples)
    base = source.parent
    place = below(base, work_folder(base, target.design, version, imported=True).name)
    with storage_errors(base):
        partial = _scratch(base)
    try:
        for name in ("project", "runs"):
            copy_files(source / name, partial / name)
        shown = make_work(place, target.design, target.top, plan.name).shown
        work = replace(make_work(partial, target.design, target.top, plan.name), shown=shown)
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
        _keep_earlier(make_work(place, target.design, target.top, plan.name), work)
        with storage_errors(place):
            _put(partial, place)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return make_work(place, target.design, target.top, plan.name), failures


def _keep_earlier(earlier: Work, work: Work) -> None:
    """Takes over the stages that an earlier import of the same design and version brought, and this one does not."""
    missing = earlier.finished().keys() - work.finished().keys()
    for stage in missing:
        kept = result_path(earlier.folder, stage)
        if kept.with_suffix("").is_dir():
            copy_files(kept.with_suffix(""), result_path(work.folder, stage).with_suffix(""))
        save_result(work.folder, earlier.finished()[stage])
    if missing:
        copy_files(earlier.project, work.project)


def _put(partial: Path, place: Path) -> None:
    """Puts a folder that was made here in its place. What stood there goes into a fresh folder, which is removed."""
    doomed = None
    if os.path.lexists(place):
        doomed = _scratch(place.parent)
        os.rename(place, doomed / "earlier")
    os.rename(partial, place)
    if doomed is not None:
        shutil.rmtree(doomed, ignore_errors=True)
