"""`report_power`: Vivado's estimate of the power in W."""

from __future__ import annotations

import re

from hlsflow.foundation.errors import ReportError
from hlsflow.reports.ascii_table import is_border
from hlsflow.reports.cells import number
from hlsflow.reports.figures import Provenance
from hlsflow.reports.report import Joins, Power, Report, ReportFormat
from hlsflow.reports.vivado.text import VIVADO_HEAD, vivado_head

KIND = "power"


def parse(text: str) -> Report:
    """Total, dynamic and static power in W, with Vivado's confidence in them.

    Raises ReportError naming what is missing, cut off or not understood.
    """
    lines = text.splitlines()
    head = vivado_head(lines)
    if head.stage is None:
        raise ReportError("head: no design state")
    # +--------------------------+--------------+
    # | Total On-Chip Power (W)  | 6.786        |        `50.9 (Junction temp exceeded!)` where it is too hot
    # | Dynamic (W)              | 0.943        |
    # | Device Static (W)        | 5.842        |
    # | Confidence Level         | Low          |
    begin = next((n for n in range(head.end, len(lines)) if lines[n].startswith("| Total On-Chip Power (W)")), None)
    if begin is None:
        raise ReportError("Summary: no 'Total On-Chip Power (W)' (is the file cut off?)")
    stated: dict[str, str] = {}
    end = begin
    while end < len(lines) and lines[end].startswith("|"):
        cells = [cell.strip() for cell in lines[end].split("|")]
        if len(cells) != 4:
            raise ReportError(f"Summary: row on line {end + 1} is cut off")
        stated[cells[1]] = cells[2]
        end += 1
    if end == len(lines) or not is_border(lines[end]) or lines[end] != lines[begin - 1]:
        raise ReportError("Summary: the table is cut off")
    return Report(
        kind=KIND,
        provenance=Provenance(stage=head.stage, tool="vivado", tool_version=head.version, part=head.device),
        module=head.design,
        date=head.date,
        power=_power(stated),
    )


def _power(stated: dict[str, str]) -> Power:
    def watts(name: str) -> float:
        if name not in stated:
            raise ReportError(f"Summary: no row '{name}'")
        return number(re.sub(r"\s*\(.*\)$", "", stated[name]), f"Summary / {name}")

    power = Power(
        total_w=watts("Total On-Chip Power (W)"),
        dynamic_w=watts("Dynamic (W)"),
        static_w=watts("Device Static (W)"),
        confidence=stated.get("Confidence Level"),
    )
    # a part with memory of its own in the package has rows of power besides
    whole = not [name for name in stated if name.endswith(" Power (W)") and name != "Total On-Chip Power (W)"]
    if whole and abs(power.total_w - power.dynamic_w - power.static_w) > 0.01 + 0.001 * power.total_w:
        raise ReportError("Summary: the total is not the sum of dynamic and static power: a damaged file?")
    return power


FORMAT = ReportFormat(
    kind=KIND,
    mark=VIVADO_HEAD + r"^Power Report",
    parse=parse,
    joins=Joins.VIVADO,
)
