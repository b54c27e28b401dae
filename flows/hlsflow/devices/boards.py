"""The boards that people build for, of every maker, in one catalogue: `data/boards.csv`, parts as in `devices`.

A board is found by its name here, by the names that its maker gives it, with or without the maker, by Vivado's name of
its board file (`tul.com.tw:pynq-z2:part0:1.0`), and by its part.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from typing import Literal

from hlsflow.devices.catalogue import DATA, OTHER_MAKERS, Device, Part, devices, find_part
from hlsflow.foundation.errors import ConfigError

# Yosys' names of families.
Family = Literal["xc7", "xcu", "xcup", "ecp5", "ice40", "gw1n", "gw2a"]
# … by the generation of a device.
YOSYS_FAMILIES: dict[str, Family] = {
    "7-series": "xc7",
    "ultrascale": "xcu",
    "ultrascale+": "xcup",
    "ecp5": "ecp5",
    "ice40": "ice40",
    "gw1n": "gw1n",
    "gw2a": "gw2a",
}
# Parts of other makers: what names the device, speed grade, package. A UP5K comes in one speed.
_OTHERS = (
    # LFE5U-85F-6CABGA381
    re.compile(r"(?P<device>lfe5u-\d+f)-(?P<speed>\d)(?P<package>[a-z]+\d+)[ci]?"),
    # GW1NR-LV9QN88PC6/I5
    re.compile(r"(?P<series>gw\d[a-z]+)-lv(?P<size>\d+)(?P<package>[a-z]+\d+p?)(?P<speed>c\d/i\d)"),
    # ICE40UP5K-SG48
    re.compile(r"(?P<device>ice40up\d+k)(?P<speed>)-(?P<package>[a-z]+\d+)"),
)
# What begins like a part is taken for a misspelled part, not for a misspelled board.
_LIKE_A_PART = re.compile(r"x[caq]|\d+[a-z]+\d|lfe5|gw\d|ice40")
# Of letters that are alike, in names that are no beginning or part of one another.
_ALIKE = 0.6


@dataclass(frozen=True, kw_only=True, slots=True)
class Board:
    """A board with its maker, the names that it has elsewhere, and the part on it."""

    name: str
    maker: str
    other_names: tuple[str, ...]
    part: Part

    @property
    def spellings(self) -> frozenset[str]:
        """All its names in small letters and digits alone, with and without the maker."""
        names = {_plain(name) for name in (self.name, *self.other_names)}
        return frozenset(names | {_plain(self.maker) + name for name in names})

    @property
    def synthesized_by(self) -> tuple[str, ...]:
        """The values of `--synth` that build for it: `vitis`, `vivado`, `open`."""
        return synthesized_by(self.part.device)


def synthesized_by(device: Device) -> tuple[str, ...]:
    """The values of `--synth` that build for a device. Whether an old version of AMD's tools knows it is theirs to say.

    Vivado HLS ended before Versal; Yosys has no cells of Versal; AMD's tools build for no other maker's devices.
    """
    if device.family in OTHER_MAKERS:
        return ("open",)
    return ("vitis", "vivado", "open") if device.generation in YOSYS_FAMILIES else ("vitis",)


@cache
def boards() -> dict[str, Board]:
    """All boards by name."""
    with (DATA / "boards.csv").open(newline="") as file:
        return {
            row["board"]: Board(
                name=row["board"],
                maker=row["maker"],
                other_names=tuple(row["other_names"].split(";")) if row["other_names"] else (),
                part=_part(row["part"]),
            )
            for row in csv.DictReader(file)
        }


def find_board(name: str, purpose: str = "") -> tuple[str, Part]:
    """(board, part) of a board's name or of a part's own name, which is then the device's.

    Raises ConfigError for a name that several boards share the beginning of, and for an unknown one, with suggestions;
    `purpose` is said behind it: ` for open synthesis`.
    """
    wanted = _plain(_of_board_file(name))
    for board in boards().values():
        if wanted in board.spellings:
            return board.name, board.part
    try:
        part = _part(name)
    except ConfigError:
        if _LIKE_A_PART.match(wanted):
            raise
        near = near_boards(name)
        if len(near) > 1 and any(_plain(board).startswith(wanted) for board in near):
            raise ConfigError(f"'{name}' may be {_either(near)}", hint=f"name one of them; {_ALL}") from None
        meant = _either([f"'{board}'" for board in near])
        raise ConfigError(
            f"no board or part '{name}'{purpose}", hint=f"did you mean {meant}?" if near else _ALL
        ) from None
    return part.device.name, part


def find_amd_board(name: str) -> tuple[str, Part]:
    """The same of a board or part that AMD's tools build for. Raises ConfigError for another maker's."""
    board, part = find_board(name)
    if part.device.family in OTHER_MAKERS:
        raise ConfigError(
            f"{name}: {part.name} is no part of AMD's, and HLS builds for AMD's parts alone",
            hint=f"our own RTL is synthesized for it: hlsflow build --model NAME --synth open --device {board}",
        )
    return board, part


def near_boards(name: str) -> list[str]:
    """The boards that a name may stand for: those it begins, else those it is in, else those most like it."""
    wanted = _plain(_of_board_file(name))
    if len(wanted) > 1:
        for holds in (str.startswith, str.__contains__):
            found = [board.name for board in boards().values() if any(holds(own, wanted) for own in board.spellings)]
            if found:
                return found
    alike = {
        board.name: max(SequenceMatcher(None, wanted, own).ratio() for own in board.spellings)
        for board in boards().values()
    }
    best = max(alike.values())
    return [board for board, share in alike.items() if share == best] if best >= _ALIKE else []


_ALL = "all boards: hlsflow boards; or a part such as xc7z020clg400-1"


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _of_board_file(name: str) -> str:
    words = name.split(":")
    return words[1] if len(words) > 1 else name


def _either(names: list[str]) -> str:
    return "".join(names) if len(names) < 2 else f"{', '.join(names[:-1])} or {names[-1]}"


def _part(spelling: str) -> Part:
    """A part of any maker. Raises ConfigError where no device of the catalogue is meant."""
    given = spelling.strip().lower()
    for pattern in _OTHERS:
        found = pattern.fullmatch(given)
        if found is None:
            continue
        named = found.groupdict()
        device = devices().get(named.get("device") or f"{named['series']}-{named['size']}")
        if device is not None:
            return Part(
                name=given.upper(),
                device=device,
                package=named["package"].upper(),
                speed_grade=named["speed"].upper(),
            )
    return find_part(spelling)
