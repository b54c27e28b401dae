"""Which constants of a network without quantizers are given a type, and which are as they are."""

from __future__ import annotations

import numpy as np
import pytest
from networks import dense_node, input_node

from hlsflow.frontends.calibrate import is_open, opened_by, rounded_types
from hlsflow.network.graph import Network, Node


def network(weight: list[float], keras_class: str = "") -> Network:
    node = dense_node("d", "x_in", np.array([weight]), np.zeros(len(weight)))
    said = {name: getattr(node, name) for name in ("name", "op", "inputs", "shape", "arrays", "entry", "keras_layer")}
    nodes = (input_node(1), Node(**said, keras_class=keras_class))
    return Network(nodes=nodes, inputs=("x_in",), outputs=("d",))


@pytest.mark.parametrize(
    ("weight", "given"),
    [
        ([1.0, -0.5], False),
        ([0.0, 0.0], False),
        # eight bits with the sign, and nine
        ([127 / 64, -2.0], False),
        ([129 / 64, -2.0], True),
        # whole numbers that are far apart, and some that share a power of two
        ([1.0, 2.0**70], True),
        ([3 * 2.0**60, 0.0], False),
        ([float(np.float32(0.3)), 0.5], True),
    ],
)
def test_constants_that_fit_as_they_are_keep_their_own_type(weight, given):
    outputs = {"d": np.array([[0.5, -0.25]])}
    types = rounded_types(network(weight), outputs, weights=8, values=8)["d"]
    assert ("weight" in types) is given and "bias" not in types and types["result"].width == 8


@pytest.mark.parametrize(("keras_class", "said"), [("QDense", True), ("Dense", False)])
def test_a_layer_whose_quantizer_leaves_its_weights_on_no_grid_is_named(keras_class, said):
    off = network([float(np.float32(0.3)), 1.0], keras_class)
    assert is_open(off) and bool(opened_by(off)) is said
    assert not said or "layer 'd': its quantizers give weights that are on no grid" in opened_by(off)[0]
    assert not is_open(network([0.5, 1.0], keras_class)) and opened_by(network([0.5, 1.0], keras_class)) == []
