"""Rules of types that stand by themselves: room for a doubling, a softmax's distance, an activation's own type."""

from __future__ import annotations

import numpy as np
import pytest
from networks import activation_node, dense_node, input_node

from hlsflow.network.fixed_point import parse_type
from hlsflow.network.graph import Network, Node, Op
from hlsflow.network.ranges import resolve


def last(*nodes: Node, given=None):
    found = {name: {role: parse_type(text) for role, text in types.items()} for name, types in (given or {}).items()}
    return resolve(Network(nodes=nodes, inputs=(nodes[0].name,), outputs=(nodes[-1].name,)), found)[-1]


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        # twice -8..7, with a sign; twice 0..3, and -1 and 1 at least, which the comparison needs
        ("fixed<4,4>", "fixed<5,5>"),
        ("ufixed<2,2>", "fixed<4,4>"),
        ("fixed<1,1>", "fixed<3,3>"),
        ("fixed<4,2>", "fixed<5,3>"),
        ("ufixed<4,2>", "fixed<6,4>"),
    ],
)
def test_a_spacer_has_room_for_the_doubling(type_, expected):
    spacer = Node(name="s", op=Op.ACTIVATION, inputs=("x",), shape=(1,), function="linear", attributes={"spacer": True},
                  keras_layer="s")  # fmt: skip
    layer = last(input_node(1, type_, "x"), spacer)
    assert str(layer.result) == expected
    low, high = parse_type(type_).min_int, parse_type(type_).max_int
    assert layer.result.min_int <= 2 * low and 2 * high <= layer.result.max_int


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        ("fixed<8,4>", "ufixed<8,4,TRN,SAT>"),
        ("fixed<9,6>", "ufixed<7,4,TRN,SAT>"),
        ("fixed<6,6>", "ufixed<4,4,TRN,SAT>"),
    ],
)
def test_the_distance_to_the_largest_logit_has_the_logits_grid(type_, expected):
    softmax = Node(name="s", op=Op.SOFTMAX, inputs=("x",), shape=(4,), keras_layer="s")
    assert str(last(input_node(4, type_, "x"), softmax).types["inp_norm"]) == expected


@pytest.mark.parametrize(
    ("given", "codes"),
    [(None, []), ("fixed<8,1,RND_CONV,SAT>", []), ("fixed<6,1,RND_CONV,SAT>", ["result-rounds", "quantizer-differs"])],
)
def test_a_narrower_type_of_a_hard_function_is_said(given, codes):
    node = activation_node("act", "fc", 1, "hard_tanh", "fixed<8,1,RND_CONV,SAT>")
    layer = last(
        input_node(1, "ufixed<4,4>"), dense_node("fc", "x_in", np.array([[1.0]])), node,
        given={} if given is None else {"act": {"result": given}},
    )  # fmt: skip
    assert [found.code for found in layer.findings] == codes


def test_a_spacer_behind_values_below_zero():
    """-7 to 0, doubled: -14."""
    spacer = Node(name="s", op=Op.ACTIVATION, inputs=("fc",), shape=(1,), function="linear",
                  attributes={"spacer": True}, keras_layer="s")  # fmt: skip
    layer = last(input_node(1, "ufixed<3,3>"), dense_node("fc", "x_in", np.array([[-1.0]])), spacer)
    assert str(layer.result) == "fixed<5,5>"
