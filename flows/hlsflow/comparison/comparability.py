"""Why two designs, or two figures, may not be compared; and which rows form a group that may."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from hlsflow.comparison.design import Design, Measurement
from hlsflow.foundation.part_name import part_of, spelled
from hlsflow.records.record import CLOCK_TOLERANCE_NS
from hlsflow.reports.figures import compiler_of


class Differs(StrEnum):
    """In what a row differs from the baseline, as the table names it."""

    ACCURACY = "accuracy"
    DATASET = "dataset"
    SAMPLES = "samples"
    PART = "part"
    CLOCK = "clock"
    TOOL = "tool"
    VERSION = "tool version"
    STAGE = "stage"
    STALE = "contradicted"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """Why a row is not comparable with the baseline, with the sentence to show."""

    differs: Differs
    text: str


def task_reasons(design: Design, baseline: Design) -> list[Reason]:
    """Why the two are for different tasks; where one's dataset is not known, nothing is said against it."""
    mine, other = design.data, baseline.data
    if mine is None or other is None:
        return []
    return _differs(Differs.DATASET, _task(design), _task(baseline))


def accuracy_reasons(design: Design, baseline: Design) -> list[Reason]:
    """Why the accuracies of the two may not be compared: other dataset, other samples, or none measured."""
    mine, other = design.data, baseline.data
    if mine is None and other is None:
        return []
    if mine is None or other is None:
        whose = "no accuracy" if mine is None else "the baseline has no accuracy"
        return [Reason(differs=Differs.ACCURACY, text=f"{whose}: the reports of a tool do not state one")]
    if mine.sha256 == other.sha256 and mine.samples == other.samples:
        return _differs(Differs.DATASET, mine.dataset, other.dataset)
    reasons = task_reasons(design, baseline) or _differs(Differs.DATASET, mine.dataset, other.dataset)
    if reasons:
        return reasons
    if mine.samples != other.samples:
        return [Reason(differs=Differs.SAMPLES, text=f"{mine.samples:,} samples, the baseline {other.samples:,}")]
    return [Reason(differs=Differs.SAMPLES, text=f"other samples ({mine.sha256[:8]}, the baseline {other.sha256[:8]})")]


def target_reasons(design: Design, baseline: Design) -> list[Reason]:
    """Why the two are for different targets: another part, or another clock."""
    return [
        *_parts(design.part, baseline.part, unknown_differs=False),
        *_clocks(design.clock_period_ns, baseline.clock_period_ns, unknown_differs=False),
    ]


def figure_reasons(measurement: Measurement, design: Design, baseline: Design) -> list[Reason]:
    """Why a figure may not be compared with the baseline's: other task, stage, tool, version, part, clock, or stale."""
    figure, others = measurement.figure, same_stage(measurement, design, baseline)
    if not others:
        return [Reason(differs=Differs.STAGE, text=f"the baseline has no figure of the stage {figure.stage}")]
    return [*task_reasons(design, baseline), *_pair_reasons(measurement, design, others[0], baseline)]


def same_stage(measurement: Measurement, design: Design, baseline: Design) -> list[Measurement]:
    """The baseline's figures of a figure's stage, the most comparable first."""
    others = [other for other in baseline.measurements if other.figure.stage == measurement.figure.stage]
    return sorted(others, key=lambda other: len(_pair_reasons(measurement, design, other, baseline)))


def part_and_clock(measurement: Measurement, design: Design) -> tuple[str | None, float | None]:
    """The part and the target clock (ns) of a figure: what its report states, else what its project was made for."""
    figure = measurement.figure
    clock = design.clock_period_ns if figure.clock_target_ns is None else figure.clock_target_ns
    return figure.part or design.part, clock


def _pair_reasons(measurement: Measurement, design: Design, other: Measurement, baseline: Design) -> list[Reason]:
    if measurement is other:
        return []
    mine, base = measurement.figure, other.figure
    reasons = _differs(Differs.TOOL, compiler_of(mine.tool), compiler_of(base.tool))
    if not reasons:
        if mine.tool_version is None or base.tool_version is None:
            # Two unknown versions are not known to be the same.
            whose = "its" if mine.tool_version is None else "the baseline's"
            reasons = [Reason(differs=Differs.VERSION, text=f"{whose} version of {mine.tool} is not stated")]
        else:
            reasons = _differs(Differs.VERSION, mine.tool_version, base.tool_version)
    (part, clock), (base_part, base_clock) = part_and_clock(measurement, design), part_and_clock(other, baseline)
    reasons += _parts(part, base_part, unknown_differs=True)
    reasons += _clocks(clock, base_clock, unknown_differs=True)
    for whose, stale in (("", measurement), ("the baseline's: ", other)):
        reasons += [Reason(differs=Differs.STALE, text=f"{whose}{text}") for text in stale.contradictions]
    return reasons


def accuracy_group(design: Design) -> str | None:
    """The samples that a design's accuracy may be compared on, as a label; None where there is no accuracy."""
    if design.data is None or design.accuracy_csim is None:
        return None
    data = design.data
    return f"{_task(design)}, {data.samples:,} samples ({data.sha256[:8]})"


def figure_group(measurement: Measurement, design: Design) -> str | None:
    """What a figure may be compared with on a Pareto front, as a label; None where something of it is unknown."""
    figure, accuracy = measurement.figure, accuracy_group(design)
    target, clock_ns = part_and_clock(measurement, design)
    if None in (figure.tool_version, target, clock_ns, accuracy) or measurement.contradictions:
        return None
    tool = f"{compiler_of(figure.tool)} {figure.tool_version}"
    return f"{figure.stage}: {tool} · {spelled(target)} · {clock_ns:.2f} ns · {accuracy}"


def words(reasons: Sequence[Reason]) -> str:
    """In what a row differs, in few words: `part, clock`."""
    return ", ".join(dict.fromkeys(str(reason.differs) for reason in reasons))


def sentences(reasons: Sequence[Reason]) -> str:
    """All reasons in full, joined by semicolons."""
    return "; ".join(dict.fromkeys(reason.text for reason in reasons))


def _task(design: Design) -> str:
    data = design.data
    if data.substitute and design.quoted is not None:
        # A substitute's samples stand in for those of the model's own dataset.
        return f"{data.dataset} in place of {design.quoted.dataset}"
    return f"{data.dataset} (substitute)" if data.substitute else data.dataset


def _differs(what: Differs, mine: str, other: str) -> list[Reason]:
    return [] if mine == other else [Reason(differs=what, text=f"{what} {mine}, the baseline {other}")]


def _parts(mine: str | None, other: str | None, *, unknown_differs: bool) -> list[Reason]:
    if not mine or not other:
        text = f"the part is not stated{'' if not mine else ' for the baseline'}"
        return [Reason(differs=Differs.PART, text=text)] if unknown_differs else []
    return [] if part_of(mine).may_be(part_of(other)) else _differs(Differs.PART, mine, other)


def _clocks(mine: float | None, other: float | None, *, unknown_differs: bool) -> list[Reason]:
    if mine is None or other is None:
        text = f"the target clock is not stated{'' if mine is None else ' for the baseline'}"
        return [Reason(differs=Differs.CLOCK, text=text)] if unknown_differs else []
    return [] if abs(mine - other) <= CLOCK_TOLERANCE_NS else _differs(Differs.CLOCK, f"{mine:g} ns", f"{other:g} ns")
