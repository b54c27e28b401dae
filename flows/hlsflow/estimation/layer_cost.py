"""A layer's cost as a value, and the memories that it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil

from hlsflow.estimation.design import Kind

BRAM_BITS = 18 * 1024
BRAM_WIDTH = 36
# A FIFO or ROM of fewer bits is made of LUTs (UG1399, "bind_storage": auto; seen: 23 x 16 in LUTs, 36 x 16 in blocks).
LUTRAM_BITS = 512


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerCost:
    """A layer's features by resource, and what is computed outright.

    `latency_cycles` is from its first input to its last output, `turns` the part of it in a loop whose count is known;
    `interval_cycles` is how often it takes a whole new input.
    """

    name: str
    kind: Kind
    lut: Mapping[str, float] = field(default_factory=dict)
    ff: Mapping[str, float] = field(default_factory=dict)
    dsp: float = 0.0
    bram_18k: float = 0.0
    latency_cycles: float = 0.0
    turns: float = 0.0
    interval_cycles: float = 1.0


# Vivado HLS reports a multiplexer at one price, whatever its inputs and their width: 273 LUT on a Virtex-7 and an Alveo
# U250, 55 on a Zynq-7020 (2019.2). The feature counts the former; a part of it on the small 7-series families.
_SMALL_FAMILIES = ("zynq-7000", "artix-7", "spartan-7")


def mux_share(family: str) -> float:
    """The price of a multiplexer on a family, as a share of that on a large device."""
    return 55 / 273 if family in _SMALL_FAMILIES else 1.0


def memory_blocks(depth: int, bits: int) -> int:
    """18 Kb blocks of a memory."""
    return max(1, ceil(depth * bits / BRAM_BITS))
