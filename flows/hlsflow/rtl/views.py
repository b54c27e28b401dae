"""Each node of an integer network as our hardware sees it: as a layer of the chain, or a cast behind one.

What is covered is `rtl.coverage`'s to say.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from hlsflow.hls import integer_nodes as nodes
from hlsflow.network.fixed_point import Rounding
from hlsflow.rtl.layers import ArgmaxLayer, Cast, Layer, PoolLayer, ProductLayer


def cast_of(node: nodes.Cast) -> Cast:
    """A cast behind a layer."""
    return Cast(name=node.name, relu=node.relu, source=node.data, target=node.result)


def layer_of(node: nodes.Node) -> Layer:
    """A covered node that is no cast and no padding as a layer."""
    match node:
        case nodes.Matrix():
            return _product(node)
        case nodes.Pooling():
            return _pooling(node)
        case nodes.Argmax():
            return ArgmaxLayer(name=node.name, size=node.size, data=node.data.grid, result=node.result)
    raise AssertionError(f"{type(node).__name__} is not covered")


def _product(node: nodes.Matrix) -> ProductLayer:
    import numpy as np

    return ProductLayer(
        name=node.name,
        weights=np.ascontiguousarray(node.weights),
        bias=node.bias,
        data=node.data.grid,
        weight=node.weight.grid,
        accum=node.accum,
        casts=(Cast(name=node.name, relu=False, source=node.accum, target=node.result),),
        reuse_factor=node.reuse_factor,
        window=node.window,
    )


def _pooling(node: nodes.Pooling) -> PoolLayer:
    window, data, accum, result = node.window, node.data.grid, node.accum, node.result
    function: Literal["max", "sum"] = "max"
    if node.kind == "max":
        casts, total = ((data, accum), (accum, result)), data
    else:
        bits = (window.height * window.width).bit_length() - 1
        total = replace(data, width=data.width + bits, integer=data.integer + bits)
        # The accumulator's bits are the quotient on a grid that is finer by the division; ap_fixed cuts toward zero.
        shifted = replace(accum, integer=accum.integer - bits)
        casts = ((total, accum), (shifted, replace(accum, rounding=Rounding.TRN_ZERO)), (accum, result))
        function = "sum"
    return PoolLayer(
        name=node.name,
        function=function,
        window=window,
        data=data,
        total=total,
        casts=tuple(Cast(name=node.name, relu=False, source=source, target=target) for source, target in casts),
    )


def padded(layer: Layer, padding: nodes.Padding) -> Layer:
    """A convolution that pads its image itself, instead of the layer before it."""
    assert isinstance(layer, ProductLayer) and layer.window is not None
    window = layer.window
    return replace(
        layer,
        window=replace(
            window,
            in_height=padding.height,
            in_width=padding.width,
            pad_top=window.pad_top + padding.top,
            pad_left=window.pad_left + padding.left,
        ),
    )
