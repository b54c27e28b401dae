"""Small integer networks for the tests of the RTL, and one way to simulate a design."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np

from hlsflow.hls.window import Window
from hlsflow.network.fixed_point import FixedType, Overflow, Rounding
from hlsflow.opentools.tools import find_verilator
from hlsflow.opentools.verilator import Simulated, Traffic, compile_design, simulate
from hlsflow.rtl.chain import Chain
from hlsflow.rtl.design import RtlDesign
from hlsflow.rtl.layers import ArgmaxLayer, Cast, Layer, PoolLayer, ProductLayer

# Verilator's own runtime as the first design's simulator had it compiled, more than half of what a small one takes:
# every design here is compiled with the same flags.
_RUNTIME: list[Path] = []

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
) -> Chain:
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
            ProductLayer(
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
    return Chain(
        input_type=first.grid,
        input_casts=()
        if casts_input is None
        else (Cast(name="quantize", relu=False, source=first, target=casts_input),),
        layers=tuple(layers),
        output=f"fc{len(sizes) - 2}",
        left_out=(),
    )


def frames(net: Chain, count: int = 60, seed: int = 2) -> np.ndarray:
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
    rtl, simulator = folder / "rtl", folder / "simulator"
    design.write(rtl)
    (simulator / "obj").mkdir(parents=True)
    for path in _RUNTIME:
        shutil.copy(path, simulator / "obj")
        # Newer than the makefile that Verilator is about to write, on which they depend.
        os.utime(simulator / "obj" / path.name, (time.time() + 600,) * 2)
    program = compile_design(design, rtl, simulator, tool, optimize=False)
    _RUNTIME[:] = _RUNTIME or (simulator / "obj").glob("verilated*.o")
    return [simulate(program, design, rtl, inputs, folder / "run", traffic=traffic) for traffic in traffics]


@dataclass(frozen=True)
class Conv:
    """A convolution of an image network; `pads`: zeros around the image (top, left, bottom, right)."""

    filters: int
    kernel: tuple[int, int] = (3, 3)
    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    reuse: int = 1
    zeros: float = 0.0


@dataclass(frozen=True)
class Pool:
    """A pooling of an image network."""

    function: Literal["max", "sum"] = "max"
    kernel: tuple[int, int] = (2, 2)
    strides: tuple[int, int] = (2, 2)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)


@dataclass(frozen=True)
class Dense:
    """A dense layer of an image network, the image flattened."""

    outputs: int
    reuse: int = 1
    zeros: float = 0.0


def image_network(
    shape: tuple[int, int, int], *layers: Conv | Pool | Dense, data: FixedType | None = None, argmax: bool = False,
    relu: FixedType = RELU, seed: int = 3,
) -> Chain:  # fmt: skip
    """Layers on an image (height, width, channels); products with ReLUs behind all but the last one."""
    rng = np.random.default_rng(seed)
    first = data = data or fixed(4, 2, signed=False)
    made: list[Layer] = []
    for index, layer in enumerate(layers):
        window = None if isinstance(layer, Dense) else window_on(shape, layer)
        if isinstance(layer, Pool):
            assert window is not None
            made.append(_pool(f"pool{index}", layer, window, data))
            shape = (window.out_height, window.out_width, shape[2])
        else:
            n_in = int(np.prod(shape)) if window is None else window.height * window.width * shape[2]
            outputs = layer.outputs if isinstance(layer, Dense) else layer.filters
            name = f"fc{index}" if window is None else f"conv{index}"
            cast_to = None if index == len(layers) - 1 else relu
            made.append(_product(rng, name, (n_in, outputs), layer, data, cast_to, window))
            shape = (1, 1, outputs) if window is None else (window.out_height, window.out_width, outputs)
        data = made[-1].result.grid
    if argmax:
        made.append(ArgmaxLayer(name="argmax", size=int(np.prod(shape)), data=data, result=fixed(6, 3)))
    return Chain(
        input_type=first.grid, input_casts=(), layers=tuple(made), output=made[-1].name, left_out=()
    )  # fmt: skip


def window_on(shape: tuple[int, int, int], layer: Conv | Pool) -> Window:
    """The window of a layer on an image."""
    height, width, channels = shape
    top, left, bottom, right = layer.pads
    return Window(
        in_height=height, in_width=width, channels=channels, height=layer.kernel[0], width=layer.kernel[1],
        stride_height=layer.strides[0], stride_width=layer.strides[1],
        out_height=(height + top + bottom - layer.kernel[0]) // layer.strides[0] + 1,
        out_width=(width + left + right - layer.kernel[1]) // layer.strides[1] + 1,
        pad_top=top, pad_left=left,
    )  # fmt: skip


def _pool(name: str, pool: Pool, window: Window, data: FixedType) -> PoolLayer:
    total, steps = data, [(data, data)]
    if pool.function == "sum":
        bits = (window.height * window.width).bit_length() - 1
        total = fixed(data.width + bits, data.integer + bits, signed=data.signed)
        mean = fixed(data.width, data.integer, signed=data.signed, rounding="TRN_ZERO")
        steps = [(total, total), (fixed(total.width, data.integer, signed=data.signed), mean)]
    casts = tuple(Cast(name=name, relu=False, source=source, target=target) for source, target in steps)
    return PoolLayer(name=name, function=pool.function, window=window, data=data, total=total, casts=casts)


def _product(rng, name, shape, layer, data, relu, window) -> ProductLayer:
    weight = fixed(4, 2)
    weights = rng.integers(weight.min_int, weight.max_int + 1, shape)
    weights[rng.random(shape) < layer.zeros] = 0
    width = 4 + data.width + weight.width + shape[0].bit_length()
    accum = fixed(width, width - data.fraction - weight.fraction)
    casts = [Cast(name=name, relu=False, source=accum, target=accum)]
    if relu is not None:
        casts.append(Cast(name=f"{name}_relu", relu=not relu.signed, source=accum, target=relu))
    return ProductLayer(
        name=name, weights=weights.astype(np.int64), bias=rng.integers(-40, 41, shape[1]), data=data, weight=weight,
        accum=accum, casts=tuple(casts), reuse_factor=layer.reuse, window=window,
    )  # fmt: skip
