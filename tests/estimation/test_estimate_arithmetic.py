"""CSD digits, sharing and schedules, on cases that can be counted by hand."""

from __future__ import annotations

from dataclasses import replace
from math import log2

import numpy as np
import pytest

from hlsflow.estimation.arithmetic import (
    Delays,
    Schedule,
    constants_of,
    csd_digits,
    diagonal,
    dsp_blocks,
    schedule,
)
from hlsflow.estimation.design import Kind, Layer
from hlsflow.network.fixed_point import FixedType


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


def test_every_sum_over_the_constants_of_a_layer():
    found = constants_of(dense([[11, -21], [3, -8]]))
    # 11 takes four bits and a sign as an operand, -21 six with its sign; both in fabric beside eight bits.
    assert (found.live_inputs, found.multiplications, found.wide, found.distinct) == (2, 2, 0, 4)
    assert found.operands == {(8, 5): 1, (8, 6): 1}
    assert (found.fabric_bits, found.narrow_bits) == (8 * 4 + 8 * 6, 8 * 4 + 8 * 6)
    # 3 = 4 - 1; -8 is subtracted where it is added.
    assert (found.shift_adds, found.shift_add_bits) == (1, pytest.approx(8 + log2(3)))
    assert (found.terms.tolist(), found.multiplied.tolist(), found.added.tolist()) == ([2, 2], [1, 1], [1, 1])
    assert found.product_width == pytest.approx([8 + log2(11 * 3) / 2, 8 + log2(21 * 8) / 2])
    # 14 and 29 times 8 bits, with a sign.
    assert found.sum_width.tolist() == [13, 14]
    assert (found.adders, found.adder_bits) == (2, 13 + 14)


def test_products_of_more_than_ten_bits_are_wide():
    for bits, wide in ((10, 0), (11, 2)):
        found = constants_of(dense([[11, -21]], x_bits=bits))
        narrow = 0 if wide else bits * 4 + bits * 6
        assert (found.wide, found.fabric_bits, found.narrow_bits) == (wide, bits * 4 + bits * 6, narrow)
    # One of the two is.
    mixed = constants_of(dense([[11, 11 + (1 << 10)]]))
    assert (mixed.wide, mixed.fabric_bits, mixed.narrow_bits) == (1, 8 * 4 + 8 * 11, 8 * 4)


def test_what_an_accumulator_cuts_off_is_not_summed_and_no_sum_is_wider_than_it():
    layer = dense([[11, -21], [3, -8]])
    # Two fractional bits of the weights, none of the accumulator.
    found = constants_of(replace(layer, weight=FixedType(width=8, integer=6)))
    assert found.product_width == pytest.approx([6 + log2(11 * 3) / 2, 6 + log2(21 * 8) / 2])
    assert found.sum_width.tolist() == [11, 12]
    narrow = constants_of(replace(layer, accum=FixedType(width=11, integer=11)))
    assert narrow.sum_width.tolist() == [11, 11] and narrow.product_width == pytest.approx([8 + log2(33) / 2, 11])


def test_an_input_that_is_constant_is_left_out_and_one_of_fewer_bits_counts_as_such():
    found = constants_of(replace(dense([[11, -21], [3, -8]]), input_bits=np.array([0, 5])))
    assert (found.live_inputs, found.multiplications, found.shift_adds) == (1, 0, 1)
    assert found.shift_add_bits == pytest.approx(5 + log2(3)) and found.terms.tolist() == [1, 1]
    assert found.blocks_each("7-series") == 0 and found.product_width == pytest.approx([5 + log2(3), 8])


def test_a_diagonal_sums_a_product_and_a_bias_for_each_output():
    found = diagonal(constants_of(dense([[11], [13], [4]])), 4)
    assert found.terms.tolist() == [2] * 4 and found.multiplied.tolist() == [0.5] * 4
    assert found.added.tolist() == [0] * 4
    assert found.product_width == pytest.approx([8 + log2(11 * 13 * 4) / 3] * 4)
    # 28 times 8 bits, with a sign.
    assert found.sum_width.tolist() == [14] * 4


def test_a_product_in_a_block_takes_its_stages_and_its_own_registers():
    constants, delays = constants_of(dense([[11]] * 4)), Delays(add_ns=3.0, chain_ns=2.0, multiply_ns=8.0)
    # Three cycles of the block, two additions in the fourth: four products, each no wider than the sum's 15 bits.
    assert schedule(constants, delays, 6.0, on_dsp=True, chain=False) == Schedule(
        stages=4, register_bits=pytest.approx(4 * 15), chained=False
    )
    # In fabric it takes a cycle: two additions of 3 ns fit one, and so does the product.
    assert schedule(constants, delays, 6.0, on_dsp=False, chain=False) == Schedule(
        stages=2, register_bits=pytest.approx(4 * (8 + log2(11) + 2)), chained=False
    )
    # A clock that holds the product holds it in a block as well: 8/3 levels and two.
    assert schedule(constants, delays, 9.0, on_dsp=True, chain=False).stages == 2


def test_a_chain_holds_the_sum_and_the_next_product():
    delays = Delays(add_ns=3.0, chain_ns=2.0, multiply_ns=4.0)
    # 10 bits a product, and a hundred of them: 400 times 8 bits, with a sign.
    assert schedule(constants_of(dense([[4]] * 100)), delays, 4.0, on_dsp=True, chain=True) == Schedule(
        stages=50, register_bits=50 * (18 + 10), chained=True
    )
    assert schedule(constants_of(dense([[11]] * 100)), delays, 4.0, on_dsp=True, chain=True).stages == 51
    nothing = Schedule(stages=1, register_bits=0.0, chained=False)
    assert schedule(constants_of(dense([[0], [0]])), delays, 4.0, on_dsp=True, chain=True) == nothing
