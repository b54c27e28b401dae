"""The types of pooling: maxima, which only pass values on, and means, which hls4ml cuts off where they do not end."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import ceil, log2

from hlsflow.network import intervals
from hlsflow.network.element_types import ElementTypes
from hlsflow.network.fixed_point import FixedType
from hlsflow.network.graph import MOVES, Network, Node, Op
from hlsflow.network.intervals import Interval
from hlsflow.network.layer_types import INTERVAL, Given, LayerTypes, Working, range_text

# A quotient that is no dyadic number is cut off at least this far below the grid of its input.
GUARD_BITS = 8
# The code of the finding that a layer reads a mean as it was cut off.
MEAN_CUT = "mean-rounds"


def is_padded(node: Node) -> bool:
    """Whether windows of a pooling reach beyond its input."""
    return any(node.attributes.get(f"pad_{side}", 0) for side in ("top", "bottom", "left", "right"))


def padded_makers(network: Network) -> frozenset[str]:
    """The nodes that compute what a maximum over padded windows reads: values only move behind them."""
    found = set()
    for node in network.nodes:
        if node.op is Op.MAX_POOL and is_padded(node):
            maker = network[node.inputs[0]]
            while maker.op in MOVES:
                maker = network[maker.inputs[0]]
            found.add(maker.name)
    return frozenset(found)


def takes_a_sign(layer: LayerTypes) -> bool:
    """Whether a type with a sign changes none of an unsigned layer's values: they are at least zero before it cuts."""
    return layer.sources["result"] == INTERVAL or layer.node.function == "relu"


def max_pool(work: Working, xs: list[Interval], layers: list[LayerTypes]) -> Interval:
    import numpy as np

    node, x = work.node, xs[0]
    type_ = layers[0].result.grid
    work.choose("accum", type_, INTERVAL)
    work.choose("result", type_, INTERVAL)
    low, high = intervals.per_channel(x)
    work.proof = "a maximum is one of its inputs"
    if is_padded(node):
        # `nnet::pad_val` sets the sign bit alone: the least value of a signed type, half the range of another one.
        if type_.signed:
            work.proof += f", for the padding is the least value of {type_}"
        else:
            high = np.maximum(high, 2.0 ** (type_.width - 1))
            work.proof = f"the padding counts as half the range of {type_}"
    whole = Interval(low=np.broadcast_to(low, node.shape), high=np.broadcast_to(high, node.shape), fraction=x.fraction)
    return work.store("result", work.store("accum", whole, "maximum"), "maximum")


def pool_counts(node: Node, in_shape: tuple[int, ...]) -> set[int]:
    """How many real (not padded) values the windows of a pooling node cover."""
    window = node.attributes
    if window["global"]:
        return {window["pool_height"] * window["pool_width"]}
    height, width = (in_shape[0], in_shape[1]) if len(in_shape) == 3 else (1, in_shape[0])
    out_height, out_width = (node.shape[0], node.shape[1]) if len(node.shape) == 3 else (1, node.shape[0])

    def overlaps(out: int, stride: int, pool: int, pad: int, size: int) -> list[int]:
        return [min(i * stride - pad + pool, size) - max(i * stride - pad, 0) for i in range(out)]

    rows = overlaps(out_height, window["stride_height"], window["pool_height"], window["pad_top"], height)
    columns = overlaps(out_width, window["stride_width"], window["pool_width"], window["pad_left"], width)
    return {row * column for row in rows for column in columns}


def is_dyadic(counts: Collection[int]) -> bool:
    """Whether a division by each of the counts ends in binary."""
    return all(count & (count - 1) == 0 for count in counts)


@dataclass(frozen=True, kw_only=True, slots=True)
class Readers:
    """What reads a value, moves and maxima passed over: quantizers, the finest of which rounds to `finest` fractional
    bits (None: there is none), and what computes with the value as it is (`unrounded`)."""

    finest: int | None
    unrounded: tuple[str, ...]


