"""The fit of the estimator's constants to a table of finished designs, and how far it is off where it has not looked.

Constants are shrunk towards their units (`estimate_model.UNITS`): the fit minimises the squared relative errors, every
repository weighing the same, plus RIDGE times the squared relative change of each constant, all constants at least 0.
So a feature that few designs have stays at its unit. Errors are measured leaving one repository out at a time, since
designs of one author resemble each other; the error bars are quantiles of those errors (split conformal prediction,
Vovk et al., "Algorithmic Learning in a Random World", 2005). A group has few repositories, so the other modelled groups
count half as much, and the quantiles lie further out than 10 % and 90 %: at what covers 80 % of held-out designs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log1p
from typing import TYPE_CHECKING

from hlsflow.synthesis.estimate_cost import FITTED, TARGETS
from hlsflow.synthesis.estimate_model import UNITS, Model, weighed
from hlsflow.synthesis.estimate_table import Row

if TYPE_CHECKING:
    import numpy as np

RIDGE = 3.0
# Groups whose structure is modelled; the others only get error bars.
FITTED_GROUPS = ("parallel", "stream")
LOW, HIGH = 0.05, 0.95
BELOW = 0.8
OWN_GROUP_SHARE = 2.0
_ROUNDS = 20
# Relative errors beyond about this weigh ever less: one odd design shall not bend all constants.
_ROBUST = 0.1

Weights = Mapping[str, Mapping[str, float]]


def fit_weights(rows: Sequence[Row]) -> Weights:
    """The constants of every fitted target."""
    return {target: _fit_target(target, [row for row in rows if row.group in FITTED_GROUPS]) for target in FITTED}


def _fit_target(target: str, rows: Sequence[Row]) -> dict[str, float]:
    import numpy as np
    from scipy.optimize import nnls

    units = UNITS[target]
    names = sorted(units)
    if not rows:
        return dict(units)
    features = np.array([[row.cost.features[target].get(name, 0.0) * units[name] for name in names] for row in rows])
    measured = np.maximum(1.0, np.array([row.measured[target] for row in rows]))
    count = Counter(row.repository for row in rows)
    fair = np.array([count[row.repository] ** -0.5 for row in rows]) / measured
    shrink = RIDGE**0.5 * np.eye(len(names))
    weight = fair
    for _ in range(_ROUNDS):
        left = np.vstack([features * weight[:, None], shrink])
        scale, _ = nnls(left, np.concatenate([measured * weight, RIDGE**0.5 * np.ones(len(names))]))
        weight = fair / np.sqrt(np.abs(features @ scale / measured - 1) + _ROBUST)
    return {name: float(value * units[name]) for name, value in zip(names, scale, strict=True)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """What was estimated of a row by constants that had not seen its repository, with the error bars of the others."""

    row: Row
    values: Mapping[str, float]
    ranges: Mapping[str, tuple[float, float]]


def leave_one_repository_out(rows: Sequence[Row]) -> list[Prediction]:
    """Every row estimated by a fit to the other repositories alone, in the rows' order."""
    held_out: dict[str, Weights] = {
        repository: fit_weights([row for row in rows if row.repository != repository])
        for repository in {row.repository for row in rows}
    }
    values = [_values(held_out[row.repository], row) for row in rows]
    ranges = []
    for row, own in zip(rows, values, strict=True):
        others = [index for index, other in enumerate(rows) if other.repository != row.repository]
        bars = error_bars([rows[index] for index in others], [values[index] for index in others])
        fallback = {target: _widest(bars, target) for target in TARGETS}
        group = bars.get(row.group, {})
        ranges.append({t: _around(own[t], group.get(t) or fallback[t]) for t in TARGETS})
    return [
        Prediction(row=row, values=own, ranges=bounds) for row, own, bounds in zip(rows, values, ranges, strict=True)
    ]


def _values(weights: Weights, row: Row) -> dict[str, float]:
    return {
        target: weighed(weights[target], row.cost.features[target]) if target in FITTED else row.cost.computed[target]
        for target in TARGETS
    }


def _around(value: float, bars: tuple[float, ...]) -> tuple[float, float]:
    return max(0.0, exp(log1p(value) + bars[0]) - 1), exp(log1p(value) + bars[1]) - 1


def _widest(bars: Mapping[str, Mapping[str, tuple[float, ...]]], target: str) -> tuple[float, float]:
    known = [group[target] for group in bars.values()] or [(-1.0, 1.0)]
    return min(bar[0] for bar in known), max(bar[1] for bar in known)


def error_bars(
    rows: Sequence[Row], values: Sequence[Mapping[str, float]]
) -> dict[str, dict[str, tuple[float, float, float]]]:
    """The quantiles of log((measured + 1) / (estimated + 1)) by group and target.

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
            low, high = _quantile(errors, share, LOW), _quantile(errors, share, HIGH)
            bars[group][target] = (min(0.0, low), max(0.0, high), max(0.0, _quantile(errors, share, BELOW)))
    return bars


def _quantile(values: np.ndarray, weights: np.ndarray, level: float) -> float:
    """The least of the values that at least `level` of all weight does not exceed."""
    import numpy as np

    order = np.argsort(values)
    reached = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][min(int(np.searchsorted(reached, level)), values.size - 1)])


def fit_model(rows: Sequence[Row], own: int = 0) -> tuple[Model, list[Prediction]]:
    """The model of all rows, and the predictions of each without its own repository that its error bars rest on."""
    predictions = leave_one_repository_out(rows)
    domain: dict[str, dict[str, list]] = {}
    for group in sorted({row.group for row in rows}):
        members = [row.traits for row in rows if row.group == group]
        domain[group] = {}
        for name, example in members[0].items():
            found = [member[name] for member in members]
            if name == "kinds":
                domain[group][name] = sorted({kind for kinds in found for kind in str(kinds).split()})
            elif isinstance(example, str):
                domain[group][name] = sorted(set(found))
            else:
                domain[group][name] = [min(found), max(found)]
    model = Model(
        weights=fit_weights(rows),
        errors=error_bars([p.row for p in predictions], [p.values for p in predictions]),
        domain=domain,
        designs=len(rows),
        own_designs=own,
    )
    return model, predictions
