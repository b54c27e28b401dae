"""An array of a quantized layer as integers in the smallest type, with scale and zero-point."""

from __future__ import annotations

import numpy as np

from hlsflow.foundation.errors import ModelError

SCALE, ZERO_POINT = "_scale", "_zero_point"
INTEGERS = (np.int8, np.int16, np.int32)
_INT8_SPAN = 255


def as_integers(key: str, values: np.ndarray, step: float) -> dict[str, np.ndarray]:
    """An array of multiples of `step` as integers, scale and zero-point, under `key` and its companions.

    One scale and zero-point for the array where an int8 holds it so; else (of a kernel) for each output channel, the
    common powers of two of its integers in the scale; else a wider type. Raises ModelError for values off the grid.
    """
    whole = np.rint(values.astype(np.float64) / step).astype(np.int64)
    if not np.array_equal(whole * step, values.astype(np.float64)):
        raise ModelError(f"{key}: its quantizer gave values that are no multiples of {step:g}")
    scale, zero = np.full((), step), np.zeros((), np.int64)
    least, most = _range(whole.reshape(-1, 1))
    if np.all(most - least <= _INT8_SPAN):
        zero = _zero_point(least, most).reshape(())
    elif whole.ndim > 1:
        columns = whole.reshape(-1, whole.shape[-1])
        together = np.bitwise_or.reduce(np.abs(columns), axis=0)
        # The lowest bit that is set in any of a channel's integers.
        common = np.where(together > 0, together & -together, 1)
        least, most = _range(columns // common)
        if np.all(most - least <= _INT8_SPAN):
            whole, scale, zero = whole // common, step * common, _zero_point(least, most)
    stored = whole + zero
    dtype = next(of for of in INTEGERS if np.iinfo(of).min <= stored.min() and stored.max() <= np.iinfo(of).max)
    return {
        key: stored.astype(dtype),
        f"{key}{SCALE}": scale.astype(np.float32),
        f"{key}{ZERO_POINT}": zero.astype(dtype),
    }


def _range(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least and the greatest integer of each column, zero included."""
    return np.minimum(columns.min(axis=0), 0), np.maximum(columns.max(axis=0), 0)


def _zero_point(least: np.ndarray, most: np.ndarray) -> np.ndarray:
    """The shift nearest to none that brings [least, most] (zero included) into an int8."""
    return np.where(most > 127, 127 - most, np.where(least < -128, -128 - least, 0))
