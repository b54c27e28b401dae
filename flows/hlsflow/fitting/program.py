"""The integer program of a fit: every layer takes one of its options, within a device (HiGHS, by scipy.optimize.milp).

One binary for each layer and option, of which a layer takes one; a continuous variable for the interval, no less than
that of any chosen option; another for the largest share of any resource. Every resource stays within the device at what
designs with such an estimate stay below with the confidence that is asked for.

A choice of strategies is a choice of error bars: a design without folded layers has narrower ones. So there are two
programs, one without and one with folded layers, and the better solution is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from math import exp
from typing import TYPE_CHECKING

from hlsflow.devices.catalogue import Device
from hlsflow.estimation.bounds import CONFIDENCES, DEFAULT_CONFIDENCE
from hlsflow.estimation.cost import RESOURCES, design_cost
from hlsflow.estimation.design import Design
from hlsflow.estimation.estimate import Estimate, estimate
from hlsflow.estimation.model import Model, group_of, weighed
from hlsflow.fitting.options import Option, is_free, options_of, with_options
from hlsflow.foundation.errors import UsageError

if TYPE_CHECKING:
    import numpy as np


# How often a solution that is too large as a whole is looked for anew, and with how much less of the device.
ROUNDS = 5
_MARGIN = 1.005


class Goal(StrEnum):
    """What the choice makes least: `interval` is an area under a bound of the interval."""

    LATENCY = "latency"
    AREA = "area"
    INTERVAL = "interval"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """A goal, with the greatest interval in cycles where that is the goal, and how sure the design shall be to fit.

    `confidence` is the share of designs with such an estimate that stay within the device, each resource by itself.
    """

    goal: Goal
    interval_cycles: int | None = None
    confidence: float = DEFAULT_CONFIDENCE


def parse_goal(text: str, confidence: float | None = None) -> Wish:
    """The goal that `latency`, `area` or `interval=100` names, with a confidence or the default one.

    Raises UsageError for anything else, and for a confidence that no bound is known for.
    """
    sure = DEFAULT_CONFIDENCE if confidence is None else confidence
    if sure not in CONFIDENCES:
        known = ", ".join(f"{one:g}" for one in CONFIDENCES)
        raise UsageError(f"--confidence {sure:g}: error bars are known for {known}")
    word, _, number = text.partition("=")
    if word == Goal.INTERVAL and number.isdigit() and int(number) > 0:
        return Wish(goal=Goal.INTERVAL, interval_cycles=int(number), confidence=sure)
    if text in (Goal.LATENCY, Goal.AREA):
        return Wish(goal=Goal(text), confidence=sure)
    raise UsageError(f"--goal {text}: write latency, area or interval=N with N cycles")


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One solution: the option of every free layer, the design, and its estimate.

    `bounds` is by confidence and resource what it stays below; `confidence` the one that was asked for.
    """

    options: Mapping[str, Option]
    design: Design
    estimate: Estimate
    confidence: float
    bounds: Mapping[float, Mapping[str, float]]

    def share(self, device: Device, confidence: float | None = None) -> dict[str, float]:
        """The share of each resource that it stays below, with the confidence asked for or another one.

        Infinite where the device has none.
        """
        shares = {}
        for name, upper in self.bounds[self.confidence if confidence is None else confidence].items():
            capacity = device.capacity(name)
            shares[name] = upper / capacity if capacity else (float("inf") if upper > 0 else 0.0)
        return shares


@dataclass(frozen=True, kw_only=True, slots=True)
class _Variant:
    """One of the programs: which options it may take, what the top costs, and the error bars of its designs.

    `upper` are logarithms of the ratio of measurement to estimate.
    """

    allowed: np.ndarray
    fixed: Mapping[str, float]
    upper: Mapping[str, float]

    def budget(self, name: str, capacity: float) -> float:
        """How much of a resource the options may be estimated at: error bars and the fixed part are taken off."""
        return (capacity + 1) / exp(self.upper[name]) - 1 - self.fixed[name]


