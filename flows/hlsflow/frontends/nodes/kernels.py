"""Kernels that compute with a plain convolution what Keras computes with another layer. All float64, channels last."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


def dilated(kernel: Array, rates: Sequence[int]) -> Array:
    """A kernel (*window, in, out) with `rates[axis] - 1` zeros between the values of each axis of its window."""
    import numpy as np

    window = kernel.shape[: len(rates)]
    extent = [(size - 1) * rate + 1 for size, rate in zip(window, rates, strict=True)]
    found = np.zeros((*extent, *kernel.shape[len(rates) :]))
    found[tuple(slice(None, None, rate) for rate in rates)] = kernel
    return found


def ungrouped(kernel: Array, groups: int) -> Array:
    """A kernel (*window, in / groups, out) whose groups of outputs read their own inputs, as one (*window, in, out)."""
    import numpy as np

    *window, inputs, outputs = kernel.shape
    found = np.zeros((*window, inputs * groups, outputs))
    each = outputs // groups
    for group in range(groups):
        columns = slice(group * each, (group + 1) * each)
        found[..., group * inputs : (group + 1) * inputs, columns] = kernel[..., columns]
    return found


def across(kernel: Array) -> Array:
    """A depthwise kernel (*window, channels, multiplier) as that of a convolution, (*window, channels, outputs)."""
    import numpy as np

    *window, channels, multiplier = kernel.shape
    found = np.zeros((*window, channels, channels * multiplier))
    for channel in range(channels):
        found[..., channel, channel * multiplier : (channel + 1) * multiplier] = kernel[..., channel, :]
    return found


def phase(kernel: Array, strides: Sequence[int], crops: Sequence[int], residues: Sequence[int]) -> Array:
    """What gives every `strides`-th output of a transposed convolution, from the output `residues` on.

    `kernel` is (*window, out, in) as Keras has it, of an output y[o] = sum of x[i] * kernel[o + crop - stride * i] on
    each axis. With o = stride * q + residue that is a sum over x[q - t] of kernel[residue + crop + stride * t]: the
    window (*taps, in, out) over t from its largest value down, of `taps` along each axis.
    """
    import numpy as np

    axes = list(zip(kernel.shape, strides, crops, residues, strict=False))
    reach = [taps(size, stride, crop) for size, stride, crop, _ in axes]
    found = np.zeros((*(last - first + 1 for first, last in reach), kernel.shape[-1], kernel.shape[-2]))
    for place in product(*(range(last - first + 1) for first, last in reach)):
        source = tuple(
            residue + crop + stride * (last - index)
            for index, (_, stride, crop, residue), (_, last) in zip(place, axes, reach, strict=True)
        )
        if all(0 <= at < size for at, size in zip(source, kernel.shape, strict=False)):
            found[place] = kernel[source].T
    return found


def taps(size: int, stride: int, crop: int) -> tuple[int, int]:
    """The first and the last t of `phase` on an axis of a kernel, whatever the residue."""
    return -((stride - 1 + crop) // stride), (size - 1 - crop) // stride
