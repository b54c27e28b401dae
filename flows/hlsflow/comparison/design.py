"""A design that is compared: a build of ours, or a project of somebody else with the reports found in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from hlsflow.foundation.part_name import part_of, spelled
from hlsflow.records.evidence import contradiction
from hlsflow.records.record import BuildRecord, FigureRecord, LayerRecord
from hlsflow.reports.figures import Clock, Latency, Resources
from hlsflow.reports.report import Module
from hlsflow.reports.run import Role, Run

STAGE_UNKNOWN = "unknown stage"


class Kind(StrEnum):
    BUILD = "build"
    PROJECT = "project"


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """How the hardware agrees with Keras. Errors are absolute, of the outputs; counts are of output integers.

    `exact` is the record's own word, `failures` what the gate failed for.
    """

    kind: str
    passed: bool
    exact: bool
    values: int
    mismatching_values: int
    max_abs_error: float
    allowed_abs_error: float
    failures: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Data:
    """The samples that accuracy and exactness were measured on. `substitute`: not of the model's own dataset."""

    dataset: str
    samples: int
    sha256: str
    source: str
    substitute: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Quoted:
    """The accuracy that training measured, as a share of 1: of Keras, on the test set of `dataset`."""

    dataset: str
    accuracy: float
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """One layer with weights: its parameters, its zeros, and the hardware's type of its weights."""

    name: str
    operation: str
    parameters: int
    zeros: int
    weight_type: str | None
    reuse_factor: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Measurement:
    """What one tool says of the whole design at one stage and of its modules. `contradictions`: why it may be stale."""

    figure: FigureRecord
    modules: tuple[FigureRecord, ...] = ()
    contradictions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Design:
    """One design. Accuracies are shares of 1, the clock is in ns; what is not known is None.

    `states` says what became of each stage that was asked for. `source_file` is the record, or the project's folder.
    """

    name: str
    kind: Kind
    title: str
    source_file: str
    backend: str | None = None
    io_type: str | None = None
    part: str | None = None
    clock_period_ns: float | None = None
    data: Data | None = None
    quoted: Quoted | None = None
    accuracy_csim: float | None = None
    accuracy_keras: float | None = None
    gate: Gate | None = None
    parameters: int | None = None
    zeros: int | None = None
    weight_bits: int | None = None
    weights_file_bytes: int | None = None
    layers: tuple[Layer, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    states: tuple[tuple[str, str], ...] = ()

    @property
    def sparsity(self) -> float | None:
        """The share of the parameters that are zero."""
        return None if self.zeros is None or not self.parameters else self.zeros / self.parameters

    @property
    def nonzero_parameters(self) -> int | None:
        return None if self.zeros is None or self.parameters is None else self.parameters - self.zeros


def design_of_record(record: BuildRecord, source_file: str) -> Design:
    """The design that a record of a build describes."""
    configuration, samples, size = record.configuration, record.samples, record.size
    return Design(
        name=record.name,
        kind=Kind.BUILD,
        title=record.title,
        source_file=source_file,
        backend=configuration.backend,
        io_type=configuration.io_type,
        part=spelled(configuration.part),
        clock_period_ns=configuration.clock_period_ns,
        data=Data(
            dataset=samples.dataset,
            samples=samples.count,
            sha256=samples.sha256,
            source=samples.source,
            substitute=samples.substitute,
        ),
        quoted=None
        if record.trained is None
        else Quoted(
            dataset=record.trained.dataset, accuracy=record.trained.test_accuracy, source=record.trained.source
        ),
        accuracy_csim=record.accuracy_csim,
        accuracy_keras=record.accuracy_keras,
        gate=Gate(
            kind=record.gate.kind,
            passed=record.passed,
            exact=record.exact,
            values=sum(item.values for item in record.agreement),
            mismatching_values=sum(item.mismatching_values for item in record.agreement),
            max_abs_error=record.gate.max_abs_error,
            allowed_abs_error=record.gate.allowed_abs_error,
            failures=_failures(record),
        ),
        parameters=size.parameters,
        zeros=size.zeros,
        weight_bits=size.weight_bits,
        weights_file_bytes=size.weights_file_bytes,
        layers=tuple(_layer(layer) for layer in record.layers if layer.parameters),
        measurements=_measurements([_completed(figure, source_file, configuration.part) for figure in record.figures]),
        states=tuple(sorted(record.stages.items())),
    )


def _failures(record: BuildRecord) -> tuple[str, ...]:
    """Why the outputs are not as they must be, by the record's own run or by another one of the same design."""
    contradicted = contradiction(record)
    return (*record.gate.failures, *([] if contradicted is None else [contradicted]))


def _completed(figure: FigureRecord, record_file: str, part: str) -> FigureRecord:
    # An estimate has no report of its own: it was read from the record.
    source = figure.source_file or record_file
    return figure.model_copy(update={"source_file": source, "part": _one_name(figure.part, part)})


def _renamed(figure: FigureRecord, part: str | None) -> FigureRecord:
    return figure.model_copy(update={"part": _one_name(figure.part, part)})


def _one_name(stated: str | None, project: str | None) -> str | None:
    """The part that a report states, by the project's name for it: Vivado's reports leave out its temperature grade."""
    if stated is None or project is None:
        return stated
    ours, theirs = spelled(project), spelled(stated)
    return ours if len(ours) >= len(theirs) and part_of(ours).may_be(part_of(theirs)) else theirs


def _layer(layer: LayerRecord) -> Layer:
    return Layer(
        name=layer.name,
        operation=layer.operation,
        parameters=layer.parameters,
        zeros=layer.zeros,
        weight_type=layer.types.get("weight"),
        reuse_factor=layer.reuse_factor,
    )


def _measurements(figures: Sequence[FigureRecord]) -> tuple[Measurement, ...]:
    # A module's figures belong to the design's that one tool took at one stage; a tool may tell of modules alone.
    wholes: dict[tuple, FigureRecord] = {}
    modules: dict[tuple, list[FigureRecord]] = {}
    found: list[tuple[tuple, FigureRecord]] = []
    for figure in figures:
        key = (figure.stage, figure.tool, figure.tool_version, figure.part)
        if figure.module is None:
            found.append((key, figure))
            wholes[key] = figure
        else:
            modules.setdefault(key, []).append(figure)
    for key, members in modules.items():
        if key not in wholes:
            stage, tool, version, part = key
            source = members[0].source_file
            whole = FigureRecord(stage=stage, tool=tool, tool_version=version, part=part, source_file=source)
            found.append((key, whole))
    # the modules go with the first whole figure of their key, so that none is shown twice
    return tuple(Measurement(figure=figure, modules=tuple(modules.pop(key, ()))) for key, figure in found)


def designs_of_runs(runs: Iterable[Run]) -> list[Design]:
    """A design for every project, from what its runs say of its top; duplicates are left out.

    A wrapper's core is a design of its own, and so are submodules where no run tells of the top.
    """
    projects: dict[str, list[Run]] = {}
    for run in runs:
        if not run.is_duplicate:
            projects.setdefault(run.project, []).append(run)
    designs = []
    for project, members in projects.items():
        tops = {run.role for run in members}
        shown = [run for run in members if run.role != Role.SUBMODULE] if tops != {Role.SUBMODULE} else members
        by_module: dict[str | None, list[Run]] = {}
        for run in shown:
            by_module.setdefault(None if run.role == Role.TOP else run.module, []).append(run)
        designs += [_design_of_runs(project, module, these) for module, these in by_module.items()]
    return designs


def _design_of_runs(project: str, module: str | None, runs: Sequence[Run]) -> Design:
    measurements = [_measurement(run) for run in runs]
    clocks = {m.figure.clock_target_ns for m in measurements} - {None}
    parts = {m.figure.part for m in measurements} - {None}
    tops = sorted({run.module for run in runs if run.module is not None})
    part = min(parts, key=lambda part: (-len(part), part)) if parts else None
    named = [
        replace(item, figure=_renamed(item.figure, part), modules=tuple(_renamed(each, part) for each in item.modules))
        for item in measurements
    ]
    return Design(
        name=project if module is None else f"{project}: {module}",
        kind=Kind.PROJECT,
        title=f"parsed reports of {', '.join(tops)}" if tops else "parsed reports",
        source_file=project,
        part=part,
        clock_period_ns=clocks.pop() if len(clocks) == 1 else None,
        measurements=tuple(named),
    )


def _measurement(run: Run) -> Measurement:
    origin = run.provenance

    def figure(of: Run | Module, module: str | None) -> FigureRecord:
        resources, latency, clock = of.resources or Resources(), of.latency or Latency(), of.clock or Clock()
        return FigureRecord(
            stage=str(origin.stage) if origin.stage is not None else STAGE_UNKNOWN,
            tool=origin.tool or "unknown tool",
            tool_version=origin.tool_version,
            part=origin.part,
            source_file=origin.source_file,
            module=module,
            **{name: getattr(resources, name) for name in _RESOURCE_FIELDS},
            **{name: getattr(latency, name) for name in _LATENCY_FIELDS},
            clock_target_ns=_float(clock.target_ns),
            clock_achieved_ns=_float(clock.achieved_ns),
            slack_ns=_float(clock.slack_ns),
            notes=[note.text for note in run.notes] if of is run else [],
        )

    return Measurement(
        figure=figure(run, None),
        modules=tuple(figure(module, _below_top(module.path)) for module in run.modules if module.depth > 0),
        contradictions=tuple(note.text for note in run.notes) if run.is_stale else (),
    )


def _below_top(path: str) -> str:
    top, _, below = path.partition("/")
    return below or top


_RESOURCE_FIELDS = tuple(f"{name}{suffix}" for name in ("lut", "ff", "dsp", "bram_18k", "uram")
                         for suffix in ("", "_available"))  # fmt: skip
_LATENCY_FIELDS = ("latency_min_cycles", "latency_max_cycles", "interval_min_cycles", "interval_max_cycles")


def _float(value: float | None) -> float | None:
    return None if value is None else float(value)
