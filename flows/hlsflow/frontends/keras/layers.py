"""The layers of Keras as nodes: one function for each class that hls4ml's converter names. No node at all comes from a
layer whose values are those that it reads, such as an up-sampling by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hlsflow.frontends.keras.activations import (
    activation,
    elu,
    leaky_relu,
    prelu,
    quantized_activation,
    softmax,
    thresholded_relu,
)
from hlsflow.frontends.keras.constants import KERNEL, batch_norm_constants, weights
from hlsflow.frontends.keras.convolutions import (
    average,
    conv,
    depthwise,
    plain,
    separable,
    spread,
    spread_depthwise,
    transposed,
)
from hlsflow.frontends.keras.fixed_point_quantizer import CLASS_NAME as FIXED_POINT_QUANTIZER
from hlsflow.frontends.keras.fixed_point_quantizer import live_types
from hlsflow.frontends.keras.generations import output_shape
from hlsflow.frontends.nodes.builder import Builder
from hlsflow.frontends.nodes.convolution import window_of
from hlsflow.frontends.nodes.entries import by_twos, concatenated, reads, reshape, scale_entry, spacer
from hlsflow.frontends.nodes.pooling import NO_PADS, zero_padded, zeros_do
from hlsflow.network.element_types import node_fields
from hlsflow.network.fixed_point import FixedType
from hlsflow.network.graph import Node, Op


def _input(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    types = builder.input_types
    declared = types if isinstance(types, FixedType) else types[entry["name"]]
    # One type for all is a recipe's.
    attributes = {} if isinstance(types, FixedType) else {"of_card": True}
    shape = tuple(entry["input_shape"])
    return [builder.node(entry, Op.INPUT, shape, owner, declared={"result": declared}, attributes=attributes)]


def _dense(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    arrays, declared = weights(owner, KERNEL)
    shape = (*builder.in_shape(entry)[:-1], arrays["weight"].shape[1])
    entry = plain(entry, "Dense")
    return [builder.node(entry, Op.DENSE, shape, owner, arrays=arrays, declared=declared)]


def _batch_norm(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    scale, bias = batch_norm_constants(owner)
    arrays = {"scale": scale, "bias": bias}
    if (arrays["scale"] == 1).all() and not arrays["bias"].any():
        # hls4ml leaves it out, and merges what it finds behind.
        return []
    shape = builder.in_shape(entry)
    attributes = {"fused": True} if getattr(owner, "fused", False) else {}
    made = scale_entry(entry["name"], entry["inputs"], shape)
    return [builder.node(made, Op.SCALE, shape, owner, arrays=arrays, attributes=attributes)]


def _pool(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    op = Op.MAX_POOL if "Max" in entry["class_name"] else Op.AVERAGE_POOL
    shape = builder.in_shape(entry)
    if "Global" in entry["class_name"]:
        window = {"pool_height": shape[0] if len(shape) == 3 else 1, "pool_width": shape[-2], "global": True,
                  "stride_height": 1, "stride_width": 1, **NO_PADS}  # fmt: skip
        if not getattr(owner, "keepdims", False):
            return [builder.node(entry, op, (shape[-1],), owner, attributes=window)]
        pooled = {**entry, "name": f"{entry['name']}_pooled", "keepdims": False}
        kept = tuple(output_shape(owner)[1:])
        return [
            builder.node(pooled, op, (shape[-1],), owner, attributes=window),
            reshape(builder, owner, entry["name"], pooled["name"], kept),
        ]
    out = (
        (entry["out_height"], entry["out_width"], entry["n_filt"])
        if "out_height" in entry
        else (entry["n_out"], entry["n_filt"])
    )
    window = {
        **window_of(entry),
        "pool_height": entry.get("pool_height", 1),
        "pool_width": entry["pool_width"],
        "global": False,
    }
    if window["pool_height"] == window["pool_width"] == 1 and out == shape:
        return []
    if op is Op.MAX_POOL and zeros_do(builder, entry, window):
        return zero_padded(builder, entry, owner, window, out)
    return [builder.node(entry, op, out, owner, attributes=window)]


def _merge(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    """Of more than two tensors a chain, as Keras computes it."""
    shape, function = builder.in_shape(entry), entry["op"]
    return [
        builder.node({**entry, "name": name, "inputs": both}, Op.MERGE, shape, owner, function=function)
        for name, both in by_twos(entry["name"], entry["inputs"])
    ]


def _concatenate(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    shapes = [builder.in_shape(entry, index) for index in range(len(entry["inputs"]))]
    axis = owner.axis - 1 if owner.axis > 0 else owner.axis + len(shapes[0])
    return concatenated(builder, owner, entry["name"], entry["inputs"], shapes, axis)


def _reshape(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    shape = tuple(output_shape(owner)[1:])
    if shape == builder.in_shape(entry):
        return []
    source = builder.source(entry)
    if source is not None and source.op is Op.RESHAPE and builder.shapes[source.inputs[0]] != shape:
        # hls4ml cannot give out the second of two in a row where something reads it, too.
        entry = {**entry, "inputs": list(source.inputs)}
    # Keras' target shape may hold a -1, which hls4ml would take for a size.
    made = {**entry, "target_shape": list(shape)}
    before: list[Node] = []
    if len(shape) == 1 and reads(builder, entry, Op.TRANSPOSE):
        # hls4ml drops a transposition before a flattening and reorders the weights behind it, but always as if it
        # were from channels first to channels last.
        before = [spacer(builder, made, builder.in_shape(entry), owner)]
        made["inputs"] = [before[0].name]
    return [*before, builder.node(made, Op.RESHAPE, shape, owner)]


def _transpose(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    dims, before, shape = tuple(owner.dims), builder.in_shape(entry), tuple(output_shape(owner)[1:])
    if dims == tuple(range(1, len(dims) + 1)):
        return []
    long = [dim for dim in dims if before[dim - 1] > 1]
    if long == sorted(long):
        # Axes of one value may stand anywhere, and no value moves.
        made = {**entry, "class_name": "Reshape", "target_shape": list(shape)}
        made.pop("perm", None)
        return [builder.node(made, Op.RESHAPE, shape, owner)]
    apart: list[Node] = []
    if before[0] == 1 and reads(builder, entry, Op.INPUT):
        # hls4ml drops the transposition of an input whose first axis has one value, whichever it is.
        apart = [spacer(builder, entry, before, owner)]
        entry = {**entry, "inputs": [apart[0].name]}
    return [*apart, builder.node(entry, Op.TRANSPOSE, shape, owner, attributes={"dims": dims})]


def _pad(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    pads = {pad: entry.get(pad, 0) for pad in NO_PADS}
    if not any(pads.values()):
        return []
    return [builder.node(entry, Op.PAD, tuple(output_shape(owner)[1:]), owner, attributes=pads)]


def _resize(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    shape = tuple(output_shape(owner)[1:])
    return [] if shape == builder.in_shape(entry) else [builder.node(entry, Op.RESIZE, shape, owner)]


def _elements(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    """HGQ's quantizer."""
    shape = builder.in_shape(entry)
    made = node_fields(entry["name"], entry["inputs"], live_types(owner))
    return [builder.node(made.pop("entry"), made.pop("op"), shape, owner, **made)]


