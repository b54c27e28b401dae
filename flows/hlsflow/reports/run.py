"""A run: one design at one stage, as all the reports state it that one run of a tool wrote."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hlsflow.reports.figures import Clock, Latency, Provenance, Resources
from hlsflow.reports.report import Loop, Module, Power, Simulation


class Role(StrEnum):
    """What the module of a run is to its project."""

    TOP = "top"
    # the network inside the wrapper that a VivadoAccelerator project synthesizes as its top
    CORE = "core"
    SUBMODULE = "submodule"


class NoteKind(StrEnum):
    """What a reader of a run's figures has to know."""

    PART_DISAGREES = "part-disagrees"
    CLOCK_DISAGREES = "clock-disagrees"
    TOP_DISAGREES = "top-disagrees"
    PARAMETERS_DISAGREE = "parameters-disagree"
    REPORTS_DISAGREE = "reports-disagree"
    OLDER_THAN_CSYNTH = "older-than-csynth"
    DUPLICATE = "duplicate"
    SAME_UNDER_OTHER_PARAMETERS = "same-under-other-parameters"
    STAGE_UNKNOWN = "stage-unknown"
    BLACK_BOXES = "black-boxes"


STALE_KINDS = frozenset(
    {
        NoteKind.PART_DISAGREES,
        NoteKind.CLOCK_DISAGREES,
        NoteKind.TOP_DISAGREES,
        NoteKind.PARAMETERS_DISAGREE,
        NoteKind.REPORTS_DISAGREE,
        NoteKind.OLDER_THAN_CSYNTH,
        NoteKind.SAME_UNDER_OTHER_PARAMETERS,
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """A remark on a run, with the sentence to show."""

    kind: NoteKind
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """The figures of one module at one stage. `provenance.source_file` is the report that they were taken from,
    `source_files` are all that agree with it; `project` is the folder of the project, as it was named."""

    project: str
    module: str | None
    role: Role
    provenance: Provenance
    kinds: tuple[str, ...]
    source_files: tuple[str, ...]
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
    notes: tuple[Note, ...] = ()

    @property
    def is_stale(self) -> bool:
        """Whether something beside the reports contradicts them."""
        return any(note.kind in STALE_KINDS for note in self.notes)

    @property
    def is_duplicate(self) -> bool:
        """Whether the same report was found before."""
        return any(note.kind == NoteKind.DUPLICATE for note in self.notes)


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A file that is meant to be a report and cannot be read, with the section and what is wrong there."""

    source_file: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LogRun:
    """One run of a tool as its log tells it. Not a figure of the design."""

    source_file: str
    tool: str | None
    tool_version: str | None
    part: str | None
    clock_target_ns: float | None
    top: str | None
    error_count: int
    first_error: str | None
    warning_count: int
    completed_steps: tuple[str, ...]
    ended_by_kill: bool
    # Of a log that is larger than what is read: what was passed over between its head and its end.
    left_out_bytes: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class PassedOver:
    """A report that was recognised and states no figure of ours, and what it is of (`clock utilization`)."""

    source_file: str
    what: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Discovery:
    """All that was found: runs in a stable order, logs, reports without figures, unreadable files, and how many files
    are no report. `read_files` counts those without figures too."""

    runs: tuple[Run, ...]
    logs: tuple[LogRun, ...]
    passed_over: tuple[PassedOver, ...]
    failures: tuple[Failure, ...]
    read_files: int
    other_files: int
