"""What the open path synthesizes for: the boards and parts of the catalogue that Yosys has cells of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hlsflow.devices.boards import YOSYS_FAMILIES, Family, find_board
from hlsflow.devices.wiring import Wiring, wirings
from hlsflow.foundation.errors import ConfigError

# Resources of a target, by what a person calls them.
RESOURCE_WORDS = {"lut": "LUT", "ff": "FF", "dsp": "multipliers", "ram_bits": "bits of block RAM"}
# A block of RAM, in bits: AMD's and Gowin's with those for parity.
RAM_BLOCK_BITS: dict[Family, int] = {
    "xc7": 18_432, "xcu": 18_432, "xcup": 18_432, "ecp5": 18_432, "gw1n": 18_432, "gw2a": 18_432, "ice40": 4_096,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A part with what it holds: LUT, FF, multipliers (DSP blocks), block RAM in 18 Kb halves (ECP5: blocks of 16 Kb,
    iCE40: of 4 Kb).

    `package` and `speed_grade` are as in the part's name. `wiring` is that of a board whose clock, reset and serial
    line are known: for it a whole board design is made.
    """

    name: str
    family: Family
    device: str
    lut: int
    ff: int
    dsp: int
    bram_18k: int
    package: str | None = None
    speed_grade: str | None = None
    wiring: Wiring | None = None

    @property
    def ram_bits(self) -> int:
        """Bits of all its block RAM."""
        return self.bram_18k * RAM_BLOCK_BITS[self.family]


def find_target(name: str) -> Target:
    """The target of a board's or part's name. Raises ConfigError with a suggestion where there is none."""
    board, part = find_board(name, " for open synthesis")
    device = part.device
    family = YOSYS_FAMILIES.get(device.generation)
    if family is None:
        raise ConfigError(f"{part.name}: Yosys has no cells of {device.generation}", hint="use --synth vitis for it")
    return Target(
        name=part.name,
        family=family,
        device=device.name,
        lut=device.lut,
        ff=device.ff,
        dsp=device.dsp,
        bram_18k=device.bram_18k,
        package=part.package,
        speed_grade=part.speed_grade,
        wiring=wirings().get(board),
    )


def lacking(target: Target, needs: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """(needed, there) of every resource (a name of RESOURCE_WORDS) that a target has too little of."""
    have = {name: getattr(target, name) for name in needs}
    return {name: (count, have[name]) for name, count in needs.items() if count > have[name]}


def boards_that_hold(needs: Mapping[str, int]) -> list[str]:
    """Boards with a whole board design that have all of it, the smallest first."""
    targets = {name: find_target(name) for name in wirings()}
    found = [name for name, target in targets.items() if not lacking(target, needs)]
    return sorted(found, key=lambda name: (targets[name].lut, name))
