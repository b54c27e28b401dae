"""What the open path synthesizes for: the boards and parts of the catalogue that Yosys has cells of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hlsflow.devices.boards import ECP5, YOSYS_FAMILIES, find_board
from hlsflow.foundation.errors import ConfigError

# Yosys' names of the families.
Family = Literal["xc7", "xcu", "xcup", "ecp5"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A part with what it holds: LUT, FF, DSP blocks, block RAM in 18 Kb halves (ECP5: its blocks of 16 Kb).

    `die` and `package` are nextpnr's options, of ECP5 alone.
    """

    name: str
    family: Family
    lut: int
    ff: int
    dsp: int
    bram_18k: int
    die: str | None = None
    package: str | None = None


def find_target(name: str) -> Target:
    """The target of a board's or part's name. Raises ConfigError with a suggestion where there is none."""
    _, part = find_board(name, " for open synthesis")
    device = part.device
    die = package = None
    if device.family == ECP5:
        family: Family | None = "ecp5"
        # `lfe5u-85f` is nextpnr's `--85k`.
        die, package = f"{device.name.removeprefix('lfe5u-').removesuffix('f')}k", part.package
    else:
        family = YOSYS_FAMILIES.get(device.generation)
    if family is None:
        raise ConfigError(f"{part.name}: Yosys has no cells of {device.generation}", hint="use --synth vitis for it")
    return Target(
        name=part.name,
        family=family,
        lut=device.lut,
        ff=device.ff,
        dsp=device.dsp,
        bram_18k=device.bram_18k,
        die=die,
        package=package,
    )
