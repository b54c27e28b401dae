"""Activations: comparisons and selections, tables, softmax."""

from __future__ import annotations

from math import ceil, log2

from hlsflow.estimation.design import Layer, Target
from hlsflow.estimation.layer_cost import LayerCost, memory_blocks
from hlsflow.network.fixed_point import Overflow, Rounding


def relu_luts(layer: Layer, target: Target) -> float:
    """LUTs of one ReLU: a comparison with zero, a selection; rounding is an adder, saturation two more selections.

    A comparison of w bits is reported as w+7 LUT from Vitis 2022 on and about w/2 before (the reports' icmp rows).
    """
    x, y = layer.x, layer.y
    if layer.function == "linear" and y.rounding is Rounding.TRN and y.overflow is Overflow.WRAP:
        return 0.0
    compare = {"vitis-2022": x.width + 7.0, "vivado": x.width / 2 + 5}.get(target.tool_generation, x.width / 2 - 1)
    luts = compare + y.width
    if y.rounding not in (Rounding.TRN, Rounding.TRN_ZERO) and x.fraction > y.fraction:
        luts += y.width + (7 if target.tool_generation == "vitis-2022" else 3)
    if y.overflow is not Overflow.WRAP and x.integer > y.integer:
        luts += y.width + (14 if target.tool_generation == "vitis-2022" else 8)
    return luts


def softmax_cost(layer: Layer, target: Target) -> LayerCost:
    """Softmax by tables: a tree of maxima, n exponentials, a tree of sums, one inverse, n products.

    Dual-ported tables serve two lookups each (nnet_activation.h); Vitis 2020.2 to 2021 keeps a copy for each value, and
    from 2022 on UltraScale+ twice as many blocks are reported. Streamed, it has ceil(n / RF) multipliers
    (nnet_activation_stream.h).
    """
    n = layer.n_out
    generation = target.part.device.generation
    if "argmax" in layer.implementation or "argmax" in layer.function:
        return LayerCost(name=layer.name, kind=layer.kind, lut={"compare": float(n * layer.x.width)}, latency_cycles=1)
    serial = target.io_stream and n > 1
    exp_tables = (1 if serial else ceil(n / 2)) * memory_blocks(layer.table_size, layer.table_bits)
    tables = exp_tables + memory_blocks(layer.inverse_table_size, layer.table_bits)
    if target.tool_generation == "vitis" and not serial:
        tables = n * memory_blocks(layer.table_size, layer.table_bits)
    if target.tool_generation == "vitis-2022" and generation != "7-series":
        tables *= 2
    on_dsp = target.binding != "fabric"
    levels = ceil(log2(max(2, n)))
    slow = generation == "7-series"
    cycles = 2 + (4.4 * 2 + 9.3 * levels if slow else 1.3 * 2 + 2.4 * levels) / target.usable_ns
    cycles += 2 if on_dsp and slow and target.usable_ns < 6 else 0
    return LayerCost(
        name=layer.name,
        kind=layer.kind,
        lut={"softmax": float(n), "softmax_fabric": 0.0 if on_dsp else float(n)},
        ff={"softmax": float(n * 18 * max(1.0, cycles - 2))},
        dsp=(ceil(n / layer.reuse_factor) if serial else n) if on_dsp else 0,
        bram_18k=tables,
        latency_cycles=round(cycles),
    )
