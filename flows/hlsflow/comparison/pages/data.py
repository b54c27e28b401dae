"""What the page's script draws: every number with what it needs for its tooltip, unknown ones left out."""

from __future__ import annotations

from typing import Any

from hlsflow.comparison.comparability import sentences
from hlsflow.comparison.comparison import Comparison, MeasurementRow, Row
from hlsflow.comparison.feasibility import sentences as bar_sentences
from hlsflow.comparison.metrics import (
    COSTS,
    DESIGN_METRICS,
    FIGURE_METRICS,
    METRICS,
    RESOURCES,
    Subject,
    design_value,
    figure_range,
    figure_value,
    utilisation_percent,
)
from hlsflow.comparison.text import data_text, stage_title, tool_text
from hlsflow.records.record import FigureRecord

# What the scatter against area and the one against latency offer as their horizontal axis.
SIZE_COSTS = tuple(m.name for m in COSTS.values() if m.subject is Subject.DESIGN)
TIME_COSTS = ("latency_max_cycles", "latency_at_target_ns", "latency_at_achieved_ns", "interval_max_cycles")


def page_data(comparison: Comparison) -> dict[str, Any]:
    """The page's data as plain JSON values."""
    return {
        "baseline": comparison.baseline,
        "cost": comparison.cost,
        "stages": {stage: stage_title(stage) for stage in comparison.stages},
        "metrics": {name: {"label": m.label, "unit": m.unit, "form": str(m.form)} for name, m in METRICS.items()},
        "sizes": SIZE_COSTS,
        "areas": RESOURCES,
        "times": TIME_COSTS,
        "rows": [_row(row) for row in comparison.rows],
    }


def _row(row: Row) -> dict[str, Any]:
    design = row.design
    return _known(
        {
            "name": design.name,
            "title": design.title,
            "file": design.source_file,
            "part": design.part,
            "accuracy": design.accuracy_csim,
            "data": None if design.data is None else f"{data_text(design)}: {design.data.source}",
            "quoted": None
            if design.quoted is None
            else f"{100 * design.quoted.accuracy:.2f} % on {design.quoted.dataset}, quoted from {design.quoted.source}",
            "failed": row.failed or None,
            "baseline": row.is_baseline or None,
            "group": row.group,
            "reasons": sentences((*row.reasons, *row.target_reasons)) or None,
            "optimal": list(row.optimal) or None,
            "barred": bar_sentences(row.barred) or None,
            "values": _known({m.name: design_value(design, m.name) for m in DESIGN_METRICS}),
            "layers": [
                _known(
                    {
                        "name": layer.name,
                        "about": layer.operation,
                        "type": layer.weight_type,
                        "reuse_factor": layer.reuse_factor,
                        "parameters": layer.parameters,
                        "zeros": layer.zeros,
                    }
                )
                for layer in design.layers
            ],
            "figures": [_figure(item) for item in row.measurements],
        }
    )


def _figure(item: MeasurementRow) -> dict[str, Any]:
    figure = item.measurement.figure
    return _known(
        {
            "stage": figure.stage,
            "tool": tool_text(figure),
            "part": figure.part,
            "file": figure.source_file,
            "notes": figure.notes or None,
            "estimate": figure.stage == "analytic" or None,
            "outside": figure.in_domain is False or None,
            "group": item.group,
            "reasons": sentences(item.reasons) or None,
            "optimal": list(item.optimal) or None,
            "barred": bar_sentences(item.barred) or None,
            "values": _values(figure),
            "ranges": _ranges(figure),
            "percent": _known({name: _rounded(utilisation_percent(figure, name)) for name in RESOURCES}),
            "modules": [
                {"name": module.module, "values": _values(module), "ranges": _ranges(module)}
                for module in item.measurement.modules
            ]
            or None,
        }
    )


def _values(figure: FigureRecord) -> dict[str, float]:
    return _known({m.name: figure_value(figure, m.name) for m in FIGURE_METRICS})


def _ranges(figure: FigureRecord) -> dict[str, tuple[float, float]]:
    return _known({m.name: figure_range(figure, m.name) for m in FIGURE_METRICS})


def _rounded(percent: float | None) -> float | None:
    return None if percent is None else round(percent, 2)


def _known(data: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if value is not None}
