"""Why a design does not fit: which resource is short and by how much, and what would make it possible.

Whatever is advised was tried: it is said with what it is estimated at, and left unsaid where it does not fit either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import exp

from hlsflow.devices.boards import boards
from hlsflow.devices.catalogue import Device
from hlsflow.estimation.bounds import CONFIDENCES
from hlsflow.estimation.cost import RESOURCES
from hlsflow.estimation.design import Design
from hlsflow.fitting.options import is_free
from hlsflow.fitting.program import Choice, Goal, Program, Wish, unbounded

NAMES = {"lut": "LUT", "ff": "FF", "dsp": "DSP", "bram_18k": "BRAM 18K"}


def explain(program: Program, wish: Wish, alternatives: Callable[[], Mapping[str, Design]]) -> tuple[str, str | None]:
    """(what is short, what would help) of a program without a solution."""
    device = program.design.target.part.device
    bound = f" at an interval of {wish.interval_cycles} cycles" if wish.interval_cycles else ""
    least = program.solve(Goal.AREA, unbounded(device), interval=wish.interval_cycles)
    if least is None:
        fastest = max(min(option.interval_cycles for option in group) for group in program.groups)
        return (
            f"no interval of {wish.interval_cycles} cycles is possible on any device",
            f"the slowest layer allows {fastest:.0f} at best: --goal interval={fastest:.0f}",
        )
    choice = program.choice(least)
    short = [
        f"{NAMES[name]}: {_shortage(choice, name, device.capacity(name))}"
        for name, share in sorted(choice.share(device).items(), key=lambda item: -item[1])
        if share > 1
    ]
    message = f"the design does not fit {device.name}{bound}, even at its smallest: " + "; ".join(short)
    if device.caveat is not None:
        message += f"; {device.caveat}"
    remedies = _remedies(program, wish, choice, alternatives)
    if not remedies:
        return message, "nothing that was tried makes it possible: no other device, io type or confidence"
    return message, "what would make it possible: " + "; ".join(remedies)


def irreducible(choice: Choice, resource: str) -> dict[str, float]:
    """What no reuse factor reduces: the estimate of a resource by layer, of those that the fit may not choose, and the
    top; the largest first, without what takes none."""
    free = {layer.name for layer in choice.design.layers if is_free(layer)}
    found = {layer.name: layer.values[resource] for layer in choice.estimate.layers if layer.name not in free}
    return dict(sorted(((name, value) for name, value in found.items() if value >= 0.5), key=lambda item: -item[1]))


def _shortage(choice: Choice, name: str, capacity: int) -> str:
    upper, fixed = choice.bounds[choice.confidence][name], sum(irreducible(choice, name).values())
    return (
        f"{upper:,.0f} of {capacity:,} ({upper - capacity:,.0f} too many; estimated "
        f"{choice.estimate.values[name]:,.0f}, of which no reuse factor reduces {fixed:,.0f}; with "
        f"{choice.confidence:.0%} confidence it stays below {upper:,.0f})"
    )


def percent(share: float) -> str:
    """A share in per cent, with a digit behind the point where one would not see else on which side of 1 it is."""
    return f"{share:.1%}" if share != 1 and round(share, 2) == 1 else f"{share:.0%}"


def _remedies(
    program: Program, wish: Wish, smallest: Choice, alternatives: Callable[[], Mapping[str, Design]]
) -> list[str]:
    design, device = program.design, program.design.target.part.device
    remedies = []
    if wish.interval_cycles:
        relaxed = program.fitting(replace(wish, goal=Goal.LATENCY, interval_cycles=None), device)
        if relaxed is not None:
            slowest = max(option.interval_cycles for option in relaxed.options.values())
            remedies.append(f"--goal interval={slowest:.0f} {_figures(relaxed, device)}")
    board = _smallest_board(program, wish)
    if board is not None:
        name, choice = board
        remedies.append(f"a larger device: --fit {name} {_figures(choice, choice.design.target.part.device)}")
    for option, other in alternatives().items():
        choice = Program(other, program.model, wish.confidence).fitting(wish, device)
        if choice is not None:
            remedies.append(f"{option} {_figures(choice, device)}")
    for confidence in reversed([one for one in CONFIDENCES if one < wish.confidence]):
        choice = Program(design, program.model, confidence).fitting(wish, device)
        if choice is not None:
            remedies.append(
                f"less certainty: --confidence {confidence:g} {_figures(choice, device)}, since C synthesis, which is "
                "estimated, counts more LUT than logic synthesis (about twice as many in the median of 30 designs)"
            )
            break
    fewer = _fewer_weights(program, smallest, device)
    if fewer is not None:
        remedies.append(f"a network with about {fewer:.0%} fewer weights or bits, if its cost follows them")
    return remedies


def _figures(choice: Choice, device: Device) -> str:
    shares = choice.share(device)
    worst = max(shares, key=lambda name: shares[name])
    values = choice.estimate.values
    return (
        f"(estimated LUT {values['lut']:,.0f}, DSP {values['dsp']:.0f}, interval {values['interval_cycles']:,.0f} "
        f"cycles; {NAMES[worst]} below {percent(shares[worst])} of {device.name})"
    )


def _fewer_weights(program: Program, smallest: Choice, device: Device) -> float | None:
    """The share of what the layers with weights take that must go; None where all of it is not enough."""
    needed = 0.0
    for name in RESOURCES:
        ratio = exp(program.model.upper_bound(name, smallest.estimate.group, program.confidence).log_ratio)
        excess = smallest.estimate.values[name] - ((device.capacity(name) + 1) / ratio - 1)
        if excess > 0:
            reducible = smallest.estimate.values[name] - sum(irreducible(smallest, name).values())
            needed = max(needed, excess / reducible if reducible > 0 else 1.0)
    return needed if 0 < needed < 1 else None


def _smallest_board(program: Program, wish: Wish) -> tuple[str, Choice] | None:
    """The board with the fewest LUT among those that the design fits, and the design there; None where it fits none."""
    target = program.design.target
    candidates = [board for board in boards().values() if "vitis" in board.synthesized_by]
    tried: set[str] = set()
    for board in sorted(candidates, key=lambda board: (board.part.device.lut, board.name)):
        device = board.part.device
        if device.name in tried or device.lut < target.part.device.lut or device.name == target.part.device.name:
            continue
        tried.add(device.name)
        there = replace(program.design, target=replace(target, part=board.part))
        choice = Program(there, program.model, wish.confidence).fitting(wish, device)
        if choice is not None:
            return board.name, choice
    return None
