"""The type of every value in the network: from the configuration where it says one, else derived and proved exact.

One precedence rule: a type in `hls_configs/<name>.yaml` is taken as it stands; what it leaves out comes from the
quantizer, where one fixes it, and else from interval arithmetic over the actual weights: wide enough for any input, and
no wider. Every layer says what was proved, and what a narrower type of the user's own can lose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import ceil, log2

from hlsflow.conversion import intervals
from hlsflow.conversion.fixed_point import FixedType, Overflow, parse_type, type_for_range
from hlsflow.conversion.intervals import EXACT_BITS, Interval
from hlsflow.conversion.layer_types import (
    FIXED,
    INPUT,
    INTERVAL,
    QUANTIZER,
    Given,
    LayerTypes,
    Working,
    first_of,
)
from hlsflow.conversion.network import MOVES, Network, Node, Op
from hlsflow.errors import UnsupportedError

# The softmax tables' precision. hls4ml's defaults are off by 0.06; these stay below 0.0025 for ten classes.
SOFTMAX_TABLE = parse_type("ufixed<18,1,RND,SAT>")
SOFTMAX_RESULT = parse_type("ufixed<16,1,RND,SAT>")
SOFTMAX_ADDRESS_BITS = 12
# exp(-16) is below the table's LSB, so a larger distance to the maximum may saturate.
SOFTMAX_DISTANCE_BITS = 4

# Float32 holds every integer up to 2**24: below that, Keras itself computes exactly.
FLOAT32_BITS = 24
# A quotient that is no dyadic number is truncated this far below the grid of its input: enough that any quantizer
# not more than 7 bits finer than that input rounds it as the true quotient (see `_average_pool`).
GUARD_BITS = 8


def resolve(network: Network, given: Given, io_type: str = "io_parallel") -> list[LayerTypes]:
    """The types of every node, in the network's order. `given` maps node names to roles to types.

    `io_type` matters where hls4ml's function for streams is another one.

    Raises UnsupportedError where a value cannot be carried exactly at all.
    """
    done: dict[str, LayerTypes] = {}
    for node in network.nodes:
        if "threshold" in node.attributes:
            node = _with_ternary_scale(node, done[node.inputs[0]].interval, io_type)
        work = Working(node=node, given=given.get(node.name, {}))
        inputs = [done[name] for name in node.inputs]
        interval = _RULES[node.op](work, [layer.interval for layer in inputs], inputs)
        _check_width(node, work.types)
        done[node.name] = LayerTypes(
            node=node,
            types=work.types,
            sources=work.sources,
            arrays=work.arrays,
            interval=interval,
            proof=work.proof,
            keras_exact=work.keras_exact,
            findings=tuple(work.findings),
        )
    return list(done.values())


def _check_width(node: Node, types: Mapping[str, FixedType]) -> None:
    for role, type_ in types.items():
        if type_.width > EXACT_BITS:
            raise UnsupportedError(
                f"layer '{node.keras_layer}': its {role} needs {type_.width} bits to be exact, more than "
                f"{EXACT_BITS} are not supported",
                hint="put a quantizer before it, or give a narrower type in the configuration",
            )


def _range_text(interval: Interval) -> str:
    low, high = interval.bounds
    return f"[{low * 2.0**-interval.fraction:g}, {high * 2.0**-interval.fraction:g}]"


def _input(work: Working, xs: list[Interval], layers: list[LayerTypes]) -> Interval:
    type_ = work.choose("result", work.node.declared["result"], INPUT)
    declared = work.node.declared["result"]
    interval = intervals.full(declared, work.node.shape)
    work.proof = f"the recipe's inputs are {declared}"
    if type_ != declared:
        return work.store("result", interval, "input")
    return interval


def _product(
    bounds: Callable[..., intervals.Sum],
) -> Callable[[Working, list[Interval], list[LayerTypes]], Interval]:
    def rule(work: Working, xs: list[Interval], layers: list[LayerTypes]) -> Interval:
        node = work.node
        for role in ("weight", "bias"):
            if role in node.arrays:
                work.weight(role)
        fractions = {role: work.types[role].fraction for role in work.arrays}
        found = bounds(node, xs[0], work.arrays, fractions)
        low, high = found.partial.bounds
        work.keras_exact = layers[0].keras_exact and max(-low, high) <= 1 << FLOAT32_BITS
        derived = found.partial.smallest_type(signed=True)
        accum = work.choose("accum", derived, INTERVAL)
        result = work.choose("result", *first_of(node.declared.get("result"), QUANTIZER, derived, INTERVAL))
        work.proof = (
            f"the sum stays in {_range_text(found.total)} for any input, every partial sum in "
            f"{_range_text(found.partial)}: {derived.width} bits with {derived.fraction} fractional ones hold it"
        )
        after = work.store("accum", found.partial, "sum")
        if accum.fraction >= derived.fraction and not any(f.role == "accum" for f in work.findings):
            after = found.total
        elif accum.fraction < derived.fraction:
            # hls4ml casts every product before it adds, so each may lose up to an LSB.
            after = intervals.full(accum, node.shape)
        return work.store("result", after, "sum") if result != accum else intervals.assigned(after, result)

    return rule


def _scale(work: Working, xs: list[Interval], layers: list[LayerTypes]) -> Interval:
    node = work.node
    for role in ("scale", "bias"):
        work.weight(role)
    fractions = {role: work.types[role].fraction for role in work.arrays}
    found = intervals.scaled(node, xs[0], work.arrays, fractions)
    work.choose("result", found.smallest_type(), INTERVAL)
    # Keras rounds the product and the sum to float32; only small dyadic constants make that exact.
    low, high = found.bounds
    work.keras_exact = layers[0].keras_exact and max(-low, high) <= 1 << FLOAT32_BITS
    work.proof = f"scaled values stay in {_range_text(found)}"
    return work.store("result", found, "scaled value")


def _with_ternary_scale(node: Node, x: Interval, io_type: str) -> Node:
    """Fills in the factor that puts hls4ml's thresholds on QKeras's: see `frontend_layers._ternary_scale`.

    In LSBs of x, QKeras gives +-1 from T = ceil(threshold / LSB) on. hls4ml gives 1 above 1/2 and -1 from -1/2 down. So
    a factor s is needed with s*T > 1/2 > s*(T-1): any number between 1/(2T) and 1/(2(T-1)); the shortest dyadic one.
    For streams hls4ml compares with 1 and -1, so twice that.
    """
    import numpy as np

    first = max(1, ceil(float(np.float32(node.attributes["threshold"])) * 2.0**x.fraction))
    for bits in range(64):
        whole = (1 << bits) // (2 * first) + 1
        if first == 1 or whole * 2 * (first - 1) < (1 << bits):
            break
    factor = whole * 2.0**-bits * 2.0**x.fraction * (2 if io_type == "io_stream" else 1)
    arrays = {"scale": np.full(node.shape[-1:], factor), "bias": np.zeros(node.shape[-1:])}
    return replace(node, arrays=arrays)


def _activation(work: Working, xs: list[Interval], layers: list[LayerTypes]) -> Interval:
    import numpy as np

    node, x = work.node, xs[0]
    work.keras_exact = layers[0].keras_exact
    declared = node.declared.get("result")
    if declared is not None:
        # A quantizer puts the value back onto a coarse grid; from there Keras is exact again.
        work.keras_exact = True
    match node.function:
        case "relu":
            x = Interval(low=np.maximum(x.low, 0), high=np.maximum(x.high, 0), fraction=x.fraction)
        case "leaky_relu":
            work.weight("param")
            x = intervals.leaky(x, work.arrays["param"], work.types["param"].fraction)
            low, high = x.bounds
            work.keras_exact = work.keras_exact and max(-low, high) <= 1 << FLOAT32_BITS
        case "linear" if node.attributes.get("spacer"):
            # One bit more than needed: hls4ml doubles the value before it compares, in the same type.
            low, high = x.bounds
            work.choose("result", type_for_range(2 * min(low, -1), 2 * max(high, 1), x.fraction), FIXED)
            work.proof = "room for the doubling before the comparison"
            return work.store("result", x, "value")
        case "linear":
            pass
        case _:
            assert declared is not None
            work.choose("result", declared, QUANTIZER)
            work.proof = f"every output is a value of {declared}"
            if work.types["result"] != declared:
                return work.store("result", intervals.full(declared, node.shape), "activation")
            return intervals.full(declared, node.shape)
    work.choose("result", *first_of(declared, QUANTIZER, x.smallest_type(), INTERVAL))
    work.proof = (
        f"rounds and saturates as the quantizer does: {declared}" if declared else f"values stay in {_range_text(x)}"
    )
    return work.store("result", x, "activation")


def _prelu(work: Working, xs: list[Interval], layers: list[LayerTypes]) -> Interval:
    work.weight("param")
    x = intervals.leaky(xs[0], work.arrays["param"], work.types["param"].fraction)
    low, high = x.bounds
    work.keras_exact = layers[0].keras_exact and max(-low, high) <= 1 << FLOAT32_BITS
    work.choose("result", x.smallest_type(), INTERVAL)
    work.proof = f"values stay in {_range_text(x)}"
    return work.store("result", x, "activation")


def _max_pool(work: Working, xs: list[Interval], layers: list[LayerTypes]) -> Interval:
    import numpy as np

    type_ = layers[0].result.grid
    work.choose("accum", type_, INTERVAL)
    work.choose("result", type_, INTERVAL)
    work.keras_exact = layers[0].keras_exact
    low, high = intervals.per_channel(xs[0])
    x = Interval(
        low=np.broadcast_to(low, work.node.shape), high=np.broadcast_to(high, work.node.shape), fraction=xs[0].fraction
    )
    work.proof = "a maximum is one of its inputs"
    return work.store("result", work.store("accum", x, "maximum"), "maximum")


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


def _average_pool(work: Working, xs: list[Interval], layers: list[LayerTypes]) -> Interval:
    """A sum over n values, then a division that truncates.

    For n a power of two, log2(n) more fractional bits make it exact. Else the quotient k/n (k in LSBs of the input) is
    cut off. A rounding of it to a coarser grid changes at ties, dyadic numbers at least 1/(2n) LSB away from any k/n
    that is no tie itself; cut off log2(n) + 1 bits below that grid, no value crosses one.
    """
    import numpy as np

    node, x = work.node, xs[0]
    counts = pool_counts(node, layers[0].node.shape)
    most = max(counts)
    dyadic = all(count & (count - 1) == 0 for count in counts)
    extra = int(log2(most)) if dyadic else ceil(log2(most)) + GUARD_BITS
    low, high = intervals.per_channel(x)
    total = Interval(
        low=np.broadcast_to(np.minimum(low * most, low), node.shape),
        high=np.broadcast_to(np.maximum(high * most, high), node.shape),
        fraction=x.fraction,
    ).at(x.fraction + extra)
    mean = Interval(
        low=np.broadcast_to(low, node.shape), high=np.broadcast_to(high, node.shape), fraction=x.fraction
    ).at(x.fraction + extra)
    work.choose("accum", total.smallest_type(), INTERVAL)
    work.choose("result", mean.smallest_type(), INTERVAL)
    work.keras_exact = layers[0].keras_exact and dyadic
    work.proof = f"sums of {most} values stay in {_range_text(total)}; the division is " + (
        "exact" if dyadic else f"cut off {extra} bits below the input's grid, too far down to change a rounding"
    )
    work.store("accum", total, "sum")
    return work.store("result", mean, "mean")


def _merge(work: Working, xs: list[Interval], layers: list[LayerTypes]) -> Interval:
    found = intervals.merged(work.node.function, xs[0], xs[1])
    low, high = found.bounds
    work.keras_exact = all(layer.keras_exact for layer in layers) and max(-low, high) <= 1 << FLOAT32_BITS
    work.choose("result", found.smallest_type(), INTERVAL)
    work.proof = f"values stay in {_range_text(found)}"
    return work.store("result", found, work.node.function)


def _concatenate(work: Working, xs: list[Interval], layers: list[LayerTypes]) -> Interval:
    import numpy as np

    fraction = max(x.fraction for x in xs)
    wide = [x.at(fraction) for x in xs]
    axis = work.node.attributes["axis"]
    found = Interval(
        low=np.concatenate([x.low for x in wide], axis=axis),
        high=np.concatenate([x.high for x in wide], axis=axis),
        fraction=fraction,
    )
    work.keras_exact = all(layer.keras_exact for layer in layers)
    work.choose("result", found.smallest_type(), INTERVAL)
    work.proof = "one type holds both"
    return work.store("result", found, "value")


def _move(work: Working, xs: list[Interval], layers: list[LayerTypes]) -> Interval:
    if "result" in work.given:
        work.note("ignored", "result", "values only move here: the type is that of the input, whatever is given")
    work.types["result"] = layers[0].result.grid
    work.sources["result"] = layers[0].sources["result"]
    work.keras_exact = layers[0].keras_exact
    work.proof = "values move unchanged"
    return intervals.moved(work.node, xs[0])


def softmax_table_sizes(layer: LayerTypes) -> tuple[int, int]:
    """Entries of the tables of exponentials and of inverses: as many as their index types can address, up to 4096.

    Given both sizes, hls4ml leaves them alone; one common size it would cut silently to the narrowest operand.
    """
    sizes = [1 << min(SOFTMAX_ADDRESS_BITS, layer.types[role].width) for role in ("inp_norm", "inv_inp")]
    return sizes[0], sizes[1]


def _softmax(work: Working, xs: list[Interval], layers: list[LayerTypes]) -> Interval:
    classes = work.node.shape[-1]
    whole = classes.bit_length()
    # The distance to the maximum, not the logit, addresses the table. hls4ml's own type for it is one bit short and
    # wraps; this one saturates, and its every bit is an address bit.
    fraction = min(xs[0].fraction, SOFTMAX_ADDRESS_BITS - SOFTMAX_DISTANCE_BITS)
    norm = FixedType(
        width=SOFTMAX_DISTANCE_BITS + max(fraction, 0),
        integer=SOFTMAX_DISTANCE_BITS,
        signed=False,
        overflow=Overflow.SAT,
    )
    sums = replace(SOFTMAX_TABLE, width=SOFTMAX_TABLE.fraction + whole, integer=whole)
    work.choose("exp_table", SOFTMAX_TABLE, FIXED)
    work.choose("inv_table", SOFTMAX_TABLE, FIXED)
    work.choose("inp_norm", norm, FIXED)
    work.choose("accum", sums, FIXED)
    work.choose("inv_inp", replace(sums, width=SOFTMAX_ADDRESS_BITS), FIXED)
    work.choose("result", SOFTMAX_RESULT, FIXED)
    work.keras_exact = False
    work.proof = "tables: close, not exact; the error is bounded and measured, and no part of the gate"
    return intervals.full(work.types["result"], work.node.shape)


Rule = Callable[[Working, list[Interval], list[LayerTypes]], Interval]
_RULES: dict[Op, Rule] = {
    Op.INPUT: _input,
    Op.DENSE: _product(intervals.matrix_product),
    Op.CONV: _product(intervals.matrix_product),
    Op.DEPTHWISE: _product(intervals.depthwise_product),
    Op.SCALE: _scale,
    Op.ACTIVATION: _activation,
    Op.PRELU: _prelu,
    Op.MAX_POOL: _max_pool,
    Op.AVERAGE_POOL: _average_pool,
    Op.MERGE: _merge,
    Op.CONCATENATE: _concatenate,
    **dict.fromkeys(MOVES, _move),
    Op.SOFTMAX: _softmax,
}
