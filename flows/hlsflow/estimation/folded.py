"""The resource strategy: ceil(n_in n_out / RF) multipliers that step through the matrix in RF cycles.

nnet_dense_resource.h: the weights stand in one memory, reshaped so that a row of it feeds all multipliers; an input
reaches its multiplier through a multiplexer, and every output has an accumulator. The weights are not unrolled, so
zeros save nothing. Up to RF = n_in a multiplier has one output and n_in / RF multipliers sum to it (rf_leq_nin); above,
it has RF / n_in outputs, chosen by an index that stands in a memory (rf_gt_nin).
"""

from __future__ import annotations

from math import ceil, log2

from hlsflow.estimation.arithmetic import FABRIC_BITS, SMALL_BITS, dsp_blocks
from hlsflow.estimation.design import Kind, Layer, Target
from hlsflow.estimation.layer_cost import BRAM_WIDTH, LUTRAM_BITS, LayerCost, mux_share
from hlsflow.network.fixed_point import Overflow


def folded(layer: Layer, target: Target) -> LayerCost:
    """The cost of a matrix with a reuse factor above 1."""
    generation = target.part.device.generation
    per_position = layer.matrix if layer.kind is not Kind.DEPTHWISE else layer.n_in
    reuse = min(layer.reuse_factor, per_position)
    multipliers = ceil(per_position / reuse)
    weight_bits = layer.weight.width if layer.weight else 16
    blocks = dsp_blocks(layer.x.width, weight_bits, generation)
    wide = max(layer.x.width, weight_bits) > FABRIC_BITS and min(layer.x.width, weight_bits) > SMALL_BITS
    on_dsp = target.binding == "dsp" or (target.binding == "auto" and wide)
    row = multipliers * weight_bits
    in_ram = row * reuse > LUTRAM_BITS
    # HLS leaves out the highest bits of the memory's word, where trained weights hold nothing but their sign.
    unused = weight_bits // 2 if layer.weights is not None else 0
    bram = max(1, ceil((row - unused) / BRAM_WIDTH)) * ceil(reuse / 512) if in_ram else 0
    parts = _streamed_parts if target.io_stream else _parallel_parts
    lut, ff = parts(layer, target, reuse, multipliers, on_dsp=on_dsp)
    lut["resource_rom"] = 0.0 if in_ram else float(row * reuse) / 16
    lut["resource_fabric"] = 0.0 if on_dsp else float(multipliers * layer.x.width * weight_bits)
    # Dense modules of io_parallel end a cycle or two after their last product (2019.2, UltraScale+).
    depth = 1 if not target.io_stream else 5 if generation == "7-series" else 3
    return LayerCost(
        name=layer.name,
        kind=layer.kind,
        lut=lut,
        ff=ff,
        dsp=multipliers * blocks if on_dsp else 0,
        bram_18k=bram + (_index_blocks(layer, reuse) if not target.io_stream else 0),
        latency_cycles=reuse + depth,
        turns=reuse,
        interval_cycles=reuse,
    )


def _index_blocks(layer: Layer, reuse: int) -> int:
    """18 Kb blocks of the outputs' index of rf_gt_nin, a memory of its own where it is no small one."""
    bits = ceil(log2(max(2, layer.n_out)))
    return 1 if reuse > layer.n_in and reuse * bits > LUTRAM_BITS else 0


def _streamed_parts(
    layer: Layer, target: Target, reuse: int, multipliers: int, *, on_dsp: bool
) -> tuple[dict[str, float], dict[str, float]]:
    """(LUT, FF) by feature of a layer that reads packs, beside its products."""
    accum = layer.accum or layer.y
    weight_bits = layer.weight.width if layer.weight else 16
    lut = {
        "resource_multiplier": float(multipliers * layer.x.width),
        "resource_input": float(layer.n_in * layer.x.width),
        "resource_select": float(multipliers * layer.n_out * accum.width) if reuse < layer.n_in else 0.0,
        "resource_accumulator": float(layer.n_out * accum.width) if reuse > layer.n_in else 0.0,
        "saturation": float(multipliers * accum.width) if accum.overflow is not Overflow.WRAP else 0.0,
    }
    ff = {
        "resource_multiplier": float(multipliers * (layer.x.width + weight_bits + accum.width)),
        "resource_accumulator": float(layer.n_out * accum.width),
        "resource_input": float(layer.n_in * layer.x.width),
    }
    return lut, ff


def _parallel_parts(
    layer: Layer, target: Target, reuse: int, multipliers: int, *, on_dsp: bool
) -> tuple[dict[str, float], dict[str, float]]:
    """(LUT, FF) by feature of a layer that has all inputs at once, beside its products.

    Vivado HLS copies the inputs into registers, with two selections each, so that the loop can start over (`rewind`);
    single layers in Vitis have no such registers. With a DSP block each multiplier has its own multiplexer, unless all
    read the same input.
    """
    accum = layer.accum or layer.y
    copies = target.tool_generation != "vitis-2022"
    if reuse > layer.n_in:
        muxes = multipliers + 1
    elif on_dsp and reuse < layer.n_in:
        muxes = multipliers
    else:
        muxes = ceil(layer.n_in / reuse)
    outputs_each = max(1.0, reuse / layer.n_in)
    lut = {
        "folded_mux": muxes * mux_share(target.part.device.family),
        "folded_input": float(layer.n_in) if copies else 0.0,
        "folded_adder": float(multipliers * accum.width),
        "folded_output": float(layer.n_out),
        "folded_choice": layer.n_out * log2(outputs_each),
        "saturation": float(multipliers * accum.width) if accum.overflow is not Overflow.WRAP else 0.0,
    }
    ff = {
        "folded_input": float(layer.n_in * layer.x.width) if copies else 0.0,
        "folded_output": float(layer.n_out * accum.width) * (2 if copies else 1),
        "folded_multiplier": float(multipliers * accum.width) if on_dsp and reuse < layer.n_in else 0.0,
    }
    return lut, ff
