"""What the open path synthesizes for: AMD parts of the catalogue, Lattice ECP5 parts and boards of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hlsflow.devices.catalogue import boards, find_board
from hlsflow.foundation.errors import ConfigError, did_you_mean

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


# Lattice FPGA-DS-02012 (ECP5 and ECP5-5G family data sheet), table 1.1. The 12F is the die of the 25F.
_ECP5 = {
    "12k": (24_288, 28, 56),
    "25k": (24_288, 28, 56),
    "45k": (43_848, 72, 108),
    "85k": (83_640, 156, 208),
}

_ECP5_BOARDS = {
    "colorlight-i5": ("25k", "CABGA381"),
    "ecp5-12f": ("12k", "CABGA381"),
    "ecp5-25f": ("25k", "CABGA381"),
    "ecp5-45f": ("45k", "CABGA381"),
    "ecp5-85f": ("85k", "CABGA381"),
    "orangecrab-25f": ("25k", "CSFBGA285"),
    "orangecrab-85f": ("85k", "CSFBGA285"),
    "ulx3s-12f": ("12k", "CABGA381"),
    "ulx3s-25f": ("25k", "CABGA381"),
    "ulx3s-45f": ("45k", "CABGA381"),
    "ulx3s-85f": ("85k", "CABGA381"),
}


def find_target(name: str) -> Target:
    """The target of a board's or part's name. Raises ConfigError with a suggestion where there is none."""
    plain = name.strip().lower()
    if plain in _ECP5_BOARDS:
        die, package = _ECP5_BOARDS[plain]
        lut, dsp, blocks = _ECP5[die]
        part = f"LFE5U-{die.removesuffix('k')}F-6{package}"
        return Target(
            name=part, family="ecp5", lut=lut, ff=lut, dsp=dsp, bram_18k=blocks, die=die, package=package
        )  # fmt: skip
    try:
        _, part = find_board(plain)
    except ConfigError as error:
        known = sorted([*_ECP5_BOARDS, *boards()])
        near = did_you_mean(plain, known)
        raise ConfigError(
            f"no board or part '{name}' for open synthesis",
            hint=near if near.startswith("did") else f"boards: {', '.join(known)}; or a part such as xc7z020clg400-1",
        ) from error
    device = part.device
    families: dict[str, Family] = {"7-series": "xc7", "ultrascale": "xcu", "ultrascale+": "xcup"}
    family = families.get(device.generation)
    if family is None:
        raise ConfigError(f"{part.name}: Yosys has no cells of {device.generation}", hint="use --synth vitis for it")
    return Target(
        name=part.name, family=family, lut=device.lut, ff=device.ff, dsp=device.dsp, bram_18k=device.bram_18k
    )  # fmt: skip
