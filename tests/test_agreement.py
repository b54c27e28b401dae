"""The comparison finds one wrong integer among many, and the layer it came from."""

from __future__ import annotations

import numpy as np
import pytest

from hlsflow.conversion.agreement import agree, first_difference
from hlsflow.conversion.fixed_point import parse_type

TYPE = parse_type("fixed<14,7,RND_CONV,SAT>")


def test_equal_integers_are_exact():
    values = np.arange(20).reshape(4, 5)
    found = agree("logits", values, values.copy(), TYPE)
    assert found.exact and found.max_error_lsb == 0 and found.argmax_agreement == 1.0
    assert (found.samples, found.values, found.type) == (4, 20, "fixed<14,7>")


def test_one_wrong_integer_fails():
    keras = np.arange(20).reshape(4, 5)
    hardware = keras.copy()
    hardware[2, 4] -= 3
    found = agree("logits", keras, hardware, TYPE)
    assert not found.exact
    assert (found.mismatching_samples, found.mismatching_values, found.max_error_lsb) == (1, 1, 3)
    assert found.argmax_agreement == 0.75


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
        {"fc1": equal, "relu1": equal, "fc2": equal},
        {"fc1": equal, "relu1": wrong, "fc2": later},
        dict.fromkeys(["fc1", "relu1", "fc2"], TYPE),
        [40, 77],
    )
    assert (found.layer, found.sample, found.position, found.error_lsb) == ("relu1", 77, 2, 7)
    assert (found.keras_integer, found.hardware_integer) == (0, -7)


def test_no_difference_is_none():
    same = {"fc1": np.zeros((1, 1), dtype=np.int64)}
    assert first_difference(["fc1"], same, same, {"fc1": TYPE}, [0]) is None
