"""Why a design does not fit: which resource is short and by how much, and what would make it possible."""

from __future__ import annotations

from hlsflow.devices.boards import boards
from hlsflow.fitting.program import Goal, Program, Wish, unbounded

NAMES = {"lut": "LUT", "ff": "FF", "dsp": "DSP", "bram_18k": "BRAM 18K"}


def explain(program: Program, wish: Wish) -> tuple[str, str]:
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
    shares = choice.share(device)
    short = []
    for name, share in sorted(shares.items(), key=lambda item: -item[1]):
        if share > 1:
            upper, capacity = choice.bounds[name], device.capacity(name)
            short.append(
                f"{NAMES[name]}: {upper:,.0f} of {capacity:,} ({upper - capacity:,.0f} too many; estimated "
                f"{choice.estimate.values[name]:,.0f}; 8 of 10 such designs stay below {upper:,.0f})"
            )
    message = f"the design does not fit {device.name}{bound}, even at its smallest: " + "; ".join(short)
    if device.caveat is not None:
        message += f"; {device.caveat}"
    return message, "what would make it possible: " + "; ".join(_remedies(program, wish, shares))


def _remedies(program: Program, wish: Wish, shares: dict[str, float]) -> list[str]:
    remedies = []
    if wish.interval_cycles:
        device = program.design.target.part.device
        relaxed = program.solve(Goal.LATENCY, device)
        if relaxed is not None:
            slowest = max(option.interval_cycles for option in relaxed.values())
            remedies.append(f"--goal interval={slowest:.0f}")
    board = _smallest_board(program, wish)
    if board is not None:
        remedies.append(f"a larger device: --fit {board}")
    worst = max(shares, key=lambda name: shares[name])
    needed = 1 - 1 / shares[worst] if shares[worst] > 1 else 0
    remedies.append(
        f"a network with about {needed:.0%} fewer weights or bits"
        if worst != "bram_18k"
        else f"{needed:.0%} fewer bits of weights or FIFOs"
    )
    if not program.design.target.io_stream:
        remedies.append("--io-type io_stream, which keeps activations in FIFOs")
    return remedies


def _smallest_board(program: Program, wish: Wish) -> str | None:
    """The board with the fewest LUT among those that the design fits, at this device's delays."""
    devices = {name: board.part.device for name, board in boards().items() if "vitis" in board.synthesized_by}
    tried: set[str] = set()
    for board, device in sorted(devices.items(), key=lambda item: (item[1].lut, item[0])):
        if device.name in tried or device.lut < program.design.target.part.device.lut:
            continue
        tried.add(device.name)
        if program.solve(Goal.AREA, device, interval=wish.interval_cycles) is not None:
            return board
    return None
