"""A design as an estimator sees it: layers with their constants as integers, who reads whom, and the target."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from hlsflow.devices.catalogue import Part
from hlsflow.network.fixed_point import FixedType

if TYPE_CHECKING:
    import numpy as np


class Kind(StrEnum):
    """What a layer does, as far as its hardware differs."""

    DENSE = "dense"
    CONV = "conv"
    DEPTHWISE = "depthwise"
    SCALE = "scale"
    RELU = "relu"
    TABLE = "table"
    SOFTMAX = "softmax"
    POOL = "pool"
    MERGE = "merge"
    MOVE = "move"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What a design is built for. The clock in ns; its uncertainty in per cent; `binding` is auto, dsp or fabric."""

    part: Part
    clock_period_ns: float
    clock_uncertainty_percent: float
    backend: str
    tool_version: tuple[int, int]
    io_stream: bool
    binding: str = "auto"

    @property
    def usable_ns(self) -> float:
        """What is left of a period after its uncertainty: what the scheduler fills."""
        return self.clock_period_ns * (1 - self.clock_uncertainty_percent / 100)

    @property
    def tool_generation(self) -> str:
        """`vivado`, `vitis` (2020.2 to 2021.2) or `vitis-2022` (2022.1 on): they map and schedule differently."""
        if self.tool_version >= (2022, 1):
            return "vitis-2022"
        return "vitis" if self.tool_version >= (2020, 2) else "vivado"


@dataclass(frozen=True, kw_only=True, eq=False)
class Layer:
    """One call of the top function.

    `n_in` x `n_out` is the matrix of one position, `positions` the output positions and `in_positions` the input ones
    (both 1 for what is no convolution or pooling); `parallel_positions` how many of them io_parallel computes at once
    (hls4ml's n_pixels); `kernel` counts the positions under a window. `weights` are the
    constants, int64 (n_in, n_out) in units of their type's LSB; None where the sources lack them or they are no
    constants. `live` marks the outputs that something reads and that are no constants. `input_bits` are the widths of a
    matrix's inputs one by one, 0 where an input is a constant; None where all are as wide as `x`.
    """

    name: str
    function: str
    kind: Kind
    inputs: tuple[str, ...]
    output: str
    x: FixedType
    y: FixedType
    n_in: int
    n_out: int
    positions: int = 1
    in_positions: int = 1
    kernel: int = 1
    parallel_positions: int = 1
    row_width: int = 0
    kernel_height: int = 1
    channels: int = 1
    reuse_factor: int = 1
    strategy: str = "latency"
    weight: FixedType | None = None
    accum: FixedType | None = None
    weights: np.ndarray | None = None
    biases: np.ndarray | None = None
    live: np.ndarray | None = None
    input_bits: np.ndarray | None = None
    table_size: int = 1024
    table_bits: int = 18
    inverse_table_size: int = 1024
    implementation: str = ""

    @property
    def folded(self) -> bool:
        """Whether its multipliers step through a memory of its weights: see `estimate_folded`."""
        shares = self.kind in (Kind.DENSE, Kind.CONV, Kind.DEPTHWISE) and self.reuse_factor > 1
        return self.strategy == "resource" and shares

    @property
    def multiplies(self) -> bool:
        return self.kind in (Kind.DENSE, Kind.CONV, Kind.DEPTHWISE, Kind.SCALE)

    @cached_property
    def live_outputs(self) -> int:
        """How many outputs of one position something reads."""
        return self.n_out if self.live is None else int(self.live.sum())

    @property
    def matrix(self) -> int:
        """Products of one position."""
        return self.n_out if self.kind is Kind.SCALE else self.n_in * self.n_out


@dataclass(frozen=True, kw_only=True, eq=False)
class Stream:
    """A FIFO between two layers: `depth` packs of `elements` values, `bits` bits in all."""

    name: str
    depth: int
    bits: int
    elements: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Design:
    """All layers in the order of their calls, the FIFOs, and what could not be read (`doubts`)."""

    name: str
    target: Target
    layers: tuple[Layer, ...]
    streams: tuple[Stream, ...]
    input_bits: int
    input_size: int
    dataflow: bool
    doubts: tuple[str, ...] = ()
