"""Values that move: nnet_padding.h, nnet_image.h, nnet_transpose.h, nnet_stream.h, nnet_merge.h (hls4ml 1.3.0)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hlsflow.emulation.step import (
    Arrays,
    Step,
    config_of,
    type_bits,
    types_of,
    unary,
)
from hlsflow.foundation.errors import UnsupportedError
from hlsflow.hls.integer_layers import padding_of
from hlsflow.hls.project import HlsProject
from hlsflow.hls.source import Call
from hlsflow.network.fixed_point import cast

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


def zero_padding(project: HlsProject, call: Call) -> Step:
    import numpy as np

    read = padding_of(project, call)
    around = ((0, 0), (read.top, read.bottom), (read.left, read.right), (0, 0))

    def run(x: Array) -> Array:
        image = x.reshape(len(x), read.height, read.width, read.channels)
        return cast(np.pad(image, around).reshape(len(x), -1), read.data.fraction, read.result)

    return unary(call, run, type_bits(read.data, read.result.fraction))


def resize_nearest(project: HlsProject, call: Call) -> Step:
    import numpy as np

    data = project.type_of(call.template[0])
    config = config_of(project, call)
    height, width, channels = (config.integer(key) for key in ("height", "width", "n_chan"))
    new_height, new_width = config.integer("new_height"), config.integer("new_width")
    rows = (np.arange(new_height) * ((height << 16) // new_height + 1)) >> 16
    columns = (np.arange(new_width) * ((width << 16) // new_width + 1)) >> 16

    def run(x: Array) -> Array:
        image = x.reshape(len(x), height, width, channels)
        return image[:, rows][:, :, columns].reshape(len(x), -1)

    return unary(call, run, type_bits(data))


def transpose(project: HlsProject, call: Call) -> Step:
    data, result = types_of(project, call, 0, 1)
    config = config_of(project, call)
    shape, axes = config.integers("from_shape"), config.integers("perm")

    def run(x: Array) -> Array:
        moved = x.reshape(len(x), *shape).transpose(0, *(axis + 1 for axis in axes))
        return cast(moved.reshape(len(x), -1), data.fraction, result)

    return unary(call, run, type_bits(data, result.fraction))


def clone_stream(project: HlsProject, call: Call) -> Step:
    data, result = types_of(project, call, 0, 1)
    copies = len(call.arguments) - 1
    return Step(
        inputs=call.arguments[:1],
        outputs=call.arguments[1:],
        function=lambda xs: (cast(xs[0], data.fraction, result),) * copies,
        bits=type_bits(data, result.fraction),
    )


def concatenate(project: HlsProject, call: Call) -> Step:
    import numpy as np

    first, second, result = types_of(project, call, 0, 1, 2)
    config = config_of(project, call)
    rank = int(call.function.removeprefix("concatenate").removesuffix("d"))
    shapes = [[config.integer(f"n_elem{which}_{axis}") for axis in range(rank)] for which in (1, 2)]
    axis = int(config.values.get("axis", "-1"))
    if axis not in (-1, rank):
        raise UnsupportedError(f"the emulator concatenates along the last axis alone (layer '{call.layer}')")

    def run(xs: Arrays) -> Arrays:
        parts = [
            cast(x, type_.fraction, result).reshape(len(x), *shape)
            for x, type_, shape in zip(xs, (first, second), shapes, strict=True)
        ]
        return (np.concatenate(parts, axis=-1).reshape(len(xs[0]), -1),)

    bits = max(type_bits(first, result.fraction), type_bits(second, result.fraction))
    return Step(inputs=call.arguments[:2], outputs=(call.arguments[2],), function=run, bits=bits)