class Program:
    """The options of a design as arrays, and the integer program over them."""

    def __init__(self, design: Design, model: Model, confidence: float = DEFAULT_CONFIDENCE) -> None:
        import numpy as np

        self.design, self.model, self.confidence = design, model, confidence
        self.groups = [options_of(layer, design, model) for layer in design.layers]
        self.options: list[Option] = [option for group in self.groups for option in group]
        self.costs = {name: np.array([option.cost[name] for option in self.options]) for name in RESOURCES}
        self.latency = np.array([option.latency_cycles for option in self.options])
        self.interval = np.array([option.interval_cycles for option in self.options])
        free = {layer.name for layer in design.layers if is_free(layer)}
        folded = np.array([option.layer in free and option.strategy == "resource" for option in self.options])
        all_of_them = np.ones(len(self.options), dtype=bool)
        self.variants = (
            [self._variant("resource", all_of_them)]
            if design.target.io_stream
            else [self._variant("latency", ~folded), self._variant("resource", all_of_them)]
        )

    def _variant(self, strategy: str, allowed: np.ndarray) -> _Variant:
        """The program of designs whose free layers may be of a strategy: a folded layer makes a dataflow of a design,
        with channels between the layers, and another group with other error bars."""
        reuse_factor = 2 if strategy == "resource" else 1
        layers = tuple(
            replace(layer, strategy=strategy, reuse_factor=reuse_factor) if is_free(layer) else layer
            for layer in self.design.layers
        )
        dataflow = self.design.target.io_stream or strategy == "resource"
        like = replace(self.design, layers=layers, dataflow=dataflow)
        top, group = design_cost(like).top, group_of(like)
        return _Variant(
            allowed=allowed,
            fixed={
                "lut": weighed(self.model.weights["lut"], top.lut),
                "ff": weighed(self.model.weights["ff"], top.ff),
                "dsp": top.dsp,
                "bram_18k": top.bram_18k,
            },
            upper={name: self.model.upper_bound(name, group, self.confidence).log_ratio for name in RESOURCES},
        )

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
        best: tuple[float, dict[str, Option]] | None = None
        for variant in self.variants:
            found = self._solve(variant, goal, device, interval, latency, share)
            if found is not None and (best is None or found[0] < best[0]):
                best = found
        return None if best is None else best[1]

    def _solve(
        self,
        variant: _Variant,
        goal: Goal,
        device: Device,
        interval: float | None,
        latency: float | None,
        share: float,
    ) -> tuple[float, dict[str, Option]] | None:
        """(what was made least, the options) of one program."""
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
                add(self.costs[name], 0, 0, -np.inf, variant.budget(name, capacity * share))
                factor = exp(variant.upper[name])
                add(
                    self.costs[name] * factor / capacity, 0, -1, -np.inf,
                    (1 - (variant.fixed[name] + 1) * factor) / capacity,
                )  # fmt: skip
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
            bounds=Bounds(0, np.concatenate([variant.allowed.astype(float), [np.inf, np.inf]])),
            options={"time_limit": 20.0, "mip_rel_gap": 1e-6},
        )
        if result.x is None:
            return None
        return result.fun, {o.layer: o for o, taken in zip(self.options, result.x[:count], strict=True) if taken > 0.5}

    def choice(self, options: dict[str, Option]) -> Choice:
        """The solution with its estimate."""
        design = with_options(self.design, options)
        result = estimate(design, self.model)
        bounds = {
            confidence: {
                name: self.model.bound(name, result.group, result.values[name], confidence) for name in RESOURCES
            }
            for confidence in CONFIDENCES
        }
        return Choice(
            options=options, design=design, estimate=result, confidence=self.confidence, bounds=bounds
        )  # fmt: skip

    def fitting(self, wish: Wish, device: Device) -> Choice | None:
        """The best solution that fits a device as a whole, None where there is none.

        The program adds up options, each costed in the design that it was given; in the whole, what one layer leaves
        out depends on how the others are built. So a solution is estimated as a whole, and where that is too large the
        program is given as much less of the device; in the end the smallest design is tried.
        """
        share = 1.0
        for _ in range(ROUNDS):
            options = self.solve(wish.goal, device, interval=wish.interval_cycles, share=share)
            if options is None:
                break
            choice = self.choice(options)
            taken = max(choice.share(device).values())
            if taken <= 1.0:
                return choice
            share /= taken * _MARGIN
        smallest = self.solve(Goal.AREA, unbounded(device), interval=wish.interval_cycles)
        if smallest is None:
            return None
        choice = self.choice(smallest)
        return choice if max(choice.share(device).values()) <= 1.0 else None

    def latency_of(self, options: Mapping[str, Option]) -> float:
        """The options' part of the latency, as `solve` bounds it."""
        weights = self.model.weights["latency_cycles"]
        if self.design.target.io_stream:
            return weights["slowest"] * max(option.interval_cycles for option in options.values())
        return sum(option.latency_cycles for option in options.values())


def unbounded(device: Device) -> Device:
    """A device of the same proportions that anything fits: so that an area is weighed as on the real one."""
    return replace(device, **{name: device.capacity(name) * 10_000 for name in RESOURCES})
