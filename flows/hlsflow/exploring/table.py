"""A sweep's rows as tables: Markdown for people, CSV and JSON with everything for machines."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from statistics import mean, stdev
from typing import Any

from hlsflow.exploring.row import ESTIMATES, Exactness, Row
from hlsflow.exploring.spec import Sweep
from hlsflow.foundation.csv_text import csv_text as csv_of
from hlsflow.records.verdict import at_most

SEED = "seed"
_KIBI = 1024


def markdown(sweep: Sweep, rows: Sequence[Row]) -> str:
    """The whole report of a sweep."""
    spec = sweep.spec
    lines = [f"# {spec.title}", "", f"Written by `python flows/sweep.py sweeps/{spec.name}.yaml`; do not edit.", ""]
    if spec.description:
        lines += [spec.description.strip(), ""]
    lines += [*_said_of_data(rows), ""]
    lines += _table(_columns(rows), rows)
    lines += ["", *legend(rows)]
    notes = [f"- `{row.point}`: {row.note.strip()}" for row in rows if row.note]
    if notes:
        lines += ["", "Notes:", "", *dict.fromkeys(notes)]
    failed = [f"- `{row.point}`: {row.error}" for row in rows if row.error]
    if failed:
        lines += ["", "Failed:", "", *failed]
    seeds = _over_seeds(rows)
    if seeds:
        lines += ["", "## Over seeds", "", "Mean and standard deviation of the test accuracy, in per cent.", "", *seeds]
    facts = _facts(rows)
    if facts:
        lines += ["", "## What the methods measured", "", *facts]
    pictures = [f"![{plot.title}]({plot.file})" for plot in spec.plots]
    if pictures:
        lines += ["", *pictures]
    return "\n".join(lines) + "\n"


def brief(rows: Sequence[Row]) -> list[str]:
    """The lines of a table with the same columns for every sweep; a point's title says what it is."""
    columns: list[Column] = [
        ("what", lambda row: row.title),
        ("data", lambda row: row.dataset or "-"),
        *_figures(),
    ]
    return _table(columns, rows)


def csv_text(rows: Sequence[Row]) -> str:
    """All rows with every figure, a header first."""
    records = [record(row) for row in rows]
    names = list(dict.fromkeys(name for item in records for name in item))
    return csv_of(records, names)


