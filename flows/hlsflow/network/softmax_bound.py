"""How far hls4ml's softmax can be from the true one, for any logits: over its very tables, cell by cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, ldexp
from typing import TYPE_CHECKING

from hlsflow.network.fixed_point import FixedType, Overflow, Rounding, cast, round_shift
from hlsflow.network.softmax_tables import address_bits, exp_table, invert_table

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

# Half a last bit of float32 below one: what Keras' probabilities and the entries of a table, each computed in float32,
# are off by themselves.
FLOAT32_ERROR = 2.0**-24
# Cells of both tables that are looked at together.
_CELLS = 1 << 20


class _Unbounded(Exception):
    """No bound is derived for these types; the message says why."""


class _Unreadable(_Unbounded):
    """What the tables give is no matter of a bound: a sum wraps, or the inverse of zero is read."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Cells:
    """The cells of a table: their indices, and the real values [low, high] that each stands for. `width` is that of
    the widest cell in units of the index, the last one left out, which may take all that saturates."""

    index: Array
    low: Array
    high: Array
    width: float = 0.0


def error_bound(
    classes: int, logits: FixedType, types: Mapping[str, FixedType], table_sizes: tuple[int, int]
) -> float | None:
    """The largest difference of the stable softmax to that of the same logits, whatever they are, at most 1; None
    where none is derived. `types` are those of its roles.

    A cell of the table of exponentials has the entry e and stands for exponentials of [E-, E+]. So of a sum s of n
    entries the true sum S is at least a*s - n*b and at most s + n*c, with b = max(a*e - E-), c = max(E+ - e) over all
    cells, for any a; it is at least 1, for the maximum has the exponential 1, and at most n. A cell of the table of
    inverses stands for sums of [s-, s+]. For each pair of cells the hardware gives one number v, and the true
    probability lies between E-/S+ and E+/S-: the farthest of both from v, over all pairs, is the bound.
    """
    try:
        exps, entries = _exponentials(logits, types, table_sizes[0])
        sums = _sums(classes, entries, types, table_sizes[1])
        found = _largest(classes, exps, entries, sums, types, table_sizes[1])
    except _Unbounded:
        return None
    return min(1.0, found + (classes + 4) * FLOAT32_ERROR)


def why_unbounded(
    classes: int,
    logits: FixedType,
    types: Mapping[str, FixedType],
    table_sizes: tuple[int, int],
    *,
    indices_alone: bool = False,
) -> str | None:
    """Why `error_bound` derives no bound for these types, or None where it does. `indices_alone` leaves out what only
    the products tell, which takes a second."""
    try:
        exps, entries = _exponentials(logits, types, table_sizes[0])
        sums = _sums(classes, entries, types, table_sizes[1])
        if not indices_alone:
            _largest(classes, exps, entries, sums, types, table_sizes[1])
    except _Unbounded as reason:
        return str(reason)
    return None


def why_unreadable(
    classes: int, logits: FixedType, types: Mapping[str, FixedType], table_sizes: tuple[int, int]
) -> str | None:
    """Why the tables of these types give numbers that mean nothing, or None where they do not."""
    try:
        _, entries = _exponentials(logits, types, table_sizes[0])
        _sums(classes, entries, types, table_sizes[1])
    except _Unreadable as reason:
        return str(reason)
    except _Unbounded:
        return None
    return None


def _cells(least: int, most: int, fraction: int, index: FixedType, size: int, what: str) -> _Cells:
    """The cells of a table of `size` entries that integers of [least, most] with `fraction` fractional bits reach."""
    import numpy as np

    shift = fraction - index.fraction
    ends = round_shift(np.array([float(least), float(most)]), shift, index.rounding)
    first, last = int(ends[0]), int(ends[1])
    if last > index.max_int and index.overflow in (Overflow.WRAP, Overflow.SAT_ZERO):
        raise _Unbounded(f"{what} reaches {ldexp(most, -fraction):g}, which {index} does not hold")
    drop = index.width - address_bits(size)
    top = index.max_int
    cells = np.arange(min(first, top) >> drop, (min(last, top) >> drop) + 1)
    # The integers of the index type that a cell stands for, then what rounds to them: on the finer grid of the source.
    unit = 2.0**shift
    down, up = _spread(index.rounding, unit)
    low = np.maximum((cells << drop) * unit - down, least)
    high = np.minimum((((cells + 1) << drop) - 1) * unit + up, most)
    # The last cell takes all that saturates.
    high[cells == top >> drop] = most
    return _Cells(index=cells, low=low * 2.0**-fraction, high=high * 2.0**-fraction)


