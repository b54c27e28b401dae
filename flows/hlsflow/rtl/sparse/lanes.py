"""The work of one lane: which input meets which weight at which step, and when the lane goes on to its next output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Job(NamedTuple):
    """A product: of an input that is in the window from step `first` to step `last`, for an output of the lane."""

    first: int
    last: int
    place: int
    weight: int


class Row(NamedTuple):
    """What a lane does in a step: `onward` to its next output, then the product of an input and a weight (0: none)."""

    onward: bool
    place: int
    weight: int


NOTHING = Row(onward=False, place=0, weight=0)


def lane_rows(jobs: Sequence[Sequence[Job]], openings: Sequence[int], period: int) -> list[Row] | None:
    """The rows of a lane, `period` of them, or None where it does not get through its work.

    `jobs` are those of each of its outputs. A lane is at its outputs in turn: at first `openings[k]` steps at output k,
    then at each until none of its inputs is in the window. It ends at the last one, so that the next frame finds the
    first one next. It does not go on in the last step, nor open its only output's sum before the last product is in it.
    """
    waiting = [sorted(own, reverse=True) for own in jobs]
    rows: list[Row] = []

    def product(output: int, onward: bool) -> Row | None:
        """The product of the input that leaves the window next; None where there is none, or it has left."""
        own = waiting[output]
        if not own or own[-1].first > len(rows):
            return Row(onward=onward, place=0, weight=0)
        job = own.pop()
        return None if job.last < len(rows) else Row(onward=onward, place=job.place, weight=job.weight)

    for output, steps in enumerate(openings):
        for step in range(steps):
            row = product(output, step == 0)
            if row is None:
                return None
            rows.append(row)
    output = last = len(jobs) - 1
    while any(waiting) or output != last:
        if len(rows) >= period:
            return None
        own = waiting[output]
        onward = last > 0 and not (own and own[-1].first <= len(rows))
        output = (output + onward) % len(jobs)
        row = product(output, onward)
        if row is None:
            return None
        rows.append(row)
    if len(rows) > period or (rows[period - 1 :] and (rows[period - 1].onward or last == 0)):
        return None
    return rows + [NOTHING] * (period - len(rows))
