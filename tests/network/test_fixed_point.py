"""The cast is checked against exact rational arithmetic, one value at a time."""

from fractions import Fraction

import numpy as np
import pytest
from casts import cast_one
from hypothesis import given
from hypothesis import strategies as st

from hlsflow.network.fixed_point import (
    FixedType,
    Overflow,
    Rounding,
    cast,
    fraction_of,
    parse_type,
    round_shift,
    rounds_beyond,
    to_integers,
    type_for_range,
)


@pytest.mark.parametrize(
    ("source", "to", "beyond"),
    [
        # The bit of one half is the first of the source, the next one further, and two.
        ("ufixed<4,0>", "ufixed<4,4,RND_CONV>", False), ("ufixed<4,-1>", "ufixed<4,4,RND_CONV>", True),
        ("ufixed<4,1>", "ufixed<4,4,RND>", False), ("fixed<3,-2>", "fixed<4,2,RND_CONV,SAT>", False),
        ("fixed<3,-3>", "fixed<4,2,RND_CONV,SAT>", True), ("fixed<3,-3>", "fixed<4,2,TRN,SAT>", False),
        ("fixed<3,-3>", "fixed<4,2,TRN_ZERO>", True), ("ufixed<3,-3>", "fixed<4,2,TRN_ZERO>", False),
    ],
)  # fmt: skip
def test_a_type_that_rounds_far_above_another_gives_zero_alone(source, to, beyond):
    source, to = parse_type(source), parse_type(to)
    assert rounds_beyond(source, to) is beyond
    if beyond:
        codes = np.arange(source.min_int, source.max_int + 1, dtype=np.float64)
        assert not cast(codes, source.fraction, to).any()


types = st.builds(
    FixedType,
    width=st.integers(1, 14),
    integer=st.integers(-6, 16),
    signed=st.booleans(),
    rounding=st.sampled_from(Rounding),
    overflow=st.sampled_from(Overflow),
)


@given(st.lists(st.integers(-(2**18), 2**18), min_size=1, max_size=40), st.integers(-3, 14), types)
def test_cast_equals_the_definition_in_every_dtype(values, fraction, to):
    expected = [cast_one(value, fraction, to) for value in values]
    for dtype in (np.int64, np.float64):
        assert cast(np.array(values, dtype=dtype), fraction, to).astype(np.int64).tolist() == expected


@given(st.lists(st.integers(-(2**10), 2**10), min_size=1, max_size=40), st.integers(0, 8), types)
def test_cast_in_float32_below_24_bits(values, fraction, to):
    if to.fraction - fraction > 12:
        return
    expected = [cast_one(value, fraction, to) for value in values]
    assert cast(np.array(values, dtype=np.float32), fraction, to).astype(np.int64).tolist() == expected


wide_types = st.builds(
    FixedType,
    width=st.integers(1, 63),
    integer=st.integers(-40, 80),
    signed=st.booleans(),
    rounding=st.sampled_from(Rounding),
    overflow=st.sampled_from(Overflow),
)
# Ties and their neighbours, as far down as int64 goes.
near_ties = st.builds(
    lambda power, sign, off: max(-(2**63), min(2**63 - 1, sign * 2**power + off)),
    st.integers(0, 63), st.sampled_from((-1, 1)), st.integers(-2, 2),
)  # fmt: skip


@given(st.lists(near_ties, min_size=1, max_size=20), st.integers(0, 90), wide_types)
def test_the_whole_of_int64_is_cast_as_defined_or_refused(values, fraction, to):
    shift = fraction - to.fraction
    if shift < 0 and any(abs(value) << -shift >= 2**63 for value in values):
        return
    expected = [cast_one(value, fraction, to) for value in values]
    assert cast(np.array(values, dtype=np.int64), fraction, to).tolist() == expected


