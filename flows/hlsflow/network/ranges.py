"""The type of every value in the network: from the configuration where it says one, else derived and proved exact.

One precedence rule: a type in `hls_configs/<name>.yaml` is taken as it stands; what it leaves out comes from the
quantizer, where one fixes it, and else from interval arithmetic over the actual weights: wide enough for any input, and
no wider. Every layer says what was proved, and what a narrower type of the user's own can lose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from math import ceil, floor

from hlsflow.foundation.errors import UnsupportedError
from hlsflow.network import float32, intervals
from hlsflow.network.batch_norm import SHORTENED, shortened
from hlsflow.network.element_types import quantize
from hlsflow.network.fixed_point import FixedType, Overflow, Rounding, parse_type, rounds_beyond, type_for_range
from hlsflow.network.graph import MOVES, Network, Node, Op
from hlsflow.network.intervals import EXACT_BITS, Interval
from hlsflow.network.layer_types import (
    BEHIND,
    FIXED,
    IGNORED,
    INPUT,
    INTERVAL,
    QUANTIZER,
    Given,
    LayerTypes,
    Working,
    first_of,
    range_text,
)
from hlsflow.network.pooling_rules import average_pool, max_pool, padded_makers, readers_of, takes_a_sign
from hlsflow.network.table_functions import TABLE_FUNCTIONS
from hlsflow.network.value_tables import bound_text, result_type, table_of, table_size

# The softmax tables' precision. hls4ml's defaults are off by 0.06; these stay below 0.0025 for ten classes.
SOFTMAX_TABLE = parse_type("ufixed<18,1,RND,SAT>")
SOFTMAX_RESULT = parse_type("ufixed<16,1,RND,SAT>")
SOFTMAX_ADDRESS_BITS = 12
# exp(-16) is below the table's LSB, so a larger distance to the maximum may saturate.
SOFTMAX_DISTANCE_BITS = 4


def resolve(network: Network, given: Given, io_type: str = "io_parallel") -> list[LayerTypes]:
    """The types of every node, in the network's order. `given` maps node names to roles to types.

    `io_type` matters where hls4ml's function for streams is another one. `keras_exact` is a matter of the network
    alone: what Keras computes does not change with the types of the hardware.

    Raises UnsupportedError where a value cannot be carried exactly at all.
    """
    layers = _wide_enough(network, given, io_type)
    derived = layers
    if any(given.values()):
        try:
            derived = _wide_enough(network, {}, io_type)
        except UnsupportedError:
            # A value that no double carries is none that float32 does.
            derived = []
    exact = float32.exact_layers(derived)
    return [replace(layer, keras_exact=layer.node.name in exact) for layer in layers]


def _wide_enough(network: Network, given: Given, io_type: str) -> list[LayerTypes]:
    """The types of every node, the derived ones with so many bits that `rounds_beyond` is true of no reader, and with a
    sign where a maximum pads them."""
    layers = _resolve(network, given, io_type)
    done = {layer.node.name: layer for layer in layers}
    wider = {layer.node.name: signed for layer in layers if (signed := _signed_for_padding(network, layer, given))}
    for layer in layers:
        source = maker_of(layer, done)
        if source is not layer and source.sources["result"] == INTERVAL and rounds_beyond(source.result, layer.result):
            width = source.result.fraction - layer.result.fraction
            type_ = replace(source.result, width=width, integer=width - source.result.fraction)
            wider[source.node.name] = max(type_, wider.get(source.node.name, type_), key=lambda found: found.width)
    if not wider:
        return layers
    also = {name: {**given.get(name, {}), "result": type_} for name, type_ in wider.items()}
    return [
        replace(layer, sources=done[layer.node.name].sources) if layer.node.name in wider else layer
        for layer in _resolve(network, {**given, **also}, io_type)
    ]


def _signed_for_padding(network: Network, layer: LayerTypes, given: Given) -> FixedType | None:
    """The type with a sign for values that a maximum pads (`nnet::pad_val` is least of signed types alone), where
    nobody stated theirs and it changes none of them. None where it stays."""
    name, type_ = layer.node.name, layer.result
    if type_.signed or layer.node.op is Op.INPUT or "result" in given.get(name, {}):
        return None
    if not takes_a_sign(layer) or name not in padded_makers(network):
        return None
    return replace(type_, width=type_.width + 1, integer=type_.integer + 1, signed=True)


def maker_of(layer: LayerTypes, done: Mapping[str, LayerTypes]) -> LayerTypes:
    """The layer that computed what an activation rounds, moves passed over; for any other the layer itself."""
    if layer.node.op is not Op.ACTIVATION or layer.node.function not in ("relu", "linear"):
        return layer
    source = done[layer.node.inputs[0]]
    while source.node.op in MOVES:
        source = done[source.node.inputs[0]]
    return source


def _resolve(network: Network, given: Given, io_type: str) -> list[LayerTypes]:
    done: dict[str, LayerTypes] = {}
    for node in network.nodes:
        if "threshold" in node.attributes:
            node = _with_ternary_scale(node, done[node.inputs[0]].interval, io_type)
        elif "above" in node.attributes:
            node = _with_shift(node, done[node.inputs[0]].interval)
        elif node.op is Op.SCALE and not float32.scale_is_exact(node, done[node.inputs[0]].interval):
            node = shortened(network, node, done[node.inputs[0]].interval)
        elif node.op is Op.TABLE:
            size = table_size(node.function, done[node.inputs[0]].result)
            streamed = io_type == "io_stream"
            node = replace(node, attributes={**node.attributes, "table_size": size, "streamed": streamed})
        work = Working(node=node, given=given.get(node.name, {}))
        inputs = [done[name] for name in node.inputs]
        rule = _RULES[node.op] if node.op is not Op.AVERAGE_POOL else partial(
            average_pool, readers_of(network, node, given)
        )  # fmt: skip
        interval = rule(work, [layer.interval for layer in inputs], inputs)
        if node.name in network.gate_outputs and node.function == "linear":
            _keep(work.types, inputs[0].result)
        _check_width(node, work.types)
        done[node.name] = LayerTypes(
            node=node,
            types=work.types,
            sources=work.sources,
            arrays=work.arrays,
            interval=interval,
            proof=work.whole_proof,
            keras_exact=False,
            findings=tuple(work.findings),
        )
    return list(done.values())


def _keep(types: dict[str, FixedType], source: FixedType) -> None:
    """Gives the result of an output another rounding where it has the type that its values come in: they need none,
    and hls4ml would leave the layer out, and with it the name under which the output is compared."""
    if types["result"] == source:
        other = Rounding.TRN if source.rounding is not Rounding.TRN else Rounding.RND
        types["result"] = replace(source, rounding=other)


def _check_width(node: Node, types: Mapping[str, FixedType]) -> None:
    for role, type_ in types.items():
        if type_.width > EXACT_BITS:
            raise UnsupportedError(
                f"layer '{node.keras_layer}': its {role} needs {type_.width} bits to be exact, more than "
                f"{EXACT_BITS} are not supported",
                hint=BEHIND
                if node.op is Op.SCALE
                else "put a quantizer before it, or give a narrower type in the configuration",
            )


def _input(work: Working, xs: list[Interval], layers: list[LayerTypes]) -> Interval:
    type_ = work.choose("result", work.node.declared["result"], INPUT)
    declared = work.node.declared["result"]
    interval = intervals.full(declared, work.node.shape)
    work.proof = f"the {'model' if work.node.attributes.get('of_card') else 'recipe'}'s inputs are {declared}"
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
        derived = found.partial.smallest_type(signed=True)
        accum = work.choose("accum", derived, INTERVAL)
        result = work.choose("result", *first_of(node.declared.get("result"), QUANTIZER, derived, INTERVAL))
        work.proof = (
            f"the sum stays in {range_text(found.total)} for any input, every partial sum in "
            f"{range_text(found.partial)}"
        )
        after = work.store("accum", found.partial, "sum")
        if not work.loses("accum"):
            work.proof += f": {accum.width} bits with {accum.fraction} fractional ones hold it"
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
    work.proof = f"scaled values stay in {range_text(found)}"
    if SHORTENED in node.attributes:
        said = node.attributes[SHORTENED]
        readers = " and ".join(dict.fromkeys(f"'{name}'" for name in said["quantizers"]))
        stays = f"the shortest constants that move none of the {said['steps']} steps of {readers}, for any input"
        work.proof = f"{stays}; {work.proof}"
    return work.store("result", found, "scaled value")


def _with_ternary_scale(node: Node, x: Interval, io_type: str) -> Node:
    """Fills in the factor that puts hls4ml's thresholds on QKeras's: see `frontends.activations`.

    In LSBs of x, QKeras gives +-1 from T = ceil(threshold / LSB) on. hls4ml gives 1 above 1/2 and -1 from -1/2 down. So
    a factor s is needed with s*T > 1/2 > s*(T-1): any number between 1/(2T) and 1/(2(T-1)); the shortest dyadic one.
    For streams hls4ml compares with 1 and -1, so twice that. A factor of 1 is not taken: hls4ml leaves out what
    multiplies by one, and then merges what it finds behind. Only T = 1 can ask for one, and takes any greater factor.
    """
    import numpy as np

    first = max(1, ceil(float(np.float32(node.attributes["threshold"])) * 2.0**x.fraction))
    for bits in range(64):
        whole = (1 << bits) // (2 * first) + 1
        if first == 1 or whole * 2 * (first - 1) < (1 << bits):
            break
    factor = whole * 2.0**-bits * 2.0**x.fraction * (2 if io_type == "io_stream" else 1)
    if factor == 1:
        factor = 2.0
    arrays = {"scale": np.full(node.shape[-1:], factor), "bias": np.zeros(node.shape[-1:])}
    return replace(node, arrays=arrays)


def _with_shift(node: Node, x: Interval) -> Node:
    """Fills in the shift that makes zero of the first value on the grid above a threshold."""
    import numpy as np

    first = (floor(node.attributes["above"] * 2.0**x.fraction) + 1) * 2.0**-x.fraction
    # hls4ml leaves out what multiplies by one and adds nothing, and merges what it finds behind.
    factor = 1.0 if first else 2.0
    return replace(node, arrays={"scale": np.full(node.shape[-1:], factor), "bias": np.full(node.shape[-1:], -first)})


# What a quantizer does with a value out of its range, where it does not saturate.
_BEYOND = {Overflow.WRAP: "wraps", Overflow.SAT_ZERO: "gives 0 out of range"}


def _activation(work: Working, xs: list[Interval], layers: list[LayerTypes]) -> Interval:
    import numpy as np

    node, x = work.node, xs[0]
    declared = node.declared.get("result")
    match node.function:
        case "relu":
            x = Interval(low=np.maximum(x.low, 0), high=np.maximum(x.high, 0), fraction=x.fraction)
        case "leaky_relu":
            work.weight("param")
            x = intervals.leaky(x, work.arrays["param"], work.types["param"].fraction)
        case "linear" if node.attributes.get("spacer"):
            # One bit more than needed: hls4ml doubles the value before it compares, in the same type.
            low, high = x.bounds
            derived = type_for_range(2 * min(low, -1), 2 * max(high, 1), x.fraction)
            if work.choose("result", derived, FIXED).holds(derived):
                work.proof = "room for the doubling before the comparison"
            else:
                work.proof = f"the doubling before the comparison needs {derived}"
                work.note("result-overflow", "result", f"{work.types['result']} can overflow: {derived} holds it")
            return work.store("result", x, "value")
        case "linear":
            pass
        case "hard_tanh" | "hard_sigmoid" if declared is None:
            x = intervals.hard(node.function, x)
        case _:
            assert declared is not None
            work.choose("result", declared, QUANTIZER)
            work.proof = f"every output is a value of {work.types['result']}"
            if work.types["result"] != declared:
                return work.store("result", intervals.full(declared, node.shape), "activation")
            return intervals.full(declared, node.shape)
    work.choose("result", *first_of(declared, QUANTIZER, x.smallest_type(), INTERVAL))
    stored = work.store("result", x, "activation")
    work.proof = f"values stay in {range_text(x)}"
    if declared is not None:
        work.proof = (
            f"the quantizer rounds and saturates to {declared}"
            if work.loses("result")
            else f"rounds and {_BEYOND.get(declared.overflow, 'saturates')} as the quantizer does: {declared}"
        )
    return stored


def _prelu(work: Working, xs: list[Interval], layers: list[LayerTypes]) -> Interval:
    work.weight("param")
    x = intervals.leaky(xs[0], work.arrays["param"], work.types["param"].fraction)
    width = layers[0].result.width + work.types["param"].width
    if width > EXACT_BITS:
        raise UnsupportedError(
            f"layer '{work.node.keras_layer}': its products have {width} bits, more than {EXACT_BITS} are not exact",
            hint="put a quantizer before it, or give a narrower type in the configuration",
        )
    work.choose("result", x.smallest_type(), INTERVAL)
    work.proof = f"values stay in {range_text(x)}"
    return work.store("result", x, "activation")


def _merge(work: Working, xs: list[Interval], layers: list[LayerTypes]) -> Interval:
    found = intervals.merged(work.node.function, xs[0], xs[1])
    work.choose("result", found.smallest_type(), INTERVAL)
    work.proof = f"values stay in {range_text(found)}"
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
    work.choose("result", found.smallest_type(), INTERVAL)
    stored = work.store("result", found, "value")
    work.proof = f"values of both stay in {range_text(found)}" + (
        "" if work.loses("result") else ": one type holds both"
    )
    return stored


def _move(work: Working, xs: list[Interval], layers: list[LayerTypes]) -> Interval:
    if "result" in work.given:
        work.note(IGNORED, "result", "values only move here: the type is that of the input, whatever is given")
    work.types["result"] = layers[0].result.grid
    work.sources["result"] = layers[0].sources["result"]
    work.proof = "values move unchanged"
    return intervals.moved(work.node, xs[0])


def _table(work: Working, xs: list[Interval], layers: list[LayerTypes]) -> Interval:
    function, data = work.node.function, layers[0].result
    work.choose("table", TABLE_FUNCTIONS[function].table, FIXED)
    work.choose("result", result_type(function, data), FIXED)
    table = table_of(work.node, data, work.types)
    if table.overflows:
        raise UnsupportedError(
            f"layer '{work.node.keras_layer}': hls4ml's table of a {function} cannot be read by values of {data}",
            hint="put a quantizer before it, or give its input a type of fewer integer bits in the configuration",
        )
    if table.passes_wrongly:
        raise UnsupportedError(
            f"layer '{work.node.keras_layer}': in io_stream hls4ml holds the factor of a {function}, which is above "
            f"one, in the type of its values, and {data} does not hold one",
            hint="io_parallel, or give its input a type that does in the configuration",
        )
    if table.bits > intervals.EXACT_BITS:
        raise UnsupportedError(
            f"layer '{work.node.keras_layer}': hls4ml multiplies what passes a {function} by a factor of "
            f"{table.factor[1]}, a product of {table.bits} bits for values of {data}, more than can be checked exactly",
            hint="io_parallel, or give its input a type of fewer bits in the configuration",
        )
    bound = bound_text(table.error_bound())
    work.proof = f"a {function} by a table of {table.size} entries: close, off by {bound} at most for any value"
    return intervals.full(work.types["result"], work.node.shape)


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
    Op.QUANTIZE: quantize,
    Op.PRELU: _prelu,
    Op.MAX_POOL: max_pool,
    Op.MERGE: _merge,
    Op.CONCATENATE: _concatenate,
    **dict.fromkeys(MOVES, _move),
    Op.SOFTMAX: _softmax,
    Op.TABLE: _table,
}
