"""Pooling: nnet_pooling.h, nnet_pooling_stream.h (hls4ml 1.3.0)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hlsflow.emulation.step import (
    Step,
    type_bits,
    unary,
)
from hlsflow.foundation.errors import UnsupportedError
from hlsflow.hls.integer_nodes import Pooling
from hlsflow.network.fixed_point import Overflow, apply_overflow, cast

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


def pooling(node: Pooling) -> Step:
    import numpy as np

    window, data, accum, result = node.window, node.data, node.accum, node.result
    size = window.height * window.width
    if node.kind == "max":
        # The padding of a maximum has the sign bit set alone: the least value where there is a sign.
        lowest = float(data.min_int if data.signed else 1 << (data.width - 1))

        def biggest(x: Array) -> Array:
            patches = window.patches(x, lowest)
            return cast(cast(patches.max(axis=(3, 4)), data.fraction, accum), accum.fraction, result).reshape(
                len(x), -1
            )

        return unary(biggest, max(type_bits(data, accum.fraction), type_bits(accum, result.fraction)))

    bits = type_bits(data, accum.fraction) + (size - 1).bit_length()
    fits = type_bits(accum) >= bits and (accum.signed or not data.signed)
    # A wrapping sum is the same in any order, so one wrap at its end does.
    if accum.fraction < data.fraction or not (fits or accum.overflow is Overflow.WRAP):
        raise UnsupportedError(f"the emulator does not cover an average's accumulator that loses bits ('{node.name}')")
    inside = window.patches(np.ones((1, window.in_height * window.in_width * window.channels)), 0)
    counts = inside.sum(axis=(3, 4)).astype(np.int64)

    def mean(x: Array) -> Array:
        total = window.patches(x, 0).sum(axis=(3, 4)) * x.dtype.type(2.0 ** (accum.fraction - data.fraction))
        whole = (total if fits else apply_overflow(total, accum)).astype(np.int64)
        # ap_fixed divides the integers and cuts toward zero.
        quotient = np.sign(whole) * (np.abs(whole) // counts)
        return cast(quotient.astype(x.dtype), accum.fraction, result).reshape(len(x), -1)

    return unary(mean, max(bits, type_bits(accum, result.fraction)))
