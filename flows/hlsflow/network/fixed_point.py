"""Fixed-point types as `ap_fixed` defines them, and the exact cast between them on integer-valued arrays.

A value of a type is an integer multiple of its LSB, `2**-fraction`. The arrays here hold those integers, as floats
(float32 up to 24 bits, float64 up to 53) or as int64: floats because a matrix product of integer-valued floats runs
at the speed of BLAS and is exact below the mantissa's width.

Rounding and overflow modes: AMD UG902 / UG1399, "ap_[u]fixed", quantization and overflow modes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


class Rounding(StrEnum):
    """Quantization modes: to +inf on a tie (RND), to even (RND_CONV), toward -inf (TRN), …"""

    TRN = "TRN"
    TRN_ZERO = "TRN_ZERO"
    RND = "RND"
    RND_ZERO = "RND_ZERO"
    RND_INF = "RND_INF"
    RND_MIN_INF = "RND_MIN_INF"
    RND_CONV = "RND_CONV"


class Overflow(StrEnum):
    """Overflow modes."""

    WRAP = "WRAP"
    SAT = "SAT"
    SAT_ZERO = "SAT_ZERO"
    SAT_SYM = "SAT_SYM"


# ap_fixed of the simulation headers goes further, but the tools' limit for one operand is 1024 bits, and our csim
# driver carries values as doubles; what a layer may use is checked where it is used.
MAX_WIDTH = 1024

# Shifts up to this one keep an integer-valued float32 or float64 above its least normal number.
_SAFE_SHIFT = 100

_TYPE = re.compile(r"^\s*(?:ap_)?(u?)(fixed|int)\s*<\s*([^<>]*?)\s*>\s*$")


@dataclass(frozen=True, kw_only=True, slots=True)
class FixedType:
    """A fixed-point type: `width` bits of which `integer` stand left of the point (the sign bit included)."""

    width: int
    integer: int
    signed: bool = True
    rounding: Rounding = Rounding.TRN
    overflow: Overflow = Overflow.WRAP

    @property
    def fraction(self) -> int:
        """Bits right of the point; negative where the LSB is above one."""
        return self.width - self.integer

    @property
    def lsb(self) -> float:
        """The value of the last bit."""
        return 2.0**-self.fraction

    @property
    def min_int(self) -> int:
        """The least value, in LSBs. SAT_SYM leaves out the most negative code when it saturates, but can hold it."""
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def max_int(self) -> int:
        """The greatest value, in LSBs."""
        return (1 << (self.width - 1)) - 1 if self.signed else (1 << self.width) - 1

    def __str__(self) -> str:
        """The notation of hls4ml's configuration: `fixed<8,5,RND_CONV,SAT>`."""
        modes = (
            ""
            if (self.rounding, self.overflow) == (Rounding.TRN, Overflow.WRAP)
            else (f",{self.rounding}" if self.overflow is Overflow.WRAP else f",{self.rounding},{self.overflow}")
        )
        return f"{'' if self.signed else 'u'}fixed<{self.width},{self.integer}{modes}>"

    @property
    def grid(self) -> FixedType:
        """The same bits with truncation and wrap-around: what a value of this type is, not how one is made."""
        return FixedType(width=self.width, integer=self.integer, signed=self.signed)

    def holds(self, other: FixedType) -> bool:
        """Whether every value of `other` is a value of this type."""
        shift = self.fraction - other.fraction
        return shift >= 0 and self.min_int <= (other.min_int << shift) and (other.max_int << shift) <= self.max_int


