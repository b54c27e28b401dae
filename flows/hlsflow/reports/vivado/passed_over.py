"""Reports of Vivado that state no figure of ours: clock utilization, control sets, DRC, methodology, IO and their like.

They are known by the command that wrote them, which stands in their head, so that nobody takes one for a report that
is damaged, or for one of the whole design.
"""

from __future__ import annotations

import re

from hlsflow.foundation.errors import ReportError
from hlsflow.reports.figures import Provenance
from hlsflow.reports.report import Report, ReportFormat
from hlsflow.reports.vivado.text import VIVADO_HEAD, vivado_head

KIND = "passed-over"

# The commands whose reports have figures, unless they were asked about a part of the design alone: some cells, the
# rectangles of a floor plan, a die of several (SLR), paths from here to there.
_WITH_FIGURES = (
    r"report_utilization\b(?!.* -(?:slr|cells|pblocks)\b)|report_timing_summary\b(?!.* -cells\b)"
    r"|report_timing\b(?!.* -(?:from|to|through|of_objects|cells)\b)|report_power\b"
)
_COMMAND = re.compile(r"^\| Command\s*:\s*report_(?P<what>\w+)(?P<options>.*)$", re.MULTILINE)
_PART_OF_A_DESIGN = re.compile(r" -(slr|cells|pblocks|from|to|through|of_objects)\b")
_ROUTE_STATUS = r"\A\s*Design Route Status\s*$"


def parse(text: str) -> Report:
    """A report without figures, with what it is of. Raises ReportError where its head is missing or cut off."""
    if re.search(_ROUTE_STATUS, text, re.MULTILINE):
        # the one report of Vivado's without a head
        return Report(
            kind=KIND, provenance=Provenance(stage=None, tool="vivado"), module=None, passed_over="route status"
        )
    head = vivado_head(text.splitlines())
    command = _COMMAND.search(text)
    if command is None:
        raise ReportError("head: no command")
    part = _PART_OF_A_DESIGN.search(command["options"])
    what = command["what"].replace("_", " ") + (f" {part[0].strip()}" if part else "")
    return Report(
        kind=KIND,
        provenance=Provenance(stage=None, tool="vivado", tool_version=head.version, part=head.device),
        module=head.design,
        date=head.date,
        passed_over=what,
    )


FORMAT = ReportFormat(
    kind=KIND,
    mark=rf"{_ROUTE_STATUS}|{VIVADO_HEAD}^\| Command\s*:\s*(?!{_WITH_FIGURES})report_\w+",
    parse=parse,
)
