"""CSD digits, sharing and schedules, on cases that can be counted by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hlsflow.conversion.fixed_point import FixedType
from hlsflow.synthesis.estimate_arithmetic import Delays, constants_of, csd_digits, dsp_blocks, schedule
from hlsflow.synthesis.estimate_design import Kind, Layer


def dense(weights, *, live=None, biases=None, x_bits=8) -> Layer:
    weights = np.array(weights)
    type_ = FixedType(width=8, integer=8)
    return Layer(
        name="fc", function="dense", kind=Kind.DENSE, inputs=("x",), output="y",
        x=FixedType(width=x_bits, integer=x_bits), y=FixedType(width=24, integer=24),
        n_in=weights.shape[0], n_out=weights.shape[1], weight=type_, accum=FixedType(width=24, integer=24),
        weights=weights, biases=biases, live=live,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "digits"), [(0, 0), (1, 1), (-64, 1), (3, 2), (5, 2), (7, 2), (11, 3), (-21, 3), (85, 4), (127, 2)]
)
def test_csd_digits(value, digits):
    assert csd_digits(np.array([value]))[0] == digits


def test_only_distinct_constants_of_three_digits_multiply():
    found = constants_of(dense([[11, 11, 4, 0], [11, 13, 3, 1]]))
    # The first input's two products with 11 are one; the second has 11 and 13.
    assert found.multiplications == 3
    # 3 = 4 - 1 is one adder, 4 and 1 are wiring.
    assert found.shift_adds == 1
    assert found.distinct == 6
    assert found.terms.tolist() == [2, 2, 2, 1]


@pytest.mark.parametrize(("constant", "adders"), [(4, 0), (-4, 0), (3, 1), (-3, 2), (5, 1), (-5, 2)])
def test_adders_of_short_constants(constant, adders):
    assert constants_of(dense([[constant]])).shift_adds == adders


def test_a_multiplication_is_as_wide_as_its_constant_not_as_its_type():
    # 43 takes 7 bits with its sign, 43 << 20 no more; 11 + (1 << 21) takes 23.
    found = constants_of(dense([[43, 43 << 20, 11 + (1 << 21)]], x_bits=20))
    assert found.operands == {(20, 7): 2, (20, 23): 1}
    # A block takes 25 by 18 bits: 20 by 7, but not 20 by 23.
    assert found.blocks_each("7-series") == pytest.approx((1 + 1 + 2) / 3)


def test_distributed_arithmetic_multiplies_nothing():
    found = constants_of(replace(dense([[11, 85]]), strategy="distributed_arithmetic"))
    assert (found.multiplications, found.shift_adds) == (0, 2 + 3)


def test_a_dead_output_costs_nothing():
    weights = [[11, 13], [0, 21]]
    assert constants_of(dense(weights)).multiplications == 3
    found = constants_of(dense(weights, live=np.array([True, False])))
    assert (found.multiplications, found.live_inputs, found.adders) == (1, 1, 0)


def test_a_bias_is_a_term():
    assert constants_of(dense([[4], [8]], biases=np.array([1.0]))).adders == 2


@pytest.mark.parametrize(("usable_ns", "stages"), [(30.0, 1), (6.0, 2), (3.0, 4)])
def test_a_tree_of_sixteen_is_cut_where_the_clock_says(usable_ns, stages):
    # Sixteen powers of two: four levels of 3 ns.
    plan = schedule(
        constants_of(dense([[4]] * 16)), Delays(add_ns=3.0, chain_ns=2.0, multiply_ns=4.0), usable_ns,
        on_dsp=True, chain=False,
    )  # fmt: skip
    assert plan.stages == stages


def test_registers_are_the_values_alive_on_a_cut():
    constants = constants_of(dense([[4]] * 16))
    plan = schedule(constants, Delays(add_ns=3.0, chain_ns=2.0, multiply_ns=4.0), 6.0, on_dsp=True, chain=False)
    # After two of four levels four sums are alive; each is as wide as a product and two more bits: 8 + 2 + 2.
    assert plan.register_bits == pytest.approx(4 * 12)


def test_a_chain_is_as_deep_as_it_is_long():
    plan = schedule(
        constants_of(dense([[4]] * 100)), Delays(add_ns=3.0, chain_ns=2.0, multiply_ns=4.0), 4.0,
        on_dsp=True, chain=True,
    )  # fmt: skip
    assert plan.stages == 50
    assert plan.chained


@pytest.mark.parametrize(
    ("a", "b", "generation", "blocks"),
    [(8, 8, "7-series", 1), (25, 18, "7-series", 1), (27, 18, "7-series", 2), (27, 18, "ultrascale+", 1),
     (53, 16, "ultrascale+", 2)],
)  # fmt: skip
def test_dsp_blocks(a, b, generation, blocks):
    assert dsp_blocks(a, b, generation) == blocks


@pytest.mark.parametrize(
    ("a", "b", "generation", "blocks"),
    [
        # A signed operand is cut into unsigned pieces and one with the sign: of 25 bits every further piece gives 24,
        # of 18 bits 17 (UG479, "wider multipliers": 35 by 25 takes two blocks, 42 by 35 four).
        (35, 25, "7-series", 2), (36, 25, "7-series", 3), (42, 35, "7-series", 4),
        (49, 18, "7-series", 2), (50, 18, "7-series", 3), (18, 50, "7-series", 3), (36, 26, "7-series", 4),
        (53, 18, "ultrascale", 2), (54, 18, "ultrascale", 3), (47, 27, "versal", 2), (48, 27, "versal", 3),
        (1, 1, "versal", 1), (1, 36, "7-series", 2),
    ],
)  # fmt: skip
def test_wider_products_take_a_block_for_every_piece(a, b, generation, blocks):
    assert dsp_blocks(a, b, generation) == blocks
