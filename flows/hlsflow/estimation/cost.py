"""A design's cost: its layers' features summed, with what the top function adds: FIFOs, registers, glue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil

from hlsflow.estimation.design import Design, Kind, Stream
from hlsflow.estimation.features import layer_cost
from hlsflow.estimation.layer_cost import LUTRAM_BITS, LayerCost

RESOURCES = ("lut", "ff", "dsp", "bram_18k")
TARGETS = (*RESOURCES, "latency_cycles", "interval_cycles")
# The targets whose features are weighed by fitted constants; the others are computed outright.
FITTED = ("lut", "ff", "latency_cycles")

# What makes no module of its own, so that no call is scheduled for it.
_NO_CALL = (Kind.MOVE,)


@dataclass(frozen=True, kw_only=True)
class DesignCost:
    """Features by fitted target, the computed targets, and the layers' own costs."""

    features: Mapping[str, Mapping[str, float]]
    computed: Mapping[str, float]
    layers: tuple[LayerCost, ...]
    top: LayerCost


def design_cost(design: Design) -> DesignCost:
    """The cost of a design. Latency is in cycles of the worst case from first input to last output."""
    layers = tuple(layer_cost(layer, design.target) for layer in design.layers)
    top = _top(design)
    costs = (*layers, top)
    interval = max(cost.interval_cycles for cost in layers)
    return DesignCost(
        features={
            "lut": _summed(cost.lut for cost in costs),
            "ff": _summed(cost.ff for cost in costs),
            "latency_cycles": _latency(design, layers, interval),
        },
        computed={
            "dsp": sum(cost.dsp for cost in costs),
            "bram_18k": sum(cost.bram_18k for cost in costs),
            "interval_cycles": interval,
        },
        layers=layers,
        top=top,
    )


def _summed(features: Iterable[Mapping[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for mapping in features:
        for name, value in mapping.items():
            if value:
                total[name] = total.get(name, 0.0) + value
    return total


def _latency(design: Design, layers: tuple[LayerCost, ...], interval: float) -> dict[str, float]:
    """A dataflow design runs its layers at once: the slowest's interval, and what the others take to fill.

    A pipelined one runs them in turn, with about a cycle for every call.
    """
    calls = float(sum(cost.kind not in _NO_CALL for cost in layers))
    own = float(sum(cost.latency_cycles for cost in layers))
    turns = float(sum(cost.turns for cost in layers))
    if design.target.io_stream:
        return {"slowest": float(interval), "fill": calls}
    slow = "calls_vitis_2021" if design.target.tool_generation == "vitis" else "calls"
    return {"layers": own - turns, "turns": turns, slow: calls}


# Depth and width of an 18 Kb block's configurations (UG473, UG573).
_SHAPES = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))


def fifo_blocks(stream: Stream, *, packed: bool) -> int:
    """18 Kb blocks of a FIFO: none for a short one, which is made of shift registers (UG1399, config_storage fifo).

    Vivado HLS keeps a FIFO for each element of a pack, Vitis (`packed`) one for the whole pack.
    """
    elements = 1 if packed else stream.elements
    bits = ceil(stream.bits / elements)
    if stream.depth * bits < LUTRAM_BITS:
        return 0
    return elements * min(ceil(stream.depth / depth) * ceil(bits / width) for depth, width in _SHAPES)


# The handshake and the counters of a FIFO, in LUT and in registers (LeNet's 85 FIFOs: 45 LUT and 24 FF each).
_FIFO_LUT, _FIFO_FF = 30, 16


# Between the layers of a dataflow design with io_parallel every value has a FIFO of two places (the top modules of four
# designs, 2019.2 and 2020.1: 12 LUT and one a bit, 5 FF; with its handshake 13 LUT and 1 FF more).
_CHANNEL_LUT, _CHANNEL_FF = 25, 6


def _channels(design: Design) -> tuple[float, float]:
    """(LUT, FF) of the values that layers of a dataflow design hand on."""
    if design.target.io_stream or not design.dataflow:
        return 0.0, 0.0
    values = [(layer.live_outputs * layer.positions, layer.y.width) for layer in design.layers[:-1]]
    return (
        float(sum(count * (bits + _CHANNEL_LUT) for count, bits in values)),
        float(sum(count for count, _ in values) * _CHANNEL_FF),
    )


def _top(design: Design) -> LayerCost:
    """What stands in no layer: FIFOs, the kept input, the state machine."""
    target = design.target
    packed = target.tool_generation != "vivado"
    fifos = sum(1 if packed else stream.elements for stream in design.streams)
    bits = sum(stream.bits for stream in design.streams)
    channel_luts, channel_ffs = _channels(design)
    # The loops of a dataflow design read its ports.
    keeps_input = not design.dataflow and target.tool_generation != "vitis"
    return LayerCost(
        name="(top)",
        kind=Kind.OTHER,
        lut={"fifo": float(bits + _FIFO_LUT * fifos), "channel": channel_luts, "top": 36.0},
        ff={
            "fifo": float(bits // 2 + _FIFO_FF * fifos),
            "channel": channel_ffs,
            "input": float(design.input_size * design.input_bits) if keeps_input else 0.0,
        },
        bram_18k=sum(fifo_blocks(stream, packed=packed) for stream in design.streams),
    )
