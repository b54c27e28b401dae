"""Values that move: nnet_padding.h, nnet_image.h, nnet_transpose.h, nnet_stream.h, nnet_merge.h (hls4ml 1.3.0)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hlsflow.emulation.step import (
    Arrays,
    Step,
    type_bits,
    unary,
)
from hlsflow.hls.integer_nodes import Concatenation, Copies, Padding, Resize, Transpose
from hlsflow.network.fixed_point import cast

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


def padding(node: Padding) -> Step:
    import numpy as np

    around = ((0, 0), (node.top, node.bottom), (node.left, node.right), (0, 0))

    def run(x: Array) -> Array:
        image = x.reshape(len(x), node.height, node.width, node.channels)
        return cast(np.pad(image, around).reshape(len(x), -1), node.data.fraction, node.result)

    return unary(run, type_bits(node.data, node.result.fraction))


def resize(node: Resize) -> Step:
    import numpy as np

    rows = (np.arange(node.new_height) * ((node.height << 16) // node.new_height + 1)) >> 16
    columns = (np.arange(node.new_width) * ((node.width << 16) // node.new_width + 1)) >> 16

    def run(x: Array) -> Array:
        image = x.reshape(len(x), node.height, node.width, node.channels)
        return image[:, rows][:, :, columns].reshape(len(x), -1)

    return unary(run, type_bits(node.data))


def transpose(node: Transpose) -> Step:
    data, result = node.data, node.result

    def run(x: Array) -> Array:
        moved = x.reshape(len(x), *node.shape).transpose(0, *(axis + 1 for axis in node.axes))
        return cast(moved.reshape(len(x), -1), data.fraction, result)

    return unary(run, type_bits(data, result.fraction))


def copies(node: Copies) -> Step:
    data, result = node.data, node.result
    count = len(node.outputs)
    return Step(
        function=lambda xs: (cast(xs[0], data.fraction, result),) * count, bits=type_bits(data, result.fraction)
    )


def concatenation(node: Concatenation) -> Step:
    import numpy as np

    first, second, result = node.first, node.second, node.result

    def run(xs: Arrays) -> Arrays:
        parts = [
            cast(x, type_.fraction, result).reshape(len(x), *shape)
            for x, type_, shape in zip(xs, (first, second), node.shapes, strict=True)
        ]
        return (np.concatenate(parts, axis=node.axis + 1).reshape(len(xs[0]), -1),)

    return Step(function=run, bits=max(type_bits(first, result.fraction), type_bits(second, result.fraction)))
