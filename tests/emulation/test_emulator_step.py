"""How many bits a number takes, by its definition, and the weights of a call read or refused."""

from __future__ import annotations

import numpy as np
import pytest
from hls_projects import project, run
from hypothesis import given
from hypothesis import strategies as st

from hlsflow.emulation.emulator import make_emulator
from hlsflow.emulation.step import magnitude_bits, type_bits
from hlsflow.foundation.errors import UnsupportedError
from hlsflow.hls.call_fields import constants_of
from hlsflow.network.fixed_point import parse_type


@given(st.integers(-(2**30), 2**30), st.integers(0, 2**30))
def test_a_signed_integer_of_so_many_bits_holds_every_value(low, span):
    high = low + span
    bits = magnitude_bits(float(low), float(high))
    assert -(2 ** (bits - 1)) <= low and high <= 2 ** (bits - 1) - 1
    # One bit less would hold neither the largest value nor its negative.
    assert max(abs(low), abs(high), 1) > 2 ** (bits - 2) - 1


@pytest.mark.parametrize(
    ("low", "high", "bits"),
    [(0, 1, 2), (-1, 1, 2), (0, 2, 3), (0, 3, 3), (-3, 0, 3), (0, 4, 4), (-4, 4, 4), (0, 255, 9)],
)
def test_bits_of_small_ranges(low, high, bits):
    assert magnitude_bits(low, high) == bits


@pytest.mark.parametrize(
    ("text", "fraction", "bits"),
    [("fixed<8,4>", None, 8), ("ufixed<8,4>", None, 9), ("fixed<8,4>", 4, 8), ("fixed<8,4>", 7, 11),
     ("fixed<8,4>", 1, 8), ("ufixed<8,12>", 0, 13)],
)  # fmt: skip
def test_a_type_on_a_finer_grid_takes_more_bits(text, fraction, bits):
    assert type_bits(parse_type(text), fraction) == bits


def dense(folder, n_in: int, values: int):
    config = {
        "n_in": n_in, "n_out": 1, "weight_t": "fixed<4,4>", "bias_t": "fixed<4,4>", "accum_t": "fixed<20,20>",
        "product": "nnet::product::mult", "strategy": "nnet::latency", "reuse_factor": 1,
    }  # fmt: skip
    return project("dense", ["fixed<4,4>", "fixed<20,20>"], config=config, arguments=("x", "y", "w2", "b2"),
                   folder=folder, weights={"w2": np.ones(values), "b2": [0.0]})  # fmt: skip


@pytest.mark.parametrize(("due", "found"), [(3, 2), (3, 4), (300, 299), (300, 301)])
def test_too_few_weights_and_too_many_are_refused(due, found, tmp_path):
    with pytest.raises(UnsupportedError, match=f"w2.txt holds {found} values where {due} are due"):
        make_emulator(dense(tmp_path, due, found))


def test_a_large_matrix_is_taken_as_it_is(tmp_path):
    made = dense(tmp_path, 1000, 1000)
    assert run(made, np.ones((1, 1000), dtype=np.int64)) == [[1000]]
    values = constants_of(made, "w2", parse_type("fixed<6,4>"), 1000)
    assert values.dtype == np.int64 and set(values) == {4}
