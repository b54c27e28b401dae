"""What io_stream adds to a layer: packs read and written, windows, line buffers, one position after another."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from hlsflow.estimation.design import Kind, Layer, Target
from hlsflow.estimation.layer_cost import BRAM_BITS, LUTRAM_BITS, LayerCost


def streamed(layer: Layer, target: Target, cost: LayerCost) -> LayerCost:
    """What streaming adds: packs are read and written one position at a time, and a window needs its rows kept.

    A convolution takes one input position after another (nnet_conv_stream.h, line buffer): with the resource strategy
    each costs the reuse factor and the depth of the multiplication's loop, else the interval of its matrix.
    """
    lut, ff, bram, interval = dict(cost.lut), dict(cost.ff), cost.bram_18k, cost.interval_cycles
    pack = layer.n_out * layer.y.width
    lut["stream_port"] = float(pack)
    lut["stream_control"] = 1.0
    ff["stream_port"] = float(pack)
    depth = 9 if target.part.device.generation == "7-series" else 7
    if layer.kind in (Kind.CONV, Kind.DEPTHWISE):
        window = layer.kernel * layer.channels * layer.x.width
        lut["window"], ff["window"] = float(window), float(window)
        if layer.kernel_height > 1:
            lines = (layer.kernel_height - 1) * layer.channels
            bits = layer.row_width * layer.x.width
            if bits > LUTRAM_BITS:
                bram += lines * ceil(bits / BRAM_BITS)
            else:
                lut["line"] = float(lines * layer.x.width)
        each = interval + depth if layer.strategy == "resource" else interval
        interval = layer.in_positions * max(1, each)
        return replace(
            cost, lut=lut, ff=ff, bram_18k=bram, interval_cycles=interval, latency_cycles=cost.latency_cycles + 4
        )
    if layer.kind is Kind.POOL:
        lut["window"] = float(layer.kernel * layer.n_out * layer.x.width)
        ff["window"] = lut["window"]
        lut["stream_compare"] = ff["stream_compare"] = lut.pop("compare")
        return replace(cost, lut=lut, ff=ff, interval_cycles=layer.in_positions, latency_cycles=4)
    if layer.kind is Kind.DENSE:
        gathered = layer.in_positions
        interval = (
            cost.latency_cycles + 2
            if layer.reuse_factor > 1 or layer.strategy == "resource"
            else cost.latency_cycles + 1
        )
        return replace(
            cost, lut=lut, ff=ff, interval_cycles=max(gathered, interval), latency_cycles=cost.latency_cycles + 2
        )
    if layer.kind is Kind.SOFTMAX:
        lut["stream_softmax"] = lut.get("softmax", 0.0)
    return replace(cost, lut=lut, ff=ff, interval_cycles=layer.positions * max(1, cost.interval_cycles))
