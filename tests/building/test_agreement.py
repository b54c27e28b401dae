"""The comparison finds one wrong value among many, and the layer it came from; nothing is rounded before it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlsflow.building.agreement import agree, first_difference
from hlsflow.foundation.errors import ModelError
from hlsflow.network.fixed_point import parse_type

TYPE = parse_type("fixed<14,7,RND_CONV,SAT>")


def test_equal_values_are_exact():
    values = np.arange(20).reshape(4, 5)
    found = agree("logits", values * TYPE.lsb, values.copy(), TYPE)
    assert found.exact and found.max_error_lsb == 0 and found.max_abs_error == 0 and found.argmax_agreement == 1.0
    assert (found.samples, found.values, found.type) == (4, 20, "fixed<14,7>")


def test_one_wrong_integer_fails():
    keras = np.arange(20).reshape(4, 5)
    hardware = keras.copy()
    hardware[2, 4] -= 3
    found = agree("logits", keras * TYPE.lsb, hardware, TYPE)
    assert not found.exact
    assert (found.mismatching_samples, found.mismatching_values, found.max_error_lsb) == (1, 1, 3)
    assert found.max_abs_error == 3 * TYPE.lsb and found.argmax_agreement == 0.75


@pytest.mark.parametrize("text", ["fixed<6,6>", "fixed<3,6>", "fixed<2,8>"])
def test_what_a_coarse_type_rounds_away_is_a_difference(text):
    """The gate once rounded Keras to the hardware's last bit before it compared: a network at chance was "exact"."""
    coarse = parse_type(text)
    keras = np.array([[-1.25, 0.5, 3.0]])
    hardware = np.rint(keras * 2.0**coarse.fraction).astype(np.int64)
    found = agree("logits", keras, hardware, coarse)
    assert not found.exact
    assert found.max_abs_error == np.abs(hardware * coarse.lsb - keras).max() > 0
    assert found.max_error_lsb == found.max_abs_error / coarse.lsb
    if text == "fixed<6,6>":
        # -1.25, 0.5 and 3 are rounded to -1, 0 and 3: off by up to half a bit.
        assert (found.mismatching_values, found.max_error_lsb) == (2, 0.5)


def test_a_value_beyond_the_range_differs_by_what_saturation_took():
    narrow = parse_type("fixed<4,2>")
    found = agree("logits", np.array([[5.0, 1.0]]), np.array([[7, 4]]), narrow)
    assert (found.mismatching_values, found.max_abs_error, found.max_error_lsb) == (1, 3.25, 13)


@given(
    keras=st.lists(st.integers(-(2**20), 2**20), min_size=1, max_size=8),
    hardware=st.integers(-128, 127),
    fraction=st.integers(-3, 10),
)
def test_the_largest_error_is_that_of_the_real_values(keras, hardware, fraction):
    """Against rational arithmetic: Keras is in units of 2^-12, finer than the hardware's type."""
    type_ = parse_type(f"fixed<8,{8 - fraction}>")
    expected = [Fraction(value, 2**12) for value in keras]
    found = agree(
        "y", np.array([[float(value) for value in expected]]), np.full((1, len(keras)), hardware), type_
    )  # fmt: skip
    errors = [abs(Fraction(hardware) / Fraction(2) ** fraction - value) for value in expected]
    assert found.max_abs_error == float(max(errors))
    assert found.mismatching_values == sum(error != 0 for error in errors)
    assert found.exact == (max(errors) == 0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused(bad):
    with pytest.raises(ModelError, match=r"output 'logits' of Keras is .* for sample 1"):
        agree("logits", np.array([[0.0], [bad]]), np.zeros((2, 1), dtype=np.int64), TYPE)


def test_other_shapes_are_an_error():
    with pytest.raises(ValueError, match="output 'logits'"):
        agree("logits", np.zeros((2, 3)), np.zeros((2, 4)), TYPE)


def test_the_first_layer_in_order_is_named_at_its_worst_value():
    equal = np.zeros((2, 3), dtype=np.int64)
    wrong = equal.copy()
    wrong[1, 2], wrong[0, 0] = -7, 2
    later = np.full((2, 3), 100)
    found = first_difference(
        ["fc1", "relu1", "fc2"],
        dict.fromkeys(["fc1", "relu1", "fc2"], equal * TYPE.lsb),
        {"fc1": equal, "relu1": wrong, "fc2": later},
        dict.fromkeys(["fc1", "relu1", "fc2"], TYPE),
        [40, 77],
    )
    assert (found.layer, found.sample, found.position, found.error_lsb) == ("relu1", 77, 2, 7)
    assert (found.expected_lsb, found.found_lsb) == (0, -7)


def test_a_layer_may_differ_by_what_is_allowed_it_and_by_no_more():
    expected = {"pool": np.array([[1 / 3]]), "relu": np.array([[0.5]])}
    found = {"pool": np.array([[42]]), "relu": np.array([[65]])}
    types = dict.fromkeys(found, TYPE)
    assert first_difference(["pool", "relu"], expected, found, types, [0]).layer == "pool"
    assert first_difference(["pool", "relu"], expected, found, types, [0], {"pool": TYPE.lsb}).layer == "relu"
    assert first_difference(["pool"], expected, found, types, [0], {"pool": TYPE.lsb / 2}).layer == "pool"


def test_no_difference_is_none():
    same = np.zeros((1, 1), dtype=np.int64)
    assert first_difference(["fc1"], {"fc1": same * TYPE.lsb}, {"fc1": same}, {"fc1": TYPE}, [0]) is None
