"""Which `nnet::` functions the emulator covers, and the maker of each. A maker reads a call's types, configuration and
weights once and gives a `Step`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hlsflow.emulation.elementwise import (
    binary_tanh,
    hard,
    leaky_relu,
    linear,
    merge,
    normalize,
    prelu,
    relu,
    ternary_tanh,
)
from hlsflow.emulation.moves import clone_stream, concatenate, resize_nearest, transpose, zero_padding
from hlsflow.emulation.pooling import pooling
from hlsflow.emulation.products import conv, dense, depthwise_conv
from hlsflow.emulation.step import StepMaker

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


def _add(a: Array, b: Array) -> Array:
    return a + b


def _maximum(a: Array, b: Array) -> Array:
    import numpy as np

    return np.maximum(a, b)


def _minimum(a: Array, b: Array) -> Array:
    import numpy as np

    return np.minimum(a, b)


MAKERS: dict[str, StepMaker] = {
    "dense": dense,
    **dict.fromkeys(("conv_1d_cl", "conv_2d_cl", "pointwise_conv_1d_cl", "pointwise_conv_2d_cl"), conv),
    **dict.fromkeys(("depthwise_conv_1d_cl", "depthwise_conv_2d_cl"), depthwise_conv),
    "relu": relu,
    "linear": linear,
    "hard_sigmoid": hard(1, 0),
    "hard_tanh": hard(2, -1),
    "leaky_relu": leaky_relu,
    "prelu": prelu,
    "binary_tanh": binary_tanh,
    "ternary_tanh": ternary_tanh,
    "normalize": normalize,
    "add": merge(_add),
    "subtract": merge(lambda a, b: a - b),
    "average": merge(_add, extra=1),
    "multiply": merge(lambda a, b: a * b, product=True),
    "maximum": merge(_maximum),
    "minimum": merge(_minimum),
    **dict.fromkeys(("pooling1d_cl", "pooling2d_cl", "global_pooling1d_cl", "global_pooling2d_cl"), pooling),
    **dict.fromkeys(("zeropad1d_cl", "zeropad2d_cl"), zero_padding),
    "resize_nearest": resize_nearest,
    "transpose": transpose,
    "clone_stream": clone_stream,
    "repack_stream": linear,
    **dict.fromkeys(("concatenate1d", "concatenate2d", "concatenate3d"), concatenate),
}
