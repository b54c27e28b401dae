"""The types of QKeras' quantizers by their definition, and those that no type equals refused with a reason."""

from __future__ import annotations

from fractions import Fraction

import pytest

from hlsflow.network.quantizers import (
    NotExact,
    activation_quantizer,
    configuration_of,
    exponents_beyond,
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
        ("quantized_bits", {"bits": 1}, "binary_tanh", "fixed<2,2>"),
        ("quantized_relu", {"negative_slope": 0.25}, "leaky_relu", "fixed<6,3,RND_CONV,SAT>"),
        # steps of two LSBs of the plain ReLU
        ("quantized_relu", {"use_sigmoid": 1}, "relu", "ufixed<6,3,RND_CONV,SAT>"),
    ],
)  # fmt: skip
def test_the_hardware_activation_of_a_quantizer(name, changes, function, type_):
    found = activation_quantizer(name, ACTIVATIONS[name] | changes)
    assert (found.function, str(found.result)) == (function, type_)


@pytest.mark.parametrize(
    ("name", "changes", "reason", "way_out"),
    [
        ("quantized_bits", {"bits": 0}, "quantized_bits of 0 bits", "at least one bit"),
        ("quantized_bits", {"alpha": "auto"}, "alpha='auto' scales an activation by its own data", "alpha=1"),
        ("quantized_bits", {"alpha": 0.3}, "alpha=0.3 of an activation is no short binary fraction", "alpha=1"),
        ("quantized_bits", {"alpha": [1.0, 2.0]}, "of an activation is no short binary fraction", "alpha=1"),
        ("quantized_bits", {"alpha": 0.0}, "alpha=0 makes every value of an activation zero", "alpha=1"),
        ("ternary", {"alpha": "auto_po2"}, "alpha='auto_po2' scales an activation by its own data", "alpha=1"),
        ("binary", {"alpha": 1 / 3}, "of an activation is no short binary fraction", "alpha=1"),
        ("quantized_relu", {"negative_slope": 2.0}, "a leaky quantized_relu of slope 2", "a slope of 1, 0.5"),
        ("quantized_relu", {"negative_slope": 2.0**-13}, "a leaky quantized_relu of slope 0.000", "a slope of 1, 0.5"),
        ("quantized_relu", {"negative_slope": 0.5, "bits": 1}, "a leaky quantized_relu of 1 bit", "at least two bits"),
        ("quantized_relu", {"use_sigmoid": 1, "bits": 1}, "use_sigmoid of one bit", "use_sigmoid=0"),
        ("quantized_relu", {"use_sigmoid": 1, "negative_slope": 0.5}, "or with a slope, rounds to", "use_sigmoid=0"),
        ("quantized_relu", {"relu_upper_bound": 3.9, "is_quantized_clip": False},
         "relu_upper_bound=3.9 is no short binary fraction", "e.g. 1.5"),
        ("quantized_po2", {}, "'quantized_po2' as an activation is a staircase to powers of two", "quantized_relu"),
        ("bernoulli", {}, "hls4ml does not convert the activation 'bernoulli'", "use quantized_relu"),
        ("quantized_hswish", {"relu_shift": 0.3, "relu_upper_bound": 6}, "a shift and a bound of no", "whole numbers"),
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
    found = activation_quantizer("quantized_relu", configuration_of(quantizer))
    assert (found.function, found.most, found.soft) == ("relu", None if clips else 6.0, not clips)


NO_CLIP = {"is_quantized_clip": False}


@pytest.mark.parametrize(
    ("name", "changes", "held", "scaled"),
    [
        ("quantized_relu", {}, (None, None), (1, 0)),
        ("quantized_relu", {"negative_slope": 0.25}, (-1, None), (1, 0)),
        ("quantized_relu", {"negative_slope": 1.0}, (None, None), (1, 0)),
        # finer than the LSB of 1/8
        ("quantized_relu", {"negative_slope": 2.0**-6}, (-(2.0**-4), None), (1, 0)),
        ("quantized_relu", {"relu_upper_bound": 3.75, **NO_CLIP}, (None, 3.75), (1, 0)),
        # above the greatest value, 4 - 1/8 of five bits and a sign
        ("quantized_relu", {"relu_upper_bound": 3.9, "negative_slope": 0.5, **NO_CLIP}, (-2, None), (1, 0)),
        ("quantized_relu", {"use_sigmoid": 1}, (None, 4 - 1 / 16), (1, 0)),
        ("quantized_relu", {"use_sigmoid": 1, "relu_upper_bound": 2.5, **NO_CLIP}, (None, 2.5), (1, 0)),
        ("quantized_sigmoid", {"symmetric": True}, (1 / 64, None), (1, 0)),
        ("quantized_bits", {"alpha": 0.5}, (None, None), (0.5, 0)),
        ("binary", {"use_01": True}, (None, None), (0.5, 0.5)),
        ("binary", {"use_01": True, "alpha": 4}, (None, None), (2, 2)),
        ("ternary", {"alpha": 0.75}, (None, None), (0.75, 0)),
    ],
)
def test_what_becomes_of_the_function_s_values(name, changes, held, scaled):
    found = activation_quantizer(name, ACTIVATIONS[name] | changes)
    assert ((found.least, found.most), (found.factor, found.offset), found.table) == (held, scaled, "")


@pytest.mark.parametrize(
    ("name", "changes", "soft"),
    [
        ("quantized_bits", {"alpha": None}, False),
        ("quantized_bits", {"alpha": 1}, False),
        ("quantized_bits", {"alpha": 2}, True),
        ("binary", {"alpha": None}, True),
        ("binary", {"alpha": 2}, True),
        ("ternary", {}, False),
        ("quantized_relu", {}, False),
        ("quantized_relu", NO_CLIP, True),
        ("quantized_relu", {"use_sigmoid": 1}, True),
    ],
)
def test_float32_rounds_where_the_quantized_value_may_be_far_from_what_it_is_added_to(name, changes, soft):
    assert activation_quantizer(name, ACTIVATIONS[name] | changes).soft is soft


@pytest.mark.parametrize(("name", "table"), [("tanh", "tanh"), ("sigmoid", "sigmoid")])
def test_a_real_function_is_a_table_whose_values_are_quantized(name, table):
    found = activation_quantizer(f"quantized_{name}", {"bits": 6, f"use_real_{name}": True})
    assert (found.function, found.table, found.result.width) == ("linear", table, 6)


@pytest.mark.parametrize(("bits", "fine"), [(1, True), (11, True), (12, False), (1e9, False)])
def test_powers_of_two_are_those_that_qkeras_computes(bits, fine):
    assert (exponents_beyond("quantized_po2", bits) is None) is fine
    assert exponents_beyond("quantized_bits", bits) is None and exponents_beyond("quantized_po2", None) is None
