"""The head that every text report of Vivado shares."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hlsflow.foundation.errors import ReportError
from hlsflow.reports.figures import Stage

# What a text report of Vivado begins with, for a pattern of what follows it.
VIVADO_HEAD = r"^\| Tool Version\s*:(?s:.)*?"


@dataclass(frozen=True, kw_only=True, slots=True)
class VivadoHead:
    """Who wrote a report of what: `end` is the number of the line after the head."""

    version: str
    date: str | None
    command: str | None
    design: str
    device: str
    design_state: str | None
    speed_file: str | None
    end: int

    @property
    def stage(self) -> Stage | None:
        """The stage that the head states, None where it states none. Raises ReportError for an unknown design state."""
        if self.design_state is None:
            return None
        state = self.design_state.lower()
        for word, stage in (
            # `Physopt postRoute`: optimised once more after it was routed
            ("postroute", Stage.POST_ROUTE),
            ("routed", Stage.POST_ROUTE),
            ("postplace", Stage.PLACED),
            ("placed", Stage.PLACED),
            ("optimized", Stage.LOGIC_SYNTHESIS),
            ("synthesized", Stage.LOGIC_SYNTHESIS),
        ):
            if word in state:
                return stage
        raise ReportError(f"head: unknown design state '{self.design_state}'")


def vivado_head(lines: Sequence[str]) -> VivadoHead:
    """The head of a report. Raises ReportError where it is missing or incomplete."""
    # | Tool Version : Vivado v.2025.2 (lin64) Build 6299465 Fri Nov 14 12:34:56 MST 2025
    # | Design       : myproject
    # | Device       : xczu7ev-ffvc1156-2-e
    # | Design State : Routed
    first = next((n for n, line in enumerate(lines) if re.match(r"\| Tool Version\s*:", line)), None)
    if first is None:
        raise ReportError("head: no line '| Tool Version : Vivado …'")
    stated: dict[str, str] = {}
    number = first
    while number < len(lines) and lines[number].startswith("|"):
        matched = re.match(r"\| ([A-Za-z ]+?)\s*:\s*(.*?)\s*$", lines[number])
        if matched:
            stated[matched[1].lower()] = matched[2]
        number += 1
    if number == len(lines) or not lines[number].startswith("-----"):
        raise ReportError("head: cut off")
    version = re.match(r"Vivado v\.?(\d{4}\.\d+(?:\.\d+)*)(?!\d)", stated["tool version"])
    if version is None:
        raise ReportError(f"head: '{stated['tool version']}' is no version of Vivado")
    for needed in ("design", "device"):
        if not stated.get(needed):
            raise ReportError(f"head: no '{needed}'")
    return VivadoHead(
        version=version[1],
        date=stated.get("date"),
        command=stated.get("command"),
        design=stated["design"],
        device=stated["device"],
        design_state=stated.get("design state") or None,
        speed_file=stated.get("speed file"),
        end=number + 1,
    )
