"""Up to where Keras' float32 is called exact, by operation: the last range that is, and the first that is not.

A range of values is that of a sum of inputs of one bit each, so that its end is any whole number of LSBs.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from networks import activation_node, dense_node, input_node

from hlsflow.network.fixed_point import parse_type
from hlsflow.network.float32 import exact_layers
from hlsflow.network.graph import Network, Node, Op
from hlsflow.network.ranges import resolve

LIMIT = 2**24


def network(most: int, fraction: int, *nodes: Node) -> Network:
    """0 to `most` (or `most` to 0, where it is negative) in units of 2^-fraction, and what reads it."""
    sign = 1 if most > 0 else -1
    weight = np.array([[float(most - sign)], [float(sign)]]) * 2.0**-fraction
    first = input_node(2, "ufixed<1,1>"), dense_node("x", "x_in", weight)
    return Network(nodes=(*first, *nodes), inputs=("x_in",), outputs=(nodes[-1].name,))


def exact(most: int, fraction: int, *nodes: Node) -> bool:
    layers = resolve(network(most, fraction, *nodes), {})
    assert [bound for bound in layers[1].interval.bounds if bound] == [most] and layers[1].keras_exact
    return layers[-1].keras_exact


def quantizer(function: str, result: str) -> Node:
    return activation_node("act", "x", 1, function, result)


@pytest.mark.parametrize(
    ("most", "fraction", "result", "expected"),
    [
        # x + (q - x) on halves: what lies beyond 63.5 spans up to 2^24 halves, and one more
        (8388671, 0, "fixed<8,7,RND_CONV,SAT>", True),
        (8388672, 0, "fixed<8,7,RND_CONV,SAT>", False),
        # below -64
        (-8388672, 0, "fixed<8,7,RND_CONV,SAT>", True),
        (-8388673, 0, "fixed<8,7,RND_CONV,SAT>", False),
        # the same with x on quarters and q on eighths, from -16 to 15.875
        (8388671, 2, "fixed<8,5,RND_CONV,SAT>", True),
        (8388672, 2, "fixed<8,5,RND_CONV,SAT>", False),
        # a coarser quantizer: the difference is on x's own grid, which is exact already
        (LIMIT, 3, "fixed<4,4,RND_CONV,SAT>", True),
        (-LIMIT, 3, "fixed<4,4,RND_CONV,SAT>", True),
        # within the range only the last bits differ
        (2**20, 0, "fixed<30,22,RND_CONV,SAT>", True),
    ],
)
def test_a_quantizer_beyond_its_range(most, fraction, result, expected):
    assert exact(most, fraction, quantizer("linear", result)) is expected


def test_an_activation_that_does_nothing_is_exact():
    assert exact(LIMIT, 0, activation_node("act", "x", 1, "linear"))


@pytest.mark.parametrize("function", ["hard_tanh", "hard_sigmoid"])
@pytest.mark.parametrize(
    ("most", "fraction", "expected"),
    [
        # x/2 + 1/2 in units of 2^-24: up to 1 there are 2^24 of them
        (2**23, 23, True),
        (2**24, 23, True),
        (1, 23, True),
        # a bit finer, 1/2 + 2^-25 takes 25 bits
        (2, 24, False),
        (-2, 24, False),
        # whole numbers, and multiples of four
        (100, 0, True),
        (100, -2, True),
    ],
)
def test_half_of_a_value_and_one_half(function, most, fraction, expected):
    if most == 1:
        # Two inputs reach 2 at least.
        most = 2
    assert exact(most, fraction, quantizer(function, "fixed<8,1,RND_CONV,SAT>")) is expected


def test_one_lsb_beside_one_half():
    """An input of one bit, worth 2^-24: x/2 + 1/2 is 2^-25 above one half, which float32 has no bit for."""
    for fraction, expected in ((23, True), (24, False)):
        nodes = (
            input_node(1, f"ufixed<1,{1 - fraction}>", "x"),
            quantizer("hard_sigmoid", "ufixed<8,0,RND_CONV,SAT>"),
        )
        layers = resolve(Network(nodes=nodes, inputs=("x",), outputs=("act",)), {})
        assert layers[-1].keras_exact is expected
    assert np.float32(0.5) + np.float32(2.0**-25) == np.float32(0.5)
    assert np.float32(0.5) + np.float32(2.0**-24) != np.float32(0.5)


@pytest.mark.parametrize(
    ("most", "fraction", "expected"),
    [
        # x + (1 - x): |x| + 1 in LSBs
        (LIMIT - 1, 0, True),
        (LIMIT, 0, False),
        (-LIMIT + 1, 0, True),
        (-LIMIT, 0, False),
        # on sixteenths one is 16 of them
        (LIMIT - 16, 4, True),
        (LIMIT - 15, 4, False),
        # multiples of four are counted in ones
        (2**22 - 1, -2, True),
        (2**22, -2, False),
    ],
)
def test_the_distance_to_a_sign(most, fraction, expected):
    assert exact(most, fraction, quantizer("binary_tanh", "fixed<2,2>")) is expected


def test_a_sign_behind_a_soft_tanh_is_not_exact():
    node = quantizer("binary_tanh", "fixed<2,2>")
    soft = Node(**{name: getattr(node, name) for name in ("name", "op", "inputs", "shape", "function", "declared")},
                attributes={"soft": True}, keras_layer="act")  # fmt: skip
    assert exact(7, 0, node) and not exact(7, 0, soft)


def test_what_moves_thresholds_is_no_layer_of_keras():
    scale = Node(name="scale", op=Op.SCALE, inputs=("x",), shape=(1,), attributes={"threshold": 0.4}, keras_layer="t")
    spacer = Node(name="spacer", op=Op.ACTIVATION, inputs=("scale",), shape=(1,), function="linear",
                  attributes={"spacer": True}, keras_layer="t")  # fmt: skip
    sign = activation_node("act", "spacer", 1, "ternary_tanh", "fixed<2,2>")
    layers = {layer.node.name: layer.keras_exact for layer in resolve(network(7, 2, scale, spacer, sign), {})}
    assert layers["scale"] and layers["act"]


def prelu(*slopes: float) -> Node:
    return Node(name="act", op=Op.PRELU, inputs=("x",), shape=(1,), arrays={"param": np.array(slopes)}, keras_layer="p")


@pytest.mark.parametrize(
    ("most", "slope", "expected"),
    [
        (-5592405, 3.0, True),
        (-5592406, 3.0, False),
        (-5592405, 0.75, True),
        (-5592406, 0.75, False),
        (-5592405, -12.0, True),
        (-5592406, -12.0, False),
        (-LIMIT, 0.25, True),
        (-LIMIT, 0.0, True),
        # what is positive passes as it is
        (LIMIT, 3.0, True),
    ],
)
def test_a_slope_times_a_negative_value(most, slope, expected):
    assert exact(most, 0, prelu(slope)) is expected


@pytest.mark.parametrize(
    ("most", "slope", "expected"),
    [(-LIMIT, 1.0, True), (-LIMIT, 0.25, True), (-5592405, 0.75, True), (-5592406, 0.75, False)],
)
def test_a_short_slope_on_a_fine_grid_has_few_bits_of_its_own(most, slope, expected):
    layers = resolve(network(most, 0, prelu(slope)), {"act": {"param": parse_type("fixed<8,2>")}})
    assert layers[-1].types["param"].fraction == 6
    assert ("act" in exact_layers(layers)) is expected


@pytest.mark.parametrize(
    ("scale", "bias", "most", "expected"),
    [
        # the product, and the sum, each up to the limit
        (3.0, 0.0, 5592405, True),
        (3.0, 0.0, 5592406, False),
        (3.0, 1.0, 5592405, True),
        (3.0, 2.0, 5592405, False),
        # a product beyond, which the bias brings back
        (3.0, -16777215.0, 5592406, False),
        # halves of it: the bias's grid is finer
        (1.0, 0.5, 8388607, True),
        (1.0, 0.5, 8388608, False),
    ],
)
def test_a_scaled_value_and_its_bias(scale, bias, most, expected):
    node = Node(name="s", op=Op.SCALE, inputs=("x",), shape=(1,), keras_layer="s",
                arrays={"scale": np.array([scale]), "bias": np.array([bias])})  # fmt: skip
    assert exact(most, 0, node) is expected


def leaky(slope: float, result: str) -> Node:
    return Node(
        name="act", op=Op.ACTIVATION, inputs=("x",), shape=(1,), function="leaky_relu", keras_layer="act",
        arrays={"param": np.array([slope])}, declared={"result": parse_type(result)},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("most", "fraction", "expected"),
    [
        # the product with the slope is on eighths, and so is q on halves: 2^24 eighths, and one more
        (-(2**24), 1, True),
        (-(2**24) - 1, 1, False),
        (2**22, 1, True),
        (2**22 + 1, 1, False),
    ],
)
def test_a_leaky_quantizer_far_beyond_its_range(most, fraction, expected):
    if abs(most) > LIMIT:
        assert not resolve(network(most, fraction, leaky(0.25, "fixed<8,7,RND_CONV,SAT>")), {})[-1].keras_exact
    else:
        assert exact(most, fraction, leaky(0.25, "fixed<8,7,RND_CONV,SAT>")) is expected


@pytest.mark.parametrize(("fraction", "expected"), [(22, True), (23, False), (0, True)])
def test_a_sign_above_zero_takes_half_a_value_and_one_half(fraction, expected):
    shift = Node(name="act", op=Op.SCALE, inputs=("x",), shape=(1,), attributes={"above": 0.0}, keras_layer="act")
    assert exact(2, fraction, shift) is expected


def test_float32_rounds_what_is_called_soft():
    node = quantizer("linear", "fixed<8,7,RND_CONV,SAT>")
    assert exact(7, 0, node) and not exact(7, 0, replace(node, attributes={"soft": True}))
