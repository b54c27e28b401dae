"""The devices and boards that people build for, as data: what a part holds, and every way in which its name is spelled.

`data/devices.csv` states LUT, FF, DSP, 18 Kb BRAM and URAM of a device with the AMD document of the figures (DS180 for
the 7 series, DS190 for Zynq-7000, DS890 for UltraScale and UltraScale+, DS891 for Zynq UltraScale+, DS962 ff. for
Alveo), and what confirms them besides: a report in which a tool states what is available, or another public project's
table. Without one they rest on our transcription of the document alone. Speed grade and package belong to a part's
name alone; the capacity is the die's.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hlsflow.errors import ConfigError, did_you_mean

DATA = Path(__file__).parent / "data"

RESOURCES = ("lut", "ff", "dsp", "bram_18k", "uram")


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """What one device holds, the document that says so, and what confirms it besides (None: nothing seen does)."""

    name: str
    family: str
    lut: int
    ff: int
    dsp: int
    bram_18k: int
    uram: int
    source: str
    confirmed_by: str | None

    @property
    def generation(self) -> str:
        """`7-series`, `ultrascale`, `ultrascale+` or `versal`: what decides delays and the shape of a DSP block."""
        if self.family.endswith("+"):
            return "ultrascale+"
        if self.family.endswith("ultrascale"):
            return "ultrascale"
        return "versal" if self.family.startswith("versal") else "7-series"

    @property
    def caveat(self) -> str | None:
        """What a user of the capacities must know; None where something confirms them."""
        if self.confirmed_by is not None:
            return None
        return (
            f"capacities of {self.name} unconfirmed: transcribed from {self.source}, stated by no report that was "
            "seen; check them there"
        )

    def capacity(self, resource: str) -> int:
        """How many of a resource, one of RESOURCES, there are."""
        return getattr(self, resource)


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A part of the catalogue in our spelling: its device, and the speed grade that the name states (`1`, `2L`)."""

    name: str
    device: Device
    package: str | None
    speed_grade: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PartName:
    """A part's name taken apart, of which tools and people have several spellings.

    `body` is the device with its package, in lower case without `xc` and hyphens; `speed` and `temperature` are the
    grades, in lower case, None where the name does not state them. `spelled` is the one spelling that we write.
    `is_plausible`: it is written like a part of AMD's, whether or not the catalogue has it.
    """

    body: str
    speed: str | None
    temperature: str | None
    spelled: str
    is_plausible: bool

    def may_be(self, other: PartName) -> bool:
        """Whether both can mean one part; a grade that one of them does not state is no difference."""
        bodies = self.body == other.body or (
            # Vivado's timing report names the device and the package alone.
            (self.speed is None or other.speed is None)
            and (self.body.startswith(other.body) or other.body.startswith(self.body))
        )
        return bodies and all(
            None in pair or pair[0] == pair[1]
            for pair in ((self.speed, other.speed), (self.temperature, other.temperature))
        )


# Speed and temperature grade, and the static screen of a Versal part behind them: `-2`, `-2L-e`, `-2MP-e-S`.
_NAME = re.compile(
    r"(?P<prefix>x[acq])?(?P<body>.+?)(?:-(?P<speed>\d[a-z]{0,3})(?:-(?P<temperature>[a-z]))?(?P<screen>-[a-z]\d?)?)?"
)
# The device's family and number, low power or industrial, and its package: `7z020clg400`, `7a35ticsg324`.
# Without its prefix, which some reports of Vivado drop, only a name that begins with a digit is one.
_DEVICE = re.compile(r"(?:\d[a-z]+|[a-z]{1,3})\d+[a-z0-9]*?(?:-?[a-z]{2,4}\d{2,4})?")
# Since UltraScale a hyphen stands between device and package, whose name has four letters.
_HYPHENED = re.compile(r"(?P<device>[a-z].+?)(?P<package>[a-z]{4}\d{3,4})")
# What follows the device in a body: a low-power or industrial letter, package.
_REST = re.compile(r"[il]?(?P<package>[a-z]{2,4}\d{2,4})?")


