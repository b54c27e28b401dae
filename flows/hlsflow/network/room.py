"""What a double has room for: the greatest integer that arises on the way to a layer's values.

The emulator computes with doubles, and so does Keras' float64. What is counted holds for every value of the types that
a layer reads, and is no less than what the emulator counts of the project.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from hlsflow.network import intervals
from hlsflow.network.element_types import ElementTypes
from hlsflow.network.fixed_point import FixedType
from hlsflow.network.graph import Op
from hlsflow.network.intervals import Interval
from hlsflow.network.layer_types import LayerTypes


def magnitude_bits(low: float, high: float) -> int:
    """Bits of a signed integer that holds every value of [low, high]."""
    return 1 + max(int(abs(low)), int(abs(high)), 1).bit_length()


def type_bits(type_: FixedType, fraction: int | None = None) -> int:
    """Bits that the values of a type take on a grid of `fraction` fractional bits, if that is finer."""
    extra = 0 if fraction is None else max(0, fraction - type_.fraction)
    return type_.width + int(not type_.signed) + extra


def bits_on_the_way(layer: LayerTypes, read: Sequence[LayerTypes]) -> int:
    """Bits, sign included, of the greatest integer between what a layer reads and its result."""
    last = layer.types.get("accum", layer.result)
    stored = [type_bits(layer.result), type_bits(last, layer.result.fraction)]
    if not read:
        return max(stored)
    data = [source.result for source in read]
    computed = _COMPUTED.get(layer.node.op, _assigned)
    return max(*stored, *(type_bits(type_) for type_ in data), computed(layer, read, last.fraction))


def _assigned(layer: LayerTypes, read: Sequence[LayerTypes], fraction: int) -> int:
    return max(type_bits(source.result, fraction) for source in read)


def _activation(layer: LayerTypes, read: Sequence[LayerTypes], fraction: int) -> int:
    if "param" in layer.types:
        products = type_bits(read[0].result) + type_bits(layer.types["param"])
        return max(products, _assigned(layer, read, fraction))
    if layer.node.function.startswith("hard_"):
        half = max(read[0].result.fraction + 1, 1)
        return type_bits(read[0].result, half) + 2 + max(0, fraction - half)
    if layer.node.function == "ternary_tanh":
        return type_bits(read[0].result) + 1
    return type_bits(read[0].result) if layer.node.function == "binary_tanh" else _assigned(layer, read, fraction)


def _elements(layer: LayerTypes, read: Sequence[LayerTypes], fraction: int) -> int:
    given = ElementTypes.read(layer.node.attributes).given
    found = [max(type_bits(read[0].result, type_.fraction), type_bits(type_, fraction)) for type_ in given]
    return max(found, default=0)


def _product(layer: LayerTypes, read: Sequence[LayerTypes], fraction: int) -> int:
    bounds = intervals.depthwise_product if layer.node.op is Op.DEPTHWISE else intervals.matrix_product
    fractions = {role: layer.types[role].fraction for role in layer.arrays}
    sums = bounds(layer.node, _full(read[0]), layer.arrays, fractions).partial
    # Products that the accumulator rounds are cast to it one by one.
    return max(_magnitude(sums, fraction), type_bits(layer.types["accum"], sums.fraction))


def _scale(layer: LayerTypes, read: Sequence[LayerTypes], fraction: int) -> int:
    fractions = {role: layer.types[role].fraction for role in layer.arrays}
    return _magnitude(intervals.scaled(layer.node, _full(read[0]), layer.arrays, fractions), fraction)


def _merge(layer: LayerTypes, read: Sequence[LayerTypes], fraction: int) -> int:
    first, second = map(_full, read)
    finest = max(first.fraction, second.fraction)
    return max(
        _magnitude(intervals.merged(layer.node.function, first, second), fraction),
        # The same operation may be done with one bit to spare.
        *(0 if layer.node.function == "multiply" else type_bits(source.result, finest) + 1 for source in read),
    )


def _mean(layer: LayerTypes, read: Sequence[LayerTypes], fraction: int) -> int:
    window = layer.node.attributes
    size = prod((window["pool_height"], window["pool_width"]))
    return type_bits(read[0].result, fraction) + (size - 1).bit_length()


def _full(layer: LayerTypes) -> Interval:
    return intervals.full(layer.result, layer.node.shape)


def _magnitude(found: Interval, fraction: int) -> int:
    return magnitude_bits(*found.bounds) + max(0, fraction - found.fraction)


_COMPUTED: dict[Op, Callable[[LayerTypes, Sequence[LayerTypes], int], int]] = {
    Op.DENSE: _product,
    Op.CONV: _product,
    Op.DEPTHWISE: _product,
    Op.SCALE: _scale,
    Op.ACTIVATION: _activation,
    Op.QUANTIZE: _elements,
    Op.PRELU: _activation,
    Op.MERGE: _merge,
    Op.AVERAGE_POOL: _mean,
    # Their tables' own limits are refused by their rules.
    **dict.fromkeys((Op.SOFTMAX, Op.TABLE), lambda layer, read, fraction: 0),
}