def readers_of(network: Network, node: Node, given: Given) -> Readers:
    """The readers of a node's value under the configured types."""
    fractions: list[int] = []
    unrounded: list[str] = []
    waiting, seen = [node.name], {node.name}
    while waiting:
        name = waiting.pop()
        if name in network.outputs:
            unrounded.append("the output")
        for user in network.consumers(name):
            declared = user.declared.get("result")
            if user.op is Op.ACTIVATION and declared is not None and user.function != "ternary_tanh":
                # The sign of a mean is right however short it is cut.
                type_ = given.get(user.name, {}).get("result", declared)
                fractions += [] if user.function == "binary_tanh" else [type_.fraction]
            elif user.op is Op.QUANTIZE:
                fractions += [type_.fraction for type_ in ElementTypes.read(user.attributes).given]
            elif _passes_on(user):
                if user.name not in seen:
                    seen.add(user.name)
                    waiting.append(user.name)
            else:
                unrounded.append(f"'{user.keras_layer or user.name}'")
    return Readers(finest=max(fractions, default=None), unrounded=tuple(dict.fromkeys(unrounded)))


def _passes_on(node: Node) -> bool:
    """Whether a node gives out values that it was given, and is monotone: rounding may as well come after it."""
    return (
        node.op in MOVES
        or node.op in (Op.MAX_POOL, Op.CONCATENATE)
        or (node.op is Op.MERGE and node.function in ("maximum", "minimum"))
        or (node.op is Op.ACTIVATION and node.function in ("relu", "linear") and "result" not in node.declared)
    )


def mean_bits(most: int, fraction: int, readers: Readers) -> int:
    """How many bits below the grid of its input a mean of up to `most` values has to be kept.

    The quotient k/n (k in LSBs of the input) is cut toward zero. It rounds to a grid that is d bits finer than the
    input's as the true quotient does, unless it reaches a tie, or passes a point of that grid: dyadic numbers, and at
    least 1/(n * 2**(d+1)) away from every k/n that is none of them. Cut off log2(n) + d + 1 bits down, by less than
    that, no value does.
    """
    finer = 0 if readers.finest is None else readers.finest - fraction
    return ceil(log2(most)) + max(GUARD_BITS, finer + 1)


def average_pool(
    readers: Readers, work: Working, xs: list[Interval], layers: list[LayerTypes]
) -> Interval:  # fmt: skip
    """A sum over n values, then a division that cuts off toward zero: exact for n a power of two with log2(n) more
    fractional bits, else cut where no quantizer behind it can tell (`mean_bits`)."""
    import numpy as np

    node, x = work.node, xs[0]
    counts = pool_counts(node, layers[0].node.shape)
    most = max(counts)
    dyadic = is_dyadic(counts)
    extra = int(log2(most)) if dyadic else mean_bits(most, x.fraction, readers)
    low, high = (np.broadcast_to(bound, node.shape) for bound in intervals.per_channel(x))
    total = Interval(low=np.minimum(low * most, low), high=np.maximum(high * most, high), fraction=x.fraction)
    total = total.at(x.fraction + extra)
    mean = Interval(low=low, high=high, fraction=x.fraction).at(x.fraction + extra)
    accum = work.choose("accum", total.smallest_type(), INTERVAL)
    work.choose("result", mean.smallest_type(), INTERVAL)
    work.store("accum", total, "sum")
    work.proof = f"sums of {most} values stay in {range_text(total)}"
    if work.loses("accum"):
        # The division only brings what the accumulator holds nearer to zero.
        mean = intervals.full(accum, node.shape)
    elif dyadic:
        work.proof += "; the division is exact"
    else:
        work.proof += f"; the division is {_cut_text(work, x.fraction, extra, readers)}"
    return work.store("result", mean, "mean")


def _cut_text(work: Working, fraction: int, extra: int, readers: Readers) -> str:
    text = f"cut off {extra} bits below the input's grid"
    given: Mapping[str, FixedType] = work.given
    if "result" in given and given["result"].fraction < fraction + extra:
        return text
    if readers.unrounded:
        who = ", ".join(readers.unrounded)
        work.note(MEAN_CUT, "result", f"a mean that does not end in binary is {text}, and {who} takes it as it is")
        return text
    return f"{text}, too far down to change a rounding of its readers"
