"""Error bars: intervals around estimates, from the errors of designs whose repository the constants had not seen.

They are quantiles of held-out errors (split conformal prediction, Vovk et al., "Algorithmic Learning in a Random
World", 2005). A group has few repositories, so quantiles at 10 % and 90 % need not cover 80 % of the designs of the
next one: for each group and target the tails are chosen of LEVELS by what they cover of the repositories left out.

What a design stays below with a confidence is chosen in the same way: the least quantile that held for so many of the
designs of repositories left out. Where none did, it is the largest error, and how many that held for is kept with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import ceil, exp, log1p
from typing import TYPE_CHECKING

from hlsflow.estimation.bounds import CONFIDENCES, Bound, Bounds
from hlsflow.estimation.cost import RESOURCES, TARGETS

if TYPE_CHECKING:
    import numpy as np

    from hlsflow.estimation.table import Row

# Groups whose structure is modelled; the others only get error bars.
FITTED_GROUPS = ("parallel", "stream")
# Groups with more than one repository, so that a level can be chosen by what another repository covers.
LEVELLED_GROUPS = (*FITTED_GROUPS, "parallel_resource")
# The share of measurements below, and above, an interval's ends that a choice is made of; the least for groups that are
# not modelled.
LEVELS = (0.02, 0.03, 0.05, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25)
COVERAGE = 0.8
# The quantiles of errors that a bound is chosen of.
QUANTILES = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0)
# The other modelled group's repositories count half as much.
OWN_GROUP_SHARE = 2.0

Values = Mapping[str, float]
Levels = Mapping[str, Mapping[str, float]]
Bars = Mapping[str, Mapping[str, tuple[float, float]]]


def error_bars(rows: Sequence[Row], values: Sequence[Values], levels: Levels) -> Bars:
    """The quantiles of log((measured + 1) / (estimated + 1)) by group and target: both ends.

    Every repository weighs the same. Both ends are at least as far as no error.
    """
    bars: dict[str, dict[str, tuple[float, float]]] = {}
    for group in sorted({row.group for row in rows}):
        bars[group] = {}
        for target in TARGETS:
            errors, share = _errors(rows, values, group, target)
            level = levels.get(group, {}).get(target, LEVELS[0])
            low, high = _quantile(errors, share, level), _quantile(errors, share, 1 - level)
            bars[group][target] = (min(0.0, low), max(0.0, high))
    return bars


def _errors(
    rows: Sequence[Row], values: Sequence[Values], group: str, target: str, without: str | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """(errors, weights) of what a group's bars are made of, every repository weighing the same, one left out."""
    import numpy as np

    pooled = FITTED_GROUPS if group in FITTED_GROUPS else (group,)
    members = [index for index, row in enumerate(rows) if row.group in pooled and row.repository != without]
    count = Counter(rows[index].repository for index in members)
    share = [(OWN_GROUP_SHARE if rows[i].group == group else 1.0) / count[rows[i].repository] for i in members]
    errors = [log1p(rows[i].measured[target]) - log1p(values[i][target]) for i in members]
    return np.array(errors), np.array(share)


def upper_bounds(rows: Sequence[Row], values: Sequence[Values]) -> Bounds:
    """What a design's resources stay below, by group, resource and confidence; no bound is below the estimate.

    A group of one repository, of which nothing says how it does for another, has its largest error throughout.
    """
    found: dict[str, dict[str, tuple[Bound, ...]]] = {}
    for group in sorted({row.group for row in rows}):
        found[group] = {name: _bounds_of(rows, values, group, name) for name in RESOURCES}
    return found


def _bounds_of(rows: Sequence[Row], values: Sequence[Values], group: str, name: str) -> tuple[Bound, ...]:
    errors, share = _errors(rows, values, group, name)
    largest = max(0.0, _quantile(errors, share, 1.0))
    members = [index for index, row in enumerate(rows) if row.group == group]
    count = Counter(rows[index].repository for index in members)
    if len(count) < 2:
        return tuple(Bound(log_ratio=largest, held=None) for _ in CONFIDENCES)
    others = {repository: _errors(rows, values, group, name, without=repository) for repository in count}
    held: dict[float, float] = {}
    for quantile in QUANTILES:
        below = {repository: max(0.0, _quantile(*known, quantile)) for repository, known in others.items()}
        inside = [
            rows[i].measured[name] <= ceil(exp(log1p(values[i][name]) + below[rows[i].repository]) - 1) for i in members
        ]
        held[quantile] = _both_ways(inside, [rows[i].repository for i in members])
    bounds = []
    for confidence in CONFIDENCES:
        chosen = next((q for q in QUANTILES if held[q] >= confidence), QUANTILES[-1])
        bounds.append(Bound(log_ratio=max(0.0, _quantile(errors, share, chosen)), held=held[chosen]))
    return tuple(bounds)


def _both_ways(inside: Sequence[bool], repositories: Sequence[str]) -> float:
    """The mean of two shares: of designs, and of designs with every repository weighing the same."""
    count = Counter(repositories)
    fair = sum(hit / count[name] for hit, name in zip(inside, repositories, strict=True)) / len(count)
    return (sum(inside) / len(inside) + fair) / 2


def _quantile(values: np.ndarray, weights: np.ndarray, level: float) -> float:
    """The least of the values that at least `level` of all weight does not exceed."""
    import numpy as np

    order = np.argsort(values)
    reached = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][min(int(np.searchsorted(reached, level)), values.size - 1)])


def around(value: float, bars: tuple[float, float]) -> tuple[float, float]:
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


def _bars_of(bars: Bars, group: str, target: str) -> tuple[float, float]:
    """A group's bars; the widest of all groups where it has none."""
    if group in bars:
        return bars[group][target]
    known = [own[target] for own in bars.values()] or [(-1.0, 1.0)]
    low, high = (list(end) for end in zip(*known, strict=True))
    return min(low), max(high)


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
        repositories = [rows[index].repository for index in members]
        for target in TARGETS:
            gaps = {}
            for level in LEVELS:
                inside = [covers(ranges[level][i][target], rows[i].measured[target]) for i in members]
                gaps[level] = abs(_both_ways(inside, repositories) - COVERAGE)
            found[group][target] = min(reversed(LEVELS), key=lambda level, gaps=gaps: round(gaps[level], 6))
    return found
