"""One row of a sweep's table: what a point is, how good, how large, how exact, and what it costs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from hlsflow.foundation.errors import ReportError
from hlsflow.records.record import BuildRecord, FigureRecord


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Exactness(_Value):
    """The gate's outcome: differing values of all compared, or the largest error and what is allowed.

    `exact` is the record's own: whether these outputs may be called so. `failures` says what the gate failed for.
    """

    kind: Literal["exact", "bounded"]
    passed: bool
    exact: bool
    failures: list[str]
    samples: int
    values: int
    mismatching_values: int
    max_abs_error: float
    allowed_abs_error: float
    accuracy: float | None


class Row(_Value):
    """A point's figures; None is not known, never 0.

    `accuracy` is of the whole test set, 0..1, of the model as the hardware computes it; `zeros` the share of zero
    parameters in hardware; sizes are of real files or, `hardware_weight_bits`, of the types' widths. `estimate` is the
    analytic estimate of the whole design, never a measurement.
    """

    point: str
    title: str
    family: str
    kind: str
    parameters: dict[str, Any]
    columns: dict[str, Any]
    dataset: str | None = None
    dataset_source: str | None = None
    accuracy: float | None = None
    parameter_count: int | None = None
    zeros: float | None = None
    weights_file_bytes: int | None = None
    hardware_weight_bits: int | None = None
    exactness: Exactness | None = None
    io_type: str | None = None
    clock_period_ns: float | None = None
    estimate: FigureRecord | None = None
    facts: dict[str, float | int | str] = {}
    note: str | None = None
    error: str | None = None

    def to_json(self) -> str:
        return json.dumps(self.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, path: Path) -> Self:
        """The row in a file. Raises ReportError where it is absent, cut off, or of another version."""
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, ValidationError) as error:
            raise ReportError(f"cannot read {path}: {error}", hint="run the sweep again") from error

    def value(self, column: str) -> Any:
        """What stands in a column: a parameter, a constant, `facts.<name>`, or one of the row's own figures."""
        if column in self.parameters:
            return self.parameters[column]
        if column in self.columns:
            return self.columns[column]
        if column.startswith("facts."):
            return self.facts.get(column.removeprefix("facts."))
        if column in ESTIMATES:
            return None if self.estimate is None else getattr(self.estimate, ESTIMATES[column])
        if column == "size_bytes":
            return self.weights_file_bytes
        return getattr(self, column, None)


# Columns of a table or a picture that are figures of the estimate.
ESTIMATES = {
    "lut": "lut", "ff": "ff", "dsp": "dsp", "bram_18k": "bram_18k", "latency_cycles": "latency_max_cycles",
    "interval_cycles": "interval_max_cycles",
}  # fmt: skip


def hardware_of(record: BuildRecord) -> dict[str, Any]:
    """The row's fields that a build's record gives."""
    agreement = record.agreement
    estimates = [figure for figure in record.figures if figure.stage == "analytic" and figure.module is None]
    return {
        "zeros": round(record.size.sparsity, 6),
        "hardware_weight_bits": record.size.weight_bits,
        "exactness": Exactness(
            kind=record.gate.kind,
            passed=record.gate.passed,
            exact=record.exact,
            failures=record.gate.failures,
            samples=record.samples.count,
            values=sum(item.values for item in agreement),
            mismatching_values=sum(item.mismatching_values for item in agreement),
            max_abs_error=record.gate.max_abs_error,
            allowed_abs_error=record.gate.allowed_abs_error,
            accuracy=record.accuracy_csim,
        ),
        "io_type": record.configuration.io_type,
        "clock_period_ns": record.configuration.clock_period_ns,
        "estimate": estimates[0] if estimates else None,
    }
