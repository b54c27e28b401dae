"""Convolutions, poolings and argmax in the folded architecture, simulated bit for bit."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import numpy as np
import pytest
from rtl_networks import (
    HARD_TRAFFIC,
    Conv,
    Dense,
    Pool,
    fixed,
    frames,
    image_network,
    run_design,
    window_on,
)
from tool_fixtures import needs_verilator

from hlsflow.foundation.errors import UnsupportedError
from hlsflow.opentools.design import OpenOptions, choose
from hlsflow.opentools.verilator import Traffic
from hlsflow.rtl.folded import folded_design
from hlsflow.rtl.folded_layer import window_parameters
from hlsflow.rtl.folding import fit_multipliers, fold_network, legal_lanes
from hlsflow.rtl.layers import ArgmaxLayer
from hlsflow.rtl.unrolled import unrolled_design

SIGNED = fixed(5, 3, rounding="RND_CONV", overflow="SAT")
SAME = (1, 1, 1, 1)

NETWORKS = {
    # What the shipped network does, smaller: one multiplier a filter.
    "cnn": image_network((8, 8, 1), Conv(6, reuse=9), Pool(), Dense(5, reuse=54)),
    # Two stacked convolutions, signed values, zeros around the image, every filter a group of its own.
    "stacked": image_network(
        (6, 7, 2),
        Conv(4, pads=SAME, reuse=36),
        Conv(3, reuse=108, zeros=0.4),
        Dense(4, reuse=36),
        data=fixed(5, 3),
        relu=SIGNED,
    ),
    # All products of a window at once; strides; rows and columns left over.
    "parallel": image_network((7, 8, 3), Conv(4, strides=(2, 3)), Dense(3, reuse=6)),
    # Several inputs a cycle that do not divide the window; a window in a corner; whole pixels to the dense layer.
    "lanes": image_network((5, 6, 3), Conv(4, kernel=(2, 3), reuse=4, pads=(1, 0, 0, 2)), Dense(3, reuse=2)),
    # Two layers that give a window a cycle: their sums wait in queues.
    "every cycle": image_network((6, 6, 2), Conv(3, pads=SAME), Conv(4, kernel=(2, 2), reuse=2), Dense(3, reuse=2)),
    # Overlapping windows with padding of a maximum over signed values, then an average.
    "pools": image_network(
        (9, 8, 2), Conv(4, reuse=6), Pool(kernel=(3, 3), pads=SAME), Pool("sum"), Dense(4, reuse=8), relu=SIGNED
    ),
    # Nothing but poolings; the sum of negative values is cut off toward zero.
    "averages": image_network((6, 6, 3), Pool("sum", kernel=(2, 4), strides=(1, 2)), data=fixed(5, 3)),
    # A maximum over unsigned values with the padding of hls4ml, which is half the range.
    "unsigned": image_network((4, 4, 2), Pool(kernel=(3, 3), strides=(1, 1), pads=SAME)),
    # One-dimensional, by row and by column; a kernel of one.
    "row": image_network((1, 12, 3), Conv(4, kernel=(1, 3), reuse=9), Pool(kernel=(1, 2), strides=(1, 2)), Dense(3)),
    "column": image_network((12, 1, 3), Conv(4, kernel=(3, 1), reuse=9, pads=(1, 0, 1, 0)), Dense(3, reuse=24)),
    "pointwise": image_network((3, 4, 6), Conv(4, kernel=(1, 1), reuse=3), Conv(2, reuse=72)),
    # The largest of the logits; a dense layer before an image.
    "argmax": image_network((6, 6, 1), Conv(2, reuse=9), Dense(5, reuse=32), argmax=True),
    "dense first": image_network((1, 1, 10), Dense(24, reuse=40), Dense(4, reuse=24)),
}


# Each is compiled by Verilator for some seconds: the others are run with the slow tests.
QUICK = ("cnn", "pools", "argmax")


@needs_verilator
@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in NETWORKS]
)
def test_simulated_bit_for_bit(name, tmp_path):
    net = NETWORKS[name]
    inputs = frames(net)
    expected = net.run(inputs)
    # It is no constant that is compared.
    assert len(np.unique(expected)) > 1
    runs = run_design(
        folded_design(net, "top"), inputs, tmp_path,
        Traffic(apart=True), Traffic(), HARD_TRAFFIC, Traffic(stall_percent=90), Traffic(gap_percent=90, seed=5),
    )  # fmt: skip
    for outputs, _ in runs:
        np.testing.assert_array_equal(outputs, expected)
    apart, together = runs[0][1], runs[1][1]
    # Only the zeros above the first image are scanned while it waits; later frames find that done.
    assert apart.latency_min == apart.latency_max or name in ("stacked", "lanes")
    # Layers overlap: a frame begins before the one before has left.
    assert together.interval_max < apart.interval_max


@pytest.mark.slow
@needs_verilator
def test_a_window_a_cycle(tmp_path):
    """Without multipliers to wait for, an image takes as long as its pixels do."""
    net = image_network((9, 9, 1), Conv(2), Pool(kernel=(7, 7), strides=(1, 1)))
    ((outputs, measured),) = run_design(folded_design(net, "top"), frames(net), tmp_path, Traffic())
    np.testing.assert_array_equal(outputs, net.run(frames(net)))
    assert measured.interval_max == 81


@pytest.mark.slow
@needs_verilator
def test_a_wrong_weight_is_seen(tmp_path):
    net = NETWORKS["cnn"]
    design = folded_design(net, "top")
    rows = design.memories["layer_conv0_weights.mem"].splitlines()
    rows[4] = f"{int(rows[4], 16) ^ 1:0{len(rows[4])}x}"
    broken = replace(design, memories={**design.memories, "layer_conv0_weights.mem": "\n".join(rows) + "\n"})
    ((outputs, _),) = run_design(broken, frames(net), tmp_path, Traffic())
    assert (outputs != net.run(frames(net))).any()


@needs_verilator
def test_lint_is_clean(tmp_path):
    for name in ("every cycle", "pools", "argmax"):
        design = folded_design(NETWORKS[name], "top")
        folder = tmp_path / name.replace(" ", "_")
        design.write(folder)
        # Widths are those of the values that can occur; a counter may never leave the range that is asked for.
        ignored = ("WIDTH", "DECLFILENAME", "VARHIDDEN", "UNUSED", "CMPCONST", "UNSIGNED")
        done = subprocess.run(
            ["verilator", "--lint-only", "-Wall", *(f"-Wno-{kind}" for kind in ignored), "--top-module", "top",
             *sorted(design.sources)],
            cwd=folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def test_folding_of_an_image_network():
    conv, pool, dense = fold_network(NETWORKS["cnn"])
    assert (conv.inputs, conv.outputs, conv.steps, conv.windows, conv.cycles) == (1, 6, 9, 36, 324)
    # Six values in nine cycles: one at a time is enough.
    assert (conv.lanes_out, pool.lanes_in, pool.lanes_out, dense.lanes_in) == (1, 1, 1, 1)
    assert (pool.multipliers, dense.multipliers, conv.queue_bits) == (0, 5, 2)
    fast = image_network((8, 8, 1), Conv(6), Pool(), Dense(5, reuse=3))
    conv, pool, dense = fold_network(fast)
    assert (conv.inputs, conv.steps, conv.lanes_out, pool.lanes_in) == (9, 1, 6, 6)
    # 18 inputs a cycle are asked for: three whole pixels.
    assert (pool.lanes_out, dense.lanes_in, dense.inputs) == (6, 18, 18)


@pytest.mark.parametrize(
    ("wanted", "size", "unit", "lanes"),
    [(5, 100, None, 5), (5, 96, 12, 4), (12, 96, 12, 12), (40, 96, 12, 24), (1, 7, 7, 1), (169, 2028, 12, 156)],
)
def test_lanes_never_cut_a_pixel(wanted, size, unit, lanes):
    assert legal_lanes(wanted, size, unit) == lanes


def test_fit_raises_the_reuse_of_the_layer_with_the_fewest_cycles():
    net = image_network((8, 8, 1), Conv(6), Pool(), Dense(5, reuse=54))
    fitted = fit_multipliers(net, 11)
    assert sum(folding.multipliers for folding in fold_network(fitted)) <= 11
    # 36 cycles of 54 multipliers and 54 cycles of 5: first the convolution gets slower, then the dense layer.
    assert [layer.reuse_factor for layer in fitted.products] == [9, 270]


def test_an_image_one_pixel_wide_is_scanned_as_a_row():
    column = window_parameters(window_on((12, 1, 3), Conv(4, kernel=(3, 1), pads=(1, 0, 1, 0))))
    row = window_parameters(window_on((1, 12, 3), Conv(4, kernel=(1, 3), pads=(0, 1, 0, 1))))
    assert column == row
    assert (row["COLUMNS_SCANNED"], row["ROWS_SCANNED"], row["LAST_COLUMN"]) == (14, 1, 13)


def test_images_are_folded():
    net = NETWORKS["cnn"]
    assert choose(net, OpenOptions()) == ("folded", "it has convolutions or poolings")
    with pytest.raises(UnsupportedError, match="convolutions and poolings are folded, not unrolled"):
        unrolled_design(net, "top")


def test_argmax_takes_the_first_of_equal_values():
    layer = ArgmaxLayer(name="argmax", size=4, data=fixed(4, 4), result=fixed(6, 3))
    values = np.array([[1, 7, 7, -8], [-8, -8, -8, -8], [0, 1, 2, 3]])
    np.testing.assert_array_equal(layer.run(values), np.array([[0, 8, 0, 0], [8, 0, 0, 0], [0, 0, 0, 8]]))
    # hls4ml assigns 1 to a type that wraps it away.
    assert replace(layer, result=fixed(6, 0, signed=False)).one == 0
