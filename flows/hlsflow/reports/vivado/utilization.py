"""`vivado_synth.rpt`, `*_utilization_*.rpt`: what Vivado counts, after logic synthesis, placement or routing."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hlsflow.foundation.errors import ReportError
from hlsflow.reports.ascii_table import is_border, read_table
from hlsflow.reports.cells import count, number
from hlsflow.reports.consistency import check_share
from hlsflow.reports.figures import Provenance, Resources
from hlsflow.reports.report import Joins, Report, ReportFormat
from hlsflow.reports.vivado.text import VIVADO_HEAD, vivado_head

KIND = "utilization"

# The `*` after LUTs is there until the design is placed; Versal counts `Registers` and `DSP Slices`.
SITE_TYPES = {
    "lut": r"(CLB|Slice) LUTs\*?",
    "ff": r"((CLB|Slice) )?Registers",
    "bram_36k_tiles": r"Block RAM Tile",
    "uram": r"URAM",
    "dsp": r"DSPs|DSP Slices",
}


def parse(text: str) -> Report:
    """The counts of the whole design, with what the part has of each; BRAM in 18 Kb, twice the 36 Kb tiles printed.

    Raises ReportError naming the section that is missing, cut off or not understood.
    """
    lines = text.splitlines()
    head = vivado_head(lines)
    if head.stage is None:
        raise ReportError("head: no design state")
    found = _site_types(lines, head.end)
    for resource in ("lut", "ff", "bram_36k_tiles", "dsp"):
        if resource not in found:
            raise ReportError(f"no row '{SITE_TYPES[resource]}' in any table (is the file cut off?)")
    tiles, tiles_available = found.pop("bram_36k_tiles")
    if 2 * tiles != int(2 * tiles):
        raise ReportError(f"Block RAM Tile: '{tiles}' is no number of halves")
    counts = {resource: int(used) for resource, (used, _) in found.items()}
    available = {f"{resource}_available": int(number) for resource, (_, number) in found.items()}
    return Report(
        kind=KIND,
        provenance=Provenance(stage=head.stage, tool="vivado", tool_version=head.version, part=head.device),
        module=head.design,
        date=head.date,
        resources=Resources(
            **counts,
            **available,
            bram_18k=int(2 * tiles),
            bram_18k_available=int(2 * tiles_available),
            bram_36k_tiles=tiles,
        ),
        black_boxes=_black_boxes(lines, head.end),
    )


def _black_boxes(lines: Sequence[str], begin: int) -> tuple[str, ...]:
    # 8. Black Boxes               once in the table of contents, and once above its table
    # | Ref Name       | Used |
    # | design_1_ps7_0 |    1 |
    titles = [n for n in range(begin, len(lines)) if re.fullmatch(r"\d+\. Black Boxes\s*", lines[n])]
    if not titles:
        return ()
    if len(titles) == 1:
        raise ReportError("section 'Black Boxes' is missing (is the file cut off?)")
    table = read_table(lines, titles[-1], "Black Boxes")
    if not table.rows and table.end == len(lines):
        raise ReportError("Black Boxes: the table is cut off")
    return tuple(row[table.needed_column("Ref Name")] for row in table.rows)


def _site_types(lines: Sequence[str], begin: int) -> dict[str, tuple[float, float]]:
    # |         Site Type         |  Used | Fixed | Prohibited | Available | Util% |     `Prohibited` since 2020.3
    # | CLB LUTs*                 | 82137 |     0 |          0 |    230400 | 35.65 |
    # |   LUT as Logic            | 82137 |     0 |          0 |    230400 | 35.65 |
    found: dict[str, tuple[float, float]] = {}
    section, line = "head", begin
    while line < len(lines):
        if re.match(r"\d+(\.\d+)*\.? \S", lines[line]):
            section = lines[line].strip()
        if not is_border(lines[line].strip()):
            line += 1
            continue
        if line + 1 < len(lines) and not re.match(r"\|\s*Site Type\s*\|\s*Used\s*\|", lines[line + 1]):
            line = next((n for n in range(line + 1, len(lines)) if not lines[n].startswith(("+", "|"))), len(lines))
            continue
        table = read_table(lines, line, section)
        line = table.end
        used, available, share = (table.needed_column(name) for name in ("Used", "Available", "Util%"))
        for row in table.rows:
            resource = next((r for r, pattern in SITE_TYPES.items() if re.fullmatch(pattern, row[0])), None)
            # `Slice Registers` comes again in the section on logic distribution
            if resource is None or resource in found:
                continue
            read = number if resource == "bram_36k_tiles" else count
            where = f"{section} / {row[0]}"
            found[resource] = read(row[used], where), read(row[available], where)
            check_share(*found[resource], row[share], where)
    return found


FORMAT = ReportFormat(
    kind=KIND,
    mark=VIVADO_HEAD + r"^Utilization Design Information(?!(?s:.)*^\d+\. Utilization by Hierarchy)",
    parse=parse,
    joins=Joins.VIVADO,
    named=r"(vivado_synth.*|.*_utilization_.*)\.(rpt|xml)",
)
