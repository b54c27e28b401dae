"""Interval arithmetic on integer grids: what a node's output can be, for any input at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hlsflow.network.fixed_point import FixedType, Overflow, cast, round_shift, type_for_range
from hlsflow.network.graph import Node

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

# Bounds are kept as float64 integers, exact below the mantissa's width; the C simulation also carries doubles.
EXACT_BITS = 53


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Interval:
    """Bounds of a tensor: float64 arrays of its shape holding integers, in units of 2**-fraction."""

    low: Array
    high: Array
    fraction: int

    @property
    def bounds(self) -> tuple[int, int]:
        """The least and the greatest value of the whole tensor, in LSBs."""
        return int(self.low.min()), int(self.high.max())

    def at(self, fraction: int) -> Interval:
        """The same interval on a finer grid."""
        scale = 2.0 ** (fraction - self.fraction)
        return Interval(low=self.low * scale, high=self.high * scale, fraction=fraction)

    def smallest_type(self, *, signed: bool = False) -> FixedType:
        """The narrowest type that holds every value; a signed one if asked for or needed."""
        low, high = self.bounds
        return type_for_range(min(low, -1) if signed else low, high, self.fraction)


def full(type_: FixedType, shape: tuple[int, ...]) -> Interval:
    """Everything that a type can hold."""
    import numpy as np

    return Interval(
        low=np.full(shape, float(type_.min_int)), high=np.full(shape, float(type_.max_int)), fraction=type_.fraction
    )


def loses(interval: Interval, type_: FixedType) -> tuple[bool, bool]:
    """Whether assigning the interval to a type (rounds, overflows) for some value in it."""
    import numpy as np

    shift = interval.fraction - type_.fraction
    rounds = False
    if shift > 0:
        # A constant interval may lie on the coarser grid; anything wider has a value between its points.
        points = np.concatenate([interval.low.ravel(), interval.high.ravel()])
        rounds = bool(np.any(interval.low != interval.high)) or bool(np.any(points % 2.0**shift))
    low, high = _rounded(interval, type_)
    return rounds, bool(low.min() < type_.min_int or high.max() > type_.max_int)


def same_effect(interval: Interval, a: FixedType, b: FixedType) -> bool:
    """Whether assigning any value of the interval to either type gives the same number."""
    rounds = interval.fraction > min(a.fraction, b.fraction)
    if a.fraction != b.fraction or (rounds and a.rounding != b.rounding):
        return False
    low, high = (int(bound) for bound in (_rounded(interval, a)[0].min(), _rounded(interval, a)[1].max()))
    ends = [_ends(type_, low, high) for type_ in (a, b)]
    return None not in ends and ends[0] == ends[1]


def _ends(type_: FixedType, low: int, high: int) -> tuple[int, int] | None:
    """Where a type cuts off the integers of [low, high], None where it does anything else to them."""
    least = -type_.max_int if type_.overflow is Overflow.SAT_SYM and type_.signed else type_.min_int
    if (low < least or high > type_.max_int) and type_.overflow not in (Overflow.SAT, Overflow.SAT_SYM):
        return None
    return max(low, least), min(high, type_.max_int)


def _rounded(interval: Interval, type_: FixedType) -> tuple[Array, Array]:
    shift = interval.fraction - type_.fraction
    return round_shift(interval.low, shift, type_.rounding), round_shift(interval.high, shift, type_.rounding)


def assigned(interval: Interval, type_: FixedType) -> Interval:
    """The interval after assignment to a type. Rounding and saturation are monotone; a wrap reaches everything."""
    _, overflows = loses(interval, type_)
    if overflows and type_.overflow in (Overflow.WRAP, Overflow.SAT_ZERO):
        return full(type_, interval.low.shape)
    return Interval(
        low=cast(interval.low, interval.fraction, type_),
        high=cast(interval.high, interval.fraction, type_),
        fraction=type_.fraction,
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Sum:
    """Bounds of a sum of products: its `total`, and `partial`, which also bounds every partial sum in any order."""

    total: Interval
    partial: Interval


def matrix_product(node: Node, x: Interval, arrays: Mapping[str, Array], fractions: Mapping[str, int]) -> Sum:
    """Bounds of a dense layer or convolution. `arrays` holds integers, `fractions` their fractional bits."""

    weight = arrays["weight"]
    fraction = x.fraction + fractions["weight"]
    if weight.ndim == 2 and x.low.ndim == 1:
        low, high = x.low[:, None], x.high[:, None]
        axes: tuple[int, ...] = (0,)
    else:
        low, high = per_channel(x, padded=_pads(node))
        low, high = low[:, None], high[:, None]
        axes = tuple(range(weight.ndim - 1))
    return _sum_of_products(weight, low, high, axes, arrays.get("bias"), fractions.get("bias", 0), fraction, node.shape)


def depthwise_product(node: Node, x: Interval, arrays: Mapping[str, Array], fractions: Mapping[str, int]) -> Sum:
    """Bounds of a depthwise convolution with one filter a channel."""

    weight = arrays["weight"][..., 0]
    low, high = per_channel(x, padded=_pads(node))
    axes = tuple(range(weight.ndim - 1))
    fraction = x.fraction + fractions["weight"]
    return _sum_of_products(weight, low, high, axes, arrays.get("bias"), fractions.get("bias", 0), fraction, node.shape)


def _sum_of_products(
    weight: Array, low: Array, high: Array, axes: tuple[int, ...], bias: Array | None, bias_fraction: int,
    fraction: int, shape: tuple[int, ...],
) -> Sum:  # fmt: skip
    import numpy as np

    with_bias = bias is not None and bool(np.any(bias))
    out = max(fraction, bias_fraction) if with_bias else fraction
    scale = 2.0 ** (out - fraction)
    least = np.minimum(weight * low, weight * high) * scale
    most = np.maximum(weight * low, weight * high) * scale
    offset = bias * 2.0 ** (out - bias_fraction) if with_bias and bias is not None else np.zeros(least.shape[-1])

    def interval(lows: Array, highs: Array) -> Interval:
        return Interval(low=np.broadcast_to(lows, shape), high=np.broadcast_to(highs, shape), fraction=out)

    return Sum(
        total=interval(least.sum(axis=axes) + offset, most.sum(axis=axes) + offset),
        partial=interval(
            np.minimum(least, 0).sum(axis=axes) + np.minimum(offset, 0),
            np.maximum(most, 0).sum(axis=axes) + np.maximum(offset, 0),
        ),
    )


def _pads(node: Node) -> bool:
    return any(node.attributes.get(f"pad_{side}", 0) for side in ("top", "bottom", "left", "right"))


def per_channel(x: Interval, *, padded: bool = False) -> tuple[Array, Array]:
    """Bounds of each channel (the last axis) over all positions, with the zero of padding where there is some."""
    import numpy as np

    channels = x.low.shape[-1]
    low = x.low.reshape(-1, channels).min(axis=0)
    high = x.high.reshape(-1, channels).max(axis=0)
    return (np.minimum(low, 0), np.maximum(high, 0)) if padded else (low, high)


def scaled(node: Node, x: Interval, arrays: Mapping[str, Array], fractions: Mapping[str, int]) -> Interval:
    """Bounds of x * scale + bias, channel by channel."""
    import numpy as np

    product = x.fraction + fractions["scale"]
    out = max(product, fractions["bias"]) if np.any(arrays["bias"]) else product
    factor = arrays["scale"] * 2.0 ** (out - product)
    offset = arrays["bias"] * 2.0 ** (out - fractions["bias"])
    return Interval(
        low=np.minimum(x.low * factor, x.high * factor) + offset,
        high=np.maximum(x.low * factor, x.high * factor) + offset,
        fraction=out,
    )


def hard(function: str, x: Interval) -> Interval:
    """Bounds of QKeras' hard functions: x from -1 to 1, and (x + 1) / 2 from 0 to 1."""
    import numpy as np

    x = x.at(max(x.fraction, 0))
    one = 2.0**x.fraction
    low, high = np.clip(x.low, -one, one), np.clip(x.high, -one, one)
    if function == "hard_tanh":
        return Interval(low=low, high=high, fraction=x.fraction)
    return Interval(low=low + one, high=high + one, fraction=x.fraction + 1)