def part_of(name: str) -> PartName:
    """A part from any spelling: `xc7z020-clg400-1`, `7z020clg400-1`, `xcu250figd2104-2L`, `xcvu13p-fhga2104`.

    Nothing is refused: a name that is no part of AMD's stays what it is.
    """
    given = name.strip().lower().replace("_", "-").replace(" ", "")
    matched = _NAME.fullmatch(given)
    if matched is None:
        return PartName(body=given, speed=None, temperature=None, spelled=name.strip(), is_plausible=False)
    body, speed, temperature = matched["body"].replace("-", ""), matched["speed"], matched["temperature"]
    if _DEVICE.fullmatch(matched["body"]) is None or not (matched["prefix"] or body[0].isdigit()):
        return PartName(body=body, speed=speed, temperature=temperature, spelled=name.strip(), is_plausible=False)
    hyphened = _HYPHENED.fullmatch(body)
    named = body if hyphened is None else f"{hyphened['device']}-{hyphened['package']}"
    words = [f"{matched['prefix'] or 'xc'}{named}"]
    words += [speed.upper()] if speed else []
    words += [temperature] if temperature else []
    words += [matched["screen"].strip("-")] if matched["screen"] else []
    return PartName(body=body, speed=speed, temperature=temperature, spelled="-".join(words), is_plausible=True)


def spelled(name: str) -> str:
    """The one spelling of a part that is written into tables, records and configurations, however it came."""
    return part_of(name).spelled


@cache
def devices() -> dict[str, Device]:
    """All devices by name."""
    with (DATA / "devices.csv").open(newline="") as file:
        return {
            row["device"]: Device(
                name=row["device"],
                family=row["family"],
                source=row["source"],
                confirmed_by=row["confirmed_by"] or None,
                **{resource: int(row[resource]) for resource in RESOURCES},
            )
            for row in csv.DictReader(file)
        }


@cache
def boards() -> dict[str, str]:
    """The part of every board by the board's name."""
    with (DATA / "boards.csv").open(newline="") as file:
        return {row["board"]: row["part"] for row in csv.DictReader(file)}


def find_part(spelling: str) -> Part:
    """The part that a tool's or a person's spelling means: `xc7z020clg400-1`, `7z020-clg400`, `xcu250figd2104-2L`, …

    Raises ConfigError with a suggestion where no device of the catalogue is meant.
    """
    part = part_of(spelling)
    for name in sorted(devices(), key=len, reverse=True):
        plain = name.removeprefix("xc")
        rest = _REST.fullmatch(part.body.removeprefix(plain)) if part.body.startswith(plain) else None
        if rest is not None:
            return Part(
                name=part.spelled,
                device=devices()[name],
                package=rest["package"],
                speed_grade=None if part.speed is None else part.speed.upper(),
            )
    text = f"xc{part.body}"
    near = did_you_mean(re.split(r"-|[a-z]{3,4}\d{3,4}", text)[0], list(devices()))
    raise ConfigError(
        f"no part '{spelling}' in the catalogue of devices", hint=near if near.startswith("did") else _all_boards()
    )


def find_board(name: str) -> tuple[str, Part]:
    """(board, part) of a board's name or of a part's own name. Raises ConfigError with a suggestion."""
    wanted = re.sub(r"[^a-z0-9]", "", name.lower())
    for board, part in boards().items():
        plain = board.replace("-", "")
        if wanted in (plain, plain.removeprefix("alveo")):
            return board, find_part(part)
    try:
        part = find_part(name)
    except ConfigError:
        near = did_you_mean(name.lower(), list(boards()))
        raise ConfigError(
            f"no board or part '{name}'", hint=near if near.startswith("did") else _all_boards()
        ) from None
    return part.device.name, part


def _all_boards() -> str:
    return "boards: " + ", ".join(sorted(boards())) + "; or a part such as xc7z020clg400-1"
