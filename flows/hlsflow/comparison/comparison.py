"""The comparison: designs in order, their differences from a baseline, and the fronts that they are on."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hlsflow.comparison.comparability import (
    Reason,
    accuracy_group,
    accuracy_reasons,
    figure_group,
    figure_reasons,
    same_stage,
    target_reasons,
    task_reasons,
)
from hlsflow.comparison.design import Design, Measurement
from hlsflow.comparison.feasibility import Barred, design_bars, figure_bars
from hlsflow.comparison.metrics import COSTS, DESIGN_METRICS, FIGURE_METRICS, Subject, design_value, figure_value
from hlsflow.comparison.pareto import front
from hlsflow.foundation.errors import ReportError, UsageError, did_you_mean
from hlsflow.reports.figures import STAGE_ORDER

if TYPE_CHECKING:
    from pydantic import TypeAdapter

SCHEMA = 1
ACCURACY_METRICS = ("accuracy_csim", "accuracy_keras")


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasurementRow:
    """A measurement beside the baseline's of the same stage. `deltas` are absolute, in each metric's unit, and empty
    where `reasons` speak against comparing; `optimal` names the costs on whose front it is, within `group`, and
    `barred` says why it can be on none."""

    measurement: Measurement
    group: str | None = None
    reasons: tuple[Reason, ...] = ()
    deltas: dict[str, float]
    optimal: tuple[str, ...] = ()
    barred: tuple[Barred, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A design beside the baseline. `deltas` are absolute, in each metric's unit; accuracies are shares of 1.

    `reasons` say why accuracies may not be compared, `target_reasons` in what the targets differ, `barred` why the
    design is on no front.
    """

    design: Design
    is_baseline: bool
    group: str | None = None
    reasons: tuple[Reason, ...] = ()
    target_reasons: tuple[Reason, ...] = ()
    deltas: dict[str, float]
    optimal: tuple[str, ...] = ()
    barred: tuple[Barred, ...] = ()
    measurements: tuple[MeasurementRow, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether its hardware is known not to be the model."""
        return self.design.gate is not None and not self.design.gate.passed


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """All rows, sorted by name. `cost` is the name of the metric that Pareto-optimal rows are marked for."""

    schema_version: int = SCHEMA
    baseline: str
    cost: str
    rows: tuple[Row, ...]

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages that any row has figures of, from the earliest to the latest."""
        found = {item.measurement.figure.stage for row in self.rows for item in row.measurements}
        return tuple(sorted(found, key=stage_order))

    def to_json(self) -> str:
        """The comparison as text, lossless: fixed layout, no clock time."""
        import json

        data = _adapter().dump_python(self, mode="json")
        return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


@functools.cache
def _adapter() -> TypeAdapter[Comparison]:
    from pydantic import TypeAdapter

    return TypeAdapter(Comparison)


def comparison_from_json(text: str, source: str) -> Comparison:
    """The comparison that a text holds. Raises ReportError naming `source` and the key that is wrong."""
    from pydantic import ValidationError

    try:
        return _adapter().validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"]) or "the whole file"
        raise ReportError(f"{source}: {path}: {first['msg']}", hint="compare the builds again") from error


def stage_order(stage: str) -> tuple[int, str]:
    """The place of a stage among all; one that is not known comes last."""
    return STAGE_ORDER.get(stage, len(STAGE_ORDER)), stage


def compare(designs: Sequence[Design], *, baseline: str | None = None, cost: str | None = None) -> Comparison:
    """The comparison of designs. `cost` is an option of COSTS; without one it is LUT where two rows may be
    compared in it, else the weights' bits. Without a baseline it is the build with the most bits of weights.

    Raises UsageError where there is no design, or none of the baseline's name.
    """
    named = sorted(_unique_names(designs), key=lambda design: design.name)
    if not named:
        raise UsageError("nothing to compare", hint="build a model first: hlsflow build --model NAME")
    base = _baseline(named, baseline)
    rows = [_row(design, base) for design in named]
    rows = _with_fronts(rows)
    return Comparison(baseline=base.name, cost=COSTS[cost].name if cost else _default_cost(rows), rows=tuple(rows))


def _unique_names(designs: Sequence[Design]) -> list[Design]:
    by_source = {(design.name, design.source_file): design for design in designs}
    names = [name for name, _ in by_source]
    return [
        design if names.count(design.name) == 1 else replace(design, name=f"{design.name} ({design.source_file})")
        for design in by_source.values()
    ]


def _baseline(designs: Sequence[Design], name: str | None) -> Design:
    known = {design.name: design for design in designs}
    if name is not None:
        if name not in known:
            raise UsageError(f"--baseline {name}: not among what is compared", hint=did_you_mean(name, list(known)))
        return known[name]
    # The least compressed build; among projects without weights, the first with figures that nothing contradicts.
    return max(designs, key=lambda design: (design.weight_bits or 0, _is_sound(design)))


def _is_sound(design: Design) -> bool:
    return any(not item.contradictions for item in design.measurements)


def _default_cost(rows: Sequence[Row]) -> str:
    return "lut" if any("lut" in item.optimal for row in rows for item in row.measurements) else "weight_bits"


def _row(design: Design, base: Design) -> Row:
    is_baseline = design is base
    reasons = [] if is_baseline else accuracy_reasons(design, base)
    other_task = bool(task_reasons(design, base))
    deltas = {}
    for metric in DESIGN_METRICS:
        barred = bool(reasons) if metric.name in ACCURACY_METRICS else other_task
        delta = _delta(design_value(design, metric.name), design_value(base, metric.name))
        if not is_baseline and not barred and delta is not None:
            deltas[metric.name] = delta
    measurements = sorted(design.measurements, key=_measurement_order)
    return Row(
        design=design,
        is_baseline=is_baseline,
        group=accuracy_group(design),
        reasons=tuple(reasons),
        target_reasons=() if is_baseline else tuple(target_reasons(design, base)),
        deltas=deltas,
        barred=design_bars(design),
        measurements=tuple(_measurement_row(item, design, base) for item in measurements),
    )


def _measurement_order(measurement: Measurement) -> tuple:
    figure = measurement.figure
    version, source = figure.tool_version or "", figure.source_file or ""
    return stage_order(figure.stage), figure.tool, version, figure.part or "", source


def _measurement_row(measurement: Measurement, design: Design, base: Design) -> MeasurementRow:
    reasons = figure_reasons(measurement, design, base)
    deltas = {}
    if not reasons and design is not base:
        other = same_stage(measurement, design, base)[0].figure
        for metric in FIGURE_METRICS:
            mine, theirs = figure_value(measurement.figure, metric.name), figure_value(other, metric.name)
            delta = _delta(mine, theirs)
            if delta is not None:
                deltas[metric.name] = delta
    return MeasurementRow(
        measurement=measurement,
        group=figure_group(measurement, design),
        reasons=tuple(reasons),
        deltas=deltas,
        barred=figure_bars(measurement, design),
    )


def _delta(value: float | None, base: float | None) -> float | None:
    # nine digits: what binary fractions add beyond them is no difference
    return None if value is None or base is None else round(value - base, 9)


def _with_fronts(rows: Sequence[Row]) -> list[Row]:
    # What is no model, or can not be built as it is, is on no front and keeps nobody off it.
    on_front: dict[tuple[str, int | None], list[str]] = {}
    for metric in COSTS.values():
        points: dict[str, list[tuple[float, float, tuple[str, int | None]]]] = {}
        for row in rows:
            accuracy = row.design.accuracy_csim
            if metric.subject is Subject.DESIGN:
                if row.barred:
                    continue
                _add(points, row.group, design_value(row.design, metric.name), accuracy, (row.design.name, None))
            else:
                for index, item in enumerate(row.measurements):
                    if item.barred:
                        continue
                    value = figure_value(item.measurement.figure, metric.name)
                    _add(points, item.group, value, accuracy, (row.design.name, index))
        # A row with nothing to compare with is not better than anything.
        for members in (those for those in points.values() if len(those) > 1):
            for index in front([(cost, accuracy) for cost, accuracy, _ in members]):
                on_front.setdefault(members[index][2], []).append(metric.name)
    return [
        replace(
            row,
            optimal=tuple(on_front.get((row.design.name, None), ())),
            measurements=tuple(
                replace(item, optimal=tuple(on_front.get((row.design.name, index), ())))
                for index, item in enumerate(row.measurements)
            ),
        )
        for row in rows
    ]


def _add(
    points: dict[str, list[tuple[float, float, tuple[str, int | None]]]],
    group: str | None,
    cost: float | None,
    accuracy: float | None,
    who: tuple[str, int | None],
) -> None:
    if group is not None and cost is not None and accuracy is not None:
        points.setdefault(group, []).append((cost, accuracy, who))