def leaky(x: Interval, slopes: Array, fraction: int) -> Interval:
    """Bounds of x where positive and x * slope where not; slopes are integers with `fraction` fractional bits."""
    import numpy as np

    # Slopes that are all whole and even would give a coarser grid, on which the positive values are not.
    finer = max(fraction, 0)
    out = x.fraction + finer
    slopes = slopes * 2.0 ** (finer - fraction)

    def value(bound: Array) -> Array:
        return np.where(bound > 0, bound * 2.0**finer, bound * slopes)

    low, high = value(x.low), value(x.high)
    # A negative slope turns the order round, and zero lies between.
    crosses = (x.low < 0) & (x.high > 0)
    return Interval(
        low=np.where(crosses, np.minimum(np.minimum(low, high), 0), np.minimum(low, high)),
        high=np.where(crosses, np.maximum(np.maximum(low, high), 0), np.maximum(low, high)),
        fraction=out,
    )


def merged(function: str, a: Interval, b: Interval) -> Interval:
    """Bounds of an element-wise merge."""
    import numpy as np

    if function == "multiply":
        corners = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
        return Interval(
            low=np.minimum.reduce(corners), high=np.maximum.reduce(corners), fraction=a.fraction + b.fraction
        )
    fraction = max(a.fraction, b.fraction)
    a, b = a.at(fraction), b.at(fraction)
    match function:
        case "add":
            return Interval(low=a.low + b.low, high=a.high + b.high, fraction=fraction)
        case "subtract":
            return Interval(low=a.low - b.high, high=a.high - b.low, fraction=fraction)
        case "average":
            return Interval(low=a.low + b.low, high=a.high + b.high, fraction=fraction + 1)
        case "maximum":
            return Interval(low=np.maximum(a.low, b.low), high=np.maximum(a.high, b.high), fraction=fraction)
        case "minimum":
            return Interval(low=np.minimum(a.low, b.low), high=np.minimum(a.high, b.high), fraction=fraction)
    raise ValueError(f"unknown merge {function}")


def moved(node: Node, x: Interval) -> Interval:
    """Bounds after values were moved about: by channel where channels stay, else by position or for all alike."""
    import numpy as np

    if node.op == "reshape":
        return Interval(low=x.low.reshape(node.shape), high=x.high.reshape(node.shape), fraction=x.fraction)
    if node.op == "transpose":
        axes = [dim - 1 for dim in node.attributes["dims"]]
        return Interval(low=x.low.transpose(axes), high=x.high.transpose(axes), fraction=x.fraction)
    low, high = per_channel(x, padded=node.op == "pad")
    return Interval(low=np.broadcast_to(low, node.shape), high=np.broadcast_to(high, node.shape), fraction=x.fraction)
