"""The verdict on a build: what the gate demands, what was found, and what it failed for, in words."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, isfinite, log10

from hlsflow.records.record import (
    AgreementRecord,
    BuildRecord,
    DifferenceRecord,
    EmulatorRecord,
    GateRecord,
    SoftmaxRecord,
    TableRecord,
)


def verdict(
    kind: str,
    allowed_abs_error: float,
    agreement: Sequence[AgreementRecord],
    softmaxes: Sequence[SoftmaxRecord],
    emulator: EmulatorRecord | None,
    tables: Sequence[TableRecord] = (),
    framework: str = "Keras",
) -> GateRecord:
    """The gate's record: passed where every output, every table and both witnesses are as they must be.

    `allowed_abs_error` is what a bounded gate allows, 0 for an exact one.
    """
    outputs = [_output(item, kind, allowed_abs_error, framework) for item in agreement]
    failures = [complaint for complaint in outputs if complaint is not None]
    failures += [complaint for item in softmaxes if (complaint := _softmax(item, kind, framework)) is not None]
    failures += [complaint for item in tables if (complaint := _table(item, kind, framework)) is not None]
    if emulator is not None and emulator.mismatching_values != 0:
        failures.append(
            f"the witnesses disagree: the emulator and the C simulation differ in {emulator.mismatching_values:,} of "
            f"{emulator.values:,} values"
        )
    return GateRecord(
        kind="exact" if kind == "exact" else "bounded",
        passed=not failures,
        max_abs_error=max(item.max_abs_error for item in agreement),
        allowed_abs_error=allowed_abs_error,
        failures=failures,
    )


def _output(item: AgreementRecord, kind: str, allowed: float, framework: str) -> str | None:
    if kind == "exact" and item.mismatching_values:
        return (
            f"the C simulation differs from {framework} in {item.mismatching_values:,} of {item.values:,} values of "
            f"'{item.output}', by up to {item.max_error_lsb:g} LSB of {item.type}"
        )
    if kind != "exact" and not item.max_abs_error <= allowed:
        return (
            f"'{item.output}' of the C simulation is off by up to {at_most(item.max_abs_error)} from {framework}, "
            f"{allowed:g} allowed"
        )
    return None


def _softmax(item: SoftmaxRecord, kind: str, framework: str) -> str | None:
    if item.bound is None or item.table_error is None or item.max_abs_error is None:
        return None
    if not item.table_error <= item.bound:
        return (
            f"the softmax '{item.output}' is off by {at_most(item.table_error)} from that of its own logits, more "
            f"than the {at_most(item.bound)} that its tables can be off"
        )
    if kind == "exact" and not item.max_abs_error <= item.bound:
        return (
            f"the softmax '{item.output}' is off by {at_most(item.max_abs_error)} from {framework}, more than the "
            f"{at_most(item.bound)} that its tables can be off"
        )
    return None


def _table(item: TableRecord, kind: str, framework: str) -> str | None:
    most = f"more than the {at_most(item.bound)} that its table can be off"
    if not item.table_error <= item.bound:
        return (
            f"the {item.function} '{item.output}' is off by {at_most(item.table_error)} from that of its own input, "
            f"{most}"
        )
    if kind == "exact" and not item.max_abs_error <= item.bound:
        return f"the {item.function} '{item.output}' is off by {at_most(item.max_abs_error)} from {framework}, {most}"
    return None


def complaint(record: BuildRecord) -> tuple[str, str | None]:
    """(what the gate failed for, where it begins as a hint of the configuration or None) of a record that failed."""
    lines = [f"{record.name}: {record.gate.failures[0]}", *(f"  and {text}" for text in record.gate.failures[1:])]
    warnings: list[str] = []
    for first, expected, found in _differences(record):
        lines.append(f"  first layer that differs: {place(first, expected, found)}")
        warnings += [warning for warning in record.warnings if f"layers.{first.layer}." in warning]
    return "\n".join(lines), f"the configuration was warned about: {warnings[0]}" if warnings else None


def _differences(record: BuildRecord) -> list[tuple[DifferenceRecord, str, str]]:
    found = [
        (item.first_difference, record.framework, "hardware")
        for item in record.agreement
        if item.first_difference is not None
    ]  # fmt: skip
    if record.emulator is not None and record.emulator.first_difference is not None:
        found.append((record.emulator.first_difference, "emulator", "C simulation"))
    return found


def place(first: DifferenceRecord, expected: str, found: str) -> str:
    """One difference in words: the layer, by how much, and where; `expected` and `found` name the two sides."""
    return (
        f"'{first.layer}', by {first.error_lsb:g} LSB of {first.type} (sample {first.sample}, value {first.position}: "
        f"{expected} {first.expected_lsb:.17g}, {found} {first.found_lsb})"
    )


def at_most(value: float, digits: int = 4) -> str:
    """A value as text of so many significant digits that is not below it: what is said to be the most must be."""
    if value <= 0 or not isfinite(value):
        return f"{value:g}"
    unit = 10.0 ** (floor(log10(value)) - digits + 1)
    # A value that has so many digits already is not to become the next one by its last bit.
    return f"{ceil(value / unit - 1e-9) * unit:.{digits}g}"
