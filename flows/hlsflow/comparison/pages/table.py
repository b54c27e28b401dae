"""The page's table: one line a design, a group of columns for each stage. It reads without any script."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from hlsflow.comparison.comparability import words
from hlsflow.comparison.comparison import Comparison, MeasurementRow, Row
from hlsflow.comparison.metrics import (
    METRICS,
    RESOURCES,
    Metric,
    design_value,
    figure_range,
    figure_value,
    utilisation_percent,
)
from hlsflow.comparison.tables import (
    DIFFERS_MARK,
    OPTIMAL_MARK,
    SIZE_METRICS,
    figures_verdict,
    front_note,
    is_failure,
    stated_metrics,
    verdict,
)
from hlsflow.comparison.text import (
    UNKNOWN,
    clock_text,
    data_text,
    delta_text,
    figure_text,
    gate_text,
    is_better,
    mismatches_text,
    range_text,
    stage_title,
    tool_text,
    value_text,
    with_unit,
)

# A heading of more letters takes several lines.
LONG_LABEL = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class _Column:
    """A column. `stage` is None for what is a property of the design itself."""

    key: str
    label: str
    group: str
    stage: str | None = None
    numeric: bool = False


def table_html(comparison: Comparison) -> str:
    """The `<thead>` and `<tbody>` of the table, all text escaped."""
    columns = list(_columns(comparison))
    body = [line for index, row in enumerate(comparison.rows) for line in _lines(comparison, columns, index, row)]
    return f"{_head(columns)}\n<tbody>\n" + "\n".join(body) + "\n</tbody>"


def _columns(comparison: Comparison) -> Iterator[_Column]:
    designs = [row.design for row in comparison.rows]
    yield _Column(key="name", label="name", group="Design")
    yield _Column(key="verdict", label="comparable?", group="Baseline")
    if any(design.data is not None for design in designs):
        yield _Column(key="accuracy_csim", label="C simulation", group="Accuracy", numeric=True)
        yield _Column(key="accuracy_keras", label="Keras", group="Accuracy", numeric=True)
        yield _Column(key="data", label="samples", group="Accuracy")
        yield _Column(key="gate", label="gate", group="Exactness")
        yield _Column(key="mismatches", label="differing values", group="Exactness", numeric=True)
    for name in SIZE_METRICS:
        if any(design_value(design, name) is not None for design in designs):
            yield _Column(key=name, label=with_unit(METRICS[name]), group="Model size", numeric=True)
    yield _Column(key="part", label="part", group="Target")
    yield _Column(key="clock", label="clock", group="Target", numeric=True)
    if any(design.io_type is not None for design in designs):
        yield _Column(key="io_type", label="interface", group="Target")
    for stage in comparison.stages:
        group = stage_title(stage)
        yield _Column(key="tool", label="tool", group=group, stage=stage)
        for metric in stated_metrics(comparison, stage):
            yield _Column(key=metric.name, label=with_unit(metric), group=group, stage=stage, numeric=True)


def _head(columns: list[_Column]) -> str:
    groups: list[list[_Column]] = []
    for column in columns:
        if groups and (groups[-1][0].group, groups[-1][0].stage) == (column.group, column.stage):
            groups[-1].append(column)
        else:
            groups.append([column])
    top = "".join(
        f'<th scope="colgroup" colspan="{len(group)}" class="group"{_stage(group[0])}><span>{escape(group[0].group)}'
        "</span></th>"
        for group in groups
    )
    below = "".join(_heading(column, column is group[0]) for group in groups for column in group)
    return f"<thead>\n<tr>{top}</tr>\n<tr>{below}</tr>\n</thead>"


def _heading(column: _Column, first: bool) -> str:
    sort = "ascending" if column.key == "name" else "none"
    long = ' class="long"' if len(column.label) > LONG_LABEL else ""
    return (
        f'<th scope="col" aria-sort="{sort}" data-key="{column.key}"{_stage(column)} class="{_classes(column, first)}">'
        f'<button type="button" tabindex="-1"{long}>{escape(column.label)}</button></th>'
    )


def _stage(column: _Column) -> str:
    return "" if column.stage is None else f' data-stage="{escape(column.stage)}"'


def _classes(column: _Column, first: bool = False) -> str:
    classes = {"n": column.numeric, "name": column.key == "name", "first": first}
    return " ".join(name for name, applies in classes.items() if applies)


def _lines(comparison: Comparison, columns: list[_Column], index: int, row: Row) -> Iterator[str]:
    # Several figures of one stage are several lines; the stages of a line have nothing else to do with each other.
    by_stage: dict[str, list[tuple[int, MeasurementRow]]] = {}
    for number, item in enumerate(row.measurements):
        by_stage.setdefault(item.measurement.figure.stage, []).append((number, item))
    for line in range(max((len(items) for items in by_stage.values()), default=1)):
        cells, before = [], None
        for column in columns:
            first = before is not None and (before.group, before.stage) != (column.group, column.stage)
            before = column
            items = by_stage.get(column.stage or "", [])
            if column.stage is None:
                cells.append(_design_cell(comparison, column, row, first, repeated=line > 0))
            elif line < len(items):
                number, item = items[line]
                cells.append(_figure_cell(comparison, column, number, item, first))
            else:
                cells.append(_cell(column, UNKNOWN, first=first))
        kind = " ".join(["failed"] * row.failed + ["baseline"] * row.is_baseline)
        yield f'<tr data-row="{index}" data-line="{line}" class="{kind}">{"".join(cells)}</tr>'


def _cell(
    column: _Column, text: str, *, value: float | str | None = None, below: str = "", first: bool = False,
    extra: str = "", kind: str = "",
) -> str:  # fmt: skip
    classes = " ".join(word for word in (_classes(column, first), "none" if text == UNKNOWN else "", kind) if word)
    sort = "" if value is None else f' data-v="{escape(str(value))}"'
    return f'<td class="{classes}"{sort}{_stage(column)}{extra}>{escape(text)}{below}</td>'


def _small(text: str, kind: str = "") -> str:
    return f'<small class="{kind}">{escape(text)}</small>' if text else ""


def _share_and_delta(share: str, delta: str, kind: str) -> str:
    said = [escape(share), f'<span class="{kind}">{escape(delta)}</span>' if delta else ""]
    text = " · ".join(word for word in said if word)
    return f"<small>{text}</small>" if text else ""


def _delta_kind(metric: Metric, delta: float | None) -> str:
    return {True: "better", False: "worse", None: ""}[is_better(metric, delta)]


def _design_cell(comparison: Comparison, column: _Column, row: Row, first: bool, *, repeated: bool) -> str:
    design, gate = row.design, row.design.gate
    match column.key:
        case "name":
            return _name_cell(comparison, row, repeated=repeated)
        case "verdict":
            text = verdict(row)
            kind = "warn" if text.startswith(DIFFERS_MARK) else "quiet"
            below = _small(figures_verdict(row), "warn")
            return _cell(column, text, value=text, below=below, first=first, kind=kind)
        case "data":
            text = data_text(design)
            substitute = design.data is not None and design.data.substitute
            return _cell(column, text, value=text, first=first, kind="warn" if substitute else "")
        case "gate":
            value = None if gate is None else f"{0 if gate.passed else 1}{gate.kind}{gate.max_abs_error:012.6f}"
            kind = "" if gate is None else ("fail" if row.failed else "pass" if gate.kind == "exact" else "")
            text, _, detail = gate_text(gate).partition(": ")
            return _cell(column, text, value=value, below=_small(detail), first=first, kind=kind)
        case "mismatches":
            value = None if gate is None else gate.mismatching_values
            return _cell(column, mismatches_text(gate), value=value, first=first)
        case "part" | "io_type":
            text = getattr(design, column.key)
            return _cell(column, text or UNKNOWN, value=text, first=first)
        case "clock":
            return _cell(column, clock_text(design.clock_period_ns), value=design.clock_period_ns, first=first)
        case _:
            metric = METRICS[column.key]
            value, delta = design_value(design, metric.name), row.deltas.get(metric.name)
            below = _small(delta_text(metric, value, delta), _delta_kind(metric, delta))
            return _cell(column, value_text(metric, value), value=value, below=below, first=first)


def _name_cell(comparison: Comparison, row: Row, *, repeated: bool) -> str:
    optimal = comparison.cost in row.optimal or any(comparison.cost in item.optimal for item in row.measurements)
    title = f"Pareto-optimal in accuracy against {with_unit(METRICS[comparison.cost])}"
    mark = f'<abbr class="optimal" title="{escape(title)}">{OPTIMAL_MARK}</abbr>' if optimal and not repeated else ""
    below = _small("further figures" if repeated else row.design.title)
    below += "" if repeated else _small(front_note(row.barred), "warn")
    name = escape(row.design.name)
    breakable = name.replace("/", "/<wbr>")
    return f'<th scope="row" class="name" data-v="{name}"><span class="who">{breakable}</span>{mark}{below}</th>'


def _figure_cell(comparison: Comparison, column: _Column, number: int, item: MeasurementRow, first: bool) -> str:
    figure, extra = item.measurement.figure, f' data-figure="{number}"'
    estimate = "estimate" if figure.stage == "analytic" else ""
    if column.key == "tool":
        below = _small(f"{DIFFERS_MARK} {words(item.reasons)}", "warn") if item.reasons else ""
        below += _small(front_note(item.barred), "warn")
        return _cell(column, tool_text(figure), value=tool_text(figure), below=below, first=first, extra=extra)
    metric = METRICS[column.key]
    value, delta = figure_value(figure, metric.name), item.deltas.get(metric.name)
    percent = utilisation_percent(figure, metric.name) if metric.name in RESOURCES else None
    share = "" if percent is None else f"{percent:.1f} %"
    below = _small(range_text(metric, figure_range(figure, metric.name)))
    below += _share_and_delta(share, delta_text(metric, value, delta), _delta_kind(metric, delta))
    kind = "fail" if is_failure(figure, metric) else estimate
    return _cell(column, figure_text(figure, metric), value=value, below=below, first=first, extra=extra, kind=kind)
