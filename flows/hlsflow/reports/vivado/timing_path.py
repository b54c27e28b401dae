"""`report_timing` (`<top>_timing_synth.rpt`, `_routed.rpt`): the worst path, and so the period that is achieved."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hlsflow.foundation.errors import ReportError
from hlsflow.reports.figures import Clock, Provenance, Stage
from hlsflow.reports.report import Kind, Report
from hlsflow.reports.vivado.text import vivado_head

# How Vivado marks a net of a path. `unset` is a net it did not implement, the clock of an out-of-context design.
NET_STAGES = {
    "unplaced": Stage.LOGIC_SYNTHESIS,
    "estimated": Stage.PLACED,
    "routed": Stage.POST_ROUTE,
}


def parse(text: str) -> Report:
    """The clock of the first path, which is the worst: period, slack and achieved period (period - slack) in ns.

    Raises ReportError where the path is missing, cut off, no setup path, or not of one clock alone.
    """
    lines = text.splitlines()
    head = vivado_head(lines)
    path = first_path(lines)
    if path is None:
        raise ReportError("Timing Report: no path (is the file cut off?)")
    stated = {
        match[1].strip(): match[2] for match in (re.match(r"  (\w[^:]*):\s+(.*?)\s*$", line) for line in path) if match
    }
    if not stated.get("Path Type", "").startswith("Setup"):
        raise ReportError(f"Timing Report: the first path is no setup path but '{stated.get('Path Type', '')}'")
    slack = re.match(r"Slack \(\w+\)\s*:\s+(-?\d+\.\d+)ns", path[0])
    again = re.match(r"\s+slack\s+(-?\d+\.\d+)", path[-1])
    requirement = re.match(r"(\d+\.\d+)ns", stated.get("Requirement", ""))
    periods = set(re.findall(r"period=(\d+\.\d+)ns", "\n".join(path)))
    if slack is None or again is None or requirement is None or len(periods) != 1:
        raise ReportError("Timing Report: the first path has no slack, no requirement, or not one period")
    if slack[1] != again[1]:
        raise ReportError(
            f"Timing Report: slack {slack[1]} ns at its head and {again[1]} ns at its end: a damaged file?"
        )
    (period,) = periods
    # a path within half a period, or over several, says nothing of the period that the design achieves
    whole = requirement[1] == period
    return Report(
        kind=Kind.TIMING_PATH,
        provenance=Provenance(
            stage=head.stage or stage_of(path), tool="vivado", tool_version=head.version, part=head.device
        ),
        module=head.design,
        date=head.date,
        clock=Clock(
            name=stated.get("Path Group"),
            target_ns=float(period),
            achieved_ns=round(float(period) - float(slack[1]), 3) if whole else None,
            slack_ns=float(slack[1]),
        ),
    )


def first_path(lines: Sequence[str]) -> Sequence[str] | None:
    """The lines of the first constrained path from `Slack (…)` to `slack …`, None without one. Raises where cut off."""
    # Slack (MET) :             2.034ns  (required time - arrival time)
    #                          net (fo=2, routed)           0.590     2.081    dense_U0/mul_reg
    #                          slack                                  2.034
    begin = next((n for n, line in enumerate(lines) if re.match(r"Slack \((MET|VIOLATED)\)", line)), None)
    if begin is None:
        return None
    for end in range(begin, len(lines)):
        if re.match(r"\s+slack\s+-?\d+\.\d+\s*$", lines[end]):
            return lines[begin : end + 1]
    raise ReportError("the first path is cut off")


def stage_of(path: Sequence[str]) -> Stage | None:
    """The stage that the nets of a path tell, None where none is marked."""
    marks = {
        match[1]
        for match in (re.match(r"\s+(?:\S+ \(CLOCK_ROOT\)\s+)?net \(fo=\d+, (\w+)\)", line) for line in path)
        if match
    }
    return next((stage for mark, stage in NET_STAGES.items() if mark in marks), None)
