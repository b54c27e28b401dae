"""The comparison as CSV: one row for every design, stage and tool, each with its provenance."""

from __future__ import annotations

from typing import Any

from hlsflow.comparison.comparability import sentences
from hlsflow.comparison.comparison import Comparison, MeasurementRow, Row
from hlsflow.comparison.feasibility import sentences as bar_sentences
from hlsflow.comparison.metrics import (
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
from hlsflow.foundation.csv_text import csv_text as csv_of


def csv_text(comparison: Comparison) -> str:
    """The comparison as CSV with a header; what is not known is empty. A design without any figure is one row."""
    records = [
        record
        for row in comparison.rows
        for record in ([_record(comparison, row, item) for item in row.measurements] or [_record(comparison, row)])
    ]
    return csv_of(records, list(records[0]))


def _record(comparison: Comparison, row: Row, item: MeasurementRow | None = None) -> dict[str, Any]:
    design, data, gate = row.design, row.design.data, row.design.gate
    figure = None if item is None else item.measurement.figure
    of_design = METRICS[comparison.cost].subject is Subject.DESIGN
    optimal = row.optimal if of_design else (() if item is None else item.optimal)
    record: dict[str, Any] = {
        "design": design.name,
        "title": design.title,
        "kind": design.kind,
        "baseline": comparison.baseline,
        "stage": figure and figure.stage,
        "is_estimate": figure and figure.stage == "analytic",
        "figure_of": None if figure is None else "own RTL" if figure.is_of_own_rtl else "HLS of hls4ml's C++",
        "architecture": figure and figure.architecture,
        "tool": figure and figure.tool,
        "tool_version": figure and figure.tool_version,
        "part": figure.part if figure else design.part,
        "source_file": figure and figure.source_file,
        "record_file": design.source_file,
        "backend": design.backend,
        "io_type": design.io_type,
        "clock_period_ns": design.clock_period_ns,
        "dataset": data and data.dataset,
        "samples": data and data.samples,
        "samples_sha256": data and data.sha256,
        "samples_source": data and data.source,
        "is_substitute": data and data.substitute,
        "gate": gate and gate.kind,
        "gate_passed": gate and gate.passed,
        "exact": gate and gate.exact,
        "output_integers": gate and gate.values,
        "differing_values": gate and gate.mismatching_values,
        "max_abs_error": gate and gate.max_abs_error,
        "allowed_abs_error": gate and gate.allowed_abs_error,
    }
    for metric in DESIGN_METRICS:
        record[metric.name] = _rounded(design_value(design, metric.name))
        record[f"{metric.name}_delta"] = row.deltas.get(metric.name)
    for name in ("latency_min_cycles", "interval_min_cycles"):
        record[name] = figure and getattr(figure, name)
    for metric in FIGURE_METRICS:
        name = metric.name
        low, high = (figure_range(figure, name) if figure else None) or (None, None)
        record[name] = figure and _rounded(figure_value(figure, name))
        if metric.error_field is not None:
            record[f"{name}_low"], record[f"{name}_high"] = low, high
        if name in RESOURCES:
            record[f"{name}_available"] = figure and getattr(figure, f"{name}_available")
            record[f"{name}_percent"] = figure and _rounded(utilisation_percent(figure, name), 2)
        record[f"{name}_delta"] = item and item.deltas.get(name)
    record |= {
        "is_pareto_optimal": comparison.cost in optimal,
        "on_no_front": bar_sentences(row.barred if of_design or item is None else item.barred),
        "pareto_cost": comparison.cost,
        "pareto_group": row.group if of_design else item and item.group,
        "accuracy_not_comparable": sentences((*row.reasons, *row.target_reasons)),
        "figure_not_comparable": sentences(item.reasons) if item else "",
        "in_domain": figure and figure.in_domain,
        "notes": "; ".join(figure.notes) if figure else "",
    }
    return record


def _rounded(value: float | None, digits: int = 6) -> float | None:
    return None if value is None else round(value, digits)
