"""What the comparison counts, against a loop over single values; and which layers it passes over."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from hlsflow.building.agreement import Difference, agree, first_difference
from hlsflow.foundation.errors import ModelError
from hlsflow.network.fixed_point import parse_type

TYPE = parse_type("fixed<8,4>")


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("shape", [(1, 5), (5, 1), (7, 3), (3, 7), (2, 2)])
def test_every_count_is_that_of_single_values(shape, seed):
    """Errors stand in few samples or few columns, so that samples, columns and values are different numbers."""
    rng = np.random.default_rng(seed)
    hardware = rng.integers(-20, 20, shape)
    keras = hardware * TYPE.lsb
    wrong = rng.random(shape) < 0.3
    wrong[rng.integers(shape[0])] = False
    keras[wrong] += rng.choice([-0.5, 1.0, 3.0, -4.25], int(wrong.sum())) * TYPE.lsb
    found = agree("y", keras, hardware, TYPE)
    errors = [
        [abs(Fraction(int(h)) - Fraction(float(k)) * 16) for h, k in zip(hs, ks, strict=True)]
        for hs, ks in zip(hardware, keras, strict=True)
    ]
    flat = [error for row in errors for error in row]
    assert found.samples == shape[0] and found.values == len(flat)
    assert found.mismatching_values == sum(error != 0 for error in flat)
    assert found.mismatching_samples == sum(any(row) for row in errors)
    assert found.max_error_lsb == float(max(flat)) and found.max_abs_error == float(max(flat) / 16)
    assert found.exact == (max(flat) == 0)
    same = [list(k).index(max(k)) == list(h).index(max(h)) for k, h in zip(keras, hardware, strict=True)]
    assert found.argmax_agreement == pytest.approx(sum(same) / len(same))


def test_no_samples_agree():
    found = first_difference(["a"], {"a": np.zeros((0, 2))}, {"a": np.zeros((0, 2), dtype=np.int64)}, {"a": TYPE}, [])
    assert found is None


def test_a_layer_that_one_side_lacks_is_passed_over_and_the_next_one_judged():
    zero, one = np.zeros((1, 2)), np.array([[0, 3]])
    expected = {"a": zero, "c": zero, "d": zero}
    found = {"b": one, "c": one, "d": one}
    types = dict.fromkeys("abcd", TYPE)
    first = first_difference(["a", "b", "c", "d"], expected, found, types, [9])
    assert (first.layer, first.sample, first.position) == ("c", 9, 1)
    assert first_difference(["a", "b"], expected, found, types, [9]) is None


def test_a_difference_is_as_large_as_its_distance():
    values = {"layer": "a", "sample": 0, "position": 0, "type": "fixed<8,4>"}
    assert Difference(**values, expected_lsb=2.5, found_lsb=-1).error_lsb == 3.5
    assert Difference(**values, expected_lsb=-2.5, found_lsb=-1).error_lsb == 1.5


def test_a_tolerance_is_in_the_layer_s_own_unit_and_of_its_own_layer():
    expected, found = {"a": np.array([[0.0, 0.0]])}, {"a": np.array([[2, 0]])}
    types = {"a": TYPE}
    # two LSBs of 1/16
    assert first_difference(["a"], expected, found, types, [0], {"a": 0.125}) is None
    assert first_difference(["a"], expected, found, types, [0], {"a": 0.12}).position == 0
    assert first_difference(["a"], expected, found, types, [0], {"b": 1.0}).position == 0
    # 1.5 LSBs off, and 1.76 allowed: a tolerance need not be whole either
    expected = {"a": np.array([[0.03125, 0.0]])}
    assert first_difference(["a"], expected, found, types, [0], {"a": 0.11}) is None


@pytest.mark.parametrize("shapes", [((2, 3), (2, 4)), ((2, 4), (2, 3)), ((3, 2), (2, 2)), ((2, 2), (3, 2))])
def test_neither_side_may_have_more_values(shapes):
    with pytest.raises(ValueError, match=r"output 'y': .* values from Keras, .* from the hardware"):
        agree("y", np.zeros(shapes[0]), np.zeros(shapes[1], dtype=np.int64), TYPE)


def test_the_first_value_that_is_no_number_is_named():
    keras = np.zeros((4, 3))
    keras[1, 2], keras[3, 0] = np.nan, np.inf
    with pytest.raises(ModelError, match=r"output 'y' of Keras is nan for sample 1: no hardware can equal that"):
        agree("y", keras, np.zeros((4, 3), dtype=np.int64), TYPE)
