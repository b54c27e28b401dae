"""Whether a design can be built as its figures say: it fits its part and meets its clock, or it is on no front."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hlsflow.comparison.comparability import CLOCK_TOLERANCE_NS, part_and_clock
from hlsflow.comparison.design import Design, Measurement
from hlsflow.comparison.metrics import METRICS, RESOURCES
from hlsflow.foundation.part_name import part_of
from hlsflow.records.record import FigureRecord
from hlsflow.reports.figures import STAGE_ORDER, Stage

# What the last digit of a printed period is rounded by.
ROUNDING_NS = 1e-6


class Bar(StrEnum):
    """Why something is on no front, as the tables name it."""

    GATE = "gate FAILED"
    RESOURCES = "does not fit"
    CLOCK = "misses its clock"
    DOMAIN = "outside the estimate's domain"


@dataclass(frozen=True, kw_only=True, slots=True)
class Barred:
    """One reason why a row is on no front, with the sentence to show."""

    bar: Bar
    text: str


def gate_bars(design: Design) -> list[Barred]:
    """Hardware that failed its gate is not the model whose accuracy it shows."""
    failed = design.gate is not None and not design.gate.passed
    return [Barred(bar=Bar.GATE, text="its gate failed: the hardware is not the model")] if failed else []


def figure_bars(measurement: Measurement, design: Design) -> tuple[Barred, ...]:
    """Why a figure is on no front. What it does not state itself is taken from the design's other figures."""
    figure = measurement.figure
    found = gate_bars(design) + _overruns(figure) + _missed(figure, part_and_clock(measurement, design)[1])
    if figure.in_domain is False:
        found.append(Barred(bar=Bar.DOMAIN, text="the estimate was not calibrated on such designs"))
    target = part_and_clock(measurement, design)
    alike = [other for other in _measured_for(target, design) if other is not measurement]
    if not _states_resources(figure):
        found += _of_latest(alike, lambda other: _states_resources(other.figure), lambda other: _overruns(other.figure))
    if not _states_clock(figure):
        found += _of_latest(alike, lambda other: _states_clock(other.figure), lambda other: _clock_bars(other, design))
    return tuple(found)


def design_bars(design: Design) -> tuple[Barred, ...]:
    """Why a design is on no front at all: its gate, and what the latest measurements for its target say of fit and
    clock."""
    every = _measured_for((design.part, design.clock_period_ns), design)
    return (
        *gate_bars(design),
        *_of_latest(every, lambda item: _states_resources(item.figure), lambda item: _overruns(item.figure)),
        *_of_latest(every, lambda item: _states_clock(item.figure), lambda item: _clock_bars(item, design)),
    )


def exceeds(figure: FigureRecord, resource: str) -> bool:
    """Whether a figure has more of a resource than its part; a part may have none at all."""
    used, available = getattr(figure, resource), getattr(figure, f"{resource}_available")
    return used is not None and available is not None and used > available


def words(bars: Sequence[Barred]) -> str:
    """The reasons in few words: `does not fit, misses its clock`."""
    return ", ".join(dict.fromkeys(str(item.bar) for item in bars))


def sentences(bars: Sequence[Barred]) -> str:
    """The reasons in full, joined by semicolons."""
    return "; ".join(dict.fromkeys(item.text for item in bars))


def _states_resources(figure: FigureRecord) -> bool:
    return any(
        getattr(figure, name) is not None and getattr(figure, f"{name}_available") is not None for name in RESOURCES
    )


def _states_clock(figure: FigureRecord) -> bool:
    return figure.slack_ns is not None or figure.clock_achieved_ns is not None


def _overruns(figure: FigureRecord) -> list[Barred]:
    over = [
        f"{getattr(figure, name):,} {METRICS[name].label} of {getattr(figure, f'{name}_available'):,}"
        for name in RESOURCES
        if exceeds(figure, name)
    ]
    return [Barred(bar=Bar.RESOURCES, text=f"it does not fit its part: {', '.join(over)}")] if over else []


def _clock_bars(measurement: Measurement, design: Design) -> list[Barred]:
    return _missed(measurement.figure, part_and_clock(measurement, design)[1])


def _missed(figure: FigureRecord, target_ns: float | None) -> list[Barred]:
    if figure.slack_ns is not None and figure.slack_ns < 0:
        return [Barred(bar=Bar.CLOCK, text=f"it misses its clock: the slack is {figure.slack_ns:g} ns")]
    achieved = figure.clock_achieved_ns
    if achieved is not None and target_ns is not None and achieved > target_ns + ROUNDING_NS:
        return [Barred(bar=Bar.CLOCK, text=f"it misses its clock: {achieved:g} ns achieved of {target_ns:g} ns")]
    return []


def _of_latest(
    measurements: Sequence[Measurement],
    states: Callable[[Measurement], bool],
    bars: Callable[[Measurement], list[Barred]],
) -> list[Barred]:
    """What bars the design at the latest stage that states it; one tool's result there that bars nothing is enough."""
    stating = [item for item in measurements if states(item)]
    if not stating:
        return []
    latest = max(_stage_place(item) for item in stating)
    found = [bars(item) for item in stating if _stage_place(item) == latest]
    return found[0] if all(found) else []


def _stage_place(measurement: Measurement) -> int:
    # A stage that is not known is taken for the earliest.
    return STAGE_ORDER.get(measurement.figure.stage, -1)


def _measured_for(target: tuple[str | None, float | None], design: Design) -> list[Measurement]:
    """The design's figures for a part and a clock. An estimate says nothing of anything but itself."""
    part, clock_ns = target
    if not part or clock_ns is None:
        return []
    found = []
    for item in design.measurements:
        other_part, other_clock_ns = part_and_clock(item, design)
        if item.figure.stage == Stage.ANALYTIC or not other_part or other_clock_ns is None:
            continue
        if part_of(part).may_be(part_of(other_part)) and abs(clock_ns - other_clock_ns) <= CLOCK_TOLERANCE_NS:
            found.append(item)
    return found
