"""The types of QKeras' quantizers by their definition, and those that no type equals refused with a reason."""

from __future__ import annotations

from fractions import Fraction

import pytest

from hlsflow.network.quantizers import (
    NotExact,
    activation_quantizer,
    configuration_of,
    kernel_type,
    quantizer_type,
)


@pytest.mark.parametrize(
    ("bits", "integer", "keep_negative", "symmetric", "expected"),
    [
        # quantized_bits(bits, integer): the sign is in `bits` and not in `integer`
        (8, 0, True, False, "fixed<8,1,RND_CONV,SAT>"),
        (8, 2, True, False, "fixed<8,3,RND_CONV,SAT>"),
        (4, 4, True, True, "fixed<4,5,RND_CONV,SAT_SYM>"),
        (6, -2, True, False, "fixed<6,-1,RND_CONV,SAT>"),
        (8, 2, False, False, "ufixed<8,2,RND_CONV,SAT>"),
        # without a sign there is nothing to be symmetric about
        (8, 2, False, True, "ufixed<8,2,RND_CONV,SAT>"),
    ],
)
def test_the_type_of_a_quantizer(bits, integer, keep_negative, symmetric, expected):
    found = quantizer_type(bits=bits, integer=integer, keep_negative=keep_negative, symmetric=symmetric)
    assert str(found) == expected
    # Its values: multiples of 2^(integer - bits + sign) up to, not including, 2^integer.
    step = Fraction(2) ** (integer - bits + keep_negative)
    assert Fraction(found.lsb) == step
    assert (found.max_int + 1) * step == Fraction(2) ** integer


def test_a_quantizer_has_a_sign_unless_told_otherwise():
    assert str(quantizer_type(bits=5, integer=1)) == "fixed<5,2,RND_CONV,SAT>"


BITS = {"bits": 8, "integer": 1, "keep_negative": True, "alpha": 1.0}


def kernel(class_name: str = "quantized_bits", **changes):
    # A name that was read from a file, equal to the code's own and not the same object.
    return kernel_type({"class_name": "".join(list(class_name)), "config": {**BITS, **changes}})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "fixed<8,2>"),
        ({"alpha": 1}, "fixed<8,2>"),
        ({"keep_negative": False}, "ufixed<8,1>"),
        ({"keep_negative": 0, "bits": 1}, "ufixed<1,1>"),
        ({"bits": 2}, "fixed<2,2>"),
        ({"bits": 24}, "fixed<24,2>"),
        # a sign alone is no grid; beyond float32 Keras itself has fewer values; scaled by data or by another number
        ({"bits": 1}, None),
        ({"bits": 25}, None),
        ({"alpha": None}, None),
        ({"alpha": "auto"}, None),
        ({"alpha": "auto_po2"}, None),
        ({"alpha": 2.0}, None),
        ({"alpha": 0.5}, None),
    ],
)
def test_the_type_that_a_kernel_s_quantizer_declares(changes, expected):
    found = kernel(**changes)
    assert (None if found is None else str(found)) == expected


@pytest.mark.parametrize("name", ["binary", "ternary"])
@pytest.mark.parametrize(
    ("alpha", "expected"),
    [(1, "fixed<2,2>"), (1.0, "fixed<2,2>"), (4.0, "fixed<2,4>"), (0.5, "fixed<2,1>"), (0.125, "fixed<2,-1>"),
     (3.0, None), (0.3, None), (-1.0, None), (0.0, None), ("auto", None), (None, None)],
)  # fmt: skip
def test_two_and_three_values_have_a_grid_where_alpha_is_a_power_of_two(name, alpha, expected):
    found = kernel(name, alpha=alpha)
    assert (None if found is None else str(found)) == expected
    if found is not None:
        # -alpha, 0 and alpha are values of it.
        assert (found.min_int <= -1) and (found.max_int >= 1) and found.lsb == alpha


