"""Each layer of a project's C++: what is asked of the hardware for it, and as a layer of the integer network.

What is covered is `rtl.coverage`'s to say.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from hlsflow.hls.integer_layers import Matrix, Padding, Pooling, matrix_of, pooling_of
from hlsflow.hls.project import HlsProject, destinations, operands
from hlsflow.hls.source import Call
from hlsflow.network.fixed_point import Rounding
from hlsflow.rtl.coverage import CONVOLUTIONS, PADDINGS, POOLINGS, Asked, Average, Product, Work
from hlsflow.rtl.layers import ArgmaxLayer, Cast, Layer, PoolLayer, ProductLayer


def asked(project: HlsProject, call: Call, read: Matrix | Pooling | None) -> Asked:
    """What a call asks of the hardware."""
    softmax = call.function == "softmax"
    config = project.configs.get(call.template[-1])
    return Asked(
        name=call.layer,
        function=call.function,
        called=f"nnet::{call.function}",
        inputs=tuple(project.aliases.get(name, name) for name in operands(call)),
        outputs=destinations(call),
        work=_work(read),
        behind_reshape=call.arguments[0] in project.aliases,
        is_argmax=softmax and config is not None and config.values["implementation"].endswith("argmax"),
        of_parts=softmax and config is not None and config.integer("n_slice") != config.integer("n_in"),
        changes_type=call.function in PADDINGS
        and project.type_of(call.template[0]).grid != project.type_of(call.template[1]).grid,
    )


def _work(read: Matrix | Pooling | None) -> Work:
    if isinstance(read, Matrix):
        return Product(
            weights=read.weights, bias=read.bias, data=read.data.grid, weight=read.weight, accum=read.accum,
            strategy=read.strategy, multiplication=read.multiplication,
        )  # fmt: skip
    if read is not None and read.function == "average":
        return Average(window=read.window, data=read.data.grid, accum=read.accum)
    return None


def read_layer(project: HlsProject, call: Call) -> Matrix | Pooling | None:
    """What a call multiplies or pools, None for any other."""
    if call.function in ("dense", *CONVOLUTIONS):
        return matrix_of(project, call)
    return pooling_of(project, call) if call.function in POOLINGS else None


def layer_of(project: HlsProject, call: Call, read: Matrix | Pooling | None) -> Layer:
    """A covered call that is no cast and no padding as a layer."""
    if isinstance(read, Matrix):
        return _product(read)
    return _argmax(project, call) if read is None else _pooling(read)


def _argmax(project: HlsProject, call: Call) -> ArgmaxLayer:
    return ArgmaxLayer(
        name=call.layer,
        size=project.configs[call.template[-1]].integer("n_in"),
        data=project.type_of(call.template[0]).grid,
        result=project.type_of(call.template[1]),
    )


def _product(read: Matrix) -> ProductLayer:
    import numpy as np

    return ProductLayer(
        name=read.name,
        weights=np.ascontiguousarray(read.weights),
        bias=read.bias,
        data=read.data.grid,
        weight=read.weight.grid,
        accum=read.accum,
        casts=(Cast(name=read.name, relu=False, source=read.accum, target=read.result),),
        reuse_factor=read.reuse_factor,
        window=read.window,
    )


def _pooling(read: Pooling) -> PoolLayer:
    window, data, accum, result = read.window, read.data.grid, read.accum, read.result
    function: Literal["max", "sum"] = "max"
    if read.function == "max":
        casts, total = ((data, accum), (accum, result)), data
    else:
        bits = (window.height * window.width).bit_length() - 1
        total = replace(data, width=data.width + bits, integer=data.integer + bits)
        # The accumulator's bits are the quotient on a grid that is finer by the division; ap_fixed cuts toward zero.
        shifted = replace(accum, integer=accum.integer - bits)
        casts = ((total, accum), (shifted, replace(accum, rounding=Rounding.TRN_ZERO)), (accum, result))
        function = "sum"
    return PoolLayer(
        name=read.name,
        function=function,
        window=window,
        data=data,
        total=total,
        casts=tuple(Cast(name=read.name, relu=False, source=source, target=target) for source, target in casts),
    )


def padded(layer: Layer, padding: Padding) -> Layer:
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
