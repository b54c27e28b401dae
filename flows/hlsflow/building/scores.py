"""How right outputs are where the truth is known: as classes, as yes or no, or as values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hlsflow.datasets.frames import Task
from hlsflow.foundation.errors import DataError
from hlsflow.records.record import ErrorRecord

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

_DECIMALS = 6
_DIGITS = 6


def accuracy(task: Task, outputs: Array, truth: Array | None) -> float | None:
    """The share of right answers; None where the truth is not known, or is no answer but a value.

    `outputs` are real float64 (samples, values), of a binary model before its sigmoid; `truth` are classes int64
    (samples,), or 0 and 1 of the shape of the outputs. Raises DataError where they do not fit.
    """
    if truth is None or task == "regression":
        return None
    if task == "binary":
        right = (outputs > 0) == (_like(truth, outputs) > 0)
        return round(float(right.mean()), _DECIMALS)
    if truth.shape != (len(outputs),) or truth.max() >= outputs.shape[1]:
        raise DataError(
            f"labels up to class {truth.max()}, and a model of {outputs.shape[1]} classes",
            hint="classes are 0, 1, …; for other targets: --task regression",
        )
    return round(float((outputs.argmax(axis=1) == truth).mean()), _DECIMALS)


def errors(task: Task, outputs: Array, truth: Array | None) -> ErrorRecord | None:
    """The mean absolute and the root mean square error of values, in their own unit; None where there is no truth.

    Raises DataError where outputs and truth differ in number.
    """
    import numpy as np

    if truth is None or task != "regression":
        return None
    error = outputs - _like(truth, outputs)
    return ErrorRecord(
        mean_abs=_rounded(float(np.abs(error).mean())), root_mean_square=_rounded(float(np.sqrt((error**2).mean())))
    )


def _like(truth: Array, outputs: Array) -> Array:
    """The truth in the shape of the outputs. Raises DataError where it is of another number of values."""
    if truth.size != outputs.size:
        raise DataError(
            f"labels of {truth.size // max(1, len(outputs)):,} values a sample, the model gives {outputs.shape[1]:,}",
            hint="one for each value of the output",
        )
    return truth.reshape(outputs.shape)


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
