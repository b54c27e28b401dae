"""Which points no other point beats in accuracy and in cost."""

from __future__ import annotations

from collections.abc import Sequence


def front(points: Sequence[tuple[float, float]]) -> list[int]:
    """The indices of the points (cost, accuracy) that are Pareto-optimal: no other is at least as good in both and
    better in one. Equal points are optimal together. Costs are better low, accuracies high."""
    order = sorted(range(len(points)), key=lambda index: (points[index][0], -points[index][1]))
    best: tuple[float, float] | None = None
    chosen = []
    for index in order:
        cost, accuracy = points[index]
        if best is None or accuracy > best[1] or (cost, accuracy) == best:
            best = (cost, accuracy)
            chosen.append(index)
    return sorted(chosen)
