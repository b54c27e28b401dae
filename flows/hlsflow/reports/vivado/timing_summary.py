"""`report_timing_summary`: the worst slack, and with it the clock period that the design achieves."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hlsflow.foundation.errors import ReportError
from hlsflow.reports.cells import number_or_none
from hlsflow.reports.figures import Clock, Provenance, Stage
from hlsflow.reports.report import Joins, Report, ReportFormat
from hlsflow.reports.vivado.text import VIVADO_HEAD, VivadoHead, vivado_head
from hlsflow.reports.vivado.timing_path import first_path, stage_of

KIND = "timing-summary"

VERDICT = re.compile(
    r"(All user specified timing constraints are met|Timing constraints are not met|"
    r"There are no user specified timing constraints)"
)


def parse(text: str) -> Report:
    """The clock with the worst setup slack: its period, WNS and TNS in ns, and the period achieved, period - WNS.

    The stage is the head's design state, else that of the nets of the first setup path: older heads do not state it.
    Raises ReportError naming the section that is missing, cut off or not understood.
    """
    lines = text.splitlines()
    head = vivado_head(lines)
    design = _rows(lines, "Design Timing Summary", "Clock Summary")
    verdict = next((line for line in _section(lines, "Design Timing Summary") if VERDICT.match(line)), None)
    if len(design) != 1 or verdict is None:
        raise ReportError("Design Timing Summary: cut off, or no single row")
    (summary,) = design
    for column in ("WNS(ns)", "TNS(ns)"):
        if column not in summary:
            raise ReportError(f"Design Timing Summary: no '{column}'")
    wns = number_or_none(summary["WNS(ns)"], "Design Timing Summary / WNS(ns)")
    tns = number_or_none(summary["TNS(ns)"], "Design Timing Summary / TNS(ns)")
    if wns is not None and wns < 0 and not verdict.startswith("Timing constraints are not met"):
        raise ReportError(f"Design Timing Summary: WNS {wns:g} ns, but '{verdict}': a damaged file?")
    return Report(
        kind=KIND,
        provenance=Provenance(
            stage=_stage(lines, head, wns), tool="vivado", tool_version=head.version, part=head.device
        ),
        module=head.design,
        date=head.date,
        clock=_clock(lines, wns, tns),
    )


def _clock(lines: Sequence[str], wns: float | None, tns: float | None) -> Clock:
    periods = _periods(lines)
    slacks = {
        row["Clock"]: _wns(row, "Intra Clock Table")
        for row in _rows(lines, "Intra Clock Table", "Inter Clock Table")
        if "Clock" in row
    }
    between = [_wns(row, "Inter Clock Table") for row in _rows(lines, "Inter Clock Table", "Other Path Groups Table")]
    if wns is not None and wns not in slacks.values() and wns not in between:
        # a path group of its own, which only some designs have, stands in the table after them
        others = _rows(lines, "Other Path Groups Table", None)
        if wns not in [_wns(row, "Other Path Groups Table") for row in others]:
            raise ReportError(f"Design Timing Summary: no clock has the WNS {wns:g} ns: a damaged file?")
    worst = [name for name, slack in slacks.items() if slack is not None and slack == wns]
    if not worst:
        # unconstrained, or the worst path runs from one clock to another
        only = next(iter(periods)) if len(periods) == 1 else None
        return Clock(name=only, target_ns=periods.get(only or ""), slack_ns=wns, total_negative_slack_ns=tns)
    name = worst[0]
    if name not in periods:
        raise ReportError(f"Clock Summary: no clock '{name}'")
    return Clock(
        name=name,
        target_ns=periods[name],
        achieved_ns=round(periods[name] - wns, 3),
        slack_ns=wns,
        total_negative_slack_ns=tns,
    )


def _wns(row: dict[str, str], where: str) -> float | None:
    return number_or_none(row.get("WNS(ns)", ""), f"{where} / WNS(ns)")


def _periods(lines: Sequence[str]) -> dict[str, float]:
    # Clock   Waveform(ns)         Period(ns)      Frequency(MHz)
    # -----   ------------         ----------      --------------
    # ap_clk  {0.000 1.500}        3.000           333.333
    periods: dict[str, float] = {}
    for line in _section(lines, "Clock Summary", "Intra Clock Table")[3:]:
        if not line.strip() or line.startswith(("-", "Clock ")):
            continue
        matched = re.fullmatch(r"\s*(\S+)\s+\{[\d. -]*\}\s+(\d+\.\d+)\s+(\d+\.\d+)\s*", line)
        if matched is None:
            raise ReportError(f"Clock Summary: '{line.strip()}' is no clock")
        periods[matched[1]] = float(matched[2])
        # both are rounded to three digits
        if abs(float(matched[2]) * float(matched[3]) - 1000.0) > 1.0 + 0.6 / max(periods[matched[1]], 0.001):
            raise ReportError(f"Clock Summary: {matched[2]} ns is not {matched[3]} MHz: a damaged file?")
    return periods


def _stage(lines: Sequence[str], head: VivadoHead, wns: float | None) -> Stage | None:
    if head.stage is not None:
        return head.stage
    if wns is None or "-no_detailed_paths" in (head.command or ""):
        return None
    path = first_path(lines)
    if path is None:
        raise ReportError("Timing Details: no path, and so no stage (is the file cut off?)")
    return stage_of(path)


def _section(lines: Sequence[str], title: str, then: str | None = None) -> Sequence[str]:
    begin = next((n for n, line in enumerate(lines) if line.rstrip() == f"| {title}"), None)
    if begin is None:
        raise ReportError(f"section '{title}' is missing (is the file cut off?)")
    end = next((n for n in range(begin + 1, len(lines)) if lines[n].startswith("| ") and "---" not in lines[n]), None)
    if end is None or (then is not None and lines[end].rstrip() != f"| {then}"):
        raise ReportError(f"section '{then or 'after ' + title}' is missing (is the file cut off?)")
    return lines[begin:end]


def _rows(lines: Sequence[str], title: str, then: str | None) -> list[dict[str, str]]:
    #     WNS(ns)      TNS(ns)  TNS Failing Endpoints     the numbers of a column end where its dashes end
    #     -------      -------  ---------------------
    #       0.758        0.000                      0
    section = _section(lines, title, then)
    ruler = next((n for n, line in enumerate(section) if re.fullmatch(r"\s*-+(\s+-+){3,}\s*", line)), None)
    if ruler is None:
        if any(line.strip("-| \n") for line in section[1:]):
            raise ReportError(f"{title}: no table")
        return []
    spans = [match.span() for match in re.finditer(r"-+", section[ruler])]
    names = [section[ruler - 1][begin:end].strip() for begin, end in spans]
    rows = []
    for line in section[ruler + 1 :]:
        if not line.strip():
            break
        # a name may have several words (`input port clock`); two columns are two blanks apart
        cells = [match.span() for match in re.finditer(r"\S+(?: \S+)*", line)]
        row: dict[str, str] = {}
        for left, right in cells:
            # names of clocks stand on the left of their column, and may be indented in the first
            column = next((n for n, (begin, end) in enumerate(spans) if right == end or left == begin), None)
            if column is None and left < spans[0][1]:
                column = 0
            if column is None:
                raise ReportError(f"{title}: '{line[left:right]}' stands below no column")
            row[names[column]] = line[left:right]
        rows.append(row)
    return rows


FORMAT = ReportFormat(
    kind=KIND,
    mark=VIVADO_HEAD + r"^Timing Summary Report",
    parse=parse,
    joins=Joins.VIVADO,
)
