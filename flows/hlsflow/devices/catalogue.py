"""The devices that people build for, as data: what a part holds, and every way in which its name is spelled.

`data/devices.csv` states LUT, FF, DSP, 18 Kb BRAM and URAM of a device with the AMD document of the figures (DS180 for
the 7 series, DS190 for Zynq-7000, DS890 for UltraScale and UltraScale+, DS891 for Zynq UltraScale+, DS962 ff. for
Alveo; Lattice's FPGA-DS-02012 for ECP5 and FPGA-DS-02008 for iCE40 UltraPlus, whose blocks of RAM have 16 Kb and 4 Kb;
Gowin's DS117 and DS226), and what confirms them besides: a report in which a tool states what is available, or another
public project's table. Without one they rest on our transcription of
the document alone. Speed grade and package belong to a part's name alone; the capacity is the die's.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hlsflow.foundation.errors import ConfigError, did_you_mean
from hlsflow.foundation.part_name import part_of

DATA = Path(__file__).parent / "data"

RESOURCES = ("lut", "ff", "dsp", "bram_18k", "uram")
# Families of other makers than AMD, by Yosys' names of them: HLS does not build for their parts.
OTHER_MAKERS = ("ecp5", "ice40", "gw1n", "gw2a")


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
        """`7-series`, `ultrascale`, `ultrascale+`, `versal`, or the family of another maker's device: what decides
        delays and a DSP block's shape."""
        if self.family in OTHER_MAKERS:
            return self.family
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
        count: int = getattr(self, resource)
        return count


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A part of the catalogue in our spelling: its device, and the speed grade that the name states (`1`, `2L`)."""

    name: str
    device: Device
    package: str | None
    speed_grade: str | None


# What follows the device in a body: a low-power or industrial letter, package.
_REST = re.compile(r"[il]?(?P<package>[a-z]{2,4}\d{2,4})?")


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
        f"no part '{spelling}' in the catalogue of devices",
        hint=near if near.startswith("did") else "a part such as xc7z020clg400-1; all boards: hlsflow boards",
    )