def json_text(sweep: Sweep, rows: Sequence[Row]) -> str:
    """The sweep and its rows as JSON; equal rows give equal text."""
    content = {
        "sweep": sweep.spec.name,
        "title": sweep.spec.title,
        "rows": [row.model_dump(mode="json") for row in rows],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def record(row: Row) -> dict[str, Any]:
    """A row as one flat mapping. An estimate's columns say so, with stage, tool, version and part beside them."""
    exactness, estimate = row.exactness, row.estimate
    flat: dict[str, Any] = {"point": row.point, "title": row.title, "kind": row.kind}
    flat |= {**row.columns, **row.parameters}
    flat |= {
        "dataset": row.dataset,
        "dataset_source": row.dataset_source,
        "accuracy": row.accuracy,
        "parameter_count": row.parameter_count,
        "zeros": row.zeros,
        "weights_file_bytes": row.weights_file_bytes,
        "hardware_weight_bits": row.hardware_weight_bits,
    }
    if exactness is not None:
        flat |= {f"gate_{key}": value for key, value in exactness.model_dump(exclude={"failures"}).items()}
    if estimate is not None:
        flat |= {f"estimate_{name}": getattr(estimate, field) for name, field in ESTIMATES.items()}
        flat |= {
            f"estimate_{name}_{side}": bounds[index]
            for name, field in ESTIMATES.items()
            if (bounds := estimate.ranges.get(field)) is not None
            for index, side in enumerate(("low", "high"))
        }
        flat |= {
            "stage": estimate.stage,
            "tool": f"{estimate.tool} {estimate.tool_version}",
            "part": estimate.part,
            "in_domain": estimate.in_domain,
            "io_type": row.io_type,
            "clock_period_ns": row.clock_period_ns,
        }
    flat |= {f"facts.{key}": value for key, value in row.facts.items()}
    return flat | {"note": row.note, "error": row.error}


Column = tuple[str, Callable[[Row], str]]


def _columns(rows: Sequence[Row]) -> list[Column]:
    """The columns that any row fills: what the point is, then its figures."""
    names = dict.fromkeys(name for row in rows for name in (*row.columns, *row.parameters))
    columns: list[Column] = [("point", lambda row: f"`{row.point}`")]
    columns += [(name, _value_of(name)) for name in names]
    if "dataset" not in names and len({row.dataset for row in rows if row.dataset}) > 1:
        columns.append(("data", lambda row: row.dataset or "-"))
    return columns + [column for column in _figures() if any(column[1](row) != "-" for row in rows)]


def _figures() -> list[Column]:
    return [
        ("accuracy", lambda row: _percent(row.accuracy)),
        ("parameters", lambda row: _count(row.parameter_count)),
        ("zeros", lambda row: _percent(row.zeros, 1)),
        ("file", lambda row: _size(row.weights_file_bytes)),
        ("gzip", lambda row: _size(row.facts.get("gzip_bytes"))),
        ("on this CPU", lambda row: _microseconds(row.facts.get("cpu_latency_us"))),
        ("weights in hardware", lambda row: _size(_bytes(row.hardware_weight_bits))),
        ("outputs against Keras", lambda row: exactness_text(row.exactness)),
        *((title, _estimate_of(name)) for name, title in _TITLES.items()),
    ]


_TITLES = {
    "lut": "LUT, est.", "ff": "FF, est.", "dsp": "DSP, est.", "bram_18k": "BRAM 18K, est.",
    "latency_cycles": "latency, est.", "interval_cycles": "interval, est.",
}  # fmt: skip


def legend(rows: Sequence[Row]) -> list[str]:
    """What the figures are, of what, and by which tool."""
    lines = [
        "Accuracy is of the whole test set, of the model with its weights as the hardware has them. File: the real "
        "size of `weights.npz`, or of the TensorFlow Lite file.",
    ]
    cpus = dict.fromkeys(str(row.facts["cpu"]) for row in rows if "cpu" in row.facts)
    if cpus:
        lines.append(f"On this CPU: the median time of TensorFlow Lite for one image: {', '.join(cpus)}.")
    estimates = [row.estimate for row in rows if row.estimate is not None]
    if estimates:
        tools = dict.fromkeys(f"{item.tool} {item.tool_version}" for item in estimates)
        parts = dict.fromkeys(str(item.part) for item in estimates)
        clocks = dict.fromkeys(f"{row.clock_period_ns:g} ns" for row in rows if row.clock_period_ns)
        targets = dict.fromkeys(str(row.io_type) for row in rows if row.io_type)
        lines.append(
            f"est.: an analytic estimate by {', '.join(tools)} of what C synthesis would report for "
            f"{', '.join(parts)} at {', '.join(clocks)}, {', '.join(targets)}; cycles at the worst. Never a "
            "measurement; error bars are in the CSV. `*`: outside what the estimator was calibrated on. (%): more than "
            "the part has."
        )
    return lines


def exactness_text(found: Exactness | None) -> str:
    """The gate's outcome in a few words."""
    if found is None:
        return "-"
    if found.kind == "exact":
        text = f"{found.mismatching_values:,} of {found.values:,} differ"
        if found.passed and not found.exact:
            text += ", not exact for any input"
    else:
        text = f"off by {at_most(found.max_abs_error, 2)} at most, {found.allowed_abs_error:g} allowed"
    if found.passed:
        return text
    # An output that is as it must be is no reason: then a witness or a softmax is.
    held = found.mismatching_values == 0 if found.kind == "exact" else found.max_abs_error <= found.allowed_abs_error
    return f"FAILED: {found.failures[0] if held and found.failures else text}"


def _said_of_data(rows: Sequence[Row]) -> list[str]:
    sources = dict.fromkeys(f"{row.dataset}: {row.dataset_source}" for row in rows if row.dataset_source)
    counts = dict.fromkeys(f"{row.exactness.samples:,}" for row in rows if row.exactness is not None)
    lines = [f"Data: {'; '.join(sources)}."] if sources else []
    if counts:
        lines.append(f"C simulation was compared with Keras on the first {' or '.join(counts)} test images.")
    return lines


def _value_of(name: str) -> Callable[[Row], str]:
    def text(row: Row) -> str:
        value = row.parameters.get(name, row.columns.get(name))
        return "-" if value is None else str(value)

    return text


def _estimate_of(name: str) -> Callable[[Row], str]:
    def text(row: Row) -> str:
        value = row.value(name)
        if value is None or row.estimate is None:
            return "-"
        mark = "" if row.estimate.in_domain else "*"
        available = getattr(row.estimate, f"{name}_available", None)
        # A design that is too large for the part is no finding to be passed over.
        share = f" ({100 * value / available:.0f} %)" if available and value > available else ""
        return f"{value:,}{mark}{share}"

    return text


def _table(columns: Sequence[Column], rows: Sequence[Row]) -> list[str]:
    lines = [f"| {' | '.join(title for title, _ in columns)} |", f"|{' --- |' * len(columns)}"]
    return lines + [f"| {' | '.join(text(row) for _, text in columns)} |" for row in rows]


def _over_seeds(rows: Sequence[Row]) -> list[str]:
    """A table of mean and standard deviation where points differ in their seed alone."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if SEED in row.parameters and row.accuracy is not None:
            others = {key: value for key, value in row.parameters.items() if key != SEED}
            groups.setdefault((row.family, json.dumps(others)), []).append(row)
    groups = {key: found for key, found in groups.items() if len(found) > 1}
    if not groups:
        return []
    lines = ["| family | parameters | seeds | accuracy |", "| --- | --- | --- | --- |"]
    for (family, others), found in groups.items():
        accuracies = [100 * row.accuracy for row in found if row.accuracy is not None]
        said = ", ".join(f"{key} {value}" for key, value in json.loads(others).items()) or "-"
        lines.append(f"| `{family}` | {said} | {len(found)} | {mean(accuracies):.2f} ± {stdev(accuracies):.2f} |")
    return lines


def _facts(rows: Sequence[Row]) -> list[str]:
    """A table of the methods' own figures."""
    names = dict.fromkeys(name for row in rows for name in row.facts)
    if not names:
        return []
    columns: list[Column] = [("point", lambda row: f"`{row.point}`")]
    columns += [(name, _fact_of(name)) for name in names]
    return _table(columns, [row for row in rows if row.facts])


def _fact_of(name: str) -> Callable[[Row], str]:
    def text(row: Row) -> str:
        value = row.facts.get(name)
        if value is None:
            return "-"
        return f"{value:,}" if isinstance(value, int) else f"{value:.6g}" if isinstance(value, float) else str(value)

    return text


def _percent(share: float | None, digits: int = 2) -> str:
    return "-" if share is None else f"{100 * share:.{digits}f} %"


def _count(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _bytes(bits: int | None) -> int | None:
    return None if bits is None else -(-bits // 8)


def _microseconds(value: float | int | str | None) -> str:
    return "-" if value is None else f"{float(value):.1f} us"


def _size(count: Any) -> str:
    if count is None:
        return "-"
    return f"{count / _KIBI:,.1f} KiB"
