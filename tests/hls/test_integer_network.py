"""The integers of a converted project are read once: what a matrix, a pooling and a padding are, however stored."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hls_projects import project

from hlsflow.emulation.emulator import make_emulator
from hlsflow.emulation.layers import MAKERS
from hlsflow.foundation.errors import UnsupportedError
from hlsflow.hls import integer_nodes
from hlsflow.hls.integer_network import read_integer_network
from hlsflow.hls.integer_nodes import Node
from hlsflow.network.fixed_point import parse_type
from hlsflow.rtl.views import layer_of

TYPES = {"weight_t": "fixed<6,4>", "bias_t": "fixed<6,3>", "accum_t": "fixed<16,10>", "product": "product::mult"}
WEIGHTS = np.arange(-3, 3).reshape(3, 2) / 4


def node_of(made):
    """The node of a project of one call."""
    (node,) = read_integer_network(made).nodes
    return node


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
    matrix = node_of(made)
    np.testing.assert_array_equal(matrix.weights, WEIGHTS * 4)
    np.testing.assert_array_equal(matrix.bias, [8, -64])
    assert (matrix.strategy, matrix.reuse_factor, matrix.window) == (strategy, 3, None)
    assert (matrix.accum, matrix.result) == (parse_type("fixed<16,10>"), parse_type("fixed<8,4>"))


@pytest.mark.parametrize(("strategy", "stored"), [("latency", WEIGHTS), ("resource", WEIGHTS.T)])
def test_the_emulator_and_the_rtl_are_views_of_it(tmp_path, strategy, stored):
    made = dense(tmp_path, strategy, stored)
    layer = layer_of(node_of(made))
    inputs = np.array([[3, -8, 7], [1, 1, 1]])
    np.testing.assert_array_equal(make_emulator(made).run([inputs])["y"], layer.run(inputs))


def test_weights_of_another_size_are_refused(tmp_path):
    made = dense(tmp_path, "latency", WEIGHTS[:2])
    with pytest.raises(UnsupportedError, match=r"w2\.txt holds 4 values where 6 are due"):
        node_of(made)


def test_a_pooling_over_the_whole_image_is_one_window():
    sizes = {"in_height": 4, "in_width": 6, "n_filt": 2, "accum_t": "fixed<9,5>", "pool_op": "nnet::Average"}
    made = project("global_pooling2d_cl", ("fixed<4,2>", "fixed<8,4>"), config=sizes)
    pooling = node_of(made)
    assert pooling.kind == "average"
    window = pooling.window
    assert (window.height, window.width, window.channels, window.out_height, window.out_width) == (4, 6, 2, 1, 1)


def test_a_padding_of_a_vector_has_no_rows():
    sizes = {"in_width": 5, "n_chan": 2, "pad_left": 1, "pad_right": 2}
    made = project("zeropad1d_cl", ("fixed<4,2>", "fixed<4,2>"), config=sizes)
    padding = node_of(made)
    assert (padding.height, padding.top, padding.bottom, padding.left, padding.right) == (1, 0, 0, 1, 2)


def test_the_emulator_has_a_maker_of_every_class_of_nodes():
    classes = [made for made in vars(integer_nodes).values() if isinstance(made, type) and issubclass(made, Node)]
    bases = {base for made in classes for base in made.__mro__[1:]}
    assert set(classes) - bases == set(MAKERS)


def test_a_function_that_nobody_reads_is_a_plain_node_and_refused_by_name():
    made = project("gru", ("fixed<4,2>", "fixed<4,2>"))
    assert type(node_of(made)) is Node
    with pytest.raises(UnsupportedError, match=r"does not cover nnet::gru \(layer 'layer'\)"):
        make_emulator(made)


def test_nodes_know_values_by_one_name_and_whether_their_shape_is_another():
    made = project("linear", ("fixed<4,4>", "fixed<6,6>"), arguments=("flat", "sum"))
    ports = (replace(made.outputs[0], name="out"),)
    network = read_integer_network(replace(made, aliases={"flat": "x", "out": "sum"}, outputs=ports))
    (node,) = network.nodes
    assert (node.inputs, node.outputs, node.reshaped) == (("x",), ("sum",), True)
    assert [(port.name, port.variable, str(port.type)) for port in network.outputs] == [("out", "sum", "fixed<6,6>")]
    assert not node_of(project("linear", ("fixed<4,4>", "fixed<6,6>"))).reshaped
