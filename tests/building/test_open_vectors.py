"""Whose integers RTL is compared with: those of the traced layer, or of the top function's port."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rtl_networks import network

from hlsflow.building.tools.vectors import _of_layer

NET = network((3, 2), (3,))
LOGITS, PORT = np.array([[1, 2]]), np.array([[0, 8]])


@pytest.mark.parametrize(
    ("changes", "kept", "expected"),
    [
        # The port of a network with a softmax of tables gives its probabilities, which are not compared.
        ({"left_out": ("softmax",)}, {"fc0": LOGITS, "y_out": PORT}, LOGITS),
        ({"left_out": ("softmax",)}, {"y_out": PORT}, None),
        # An argmax is in the RTL, so the port is what counts; so it is without a softmax.
        ({"output": "argmax"}, {"fc0": LOGITS, "y_out": PORT}, PORT),
        ({}, {"fc0_out": LOGITS, "y_out": PORT}, PORT),
    ],
)
def test_whose_values(changes, kept, expected):
    found = _of_layer(kept, replace(NET, **changes), "y_out", (1, 2))
    assert (found is None) == (expected is None)
    if expected is not None:
        np.testing.assert_array_equal(found, expected)
