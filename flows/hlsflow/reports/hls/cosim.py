"""`<top>_cosim.rpt`: the verdict of C/RTL co-simulation and the cycles that it counted."""

from __future__ import annotations

import re

from hlsflow.foundation.errors import ReportError
from hlsflow.reports.ascii_table import Table, read_table
from hlsflow.reports.cells import count_or_none
from hlsflow.reports.figures import Latency, Provenance, Stage
from hlsflow.reports.report import Report, ReportFormat, Simulation

KIND = "cosim"

WHERE = "co-simulation table"
VERDICTS = {"pass": True, "fail": False, "na": None}


def parse(text: str) -> Report:
    """The verdict and the counted latency and interval in cycles; None where the simulator counted none (`NA`).

    The file states neither top, part nor version. Raises ReportError where the table is missing or cut off.
    """
    lines = text.splitlines()
    if not any(line.startswith("Report time") for line in lines):
        raise ReportError("head: no line 'Report time'")
    table = read_table(lines, 0, WHERE)
    rtl, status = table.needed_column("RTL"), table.needed_column("Status")
    for row in table.rows:
        if row[status].lower() not in VERDICTS:
            raise ReportError(f"{WHERE} / {row[rtl]}: unknown status '{row[status]}'")
    languages = [row[rtl] for row in table.rows]
    if not {"VHDL", "Verilog"} <= set(languages):
        raise ReportError(f"{WHERE}: no rows VHDL and Verilog")
    # VHDL comes first and is NA where Verilog was simulated
    run = [row for row in table.rows if row[status].lower() != "na"]
    row = next((row for row in run if row[rtl] == "Verilog"), run[0] if run else table.rows[0])
    simulation, latency = _simulation(table, row, row[rtl] if run else None, row[status])
    date = next((line.partition(":")[2].strip(" .") for line in lines if line.startswith("Report time")), None)
    return Report(
        kind=KIND,
        provenance=Provenance(stage=Stage.COSIM, tool=_tool(table)),
        module=None,
        date=date,
        latency=latency,
        simulation=simulation,
    )


def _simulation(table: Table, row: tuple[str, ...], language: str | None, status: str) -> tuple[Simulation, Latency]:
    # |          |          |         Latency(Clock Cycles)         |   Interval ... | Total Execution Time |
    # +   RTL    +  Status  +---------------------------------------+------------    +    (Clock Cycles)    +
    # |          |          |     min     |     avg   |     max     |     min ...    |                      |
    # |   Verilog|      Pass|           76|        147|          221|           77   |                162128|
    def cycles(pattern: str) -> int | None:
        return count_or_none(row[table.needed_column(pattern)], f"{WHERE} / {pattern}")

    unit = r"(\s*\(Clock Cycles\))?"
    total = table.column(rf"Total Execution Time{unit}")
    simulation = Simulation(
        passed=VERDICTS[status.lower()],
        status=status,
        language=language,
        latency_average_cycles=cycles(rf"Latency{unit} avg"),
        interval_average_cycles=cycles(rf"Interval{unit} avg"),
        total_execution_cycles=None if total is None else count_or_none(row[total], f"{WHERE} / Total Execution Time"),
    )
    latency = Latency(
        latency_min_cycles=cycles(rf"Latency{unit} min"),
        latency_max_cycles=cycles(rf"Latency{unit} max"),
        interval_min_cycles=cycles(rf"Interval{unit} min"),
        interval_max_cycles=cycles(rf"Interval{unit} max"),
    )
    for low, average, high in (
        (latency.latency_min_cycles, simulation.latency_average_cycles, latency.latency_max_cycles),
        (latency.interval_min_cycles, simulation.interval_average_cycles, latency.interval_max_cycles),
    ):
        if None not in (low, average, high) and not low <= average <= high:
            raise ReportError(f"{WHERE}: the average {average} is not between {low} and {high}: a damaged file?")
    return simulation, latency


def _tool(table: Table) -> str:
    # Only Vitis names the unit and the total; the file names no tool.
    return "vitis_hls" if any(re.search("Clock Cycles", name) for name in table.columns) else "vivado_hls"


FORMAT = ReportFormat(
    kind=KIND,
    mark=r"\A(?s:.)*^Report time +:(?s:.)*^\+ +RTL +\+",
    parse=parse,
    named=r".*_cosim\.(rpt|xml)",
)