def parse_type(text: str) -> FixedType:
    """The type that `fixed<8,5,RND,SAT>`, `ap_ufixed<8, 0>`, `int<6>` or `AP_`-prefixed modes name.

    Raises ValueError saying what is wrong with it.
    """
    if not isinstance(text, str):
        raise ValueError(f"{text!r} is not a precision: write e.g. fixed<16,6>")
    match = _TYPE.match(text)
    if match is None:
        raise ValueError(f"'{text}' is not a precision: write e.g. fixed<16,6>, ufixed<8,0,RND_CONV,SAT> or int<6>")
    unsigned, family, inside = match.groups()
    words = [word.strip() for word in inside.split(",")]
    numbers = 1 if family == "int" else 2
    limits = numbers + (0 if family == "int" else 2)
    # hls4ml writes a fifth parameter, the number of saturation bits; any but zero changes what WRAP means.
    if family == "fixed" and len(words) == 5 and words[4] == "0":
        words = words[:4]
    if not numbers <= len(words) <= limits:
        raise ValueError(f"'{text}' has {len(words)} parameters; {family} takes {numbers} to {limits}")
    try:
        width, integer = (int(words[0]), int(words[0])) if family == "int" else (int(words[0]), int(words[1]))
    except ValueError:
        raise ValueError(f"'{text}' is not a precision: its width and integer bits must be whole numbers") from None
    if not 1 <= width <= MAX_WIDTH:
        raise ValueError(f"'{text}': a width of {width} bits is not possible (1 to {MAX_WIDTH})")
    modes = [word.upper().removeprefix("AP_") for word in words[numbers:]]
    for mode, kind in zip(modes, (Rounding, Overflow), strict=False):
        if mode not in set(kind):
            raise ValueError(
                f"'{text}': '{mode}' is no {kind.__name__.lower()} mode; known: {', '.join(m.value for m in kind)}"
            )
    return FixedType(
        width=width,
        integer=integer,
        signed=not unsigned,
        rounding=Rounding(modes[0]) if modes else Rounding.TRN,
        overflow=Overflow(modes[1]) if len(modes) > 1 else Overflow.WRAP,
    )


def rounds_beyond(source: FixedType, to: FixedType) -> bool:
    """Whether every value of `source` is far below half a last bit of `to`, which rounds: all become 0, and ap_fixed
    looks for the half at a bit that `source` does not have, which its C simulation takes for an error."""
    looks = to.rounding not in (Rounding.TRN, Rounding.TRN_ZERO) or (to.rounding is Rounding.TRN_ZERO and source.signed)
    return looks and source.fraction - to.fraction > source.width


def type_for_range(low: int, high: int, fraction: int) -> FixedType:
    """The narrowest type with `fraction` fractional bits that holds every integer of [low, high] (in LSBs)."""
    if low > high:
        raise ValueError(f"empty range [{low}, {high}]")
    if low >= 0:
        width = max(1, int(high).bit_length())
        return FixedType(width=width, integer=width - fraction, signed=False)
    width = 1 + max(int(high).bit_length() if high > 0 else 0, int(-low - 1).bit_length())
    return FixedType(width=width, integer=width - fraction, signed=True)


def round_shift(values: Array, shift: int, rounding: Rounding) -> Array:
    """`values` divided by 2**shift and rounded to integers; with shift <= 0 multiplied, exactly.

    Exact for integer-valued floats: scaling by a power of two changes no mantissa.
    """
    import numpy as np

    if values.dtype.kind in "iu":
        return _round_shift_integers(values, shift, rounding)
    if shift <= 0:
        return values if shift == 0 else values * values.dtype.type(2.0**-shift)
    scaled = values * values.dtype.type(2.0**-shift)
    if shift > _SAFE_SHIFT:
        # The product may have gone below the least float and lost its sign, which decides what it rounds to.
        lost = (values != 0) & (np.abs(scaled) < 0.25)
        scaled = np.where(lost, np.copysign(values.dtype.type(0.25), values), scaled)
    half = values.dtype.type(0.5)
    match rounding:
        case Rounding.TRN:
            return np.floor(scaled, out=scaled)
        case Rounding.TRN_ZERO:
            return np.trunc(scaled, out=scaled)
        case Rounding.RND_CONV:
            return np.rint(scaled, out=scaled)
        case Rounding.RND:
            # floor(x + 1/2), without adding: near the mantissa's width x + 1/2 itself would round.
            whole = np.floor(scaled)
            return whole + (scaled - whole >= half)
        case Rounding.RND_MIN_INF:
            whole = np.ceil(scaled)
            return whole - (whole - scaled >= half)
        case Rounding.RND_ZERO:
            magnitude = np.abs(scaled)
            whole = np.ceil(magnitude)
            return np.sign(scaled) * (whole - (whole - magnitude >= half))
        case Rounding.RND_INF:
            magnitude = np.abs(scaled)
            whole = np.floor(magnitude)
            return np.sign(scaled) * (whole + (magnitude - whole >= half))


