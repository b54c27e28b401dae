"""build(): from a trained model to an exact, C-simulated HLS project and its record."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsflow.errors import HlsflowError, MismatchError
from hlsflow.log import Log
from hlsflow.plan import BuildRequest, Plan, make_plan
from hlsflow.record import BuildRecord, read_record
from hlsflow.session import Session, load_network_step
from hlsflow.stages import (
    MODULES,
    StageFailed,
    check_network,
    check_request,
    collect,
    drop_damaged,
    run_stage,
    stage_inputs,
)
from hlsflow.steps import Steps
from hlsflow.verdict import complaint
from hlsflow.workspace import Workspace, storage_errors, write_text

if TYPE_CHECKING:
    from hlsflow.conversion.lint import Linted
    from hlsflow.conversion.network import Network


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildResult:
    """The record, where it was written, the HLS project, and whether anything had to be done."""

    record: BuildRecord
    record_path: Path
    project: Path
    unchanged: bool


def build(workspace: Workspace, request: BuildRequest, log: Log) -> BuildResult:
    """Builds a model. Raises MismatchError where the gate fails, after the record was written."""
    plan = make_plan(workspace, request)
    folder = workspace.build / plan.name
    record_path = workspace.reports / plan.name / "build.json"
    with locked(folder, log):
        steps = Steps(folder=folder, log=log)
        steps.clean()
        for torn in record_path.parent.glob(".*.partial"):
            torn.unlink(missing_ok=True)
        for stage in drop_damaged(folder):
            log.warn(f"{folder / stage}: damaged, so it is made anew where it is asked for")
        stages = _wanted_stages(request)
        known = _known_record(plan, steps, record_path, stages)
        if known is not None:
            log.line(f"{plan.name}: nothing changed since the last build (inputs {plan.digest[:12]}), nothing to do")
            _raise_unless_passed(known, record_path, request)
            return BuildResult(record=known, record_path=record_path, project=folder / "hls", unchanged=True)
        if plan.samples.substitute:
            log.warn(f"verifying on {plan.samples.source}")
        check_request(stages, plan)
        record, hls = _verified(plan, steps, log, stages)
        record = _completed(record, plan, folder, record_path)
        _raise_unless_passed(record, record_path, request)
        failure: StageFailed | None = None
        for stage, options in stages.items():
            try:
                run_stage(stage, plan, hls, steps, options)
            except StageFailed as error:
                failure = failure or error
        record = _completed(record, plan, folder, record_path)
        if failure is not None:
            raise failure
        return BuildResult(record=record, record_path=record_path, project=hls, unchanged=False)


def _completed(record: BuildRecord, plan: Plan, folder: Path, path: Path) -> BuildRecord:
    """The record with the figures of every stage that was run on this project by now, written."""
    figures, states = collect(plan, folder)
    record = record.model_copy(update={"figures": figures, "stages": states})
    _write(record, path)
    return record


def _wanted_stages(request: BuildRequest) -> dict[str, Mapping[str, Any]]:
    """The stages after the gate, with their options: the estimate always, a synthesis where it was asked for."""
    stages: dict[str, Mapping[str, Any]] = {}
    if find_spec(MODULES["estimate"]) is not None:
        stages["estimate"] = {}
    if request.synth is not None:
        stages[request.synth] = request.synth_options
    return stages


def _verified(plan: Plan, steps: Steps, log: Log, stages: Mapping[str, Mapping[str, Any]]) -> tuple[BuildRecord, Path]:
    """The record of the C simulation against Keras, its gate passed or not, and the HLS project.

    What a wanted stage cannot make is refused as soon as the network and its types are known.
    """
    from hlsflow.build_steps.compile import compile_project
    from hlsflow.build_steps.csim import simulate_samples
    from hlsflow.build_steps.hls import write_project
    from hlsflow.build_steps.reference import layer_outputs, write_reference

    session = Session(plan)
    network = load_network_step(plan, steps, session)
    linted = _lint(plan, network, log)
    check_network(stages, plan, network, linted.layers)
    reference = steps.run(
        "reference",
        plan.keys["reference"],
        lambda path, step: write_reference(session, plan.samples, path, step),
        title="keras",
    )
    final = steps.folder / "hls"
    hls = steps.run(
        "hls", plan.keys["hls"], lambda path, step: write_project(plan.config, network, linted, path, final)
    )
    program = steps.run("compile", plan.keys["compile"], lambda path, step: compile_project(plan.compiler, hls, path))
    outputs = steps.run(
        "csim",
        plan.keys["csim"],
        lambda path, step: simulate_samples(plan.recipe, plan.samples, network, linted, hls, program, path, step),
    )
    with log.step("gate") as step:
        from hlsflow.gate import judge
        from hlsflow.witnesses import Evidence

        evidence = Evidence(
            plan=plan,
            network=network,
            layers=linted.layers,
            hls=hls,
            program=program,
            reference=reference,
            outputs=outputs,
            warnings=tuple(str(complaint) for complaint in linted.complaints),
            keras_layers=partial(layer_outputs, session),
            scratch=steps.folder / "trace",
        )
        record = judge(evidence)
        step.detail = "passed" if record.gate.passed else "FAILED"
    return record, hls


def _known_record(plan: Plan, steps: Steps, path: Path, stages: Mapping[str, Mapping[str, Any]]) -> BuildRecord | None:
    """The record of an earlier build with the same inputs, if that build's results are all still there."""
    if not all(steps.up_to_date(name, key) for name, key in plan.keys.items() if name != "record"):
        return None
    try:
        record = read_record(path)
        # A stage that was imported, or whose build was killed before its record was written, has yet to join it.
        figures, states = collect(plan, steps.folder)
    except HlsflowError:
        return None
    if record.digest != plan.digest or not (path.parent / "report.md").is_file():
        return None
    if record.figures != figures or record.stages != states:
        return None
    if record.gate.passed and not all(
        steps.up_to_date(stage, stage_inputs(stage, plan, options)) for stage, options in stages.items()
    ):
        return None
    return record


def _lint(plan: Plan, network: Network, log: Log) -> Linted:
    from hlsflow.conversion.lint import Severity, lint

    with log.step("types") as step:
        linted = lint(network, plan.config)
        linted.raise_errors(str(plan.config_path))
        warnings = linted.of(Severity.WARNING)
        step.detail = f"{len(warnings)} warnings" if warnings else "every accumulator proved wide enough for any input"
    if plan.config.gate.kind == "bounded" and not log.verbose:
        # Types that round are what a bounded gate is for; the report lists them.
        warnings = [warning for warning in warnings if not warning.code.endswith(("-rounds", "-saturates", "-change"))]
    for warning in warnings:
        log.warn(str(warning))
    return linted


def _write(record: BuildRecord, path: Path) -> None:
    from hlsflow.reporting.build_report import markdown

    write_text(path.parent / "report.md", markdown(record))
    write_text(path, record.to_json())


def _raise_unless_passed(record: BuildRecord, path: Path, request: BuildRequest) -> None:
    if record.gate.passed or request.allow_mismatch:
        return
    message, warned = complaint(record)
    hint = warned or f"the whole record: {path}"
    raise MismatchError(message, hint=hint + "\n  --allow-mismatch records this and goes on")


@contextlib.contextmanager
def locked(folder: Path, log: Log) -> Iterator[None]:
    """Holds the build folder: two builds of one model take turns."""
    import fcntl

    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            log.line(f"another build holds {folder}: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
