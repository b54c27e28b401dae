"""The quantities that are compared, each with its unit and which way is better."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hlsflow.comparison.design import Design
    from hlsflow.records.record import FigureRecord


class Better(StrEnum):
    HIGHER = "higher"
    LOWER = "lower"


class Subject(StrEnum):
    """What a metric is a property of: the design itself, or one tool's figures of it at one stage."""

    DESIGN = "design"
    FIGURE = "figure"


class Form(StrEnum):
    """How a value is written."""

    COUNT = "count"
    SHARE = "share"
    BYTES = "bytes"
    NS = "ns"
    RATE = "rate"


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """One quantity. `option` is the word for it at `--cost`, None where it is no cost; `unit` is "" for a plain count.

    `error_field` is the field of FigureRecord whose error bars are its own, up to the clock.
    """

    name: str
    label: str
    unit: str
    form: Form
    better: Better
    subject: Subject
    option: str | None = None
    error_field: str | None = None


def _of_design(name: str, label: str, unit: str, form: Form, better: Better, option: str | None = None) -> Metric:
    return Metric(
        name=name, label=label, unit=unit, form=form, better=better, subject=Subject.DESIGN, option=option
    )  # fmt: skip


def _of_figure(
    name: str, label: str, unit: str, form: Form, option: str | None = None, error_field: str | None = None
) -> Metric:
    better = Better.HIGHER if form is Form.RATE or name == "slack_ns" else Better.LOWER
    return Metric(
        name=name,
        label=label,
        unit=unit,
        form=form,
        better=better,
        subject=Subject.FIGURE,
        option=option,
        error_field=error_field,
    )


_HIGHER, _LOWER = Better.HIGHER, Better.LOWER

DESIGN_METRICS = (
    _of_design("accuracy_csim", "accuracy", "%", Form.SHARE, _HIGHER),
    _of_design("accuracy_keras", "accuracy of Keras", "%", Form.SHARE, _HIGHER),
    _of_design("sparsity", "sparsity", "%", Form.SHARE, _HIGHER),
    _of_design("parameters", "parameters", "", Form.COUNT, _LOWER, "parameters"),
    _of_design("nonzero_parameters", "parameters that are not zero", "", Form.COUNT, _LOWER, "nonzero"),
    _of_design("weight_bits", "weights", "bit", Form.COUNT, _LOWER, "weight_bits"),
    _of_design("weights_file_bytes", "file of weights", "KiB", Form.BYTES, _LOWER, "file_bytes"),
)

FIGURE_METRICS = (
    _of_figure("latency_max_cycles", "latency", "cycles", Form.COUNT, "latency", "latency_max_cycles"),
    _of_figure("latency_at_target_ns", "latency at target clock", "ns", Form.NS, None, "latency_max_cycles"),
    _of_figure("latency_at_achieved_ns", "latency at achieved clock", "ns", Form.NS, "latency_ns"),
    _of_figure("interval_max_cycles", "interval", "cycles", Form.COUNT, "interval", "interval_max_cycles"),
    _of_figure("throughput_at_target", "throughput at target clock", "1/s", Form.RATE),
    _of_figure("throughput_at_achieved", "throughput at achieved clock", "1/s", Form.RATE),
    _of_figure("lut", "LUT", "", Form.COUNT, "lut", "lut"),
    _of_figure("ff", "FF", "", Form.COUNT, "ff", "ff"),
    _of_figure("dsp", "DSP", "", Form.COUNT, "dsp", "dsp"),
    _of_figure("bram_18k", "BRAM_18K", "", Form.COUNT, "bram_18k", "bram_18k"),
    _of_figure("uram", "URAM", "", Form.COUNT, "uram", "uram"),
    _of_figure("clock_target_ns", "target clock", "ns", Form.NS),
    _of_figure("clock_achieved_ns", "achieved clock", "ns", Form.NS),
    _of_figure("slack_ns", "slack", "ns", Form.NS),
    _of_figure("bitstream_bytes", "bitstream", "KiB", Form.BYTES),
    _of_figure("frames_per_s", "results through the serial line", "1/s", Form.RATE),
    _of_figure("round_trip_ms", "frame to result through the serial line", "ms", Form.NS),
)

METRICS = {metric.name: metric for metric in (*DESIGN_METRICS, *FIGURE_METRICS)}
COSTS = {metric.option: metric for metric in METRICS.values() if metric.option is not None}
RESOURCES = ("lut", "ff", "dsp", "bram_18k", "uram")


def design_value(design: Design, metric: str) -> float | None:
    """A metric of a design, None where it is not known. Shares are of 1."""
    value = getattr(design, metric)
    return None if value is None else value


def figure_value(figure: FigureRecord, metric: str) -> float | None:
    """A metric of a figure, None where the tool does not say. Times in ns, throughput in inferences per second."""
    if metric == "latency_at_target_ns":
        return _product(figure.latency_max_cycles, figure.clock_target_ns)
    if metric == "latency_at_achieved_ns":
        return _product(figure.latency_max_cycles, figure.clock_achieved_ns)
    if metric == "throughput_at_target":
        return _rate(figure.interval_max_cycles, figure.clock_target_ns)
    if metric == "throughput_at_achieved":
        return _rate(figure.interval_max_cycles, figure.clock_achieved_ns)
    return getattr(figure, metric)


def figure_range(figure: FigureRecord, metric: str) -> tuple[float, float] | None:
    """The error bars of a metric as (low, high), None where there are none."""
    field = METRICS[metric].error_field
    bars = figure.ranges.get(field) if field is not None else None
    if bars is None or len(bars) != 2 or not all(math.isfinite(end) for end in bars):
        return None
    scale = figure.clock_target_ns if metric == "latency_at_target_ns" else 1.0
    return None if scale is None else (round(bars[0] * scale, 3), round(bars[1] * scale, 3))


def utilisation_percent(figure: FigureRecord, resource: str) -> float | None:
    """The share of the part's `resource` (a name of RESOURCES) in per cent, None where either count is not known."""
    used, available = getattr(figure, resource), getattr(figure, f"{resource}_available")
    return None if used is None or not available else 100.0 * used / available


def _product(cycles: int | None, period_ns: float | None) -> float | None:
    return None if cycles is None or period_ns is None else round(cycles * period_ns, 3)


def _rate(interval_cycles: int | None, period_ns: float | None) -> float | None:
    if not interval_cycles or not period_ns:
        return None
    return round(1e9 / (interval_cycles * period_ns), 3)
