"""Figures that a report states twice, compared: where they disagree the file is damaged, and nothing of it is used."""

from __future__ import annotations

import re

from hlsflow.foundation.errors import ReportError
from hlsflow.reports.figures import Clock


def check_share(used: float, available: float, share: str, what: str) -> None:
    """Raises ReportError where a cell such as `55`, `~0` or `59.23` is not `used` of `available` in per cent."""
    if not available:
        return
    matched = re.fullmatch(r"([<~])?\s*(\d+)(\.\d+)?", share)
    if matched is None:
        raise ReportError(f"{what}: '{share}' is no share in per cent")
    expected = 100.0 * used / available
    # `~0` and `<0.01` round down; the others round to their last digit, or drop what follows it
    step = 1.0 if matched[3] is None else 10.0 ** -(len(matched[3]) - 1)
    stated = float(matched[2] + (matched[3] or ""))
    if abs(expected - stated) > 1.01 * step:
        raise ReportError(f"{what}: {used:g} of {available:g} is {expected:.2f} %, not {share} %: a damaged file?")


def check_real_time(cycles: int | None, stated_ns: float | None, clock: Clock, what: str) -> None:
    """Raises ReportError where a time in ns is not that many cycles of the target or the estimated clock."""
    if cycles is None and stated_ns is None:
        return
    periods = [period for period in (clock.target_ns, clock.achieved_ns) if period is not None]
    if cycles is None or stated_ns is None:
        raise ReportError(f"{what}: the cycles and the absolute time are not both unknown: a damaged file?")
    # three decimals of a period and of the time, at the most
    if periods and all(abs(stated_ns - cycles * period) > 0.01 * stated_ns + 0.01 for period in periods):
        raise ReportError(f"{what}: {cycles} cycles do not take {stated_ns:g} ns: a damaged file?")
