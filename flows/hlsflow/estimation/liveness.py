"""What one layer's cost takes from another's: sizes, the widths of elements, and which outputs are read at all."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from hlsflow.estimation.design import Kind, Layer

if TYPE_CHECKING:
    import numpy as np

# HGQ gives every element a width of its own; its type is as wide as all of them together. Where the sources do not say
# the elements' widths, they are taken as so much less than the type's, by its sign (the means of 180 input ports of
# five designs in Vitis HLS 2024.1, rounded: signed ones 1.3 bits less, unsigned ones 1.8).
_NARROWER = {True: 1, False: 2}


def is_quantizer(layer: Layer) -> bool:
    """Whether a call is one of the quantizers that hls4ml generates for HGQ."""
    return re.match(r"h_\w*quantize", layer.function) is not None


def with_constants(layers: list[Layer], element_bits: Mapping[str, Sequence[int]]) -> list[Layer]:
    """The layers with the widths of a matrix's inputs, and with those outputs marked that are no constants.

    HLS propagates constants: an output without a product of a varying input is its bias, which is made by no logic, and
    neither is what is computed of it. `element_bits` are the sources' widths of a quantizer's elements by its function.
    """
    import numpy as np

    known: dict[str, np.ndarray] = {}
    done: list[Layer] = []
    for layer in layers:
        before = known.get(layer.inputs[0])
        made = None
        if layer.function in element_bits or is_quantizer(layer):
            usual = max(1, layer.y.width - _NARROWER[layer.y.signed])
            made = np.array(element_bits.get(layer.function) or [usual] * layer.n_out)
            if before is not None and before.size == made.size:
                made = np.where(before > 0, made, 0)
        elif layer.kind is Kind.DENSE and layer.weights is not None and not layer.folded:
            if before is not None and before.size == layer.n_in:
                layer = replace(layer, input_bits=before)
            varying = layer.weights if layer.input_bits is None else layer.weights[layer.input_bits > 0]
            made = np.where(np.any(varying != 0, axis=0), layer.y.width, 0)
        elif layer.kind in (Kind.RELU, Kind.MOVE) and before is not None and before.size == layer.n_out:
            made = np.where(before > 0, layer.y.width if layer.kind is Kind.RELU else before, 0)
        if made is not None and made.size == layer.n_out * layer.positions:
            known[layer.output] = made
            if layer.positions == 1 and not made.all():
                layer = replace(layer, live=made > 0)
        done.append(layer)
    return done


def with_sizes(layers: list[Layer]) -> list[Layer]:
    """The layers with the sizes of those that state none (HGQ's quantizers): what flows in, else what is read of it."""
    sizes = {layer.output: (layer.n_out, layer.positions) for layer in layers if layer.n_out}
    reads = {layer.inputs[0]: (layer.n_in // layer.kernel, layer.in_positions) for layer in layers if layer.n_in}
    done = []
    for layer in layers:
        if not layer.n_out:
            size, positions = sizes.get(layer.inputs[0]) or reads.get(layer.output) or (1, 1)
            layer = replace(layer, n_in=size, n_out=size, positions=positions, in_positions=positions)
            sizes[layer.output] = (size, positions)
        done.append(layer)
    return done


def with_liveness(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """The layers of a planned design with constants and reads marked anew, as their strategies have them."""
    bare = [replace(layer, live=None, input_bits=None) for layer in layers]
    return tuple(with_live_outputs(with_constants(bare, {})))


# Elementwise work: an output is needed exactly where the value made of it is.
_POINTWISE = (Kind.RELU, Kind.TABLE, Kind.SCALE, Kind.MOVE, Kind.MERGE)


def with_live_outputs(layers: list[Layer]) -> list[Layer]:
    """The layers with the outputs marked that something reads: HLS removes what computes the others.

    An input row of a matrix whose constants are all zero reads nothing, and neither does a dead output's column. What
    `with_constants` has marked already stays so.
    """
    import numpy as np

    wanted: dict[str, np.ndarray | None] = {}
    readers: dict[str, int] = {}
    done: list[Layer] = []
    for layer in reversed(layers):
        live = wanted.get(layer.output) if layer.output in readers else None
        if live is not None and live.size != layer.n_out:
            live = None
        if layer.live is not None:
            live = layer.live if live is None else live & layer.live
        done.append(layer if live is None else replace(layer, live=live))
        mask: np.ndarray | None = None
        if layer.kind is Kind.DENSE and layer.weights is not None and not layer.folded:
            columns = layer.weights if live is None else layer.weights[:, live]
            mask = np.any(columns != 0, axis=1)
            if layer.input_bits is not None:
                mask = mask & (layer.input_bits > 0)
        elif layer.kind in _POINTWISE and layer.positions == 1:
            mask = live
        for name in layer.inputs:
            before = wanted.get(name)
            joined = mask if name not in readers else None
            if name in readers and before is not None and mask is not None and before.size == mask.size:
                joined = before | mask
            wanted[name] = joined
            readers[name] = readers.get(name, 0) + 1
    return done[::-1]
