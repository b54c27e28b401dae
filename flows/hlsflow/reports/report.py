"""What one report file states, whichever tool wrote it. Every parser of this package gives a `Report`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from hlsflow.reports.figures import Clock, Latency, Provenance, Resources

# By what stands in these a format is told.
HEAD_CHARACTERS = 8192


class Joins(StrEnum):
    """Which reports of a format may be of one run of a tool: those of the same group, by folder and module."""

    CSYNTH = "csynth"
    VIVADO = "vivado"
    EXPORT = "export"
    # each file is a run of its own
    ALONE = "alone"


@dataclass(frozen=True, kw_only=True, slots=True)
class Module:
    """One module or instance of the design with its own figures, as the report lists it.

    `path` is its place in the hierarchy (names joined by `/`), `depth` 0 for the top. `instance` is None where the
    report lists modules and not their instances.
    """

    name: str
    path: str
    depth: int
    instance: str | None = None
    pipeline: str | None = None
    issue: str | None = None
    resources: Resources | None = None
    latency: Latency | None = None
    clock: Clock | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Loop:
    """One loop as the tool scheduled it, all in clock cycles. `path` begins with the module that holds it."""

    name: str
    path: str
    depth: int
    pipelined: str | None = None
    latency: Latency | None = None
    iteration_latency_min_cycles: int | None = None
    iteration_latency_max_cycles: int | None = None
    initiation_interval_cycles: int | None = None
    initiation_interval_target_cycles: int | None = None
    trip_count_min: int | None = None
    trip_count_max: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Power:
    """Estimated power in W. `confidence` is Vivado's own word for it (`Low`, `Medium`, `High`)."""

    total_w: float | None = None
    dynamic_w: float | None = None
    static_w: float | None = None
    confidence: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Simulation:
    """The verdict of a simulation. `passed` is None where it was not run."""

    passed: bool | None
    status: str
    language: str | None = None
    latency_average_cycles: int | None = None
    interval_average_cycles: int | None = None
    total_execution_cycles: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LogSummary:
    """What a tool's log says. An error line is no verdict: hls4ml's scripts provoke some in runs that succeed."""

    errors: tuple[str, ...]
    warning_count: int
    completed_steps: tuple[str, ...]
    ended_by_kill: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """One report file: its kind and provenance, the module it describes, and the figures that it states.

    `kind` is that of its `ReportFormat`. `resources`, `latency` and `clock` are those of `module`. `date` is the
    tool's text. `flow_target` is Vitis's (`Vivado IP Flow Target`). `black_boxes` are the modules that Vivado did not
    see into, and so did not count.
    `passed_over` says what the report is of where it states no figure of ours; it is then no part of any run.
    """

    kind: str
    provenance: Provenance
    module: str | None
    date: str | None = None
    flow_target: str | None = None
    pipeline: str | None = None
    resources: Resources | None = None
    latency: Latency | None = None
    clock: Clock | None = None
    modules: tuple[Module, ...] = ()
    loops: tuple[Loop, ...] = ()
    power: Power | None = None
    simulation: Simulation | None = None
    log: LogSummary | None = None
    black_boxes: tuple[str, ...] = ()
    passed_over: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportFormat:
    """One format: its name, how it is told and read. Each module of a format has one as `FORMAT`; `kinds` lists them.

    `mark` is searched for in the first characters of a file, line by line (MULTILINE). `named` is the whole name of
    a file that is meant to be such a report, whatever is in it.
    """

    kind: str
    mark: str
    parse: Callable[[str], Report]
    joins: Joins = Joins.ALONE
    named: str | None = None
