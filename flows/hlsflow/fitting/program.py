"""The integer program of a fit: every layer takes one of its options, within a device (HiGHS, by scipy.optimize.milp).

One binary for each layer and option, of which a layer takes one; a continuous variable for the interval, no less than
that of any chosen option; another for the largest share of any resource. Every resource stays within the device at the
bound that 8 of 10 designs with such an estimate stay below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from math import exp
from typing import TYPE_CHECKING

from hlsflow.devices.catalogue import Device
from hlsflow.estimation.cost import design_cost
from hlsflow.estimation.design import Design
from hlsflow.estimation.estimate import Estimate, estimate
from hlsflow.estimation.model import Model, group_of, weighed
from hlsflow.fitting.options import RESOURCES, Option, options_of, with_options
from hlsflow.foundation.errors import UsageError

if TYPE_CHECKING:
    import numpy as np


class Goal(StrEnum):
    """What the choice makes least: `interval` is an area under a bound of the interval."""

    LATENCY = "latency"
    AREA = "area"
    INTERVAL = "interval"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """A goal, with the greatest interval in cycles where that is the goal."""

    goal: Goal
    interval_cycles: int | None = None


def parse_goal(text: str) -> Wish:
    """The goal that `latency`, `area` or `interval=100` names. Raises UsageError for anything else."""
    word, _, number = text.partition("=")
    if word == Goal.INTERVAL and number.isdigit() and int(number) > 0:
        return Wish(goal=Goal.INTERVAL, interval_cycles=int(number))
    if text in (Goal.LATENCY, Goal.AREA):
        return Wish(goal=Goal(text))
    raise UsageError(f"--goal {text}: write latency, area or interval=N with N cycles")


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One solution: the option of every free layer, the design, and its estimate."""

    options: Mapping[str, Option]
    design: Design
    estimate: Estimate
    bounds: Mapping[str, float]

    def share(self, device: Device) -> dict[str, float]:
        """The share of each resource that the estimate's bound takes; infinite where the device has none."""
        shares = {}
        for name in RESOURCES:
            capacity, upper = device.capacity(name), self.bounds[name]
            shares[name] = upper / capacity if capacity else (float("inf") if upper > 0 else 0.0)
        return shares


class Program:
    """The options of a design as arrays, and the integer program over them."""

    def __init__(self, design: Design, model: Model) -> None:
        import numpy as np

        self.design, self.model = design, model
        self.groups = [options_of(layer, design, model) for layer in design.layers]
        self.options: list[Option] = [option for group in self.groups for option in group]
        self.costs = {name: np.array([option.cost[name] for option in self.options]) for name in RESOURCES}
        # A folded layer makes a dataflow of the design, with channels between the layers.
        tops = [design_cost(replace(design, dataflow=dataflow)).top for dataflow in (False, True)]
        self.fixed = {
            "lut": max(weighed(model.weights["lut"], top.lut) for top in tops),
            "ff": max(weighed(model.weights["ff"], top.ff) for top in tops),
            "dsp": max(top.dsp for top in tops),
            "bram_18k": max(top.bram_18k for top in tops),
        }
        self.group = group_of(design)
        # A choice of strategies is a choice of groups: what is left free must do for the wider error bars.
        groups = ("parallel", "parallel_resource") if self.group.startswith("parallel") else (self.group,)
        self.upper = {name: max(model.bars(name, group)[2] for group in groups) for name in RESOURCES}
        self.latency = np.array([option.latency_cycles for option in self.options])
        self.interval = np.array([option.interval_cycles for option in self.options])

    def budget(self, name: str, capacity: float) -> float:
        """How much of a resource the options may be estimated at: error bars and the fixed part are taken off."""
        return (capacity + 1) / exp(self.upper[name]) - 1 - self.fixed[name]

    def time(self) -> tuple[np.ndarray, float]:
        """The design's latency as weights of the options and of the interval: by what `estimate_cost._latency` sums."""
        weights = self.model.weights["latency_cycles"]
        if self.design.target.io_stream:
            return self.latency * 0.0, weights["slowest"]
        return self.latency, 0.0

    def solve(
        self,
        goal: Goal,
        device: Device,
        *,
        interval: float | None = None,
        latency: float | None = None,
        share: float = 1.0,
    ) -> dict[str, Option] | None:
        """The options that are best, None where none are possible.

        `share` is how much of the device may be used; `interval` and `latency` are bounds in cycles, the latter of the
        options' part alone.
        """  # fmt: skip
        import numpy as np
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import csr_matrix

        count = len(self.options)
        # Columns: one for each option, the interval, the largest share of any resource.
        rows, low, high = [], [], []

        def add(row: np.ndarray, interval_weight: float, share_weight: float, least: float, most: float) -> None:
            rows.append(np.concatenate([row, [interval_weight, share_weight]]))
            low.append(least)
            high.append(most)

        start = 0
        for group in self.groups:
            one = np.zeros(count)
            one[start : start + len(group)] = 1
            add(one, 0, 0, 1, 1)
            own = np.zeros(count)
            own[start : start + len(group)] = self.interval[start : start + len(group)]
            add(own, -1, 0, -np.inf, 0)
            start += len(group)
        for name in RESOURCES:
            capacity = device.capacity(name)
            if capacity:
                add(self.costs[name], 0, 0, -np.inf, self.budget(name, capacity * share))
                add(self.costs[name] / capacity, 0, -1, -np.inf, -self.fixed[name] / capacity)
            else:
                add(self.costs[name], 0, 0, -np.inf, 0)
        weights, interval_weight = self.time()
        if interval is not None:
            add(np.zeros(count), 1, 0, -np.inf, interval)
        if latency is not None:
            add(weights, interval_weight, 0, -np.inf, latency)
        # The other aims break ties: a small part of them decides between what is equal.
        area = sum(self.costs[name] / (device.capacity(name) or 1e9) for name in RESOURCES)
        if goal is Goal.LATENCY:
            scale = max(1.0, float(self.latency.max(initial=1)))
            objective = np.concatenate([weights / scale + 1e-4 * area, [interval_weight / scale + 1e-6, 0]])
        else:
            objective = np.concatenate([0.01 * area + 1e-9 * weights, [1e-9, 1]])
        result = milp(
            objective,
            constraints=LinearConstraint(csr_matrix(np.array(rows)), low, high),
            integrality=np.concatenate([np.ones(count), [0, 0]]),
            bounds=Bounds(0, np.concatenate([np.ones(count), [np.inf, np.inf]])),
            options={"time_limit": 20.0, "mip_rel_gap": 1e-6},
        )
        if result.x is None:
            return None
        return {o.layer: o for o, taken in zip(self.options, result.x[:count], strict=True) if taken > 0.5}

    def choice(self, options: dict[str, Option]) -> Choice:
        """The solution with its estimate."""
        design = with_options(self.design, options)
        result = estimate(design, self.model)
        bounds = {name: self.model.bound(name, result.group, result.values[name]) for name in RESOURCES}
        return Choice(options=options, design=design, estimate=result, bounds=bounds)

    def latency_of(self, options: Mapping[str, Option]) -> float:
        """The options' part of the latency, as `solve` bounds it."""
        weights = self.model.weights["latency_cycles"]
        if self.design.target.io_stream:
            return weights["slowest"] * max(option.interval_cycles for option in options.values())
        return sum(option.latency_cycles for option in options.values())


def unbounded(device: Device) -> Device:
    """A device of the same proportions that anything fits: so that an area is weighed as on the real one."""
    return replace(device, **{name: device.capacity(name) * 10_000 for name in RESOURCES})
