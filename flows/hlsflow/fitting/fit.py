"""Reuse factors and strategies that fit a device: the best choice for a goal, and its neighbours.

Goals: the least latency, the least area (the least largest share of any resource), or the least area under a bound of
the interval.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hlsflow.devices.catalogue import Device
from hlsflow.estimation.bounds import Bound
from hlsflow.estimation.cost import RESOURCES
from hlsflow.estimation.design import Design
from hlsflow.estimation.model import Model
from hlsflow.fitting.impossible import explain
from hlsflow.fitting.program import ROUNDS, Choice, Goal, Program, Wish, unbounded
from hlsflow.foundation.errors import UnsupportedError

# A notch smaller is a design whose largest share is a tenth less.
NOTCH = 0.9


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """What was chosen, and its neighbours: the next smaller design, and the next faster whether it fits or not.

    `backing` is what the confidence of each resource rests on.
    """

    wish: Wish
    device: Device
    best: Choice
    smaller: Choice | None
    faster: Choice | None
    backing: Mapping[str, Bound]


def _faster(program: Program, wish: Wish, best: Choice, device: Device) -> Choice | None:
    """The smallest design that is faster than a choice, whether it fits or not; None where there is none."""
    # Where the interval is the aim, faster is a shorter interval.
    bound = (
        {"interval": best.estimate.values["interval_cycles"] - 1}
        if wish.goal is Goal.INTERVAL
        else {"latency": program.latency_of(best.options) * (1 - 1e-6) - 1}
    )
    found = program.solve(Goal.AREA, unbounded(device), **bound)
    return program.choice(found) if found is not None else None


def fit(
    design: Design, wish: Wish, model: Model, alternatives: Callable[[], Mapping[str, Design]] = dict
) -> Fit:  # fmt: skip
    """The best design for its target's device.

    Raises UnsupportedError saying what is short, by how much, and what would help: of `alternatives`, other designs of
    the network by the option that makes them, those that fit.
    """
    program, device = Program(design, model, wish.confidence), design.target.part.device
    best = program.fitting(wish, device)
    if best is None:
        message, hint = explain(program, wish, alternatives)
        raise UnsupportedError(message, hint=hint)
    faster = _faster(program, wish, best, device)
    for _ in range(ROUNDS):
        # Fast enough for the device by a hair, which the program's sum did not show.
        if wish.goal is Goal.AREA or faster is None or max(faster.share(device).values()) > 1.0:
            break
        best, faster = faster, _faster(program, wish, faster, device)
    share = max(best.share(device).values())
    smaller = program.solve(Goal.LATENCY, device, share=NOTCH * share)
    group = best.estimate.group
    return Fit(
        wish=wish,
        device=device,
        best=best,
        smaller=program.choice(smaller) if smaller is not None else None,
        faster=faster,
        backing={name: model.upper_bound(name, group, wish.confidence) for name in RESOURCES},
    )
