"""Kernels on the grids of post-training quantization: their integers, and the best scale and zero-point for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

INT8_MIN, INT8_MAX = -128, 127
# A channel's scale is at most this many halvings below its layer's: kernels then have at most 9 + 7 bits.
CHANNEL_HALVINGS = 7


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Rounded:
    """A kernel on a grid: its values are `unit * integers` (int64, `bits` wide with the sign).

    `codes` are what a file stores, `code_bits` each: the same integers, or those that `scales` and `zero_points` (one
    for the tensor or for each channel) turn into the values, `scale * (code - zero_point)`.
    """

    integers: np.ndarray
    unit: float
    bits: int
    codes: np.ndarray
    code_bits: int
    scales: np.ndarray
    zero_points: np.ndarray

    @property
    def values(self) -> np.ndarray:
        """The quantized weights, float64, of the kernel's shape."""
        return self.unit * self.integers


def cast_to_int8(kernel: np.ndarray) -> Rounded:
    """What `astype(int8)` makes of a kernel: weights below 1 are gone. Those beyond an int8 saturate."""
    codes = np.trunc(kernel.astype(np.float64)).clip(INT8_MIN, INT8_MAX).astype(np.int64)
    return _even(codes, 1.0, 8)


def put_on_grid(kernel: np.ndarray, half_range: float, bits: int) -> Rounded:
    """A kernel on the grid of `on_grid`."""
    return _even(on_grid(kernel, half_range, bits), 2.0 * half_range / 2**bits, bits)


def put_on_int8(kernel: np.ndarray, per: Literal["tensor", "channel"]) -> Rounded:
    """A kernel on the scales and zero-points of `fit_int8`."""
    codes, scales, zeros = fit_int8(kernel, per)
    unit = float(scales.min())
    integers = (codes - zeros) * np.rint(scales / unit).astype(np.int64)
    return Rounded(
        integers=integers, unit=unit, bits=width(integers), codes=codes, code_bits=8, scales=scales, zero_points=zeros
    )


def _even(codes: np.ndarray, unit: float, bits: int) -> Rounded:
    scales, zeros = np.full(1, unit), np.zeros(1, np.int64)
    return Rounded(integers=codes, unit=unit, bits=bits, codes=codes, code_bits=bits, scales=scales, zero_points=zeros)


def on_grid(weights: np.ndarray, half_range: float, bits: int) -> np.ndarray:
    """The integers (int64) of `clip(delta * round(w / delta), -q, q - delta) / delta`, delta = 2*q / 2**bits."""
    delta = 2.0 * half_range / 2**bits
    whole = np.rint(np.asarray(weights, np.float64) / delta)
    return whole.clip(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1).astype(np.int64)


def best_half_range(weights: np.ndarray, bits: int) -> float:
    """The half range with the least squared error of `on_grid`, to half a thousandth of the largest weight.

    A search in steps of 1/100 of it up to twice, then in finer ones: the error has many small valleys, so a bisection
    would stop in one of them.
    """
    weights = np.asarray(weights, np.float64).ravel()
    largest = float(np.abs(weights).max(initial=0.0))
    if largest == 0:
        return 1.0

    def error(share: float) -> float:
        q = share * largest
        return float(np.square(on_grid(weights, q, bits) * (2 * q / 2**bits) - weights).sum())

    coarse = min(np.arange(1, 201) / 100, key=error)
    fine = min(coarse + np.arange(-19, 20) / 2000, key=error)
    return float(fine) * largest


def fit_int8(weights: np.ndarray, per: Literal["tensor", "channel"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(codes int8-valued, scales, zero-points) with `scale * (code - zero_point)` near the weights (…, channels).

    Of all ranges that cover a fifth or more of the weights' own, the one with the least squared error. For `channel`
    each scale is the largest channel's divided by a power of two, so that all constants stay on one grid.
    """
    flat = np.asarray(weights, np.float64).reshape(-1, weights.shape[-1])
    values = flat if per == "channel" else flat.reshape(-1, 1)
    least, most = np.minimum(values.min(axis=0), 0), np.maximum(values.max(axis=0), 0)
    span = most - least
    scale, zero = _best(values, [span * share / 255 for share in np.linspace(0.2, 1, 81)], least, span)
    if per == "channel" and scale.any():
        # How often each channel's scale fits into the layer's, rounded down and up: the better of both.
        halvings = np.log2(scale.max() / np.where(scale > 0, scale, scale.max()))
        both = [np.clip(np.floor(halvings) + more, 0, CHANNEL_HALVINGS) for more in (0, 1)]
        scale, zero = _best(values, [scale.max() / 2.0**times for times in both], least, span)
    codes = _codes(values, scale, zero).reshape(weights.shape)
    # A column of zeros has a range of nothing; any scale is right for it.
    scale = np.where(scale > 0, scale, scale.max() if scale.any() else 1.0)
    return codes.astype(np.int64), scale, zero.astype(np.int64)


def _codes(values: np.ndarray, scale: np.ndarray, zero: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values / np.where(scale > 0, scale, 1.0)) + zero, INT8_MIN, INT8_MAX)


def _best(
    values: np.ndarray, scales: list[np.ndarray], least: np.ndarray, span: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """The scale and the zero-point of each column of `values` with the least squared error.

    A range narrower than the weights' own lies at its lower end, in its middle, or at its upper end.
    """
    columns = values.shape[1]
    best = np.zeros(columns), np.zeros(columns)
    error = np.full(columns, np.inf)
    for scale in scales:
        for place in (0.0, 0.5, 1.0):
            start = least + place * (span - 255 * scale)
            zero = np.clip(np.rint(INT8_MIN - start / np.where(scale > 0, scale, 1.0)), INT8_MIN, INT8_MAX)
            found = np.square(scale * (_codes(values, scale, zero) - zero) - values).sum(axis=0)
            best = np.where(found < error, scale, best[0]), np.where(found < error, zero, best[1])
            error = np.minimum(found, error)
    return best


def width(integers: np.ndarray) -> int:
    """The bits, with the sign, of a signed number that holds every integer; at least 2."""
    return 1 + max(1, int(integers.max(initial=0)).bit_length(), (-1 - int(integers.min(initial=0))).bit_length())


def pack_bits(integers: np.ndarray, bits: int) -> bytes:
    """Two's complement integers of `bits` each, one behind the other, the highest bit first."""
    places = np.arange(bits - 1, -1, -1, dtype=np.int64)
    return np.packbits(((integers.reshape(-1, 1) >> places) & 1).astype(np.uint8)).tobytes()
