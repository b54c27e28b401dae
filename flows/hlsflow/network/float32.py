"""Where Keras' float32 is exact: the layers whose every output equals what real arithmetic gives, for any input.

A layer is, where its inputs are and its own operations round nothing: every product and every sum, whatever the order,
is a whole number of at most 2**24 in units of its grid. A quantizer behind a value that was rounded is not: what was a
tie or lay next to one may have moved across it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

from hlsflow.network import intervals
from hlsflow.network.batch_norm import SHORTENED
from hlsflow.network.element_types import ElementTypes
from hlsflow.network.fixed_point import FixedType, Overflow, Rounding, fraction_of
from hlsflow.network.graph import FORMULA, MOVES, Node, Op
from hlsflow.network.intervals import Interval
from hlsflow.network.layer_types import LayerTypes
from hlsflow.network.pooling_rules import is_dyadic, pool_counts

# Float32 holds every whole number up to 2**24.
FLOAT32_BITS = 24
LIMIT = 1 << FLOAT32_BITS


def exact_layers(layers: Sequence[LayerTypes]) -> frozenset[str]:
    """The names of the layers that Keras computes exactly in float32.

    `layers` are those of the network as Keras has it, its types derived and not narrowed (`ranges.resolve`).
    """
    done = {layer.node.name: layer for layer in layers}
    exact: set[str] = set()
    for layer in layers:
        sources = [done[name] for name in layer.node.inputs]
        if all(source.node.name in exact for source in sources) and _rounds_nothing(layer, sources):
            exact.add(layer.node.name)
    return frozenset(exact)


def _fit(*integers: float) -> bool:
    return all(abs(integer) <= LIMIT for integer in integers)


def _rounds_nothing(layer: LayerTypes, sources: Sequence[LayerTypes]) -> bool:
    """Whether a layer computes exactly from exact inputs."""
    node = layer.node
    xs = [source.interval for source in sources]
    fractions = {role: layer.types[role].fraction for role in layer.arrays}
    match node.op:
        case Op.INPUT:
            return _fit(*layer.interval.bounds)
        case Op.DENSE | Op.CONV | Op.DEPTHWISE:
            bounds = intervals.depthwise_product if node.op is Op.DEPTHWISE else intervals.matrix_product
            return _fit(*bounds(node, xs[0], layer.arrays, fractions).partial.bounds)
        case Op.SCALE:
            # One with shortened constants is exact no sooner than it is quantized, and then by proof, not in float32.
            return SHORTENED not in node.attributes and scale_is_exact(node, xs[0])
        case Op.ACTIVATION:
            return _activation_is_exact(layer, xs[0], fractions)
        case Op.QUANTIZE:
            return _formula_is_exact(ElementTypes.read(node.attributes), xs[0])
        case Op.PRELU:
            return _slope_is_exact(layer, xs[0])
        case Op.AVERAGE_POOL:
            counts = pool_counts(node, sources[0].node.shape)
            low, high = xs[0].bounds
            return is_dyadic(counts) and _fit(max(counts) * low, max(counts) * high)
        case Op.MERGE if node.function not in ("maximum", "minimum"):
            return _fit(*intervals.merged(node.function, xs[0], xs[1]).bounds)
        case Op.MERGE | Op.MAX_POOL | Op.CONCATENATE:
            return True
        case op if op in MOVES:
            return True
    return False


def scale_is_exact(node: Node, x: Interval) -> bool:
    """Whether a scale with its own constants rounds nothing in float32."""
    if "threshold" in node.attributes:
        # Not a layer of Keras: it puts hls4ml's thresholds where those of a ternary quantizer are.
        return True
    if "above" in node.attributes:
        # Nor is this, before the sign of a value above some other one: QKeras computes x/2 + 1/2 for it.
        return x.fraction + 1 < FLOAT32_BITS
    if node.attributes.get("fused"):
        # (x - mean) * rsqrt(...) * gamma + beta, in a kernel of TensorFlow's own: other steps than x * scale + bias.
        return False
    fractions = {role: fraction_of(node.arrays[role]) for role in ("scale", "bias")}
    arrays = {role: node.arrays[role] * 2.0**fraction for role, fraction in fractions.items()}
    product = intervals.scaled(node, x, {**arrays, "bias": arrays["bias"] * 0}, fractions)
    return _fit(*product.bounds, *intervals.scaled(node, x, arrays, fractions).bounds)


def _activation_is_exact(layer: LayerTypes, x: Interval, fractions: dict[str, int]) -> bool:
    node = layer.node
    declared = node.declared.get("result")
    low, high = x.bounds
    if node.attributes.get("soft"):
        return False
    if FORMULA in node.attributes and declared is not None:
        return _formula_is_exact(ElementTypes.all_of(declared), x)
    match node.function:
        case "leaky_relu":
            if declared is None:
                return _slope_is_exact(layer, x)
            # x + (q - x), where x is the product with the slope, however far below the range.
            x = intervals.leaky(x, layer.arrays["param"], layer.types["param"].fraction)
            finer = 2.0 ** max(0, declared.fraction - x.fraction)
            return _fit(*(bound * finer for bound in x.bounds))
        case "relu":
            # A quantizer wider than float32 rounds what it should tell apart.
            return not node.attributes.get("wide")
        case "linear":
            if declared is None:
                return True
            # QKeras gives x + (q - x): exact within the range, where the difference is below the last bit; beyond it
            # the difference spans both grids.
            fraction = max(x.fraction, declared.fraction)
            mine, theirs = 2.0 ** (fraction - x.fraction), 2.0 ** (fraction - declared.fraction)
            over, under = high * mine - declared.max_int * theirs, low * mine - declared.min_int * theirs
            return _fit(max(over, 0.0), min(under, 0.0))
        case "hard_sigmoid" | "hard_tanh":
            # x/2 + 1/2 needs one bit more; what leaves [0, 1] is cut off, rounded or not.
            one = 2.0**x.fraction
            return _fit((min(max(-low, high), one) + one) * max(1.0, 2.0**-x.fraction))
        case "binary_tanh" | "ternary_tanh":
            # QKeras gives x + (q - x). One that is soft gives tanh(x) + (q - tanh(x)), which misses q by an ulp.
            fraction = max(x.fraction, 0)
            most = max(-low, high) * 2.0 ** (fraction - x.fraction) + 2.0**fraction
            return _fit(most)
    return False


# Those whose formula adds one half before it cuts.
_HALVES = frozenset((Rounding.RND, Rounding.RND_ZERO, Rounding.RND_INF, Rounding.RND_MIN_INF))


def _formula_is_exact(types: ElementTypes, x: Interval) -> bool:
    """Whether HGQ's formula rounds what it should alone: floor(x * 2**fraction + 1/2) and its like, then a clip or
    floormod(rounded - least, 2**bits) + least."""
    return all(
        _element_is_exact(type_, float(x.low[where].min()), float(x.high[where].max()), x.fraction)
        for type_, where in types.parts(x.low.shape)
        if type_ is not None and where.any()
    )


def _element_is_exact(type_: FixedType, low: float, high: float, fraction: int) -> bool:
    """Of values from `low` to `high` on the grid of `fraction`."""
    most = max(-low, high)
    grid = max(fraction, type_.fraction + (type_.rounding in _HALVES))
    half = 2.0 ** (grid - type_.fraction - 1) if type_.rounding in _HALVES else 0.0
    rounded = most * 2.0 ** (type_.fraction - fraction) + 1
    span = 2.0**type_.width if type_.overflow is Overflow.WRAP else 0.0
    return _fit(most * 2.0 ** (grid - fraction) + half, rounded + span, type_.min_int, type_.max_int)


def _slope_is_exact(layer: LayerTypes, x: Interval) -> bool:
    """Whether slope * x is exact for every negative x; positive ones pass as they are."""
    import numpy as np

    negative = np.minimum(x.low, 0)
    slopes = layer.arrays["param"]
    # A slope such as 1 or 1/4 on a fine grid has few bits of its own.
    common = gcd(*(int(slope) for slope in slopes.ravel())) or 1
    product = negative * (slopes / max(1, common & -common))
    return _fit(float(product.min()), float(product.max()))
