"""What of a network hls4ml cannot build, or builds into something else: seen once its layers are joined, once their
types are known, or in one io type alone. Each is refused before anything is converted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod

from hlsflow.network.element_types import ElementTypes
from hlsflow.network.fixed_point import FixedType, rounds_beyond
from hlsflow.network.graph import MOVES, ROUNDED, Network, Node, Op
from hlsflow.network.intervals import EXACT_BITS
from hlsflow.network.layer_types import LayerTypes
from hlsflow.network.pooling_rules import MEAN_CUT, is_padded, takes_a_sign
from hlsflow.network.ranges import maker_of
from hlsflow.network.refusal import Refusal
from hlsflow.network.room import bits_on_the_way
from hlsflow.network.streams import MOST_COPIES, copies, unpackable

# Of the values in all windows of a convolution in io_parallel: some 60 MB of C++.
MOST_UNROLLED = 1 << 20
# Functions that QKeras has a quantizer of, which hardware computes exactly.
_QUANTIZED = ("sigmoid", "tanh")


def refusals_of_network(network: Network) -> list[Refusal]:
    """What can only be seen once the layers are joined."""
    return _unread_inputs(network) + _refused_outputs(network) + _two_kinds_of_depthwise(network)


def _unread_inputs(network: Network) -> list[Refusal]:
    """Inputs that decide nothing: hls4ml orders the ports by the layers that read them."""
    unread = [name for name in network.inputs if not network.consumers(name) and name not in network.outputs]
    reason, way_out = "no output depends on it", "leave it out: keras.Model(the inputs that are read, outputs)"
    return [Refusal(network[name].keras_layer, reason, way_out) for name in unread]


def _two_kinds_of_depthwise(network: Network) -> list[Refusal]:
    ranks = [len(node.shape) for node in network.nodes if node.op is Op.DEPTHWISE]
    if len(set(ranks)) < 2:
        return []
    node = next(node for node in network.nodes if node.op is Op.DEPTHWISE and len(node.shape) != ranks[0])
    reason = "hls4ml's headers for depthwise convolutions over one axis and over two leave each other out"
    return [Refusal(node.keras_layer, reason, "one kind of them in a network")]


def _refused_outputs(network: Network) -> list[Refusal]:
    """Outputs that hls4ml has no port for: an input as it is, and values that are another output already."""
    found: list[Refusal] = []
    values = network.output_values
    for index, (name, carrier, compared) in enumerate(zip(network.outputs, values, network.gate_outputs, strict=True)):
        node = network[name]
        if network[compared].op is Op.INPUT:
            reason = f"the output has the values of the input '{compared}' as they are, or a table of them alone"
            found.append(Refusal(node.keras_layer, reason, "an output that some layer computes"))
        elif carrier in values[:index]:
            layer = network[carrier].keras_layer
            reason = f"two outputs have the values of layer '{layer}', and hls4ml has one port for them"
            found.append(Refusal(node.keras_layer, reason, "one output, which whoever reads it may reshape"))
    return found


def refusals_of_exactness(network: Network) -> list[Refusal]:
    """What no output may depend on where none may differ from Keras."""
    found = []
    for node in network.inner_tables:
        called = node.function or str(node.op)
        reason = f"a {called} in the middle is a table, exact only to its resolution"
        exact = f"quantized_{called}, " if called in _QUANTIZED else ""
        way_out = f"{called} at the end, {exact}or `gate: bounded` as `hlsflow config` derives it"
        found.append(Refusal(node.keras_layer, reason, way_out))
    for node in network.rounded:
        way_out = "a short binary fraction such as 0.25, or `gate: bounded` as `hlsflow config` derives it"
        found.append(Refusal(node.keras_layer, node.attributes[ROUNDED], way_out))
    return found


def refusals_of_types(layers: Sequence[LayerTypes], *, exact: bool) -> list[Refusal]:
    """What only the resolved types tell, the configured ones among them. `exact`: no output may differ from Keras."""
    found = []
    done = {layer.node.name: layer for layer in layers}
    for layer in layers:
        node = layer.node
        source = maker_of(layer, done)
        bits = bits_on_the_way(layer, [done[name] for name in node.inputs])
        if bits > EXACT_BITS:
            reason = f"its values take {bits} bits on the way, more than {EXACT_BITS} are not exact"
            found.append(
                Refusal(node.keras_layer, reason, "a quantizer before it, or narrower types in the configuration")
            )
        for type_ in _cast(layer, done):
            if rounds_beyond(type_, layer.result):
                found.append(Refusal(node.keras_layer, *_beyond(type_, layer.result)))
                break
        beyond = _elements_beyond(layer, done)
        if beyond is not None:
            found.append(Refusal(node.keras_layer, *beyond))
        if node.op is Op.MAX_POOL and is_padded(node):
            source = done[node.inputs[0]]
            if not source.result.signed:
                found.append(Refusal(node.keras_layer, *_unsigned_padding(_maker(source, done), source.result)))
        cut = [finding for finding in layer.findings if finding.code == MEAN_CUT]
        if cut and exact:
            way_out = "a quantizer such as quantized_relu(8,4) right behind it, or a power of two of values in the mean"
            found.append(Refusal(node.keras_layer, cut[0].message, way_out))
    return found


def _cast(layer: LayerTypes, done: Mapping[str, LayerTypes]) -> list[FixedType]:
    """The types that the C++ of an activation rounds to its result's: that of its values, and of their product by a
    slope."""
    if layer.node.function != "leaky_relu" and layer.node.op is not Op.PRELU:
        source = maker_of(layer, done)
        return [] if source is layer else [source.result]
    data, slope = done[layer.node.inputs[0]].result, layer.types["param"]
    product = FixedType(
        width=data.width + slope.width, integer=data.integer + slope.integer, signed=data.signed or slope.signed
    )
    return [data, product]


def _elements_beyond(layer: LayerTypes, done: Mapping[str, LayerTypes]) -> tuple[str, str] | None:
    if layer.node.op is not Op.QUANTIZE:
        return None
    source = done[layer.node.inputs[0]].result
    type_ = ElementTypes.read(layer.node.attributes).beyond(source)
    return None if type_ is None else _beyond(source, type_)


def _beyond(source: FixedType, result: FixedType) -> tuple[str, str]:
    return (
        f"it rounds every value of {source} to 0, and the C simulation takes that for an error: the first bit of "
        f"{source} is more than a bit below the last one of {result}",
        f"a quantizer with {-source.integer} or more fractional bits",
    )


def _unsigned_padding(maker: LayerTypes, type_: FixedType) -> tuple[str, str]:
    signed = replace(maker.result, width=type_.width + 1, integer=type_.integer + 1, signed=True)
    way_out = f"a signed type in the configuration: layers.{maker.node.name}.precision.result: {signed}"
    if maker.node.op is not Op.INPUT and not takes_a_sign(maker):
        way_out = "a signed quantizer, or quantized_relu"
    return (
        f"hls4ml pads a maximum over an unsigned type ({type_}) with its sign bit, which is half its range",
        f"padding='valid', or {way_out}",
    )


def _maker(layer: LayerTypes, done: Mapping[str, LayerTypes]) -> LayerTypes:
    """The layer whose type a value has: values only move behind it."""
    while layer.node.op in MOVES:
        layer = done[layer.node.inputs[0]]
    return layer


def refusals_of_io_type(network: Network, io_type: str) -> list[Refusal]:
    """What one io type does and the other does not."""
    if io_type != "io_stream":
        return _unrolled_windows(network)
    found = []
    for node, before, after in unpackable(network):
        reason = f"a stream of packs of {before} values cannot be made into one of packs of {after}"
        found.append(Refusal(node.keras_layer, reason, "last axes of which one divides the other, or io_parallel"))
    for node in network.nodes:
        window = node.attributes
        if copies(network, node) > MOST_COPIES:
            readers = f"{copies(network, node)} readers, the outputs among them"
            said = f"a stream has {readers}, and hls4ml copies it at most {MOST_COPIES} times", "io_parallel"
        elif node.op in (Op.MAX_POOL, Op.AVERAGE_POOL) and not window["global"]:
            strides = (window["stride_height"], window["stride_width"])
            if is_padded(node):
                said = "pooling with padding aborts in io_stream", "padding='valid', or io_parallel"
            elif len(node.shape) == 3 and strides != (window["pool_height"], window["pool_width"]):
                said = "overlapping pooling aborts in io_stream", "strides equal to pool_size, or io_parallel"
            else:
                continue
        elif _skips_rows(network, node):
            said = (
                "hls4ml streams a kernel of height 1 along the rows alone, and takes those that the stride leaves out",
                "strides of height 1, a kernel of height 2 or more, or io_parallel",
            )
        elif node.op is Op.QUANTIZE and not ElementTypes.read(node.attributes).by_channel:
            said = (
                "its types change from position to position, and in a stream all positions pass through one cast",
                "a quantizer with one type for each channel, or io_parallel",
            )
        elif node.op is Op.TRANSPOSE and len(node.shape) > 2:
            said = "a stream of 3-D data cannot be transposed", "io_parallel, or no Permute"
        else:
            continue
        found.append(Refusal(node.keras_layer, *said))
    return found


def _unrolled_windows(network: Network) -> list[Refusal]:
    """Convolutions whose windows hls4ml writes out value by value, in more text than a compiler or a reader takes."""
    found = []
    for node in network.nodes:
        # A kernel of one position has a function of its own, which copies nothing.
        if node.op is not Op.CONV or prod((window := node.arrays["weight"].shape[:-1])[:-1]) == 1:
            continue
        values = prod(node.shape[:-1]) * prod(window)
        if values > MOST_UNROLLED:
            reason = f"io_parallel writes a statement for each of the {values:,} values in its windows"
            found.append(Refusal(node.keras_layer, reason, f"io_stream (io_parallel takes up to {MOST_UNROLLED:,})"))
    return found


def _skips_rows(network: Network, node: Node) -> bool:
    """Whether a convolution takes every second or later row of several with a kernel of one row."""
    if node.op not in (Op.CONV, Op.DEPTHWISE) or len(node.shape) != 3:
        return False
    height, width = node.arrays["weight"].shape[:2]
    # A kernel of one value has a function of its own, but in a depthwise convolution.
    in_lines = height == 1 and (width > 1 or node.op is Op.DEPTHWISE)
    return in_lines and node.attributes["stride_height"] > 1 and network[node.inputs[0]].shape[0] > 1
