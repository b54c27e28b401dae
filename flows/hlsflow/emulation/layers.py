"""Which nodes of an integer network the emulator covers, and the maker of each: it gives the node's `Step`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hlsflow.emulation.elementwise import element_cast, hard_clip, leaky_relu, merge, plain_cast, scale, sign, ternary
from hlsflow.emulation.moves import concatenation, copies, padding, resize, transpose
from hlsflow.emulation.pooling import pooling
from hlsflow.emulation.products import depthwise, matrix
from hlsflow.emulation.softmax import argmax, softmax
from hlsflow.emulation.step import Step
from hlsflow.emulation.value_tables import lookup
from hlsflow.hls import integer_nodes as nodes

# Each takes a node of its own class.
MAKERS: Mapping[type[nodes.Node], Callable[[Any], Step]] = {
    nodes.Matrix: matrix,
    nodes.Depthwise: depthwise,
    nodes.Scale: scale,
    nodes.Cast: plain_cast,
    nodes.ElementCast: element_cast,
    nodes.HardClip: hard_clip,
    nodes.LeakyRelu: leaky_relu,
    nodes.Sign: sign,
    nodes.Ternary: ternary,
    nodes.Merge: merge,
    nodes.Pooling: pooling,
    nodes.Padding: padding,
    nodes.Resize: resize,
    nodes.Transpose: transpose,
    nodes.Copies: copies,
    nodes.Concatenation: concatenation,
    nodes.Lookup: lookup,
    nodes.Softmax: softmax,
    nodes.Argmax: argmax,
}
