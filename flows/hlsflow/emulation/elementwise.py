"""Functions of single values: nnet_activation.h, nnet_batchnorm.h, nnet_merge.h (hls4ml 1.3.0)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hlsflow.emulation.step import (
    Arrays,
    Step,
    magnitude_bits,
    type_bits,
    unary,
)
from hlsflow.foundation.errors import UnsupportedError
from hlsflow.hls.integer_nodes import Cast, Combination, ElementCast, HardClip, LeakyRelu, Merge, Scale, Sign, Ternary
from hlsflow.network.element_types import cast_elements
from hlsflow.network.fixed_point import cast

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


def plain_cast(node: Cast) -> Step:
    import numpy as np

    data, result = node.data, node.result
    bits = type_bits(data, result.fraction)
    if node.relu:
        return unary(lambda x: cast(np.maximum(x, 0), data.fraction, result), bits)
    return unary(lambda x: cast(x, data.fraction, result), bits)


def element_cast(node: ElementCast) -> Step:
    data, result = node.data, node.result
    bits = [type_bits(data)]
    for type_ in node.types:
        if type_ is not None:
            bits += [type_bits(data, type_.fraction), type_bits(type_), type_bits(type_, result.fraction)]

    def run(x: Array) -> Array:
        positions = x.reshape(-1, len(node.types))
        return cast_elements(positions, data.fraction, node.types, result).reshape(x.shape)

    return unary(run, max(bits))


def hard_clip(node: HardClip) -> Step:
    import numpy as np

    data, result = node.data, node.result
    if (node.slope, node.shift) != (0.5, 0.5):
        raise UnsupportedError(f"the emulator covers slope and shift 0.5 alone (layer '{node.name}')")
    # One half of x is x on a grid one bit finer; 1 and 1/2 need that grid to have a fractional bit.
    fraction = max(data.fraction + 1, 1)

    def run(x: Array) -> Array:
        one = x.dtype.type(2.0**fraction)
        clipped = np.clip(x * x.dtype.type(2.0 ** (fraction - data.fraction - 1)) + one / 2, 0, one)
        return cast(clipped * node.times + one * node.plus, fraction, result)

    return unary(run, type_bits(data, fraction) + 2 + max(0, result.fraction - fraction))


def leaky_relu(node: LeakyRelu) -> Step:
    import numpy as np

    data, result = node.data, node.result
    fraction = data.fraction + node.slope.fraction

    def run(x: Array) -> Array:
        negative = cast(x * node.slopes.astype(x.dtype), fraction, result)
        return np.where(x > 0, cast(x, data.fraction, result), negative)

    return unary(run, max(type_bits(data) + type_bits(node.slope), type_bits(data, result.fraction)))


def sign(node: Sign) -> Step:
    import numpy as np

    data, result = node.data, node.result
    plus, minus = cast(np.array([1.0, -1.0]), 0, result)
    return unary(lambda x: np.where(x >= 0, plus, minus).astype(x.dtype), max(type_bits(data), result.width))


def ternary(node: Ternary) -> Step:
    import numpy as np

    data, result = node.data, node.result
    plus, minus = cast(np.array([1.0, -1.0]), 0, result)
    factor = 2 if node.doubled else 1

    def run(x: Array) -> Array:
        one = 2.0**data.fraction
        compared = cast(factor * x, data.fraction, data)
        return np.where(compared > one, plus, np.where(compared > -one, 0, minus)).astype(x.dtype)

    return unary(run, max(type_bits(data) + 1, result.width))


def scale(node: Scale) -> Step:
    import numpy as np

    data, result = node.data, node.result
    product = data.fraction + node.factor_type.fraction
    fraction = max(product, node.offset_type.fraction) if np.any(node.offset) else product
    factor = node.factor * 2.0 ** (fraction - product)
    offset = node.offset * 2.0 ** (fraction - node.offset_type.fraction)
    ends = [data.min_int * factor + offset, data.max_int * factor + offset]
    bits = magnitude_bits(np.min(ends), np.max(ends)) + max(0, result.fraction - fraction)

    def run(x: Array) -> Array:
        grouped = x.reshape(len(x), -1, len(factor))
        total = grouped * factor.astype(x.dtype) + offset.astype(x.dtype)
        return cast(total, fraction, result).reshape(len(x), -1)

    return unary(run, max(bits, type_bits(data)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Combined:
    """How two arrays on a common grid become one, which is `finer` by so many bits; the grid of a `product` is the sum
    of theirs."""

    function: Callable[[Array, Array], Array]
    finer: int = 0
    product: bool = False


def _add(a: Array, b: Array) -> Array:
    return a + b


def _maximum(a: Array, b: Array) -> Array:
    import numpy as np

    return np.maximum(a, b)


def _minimum(a: Array, b: Array) -> Array:
    import numpy as np

    return np.minimum(a, b)


_COMBINED: Mapping[Combination, Combined] = {
    Combination.ADD: Combined(function=_add),
    Combination.SUBTRACT: Combined(function=lambda a, b: a - b),
    Combination.AVERAGE: Combined(function=_add, finer=1),
    Combination.MULTIPLY: Combined(function=lambda a, b: a * b, product=True),
    Combination.MAXIMUM: Combined(function=_maximum),
    Combination.MINIMUM: Combined(function=_minimum),
}


def merge(node: Merge) -> Step:
    combined = _COMBINED[node.by]
    first, second, result = node.first, node.second, node.result
    if combined.product:
        fraction, ups = first.fraction + second.fraction, (0, 0)
        corners = [x * y for x in (first.min_int, first.max_int) for y in (second.min_int, second.max_int)]
        wide = magnitude_bits(min(corners), max(corners))
    else:
        fraction = max(first.fraction, second.fraction)
        ups = (fraction - first.fraction, fraction - second.fraction)
        wide = max(type_bits(first, fraction), type_bits(second, fraction)) + 1

    def run(xs: Arrays) -> Arrays:
        a, b = (x * x.dtype.type(2.0**up) for x, up in zip(xs, ups, strict=True))
        return (cast(combined.function(a, b), fraction + combined.finer, result),)

    return Step(function=run, bits=wide + max(0, result.fraction - fraction - combined.finer))
