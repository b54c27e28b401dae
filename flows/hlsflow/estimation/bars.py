"""Error bars: intervals around estimates, from the errors of designs whose repository the constants had not seen.

They are quantiles of held-out errors (split conformal prediction, Vovk et al., "Algorithmic Learning in a Random
World", 2005). A group has few repositories, so quantiles at 10 % and 90 % need not cover 80 % of the designs of the
next one: for each group and target the tails are chosen of LEVELS by what they cover of the repositories left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import ceil, exp, log1p
from typing import TYPE_CHECKING

from hlsflow.estimation.cost import TARGETS
from hlsflow.estimation.table import Row

if TYPE_CHECKING:
    import numpy as np

# Groups whose structure is modelled; the others only get error bars.
FITTED_GROUPS = ("parallel", "stream")
# Groups with more than one repository, so that a level can be chosen by what another repository covers.
LEVELLED_GROUPS = (*FITTED_GROUPS, "parallel_resource")
# The share of measurements below, and above, an interval's ends that a choice is made of; the least for groups that are
# not modelled.
LEVELS = (0.02, 0.03, 0.05, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25)
COVERAGE = 0.8
# The bound of a fit to a device: 8 of 10 measurements stay below.
BELOW = 0.8
# The other modelled group's repositories count half as much.
OWN_GROUP_SHARE = 2.0

Values = Mapping[str, float]
Levels = Mapping[str, Mapping[str, float]]
Bars = Mapping[str, Mapping[str, tuple[float, float, float]]]


def error_bars(rows: Sequence[Row], values: Sequence[Values], levels: Levels) -> Bars:
    """The quantiles of log((measured + 1) / (estimated + 1)) by group and target: both ends, and BELOW.

    Every repository weighs the same. Both ends are at least as far as no error.
    """
    import numpy as np

    bars: dict[str, dict[str, tuple[float, float, float]]] = {}
    for group in sorted({row.group for row in rows}):
        pooled = FITTED_GROUPS if group in FITTED_GROUPS else (group,)
        members = [index for index, row in enumerate(rows) if row.group in pooled]
        count = Counter(rows[index].repository for index in members)
        share = np.array(
            [(OWN_GROUP_SHARE if rows[i].group == group else 1.0) / count[rows[i].repository] for i in members]
        )
        bars[group] = {}
        for target in TARGETS:
            errors = np.array([log1p(rows[i].measured[target]) - log1p(values[i][target]) for i in members])
            level = levels.get(group, {}).get(target, LEVELS[0])
            low, high = _quantile(errors, share, level), _quantile(errors, share, 1 - level)
            bars[group][target] = (min(0.0, low), max(0.0, high), max(0.0, _quantile(errors, share, BELOW)))
    return bars


def _quantile(values: np.ndarray, weights: np.ndarray, level: float) -> float:
    """The least of the values that at least `level` of all weight does not exceed."""
    import numpy as np

    order = np.argsort(values)
    reached = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][min(int(np.searchsorted(reached, level)), values.size - 1)])


def around(value: float, bars: tuple[float, float, float]) -> tuple[float, float]:
    """The interval around an estimate."""
    return max(0.0, exp(log1p(value) + bars[0]) - 1), exp(log1p(value) + bars[1]) - 1


def covers(ends: tuple[float, float], measured: float) -> bool:
    """Whether a measurement lies inside an interval; its ends are shown as whole numbers, and those lie inside."""
    return int(ends[0]) <= measured <= ceil(ends[1])


def held_out_ranges(
    rows: Sequence[Row], values: Sequence[Values], levels: Levels
) -> list[dict[str, tuple[float, float]]]:
    """The intervals around every row's held-out estimate, from the errors of the other repositories."""
    bars: dict[str, Bars] = {}
    for repository in {row.repository for row in rows}:
        others = [index for index, row in enumerate(rows) if row.repository != repository]
        bars[repository] = error_bars([rows[i] for i in others], [values[i] for i in others], levels)
    return [
        {target: around(own[target], _bars_of(bars[row.repository], row.group, target)) for target in TARGETS}
        for row, own in zip(rows, values, strict=True)
    ]


def _bars_of(bars: Bars, group: str, target: str) -> tuple[float, float, float]:
    """A group's bars; the widest of all groups where it has none."""
    if group in bars:
        return bars[group][target]
    known = [own[target] for own in bars.values()] or [(-1.0, 1.0, 1.0)]
    low, high, below = (list(end) for end in zip(*known, strict=True))
    return min(low), max(high), max(below)


def chosen_levels(rows: Sequence[Row], values: Sequence[Values]) -> dict[str, dict[str, float]]:
    """By group and target the level whose held-out coverage is nearest to COVERAGE; of equals the narrowest.

    The coverage is the mean of two: of designs, and of designs with every repository weighing the same.
    """
    groups = [group for group in LEVELLED_GROUPS if any(row.group == group for row in rows)]
    found: dict[str, dict[str, float]] = {group: {} for group in groups}
    ranges = {}
    for level in LEVELS:
        same = {group: dict.fromkeys(TARGETS, level) for group in groups}
        ranges[level] = held_out_ranges(rows, values, same)
    for group in groups:
        members = [index for index, row in enumerate(rows) if row.group == group]
        count = Counter(rows[index].repository for index in members)
        for target in TARGETS:
            gaps = {}
            for level in LEVELS:
                inside = [covers(ranges[level][i][target], rows[i].measured[target]) for i in members]
                fair = sum(hit / count[rows[i].repository] for i, hit in zip(members, inside, strict=True)) / len(count)
                gaps[level] = abs((sum(inside) / len(inside) + fair) / 2 - COVERAGE)
            found[group][target] = min(reversed(LEVELS), key=lambda level, gaps=gaps: round(gaps[level], 6))
    return found
