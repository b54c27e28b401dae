"""Small integer networks for the tests of the RTL, and one way to simulate a design."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from hlsflow.conversion.fixed_point import FixedType, Overflow, Rounding
from hlsflow.synthesis.open_tools import find_verilator
from hlsflow.synthesis.rtl.design import RtlDesign
from hlsflow.synthesis.rtl.network import Cast, DenseLayer, IntegerNetwork
from hlsflow.synthesis.verilator import Simulated, Traffic, compile_design, simulate

needs_verilator = pytest.mark.skipif(
    find_verilator() is None, reason="needs Verilator (apt-get install verilator g++ make)"
)

HARD_TRAFFIC = Traffic(gap_percent=35, stall_percent=50, seed=7)


def fixed(width: int, integer: int, *, signed: bool = True, rounding: str = "TRN", overflow: str = "WRAP") -> FixedType:
    return FixedType(
        width=width, integer=integer, signed=signed, rounding=Rounding(rounding), overflow=Overflow(overflow)
    )


RELU = fixed(5, 3, signed=False, rounding="RND_CONV", overflow="SAT")


def network(
    sizes: tuple[int, ...],
    reuse: tuple[int, ...],
    *,
    zeros: float = 0.0,
    data: FixedType | None = None,
    casts_input: FixedType | None = None,
    seed: int = 1,
) -> IntegerNetwork:
    """Dense layers with ReLUs between them that round half to even and saturate; weights with 2 fractional bits."""
    rng = np.random.default_rng(seed)
    first = data or fixed(4, 2, signed=False)
    data = casts_input or first
    weight = fixed(4, 2)
    layers = []
    for index, (n_in, n_out) in enumerate(pairwise(sizes)):
        weights = rng.integers(weight.min_int, weight.max_int + 1, (n_in, n_out))
        weights[rng.random(weights.shape) < zeros] = 0
        fraction = data.fraction + weight.fraction
        width = 4 + data.width + weight.width + n_in.bit_length()
        accum = fixed(width, width - fraction)
        last = index == len(sizes) - 2
        casts = [Cast(name=f"fc{index}", relu=False, source=accum, target=accum)]
        if not last:
            casts.append(Cast(name=f"relu{index}", relu=True, source=accum, target=RELU))
        layers.append(
            DenseLayer(
                name=f"fc{index}",
                weights=weights.astype(np.int64),
                bias=rng.integers(-40, 41, n_out),
                data=data.grid,
                weight=weight,
                accum=accum,
                casts=tuple(casts),
                reuse_factor=reuse[index],
            )
        )
        data = RELU
    return IntegerNetwork(
        input_type=first.grid,
        input_casts=()
        if casts_input is None
        else (Cast(name="quantize", relu=False, source=first, target=casts_input),),
        layers=tuple(layers),
        output=f"fc{len(sizes) - 2}",
        left_out=(),
    )


def frames(net: IntegerNetwork, count: int = 60, seed: int = 2) -> np.ndarray:
    """Inputs: both extremes, zero, then any."""
    low, high = net.input_type.min_int, net.input_type.max_int
    values = np.random.default_rng(seed).integers(low, high + 1, (count, net.input_size))
    values[0], values[1], values[2] = low, high, 0
    return values


def run_design(
    design: RtlDesign, inputs: np.ndarray, folder: Path, *traffics: Traffic
) -> list[tuple[np.ndarray, Simulated]]:
    """Outputs and measurements of a design under each kind of traffic."""
    tool = find_verilator()
    assert tool is not None
    rtl = folder / "rtl"
    design.write(rtl)
    program = compile_design(design, rtl, folder / "simulator", tool, optimize=False)
    return [simulate(program, design, rtl, inputs, folder / "run", traffic=traffic) for traffic in traffics]