def test_no_quantizer_and_an_unknown_one_declare_nothing():
    assert kernel_type(None) is None
    assert kernel("quantized_po2") is None
    for name in ("bernoulli", "quantized_linear", "stochastic_binary"):
        assert kernel(name, alpha=4.0) is None and kernel(name) is None


ACTIVATIONS = {
    "quantized_bits": {"bits": 6, "integer": 2, "keep_negative": True, "symmetric": False, "alpha": None},
    "quantized_relu": {"bits": 6, "integer": 2},
    "quantized_tanh": {"bits": 6},
    "quantized_sigmoid": {"bits": 6},
    "ternary": {"alpha": 1},
    "binary": {"alpha": 1.0},
}


@pytest.mark.parametrize(
    ("name", "changes", "function", "type_"),
    [
        ("quantized_bits", {}, "linear", "fixed<6,3,RND_CONV,SAT>"),
        ("quantized_bits", {"symmetric": 1}, "linear", "fixed<6,3,RND_CONV,SAT_SYM>"),
        ("quantized_bits", {"keep_negative": False}, "linear", "ufixed<6,2,RND_CONV,SAT>"),
        ("quantized_bits", {"keep_negative": False, "bits": 1}, "linear", "ufixed<1,2,RND_CONV,SAT>"),
        ("quantized_bits", {"bits": 2, "alpha": 1}, "linear", "fixed<2,3,RND_CONV,SAT>"),
        ("quantized_relu", {}, "relu", "ufixed<6,2,RND_CONV,SAT>"),
        ("quantized_relu", {"negative_slope": 0, "use_sigmoid": 0}, "relu", "ufixed<6,2,RND_CONV,SAT>"),
        # the bound is not used unless is_quantized_clip is off, and not felt above the greatest value, 4 - 1/16
        ("quantized_relu", {"relu_upper_bound": 1.0}, "relu", "ufixed<6,2,RND_CONV,SAT>"),
        ("quantized_relu", {"relu_upper_bound": 1.0, "is_quantized_clip": True}, "relu", "ufixed<6,2,RND_CONV,SAT>"),
        ("quantized_relu", {"relu_upper_bound": 3.9375, "is_quantized_clip": False}, "relu",
         "ufixed<6,2,RND_CONV,SAT>"),
        ("quantized_relu", {"relu_upper_bound": 6.0, "is_quantized_clip": False}, "relu", "ufixed<6,2,RND_CONV,SAT>"),
        ("quantized_relu", {"integer": 3, "relu_upper_bound": 7.875, "is_quantized_clip": False}, "relu",
         "ufixed<6,3,RND_CONV,SAT>"),
        ("quantized_tanh", {}, "hard_tanh", "fixed<6,1,RND_CONV,SAT>"),
        ("quantized_tanh", {"symmetric": True}, "hard_tanh", "fixed<6,1,RND_CONV,SAT_SYM>"),
        ("quantized_sigmoid", {}, "hard_sigmoid", "ufixed<6,0,RND_CONV,SAT>"),
        ("ternary", {}, "ternary_tanh", "fixed<2,2>"),
        ("ternary", {"alpha": None}, "ternary_tanh", "fixed<2,2>"),
        ("binary", {}, "binary_tanh", "fixed<2,2>"),
        ("binary", {"use_stochastic_rounding": False, "qnoise_factor": 1.0}, "binary_tanh", "fixed<2,2>"),
    ],
)  # fmt: skip
def test_the_hardware_activation_of_a_quantizer(name, changes, function, type_):
    found = activation_quantizer(name, ACTIVATIONS[name] | changes)
    assert (found.function, str(found.result)) == (function, type_)


