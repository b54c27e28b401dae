"""build(): from a trained model to an exact, C-simulated HLS project and its record."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsflow.building.kept import copy_kept
from hlsflow.building.plan import BuildRequest, Plan, make_plan
from hlsflow.building.session import Session
from hlsflow.building.stages import (
    check_network,
    check_request,
    collect,
    drop_damaged,
    of_other_designs,
    run_stage,
    stage_inputs,
)
from hlsflow.building.steps.network import load_network_step
from hlsflow.building.tools.result import StageFailed
from hlsflow.foundation import interrupts
from hlsflow.foundation.errors import HlsflowError, MismatchError, ReportError
from hlsflow.foundation.log import Log
from hlsflow.foundation.steps import Steps, digest
from hlsflow.foundation.workspace import Workspace, storage_errors, write_text
from hlsflow.hls.design_files import DESIGN_FILE, design_digest
from hlsflow.records.evidence_files import RECORD_FILE, Publication, own_record_path, publication
from hlsflow.records.record import BuildRecord, check_target, read_record
from hlsflow.records.verdict import complaint

if TYPE_CHECKING:
    from hlsflow.hls.lint import Linted
    from hlsflow.network.graph import Network


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildResult:
    """The record of this run, the path of the one it joined, the HLS project, whether anything had to be done."""

    record: BuildRecord
    record_path: Path
    project: Path
    unchanged: bool


def build(workspace: Workspace, request: BuildRequest, log: Log) -> BuildResult:
    """Builds a model. Raises MismatchError where the gate fails, after the record was written."""
    plan = make_plan(workspace, request)
    folder = workspace.build / plan.name
    reports = workspace.reports / plan.name
    record_path = reports / RECORD_FILE
    with locked(folder, log):
        steps = Steps(folder=folder, log=log)
        steps.clean()
        for torn in reports.rglob(".*.partial"):
            torn.unlink(missing_ok=True)
        for stage in drop_damaged(folder):
            log.warn(f"{folder / stage}: damaged, so it is made anew where it is asked for")
        stages = _wanted_stages(request)
        known = _known_record(plan, steps, reports, stages, request)
        if known is not None:
            record, said = known
            log.line(f"{plan.name}: nothing changed since the last build (inputs {plan.digest[:12]}), nothing to do")
            _tell(said, log)
            _raise_unless_passed(record, own_record_path(folder), request)
            return BuildResult(record=record, record_path=record_path, project=folder / "hls", unchanged=True)
        if plan.samples.substitute:
            log.warn(f"verifying on {plan.samples.source}")
        check_request(stages, plan)
        record, hls = _verified(plan, steps, log, stages)
        design = record.design
        assert design is not None
        record, said = _completed(record, plan, folder, reports)
        if request.allow_mismatch or record.gate.passed:
            failure: StageFailed | None = None
            for stage, options in stages.items():
                try:
                    run_stage(stage, plan, hls, design, steps, options)
                except StageFailed as error:
                    failure = failure or error
            record, said = _completed(record, plan, folder, reports)
            _tell(said, log)
            for stage in of_other_designs(design, folder):
                log.line(f"{plan.name}: the results of '{stage}' are of another design than this one: not recorded")
            if failure is not None:
                raise failure
        else:
            _tell(said, log)
        _raise_unless_passed(record, own_record_path(folder), request)
        return BuildResult(record=record, record_path=record_path, project=hls, unchanged=False)


def _completed(
    record: BuildRecord, plan: Plan, folder: Path, reports: Path
) -> tuple[BuildRecord, Publication]:  # fmt: skip
    """The record with the figures of every stage that was run on this design by now, joined with what is known of it.

    The run's own record is written last: without it the next run does all this again.
    """
    assert record.design is not None
    figures, states = collect(record.design, folder)
    record = record.model_copy(update={"figures": figures, "stages": states})
    check_target(record, str(folder))
    said = publication(reports, record)
    said.carry_out()
    write_text(own_record_path(folder), record.to_json())
    return record, said


def _tell(said: Publication, log: Log) -> None:
    for text in said.warnings:
        log.warn(text)
    for text in said.said:
        log.line(text)


def _kept_text(plan: Plan) -> str:
    made_by = plan.keys["network"]["versions"]
    packages = ", ".join(f"{name} {made_by[name]}" for name in made_by if name not in ("python", "hls4ml", "numpy"))
    return (
        f"no {', no '.join(plan.model.front_end.needs.missing)} here: {' and '.join(plan.kept)} as Python "
        f"{made_by['python']} with {packages} made them"
    )


def _wanted_stages(request: BuildRequest) -> dict[str, Mapping[str, Any]]:
    """The stages after the gate, with their options: the estimate always, a synthesis where it was asked for."""
    stages: dict[str, Mapping[str, Any]] = {"estimate": {}}
    if request.synth is not None:
        stages[request.synth] = request.synth_options
    return stages


def _verified(plan: Plan, steps: Steps, log: Log, stages: Mapping[str, Mapping[str, Any]]) -> tuple[BuildRecord, Path]:
    """The record of the C simulation against Keras, its gate passed or not, and the HLS project.

    What a wanted stage cannot make is refused as soon as the network and its types are known.
    """
    from hlsflow.building.steps.compile import compile_project
    from hlsflow.building.steps.csim import simulate_samples
    from hlsflow.building.steps.hls import write_project
    from hlsflow.building.steps.reference import layer_outputs, write_reference

    session = Session(plan.model)
    if plan.kept:
        log.line(f"  {_kept_text(plan)}")
    network = load_network_step(plan, steps, session)
    linted = _lint(plan, network, log)
    check_network(stages, plan, network, linted.layers)
    reference = steps.run(
        "reference",
        plan.keys["reference"],
        lambda path, step: (
            copy_kept(plan.kept["reference"], "reference", path)
            if "reference" in plan.kept
            else write_reference(session, plan.samples, path, step)
        ),
        title=plan.model.front_end.name,
    )
    final = steps.folder / "hls"
    hls = steps.run(
        "hls", plan.keys["hls"], lambda path, step: write_project(plan.config, network, linted, path, final)
    )
    design = design_of(hls)
    program = steps.run("compile", plan.keys["compile"], lambda path, step: compile_project(plan.compiler, hls, path))
    outputs = steps.run(
        "csim",
        plan.keys["csim"],
        lambda path, step: simulate_samples(plan.samples, network, linted, hls, program, path, step),
    )
    with log.step("gate") as step:
        from hlsflow.building.gate import judge
        from hlsflow.building.witnesses import Evidence

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
        record = judge(evidence).model_copy(
            update={"design": design, "reference": reference_of(plan), "request": plan.request}
        )
        step.detail = "passed" if record.gate.passed else "FAILED"
    return record, hls


def _known_record(
    plan: Plan, steps: Steps, reports: Path, stages: Mapping[str, Mapping[str, Any]], request: BuildRequest
) -> tuple[BuildRecord, Publication] | None:
    """The record of an earlier run with the same inputs, if all that it gave is still there and published."""
    if not all(steps.up_to_date(name, key) for name, key in plan.keys.items() if name != "record"):
        return None
    try:
        record = read_record(own_record_path(steps.folder))
        design = design_of(steps.folder / "hls")
        if record.digest != plan.digest or record.design != design:
            return None
        # A stage that was imported, or whose build was killed before its record was written, has yet to join it.
        if (record.figures, record.stages) != collect(design, steps.folder):
            return None
        said = publication(reports, record)
    except HlsflowError:
        return None
    goes_on = record.gate.passed or request.allow_mismatch
    if goes_on and not all(
        steps.up_to_date(stage, stage_inputs(stage, plan, design, options)) for stage, options in stages.items()
    ):
        return None
    return (record, said) if said.is_done else None


def design_of(hls: Path) -> str:
    """The digest of an HLS project's contents: sources, types, weights, target.

    Raises ReportError where it is no longer what was written, ToolError where it is no HLS project.
    """
    found = design_digest(hls)
    try:
        written = (hls / DESIGN_FILE).read_text().strip()
    except (OSError, UnicodeDecodeError):
        return found
    if written != found:
        raise ReportError(
            f"{hls}: it was changed after hlsflow wrote it, and what was verified is not what is there",
            hint="keep your changes elsewhere and remove the folder: the next build makes it again",
        )
    return found


def reference_of(plan: Plan) -> str:
    """The digest of the Keras model that a design is compared with, of what it computes alone."""
    return digest(plan.model.reference)


def _lint(plan: Plan, network: Network, log: Log) -> Linted:
    from hlsflow.hls.lint import Severity, lint

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
            with interrupts.at_once():
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield
