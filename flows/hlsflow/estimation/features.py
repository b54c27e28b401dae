"""What a layer costs, as sums of named quantities: structure from the sources, to be weighed by few fitted constants.

A layer's LUT and FF are linear in the features here (adder bits, register bits on pipeline cuts, …), so that a fit of
them is a linear one and a contribution can be read. DSP, BRAM, latency and interval are computed and not fitted.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from hlsflow.estimation.activations import relu_luts, softmax_cost
from hlsflow.estimation.arithmetic import (
    BALANCED_LIMIT,
    Constants,
    Delays,
    constants_of,
    diagonal,
    schedule,
)
from hlsflow.estimation.design import Kind, Layer, Target
from hlsflow.estimation.folded import folded
from hlsflow.estimation.layer_cost import LayerCost, memory_blocks, mux_share
from hlsflow.estimation.streams import streamed
from hlsflow.network.fixed_point import Overflow

# Operator delays in ns, by the device's generation: fitted once to the 60 dense modules whose own reports state their
# registers and latency (see docs/estimation.md), and of the size that the tools' libraries give for 16 bits.
DELAYS = {
    "7-series": Delays(add_ns=2.85, chain_ns=1.6, multiply_ns=4.2),
    "ultrascale": Delays(add_ns=1.4, chain_ns=1.0, multiply_ns=2.4),
    "ultrascale+": Delays(add_ns=0.9, chain_ns=0.7, multiply_ns=1.8),
    "versal": Delays(add_ns=0.9, chain_ns=0.7, multiply_ns=1.8),
}


def layer_cost(layer: Layer, target: Target) -> LayerCost:
    """The cost of a layer on a target."""
    match layer.kind:
        case Kind.DENSE | Kind.CONV | Kind.DEPTHWISE:
            cost = _matrix(layer, target)
        case Kind.SCALE:
            cost = _scale(layer, target)
        case Kind.RELU:
            cost = LayerCost(
                name=layer.name, kind=layer.kind, lut={"relu": layer.live_outputs * relu_luts(layer, target)},
                ff={"layer_out": float(layer.live_outputs * layer.y.width)},
                latency_cycles=0 if target.usable_ns > 4 or target.part.device.generation != "7-series" else 1,
            )  # fmt: skip
        case Kind.SOFTMAX:
            cost = softmax_cost(layer, target)
        case Kind.TABLE:
            outputs = layer.live_outputs
            cost = LayerCost(
                name=layer.name,
                kind=layer.kind,
                lut={"table": float(outputs * layer.x.width)},
                ff={"table": float(outputs * layer.table_bits)},
                bram_18k=ceil(outputs / 2) * memory_blocks(layer.table_size, layer.table_bits),
                latency_cycles=3,
            )
        case Kind.POOL:
            bits = float(layer.n_out * (layer.kernel - 1) * layer.x.width)
            places = 1 if target.io_stream else layer.positions
            cost = LayerCost(name=layer.name, kind=layer.kind, lut={"compare": bits * places}, ff={}, latency_cycles=2)
        case Kind.MERGE:
            bits = float(layer.live_outputs * max(layer.x.width, layer.y.width))
            cost = LayerCost(name=layer.name, kind=layer.kind, lut={"merge": bits}, latency_cycles=1)
        case _:
            cost = LayerCost(name=layer.name, kind=layer.kind, lut={"move": 0.0})
    return streamed(layer, target, cost) if target.io_stream else cost


def multiplier_limit(layer: Layer) -> int:
    """hls4ml's own limit of the multipliers of a latency-strategy layer (nnet_dense_latency.h): no limit at RF 1."""
    if layer.reuse_factor == 1:
        return layer.matrix
    zeros = 0 if layer.weights is None else int((layer.weights == 0).sum())
    return max(1, ceil(layer.matrix / layer.reuse_factor) - zeros // layer.reuse_factor)


def _with_weights(layer: Layer) -> Layer:
    """The layer, with random constants of its type where its own are not known: as a dense, untrained layer."""
    import numpy as np

    if layer.weights is not None:
        return layer
    weight = layer.weight or layer.x
    rows = layer.n_in if layer.kind is not Kind.DEPTHWISE else max(1, layer.n_in // layer.n_out)
    # One sample of at most a million values stands for all of a larger matrix.
    shape = (min(rows, max(1, 1_000_000 // layer.n_out)), layer.n_out)
    values = np.random.default_rng(0).normal(0, 2.0 ** (weight.width - 4), shape)
    return replace(layer, weights=np.rint(values).astype(np.int64), weight=weight)


def _matrix(layer: Layer, target: Target) -> LayerCost:
    """A dense layer, or a convolution: in io_parallel the matrix stands there for each position computed at once."""
    # With all products at once the resource strategy's constants are known, too: its memory is a single word.
    cost = folded(layer, target) if layer.folded else _latency(layer, target)
    if layer.kind is Kind.DENSE or target.io_stream:
        return cost
    turns = ceil(layer.positions / layer.parallel_positions)
    cost = _repeated(cost, layer.parallel_positions)
    if turns == 1:
        return cost
    # A loop over the positions: a multiplexer chooses each value of a window, and every result has a register that is
    # written in one of the turns; Vivado HLS keeps a copy of it, so that the loop can start over.
    results = float(layer.positions * layer.n_out)
    copies = 1 if target.tool_generation == "vitis-2022" else 2
    return replace(
        cost,
        lut={
            **cost.lut,
            "folded_mux": cost.lut.get("folded_mux", 0.0)
            + layer.parallel_positions * layer.n_in * mux_share(target.part.device.family),
            "conv_result": results,
        },
        ff={**cost.ff, "conv_result": results * layer.y.width * copies},
        interval_cycles=cost.interval_cycles * turns + cost.latency_cycles - cost.turns,
        latency_cycles=cost.latency_cycles + cost.interval_cycles * (turns - 1),
        turns=cost.turns + cost.interval_cycles * (turns - 1),
    )


def _latency(layer: Layer, target: Target) -> LayerCost:
    layer = _with_weights(layer)
    return _unrolled(layer, target, constants_of(layer), chain=layer.matrix > BALANCED_LIMIT)


def _repeated(cost: LayerCost, places: int) -> LayerCost:
    return replace(
        cost,
        lut={key: value * places for key, value in cost.lut.items()},
        ff={key: value * places for key, value in cost.ff.items()},
        dsp=cost.dsp * places,
        bram_18k=cost.bram_18k * places,
    )


def _unrolled(layer: Layer, target: Target, constants: Constants, *, chain: bool) -> LayerCost:
    generation, delays = target.part.device.generation, DELAYS[target.part.device.generation]
    on_dsp = target.binding != "fabric"
    limit = multiplier_limit(layer)
    shared = min(1.0, limit / max(1, constants.multiplications))
    bound = {"fabric": 0, "dsp": constants.multiplications}.get(target.binding, constants.wide)
    dsp = round(min(limit, bound) * constants.blocks_each(generation))
    fabric = {"fabric": constants.fabric_bits, "dsp": 0.0}.get(target.binding, constants.narrow_bits)
    plan = schedule(constants, delays, target.usable_ns, on_dsp=on_dsp, chain=chain)
    rounds = ceil(constants.multiplications / limit)
    latency = plan.stages - 1 + max(0, rounds - 2)
    # The multipliers take turns, and the sums of the last turn still have to end.
    turns = rounds + max(0, plan.stages - 3) if rounds > 1 else plan.stages
    interval = min(layer.reuse_factor, turns + (2 if target.io_stream else 0))
    tool = target.tool_generation
    return LayerCost(
        name=layer.name,
        kind=layer.kind,
        lut={
            "adder": constants.adder_bits,
            "shift_add": constants.shift_add_bits,
            "fabric_multiplier": shared * fabric,
            "sharing": constants.multiplications * layer.x.width * (1 - shared),
            "delay_line": plan.register_bits / layer.reuse_factor if tool != "vitis-2022" else 0.0,
            "dsp_wrapper": dsp if tool != "vitis" else 0.0,
            "vivado_adder": float(constants.adders) if tool == "vivado" else 0.0,
            "vitis_2022_adder": float(constants.adders + constants.shift_adds) if tool == "vitis-2022" else 0.0,
            "output_select": float(layer.live_outputs) if tool == "vitis" else 0.0,
            "saturation": constants.adder_bits if saturates(layer) else 0.0,
        },
        ff={
            "cut": 0.0 if plan.chained else plan.register_bits,
            "cut_per_interval": 0.0 if plan.chained else plan.register_bits / interval,
            "chain": plan.register_bits if plan.chained else 0.0,
            "chain_per_interval": plan.register_bits / interval if plan.chained else 0.0,
            "ports": float(constants.live_inputs * layer.x.width) if tool != "vitis-2022" and plan.stages > 1 else 0.0,
            "layer_out": float(layer.live_outputs * layer.y.width),
            "shared": constants.multiplications * layer.x.width * (1 - shared),
        },
        dsp=dsp,
        latency_cycles=latency,
        interval_cycles=interval,
    )  # fmt: skip


def _scale(layer: Layer, target: Target) -> LayerCost:
    """Batch normalization: one product with a constant and one sum for every value."""
    layer = _with_weights(layer)
    column = replace(
        layer, weights=layer.weights.reshape(-1, 1), live=None, biases=None, n_out=1, n_in=layer.weights.size
    )
    return _unrolled(layer, target, diagonal(constants_of(column), layer.n_out), chain=False)


def saturates(layer: Layer) -> bool:
    """Whether every single addition is checked for overflow: an accumulator of a saturating type."""
    return layer.accum is not None and layer.accum.overflow is not Overflow.WRAP
