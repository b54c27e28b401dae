"""Values as a person reads them: fixed digits, thousands apart, "-" for what is not known."""

from __future__ import annotations

from hlsflow.comparison.design import Design, Gate
from hlsflow.comparison.metrics import METRICS, Form, Metric, figure_value
from hlsflow.records.record import FigureRecord
from hlsflow.records.tools import OWN_RTL_STAGES
from hlsflow.records.verdict import at_most

UNKNOWN = "-"
MINUS = "−"


def value_text(metric: Metric, value: float | None) -> str:
    """A value without its unit, except for shares: `96.51 %`, `12,345`, `84.500`. "-" where it is None."""
    if value is None:
        return UNKNOWN
    match metric.form:
        case Form.SHARE:
            return f"{100 * value:.2f} %"
        case Form.BYTES:
            return f"{value / 1024:,.1f}"
        case Form.NS if metric.name.startswith(("clock", "slack")):
            return f"{value:.3f}".replace("-", MINUS)
        case Form.NS:
            return f"{value:,.1f}"
        case _:
            return f"{value:,.0f}"


def delta_text(metric: Metric, value: float | None, delta: float | None) -> str:
    """A difference from the baseline: percentage points for shares, ns for slack, else per cent of the baseline."""
    if value is None or delta is None:
        return ""
    if metric.form is Form.SHARE:
        return _signed(100 * delta, 2, " pp")
    if metric.name == "slack_ns":
        return _signed(delta, 3, " ns")
    base = value - delta
    return _signed(100 * delta / base, 1, " %") if base else _signed(delta, 0, "")


def _signed(value: float, digits: int, unit: str) -> str:
    text = f"{abs(value):,.{digits}f}"
    if not any(digit in "123456789" for digit in text):
        return f"±{text}{unit}"
    return f"{'+' if value > 0 else MINUS}{text}{unit}"


def is_better(metric: Metric, delta: float | None) -> bool | None:
    """Whether a difference is for the better; None where there is none."""
    return None if not delta else (delta > 0) == (metric.better == "higher")


def with_unit(metric: Metric) -> str:
    """A metric's label with its unit, as a heading: `latency (cycles)`."""
    return f"{metric.label} ({metric.unit})" if metric.unit and metric.form is not Form.SHARE else metric.label


def gate_text(gate: Gate | None) -> str:
    """The verdict of the gate: `exact`, `equal, not exact`, `bounded: off by 0.0054 of 0.009 allowed`, `FAILED: …`."""
    if gate is None:
        return UNKNOWN
    off = f"off by {at_most(gate.max_abs_error)}"
    if gate.kind == "exact":
        held, text = gate.mismatching_values == 0, f"{off}, none allowed"
        passed = "exact" if gate.exact else "equal on its samples, not exact for any input"
    else:
        held, text = gate.max_abs_error <= gate.allowed_abs_error, f"{off} of {gate.allowed_abs_error:g} allowed"
        passed = f"bounded: {text}"
    if gate.passed:
        return passed
    # Outputs that are as they must be are no reason: then a witness, a softmax or another run is.
    return f"FAILED: {gate.failures[0] if held and gate.failures else text}"


def mismatches_text(gate: Gate | None) -> str:
    return UNKNOWN if gate is None else f"{gate.mismatching_values:,} of {gate.values:,}"


def data_text(design: Design) -> str:
    """The samples of a design: `10,000 of mnist`, with a substitute named as one."""
    if design.data is None:
        return UNKNOWN
    text = f"{design.data.samples:,} of {design.data.dataset}"
    return f"{text} (substitute)" if design.data.substitute else text


def tool_text(figure: FigureRecord) -> str:
    return f"{figure.tool} {figure.tool_version or '(version not stated)'}"


def clock_text(period_ns: float | None) -> str:
    return UNKNOWN if period_ns is None else f"{period_ns:g} ns"


def cycles_text(figure: FigureRecord, kind: str) -> str:
    """The latency or the interval (`kind`) in cycles; both ends where they differ."""
    least, greatest = (getattr(figure, f"{kind}_{end}_cycles") for end in ("min", "max"))
    if greatest is None or least is None or least == greatest:
        return value_text(METRICS[f"{kind}_max_cycles"], greatest if greatest is not None else least)
    return f"{least:,}–{greatest:,}"


def figure_text(figure: FigureRecord, metric: Metric) -> str:
    """A metric of a figure as text."""
    for kind in ("latency", "interval"):
        if metric.name == f"{kind}_max_cycles":
            return cycles_text(figure, kind)
    return value_text(metric, figure_value(figure, metric.name))


def range_text(metric: Metric, bars: tuple[float, float] | None) -> str:
    """Error bars: `8,100–10,300`; nothing where there are none."""
    return "" if bars is None else "–".join(value_text(metric, end) for end in bars)


def stage_title(stage: str) -> str:
    """A stage as a heading. An estimate is called one wherever it stands, and so is RTL of our own."""
    if stage in OWN_RTL_STAGES:
        return f"{stage} (our own RTL, another design than hls4ml's)"
    return "analytic (estimate, not a measurement)" if stage == "analytic" else stage
