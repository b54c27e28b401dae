"""The fit of the estimator's constants to a table of finished designs, and how far it is off where it has not looked.

Constants are shrunk towards their units (`estimate_model.UNITS`): the fit minimises the squared relative errors, every
repository weighing the same, plus RIDGE times the squared relative change of each constant, all constants at least 0.
So a feature that few designs have stays at its unit. Errors are measured leaving one repository out at a time, since
designs of one author resemble each other; the error bars are quantiles of those errors (`estimate_bars`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hlsflow.estimation.bars import FITTED_GROUPS, chosen_levels, error_bars, held_out_ranges, upper_bounds
from hlsflow.estimation.cost import FITTED, TARGETS
from hlsflow.estimation.model import UNITS, Model, weighed
from hlsflow.estimation.table import Row

RIDGE = 3.0
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
    ranges = held_out_ranges(rows, values, chosen_levels(rows, values))
    return [
        Prediction(row=row, values=own, ranges=bounds) for row, own, bounds in zip(rows, values, ranges, strict=True)
    ]


def _values(weights: Weights, row: Row) -> dict[str, float]:
    return {
        target: weighed(weights[target], row.cost.features[target]) if target in FITTED else row.cost.computed[target]
        for target in TARGETS
    }


def fit_model(rows: Sequence[Row], own: int = 0) -> tuple[Model, list[Prediction]]:
    """The model of all rows, and the predictions of each without its own repository that its error bars rest on."""
    predictions = leave_one_repository_out(rows)
    values = [prediction.values for prediction in predictions]
    domain = {group: _domain(rows, group) for group in sorted({row.group for row in rows})}
    # Around a folded layer stand the same activations as around any other.
    known = [domain[group]["kinds"] for group in ("parallel", "parallel_resource") if group in domain]
    if "parallel_resource" in domain:
        domain["parallel_resource"]["kinds"] = sorted({kind for kinds in known for kind in kinds})
    model = Model(
        weights=fit_weights(rows),
        errors=error_bars(rows, values, chosen_levels(rows, values)),
        upper=upper_bounds(rows, values),
        domain=domain,
        designs=sum(row.group != "parallel_resource" for row in rows),
        own_designs=own,
    )
    return model, predictions


def _domain(rows: Sequence[Row], group: str) -> dict[str, list]:
    """What a group's designs are like; what was made to be synthesized is like nothing that people build."""
    members = [row.traits for row in rows if row.group == group and not row.synthetic]
    found: dict[str, list] = {}
    for name in members[0]:
        values = [member[name] for member in members]
        if name == "kinds":
            found[name] = sorted({kind for kinds in values for kind in str(kinds).split()})
        elif isinstance(values[0], str):
            found[name] = sorted(set(values))
        else:
            found[name] = [min(values), max(values)]
    return found
