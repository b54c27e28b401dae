"""`csynth.rpt`, Vitis's "Synthesis Summary Report": one line a module and a loop, with the worst latency alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hlsflow.foundation.errors import ReportError
from hlsflow.reports.ascii_table import Table, read_table
from hlsflow.reports.cells import count_or_none, count_range, count_with_share, number_or_none
from hlsflow.reports.figures import Clock, Latency, Provenance, Resources, Stage
from hlsflow.reports.hls.text import general_information, heading
from hlsflow.reports.report import Joins, Loop, Module, Report, ReportFormat

KIND = "csynth-summary"

TITLE = re.compile(r"== Synthesis Summary Report of '(.+)'\s*$")
WHERE = "Performance & Resource Estimates"
RESOURCE_COLUMNS = {"lut": "LUT", "ff": "FF", "dsp": "DSP", "bram_18k": "BRAM(_18K)?", "uram": "URAM"}


def parse(text: str) -> Report:
    """The estimates of the top, its modules and its loops after C synthesis (cycles, slack in ns, counts).

    The file states one latency and one interval, the greatest: the least ones stay None. It states no clock period,
    only slack. Raises ReportError naming the section that is missing, cut off or not understood.
    """
    lines = text.splitlines()
    title = next((n for n, line in enumerate(lines) if TITLE.match(line)), None)
    if title is None:
        raise ReportError("title: no line \"== Synthesis Summary Report of '…'\"")
    top = TITLE.match(lines[title])[1]
    start = heading(lines, title, len(lines), WHERE, WHERE)
    information = general_information(lines, title, start)
    table = read_table(lines, start, WHERE)
    modules, loops = _rows(table)
    if not modules or modules[0].name != top or modules[0].depth != 0:
        raise ReportError(f"{WHERE}: the first row is not the top '{top}'")
    return Report(
        kind=KIND,
        provenance=Provenance(
            stage=Stage.CSYNTH, tool="vitis_hls", tool_version=information.version, part=information.part
        ),
        module=top,
        date=information.date,
        flow_target=information.flow_target,
        pipeline=modules[0].pipeline,
        resources=modules[0].resources,
        latency=modules[0].latency,
        clock=modules[0].clock,
        modules=tuple(modules),
        loops=tuple(loops),
    )


def _rows(table: Table) -> tuple[list[Module], list[Loop]]:
    # |    Modules    | Issue|      | Latency | Latency| Iteration|         | Trip |          |      |     |    |     |
    # |    & Loops    | Type | Slack| (cycles)|  (ns)  |  Latency | Interval| Count| Pipelined| BRAM | DSP | FF | LUT |
    # |+ myproject*   |    II|  0.02|        8|  40.000|         -|        1|     -|       yes|   -  |3 (~0%)| ...
    # | + dense_s     |     -|  0.02|        1|   5.000|         -|        1|     -|       yes|   -  |
    # |  o LOOP       |     -|  7.30|        8|  80.000|         2|        1|     8|       yes|   -  |
    # 2025.2 orders the columns anew and adds `Violation Type`; 2025.1 merges the cell `Latency` over two of them
    modules: list[Module] = []
    loops: list[Loop] = []
    path: list[str] = []
    for row, cell in zip(table.rows, table.first_cells, strict=True):
        matched = re.fullmatch(r"( *)([+o]) (\S.*?)(\*?)", cell)
        if matched is None:
            raise ReportError(f"{WHERE}: '{cell.strip()}' is no module or loop")
        depth, name = len(matched[1]), matched[3]
        if depth > len(path):
            raise ReportError(f"{WHERE}: '{name}' is indented below nothing")
        path[depth:] = [name]
        if matched[2] == "+":
            modules.append(_module(table, row, name, "/".join(path), depth))
        else:
            loops.append(_loop(table, row, name, "/".join(path), depth))
    return modules, loops


def _cell(table: Table, row: Sequence[str], pattern: str) -> str:
    return row[table.needed_column(pattern)]


def _latency(table: Table, row: Sequence[str], interval: bool) -> Latency:
    return Latency(
        latency_max_cycles=count_or_none(_cell(table, row, r"Latency \(cycles\)"), f"{WHERE} / Latency (cycles)"),
        interval_max_cycles=count_or_none(_cell(table, row, "Interval"), f"{WHERE} / Interval") if interval else None,
    )


def _module(table: Table, row: Sequence[str], name: str, path: str, depth: int) -> Module:
    counts = {}
    for resource, pattern in RESOURCE_COLUMNS.items():
        counts[resource] = count_with_share(_cell(table, row, pattern), f"{WHERE} / {resource}")
    issue = _cell(table, row, "Issue Type")
    return Module(
        name=name,
        path=path,
        depth=depth,
        pipeline=_cell(table, row, "Pipelined"),
        issue=None if issue == "-" else issue,
        resources=Resources(**counts),
        latency=_latency(table, row, interval=True),
        clock=Clock(slack_ns=number_or_none(_cell(table, row, "Slack"), f"{WHERE} / Slack")),
    )


def _loop(table: Table, row: Sequence[str], name: str, path: str, depth: int) -> Loop:
    iteration_min, iteration_max = count_range(_cell(table, row, "Iteration Latency"), f"{WHERE} / Iteration Latency")
    trip_min, trip_max = count_range(_cell(table, row, "Trip Count"), f"{WHERE} / Trip Count")
    return Loop(
        name=name,
        path=path,
        depth=depth,
        pipelined=_cell(table, row, "Pipelined"),
        latency=_latency(table, row, interval=False),
        iteration_latency_min_cycles=iteration_min,
        iteration_latency_max_cycles=iteration_max,
        initiation_interval_cycles=count_or_none(_cell(table, row, "Interval"), f"{WHERE} / Interval"),
        trip_count_min=trip_min,
        trip_count_max=trip_max,
    )


FORMAT = ReportFormat(
    kind=KIND,
    mark=r"^== Synthesis Summary Report of '",
    parse=parse,
    joins=Joins.CSYNTH,
)
