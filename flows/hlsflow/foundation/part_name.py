"""The names of parts: every way in which tools and people spell them, and the one in which we do.

What a part holds is the catalogue's (`devices`); a name is read without it, since a conversion needs no capacities.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


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
