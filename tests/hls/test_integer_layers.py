"""The integers of a converted project are read once: what a matrix, a pooling and a padding are, however stored."""

from __future__ import annotations

import numpy as np
import pytest
from hls_projects import project

from hlsflow.emulation.emulator import make_emulator
from hlsflow.foundation.errors import UnsupportedError
from hlsflow.hls.integer_layers import matrix_of, padding_of, pooling_of
from hlsflow.network.fixed_point import parse_type
from hlsflow.rtl.read_layers import layer_of, read_layer

TYPES = {"weight_t": "fixed<6,4>", "bias_t": "fixed<6,3>", "accum_t": "fixed<16,10>", "product": "product::mult"}
WEIGHTS = np.arange(-3, 3).reshape(3, 2) / 4


def dense(folder, strategy: str, stored: np.ndarray):
    return project(
        "dense",
        ("fixed<4,2>", "fixed<8,4>"),
        config={"n_in": 3, "n_out": 2, "reuse_factor": 3, "strategy": f"nnet::{strategy}", **TYPES},
        folder=folder,
        weights={"w2": stored, "b2": np.array([0.125, -1])},
        arguments=("x", "y", "w2", "b2"),
    )


@pytest.mark.parametrize(("strategy", "stored"), [("latency", WEIGHTS), ("resource", WEIGHTS.T)])
def test_a_matrix_is_the_same_however_it_is_stored(tmp_path, strategy, stored):
    made = dense(tmp_path, strategy, stored)
    matrix = matrix_of(made, made.calls[0])
    np.testing.assert_array_equal(matrix.weights, WEIGHTS * 4)
    np.testing.assert_array_equal(matrix.bias, [8, -64])
    assert (matrix.strategy, matrix.reuse_factor, matrix.window) == (strategy, 3, None)
    assert (matrix.accum, matrix.result) == (parse_type("fixed<16,10>"), parse_type("fixed<8,4>"))


@pytest.mark.parametrize(("strategy", "stored"), [("latency", WEIGHTS), ("resource", WEIGHTS.T)])
def test_the_emulator_and_the_rtl_are_views_of_it(tmp_path, strategy, stored):
    made = dense(tmp_path, strategy, stored)
    layer = layer_of(made, made.calls[0], read_layer(made, made.calls[0]))
    inputs = np.array([[3, -8, 7], [1, 1, 1]])
    np.testing.assert_array_equal(make_emulator(made).run([inputs])["y"], layer.run(inputs))


def test_weights_of_another_size_are_refused(tmp_path):
    made = dense(tmp_path, "latency", WEIGHTS[:2])
    with pytest.raises(UnsupportedError, match=r"w2\.txt holds 4 values where 6 are due"):
        matrix_of(made, made.calls[0])


def test_a_pooling_over_the_whole_image_is_one_window():
    sizes = {"in_height": 4, "in_width": 6, "n_filt": 2, "accum_t": "fixed<9,5>", "pool_op": "nnet::Average"}
    made = project("global_pooling2d_cl", ("fixed<4,2>", "fixed<8,4>"), config=sizes)
    pooling = pooling_of(made, made.calls[0])
    assert pooling.function == "average"
    window = pooling.window
    assert (window.height, window.width, window.channels, window.out_height, window.out_width) == (4, 6, 2, 1, 1)


def test_a_padding_of_a_vector_has_no_rows():
    sizes = {"in_width": 5, "n_chan": 2, "pad_left": 1, "pad_right": 2}
    made = project("zeropad1d_cl", ("fixed<4,2>", "fixed<4,2>"), config=sizes)
    padding = padding_of(made, made.calls[0])
    assert (padding.height, padding.top, padding.bottom, padding.left, padding.right) == (1, 0, 0, 1, 2)
