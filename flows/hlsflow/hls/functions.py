"""The functions of `nnet::` that hls4ml calls for the nodes of a network."""

from __future__ import annotations

from math import prod

from hlsflow.network.graph import Node, Op

# What the function that casts each element to a type of its own is called, the name of its layer behind it.
ELEMENT_CAST = "element_cast_"
# With the dimensions of the image; the others are called by the node's own function.
_FUNCTIONS = {
    Op.DENSE: "dense", Op.CONV: "conv_{}d_cl", Op.DEPTHWISE: "depthwise_conv_{}d_cl", Op.SCALE: "normalize",
    Op.PRELU: "prelu", Op.SOFTMAX: "softmax", Op.MAX_POOL: "pooling{}d_cl", Op.AVERAGE_POOL: "pooling{}d_cl",
    Op.PAD: "zeropad{}d_cl", Op.RESIZE: "resize_nearest", Op.TRANSPOSE: "transpose",
}  # fmt: skip


def function_of(node: Node, in_shape: tuple[int, ...], io_type: str) -> str:
    """The function that is called for a node whose (first) input has a shape, without `nnet::`."""
    dimensions = len(in_shape) - 1
    if node.op is Op.CONCATENATE:
        return f"concatenate{len(node.shape)}d"
    if node.op is Op.DENSE and dimensions:
        return f"pointwise_conv_{dimensions}d_cl"
    if node.op is Op.CONV and prod(node.arrays["weight"].shape[:-2]) == 1:
        return f"pointwise_conv_{dimensions}d_cl"
    if node.op is Op.SOFTMAX and io_type == "io_parallel" and prod(in_shape[:-1]) > 1:
        return "softmax_multidim"
    if node.op is Op.QUANTIZE:
        return f"{ELEMENT_CAST}{node.name}"
    name = _FUNCTIONS.get(node.op, node.function).format(dimensions)
    return f"global_{name}" if node.attributes.get("global") else name