@given(st.lists(near_ties, min_size=1, max_size=20), st.sampled_from(Rounding), st.integers(0, 1200))
def test_both_paths_round_as_defined_however_far_they_shift(values, rounding, shift):
    to = FixedType(width=64, integer=64, rounding=rounding)
    expected = [cast_one(value, shift, to) for value in values]
    assert round_shift(np.array(values, dtype=np.int64), shift, rounding).tolist() == expected
    for dtype, bits in ((np.float64, 53), (np.float32, 24)):
        held = [(value, right) for value, right in zip(values, expected, strict=True) if abs(value) <= 1 << bits]
        found = round_shift(np.array([value for value, _ in held], dtype=dtype), shift, rounding)
        assert found.astype(np.int64).tolist() == [right for _, right in held]


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("dtype", [np.int64, np.float64, np.float32])
def test_a_value_far_below_the_last_bit_rounds_by_its_sign(rounding, dtype):
    down = rounding is Rounding.TRN
    for shift in (63, 64, 65, 66, 149, 150, 200, 1074, 1100):
        found = round_shift(np.array([-1, 0, 1], dtype=dtype), shift, rounding)
        assert found.tolist() == [-1 if down else 0, 0, 0], shift


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [
        (Rounding.TRN, [-2, -1, 0, 1]), (Rounding.TRN_ZERO, [-1, 0, 0, 1]), (Rounding.RND, [-1, 0, 1, 2]),
        (Rounding.RND_MIN_INF, [-2, -1, 0, 1]), (Rounding.RND_ZERO, [-1, 0, 0, 1]), (Rounding.RND_INF, [-2, -1, 1, 2]),
        (Rounding.RND_CONV, [-2, 0, 0, 2]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("dtype", [np.int64, np.float64, np.float32])
def test_ties_in_every_mode_and_dtype(rounding, expected, dtype):
    assert round_shift(np.array([-3, -1, 1, 3], dtype=dtype), 1, rounding).tolist() == expected
    assert round_shift(np.array([-12, -4, 4, 12], dtype=dtype), 3, rounding).tolist() == expected


def test_integers_that_int64_does_not_hold_are_refused():
    with pytest.raises(ValueError, match=r"int64 does not hold these integers times 2\^40"):
        round_shift(np.array([2**30], dtype=np.int64), -40, Rounding.TRN)
    for far in (np.array([-1]), np.array([1])):
        with pytest.raises(ValueError, match=r"int64 does not hold these integers times 2\^70"):
            round_shift(far, -70, Rounding.TRN)
    assert round_shift(np.array([0]), -70, Rounding.TRN).tolist() == [0]
    with pytest.raises(ValueError, match="int64 does not hold the values of ufixed<70,70>"):
        cast(np.array([-1], dtype=np.int64), 0, parse_type("ufixed<70,70>"))


def test_a_tie_goes_to_even_and_not_up():
    to = parse_type("fixed<8,8,RND_CONV,SAT>")
    assert cast(np.array([1.0, 3.0, -1.0, -3.0, 5.0]), 1, to).tolist() == [0, 2, 0, -2, 2]
    assert cast(np.array([1.0, 3.0, -1.0, -3.0, 5.0]), 1, parse_type("fixed<8,8,RND,SAT>")).tolist() == [1, 2, 0, -1, 3]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("fixed<16,6>", "fixed<16,6>"),
        ("ap_fixed<16, 6, AP_RND_CONV, AP_SAT, 0>", "fixed<16,6,RND_CONV,SAT>"),
        ("ufixed<8,0>", "ufixed<8,0>"),
        ("ap_ufixed<8,4,AP_RND>", "ufixed<8,4,RND>"),
        ("int<6>", "fixed<6,6>"),
        ("ap_uint<1>", "ufixed<1,1>"),
        ("fixed<8,-3,trn,sat_sym>", "fixed<8,-3,TRN,SAT_SYM>"),
    ],
)
def test_types_are_read_and_written_in_hls4ml_s_notation(text, shown):
    assert str(parse_type(text)) == shown
    assert parse_type(shown) == parse_type(text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "ap_fixd<8,2>",
            "'ap_fixd<8,2>' is not a precision: write e.g. fixed<16,6>, ufixed<8,0,RND_CONV,SAT> or int<6>",
        ),
        ("fixed<16>", "'fixed<16>' has 1 parameters; fixed takes 2 to 4"),
        ("fixed<16,6", "'fixed<16,6' is not a precision: write e.g. fixed<16,6>, ufixed<8,0,RND_CONV,SAT> or int<6>"),
        ("fixed<0,0>", "'fixed<0,0>': a width of 0 bits is not possible (1 to 1024)"),
        ("fixed<-8,3>", "'fixed<-8,3>': a width of -8 bits is not possible (1 to 1024)"),
        (
            "fixed<8,3,ROUND>",
            "'fixed<8,3,ROUND>': 'ROUND' is no rounding mode; known: TRN, TRN_ZERO, RND, RND_ZERO, "
            "RND_INF, RND_MIN_INF, RND_CONV",
        ),
        (
            "fixed<8,3,RND,SATURATE>",
            "'fixed<8,3,RND,SATURATE>': 'SATURATE' is no overflow mode; known: WRAP, SAT, SAT_ZERO, SAT_SYM",
        ),
        ("fixed<8,3,RND,SAT,1>", "'fixed<8,3,RND,SAT,1>' has 5 parameters; fixed takes 2 to 4"),
        ("fixed<8,3,RND,SAT,0,1>", "'fixed<8,3,RND,SAT,0,1>' has 6 parameters; fixed takes 2 to 4"),
        ("fixed<a,3>", "'fixed<a,3>' is not a precision: its width and integer bits must be whole numbers"),
        (None, "None is not a precision: write e.g. fixed<16,6>"),
    ],
)
def test_what_is_not_a_type_is_refused_with_the_reason(text, complaint):
    with pytest.raises(ValueError) as caught:
        parse_type(text)
    assert str(caught.value) == complaint


