"""`report_timing` (`<top>_timing_synth.rpt`, `_routed.rpt`): the worst path, and so the period that is achieved."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hlsflow.foundation.errors import ReportError
from hlsflow.reports.figures import Clock, Provenance, Stage
from hlsflow.reports.report import Joins, Report, ReportFormat
from hlsflow.reports.vivado.text import VIVADO_HEAD, VivadoHead, vivado_head

KIND = "timing-path"

# How Vivado marks a net of a path. `unset` is a net it did not implement, the clock of an out-of-context design.
NET_STAGES = {
    "unplaced": Stage.LOGIC_SYNTHESIS,
    "estimated": Stage.PLACED,
    "routed": Stage.POST_ROUTE,
}

UNCONSTRAINED = re.compile(r"Slack:\s+inf\s*$")


def parse(text: str) -> Report:
    """The clock of the first path, which is the worst: period, slack and achieved period (period - slack) in ns.

    Passed over is a path that tells no clock period: unconstrained, of another type than setup, held to a maximum
    delay, or from one clock to another. Raises ReportError where the path is missing or cut off.
    """
    lines = text.splitlines()
    head = vivado_head(lines)
    path = first_path(lines)
    if path is None:
        if any(UNCONSTRAINED.match(line) for line in lines):
            return _passed_over(head, "timing of an unconstrained path")
        raise ReportError("Timing Report: no path (is the file cut off?)")
    stated = {
        match[1].strip(): match[2] for match in (re.match(r"  (\w[^:]*):\s+(.*?)\s*$", line) for line in path) if match
    }
    kind = stated.get("Path Type", "")
    if not kind.startswith("Setup") or "(MaxDelay Path" in stated.get("Requirement", ""):
        if not kind or "Requirement" not in stated:
            raise ReportError("Timing Report: the first path has no type or no requirement")
        what = "maximum-delay path" if "(MaxDelay Path" in stated["Requirement"] else f"path of the type '{kind}'"
        return _passed_over(head, f"timing of a {what}")
    slack = re.match(r"Slack \(\w+\)\s*:\s+(-?\d+\.\d+)ns", path[0])
    again = re.match(r"\s+slack\s+(-?\d+\.\d+)", path[-1])
    requirement = re.match(r"(\d+\.\d+)ns", stated.get("Requirement", ""))
    periods = set(re.findall(r"period=(\d+\.\d+)ns", "\n".join(path)))
    if slack is None or again is None or requirement is None or not periods:
        raise ReportError("Timing Report: the first path has no slack, no requirement, or no period")
    if slack[1] != again[1]:
        raise ReportError(
            f"Timing Report: slack {slack[1]} ns at its head and {again[1]} ns at its end: a damaged file?"
        )
    clocks = re.findall(r"([^\s(]+) (?:rise|fall)@", stated["Requirement"])
    if len(periods) > 1 and len(set(clocks)) < 2:
        raise ReportError(f"Timing Report: {len(periods)} periods of one clock: a damaged file?")
    if len(periods) > 1:
        return _passed_over(head, "timing of a path between two clocks")
    (period,) = periods
    # a path within half a period, or over several, says nothing of the period that the design achieves
    whole = requirement[1] == period
    return Report(
        kind=KIND,
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


def _passed_over(head: VivadoHead, what: str) -> Report:
    return Report(
        kind=KIND,
        provenance=Provenance(stage=head.stage, tool="vivado", tool_version=head.version, part=head.device),
        module=head.design,
        date=head.date,
        passed_over=what,
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


FORMAT = ReportFormat(
    kind=KIND,
    mark=VIVADO_HEAD + r"^Timing Report$",
    parse=parse,
    joins=Joins.VIVADO,
)