def _round_shift_integers(values: Array, shift: int, rounding: Rounding) -> Array:
    import numpy as np

    values = values.astype(np.int64, copy=False)
    if shift <= 0:
        moved = values << min(-shift, 63)
        if shift and not np.array_equal(moved >> min(-shift, 63), values if shift > -64 else np.sign(values) * 2):
            raise ValueError(f"int64 does not hold these integers times 2^{-shift}")
        return moved
    if shift > 63:
        # int64 has nothing to shift so far. Every quotient lies within 1/2 of zero: in quarters, with the last one set
        # where anything is below it, it rounds to the same.
        past = min(shift - 2, 63)
        quarters = values >> past
        values, shift = quarters | (quarters << past != values), 2
    floor = values >> shift
    rest = values - (floor << shift)
    half = 1 << (shift - 1)
    negative = values < 0
    match rounding:
        case Rounding.TRN:
            up = np.zeros_like(negative)
        case Rounding.TRN_ZERO:
            up = negative & (rest != 0)
        case Rounding.RND:
            up = rest >= half
        case Rounding.RND_MIN_INF:
            up = rest > half
        case Rounding.RND_ZERO:
            up = (rest > half) | ((rest == half) & negative)
        case Rounding.RND_INF:
            up = (rest > half) | ((rest == half) & ~negative)
        case Rounding.RND_CONV:
            up = (rest > half) | ((rest == half) & ((floor & 1) == 1))
    return floor + up


def apply_overflow(values: Array, to: FixedType) -> Array:
    """Integers brought into the range of `to` as its overflow mode says."""
    import numpy as np

    low, high = to.min_int, to.max_int
    match to.overflow:
        case Overflow.SAT:
            return _clipped(values, low, high)
        case Overflow.SAT_SYM:
            # Only a value out of range is replaced: the most negative code itself maps to its symmetric neighbour too.
            return _clipped(values, -high if to.signed else 0, high)
        case Overflow.SAT_ZERO:
            return np.where((values < low) | (values > high), 0, values).astype(values.dtype)
        case Overflow.WRAP:
            if values.dtype.kind in "iu":
                return _wrapped_integers(values.astype(np.int64, copy=False), to)
            span = values.dtype.type(2.0**to.width)
            return values - np.floor((values - values.dtype.type(low)) / span) * span


def _clipped(values: Array, low: int, high: int) -> Array:
    import numpy as np

    if values.dtype.kind in "iu":
        limits = np.iinfo(values.dtype)
        low, high = max(low, limits.min), min(high, limits.max)
    return np.clip(values, low, high)


def _wrapped_integers(values: Array, to: FixedType) -> Array:
    if to.width > 63:
        # Everything that int64 holds fits, but for a negative number that becomes one beyond int64.
        if not to.signed and values.size and values.min() < 0:
            raise ValueError(f"int64 does not hold the values of {to} that negative numbers wrap to")
        return values
    # What overflows int64 here wraps at 2**64, a multiple of the span.
    return ((values - to.min_int) & ((1 << to.width) - 1)) + to.min_int


def cast(values: Array, fraction: int, to: FixedType) -> Array:
    """Integers with `fraction` fractional bits, assigned to a variable of type `to`: integers of `to`, same dtype.

    Equals `ap_fixed`'s assignment: first quantization, then overflow. The caller chooses a dtype that holds the
    operands exactly.
    """
    return apply_overflow(round_shift(values, fraction - to.fraction, to.rounding), to)


def to_integers(values: Array, fraction: int) -> Array:
    """Real values as int64 multiples of 2**-fraction. Raises ValueError where one is not on that grid."""
    import numpy as np

    scaled = np.asarray(values, dtype=np.float64) * 2.0**fraction
    whole = np.rint(scaled)
    if not np.array_equal(whole, scaled):
        worst = float(np.max(np.abs(whole - scaled)))
        raise ValueError(f"values are not multiples of 2^{-fraction} (off by up to {worst:.3g} of it)")
    return whole.astype(np.int64)


def fraction_of(values: Array) -> int:
    """The least number of fractional bits on whose grid all `values` (float, shape any) lie; may be negative."""
    import numpy as np

    finite = np.asarray(values, dtype=np.float64)
    nonzero = finite[finite != 0]
    if nonzero.size == 0:
        return 0
    mantissa, exponent = np.frexp(nonzero)
    # A double is m * 2^(e-53) with an integer m; its trailing zeros are not needed.
    whole = np.abs(np.ldexp(mantissa, 53)).astype(np.int64)
    trailing = np.log2((whole & -whole).astype(np.float64)).astype(np.int64)
    return int(np.max(53 - exponent - trailing))
