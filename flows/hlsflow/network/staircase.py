"""A scale and a bias for a value that only quantizers read: the narrowest ones that no integer tells from Keras' own.

Behind a quantized layer a channel takes the integers of a proved range, x in LSBs. What Keras makes of one,
`x * scale + bias` in float64, is monotone in x, and so is what a quantizer makes of that: a staircase, which the places
of its steps decide. Other constants S and B give the same outputs for every integer of the range exactly where they
step at the same places: for each step at a value v, reached first by the integer n,

    S * n + B >= v    and    S * (n - 1) + B < v

(`>` and `<=` for a tie that belongs below). For a given S that is an interval for B, and the S that leave one are an
interval around Keras' own scale: so the S of the fewest bits is one of the two next to it, in as many bits as it takes.
Whole numbers throughout, but for the places of Keras' steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hlsflow.network.fixed_point import fraction_of
from hlsflow.network.steps import Steps

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

# Products and steps are int64, with room for a difference of two.
_MOST = 2.0**61
# Bits below that of the scale's leading one, beyond which none is looked for: more than float32 has.
_MOST_BITS = 40
# Steps of all channels together that are looked at: some seconds.
_MOST_STEPS = 1 << 20
# Scales next to the nearest ones that may leave a shorter bias.
_NEIGHBOURS = 2


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Constants:
    """Scale and bias of each channel, float64 (channels,), both on short grids."""

    scale: Array
    bias: Array


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Staircase:
    """Where the steps of Keras' outputs are, channel by channel.

    `sign` (channels,) turns a falling channel round: it rises with -x. `low` and `high` (channels,), int64, are the
    range of sign * x in units of 2**-fraction, and `first` (channels, steps), int64, the first integer in it that
    reaches a step, high + 1 where none does.
    """

    scale: Array
    sign: Array
    low: Array
    high: Array
    fraction: int
    steps: Steps
    first: Array

    @property
    def count(self) -> int:
        """How many steps lie within the ranges of all channels."""
        return int(((self.first > self.low[:, None]) & (self.first <= self.high[:, None])).sum())

    def holds(self, constants: Constants) -> bool:
        """Whether constants give every output that Keras' own give, for every integer of the ranges. Those that turn a
        channel round, or whose sums are beyond int64, are not said to."""
        import numpy as np

        scale = constants.scale * self.sign
        if (scale < 0).any():
            return False
        grid = _Grid.of(self, fraction_of(scale), fraction_of(constants.bias))
        low, high = grid.biases(np.arange(len(scale)), scale * 2.0**grid.scale)
        bias = constants.bias * 2.0**grid.whole
        fits = np.abs(bias) < _MOST
        bias = np.where(fits, bias, 0).astype(np.int64)
        return bool((fits & (low <= bias) & (bias <= high)).all())

    def narrowest(self) -> Constants | None:
        """Constants that hold: the scale in the fewest fractional bits, then the bias. None where none is found."""
        import numpy as np

        channels = np.arange(len(self.scale))
        magnitude = np.abs(self.scale)
        # A channel whose outputs are all alike needs none of its scale.
        grid = _Grid.of(self, 0, 0)
        low, high = grid.biases(channels, np.zeros(len(channels)))
        flat = low <= high
        open_ = channels[~flat]
        bits = 0 if not len(open_) else -int(np.floor(np.log2(magnitude[open_].max()))) - 1
        last = bits + _MOST_BITS
        while len(open_):
            grid = _Grid.of(self, bits, bits)
            nearest = np.floor(magnitude[open_] * 2.0**bits)
            open_ = open_[~(grid.leaves_a_bias(open_, nearest) | grid.leaves_a_bias(open_, nearest + 1))]
            if not len(open_):
                break
            bits += 1
            if bits > last:
                return None
        return self._with_scales_of(bits, flat)

    def _with_scales_of(self, bits: int, flat: Array) -> Constants | None:
        """The constants with scales of so many fractional bits that leave the shortest biases."""
        import numpy as np

        channels = np.arange(len(self.scale))
        grid = _Grid.of(self, bits, bits)
        nearest = np.floor(np.abs(self.scale) * 2.0**bits)
        best = np.full(len(channels), -1)
        scale = np.zeros(len(channels))
        low = high = np.zeros(len(channels), dtype=np.int64)
        for offset in sorted(range(1 - _NEIGHBOURS, 1 + _NEIGHBOURS), key=lambda offset: abs(2 * offset - 1)):
            tried = np.where(flat, 0, np.maximum(nearest + offset, 0))
            least, most = _nearest_to_zero(*grid.biases(channels, tried))
            zeros = _trailing_zeros(least, most)
            better = zeros > best
            best = np.where(better, zeros, best)
            scale, low, high = (np.where(better, a, b) for a, b in ((tried, scale), (least, low), (most, high)))
        if (best < 0).any():
            return None
        unit = int(best.min())
        # The bias nearest to zero on the grid that every channel has one on.
        bias = (np.clip(0, -(-low >> unit), high >> unit) << unit).astype(np.float64)
        return Constants(scale=scale * self.sign * 2.0**-bits, bias=bias * 2.0**-grid.whole)


def staircase(*, scale: Array, bias: Array, low: Array, high: Array, fraction: int, steps: Steps) -> Staircase | None:
    """The staircase of `x * scale + bias`, float64 (channels,), for the integers x in [low, high] (channels,), in units
    of 2**-fraction; None where too many steps are among their values."""
    import numpy as np

    # Of the steps that no channel comes to, the nearest one bounds the others.
    ends = np.stack([low, high]) * 2.0**-fraction * scale + bias
    reached = slice(
        max(0, int(np.searchsorted(steps.at, ends.min(), side="left")) - 1),
        int(np.searchsorted(steps.at, ends.max(), side="right")) + 1,
    )
    steps = Steps(at=steps.at[reached], inclusive=steps.inclusive[reached])
    if len(steps.at) * len(scale) > _MOST_STEPS:
        return None
    sign = np.where(scale < 0, -1.0, 1.0)
    least, most = np.where(sign < 0, -high, low), np.where(sign < 0, -low, high)
    first = _first_reached(np.abs(scale), bias, least, most, fraction, steps)
    return Staircase(
        scale=scale,
        sign=sign,
        low=least.astype(np.int64),
        high=most.astype(np.int64),
        fraction=fraction,
        steps=steps,
        first=first.astype(np.int64),
    )


def _first_reached(scale: Array, bias: Array, low: Array, high: Array, fraction: int, steps: Steps) -> Array:
    """The first integer of each rising channel that reaches each step, float64 (channels, steps), by bisection."""
    import numpy as np

    # (n * 2**-fraction) * scale, with the very roundings of float64: a power of two changes none.
    slope, offset = scale[:, None] * 2.0**-fraction, bias[:, None]
    shape = (len(scale), len(steps.at))
    below, above = np.broadcast_to(low[:, None] - 1, shape), np.broadcast_to(high[:, None] + 1, shape)

    def reached(n: Array) -> Array:
        value = n * slope + offset
        return (value > steps.at) | (steps.inclusive & (value == steps.at))

    with np.errstate(divide="ignore", invalid="ignore"):
        guess = np.floor((steps.at - offset) / slope)
    for nearby in (guess - 2, guess + 2):
        n = np.clip(np.nan_to_num(nearby), low[:, None], high[:, None])
        up = reached(n)
        above, below = np.where(up, np.minimum(above, n), above), np.where(up, below, np.maximum(below, n))
    while (above - below > 1).any():
        middle = np.floor((above + below) / 2)
        # The ends lie outside of the range; where they are next to each other already, nothing changes.
        up = reached(np.clip(middle, low[:, None], high[:, None])) & (middle >= low[:, None])
        up |= middle > high[:, None]
        moves = above - below > 1
        above, below = np.where(moves & up, middle, above), np.where(moves & ~up, middle, below)
    return above


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Grid:
    """The whole numbers in which constants are held against steps: `scale` fractional bits of the scale, and `whole`
    those of sums, in which products, biases and steps are whole."""

    of_: Staircase
    scale: int
    whole: int
    least: Array
    fits: bool

    @classmethod
    def of(cls, stairs: Staircase, scale: int, bias: int) -> _Grid:
        import numpy as np

        # One bit more than products and steps have: a bias may lie between them.
        whole = max(stairs.fraction + scale, fraction_of(stairs.steps.at), bias) + 1
        exact = stairs.steps.at * 2.0**whole
        fits = np.abs(exact) < _MOST
        # The least sum that reaches each step.
        least = np.where(fits, exact, 0).astype(np.int64) + ~stairs.steps.inclusive
        return cls(of_=stairs, scale=scale, whole=whole, least=least, fits=bool(fits.all()))

    def biases(self, channels: Array, scale: Array) -> tuple[Array, Array]:
        """The least and the greatest bias of the channels with these whole scales (float64), int64; an empty interval
        where there is none, or the numbers are beyond int64."""
        import numpy as np

        stairs = self.of_
        low, high, first = stairs.low[channels], stairs.high[channels], stairs.first[channels]
        shift = 2.0 ** (self.whole - stairs.fraction - self.scale)
        factor = scale * shift
        fits = self.fits & (factor * np.maximum(np.abs(low), np.abs(high) + 1) < _MOST)
        whole = np.where(fits, factor, 0).astype(np.int64)[:, None]
        limit = int(_MOST)
        lows = np.where(first <= high[:, None], self.least - whole * first, -limit).max(axis=1, initial=-limit)
        highs = np.where(first > low[:, None], self.least - 1 - whole * (first - 1), limit).min(axis=1, initial=limit)
        return np.where(fits, lows, 1), np.where(fits, highs, 0)

    def leaves_a_bias(self, channels: Array, scale: Array) -> Array:
        low, high = self.biases(channels, scale)
        return low <= high


def _nearest_to_zero(low: Array, high: Array) -> tuple[Array, Array]:
    """The part of each interval whose numbers are at most twice the least: it holds a power of two, if nothing else."""
    import numpy as np

    return np.where(high < 0, np.maximum(low, 2 * high), low), np.where(low > 0, np.minimum(high, 2 * low), high)


def _trailing_zeros(low: Array, high: Array) -> Array:
    """The most trailing zeros of an integer in [low, high], element by element, -1 where there is none."""
    import numpy as np

    found = np.where(low <= high, 0, -1)
    for zeros in range(1, 61):
        found = np.where((found >= 0) & ((high >> zeros) << zeros >= low), zeros, found)
    return found
