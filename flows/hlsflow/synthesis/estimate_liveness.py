"""What one layer's cost takes from another's: sizes, the widths of elements, and which outputs are read at all."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from hlsflow.synthesis.estimate_design import Kind, Layer

if TYPE_CHECKING:
    import numpy as np

# HGQ gives every element a width of its own; its type is the widest. What reads it is sized by the usual one, about two
# bits less (seen: `mul_9ns_6ns` behind a ufixed<11>), since the elements' types stand in generated code alone.
_HGQ_BITS = 2


def with_element_widths(layers: list[Layer]) -> list[Layer]:
    """The layers with a narrower input where an HGQ quantizer makes it."""
    makers = {layer.output for layer in layers if re.match(r"h_\w*quantize", layer.function)}
    return [
        replace(layer, x=replace(layer.x, width=max(1, layer.x.width - _HGQ_BITS)))
        if layer.inputs[0] in makers and layer.multiplies
        else layer
        for layer in layers
    ]


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


# Elementwise work: an output is needed exactly where the value made of it is.
_POINTWISE = (Kind.RELU, Kind.TABLE, Kind.SCALE, Kind.MOVE, Kind.MERGE)


def with_live_outputs(layers: list[Layer]) -> list[Layer]:
    """The layers with the outputs marked that something reads: HLS removes what computes the others.

    An input row of a matrix whose constants are all zero reads nothing, and neither does a dead output's column.
    """
    import numpy as np

    wanted: dict[str, np.ndarray | None] = {}
    readers: dict[str, int] = {}
    done: list[Layer] = []
    for layer in reversed(layers):
        live = wanted.get(layer.output) if layer.output in readers else None
        if live is not None and live.size != layer.n_out:
            live = None
        done.append(layer if live is None else replace(layer, live=live))
        mask: np.ndarray | None = None
        if layer.kind is Kind.DENSE and layer.weights is not None and layer.strategy != "resource":
            columns = layer.weights if live is None else layer.weights[:, live]
            mask = np.any(columns != 0, axis=1)
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
