"""What AMD's tools write when they fail: `data/failures.toml`, and what is no failure although it looks like one."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One kind of failure. `cause` and `action` may name the pattern's groups in braces.

    `harmless_before` is of lines that runs which end well have too: before a line of that pattern they say nothing.
    """

    code: str
    pattern: re.Pattern[str]
    cause: str
    action: str
    harmless_before: re.Pattern[str] | None = None


def _read(path: Path) -> tuple[Rule, ...]:
    with path.open("rb") as file:
        return tuple(
            Rule(
                code=said["code"],
                pattern=re.compile(said["pattern"]),
                cause=said["cause"],
                action=said["action"],
                harmless_before=re.compile(said["harmless_before"]) if "harmless_before" in said else None,
            )
            for said in tomllib.load(file)["failure"]
        )


# In order of rank: where several match, the first is the cause, the others are its consequences.
RULES = _read(Path(__file__).parent / "data" / "failures.toml")

# Counts of errors that there are none of.
BENIGN = re.compile(r"0 Errors encountered|with 0 errors|\bError(?:s)?: 0\b")
# Not failures, but what a reader of the figures has to know.
REMARKS = (
    (
        re.compile(r"\[(?:Timing 38-282|Route 35-39)\]"),
        "timing is not met: the design does not run at the clock that was asked for",
    ),
    (
        re.compile(r"\[(?:HLS 200-871|SCHED 204-21)\] Estimated clock period \((?P<a>[\d.]+) ?ns\) exceeds the target"),
        "C synthesis estimates a clock of {a} ns, above the target less its uncertainty",
    ),
    (
        re.compile(r"\[COSIM 212-211\]"),
        "co-simulation counted no interval: it takes two samples or more",
    ),
)
