"""The unrolled architecture, simulated bit for bit. Simulated, so slow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rtl_networks import HARD_TRAFFIC, fixed, frames, network, run_design
from tool_fixtures import needs_da4ml, needs_verilator

from hlsflow.foundation.errors import UnsupportedError
from hlsflow.opentools.verilator import Traffic
from hlsflow.rtl.adders import Output
from hlsflow.rtl.layers import ArgmaxLayer
from hlsflow.rtl.unrolled import _sum, unrolled_design


def with_argmax(net):
    last = ArgmaxLayer(name="argmax", size=net.output_size, data=net.output_type.grid, result=fixed(6, 3))
    return replace(net, layers=(*net.layers, last), output="argmax")


NETWORKS = {
    "small": network((9, 7, 5), (1, 1)),
    "sparse, signed": network((12, 7, 6, 4), (1, 1, 1), zeros=0.7, data=fixed(5, 3)),
    "argmax": with_argmax(network((9, 7, 5), (1, 1))),
    "input quantized": network((6, 3), (1,), data=fixed(6, 3), casts_input=fixed(4, 2, rounding="RND", overflow="SAT")),
}


@pytest.mark.slow
@needs_da4ml
@needs_verilator
@pytest.mark.parametrize("bus_bits", [None, 24])
@pytest.mark.parametrize("name", NETWORKS)
def test_simulated_bit_for_bit(name, bus_bits, tmp_path):
    net = NETWORKS[name]
    inputs = frames(net, 200)
    design = unrolled_design(net, "top", bus_bits=bus_bits)
    runs = run_design(design, inputs, tmp_path, Traffic(), Traffic(apart=True), HARD_TRAFFIC, Traffic(stall_percent=95))
    for outputs, _ in runs:
        np.testing.assert_array_equal(outputs, net.run(inputs))
    # A frame a cycle, or as many cycles as the frame has beats on the bus.
    assert runs[0][1].interval_max == max(design.source.beats, design.sink.beats)


@pytest.mark.slow
@needs_da4ml
def test_nothing_to_unroll():
    net = NETWORKS["input quantized"]
    layer = replace(net.layers[0], weights=np.zeros_like(net.layers[0].weights))
    with pytest.raises(UnsupportedError, match="every weight of 'fc0' is zero"):
        unrolled_design(replace(net, layers=(layer,)), "top")


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (Output(first=3, width=4, signed=True, shift=0), "{{2{joined[6]}}, joined[3 +: 4]}"),
        (Output(first=3, width=4, signed=False, shift=1), "{{1{1'b0}}, joined[3 +: 4], 1'd0}"),
        (Output(first=0, width=6, signed=True, shift=0), "joined[0 +: 6]"),
        # A sum that wraps keeps its low bits alone.
        (Output(first=0, width=9, signed=True, shift=2), "{joined[0 +: 4], 2'd0}"),
        (Output(first=0, width=0, signed=False, shift=0), "6'd0"),
        (Output(first=0, width=3, signed=False, shift=7), "6'd0"),
    ],
)
def test_sums_on_the_accumulators_grid(output, text):
    assert _sum(output, 6) == text