@pytest.mark.parametrize(
    ("name", "changes", "reason", "way_out"),
    [
        ("quantized_bits", {"bits": 1}, "quantized_bits of one bit is a sign function", "binary(alpha=1)"),
        ("quantized_bits", {"alpha": "auto"}, "alpha='auto' scales an activation by its own data", "alpha=1"),
        ("quantized_bits", {"alpha": 2.0}, "alpha=2.0 on an activation is ignored by hls4ml", "alpha=1"),
        ("quantized_bits", {"alpha": 0.0}, "alpha=0.0 on an activation is ignored by hls4ml", "alpha=1"),
        ("ternary", {"alpha": "auto_po2"}, "alpha='auto_po2' scales an activation by its own data", "alpha=1"),
        ("binary", {"alpha": 0.5}, "alpha=0.5 on an activation is ignored by hls4ml", "alpha=1"),
        ("binary", {"use_01": True}, "binary(use_01=True) gives 0 and 1", "use_01=False"),
        ("quantized_relu", {"negative_slope": 0.25}, "a leaky quantized_relu quantizes its two sides",
         "negative_slope=0, or quantized_bits after a LeakyReLU"),
        ("quantized_relu", {"use_sigmoid": 1}, "quantized_relu with use_sigmoid is a hard sigmoid", "use_sigmoid=0"),
        ("quantized_relu", {"relu_upper_bound": 3.9, "is_quantized_clip": False},
         "relu_upper_bound=3.9 lies inside the range of 6 bits", "is_quantized_clip=True"),
        ("quantized_relu", {"integer": 3, "relu_upper_bound": 7.75, "is_quantized_clip": False},
         "relu_upper_bound=7.75 lies inside the range of 6 bits", "is_quantized_clip=True"),
        ("quantized_tanh", {"use_real_tanh": True}, "the real tanh is a table", "use_real_tanh=False"),
        ("quantized_sigmoid", {"use_real_sigmoid": True}, "the real sigmoid is a table", "use_real_sigmoid=False"),
        ("quantized_sigmoid", {"symmetric": True}, "a symmetric quantized_sigmoid never gives 0", "symmetric=False"),
        ("quantized_po2", {}, "hls4ml does not convert the activation 'quantized_po2'", "use quantized_relu"),
    ],
)  # fmt: skip
def test_a_quantizer_that_no_type_equals_is_refused_with_a_way_out(name, changes, reason, way_out):
    with pytest.raises(NotExact) as caught:
        activation_quantizer(name, ACTIVATIONS.get(name, {}) | changes)
    assert reason in str(caught.value)
    assert way_out in caught.value.way_out


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_noise_is_refused_in_every_quantizer(name):
    with pytest.raises(NotExact, match="stochastic rounding has no hardware counterpart") as caught:
        activation_quantizer(name, ACTIVATIONS[name] | {"use_stochastic_rounding": True})
    assert caught.value.way_out == "use_stochastic_rounding=False"
    for factor in (0.0, 0.5, 1.5):
        with pytest.raises(NotExact, match="qnoise_factor below 1 mixes in the unquantized value") as caught:
            activation_quantizer(name, ACTIVATIONS[name] | {"qnoise_factor": factor})
        assert caught.value.way_out == "qnoise_factor=1.0"


@pytest.mark.parametrize("clips", [True, False])
def test_a_relu_says_whether_it_clips_at_its_bound_though_its_configuration_does_not(clips):
    """A STAND-IN for `qkeras.quantized_relu`, whose `get_config` leaves `is_quantized_clip` out."""
    config = {"bits": 8, "integer": 4, "relu_upper_bound": 6.0}
    quantizer = type("quantized_relu", (), {"get_config": lambda self: config, "is_quantized_clip": clips})()
    assert configuration_of(quantizer) == config | {"is_quantized_clip": clips}
    if clips:
        assert activation_quantizer("quantized_relu", configuration_of(quantizer)).function == "relu"
    else:
        with pytest.raises(NotExact, match=r"relu_upper_bound=6.0 lies inside the range of 8 bits"):
            activation_quantizer("quantized_relu", configuration_of(quantizer))
