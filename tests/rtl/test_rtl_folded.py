"""The folded architecture: its schedule, and small networks simulated bit for bit."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import numpy as np
import pytest
from rtl_networks import HARD_TRAFFIC, fixed, frames, network, run_design
from tool_fixtures import needs_icarus, needs_verilator

from hlsflow.foundation.errors import UnsupportedError
from hlsflow.opentools.verilator import Traffic
from hlsflow.rtl.design import StreamPort
from hlsflow.rtl.files import write_companions
from hlsflow.rtl.folded import folded_design
from hlsflow.rtl.folding import bias_rows, fit_multipliers, fold, fold_network, program_rows, weight_rows
from hlsflow.rtl.names import identifier, module_names


@pytest.mark.parametrize(
    ("reuse", "inputs", "outputs", "groups", "steps"),
    [
        (1, 12, 10, 1, 1),
        (5, 3, 10, 1, 4),
        (12, 1, 10, 1, 12),
        (24, 1, 5, 2, 24),
        (30, 1, 5, 2, 24),
        (36, 1, 4, 3, 36),
        (1000, 1, 1, 10, 120),
    ],
)
def test_fold_makes_as_many_products_a_cycle_as_hls4ml(reuse, inputs, outputs, groups, steps):
    layer = replace(network((12, 10), (1,)).layers[0], weights=np.ones((12, 10), dtype=np.int64))
    folding = fold(layer, reuse, 1)
    assert (folding.inputs, folding.outputs, folding.groups, folding.steps) == (inputs, outputs, groups, steps)


def test_rows_of_zeros_are_skipped_but_a_group_keeps_one():
    weights = np.zeros((4, 2), dtype=np.int64)
    weights[1, 0] = 3
    layer = replace(network((4, 2), (8,)).layers[0], weights=weights)
    folding = fold(layer, 8, 1)
    assert (folding.steps, folding.dense_steps) == (2, 8)
    # {last, input (2 bits), weight (4 bits)}
    assert program_rows(layer, folding) == [f"{0b1_01_0011:02x}", f"{0b1_00_0000:02x}"]


def test_weights_and_biases_are_packed_lowest_first():
    layer = replace(
        network((3, 2), (2,)).layers[0],
        weights=np.array([[1, 2], [3, 4], [-1, -2]]),
        bias=np.array([1, -1]),
        accum=fixed(8, 4),
    )
    folding = fold(layer, 2, 1)
    # Output 0 takes the low half: inputs 0 and 1, then input 2 and padding.
    assert weight_rows(layer, folding) == ["4231", "0e0f"]
    assert bias_rows(layer, folding) == ["ff01"]


def test_a_layer_gives_as_many_values_a_cycle_as_the_next_takes():
    foldings = fold_network(network((8, 9, 6, 3), (8, 27, 2)))
    assert [folding.inputs for folding in foldings] == [1, 1, 3]
    assert [folding.lanes_out for folding in foldings] == [1, 3, 1]
    assert foldings[1].outputs % 3 == 0


def test_fit_raises_the_reuse_of_the_least_busy_layers_first():
    net = network((16, 8, 4), (16, 8))
    assert fit_multipliers(net, 12) is not None
    fitted = fit_multipliers(net, 9)
    assert [layer.reuse_factor for layer in fitted.layers] == [16, 32]
    assert sum(folding.multipliers for folding in fold_network(fitted)) == 9
    with pytest.raises(UnsupportedError, match="2 layers need a multiplier each, the device has 1"):
        fit_multipliers(net, 1)


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("width", [3, 8, 13, 16, 24])
def test_beats_round_trip(signed, width):
    port = StreamPort(type=fixed(width, width, signed=signed), size=5, lanes=2)
    values = np.random.default_rng(0).integers(port.type.min_int, port.type.max_int + 1, (7, 5))
    data = port.to_bytes(values)
    assert len(data) == 7 * 3 * 2 * port.lane_bits // 8
    np.testing.assert_array_equal(port.from_bytes(data), values)


def test_names_of_modules():
    assert module_names(["fc1", "a b", "a-b", "module"]) == {
        "fc1": "layer_fc1", "a b": "layer_a_b", "a-b": "layer_a_b_2", "module": "layer_module",
    }  # fmt: skip
    assert identifier("8bit-net") == "m_8bit_net"


NETWORKS = {
    # One input a cycle, all outputs at once: the layers stream.
    "streams": network((9, 7, 5), (9, 7)),
    # Several inputs a cycle, sizes that the lanes do not divide, signed inputs.
    "wide": network((10, 7, 5), (3, 3), data=fixed(5, 3)),
    # Everything at once, and a quantized activation before the first layer.
    "parallel": network(
        (6, 5, 3), (1, 1), data=fixed(6, 3), casts_input=fixed(4, 2, rounding="RND_CONV", overflow="SAT")
    ),
    # Stored inputs, groups of outputs that do not divide their number, rows of zeros.
    "program": network((12, 7, 5), (36, 14), zeros=0.6),
    # A program that feeds several inputs a cycle, and one multiplier alone.
    "mixed": network((5, 11, 6, 4), (10, 4, 100), zeros=0.4),
    "one": network((1, 1), (1,)),
}


@needs_verilator
@pytest.mark.parametrize("name", NETWORKS)
def test_simulated_bit_for_bit(name, tmp_path):
    net = NETWORKS[name]
    inputs = frames(net)
    design = folded_design(net, "top")
    expected = net.run(inputs)
    runs = run_design(design, inputs, tmp_path, Traffic(apart=True), Traffic(), HARD_TRAFFIC, Traffic(stall_percent=95))
    for outputs, _ in runs:
        np.testing.assert_array_equal(outputs, expected)
    apart, together = runs[0][1], runs[1][1]
    # A frame that meets an idle design takes the same time, always; layers overlap.
    assert apart.latency_min == apart.latency_max
    if name != "one":
        assert together.interval_max < apart.interval_max


def test_ties_are_met():
    """The networks above meet ties of rounding half to even on purpose, on both sides, and saturate."""
    net = NETWORKS["streams"]
    inputs = frames(net)
    layer = net.layers[0]
    sums = inputs @ layer.weights + layer.bias
    shift = layer.accum.fraction - layer.result.fraction
    ties = sums[(sums > 0) & (sums % (1 << shift) == 1 << (shift - 1))]
    assert {int(tie >> shift) & 1 for tie in ties} == {0, 1}
    assert (sums >> shift).max() > layer.result.max_int


@needs_verilator
def test_a_wrong_weight_is_seen(tmp_path):
    net = NETWORKS["streams"]
    inputs = frames(net)
    design = folded_design(net, "top")
    rows = design.memories["layer_fc0_weights.mem"].splitlines()
    rows[3] = f"{int(rows[3], 16) ^ 1:0{len(rows[3])}x}"
    broken = replace(design, memories={**design.memories, "layer_fc0_weights.mem": "\n".join(rows) + "\n"})
    ((outputs, _),) = run_design(broken, inputs, tmp_path, Traffic())
    assert (outputs != net.run(inputs)).any()


@needs_verilator
def test_lint_is_clean(tmp_path):
    for name in ("wide", "mixed"):
        design = folded_design(NETWORKS[name], "top")
        folder = tmp_path / name
        design.write(folder)
        # Widths are those of the values that can occur; several small modules share a layer's file.
        ignored = [f"-Wno-{kind}" for kind in ("WIDTH", "DECLFILENAME", "VARHIDDEN", "UNUSED")]
        done = subprocess.run(
            ["verilator", "--lint-only", "-Wall", *ignored, "--top-module", "top", *sorted(design.sources)],
            cwd=folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


@needs_icarus
def test_the_generated_testbench_passes_and_fails(tmp_path):
    net = NETWORKS["mixed"]
    inputs = frames(net)
    design = folded_design(net, "top")
    design.write(tmp_path)
    for outputs, verdict in ((net.run(inputs), "PASS: 4 frames"), (net.run(inputs) + 1, "FAIL:")):
        write_companions(design, tmp_path, inputs, outputs, part="xc7z020clg400-1", period_ns=10)
        subprocess.run(
            ["iverilog", "-g2005", "-o", "testbench", "testbench.v", *sorted(design.sources)], cwd=tmp_path, check=True
        )
        said = subprocess.run(["vvp", "testbench"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
        assert verdict in said
