"""Two records of one model, before and after, for a person: what was asked for differently, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

from hlsflow.records.record import BuildRecord, FigureRecord, LayerRecord
from hlsflow.records.report import exactness, percent_of

_FIGURES = (
    ("LUT", "lut"), ("FF", "ff"), ("DSP", "dsp"), ("BRAM 18K", "bram_18k"), ("latency", "latency_max_cycles"),
    ("interval", "interval_max_cycles"),
)  # fmt: skip


def difference(before: BuildRecord, after: BuildRecord, source: str) -> list[str]:
    """The lines: settings and types that differ, accuracy, gate, and the figures of stages that both have.

    `source` is the file that `before` was read from. What one of the two does not have is said to be not measured.
    """
    lines = [f"{after.name} against {before.name} (of {source}):"]
    settings = _settings(before, after)
    lines += [f"  {line}" for line in settings] if settings else ["  the same settings and types"]
    lines.append(f"  accuracy   {after.framework} {_pair(*_accuracies(before, after, 'accuracy_keras'))}")
    lines.append(f"             C simulation {_pair(*_accuracies(before, after, 'accuracy_csim'))}")
    mine, its = before.samples, after.samples
    if (mine.dataset, mine.count, mine.sha256) != (its.dataset, its.count, its.sha256):
        lines.append(
            f"             of other samples: {mine.count:,} of {mine.dataset}, now {its.count:,} of {its.dataset}: "
            "not to be compared"
        )
    lines.append(f"  gate       {_pair(_verdict(before), _verdict(after))}")
    lines += [f"  {line}" for line in _figures(before, after)]
    return lines


def _pair(before: str, after: str) -> str:
    return f"{before}, as before" if before == after else f"{before} -> {after}"


def _accuracies(before: BuildRecord, after: BuildRecord, name: str) -> tuple[str, str]:
    return percent_of(getattr(before, name)), percent_of(getattr(after, name))


def _verdict(record: BuildRecord) -> str:
    return f"{'PASS' if record.passed else 'FAIL'} ({exactness(record)})"


def _settings(before: BuildRecord, after: BuildRecord) -> list[str]:
    """Of the target first, then a line for each layer that differs."""
    target = _changes(before.configuration.model_dump(), after.configuration.model_dump())
    lines = [f"{'target':<10} {target}"] if target else []
    if before.gate.kind != after.gate.kind or before.gate.allowed_abs_error != after.gate.allowed_abs_error:
        both = (f"{gate.kind}, {gate.allowed_abs_error:g} allowed" for gate in (before.gate, after.gate))
        lines.append(f"{'gate asked':<10} {' -> '.join(both)}")
    old, new = ({layer.name: layer for layer in record.layers} for record in (before, after))
    for name in dict.fromkeys(chain(old, new)):
        if name not in old or name not in new:
            lines.append(f"{name:<10} only {'after' if name in new else 'before'}")
            continue
        changes = _changes(_said(old[name]), _said(new[name]))
        if changes:
            lines.append(f"{name:<10} {changes}")
    return lines


def _said(layer: LayerRecord) -> dict[str, object]:
    return {"strategy": layer.strategy, "reuse_factor": layer.reuse_factor, **layer.types}


def _changes(before: Mapping[str, object], after: Mapping[str, object]) -> str:
    return ", ".join(
        f"{key} {_value(before.get(key))} -> {_value(after.get(key))}"
        for key in dict.fromkeys(chain(before, after))
        if before.get(key) != after.get(key)
    )


def _value(value: object) -> str:
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _figures(before: BuildRecord, after: BuildRecord) -> list[str]:
    """Of every stage and tool that gave figures of both whole designs; the estimate first, as it is in a record."""
    old, new = (
        {(figure.stage, figure.tool, figure.architecture): figure for figure in record.figures if figure.module is None}
        for record in (before, after)
    )
    lines = [f"{_title(new[key])} {_counts(old[key], new[key])}" for key in new if key in old]
    if not any(figure.stage == "analytic" for figure in old.values()) or not any(
        figure.stage == "analytic" for figure in new.values()
    ):
        lines.insert(0, "estimate   not measured for both: nothing to compare")
    return lines


def _title(figure: FigureRecord) -> str:
    if figure.stage == "analytic":
        return "estimate  "
    return f"{figure.stage} by {' '.join(filter(None, [figure.tool, figure.tool_version, figure.architecture]))}:"


def _counts(before: FigureRecord, after: FigureRecord) -> str:
    pairs = ((title, getattr(before, name), getattr(after, name)) for title, name in _FIGURES)
    return ", ".join(
        f"{title} {old:,}" if old == new else f"{title} {_count(old)} -> {_count(new)}"
        for title, old, new in pairs
        if old is not None or new is not None
    )


def _count(value: int | None) -> str:
    return "not measured" if value is None else f"{value:,}"
