"""The plan of a sparse layer: who works for which output, when an input enters the window, what each lane does when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hlsflow.rtl.layers import ProductLayer
from hlsflow.rtl.sparse.lanes import Job, Row, lane_rows

if TYPE_CHECKING:
    import numpy as np

# Places of a window: a memory of LUTs has 32 or 64.
WINDOWS = (32, 64)
# What a design's counters and the order of its openings need.
SHORTEST = 4
# Parts of the window that are filled before a frame begins, and shares of what is there then that an opening takes.
_LEADS = (0.2, 0.3, 0.375, 0.44, 0.5, 0.56, 0.625, 0.7)
_SHARES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """Input i is in bank i % banks. Each bank has `groups` lanes, `buses` of which give a sum at a time.

    A lane has `slots` outputs, the layer's in order: slot k of all lanes of a bank together is outputs k * groups on.
    """

    banks: int
    groups: int
    buses: int
    slots: int

    @property
    def lanes(self) -> int:
        return self.banks * self.groups

    @property
    def held(self) -> int:
        """Lanes of a bank on one bus: so many cycles the sums of a slot take to leave."""
        return self.groups // self.buses


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SparsePlan:
    """The schedule of a frame: `period` steps, `lead` of them ahead an input enters the window of `window` places.

    `order` lists the beats as they enter, the n-th at step n * period // len(order). `outputs` (banks, groups, slots)
    int64 says which output a lane has in a slot, -1 for none; `rows` what each lane does.
    """

    shape: Shape
    window: int
    period: int
    lead: int
    openings: tuple[int, ...]
    order: tuple[int, ...]
    outputs: np.ndarray
    rows: tuple[tuple[Row, ...], ...]

    @property
    def entries(self) -> list[int]:
        """The step of each entry into the window."""
        count = len(self.order)
        return [index * self.period // count for index in range(count)]


def shape_of(layer: ProductLayer, banks: int, groups: int, buses: int) -> Shape:
    """The shape with as many outputs a lane as it takes."""
    if groups % buses:
        raise ValueError(f"{buses} buses for {groups} lanes of layer '{layer.name}'")
    return Shape(banks=banks, groups=groups, buses=buses, slots=-(-layer.n_out // groups))


def nonzeros(layer: ProductLayer) -> int:
    """Weights that are not zero."""
    import numpy as np

    return int(np.count_nonzero(layer.weights))


class Planner:
    """The plans of one layer in one shape: what does not depend on the period is found once."""

    def __init__(self, layer: ProductLayer, shape: Shape) -> None:
        import numpy as np

        self.shape = shape
        self._used = layer.weights != 0
        self._weights = layer.weights
        self.outputs = self._assigned(layer.n_out)
        # A beat enters as it came: the inputs of all banks at once.
        work = np.zeros(-(-layer.n_in // shape.banks) * shape.banks, dtype=np.int64)
        work[: layer.n_in] = np.count_nonzero(self._used, axis=1)
        self.order = _even_order(work.reshape(-1, shape.banks).sum(axis=1)) or [0]
        self.entries = len(self.order)
        self._lists = [self._list(bank, group) for bank in range(shape.banks) for group in range(shape.groups)]
        load = max(sum(len(own) for own in lists) for lists in self._lists)
        # No plan has fewer steps.
        self.shortest = max(SHORTEST, self.entries, load, max(2, shape.held) * shape.slots)
        # The lanes that failed last fail first the next time.
        self._hardest = list(range(len(self._lists)))

    def _assigned(self, n_out: int) -> np.ndarray:
        """Which output each lane has in each slot: on a bus the lane with the least work gets the most."""
        import numpy as np

        shape = self.shape
        found = np.full((shape.banks, shape.groups, shape.slots), -1)
        for bank in range(shape.banks):
            work = np.count_nonzero(self._used[bank :: shape.banks], axis=0)
            load = np.zeros(shape.groups, dtype=np.int64)
            for slot in range(shape.slots):
                for bus in range(shape.buses):
                    first = slot * shape.groups + bus
                    own = [first + index * shape.buses for index in range(shape.held)]
                    own = sorted((output for output in own if output < n_out), key=lambda output: -work[output])
                    lanes = sorted(range(bus * shape.held, (bus + 1) * shape.held), key=lambda lane: load[lane])
                    for output, lane in zip(own, lanes, strict=False):
                        found[bank, lane, slot] = output
                        load[lane] += work[output]
        return found

    def _list(self, bank: int, group: int) -> list[list[tuple[int, int]]]:
        """The (entry, weight) of each slot of a lane."""
        inputs = [beat * self.shape.banks + bank for beat in self.order]
        found: list[list[tuple[int, int]]] = []
        for output in self.outputs[bank, group]:
            column = self._weights[:, output].tolist() if output >= 0 else []
            met = [(entry, index) for entry, index in enumerate(inputs) if index < len(column)]
            found.append([(entry, column[index]) for entry, index in met if column[index]])
        return found

    def plan(self, period: int, windows: Sequence[int] = WINDOWS) -> SparsePlan | None:
        """A plan of so many steps a frame, the smallest window first; None where none was found."""
        if period < self.shortest:
            return None
        steps = [index * period // self.entries for index in range(self.entries)]
        for most in windows:
            laps = -(-self.entries // most)
            window = -(-self.entries // laps)
            for lead in dict.fromkeys(max(1, round(window * part)) for part in _LEADS):
                if lead >= period:
                    continue
                stays = _stays(steps, window, lead, period)
                for openings in self._openings(lead, period):
                    rows = self._rows(stays, window, openings, period)
                    if rows is not None:
                        return SparsePlan(
                            shape=self.shape, window=window, period=period, lead=lead, openings=openings,
                            order=tuple(self.order), outputs=self.outputs, rows=tuple(tuple(own) for own in rows),
                        )  # fmt: skip
        return None

    def _openings(self, lead: int, period: int) -> Iterator[tuple[int, ...]]:
        """Steps at each output when a frame begins: shares of the work that is there by then, by the mean lane."""
        seen = set()
        total = sum(len(own) for lists in self._lists for own in lists)
        density = total / (len(self._lists) * self.shape.slots * self.entries)
        for share in _SHARES:
            found: list[int] = []
            shortest = max(2, self.shape.held)
            for _ in range(self.shape.slots):
                there = min(self.entries, lead + sum(found) * self.entries / period)
                found.append(max(shortest, round(share * there * density)))
            if sum(found) <= period and tuple(found) not in seen:
                seen.add(tuple(found))
                yield tuple(found)

    def _rows(
        self, stays: Sequence[tuple[int, int]], window: int, openings: Sequence[int], period: int
    ) -> list[list[Row]] | None:
        rows: dict[int, list[Row]] = {}
        for lane in tuple(self._hardest):
            jobs = [
                [Job(*stays[entry], place=entry % window, weight=weight) for entry, weight in own]
                for own in self._lists[lane]
            ]
            found = lane_rows(jobs, openings, period)
            if found is None:
                self._hardest.remove(lane)
                self._hardest.insert(0, lane)
                return None
            rows[lane] = found
        return [rows[lane] for lane in range(len(self._lists))]


def _even_order(work: np.ndarray) -> list[int]:
    """The beats with work, so that what comes in any stretch of time is about the mean: each rank a golden part on."""
    import numpy as np

    ranked = [int(index) for index in np.argsort(-work, kind="stable") if work[index]]
    places = sorted(range(len(ranked)), key=lambda index: index * 0.6180339887498949 % 1)
    found = [0] * len(ranked)
    for index, place in zip(ranked, places, strict=True):
        found[place] = index
    return found


def _stays(steps: Sequence[int], window: int, lead: int, period: int) -> list[tuple[int, int]]:
    """The first and the last step at which each entry is in the window.

    What enters at step s, `lead` ahead, can be read a step later; what takes its place drives it out likewise, in the
    next frame at the earliest as soon as that follows at once.
    """
    found = []
    for entry, step in enumerate(steps):
        following = entry + window
        out = steps[following] if following < len(steps) else period + steps[entry % window]
        found.append((max(0, step - lead + 1), min(period - 1, out - lead)))
    return found
