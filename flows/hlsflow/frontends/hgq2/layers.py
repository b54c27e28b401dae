"""The layers of HGQ 2 as nodes: one function for each class, its quantizers left to the caller."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import TYPE_CHECKING, Any

from hlsflow.frontends.hgq2.model import ACTIVATIONS
from hlsflow.frontends.keras.files.architecture import Layer
from hlsflow.frontends.nodes.builder import Builder
from hlsflow.frontends.nodes.convolution import Convolution, window_of
from hlsflow.frontends.nodes.entries import by_twos, function_entry, reshape, scale_entry
from hlsflow.frontends.nodes.kernels import dilated, ungrouped
from hlsflow.network.graph import Node, Op
from hlsflow.network.quantizers import NotExact

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

Shape = tuple[int, ...]
Handler = Callable[[Builder, Layer, Any, list[str], Shape], list[Node]]


def _float64(values: Any) -> Array:
    import keras
    import numpy as np

    return np.asarray(keras.ops.convert_to_numpy(values), dtype=np.float64)


def _constants(live: Any) -> dict[str, Array]:
    """What the layer multiplies by and adds, after its own quantizers."""
    found = {"weight": _float64(live.qkernel)}
    bias = live.qbias
    return found if bias is None else {**found, "bias": _float64(bias)}


def _with_activation(builder: Builder, layer: Layer, made: list[Node]) -> list[Node]:
    """A layer's nodes with its own activation behind them."""
    function = layer.config.get("activation")
    if function not in ACTIVATIONS:
        raise NotExact(
            f"its activation is '{str(function)[:20]}', whose values are rounded by the framework", "relu, or none"
        )
    if function != "relu":
        return made
    name = f"{layer.name}_relu"
    entry = function_entry(name, [made[-1].name], "relu")
    return [*made, builder.node(entry, Op.ACTIVATION, made[-1].shape, layer, function="relu")]


def _dense_node(builder: Builder, layer: Layer, source: str, shape: Shape, arrays: Mapping[str, Array]) -> Node:
    n_in, n_out = arrays["weight"].shape
    entry = {
        "name": layer.name, "class_name": "Dense", "inputs": [source], "data_format": "channels_last",
        "activation": "linear", "use_bias": "bias" in arrays, "n_in": n_in, "n_out": n_out,
    }  # fmt: skip
    return builder.node(entry, Op.DENSE, shape, layer, arrays=dict(arrays))


def _dense(builder: Builder, layer: Layer, live: Any, inputs: list[str], shape: Shape) -> list[Node]:
    node = _dense_node(builder, layer, inputs[0], shape, _constants(live))
    return _with_activation(builder, layer, [node])


def _einsum(builder: Builder, layer: Layer, live: Any, inputs: list[str], shape: Shape) -> list[Node]:
    """A product over the last axis alone: `...a,ab->...b`."""
    said, rank = layer.config["equation"], len(builder.shapes[inputs[0]])
    left, _, out = str(said).replace(" ", "").partition("->")
    values, _, kernel = left.partition(",")
    values, out = (text.replace("...", "".join(f"{chr(0x3B1 + place)}" for place in range(rank))) for text in
                   (values, out))  # fmt: skip
    last = values[-1:] == kernel[:1] and out[-1:] == kernel[1:]
    plain = len(kernel) == 2 and kernel[0] != kernel[1] and values[:-1] == out[:-1] and kernel[1] not in values
    if not (last and plain and len(set(values)) == len(values)):
        raise NotExact(f"its equation '{str(said)[:40]}' is no product over the last axis", "QDense, or ...a,ab->...b")
    arrays = _constants(live)
    if "bias" in arrays and arrays["bias"].size != arrays["weight"].shape[1]:
        raise NotExact("its biases differ from position to position", "bias_axes of the last axis")
    arrays = {role: array if role == "weight" else array.ravel() for role, array in arrays.items()}
    return _with_activation(builder, layer, [_dense_node(builder, layer, inputs[0], shape, arrays)])


