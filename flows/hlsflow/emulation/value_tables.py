"""hls4ml's functions of single values, a table each, emulated to the bit (nnet_activation.h, nnet_activation_stream.h,
1.3.0)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hlsflow.emulation.step import Step, type_bits, unary
from hlsflow.foundation.errors import UnsupportedError
from hlsflow.hls.integer_nodes import Lookup
from hlsflow.network.intervals import EXACT_BITS

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


def lookup(node: Lookup) -> Step:
    """The step of a function that is read from a table, value by value."""
    table = node.table
    if not table.is_even:
        # hls4ml then divides by what is no power of two, or loses bits where the values have no fraction.
        raise UnsupportedError(f"the emulator does not cover a table of {table.size} entries (layer '{node.name}')")
    if table.overflows:
        raise UnsupportedError(f"the emulator does not cover values beyond an int (layer '{node.name}')")
    if table.bits > EXACT_BITS:
        raise UnsupportedError(f"the emulator does not cover products of {table.bits} bits (layer '{node.name}')")

    def run(x: Array) -> Array:
        return table.run(x).astype(x.dtype)

    # Inside it is float64 whatever the rest uses; only its ends must fit the common dtype.
    return unary(run, max(type_bits(node.data), type_bits(node.result)))
