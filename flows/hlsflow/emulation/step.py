"""A step of the emulator: one node made ready to run on arrays of integers, and what all makers share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hlsflow.network.room import magnitude_bits, type_bits

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

__all__ = ["Arrays", "Step", "magnitude_bits", "type_bits", "unary"]

Arrays = Sequence["Array"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One node made ready: `function` maps input arrays (samples, values) to output arrays of integers.

    `bits` is the magnitude of the largest integer that arises on the way, sign included.
    """

    function: Callable[[Arrays], Arrays]
    bits: int


def unary(function: Callable[[Array], Array], bits: int) -> Step:
    return Step(function=lambda xs: (function(xs[0]),), bits=bits)
