"""The comparison as small tables, one of the designs and one for each stage; the text formats print them."""

from __future__ import annotations

from dataclasses import dataclass

from hlsflow.comparison.comparability import sentences, words
from hlsflow.comparison.comparison import Comparison, MeasurementRow, Row
from hlsflow.comparison.design import Design
from hlsflow.comparison.feasibility import Barred, exceeds
from hlsflow.comparison.feasibility import sentences as bar_sentences
from hlsflow.comparison.feasibility import words as bar_words
from hlsflow.comparison.metrics import (
    FIGURE_METRICS,
    METRICS,
    RESOURCES,
    Metric,
    Subject,
    design_value,
    figure_range,
    figure_value,
    utilisation_percent,
)
from hlsflow.comparison.text import (
    UNKNOWN,
    clock_text,
    data_text,
    delta_text,
    figure_text,
    gate_text,
    mismatches_text,
    range_text,
    stage_title,
    tool_text,
    value_text,
    with_unit,
)
from hlsflow.records.record import FigureRecord, two_designs

OPTIMAL_MARK = "★"
DIFFERS_MARK = "≠"
# How the state of a stage begins that gave no figure; the others' figures are in the tables.
TROUBLE = ("skipped", "failed", "not ")
SIZE_METRICS = ("sparsity", "parameters", "weight_bits", "weights_file_bytes")


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One cell: the value, what it is beside the baseline or of the part, and whether it is a failure."""

    text: str
    detail: str = ""
    bad: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table with a title and sentences below it. `numeric` says which columns are aligned to the right."""

    title: str
    header: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[Cell, ...], ...]
    remarks: tuple[str, ...] = ()


def tables(comparison: Comparison) -> list[Table]:
    """The table of the designs, then one for each stage that has figures."""
    return [_designs(comparison), *(_stage(comparison, stage) for stage in comparison.stages)]


def stated_metrics(comparison: Comparison, stage: str) -> list[Metric]:
    """The metrics that any row states at a stage: columns without any value are left out of the tables."""
    figures = [
        item.measurement.figure
        for row in comparison.rows
        for item in row.measurements
        if item.measurement.figure.stage == stage
    ]
    return [m for m in FIGURE_METRICS if any(figure_value(figure, m.name) is not None for figure in figures)]


def metric_detail(figure: FigureRecord, metric: Metric, deltas: dict[str, float]) -> str:
    """What stands below a figure's value: error bars, share of the part, difference from the baseline."""
    percent = utilisation_percent(figure, metric.name) if metric.name in RESOURCES else None
    said = [
        range_text(metric, figure_range(figure, metric.name)),
        "" if percent is None else f"{percent:.1f} %",
        delta_text(metric, figure_value(figure, metric.name), deltas.get(metric.name)),
    ]
    return " · ".join(text for text in said if text)


def verdict(row: Row) -> str:
    """How a design stands to the baseline, in few words."""
    if row.is_baseline:
        return "baseline"
    differing = words((*row.reasons, *row.target_reasons))
    return f"{DIFFERS_MARK} {differing}" if differing else "comparable"


def figures_verdict(row: Row) -> str:
    """In what some of a design's figures differ from the baseline's; nothing where none does."""
    differing = words([reason for item in row.measurements for reason in item.reasons])
    return f"figures {DIFFERS_MARK} {differing}" if differing else ""


def is_failure(figure: FigureRecord, metric: Metric) -> bool:
    """Whether a figure is a failure by itself: more than the part has, or a clock that is missed."""
    value = figure_value(figure, metric.name)
    if metric.name in RESOURCES:
        return exceeds(figure, metric.name)
    if metric.name == "clock_achieved_ns":
        return value is not None and figure.clock_target_ns is not None and value > figure.clock_target_ns
    return metric.name == "slack_ns" and value is not None and value < 0


def front_note(barred: tuple[Barred, ...]) -> str:
    """Why a row is on no front, in few words; nothing where it may be on one."""
    return f"on no front: {bar_words(barred)}" if barred else ""


def _name(row: Row, optimal: tuple[str, ...], cost: str) -> str:
    return f"{row.design.name} {OPTIMAL_MARK}" if cost in optimal else row.design.name


def _about(row: Row) -> str:
    return " · ".join(word for word in (row.design.title, front_note(row.barred)) if word)


def _designs(comparison: Comparison) -> Table:
    by_design = METRICS[comparison.cost].subject is Subject.DESIGN
    metrics = [METRICS[name] for name in SIZE_METRICS]
    header = ("design", "accuracy", "of Keras", "samples", "gate", "differing values",
              *(with_unit(metric) for metric in metrics), "target", "against the baseline")  # fmt: skip
    rows = []
    for row in comparison.rows:
        design = row.design
        rows.append(
            (
                Cell(text=_name(row, row.optimal if by_design else (), comparison.cost), detail=_about(row)),
                _metric_cell(row, METRICS["accuracy_csim"]),
                _metric_cell(row, METRICS["accuracy_keras"]),
                Cell(text=data_text(design)),
                Cell(text=gate_text(design.gate), bad=row.failed),
                Cell(text=mismatches_text(design.gate)),
                *(_metric_cell(row, metric) for metric in metrics),
                Cell(text=_target(design)),
                Cell(text=verdict(row), detail=figures_verdict(row)),
            )
        )
    numeric = (False, True, True, False, False, True, *(True for _ in metrics), False, False)
    stated = [index for index in range(len(header)) if any(row[index].text != UNKNOWN for row in rows)]
    return Table(
        title="Designs",
        header=tuple(header[index] for index in stated),
        numeric=tuple(numeric[index] for index in stated),
        rows=tuple(tuple(row[index] for index in stated) for row in rows),
        remarks=tuple(_design_remarks(comparison)),
    )