@given(st.integers(-(2**20), 2**20), st.integers(0, 2**20), st.integers(-4, 12))
def test_the_type_of_a_range_is_the_narrowest(low, span, fraction):
    high = low + span
    found = type_for_range(low, high, fraction)
    assert found.min_int <= low and high <= found.max_int and found.fraction == fraction
    if found.width > 1:
        smaller = FixedType(width=found.width - 1, integer=found.integer - 1, signed=found.signed)
        assert low < smaller.min_int or high > smaller.max_int


def test_a_type_holds_another_only_if_every_value_fits():
    assert parse_type("fixed<9,5>").holds(parse_type("ufixed<8,4>"))
    assert not parse_type("fixed<8,4>").holds(parse_type("ufixed<8,4>"))
    assert not parse_type("ufixed<8,4>").holds(parse_type("ufixed<8,3>"))


@given(st.integers(-(2**20), 2**20), st.integers(-20, 30))
def test_the_fraction_of_a_dyadic_number(whole, fraction):
    value = np.array([whole * 2.0**-fraction])
    found = fraction_of(value)
    assert to_integers(value, found) is not None
    if whole:
        assert found <= fraction
        with pytest.raises(ValueError, match="not multiples"):
            to_integers(value, found - 1)


# Every value on a grid three bits finer, both signs, so that each mode meets every rest and both kinds of tie.
ALL_VALUES = list(range(-40, 41))


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.float32, np.float64])
@pytest.mark.parametrize("shift", [1, 2, 3])
@pytest.mark.parametrize("rounding", Rounding)
def test_every_rounding_mode_on_every_value(rounding, shift, dtype):
    to = FixedType(width=20, integer=20, rounding=rounding)
    found = cast(np.array(ALL_VALUES, dtype=dtype), shift, to)
    assert found.dtype == (np.int64 if np.dtype(dtype).kind == "i" else dtype)
    assert found.tolist() == [cast_one(value, shift, to) for value in ALL_VALUES]


@pytest.mark.parametrize("dtype", [np.int64, np.float64])
@pytest.mark.parametrize("shift", [30, 61, 62, 63, 64, 65, 66, 127, 200, 1020])
@pytest.mark.parametrize("rounding", Rounding)
def test_every_rounding_mode_however_far_it_shifts(rounding, shift, dtype):
    to = FixedType(width=20, integer=20, rounding=rounding)
    values = [0, 1, -1, 2**40, -(2**40), 2**62, -(2**62), 3 * 2**60, -3 * 2**60]
    if dtype is np.int64:
        values += [-(2**63), -(2**63) + 1, 2**63 - 1, 2**62 + 1, -(2**62) - 1]
    found = cast(np.array(values, dtype=dtype), shift, to)
    assert found.tolist() == [cast_one(value, shift, to) for value in values]


@pytest.mark.parametrize("dtype", [np.int64, np.float64])
def test_a_tie_toward_minus_infinity_goes_down_on_both_sides(dtype):
    """RND_MIN_INF, UG1399: 0.5 to 0, -0.5 to -1, 1.5 to 1; and above the tie up."""
    to = parse_type("fixed<8,8,RND_MIN_INF>")
    assert cast(np.array([2, -2, 6, -6, 3, -3], dtype=dtype), 2, to).tolist() == [0, -1, 1, -2, 1, -1]


@pytest.mark.parametrize("dtype", [np.int64, np.float64, np.float32])
@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("overflow", Overflow)
def test_every_overflow_mode_on_every_value(overflow, signed, dtype):
    to = FixedType(width=3, integer=3, signed=signed, overflow=overflow)
    found = cast(np.array(ALL_VALUES, dtype=dtype), 0, to)
    assert found.dtype == dtype
    assert found.tolist() == [cast_one(value, 0, to) for value in ALL_VALUES]