Handler = Callable[["Builder", dict[str, Any], Any], list[Node]]
HANDLERS: dict[str, Handler] = {
    "InputLayer": _input,
    **dict.fromkeys(("Dense", "QDense"), _dense),
    **dict.fromkeys(("Conv1D", "Conv2D", "QConv1D", "QConv2D", "QConv2DBatchnorm"), conv),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D", "QDepthwiseConv2D"), depthwise),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D", "QSeparableConv1D", "QSeparableConv2D"), separable),
    "BatchNormalization": _batch_norm,
    "QBatchNormalization": _batch_norm,
    "Activation": activation,
    "Softmax": softmax,
    # Keras' own hard sigmoid.
    "HardActivation": activation,
    "QActivation": quantized_activation,
    "ELU": elu,
    "LeakyReLU": leaky_relu,
    "ThresholdedReLU": thresholded_relu,
    "PReLU": prelu,
    **dict.fromkeys(
        (f"{kind}Pooling{dim}D" for dim in "12" for kind in ("Max", "Average", "GlobalMax", "GlobalAverage")), _pool
    ),
    "Merge": _merge,
    "Concatenate": _concatenate,
    "Reshape": _reshape,
    "Transpose": _transpose,
    **dict.fromkeys(("ZeroPadding1D", "ZeroPadding2D"), _pad),
    **dict.fromkeys(("UpSampling1D", "UpSampling2D"), _resize),
}
# Those of which nothing but their name is known of their entry: `keras2` says which.
APART: dict[str, Handler] = {
    **dict.fromkeys(("Conv1D", "Conv2D", "QConv1D", "QConv2D", "QConv2DBatchnorm"), spread),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D", "QDepthwiseConv2D"), spread_depthwise),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D", "QSeparableConv1D", "QSeparableConv2D"), separable),
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose"), transposed),
    **dict.fromkeys(("QAveragePooling2D", "QGlobalAveragePooling2D"), average),
    "Concatenate": _concatenate,
    FIXED_POINT_QUANTIZER: _elements,
}
