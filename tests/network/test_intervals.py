"""Interval rules against their definition: every value that an input can take is tried, in whole numbers."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import permutations, product

import numpy as np
import pytest
from casts import cast_one
from hypothesis import given
from hypothesis import strategies as st

from hlsflow.network import intervals
from hlsflow.network.fixed_point import FixedType, Overflow, Rounding, parse_type
from hlsflow.network.graph import Node, Op
from hlsflow.network.intervals import Interval


def interval(low, high, fraction: int = 0) -> Interval:
    return Interval(low=np.array(low, dtype=np.float64), high=np.array(high, dtype=np.float64), fraction=fraction)


def node(op: Op, shape: tuple[int, ...], **attributes) -> Node:
    return Node(name="n", op=op, inputs=("x",), shape=shape, attributes=attributes)


def values_of(x: Interval) -> list[list[int]]:
    """Every tensor (flat) whose values lie within the interval."""
    ends = zip(x.low.ravel(), x.high.ravel(), strict=True)
    return [list(values) for values in product(*(range(int(low), int(high) + 1) for low, high in ends))]


def real(bound: float, fraction: int) -> Fraction:
    """A bound as the number that it stands for."""
    return Fraction(bound) / Fraction(2) ** fraction


BOUNDS = st.tuples(st.integers(-6, 6), st.integers(0, 5)).map(lambda pair: (pair[0], pair[0] + pair[1]))


# --- the interval itself


def test_what_a_type_holds():
    found = intervals.full(parse_type("fixed<4,2>"), (2, 3))
    assert (found.low.shape, found.fraction) == ((2, 3), 2)
    assert set(found.low.ravel()) == {-8} and set(found.high.ravel()) == {7}
    assert intervals.full(parse_type("ufixed<3,3>"), (1,)).bounds == (0, 7)


def test_bounds_are_those_of_the_whole_tensor():
    assert interval([-3, 2, 0], [1, 9, 4]).bounds == (-3, 9)


def test_a_finer_grid_keeps_the_values():
    found = interval([-3, 2], [1, 9], 1).at(4)
    assert found.fraction == 4
    assert [real(value, 4) for value in found.low] == [Fraction(-3, 2), 1]
    assert [real(value, 4) for value in found.high] == [Fraction(1, 2), Fraction(9, 2)]


@pytest.mark.parametrize(
    ("low", "high", "signed", "expected"),
    [
        (0, 7, False, "ufixed<3,2>"),
        (0, 8, False, "ufixed<4,3>"),
        (0, 7, True, "fixed<4,3>"),
        (-1, 7, False, "fixed<4,3>"),
        (-8, 7, True, "fixed<4,3>"),
        (-9, 7, False, "fixed<5,4>"),
        (0, 0, True, "fixed<1,0>"),
        # all values above zero: the bit of the sign is not asked for
        (4, 5, False, "ufixed<3,2>"),
    ],
)
def test_the_smallest_type_has_a_sign_where_asked_or_needed(low, high, signed, expected):
    assert str(interval([low], [high], 1).smallest_type(signed=signed)) == expected


# --- assignment


TYPES = st.builds(
    FixedType,
    width=st.integers(1, 5),
    integer=st.integers(-1, 5),
    signed=st.booleans(),
    rounding=st.sampled_from(Rounding),
    overflow=st.sampled_from(Overflow),
)


@given(st.lists(BOUNDS, min_size=1, max_size=3), st.integers(-2, 3), TYPES)
def test_an_assignment_loses_exactly_what_some_value_loses(ends, fraction, type_):
    x = interval([low for low, _ in ends], [high for _, high in ends], fraction)
    wide = FixedType(width=40, integer=40 - type_.fraction, rounding=type_.rounding)
    rounds = overflows = False
    for low, high in ends:
        for value in range(low, high + 1):
            exact = Fraction(value) * Fraction(2) ** (type_.fraction - fraction)
            rounded = cast_one(value, fraction, wide)
            rounds = rounds or rounded != exact
            overflows = overflows or not type_.min_int <= rounded <= type_.max_int
    assert intervals.loses(x, type_) == (rounds, overflows)


@given(st.lists(BOUNDS, min_size=1, max_size=3), st.integers(-2, 3), TYPES)
def test_no_value_leaves_the_interval_of_its_assignment(ends, fraction, type_):
    found = intervals.assigned(interval([low for low, _ in ends], [high for _, high in ends], fraction), type_)
    assert found.fraction == type_.fraction
    reached = [[cast_one(value, fraction, type_) for value in range(low, high + 1)] for low, high in ends]
    for low, high, values in zip(found.low, found.high, reached, strict=True):
        assert low <= min(values) and max(values) <= high
    # Where nothing wraps or jumps to zero the bounds are reached: a monotone function maps ends to ends.
    if type_.overflow in (Overflow.SAT, Overflow.SAT_SYM):
        assert [min(values) for values in reached] == found.low.tolist()
        assert [max(values) for values in reached] == found.high.tolist()


@given(
    BOUNDS,
    st.integers(-2, 3),
    TYPES,
    st.sampled_from(Overflow),
    st.sampled_from(Rounding),
    st.integers(0, 3),
    st.booleans(),
)
def test_two_types_have_the_same_effect_only_if_every_value_says_so(
    ends, fraction, type_, overflow, rounding, wider, signed
):
    other = replace(
        type_, width=type_.width + wider, integer=type_.integer + wider, overflow=overflow, rounding=rounding,
        signed=signed,
    )  # fmt: skip
    values = range(ends[0], ends[1] + 1)
    same = [cast_one(value, fraction, type_) for value in values] == [cast_one(v, fraction, other) for v in values]
    if intervals.same_effect(interval([ends[0]], [ends[1]], fraction), type_, other):
        assert same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        # 0 to 9: what cannot happen makes no difference
        ("ufixed<4,4>", "fixed<5,5>", True),
        ("ufixed<4,4,RND,SAT>", "fixed<8,8,RND_CONV,SAT_ZERO>", True),
        ("fixed<4,4,TRN,SAT>", "ufixed<3,3,TRN,SAT>", True),
        ("fixed<4,4,TRN,SAT>", "fixed<4,4,TRN,SAT_SYM>", True),
        # 7 and no more, or anything else above 7
        ("fixed<4,4,TRN,SAT>", "fixed<4,4>", False),
        ("fixed<4,4,TRN,SAT>", "fixed<4,4,TRN,SAT_ZERO>", False),
        ("fixed<4,4,TRN,SAT>", "fixed<5,5,TRN,SAT>", False),
        ("fixed<4,4>", "fixed<4,4,TRN,SAT_ZERO>", False),
        # another grid, and another way onto the same one
        ("fixed<6,6>", "fixed<6,5>", False),
        ("fixed<6,7,RND>", "fixed<6,7,RND_CONV>", False),
        ("fixed<6,7,RND>", "fixed<7,8,RND>", True),
    ],
)
def test_types_with_the_same_effect_on_0_to_9(one, other, same):
    x = interval([0, 3], [5, 9])
    assert intervals.same_effect(x, parse_type(one), parse_type(other)) is same
    assert intervals.same_effect(x, parse_type(other), parse_type(one)) is same


@pytest.mark.parametrize(("overflow", "same"), [("SAT", False), ("SAT_SYM", True)])
def test_the_most_negative_code_tells_two_kinds_of_saturation_apart(overflow, same):
    one, other = parse_type("fixed<4,4,TRN,SAT_SYM>"), parse_type(f"fixed<4,4,TRN,{overflow}>")
    assert intervals.same_effect(interval([-8], [0]), one, other) is same
    assert intervals.same_effect(interval([-7], [9]), one, other) is True


@pytest.mark.parametrize("narrow", ["fixed<4,4>", "fixed<4,4,TRN,SAT>", "fixed<4,4,TRN,SAT_ZERO>"])
def test_the_most_negative_code_is_a_value_like_others_where_nothing_is_symmetric(narrow):
    assert intervals.same_effect(interval([-8], [7]), parse_type(narrow), parse_type("fixed<5,5>"))


def test_a_depthwise_product_is_on_the_grid_of_both_factors():
    x, weight = interval([[-3]] * 2, [[5]] * 2, 1), np.array([[[1]], [[-2]]])
    found = intervals.depthwise_product(node(Op.DEPTHWISE, (1, 1)), x, {"weight": weight}, {"weight": 3}).total
    assert found.fraction == 4 and found.bounds == (-3 - 10, 5 + 6)


def test_a_wrap_reaches_everything_and_a_fit_stays():
    wrapped = intervals.assigned(interval([0], [8]), parse_type("fixed<4,4>"))
    assert wrapped.bounds == (-8, 7)
    assert intervals.assigned(interval([0], [7]), parse_type("fixed<4,4>")).bounds == (0, 7)
    assert intervals.assigned(interval([3], [9]), parse_type("fixed<4,4,TRN,SAT_ZERO>")).low.item() <= 0


# --- sums of products


def conv(weight: np.ndarray, shape: tuple[int, ...], *, bias=None, **pads: int) -> tuple[Node, dict, dict]:
    arrays = {"weight": weight} | ({} if bias is None else {"bias": np.array(bias)})
    return node(Op.CONV, shape, **pads), arrays, dict.fromkeys(arrays, 0)


def test_the_zero_of_padding_is_a_value_too():
    """An input that is 3 to 5 everywhere: at the border the kernel meets zeros, so 0 and 3 can stand side by side."""
    x = interval([[3], [3]], [[5], [5]])
    weight = np.array([[[1]], [[-1]]])
    inside, arrays, fractions = conv(weight, (1, 1))
    assert intervals.matrix_product(inside, x, arrays, fractions).total.bounds == (3 - 5, 5 - 3)
    for side in ("pad_left", "pad_right", "pad_top", "pad_bottom"):
        padded, arrays, fractions = conv(weight, (3, 1), **{side: 1})
        found = intervals.matrix_product(padded, x, arrays, fractions)
        # 0 * 1 + 5 * -1 and 5 * 1 + 0 * -1.
        assert found.total.bounds == (-5, 5), side


def test_the_zero_of_padding_in_a_depthwise_convolution():
    x = interval([[3, -5], [3, -5]], [[5, -3], [5, -3]])
    weight = np.array([[[1], [1]], [[-1], [2]]])
    plain = node(Op.DEPTHWISE, (1, 2))
    padded = node(Op.DEPTHWISE, (3, 2), pad_left=1)
    bounds = intervals.depthwise_product(plain, x, {"weight": weight}, {"weight": 0}).total
    assert bounds.low.ravel().tolist() == [3 - 5, -5 - 10] and bounds.high.ravel().tolist() == [5 - 3, -3 - 6]
    bounds = intervals.depthwise_product(padded, x, {"weight": weight}, {"weight": 0}).total
    assert bounds.low[0].tolist() == [-5, -15] and bounds.high[0].tolist() == [5, 0]


def test_channels_are_bounded_each_over_all_positions():
    x = interval([[1, -4], [3, -2]], [[2, -1], [7, -1]])
    low, high = intervals.per_channel(x)
    assert (low.tolist(), high.tolist()) == ([1, -4], [7, -1])
    low, high = intervals.per_channel(x, padded=True)
    assert (low.tolist(), high.tolist()) == ([0, -4], [7, 0])


@given(
    st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 2)), min_size=1, max_size=3),
    st.lists(st.integers(-3, 3), min_size=3, max_size=3),
    st.one_of(st.none(), st.integers(-5, 5)),
    st.integers(0, 2),
    st.integers(0, 5),
)
def test_a_dense_sum_is_bounded_and_its_bounds_are_reached(ends, weights, bias, fraction, bias_fraction):
    x = interval([low for low, _ in ends], [low + span for low, span in ends], fraction)
    weight = np.array(weights[: len(ends)])[:, None]
    arrays = {"weight": weight} | ({} if bias is None else {"bias": np.array([bias])})
    found = intervals.matrix_product(node(Op.DENSE, (1,)), x, arrays, {"weight": 1, "bias": bias_fraction})
    sums, partial = [], [Fraction(0)]
    for values in values_of(x):
        terms = [Fraction(int(w) * v, 2 ** (fraction + 1)) for w, v in zip(weight[:, 0], values, strict=True)]
        terms.append(Fraction(bias or 0, 2**bias_fraction))
        sums.append(sum(terms))
        for order in permutations(terms):
            partial += [sum(order[:count]) for count in range(1, len(order) + 1)]
    total = found.total
    assert (real(total.low[0], total.fraction), real(total.high[0], total.fraction)) == (min(sums), max(sums))
    low, high = real(found.partial.low[0], total.fraction), real(found.partial.high[0], total.fraction)
    # Any order: the least partial sum has every negative term and nothing else.
    assert (low, high) == (min(partial), max(partial))
    assert found.partial.fraction == total.fraction


def test_every_position_of_a_convolution_has_the_bounds_of_its_filter():
    weight = np.array([[[1, -2]], [[3, 0]]])
    geometry, arrays, fractions = conv(weight, (4, 2), bias=[1, -1])
    found = intervals.matrix_product(geometry, interval([[0]] * 5, [[2]] * 5), arrays, fractions).total
    assert found.low.shape == (4, 2)
    assert found.low.tolist() == [[1, -5]] * 4 and found.high.tolist() == [[9, -1]] * 4


@pytest.mark.parametrize("bias_fraction", [0, 1, 3, 4])
def test_a_bias_on_a_finer_grid_makes_the_sum_s_grid_finer(bias_fraction):
    """3 inputs of -1..2 on halves, weights 3, -5, 1 on halves: sums of quarters, and a bias of 2^-bias_fraction."""
    arrays = {"weight": np.array([[3], [-5], [1]]), "bias": np.array([1])}
    x = interval([-1] * 3, [2] * 3, 1)
    found = intervals.matrix_product(node(Op.DENSE, (1,)), x, arrays, {"weight": 1, "bias": bias_fraction})
    assert found.total.fraction == max(2, bias_fraction)
    bias = Fraction(1, 2**bias_fraction)
    ends = [real(bound, found.total.fraction) for bound in found.total.bounds]
    assert ends == [Fraction(-3 - 10 - 1, 4) + bias, Fraction(6 + 5 + 2, 4) + bias]
    assert [real(bound, found.total.fraction) for bound in found.partial.bounds] == [
        Fraction(-14, 4), Fraction(13, 4) + bias
    ]  # fmt: skip
    for bounds in (found.total, found.partial):
        assert bounds.low.item().is_integer() and bounds.high.item().is_integer()


def test_a_kernel_of_two_axes_is_summed_over_both():
    """Two channels, 2 by 3 places; every input is 1 to 2."""
    weight = np.arange(-6, 6).reshape(2, 3, 2, 1)
    x = interval(np.ones((4, 4, 2)), np.full((4, 4, 2), 2))
    found = intervals.depthwise_product(node(Op.DEPTHWISE, (3, 2, 2)), x, {"weight": weight}, {"weight": 0}).total
    for channel in (0, 1):
        taps = [int(value) for value in weight[:, :, channel].ravel()]
        assert set(found.low[..., channel].ravel()) == {sum(w * (1 if w > 0 else 2) for w in taps)}
        assert set(found.high[..., channel].ravel()) == {sum(w * (2 if w > 0 else 1) for w in taps)}
    whole = np.arange(-12, 12).reshape(2, 3, 2, 2)
    found = intervals.matrix_product(node(Op.CONV, (3, 2, 2)), x, {"weight": whole}, {"weight": 0}).total
    for out in (0, 1):
        taps = [int(value) for value in whole[..., out].ravel()]
        assert set(found.low[..., out].ravel()) == {sum(w * (1 if w > 0 else 2) for w in taps)}
        assert set(found.high[..., out].ravel()) == {sum(w * (2 if w > 0 else 1) for w in taps)}


def test_a_bias_of_zeros_makes_the_grid_no_finer():
    arrays = {"weight": np.array([[1]]), "bias": np.array([0])}
    found = intervals.matrix_product(node(Op.DENSE, (1,)), interval([0], [1]), arrays, {"weight": 0, "bias": 9})
    assert found.total.fraction == 0 and found.total.bounds == (0, 1)


# --- single values


@given(BOUNDS, st.integers(-4, 4), st.integers(-4, 4), st.integers(0, 2), st.integers(0, 3))
def test_a_scaled_value(ends, scale, bias, fraction, bias_fraction):
    x = interval([ends[0]], [ends[1]], fraction)
    arrays = {"scale": np.array([scale]), "bias": np.array([bias])}
    found = intervals.scaled(node(Op.SCALE, (1,)), x, arrays, {"scale": 1, "bias": bias_fraction})
    values = [
        Fraction(value * scale, 2 ** (fraction + 1)) + Fraction(bias, 2**bias_fraction)
        for value in range(ends[0], ends[1] + 1)
    ]
    assert real(found.low[0], found.fraction) == min(values)
    assert real(found.high[0], found.fraction) == max(values)


@pytest.mark.parametrize(("bias", "fraction"), [(0, 3), (1, 5), (-3, 5)])
def test_a_scaled_value_lies_on_the_finest_grid_that_is_needed(bias, fraction):
    """Halves times quarters are eighths; a bias of 2^-5 needs that, a bias of zero nothing."""
    arrays = {"scale": np.array([3]), "bias": np.array([bias])}
    found = intervals.scaled(node(Op.SCALE, (1,)), interval([-5], [7], 1), arrays, {"scale": 2, "bias": 5})
    assert found.fraction == fraction
    assert found.low.item().is_integer() and found.high.item().is_integer()
    assert real(found.low[0], fraction) == Fraction(-15, 8) + Fraction(bias, 32)


@given(st.lists(BOUNDS, min_size=1, max_size=4), st.integers(-5, 5), st.integers(-2, 3))
def test_a_leaky_value(ends, slope, slope_fraction):
    x = interval([low for low, _ in ends], [high for _, high in ends], 1)
    found = intervals.leaky(x, np.array([slope]), slope_fraction)
    for index, (low, high) in enumerate(ends):
        values = [
            Fraction(value, 2) * (1 if value > 0 else Fraction(slope) / Fraction(2) ** slope_fraction)
            for value in range(low, high + 1)
        ]
        assert real(found.low[index], found.fraction) == min(values)
        assert real(found.high[index], found.fraction) == max(values)
        # bounds are whole numbers of LSBs, and so is every value between them
        assert all((value * 2**found.fraction).denominator == 1 for value in values)


def test_a_leaky_value_with_a_negative_slope_passes_zero():
    """Both ends map above zero, and the least value lies between them."""
    found = intervals.leaky(interval([-4], [3]), np.array([-2]), 0)
    assert found.bounds == (0, 8)
    # From -1 up to 0 there is no crossing to positive values: 0 is an end.
    assert intervals.leaky(interval([-1], [0]), np.array([-2]), 0).bounds == (0, 2)
    assert intervals.leaky(interval([1], [3]), np.array([-2]), 0).bounds == (1, 3)


# --- two tensors


MERGES = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "average": lambda a, b: (a + b) / 2,
    "maximum": max,
    "minimum": min,
}


@pytest.mark.parametrize("function", MERGES)
@given(BOUNDS, BOUNDS, st.integers(-1, 2), st.integers(-1, 2))
def test_merged_values(function, first, second, fraction, other_fraction):
    a, b = interval([first[0]], [first[1]], fraction), interval([second[0]], [second[1]], other_fraction)
    found = intervals.merged(function, a, b)
    values = [
        MERGES[function](real(x, fraction), real(y, other_fraction))
        for x in range(first[0], first[1] + 1)
        for y in range(second[0], second[1] + 1)
    ]
    assert real(found.low[0], found.fraction) == min(values)
    assert real(found.high[0], found.fraction) == max(values)


def test_an_unknown_merge_is_said():
    with pytest.raises(ValueError, match="unknown merge dot"):
        intervals.merged("dot", interval([0], [1]), interval([0], [1]))


# --- values that move


def test_a_reshape_keeps_each_value_s_bounds():
    found = intervals.moved(node(Op.RESHAPE, (4,)), interval([[1, 2], [3, 4]], [[5, 6], [7, 8]], 2))
    assert (found.low.tolist(), found.high.tolist(), found.fraction) == ([1, 2, 3, 4], [5, 6, 7, 8], 2)


def test_a_transpose_moves_each_value_s_bounds():
    x = interval([[1, 2, 3], [4, 5, 6]], [[11, 12, 13], [14, 15, 16]], 2)
    found = intervals.moved(node(Op.TRANSPOSE, (3, 2), dims=[2, 1]), x)
    assert found.low.tolist() == [[1, 4], [2, 5], [3, 6]]
    assert found.high.tolist() == [[11, 14], [12, 15], [13, 16]]


def test_padding_brings_its_zero_and_resizing_none():
    x = interval([[3, -9], [4, -8]], [[5, -6], [6, -7]], 1)
    padded = intervals.moved(node(Op.PAD, (4, 2)), x)
    assert (padded.low[0].tolist(), padded.high[0].tolist(), padded.low.shape) == ([0, -9], [6, 0], (4, 2))
    resized = intervals.moved(node(Op.RESIZE, (4, 2)), x)
    assert (resized.low[3].tolist(), resized.high[3].tolist(), resized.fraction) == ([3, -9], [6, -6], 1)


@pytest.mark.parametrize("function", ["hard_tanh", "hard_sigmoid"])
@pytest.mark.parametrize("fraction", [-2, 0, 1, 3])
@pytest.mark.parametrize("ends", [(-20, 20), (-3, -1), (-1, 2), (1, 5), (0, 0), (9, 12)])
def test_a_hard_function(function, fraction, ends):
    found = intervals.hard(function, interval([ends[0]], [ends[1]], fraction))
    lsb = Fraction(2) ** -found.fraction
    values = [
        min(max(integer * Fraction(2) ** -fraction, Fraction(-1)), Fraction(1))
        for integer in range(ends[0], ends[1] + 1)
    ]
    values = values if function == "hard_tanh" else [(value + 1) / 2 for value in values]
    assert all(value % lsb == 0 for value in values)
    assert tuple(bound * lsb for bound in found.bounds) == (min(values), max(values))
