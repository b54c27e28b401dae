"""Where floats stop being exact: what Keras computes in float32, and what a truncated mean may lose."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from networks import dense_node, input_node

from hlsflow.foundation.errors import UnsupportedError
from hlsflow.network.fixed_point import parse_type
from hlsflow.network.graph import Network, Node, Op
from hlsflow.network.ranges import resolve

# The first odd whole number that float32 does not have is 2^24 + 1.
LIMIT = 2**24


def last(*nodes: Node):
    network = Network(nodes=nodes, inputs=tuple(n.name for n in nodes if n.op is Op.INPUT), outputs=(nodes[-1].name,))
    return resolve(network, {})[-1]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("beyond", "exact"), [(-1, True), (0, True), (1, False), (2**25, False), (2**26, False)])
def test_a_sum_is_exact_in_keras_up_to_2_to_the_24(sign, beyond, exact):
    """An input up to 2^24 - 1 and a bias reach the limit, or one more than it."""
    bias = 1 + beyond
    layer = last(
        input_node(1, "ufixed<24,24>"),
        dense_node("fc", "x_in", np.array([[sign * 1.0]]), np.array([sign * float(bias)])),
    )
    assert max(abs(bound) for bound in layer.interval.bounds) == LIMIT + beyond
    assert layer.keras_exact is exact
    if beyond == 1:
        assert float(np.float32(LIMIT - 1) + np.float32(bias)) != LIMIT + 1


@pytest.mark.parametrize(("slope", "exact"), [(4096.0, True), (4097.0, False), (8193.0, False), (-4096.0, True)])
def test_a_leaky_value_is_exact_in_keras_up_to_2_to_the_24(slope, exact):
    """-4096 * 4096 is -2^24."""
    node = Node(name="act", op=Op.ACTIVATION, inputs=("x_in",), shape=(1,), function="leaky_relu",
                arrays={"param": np.array([slope])}, keras_layer="act")  # fmt: skip
    assert last(input_node(1, "fixed<13,13>"), node).keras_exact is exact
    prelu = Node(name="act", op=Op.PRELU, inputs=("x_in",), shape=(1,), arrays={"param": np.array([slope])},
                 keras_layer="act")  # fmt: skip
    assert last(input_node(1, "fixed<13,13>"), prelu).keras_exact is exact


@pytest.mark.parametrize(("types", "exact"), [(("fixed<13,13>",) * 2, True), (("fixed<13,13>", "fixed<14,14>"), False)])
def test_a_product_of_tensors_is_exact_in_keras_up_to_2_to_the_24(types, exact):
    merge = Node(name="m", op=Op.MERGE, inputs=("a", "b"), shape=(1,), function="multiply", keras_layer="m")
    assert last(input_node(1, types[0], "a"), input_node(1, types[1], "b"), merge).keras_exact is exact


def average(size: int, channels: int = 1) -> Node:
    attributes = {"global": False, "pool_height": 1, "pool_width": size, "stride_height": 1, "stride_width": size,
                  "pad_top": 0, "pad_bottom": 0, "pad_left": 0, "pad_right": 0}  # fmt: skip
    return Node(name="pool", op=Op.AVERAGE_POOL, inputs=("x_in",), shape=(1, channels), attributes=attributes,
                keras_layer="pool")  # fmt: skip


def image_input(size: int, type_: str) -> Node:
    node = input_node(size, type_)
    return Node(name="x_in", op=Op.INPUT, inputs=(), shape=(size, 1), declared=node.declared, keras_layer="x_in")


@pytest.mark.parametrize("finer", [-2, -1, 0, 1, 4, 7])
@pytest.mark.parametrize("size", [3, 5, 6, 7, 9, 11, 25])
def test_a_mean_that_was_cut_off_rounds_as_the_true_mean(size, finer):
    """A quantizer up to 7 bits finer than the input sees no difference between k/n and k/n cut off by the hardware."""
    data = parse_type("fixed<5,3>")
    layer = last(image_input(size, "fixed<5,3>"), average(size))
    accum, result = layer.types["accum"], layer.result
    quantized = data.fraction + finer
    for total in range(size * data.min_int, size * data.max_int + 1):
        # hls4ml: the accumulator's integer divided by n, cut toward zero, then assigned to the result.
        whole = Fraction(total) * Fraction(2) ** (accum.fraction - data.fraction)
        assert whole.denominator == 1 and accum.min_int <= whole <= accum.max_int
        cut = abs(int(whole)) // size * (1 if whole >= 0 else -1)
        stored = Fraction(cut, 2**accum.fraction) * 2**result.fraction
        assert stored.denominator == 1 and result.min_int <= stored <= result.max_int
        hardware = round(Fraction(cut, 2**accum.fraction) * Fraction(2) ** quantized)
        assert hardware == round(Fraction(total, size) / 2**data.fraction * Fraction(2) ** quantized), total


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_a_mean_of_a_power_of_two_is_exact(size):
    data = parse_type("fixed<5,3>")
    layer = last(image_input(size, "fixed<5,3>"), average(size))
    bits = size.bit_length() - 1
    assert layer.result.fraction == data.fraction + bits
    assert (layer.types["accum"].width, layer.types["accum"].fraction) == (5 + 2 * bits, data.fraction + bits)


@pytest.mark.parametrize(("width", "carried"), [(51, True), (52, True), (53, False)])
def test_a_sum_of_53_bits_is_carried_and_one_of_54_is_not(width, carried):
    """An unsigned input of `width` bits times 1: the accumulator has a sign as well."""
    nodes = input_node(1, f"ufixed<{width},{width}>"), dense_node("fc", "x_in", np.array([[1.0]]))
    if carried:
        assert last(*nodes).types["accum"].width == width + 1
    else:
        with pytest.raises(
            UnsupportedError, match=r"its accum needs 54 bits to be exact, more than 53 are not supported"
        ):
            last(*nodes)
