"""`report_utilization -hierarchical`: what Vivado counts in every instance of the design."""

from __future__ import annotations

from hlsflow.foundation.errors import ReportError
from hlsflow.reports.ascii_table import Table, read_table
from hlsflow.reports.cells import count_with_share
from hlsflow.reports.figures import Provenance, Resources
from hlsflow.reports.report import Joins, Module, Report, ReportFormat
from hlsflow.reports.vivado.text import VIVADO_HEAD, vivado_head

KIND = "utilization-hierarchical"

WHERE = "Utilization by Hierarchy"
COLUMNS = {
    "lut": "Total LUTs",
    "ff": "FFs",
    "ramb36": "RAMB36",
    "ramb18": "RAMB18",
    "uram": "URAM",
    "dsp": r"DSP48 Blocks|DSP Blocks|DSP Slices|DSPs",
}


def parse(text: str) -> Report:
    """The counts of the top and of every instance listed; BRAM in 18 Kb, twice RAMB36 and RAMB18.

    A row `(name)` is what lies in the instance `name` itself. Raises ReportError naming what is missing or cut off.
    """
    lines = text.splitlines()
    head = vivado_head(lines)
    if head.stage is None:
        raise ReportError("head: no design state")
    titles = [n for n in range(head.end, len(lines)) if lines[n].rstrip().endswith(f" {WHERE}")]
    if not titles:
        raise ReportError(f"section '{WHERE}' is missing (is the file cut off?)")
    modules = _modules(read_table(lines, titles[-1], WHERE))
    if not modules or modules[0].depth != 0:
        raise ReportError(f"{WHERE}: no row of the top")
    return Report(
        kind=KIND,
        provenance=Provenance(stage=head.stage, tool="vivado", tool_version=head.version, part=head.device),
        module=head.design,
        date=head.date,
        resources=modules[0].resources,
        modules=tuple(modules),
    )


def _modules(table: Table) -> list[Module]:
    # |  Instance   |  Module  | Total LUTs | Logic LUTs | LUTRAMs | SRLs |  FFs | RAMB36 | RAMB18 | URAM | DSP Blocks |
    # | myproject   |    (top) | 3217(6.05%) | ...                      with -hierarchical_percentages
    # |   (myproject) |  (top) |       15496 | ...
    # |   dense_U0  | dense_s  |       21720 | ...
    columns = {
        name: table.column(pattern) if name == "uram" else table.needed_column(pattern)
        for name, pattern in COLUMNS.items()
    }
    module_column = table.needed_column("Module")
    modules: list[Module] = []
    path: list[str] = []
    for row, cell in zip(table.rows, table.first_cells, strict=True):
        counts = {
            name: None if column is None else count_with_share(row[column], f"{WHERE} / {row[0]}")
            for name, column in columns.items()
        }
        ramb36, ramb18 = counts.pop("ramb36"), counts.pop("ramb18")
        depth = (len(cell) - len(cell.lstrip()) - 1) // 2
        if depth > len(path) or depth < 0:
            raise ReportError(f"{WHERE}: '{row[0]}' is indented below nothing")
        path[depth:] = [row[0]]
        modules.append(
            Module(
                name=row[module_column],
                path="/".join(path),
                depth=depth,
                instance=row[0],
                resources=Resources(**counts, bram_18k=2 * ramb36 + ramb18, bram_36k_tiles=ramb36 + ramb18 / 2),
            )
        )
    return modules


FORMAT = ReportFormat(
    kind=KIND,
    mark=VIVADO_HEAD + r"^\d+\. Utilization by Hierarchy",
    parse=parse,
    joins=Joins.VIVADO,
)
