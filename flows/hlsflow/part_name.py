"""A part as a text names it, taken apart: to tell whether two names can mean one part. No catalogue is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A part's device with package, speed grade and temperature grade, in lower case without `xc` and hyphens."""

    body: str
    speed: str | None
    temperature: str | None

    def may_be(self, other: Part) -> bool:
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


def part_of(name: str) -> Part:
    """A part from any spelling: `xc7z020-clg400-1`, `7z020clg400-1`, `xcu250-figd2104-2L-e`, `xcvu13p-fhga2104`."""
    matched = re.fullmatch(
        r"(?:x[caq])?(?P<body>.+?)(?:-(?P<speed>\d[a-z]{0,3})(?:-(?P<temperature>[a-z]))?(?:-[a-z]\d?)?)?",
        name.strip().lower(),
    )
    return Part(body=matched["body"].replace("-", ""), speed=matched["speed"], temperature=matched["temperature"])
