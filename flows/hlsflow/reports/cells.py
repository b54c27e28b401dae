"""The numbers of a report's cells, strictly: what is not a number of the expected form is an error, never a zero."""

from __future__ import annotations

import math
import re

from hlsflow.foundation.errors import ReportError
from hlsflow.foundation.target_files import NS_PER_UNIT

# `?` in csynth.rpt, `undef` in csynth.xml, `-` in the synthesis summary, `NA` in cosim.rpt and export.rpt
UNKNOWN = frozenset({"", "-", "?", "undef", "NA", "N/A", "n/a", "inf"})


def _shown(cell: str) -> str:
    return cell if len(cell) <= 80 else f"{cell[:60]}..."


def count(cell: str, what: str) -> int:
    """A cell's whole number, not negative. Raises ReportError naming `what`."""
    if not re.fullmatch(r"[0-9]{1,18}", cell):
        raise ReportError(f"{what}: '{_shown(cell)}' is no count")
    return int(cell)


def count_or_none(cell: str, what: str) -> int | None:
    """A cell's whole number, None where the tool writes that it does not know."""
    return None if cell in UNKNOWN else count(cell, what)


def number(cell: str, what: str) -> float:
    """A cell's decimal number. Raises ReportError naming `what`."""
    if not re.fullmatch(r"[-+]?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?", cell):
        raise ReportError(f"{what}: '{_shown(cell)}' is no number")
    value = float(cell)
    if not math.isfinite(value):
        raise ReportError(f"{what}: '{_shown(cell)}' is no number that a tool writes")
    return value


def number_or_none(cell: str, what: str) -> float | None:
    """A cell's decimal number, None where the tool writes that it does not know."""
    return None if cell in UNKNOWN else number(cell, what)


def time_ns(cell: str, what: str) -> float | None:
    """A cell such as `5.00`, `10.00 ns`, `0.137 us` in ns (a bare number is ns), None where it is not known."""
    if cell in UNKNOWN:
        return None
    matched = re.fullmatch(r"([0-9.eE+-]+)\s*([a-z]+)?", cell)
    if matched is None or matched[2] not in (None, *NS_PER_UNIT):
        raise ReportError(f"{what}: '{_shown(cell)}' is no time")
    # 0.137 us is 137 ns, not 137.00000000000003
    return round(number(matched[1], what) * NS_PER_UNIT[matched[2] or "ns"], 6)


def count_with_share(cell: str, what: str) -> int:
    """A cell such as `817 (13%)`, `8 (~0%)` or `123(4.5%)`, without the share; `-` is 0 there, as csynth.xml shows."""
    if cell == "-":
        return 0
    matched = re.fullmatch(r"([0-9]{1,18})\s*(\((~|<)?[0-9.]+%\))?", cell)
    if matched is None:
        raise ReportError(f"{what}: '{_shown(cell)}' is no count")
    return int(matched[1])


def count_range(cell: str, what: str) -> tuple[int | None, int | None]:
    """A cell such as `8`, `?` or `1 ~ 64` as (least, greatest)."""
    least, tilde, greatest = cell.partition("~")
    low = count_or_none(least.strip(), what)
    return (low, count_or_none(greatest.strip(), what)) if tilde else (low, low)
