"""The frame that the text reports of Vivado HLS and Vitis HLS share: title, general information, sections."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hlsflow.foundation.errors import ReportError

RULE = "=" * 16


@dataclass(frozen=True, kw_only=True, slots=True)
class GeneralInformation:
    """The head of a report. `date` and `flow_target` are the tool's texts, None where it does not state them."""

    version: str
    part: str
    date: str | None
    flow_target: str | None


def general_information(lines: Sequence[str], begin: int, end: int) -> GeneralInformation:
    """Version, part, date and flow target between two lines. Raises ReportError where version or part is missing."""
    #   * Version:        2024.1 (Build 5069499 on May 21 2024)
    #   * Solution:       solution1 (Vivado IP Flow Target)
    #   * Target device:  xcu50-fsvh2104-2-e
    stated: dict[str, str] = {}
    for line in lines[begin:end]:
        matched = re.match(r"\s*\* ([A-Za-z ]+):\s*(.*?)\s*$", line)
        if matched:
            stated.setdefault(matched[1].lower(), matched[2])
    version = re.match(r"v?\.?(\d{4}\.\d+(?:\.\d+)*)\b", stated.get("version", ""))
    if version is None:
        raise ReportError("general information: no tool version")
    part = stated.get("target device", "")
    if not re.fullmatch(r"\w[\w-]{4,}", part):
        raise ReportError("general information: no target device")
    flow = re.search(r"\((.+ Flow Target)\)", stated.get("solution", ""))
    return GeneralInformation(
        version=version[1],
        part=part,
        date=stated.get("date") or None,
        flow_target=flow[1] if flow else None,
    )


def section(lines: Sequence[str], title: str, after: int = 0) -> tuple[int, int]:
    """(first line, line after the last) of the section `== title`. Raises ReportError naming it where it is missing."""
    for number in range(after, len(lines) - 2):
        if lines[number].startswith(RULE) and lines[number + 1].rstrip() == f"== {title}":
            if not lines[number + 2].startswith(RULE):
                break
            begin = number + 3
            end = next((n for n in range(begin, len(lines)) if lines[n].startswith(RULE)), len(lines))
            return begin, end
    raise ReportError(f"section '{title}' is missing (is the file cut off?)")


def heading(lines: Sequence[str], begin: int, end: int, pattern: str, name: str) -> int:
    """The line after the heading that matches `pattern`. Raises ReportError naming it where it is missing."""
    for number in range(begin, end):
        if re.match(rf"\s*[*+] {pattern}", lines[number]):
            return number + 1
    raise ReportError(f"'{name}' is missing (is the file cut off?)")


def follows_nothing(lines: Sequence[str], begin: int, end: int) -> bool:
    """Whether the tool wrote `N/A` in the place of the table that would begin here."""
    return next((line.strip() for line in lines[begin:end] if line.strip()), "") == "N/A"
