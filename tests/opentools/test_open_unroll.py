"""Unrolling in a process of its own: the same design, the same refusals, within its time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rtl_networks import network
from tool_fixtures import needs_da4ml

from hlsflow.foundation.errors import ToolError, UnsupportedError
from hlsflow.opentools.budget import Budget
from hlsflow.opentools.unroll import unroll_within
from hlsflow.rtl.unrolled import unrolled_design

pytestmark = [pytest.mark.slow, needs_da4ml]
NET = network((6, 4, 3), (1, 1))


def test_it_is_the_design_that_is_made_here(tmp_path):
    assert unroll_within(Budget(), NET, "top", 24, tmp_path) == unrolled_design(NET, "top", bus_bits=24)
    assert (tmp_path / "da4ml.log").read_text() == "unrolling fc0\nunrolling fc1\n"


def test_a_refusal_comes_back_as_it_is(tmp_path):
    zeros = replace(NET.layers[0], weights=np.zeros_like(NET.layers[0].weights))
    with pytest.raises(UnsupportedError, match="every weight of 'fc0' is zero: nothing to unroll"):
        unroll_within(Budget(), replace(NET, layers=(zeros, NET.layers[1])), "top", None, tmp_path)


def test_it_ends_with_its_time(tmp_path):
    large = network((300, 100), (1,))
    with pytest.raises(
        ToolError, match=r"da4ml: no end after 0\.1 min, it was at unrolling fc0\n  --synth-timeout-min"
    ):
        unroll_within(Budget(timeout_s=6), large, "top", None, tmp_path)