def _metric_cell(row: Row, metric: Metric) -> Cell:
    value = design_value(row.design, metric.name)
    return Cell(text=value_text(metric, value), detail=delta_text(metric, value, row.deltas.get(metric.name)))


def _target(design: Design) -> str:
    said = (design.part, None if design.clock_period_ns is None else clock_text(design.clock_period_ns), design.io_type)
    return ", ".join(word for word in said if word) or UNKNOWN


def _design_remarks(comparison: Comparison) -> list[str]:
    remarks = []
    for row in comparison.rows:
        design = row.design
        reasons = sentences((*row.reasons, *row.target_reasons))
        if reasons:
            remarks.append(f"{design.name} is not comparable with the baseline: {reasons}.")
        if design.data is not None and design.data.substitute:
            quoted = design.quoted
            own = (
                ""
                if quoted is None
                else f"; on {quoted.dataset}, quoted from {quoted.source}: {100 * quoted.accuracy:.2f} %"
            )
            remarks.append(f"{design.name} was measured on a substitute, {design.data.source}{own}.")
    return [*remarks, *_two_designs_remarks(comparison), *_state_remarks(comparison)]


def _two_designs_remarks(comparison: Comparison) -> list[str]:
    # One sentence for the rows that have figures of the same stages of both.
    names: dict[str, list[str]] = {}
    for row in comparison.rows:
        said = two_designs(item.measurement.figure for item in row.measurements)
        if said is not None:
            names.setdefault(said, []).append(row.design.name)
    return [f"{', '.join(rows)}: {said}." for said, rows in names.items()]


def _state_remarks(comparison: Comparison) -> list[str]:
    # One sentence for the stages and designs that share a state: what was skipped was mostly skipped for all.
    designs: dict[tuple[str, str], list[str]] = {}
    for row in comparison.rows:
        for stage, state in row.design.states:
            if state.startswith(TROUBLE):
                designs.setdefault((stage, state), []).append(row.design.name)
    stages: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (stage, state), names in designs.items():
        stages.setdefault((state, tuple(names)), []).append(stage)
    return [f"{', '.join(named)}: {state} ({', '.join(names)})." for (state, names), named in stages.items()]


def _stage(comparison: Comparison, stage: str) -> Table:
    metrics = stated_metrics(comparison, stage)
    rows, remarks = [], []
    for row in comparison.rows:
        for item in row.measurements:
            if item.measurement.figure.stage == stage:
                rows.append(_stage_row(comparison, row, item, metrics))
                remarks += _figure_remarks(row, item)
    if stage == "analytic":
        remarks.insert(0, "Estimates, with the error bars that their calibration gives. None of them is a measurement.")
    return Table(
        title=f"Stage {stage_title(stage)}",
        header=("design", "tool", "part", *(with_unit(metric) for metric in metrics), "against the baseline", "file"),
        numeric=(False, False, False, *(True for _ in metrics), False, False),
        rows=tuple(rows),
        remarks=tuple(remarks),
    )


def _stage_row(comparison: Comparison, row: Row, item: MeasurementRow, metrics: list[Metric]) -> tuple[Cell, ...]:
    figure = item.measurement.figure
    if row.is_baseline and not item.reasons:
        against = "baseline"
    else:
        against = f"{DIFFERS_MARK} {words(item.reasons)}" if item.reasons else "comparable"
    return (
        Cell(text=_name(row, item.optimal, comparison.cost), detail=front_note(item.barred), bad=bool(item.barred)),
        Cell(text=tool_text(figure)),
        Cell(text=figure.part or UNKNOWN),
        *(_figure_cell(figure, metric, item.deltas) for metric in metrics),
        Cell(text=against),
        Cell(text=figure.source_file or UNKNOWN),
    )


def _figure_cell(figure: FigureRecord, metric: Metric, deltas: dict[str, float]) -> Cell:
    detail = metric_detail(figure, metric, deltas)
    return Cell(text=figure_text(figure, metric), detail=detail, bad=is_failure(figure, metric))


def _figure_remarks(row: Row, item: MeasurementRow) -> list[str]:
    figure = item.measurement.figure
    who = f"{row.design.name}, {tool_text(figure)}"
    remarks = [f"{who}: not comparable with the baseline: {sentences(item.reasons)}."] if item.reasons else []
    if item.barred:
        remarks.append(f"{who}: on no front: {bar_sentences(item.barred)}.")
    return remarks