@pytest.mark.parametrize("overflow", Overflow)
def test_a_type_of_62_bits_overflows_and_one_of_63_holds_an_integer(overflow):
    edge = 2**61
    to = FixedType(width=62, integer=62, overflow=overflow)
    values = [edge - 1, edge, -edge, -edge - 1, 3 * edge - 5, 0]
    assert cast(np.array(values, dtype=np.int64), 0, to).tolist() == [cast_one(value, 0, to) for value in values]


def test_a_sum_next_to_the_mantissa_s_width_is_not_rounded_up_twice():
    """x + 1/2 itself would round in a double here: 2**52 + 1/2 has no bit left for another half."""
    values = [2**53 - 1, 2**52 + 1, -(2**53) + 1]
    for rounding in Rounding:
        to = FixedType(width=60, integer=60, rounding=rounding)
        found = cast(np.array(values, dtype=np.float64), 1, to)
        assert found.tolist() == [cast_one(value, 1, to) for value in values], rounding


def test_limits_of_a_type():
    signed, unsigned = parse_type("fixed<5,3>"), parse_type("ufixed<5,7>")
    assert (signed.min_int, signed.max_int, signed.fraction, signed.lsb) == (-16, 15, 2, 0.25)
    assert (unsigned.min_int, unsigned.max_int, unsigned.fraction, unsigned.lsb) == (0, 31, -2, 4.0)
    assert str(parse_type("ufixed<5,7,RND,SAT>").grid) == "ufixed<5,7>"
    assert parse_type("fixed<1024,3>").width == 1024
    with pytest.raises(ValueError, match=r"a width of 1025 bits is not possible \(1 to 1024\)"):
        parse_type("fixed<1025,3>")


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [(0, 0, "ufixed<1,1>"), (0, 1, "ufixed<1,1>"), (0, 2, "ufixed<2,2>"), (3, 3, "ufixed<2,2>"),
     (-1, -1, "fixed<1,1>"), (-1, 0, "fixed<1,1>"), (-1, 1, "fixed<2,2>"), (-2, -2, "fixed<2,2>"),
     (-3, 1, "fixed<3,3>"), (-4, 3, "fixed<3,3>"), (-4, 4, "fixed<4,4>")],
)  # fmt: skip
def test_the_type_of_a_small_range(low, high, shown):
    assert str(type_for_range(low, high, 0)) == shown


def test_an_empty_range_has_no_type():
    with pytest.raises(ValueError, match=r"empty range \[2, 1\]"):
        type_for_range(2, 1, 0)


@pytest.mark.parametrize("wide", ["fixed<4,2>", "ufixed<4,2>", "fixed<5,3>", "fixed<5,2>", "ufixed<3,2>", "fixed<4,3>"])
@pytest.mark.parametrize(
    "narrow", ["fixed<4,2>", "ufixed<4,2>", "ufixed<3,1>", "ufixed<3,2>", "fixed<3,2>", "fixed<2,0>", "ufixed<1,-1>"]
)
def test_holding_is_holding_every_value(wide, narrow):
    one, other = parse_type(wide), parse_type(narrow)
    values = [
        {code * Fraction(type_.lsb) for code in range(type_.min_int, type_.max_int + 1)} for type_ in (one, other)
    ]
    assert one.holds(other) == (values[1] <= values[0])


@pytest.mark.parametrize(
    ("value", "fraction"),
    [(0.0, 0), (1.0, 0), (-1.0, 0), (3.0, 0), (4.0, -2), (-12.0, -2), (0.5, 1), (0.75, 2), (-0.375, 3), (2.0**-40, 40),
     (1 + 2.0**-52, 52), (2.0**60, -60)],
)  # fmt: skip
def test_the_fraction_is_the_least(value, fraction):
    assert fraction_of(np.array([value])) == fraction
    # Zeros say nothing, and the finest of several counts.
    assert fraction_of(np.array([[0.0, value], [2.0**70, 0.0]])) == (max(fraction, -70) if value else -70)


def test_a_value_off_the_grid_is_said_with_its_distance():
    with pytest.raises(ValueError, match=r"values are not multiples of 2\^-2 \(off by up to 0\.4 of it\)"):
        to_integers(np.array([0.25, 0.1]), 2)
    found = to_integers(np.array([0.25, -3.0]), 2)
    assert found.dtype == np.int64 and found.tolist() == [1, -12]