def _last(layer: Layer) -> None:
    if layer.config.get("data_format") == "channels_first":
        raise NotExact("channels_first", "data_format='channels_last'")


def _sizes(said: Any, rank: int) -> tuple[int, ...]:
    return tuple(said) if isinstance(said, (list, tuple)) else (said,) * rank


def _pads(padding: str, before: Shape, window: Shape, strides: Shape) -> tuple[tuple[int, int], ...]:
    """As Keras pads: for 'same' the half before, what is left behind."""
    found = []
    for size, length, stride in zip(before, window, strides, strict=False):
        whole = max((-(-size // stride) - 1) * stride + length - size, 0) if padding == "same" else 0
        found.append((whole // 2, whole - whole // 2))
    return tuple(found)


def _conv(builder: Builder, layer: Layer, live: Any, inputs: list[str], shape: Shape) -> list[Node]:
    _last(layer)
    config, before, rank = layer.config, builder.shapes[inputs[0]], len(shape) - 1
    if config["padding"] not in ("valid", "same"):
        raise NotExact(f"padding '{str(config['padding'])[:20]}'", "padding='same' or 'valid'")
    arrays = _constants(live)
    groups = config.get("groups", 1)
    if groups != 1:
        arrays["weight"] = ungrouped(arrays["weight"], groups)
    rates = _sizes(config.get("dilation_rate", 1), rank)
    arrays["weight"] = dilated(arrays["weight"], rates)
    strides = _sizes(config["strides"], rank)
    window = arrays["weight"].shape[:rank]
    made = Convolution(
        name=layer.name, source=inputs[0], before=before, after=shape, arrays=arrays, declared={}, strides=strides,
        pads=_pads(config["padding"], before, window, strides),
    )  # fmt: skip
    return _with_activation(builder, layer, [made.node(builder, layer)])


def _batch_norm(builder: Builder, layer: Layer, live: Any, inputs: list[str], shape: Shape) -> list[Node]:
    if layer.config["axis"] not in (-1, len(shape)):
        raise NotExact("it normalizes along another axis than the channels", "axis=-1")
    scale, offset = (_float64(item).ravel() for item in live.qscaler_and_qoffset)
    if (scale == 1).all() and not offset.any():
        # hls4ml leaves it out, and merges what it finds behind.
        return []
    entry = scale_entry(layer.name, [inputs[0]], shape)
    return [builder.node(entry, Op.SCALE, shape, layer, arrays={"scale": scale, "bias": offset})]


def _pool(builder: Builder, layer: Layer, live: Any, inputs: list[str], shape: Shape) -> list[Node]:
    _last(layer)
    before = builder.shapes[inputs[0]]
    rank, config = len(before) - 1, layer.config
    is_global = "Global" in layer.class_name
    window = before[:-1] if is_global else _sizes(config["pool_size"], rank)
    strides = (1,) * rank if is_global else _sizes(config.get("strides") or config["pool_size"], rank)
    pads = _pads("valid" if is_global else config["padding"], before, window, strides)
    if any(pad for pair in pads for pad in pair):
        raise NotExact("a pooling over windows that reach beyond its input: no test proves it", "padding='valid'")
    kind = "Max" if "Max" in layer.class_name else "Average"
    axes = ("height", "width")[-rank:]
    entry: dict[str, Any] = {
        "name": layer.name, "class_name": f"{'Global' if is_global else ''}{kind}Pooling{rank}D",
        "inputs": [inputs[0]], "data_format": "channels_last", "n_filt": before[-1],
    }  # fmt: skip
    out = tuple((size - length) // stride + 1 for size, length, stride in zip(before, window, strides, strict=False))
    for axis, size, length, stride, after in zip(axes, before, window, strides, out, strict=False):
        entry |= {f"in_{axis}": size, f"pool_{axis}": length, f"stride_{axis}": stride, f"out_{axis}": after}
    entry |= {f"pad_{side}": 0 for side in (("top", "bottom") if rank == 2 else ()) + ("left", "right")}
    if rank == 1:
        entry |= {"n_in": before[0], "n_out": out[0]}
    if is_global:
        entry |= {"keepdims": False}
    attributes = {
        **window_of(entry), "pool_height": entry.get("pool_height", 1), "pool_width": entry["pool_width"],
        "global": is_global,
    }  # fmt: skip
    flat = (before[-1],) if is_global else (*out, before[-1])
    op = Op.MAX_POOL if kind == "Max" else Op.AVERAGE_POOL
    if prod(window) == 1 and flat == before:
        return []
    if flat == shape:
        return [builder.node(entry, op, shape, layer, attributes=attributes)]
    pooled = {**entry, "name": f"{layer.name}_pooled"}
    node = builder.node(pooled, op, flat, layer, attributes=attributes)
    return [node, reshape(builder, layer, layer.name, pooled["name"], shape)]


_MERGES = {f"Q{name.capitalize()}": name for name in ("add", "subtract", "multiply", "maximum", "minimum")}


def _merge(builder: Builder, layer: Layer, live: Any, inputs: list[str], shape: Shape) -> list[Node]:
    if any(builder.shapes[name] != shape for name in inputs):
        raise NotExact("it merges tensors of different shapes", "equal shapes")
    function = _MERGES[layer.class_name]
    made = []
    for name, both in by_twos(layer.name, inputs):
        entry = {"name": name, "class_name": "Merge", "inputs": both, "op": function, "data_format": "channels_last"}
        made.append(builder.node(entry, Op.MERGE, shape, layer, function=function))
    return made


def _reshape(builder: Builder, layer: Layer, live: Any, inputs: list[str], shape: Shape) -> list[Node]:
    _last(layer)
    if builder.shapes[inputs[0]] == shape:
        return []
    source = next((node for node in builder.nodes if node.name == inputs[0]), None)
    if source is not None and source.op is Op.RESHAPE and builder.shapes[source.inputs[0]] != shape:
        # hls4ml cannot give out the second of two in a row where something reads it, too.
        inputs = list(source.inputs)
    return [reshape(builder, layer, layer.name, inputs[0], shape)]


def _activation(builder: Builder, layer: Layer, live: Any, inputs: list[str], shape: Shape) -> list[Node]:
    function = layer.config.get("activation", "relu")
    config = layer.config
    if layer.class_name == "ReLU" and (config.get("max_value") is not None or config.get("negative_slope") or
                                       config.get("threshold")):  # fmt: skip
        raise NotExact("a ReLU with a maximum, a slope or a threshold: no test proves it here", "ReLU()")
    if function not in ACTIVATIONS:
        raise NotExact(f"'{str(function)[:20]}' is a table, which no test proves here", "relu, or the logits as output")
    if function != "relu":
        return []
    return [builder.node(function_entry(layer.name, [inputs[0]], "relu"), Op.ACTIVATION, shape, layer, function="relu")]


def _nothing(builder: Builder, layer: Layer, live: Any, inputs: list[str], shape: Shape) -> list[Node]:
    """A quantizer on its own."""
    return []


_POOLS = [f"{kind}Pooling{dim}D" for kind in ("Max", "Average") for dim in "12"]
HANDLERS: Mapping[str, Handler] = {
    **dict.fromkeys(("QDense", "QBatchNormDense"), _dense),
    "QEinsumDense": _einsum,
    **dict.fromkeys(("QConv1D", "QConv2D"), _conv),
    "QBatchNormalization": _batch_norm,
    **dict.fromkeys((*_POOLS, *(f"Q{name}" for name in _POOLS), *(f"QGlobal{name}" for name in _POOLS)), _pool),
    **dict.fromkeys(_MERGES, _merge),
    **dict.fromkeys(("Flatten", "Reshape"), _reshape),
    **dict.fromkeys(("Activation", "ReLU", "QUnaryFunctionLUT"), _activation),
    "Quantizer": _nothing,
}