def _spread(rounding: Rounding, unit: float) -> tuple[float, float]:
    """How far below and above a point of a grid the values lie that round to it: whole numbers, none below zero."""
    if unit <= 1:
        return 0.0, 0.0
    return (0.0, unit - 1) if rounding in (Rounding.TRN, Rounding.TRN_ZERO) else (unit / 2, unit / 2)


def _exponentials(logits: FixedType, types: Mapping[str, FixedType], size: int) -> tuple[_Cells, Array]:
    """The cells of the distances to the maximum as exponentials, and their entries as integers of the accumulator."""
    import numpy as np

    norm, table, accum = types["inp_norm"], types["exp_table"], types["accum"]
    distances = _cells(0, logits.max_int - logits.min_int, logits.fraction, norm, size, "a distance")
    entries = cast(exp_table(norm, size, table, 1.0)[distances.index], table.fraction, accum)
    if entries.min() < 0:
        raise _Unbounded(f"an exponential wraps to a negative number in {table} or {accum}")
    width = float((distances.high - distances.low)[:-1].max(initial=0.0))
    low, high = np.exp(-distances.high), np.exp(-distances.low)
    return _Cells(index=distances.index, low=low, high=high, width=width), entries


def _sums(classes: int, entries: Array, types: Mapping[str, FixedType], size: int) -> _Cells:
    """The cells of the sums of `classes` entries, one of which is that of the maximum itself."""
    accum, inv_inp = types["accum"], types["inv_inp"]
    most = int(entries[0]) + (classes - 1) * int(entries.max())
    if most > accum.max_int:
        raise _Unreadable(f"the sum of {classes:,} exponentials can overflow {accum}")
    sums = _cells(int(entries[0]), most, accum.fraction, inv_inp, size, "the sum of the exponentials")
    if sums.index[0] == 0:
        raise _Unreadable(f"the sum of the exponentials can be below the first cell of {inv_inp}: 1/0 is read")
    return sums


def _largest(
    classes: int, exps: _Cells, entries: Array, sums: _Cells, types: Mapping[str, FixedType], size: int
) -> float:
    """The largest difference over all pairs of cells."""
    import numpy as np

    accum, table, result = types["accum"], types["inv_table"], types["result"]
    inverses = invert_table(types["inv_inp"], size, table)[sums.index]
    fraction = accum.fraction + table.fraction
    largest = float(entries.max()) * float(np.abs(inverses).max()) * 2.0 ** max(0, result.fraction - fraction)
    if largest >= 2.0**53:
        raise _Unbounded("the products need more than 53 bits")
    # Of the cells with one entry, none but the outermost matter; most of those far away have the entry 0.
    kept = np.r_[True, (entries[1:] != 0) | (np.arange(1, len(entries)) == np.argmax(entries == 0))]
    own, low, high = entries[kept], exps.low[kept].copy(), exps.high[kept]
    if np.any(entries == 0):
        low[own == 0] = exps.low[entries == 0].min()
    real = own * accum.lsb
    # The factor that a cell's width makes; the last cell, which saturates, is as wide as it likes and counts in b.
    shrink = exp(-exps.width)
    entry = entries * accum.lsb
    below = float(np.maximum(shrink * entry - exps.low, 0).max()) + FLOAT32_ERROR
    above = float(np.maximum(exps.high - entry, 0).max()) + FLOAT32_ERROR
    least = np.clip(shrink * sums.low - classes * below, 1, classes)
    most = np.clip(sums.high + classes * above, 1, classes)
    # Beside any other cell than the maximum's there is the maximum itself.
    beside = np.where(np.arange(len(own)) == 0, 0.0, entry[0])
    highest = np.where(np.arange(len(own)) == 0, high, high / (1 + high))
    worst, extremes = 0.0, [0.0, 0.0]
    block = max(1, _CELLS // len(own))
    for first in range(0, len(inverses), block):
        part = slice(first, first + block)
        given = cast(own[:, None] * inverses[None, part], fraction, result) * result.lsb
        possible = (real + beside)[:, None] <= sums.high[None, part] + accum.lsb / 2
        over = given - low[:, None] / most[None, part]
        under = np.minimum(high[:, None] / least[None, part], highest[:, None]) - given
        worst = max(worst, float(np.maximum(over, under)[possible].max(initial=0.0)))
        extremes = [min(extremes[0], float(given.min())), max(extremes[1], float(given.max()))]
    if worst > 1 and (extremes[0] < 0 or extremes[1] > 1):
        raise _Unbounded(f"it can give {extremes[0]:g} or {extremes[1]:g}, which is no probability")
    return worst
