"""The factor that puts a ternary activation's thresholds in hls4ml where QKeras has them, on every value."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from networks import activation_node, input_node

from hlsflow.network.fixed_point import parse_type
from hlsflow.network.graph import Network, Node, Op
from hlsflow.network.ranges import resolve


def factor(type_: str, threshold: float, io_type: str, shape: tuple[int, ...] = (1,)) -> np.ndarray:
    first = input_node(1, type_, "x")
    first = Node(name="x", op=Op.INPUT, inputs=(), shape=shape, declared=first.declared, keras_layer="x")
    scale = Node(
        name="s", op=Op.SCALE, inputs=("x",), shape=shape, attributes={"threshold": threshold}, keras_layer="t"
    )
    sign = activation_node("act", "s", 1, "ternary_tanh", "fixed<2,2>")
    sign = Node(name="act", op=sign.op, inputs=("s",), shape=shape, function=sign.function, declared=sign.declared,
                keras_layer="t")  # fmt: skip
    layers = resolve(Network(nodes=(first, scale, sign), inputs=("x",), outputs=("act",)), {}, io_type)
    arrays = layers[1].node.arrays
    assert not arrays["bias"].any() and arrays["bias"].shape == arrays["scale"].shape == shape[-1:]
    assert layers[1].findings == ()
    return arrays["scale"]


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
@pytest.mark.parametrize("type_", ["fixed<7,3>", "fixed<7,7>", "fixed<6,1>", "fixed<5,7>"])
@pytest.mark.parametrize("threshold", [0.01, 0.0625, 0.3, 0.33, 0.5, 0.7, 1.0, 1.3, 2.0, 3.7])
def test_every_value_gets_qkeras_sign(threshold, type_, io_type):
    node = input_node(1, type_).declared["result"]
    (found,) = factor(type_, threshold, io_type)
    # nnet_activation.h compares 2x with 1 and -1, nnet_activation_stream.h x itself.
    doubled = 2 if io_type == "io_parallel" else 1
    for code in range(node.min_int, node.max_int + 1):
        x = code * node.lsb
        expected = 0 if abs(np.float32(x)) < np.float32(threshold) else int(np.sign(x))
        compared = doubled * found * x
        assert (1 if compared > 1 else 0 if compared > -1 else -1) == expected, (code, found)


@pytest.mark.parametrize(("type_", "io_type"), [("fixed<2,2>", "io_parallel"), ("fixed<3,2>", "io_stream"),
                                                ("fixed<4,4>", "io_parallel")])  # fmt: skip
def test_the_factor_is_never_one(type_, io_type):
    """hls4ml would leave the layer out. Behind another ternary activation every value counts from the first one on."""
    (found,) = factor(type_, 0.33, io_type)
    assert found != 1 and (2 if io_type == "io_parallel" else 1) * found * parse_type(type_).lsb > 1


@pytest.mark.parametrize("threshold", [0.01, 0.125, 0.2, 0.25, 0.375, 0.5, 0.9, 1.3, 2.0, 3.9])
def test_the_factor_has_as_few_bits_as_can_be(threshold):
    """In LSBs of 1/8 the first to count is T: a dyadic number between 1/(2T) and 1/(2(T-1)) is searched for."""
    (found,) = factor("fixed<7,4>", threshold, "io_parallel")
    first = max(1, ceil(threshold * 8))
    low, high = Fraction(1, 2 * first), Fraction(1, 2 * (first - 1)) if first > 1 else Fraction(2)
    bits = next(b for b in range(20) if any(low < Fraction(k, 2**b) < high for k in range(1, 2 ** (b + 1))))
    assert low < Fraction(found) / 8 < high
    assert (Fraction(found) / 8 * 2**bits).denominator == 1


def test_every_channel_has_the_factor():
    found = factor("fixed<7,3>", 0.3, "io_parallel", shape=(4, 5, 3))
    assert found.shape == (3,) and len(set(found)) == 1


# --- a sign above a value


def shifted(type_: str, threshold: float) -> tuple[float, float]:
    """The factor and the shift before the sign of what is above a threshold."""
    first = input_node(1, type_, "x")
    scale = Node(name="s", op=Op.SCALE, inputs=("x",), shape=(1,), attributes={"above": threshold}, keras_layer="t")
    sign = activation_node("act", "s", 1, "binary_tanh", "fixed<2,2>")
    layers = resolve(Network(nodes=(first, scale, sign), inputs=("x",), outputs=("act",)), {})
    assert layers[1].findings == ()
    return float(layers[1].node.arrays["scale"][0]), float(layers[1].node.arrays["bias"][0])


@pytest.mark.parametrize("type_", ["fixed<7,3>", "fixed<6,1>", "fixed<5,7>", "ufixed<4,4>"])
@pytest.mark.parametrize("threshold", [0.0, 0.0625, 0.3, 1.0, 3.7, -0.0625, -0.1, -1.0, 100.0])
def test_the_sign_is_one_above_the_threshold_alone(type_, threshold):
    node = input_node(1, type_).declared["result"]
    factor, shift = shifted(type_, threshold)
    for code in range(node.min_int, node.max_int + 1):
        x = code * node.lsb
        assert (x * factor + shift >= 0) == (x > threshold), (code, factor, shift)
    # hls4ml leaves out what multiplies by one and adds nothing.
    assert (factor, shift) != (1, 0)
