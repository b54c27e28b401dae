"""A cast by its definition, in fractions: what the fast ones are held against."""

from fractions import Fraction
from math import ceil, floor

from hlsflow.network.fixed_point import (
    FixedType,
    Overflow,
    Rounding,
)


def cast_one(value: int, fraction: int, to: FixedType) -> int:
    """The textbook definition, with rational numbers and no clever steps."""
    exact = Fraction(value) / Fraction(2) ** fraction * Fraction(2) ** to.fraction
    below, above = floor(exact), ceil(exact)
    tie = exact - below == Fraction(1, 2)
    nearest = below if exact - below < Fraction(1, 2) else above
    match to.rounding:
        case Rounding.TRN:
            result = below
        case Rounding.TRN_ZERO:
            result = below if exact >= 0 else above
        case Rounding.RND:
            result = above if tie else nearest
        case Rounding.RND_MIN_INF:
            result = below if tie else nearest
        case Rounding.RND_ZERO:
            result = (below if exact >= 0 else above) if tie else nearest
        case Rounding.RND_INF:
            result = (above if exact >= 0 else below) if tie else nearest
        case Rounding.RND_CONV:
            result = (below if below % 2 == 0 else above) if tie else nearest
    low, high = to.min_int, to.max_int
    match to.overflow:
        case Overflow.WRAP:
            return (result - low) % (1 << to.width) + low
        case Overflow.SAT:
            return min(max(result, low), high)
        case Overflow.SAT_SYM:
            return min(max(result, -high if to.signed else 0), high)
        case Overflow.SAT_ZERO:
            return result if low <= result <= high else 0
