"""`<top>_csynth.rpt`: what C synthesis estimates of one module, its instances and its loops."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hlsflow.foundation.errors import ReportError
from hlsflow.reports.ascii_table import Table, read_table
from hlsflow.reports.cells import count, count_or_none, count_range, time_ns
from hlsflow.reports.consistency import check_real_time, check_share
from hlsflow.reports.figures import RESOURCE_NAMES, Clock, Latency, Provenance, Resources, Stage
from hlsflow.reports.hls.text import follows_nothing, general_information, heading, section
from hlsflow.reports.report import Joins, Loop, Module, Report, ReportFormat

KIND = "csynth-rpt"

TITLE = re.compile(r"== (Vivado|Vitis) HLS Report for '(.+)'\s*$")
RESOURCE_COLUMNS = {"lut": "LUT", "ff": "FF", "dsp": r"DSP(48E?\d?)?", "bram_18k": "BRAM_18K", "uram": "URAM"}


def parse(text: str) -> Report:
    """The figures of one module after C synthesis, with those of its instances and loops (cycles, ns, counts).

    Raises ReportError naming the section that is missing, cut off or not understood.
    """
    lines = text.splitlines()
    title_line, tool, module = _title(lines)
    performance_begin, performance_end = section(lines, "Performance Estimates", title_line)
    utilisation_begin, utilisation_end = section(lines, "Utilization Estimates", performance_end)
    information = general_information(lines, title_line, performance_begin)

    clock = _clock(lines, performance_begin, performance_end)
    latency, pipeline = _latency(lines, performance_begin, performance_end, clock)
    resources = _resources(lines, utilisation_begin, utilisation_end)
    return Report(
        kind=KIND,
        provenance=Provenance(
            stage=Stage.CSYNTH, tool=f"{tool.lower()}_hls", tool_version=information.version, part=information.part
        ),
        module=module,
        date=information.date,
        flow_target=information.flow_target,
        pipeline=pipeline,
        resources=resources,
        latency=latency,
        clock=clock,
        modules=_instances(
            lines, (performance_begin, performance_end), (utilisation_begin, utilisation_end), parent=module
        ),
        loops=_loops(lines, performance_begin, performance_end, parent=module),
    )


def _title(lines: Sequence[str]) -> tuple[int, str, str]:
    for number, line in enumerate(lines):
        matched = TITLE.match(line)
        if matched:
            return number, matched[1], matched[2]
    raise ReportError("title: no line \"== Vivado HLS Report for '…'\" or \"== Vitis HLS Report for '…'\"")


def _clock(lines: Sequence[str], begin: int, end: int) -> Clock:
    # + Timing:                                            + Timing (ns):      (until 2019.1)
    #     * Summary:
    #     |  Clock |  Target  | Estimated| Uncertainty|
    #     |ap_clk  |  10.00 ns|  7.023 ns|     2.70 ns|
    where = "Performance Estimates / Timing"
    start = heading(lines, begin, end, "Timing", where)
    table = read_table(lines[:end], start, where)
    name, target = table.needed_column("Clock"), table.needed_column("Target")
    estimated, uncertainty = table.needed_column("Estimated"), table.needed_column("Uncertainty")
    rows = [row for row in table.rows if row[name] == "ap_clk"] or list(table.rows)
    if len(rows) != 1:
        raise ReportError(f"{where}: {len(rows)} clocks where one is expected")
    (row,) = rows
    return Clock(
        name=row[name],
        target_ns=time_ns(row[target], f"{where} / Target"),
        achieved_ns=time_ns(row[estimated], f"{where} / Estimated"),
        uncertainty_ns=time_ns(row[uncertainty], f"{where} / Uncertainty"),
    )


def _latency(lines: Sequence[str], begin: int, end: int, clock: Clock) -> tuple[Latency, str]:
    # |  Latency (cycles) |  Latency (absolute) |  Interval | Pipeline |
    # |   min   |   max   |    min   |    max   | min | max |   Type   |
    # |       20|       20|  0.200 us|  0.200 us|    7|    7|  dataflow|
    # until 2019.1 without the two `absolute` columns and with `Latency` for `Latency (cycles)`
    where = "Performance Estimates / Latency"
    table = read_table(lines[:end], heading(lines, begin, end, "Latency", where), where)
    if len(table.rows) != 1:
        raise ReportError(f"{where}: {len(table.rows)} rows where one is expected")
    row = table.rows[0]
    latency = _latency_of(table, row, where)
    for bound, cycles in (("min", latency.latency_min_cycles), ("max", latency.latency_max_cycles)):
        column = table.column(rf"Latency \(absolute\) {bound}")
        if column is not None:
            check_real_time(cycles, time_ns(row[column], where), clock, f"{where} {bound}")
    return latency, row[table.needed_column("Pipeline Type")]


def _latency_of(table: Table, row: Sequence[str], where: str) -> Latency:
    def cycles(pattern: str) -> int | None:
        return count_or_none(row[table.needed_column(pattern)], f"{where} / {pattern}")

    return Latency(
        latency_min_cycles=cycles(r"Latency( \(cycles\))? min"),
        latency_max_cycles=cycles(r"Latency( \(cycles\))? max"),
        interval_min_cycles=cycles(r"Interval min"),
        interval_max_cycles=cycles(r"Interval max"),
    )


def _resources(lines: Sequence[str], begin: int, end: int) -> Resources:
    # |       Name      | BRAM_18K|  DSP |   FF   |   LUT  | URAM|      URAM is absent where a 2018 part has none
    # |Total            |        4|  3334|    5127|  127264|    0|
    # |Available SLR    |      ...                                    only where the part has several SLRs
    # |Available        |      624|  1728|  460800|  230400|   96|
    # |Utilization (%)  |       ~0|   192|       1|      55|    0|
    where = "Utilization Estimates / Summary"
    table = read_table(lines[:end], heading(lines, begin, end, "Summary", where), where)
    name = table.needed_column("Name")
    rows = {row[name]: row for row in table.rows}
    for needed in ("Total", "Available", "Utilization (%)"):
        if needed not in rows:
            raise ReportError(f"{where}: no row '{needed}' (is the file cut off?)")
    parts = [row for row in table.rows[: table.rows.index(rows["Total"])] if row[name]]
    _check_total(table, parts, rows["Total"], where)
    used = _counts(table, rows["Total"], where)
    available = _counts(table, rows["Available"], where)
    for resource, total in used.items():
        share = rows["Utilization (%)"][table.needed_column(RESOURCE_COLUMNS[resource])]
        check_share(total, available[resource], share, f"{where} / {resource}")
    return Resources(**used, **{f"{resource}_available": number for resource, number in available.items()})


def _counts(table: Table, row: Sequence[str], where: str) -> dict[str, int]:
    counts = {}
    for resource in RESOURCE_NAMES:
        column = table.column(RESOURCE_COLUMNS[resource])
        if column is not None:
            counts[resource] = count(row[column], f"{where} / {table.columns[column]}")
        elif resource != "uram":
            raise ReportError(f"{where}: no column for {resource} among {list(table.columns)}")
    return counts


def _check_total(table: Table, parts: Sequence[Sequence[str]], total: Sequence[str], where: str) -> None:
    # The tool adds the rows up itself, so that a sum that is wrong means a damaged file.
    for resource, pattern in RESOURCE_COLUMNS.items():
        column = table.column(pattern)
        if column is None:
            continue
        name = f"{where} / {resource}"
        stated = count(total[column], name)
        added = sum(count_or_none(part[column], name) or 0 for part in parts)
        if added != stated:
            raise ReportError(
                f"{name}: the total {stated} is not the sum {added} of the rows above it: a damaged file?"
            )


def _instances(
    lines: Sequence[str], performance: tuple[int, int], utilisation: tuple[int, int], parent: str
) -> tuple[Module, ...]:
    # |  Instance  |  Module  |  ... the columns of the summary
    latencies, pipelines, resources, names = {}, {}, {}, {}
    where = "Performance Estimates / Detail / Instance"
    table = _detail(lines, performance, "Instance", where)
    if table is not None:
        instance, module = table.needed_column("Instance"), table.needed_column("Module")
        for row in table.rows:
            names[row[instance]] = row[module]
            latencies[row[instance]] = _latency_of(table, row, where)
            pipelines[row[instance]] = row[table.needed_column("Pipeline Type")]

    where = "Utilization Estimates / Detail / Instance"
    table = _detail(lines, utilisation, "Instance", where)
    if table is not None:
        instance, module = table.needed_column("Instance"), table.needed_column("Module")
        if not table.rows or table.rows[-1][instance] != "Total":
            raise ReportError(f"{where}: no row 'Total' (is the file cut off?)")
        _check_total(table, table.rows[:-1], table.rows[-1], where)
        for row in table.rows[:-1]:
            names[row[instance]] = row[module]
            resources[row[instance]] = Resources(**_counts(table, row, where))
    return tuple(
        Module(
            name=names[instance],
            path=f"{parent}/{instance}",
            depth=1,
            instance=instance,
            pipeline=pipelines.get(instance),
            resources=resources.get(instance),
            latency=latencies.get(instance),
        )
        for instance in names
    )


def _loops(lines: Sequence[str], begin: int, end: int, parent: str) -> tuple[Loop, ...]:
    # |                    |  Latency (cycles) | Iteration|  Initiation Interval  | Trip |          |
    # |      Loop Name     |   min   |   max   |  Latency |  achieved |   target  | Count| Pipelined|
    # |- VITIS_LOOP_58_7   |        ?|        ?|         ?|          -|          -|     ?|        no|
    # | + VITIS_LOOP_25_1  |        8|        8|         1|          -|          -|     8|        no|
    where = "Performance Estimates / Detail / Loop"
    table = _detail(lines, (begin, end), "Loop", where)
    if table is None:
        return ()
    name, trip = table.needed_column("Loop Name"), table.needed_column("Trip Count")
    least, greatest = (table.needed_column(rf"Latency( \(cycles\))? {bound}") for bound in ("min", "max"))
    iteration, pipelined = table.needed_column("Iteration Latency"), table.needed_column("Pipelined")
    achieved, target = (table.needed_column(f"Initiation Interval {bound}") for bound in ("achieved", "target"))
    loops: list[Loop] = []
    path = [parent]
    for row in table.rows:
        matched = re.fullmatch(r"(-|\++)\s*(\S.*)", row[name])
        if matched is None:
            raise ReportError(f"{where}: '{row[name]}' is no loop")
        depth = matched[1].count("+")
        path[depth + 1 :] = [matched[2]]
        iteration_min, iteration_max = count_range(row[iteration], f"{where} / Iteration Latency")
        trip_min, trip_max = count_range(row[trip], f"{where} / Trip Count")
        loops.append(
            Loop(
                name=matched[2],
                path="/".join(path),
                depth=depth + 1,
                pipelined=row[pipelined],
                latency=Latency(
                    latency_min_cycles=count_or_none(row[least], f"{where} / Latency min"),
                    latency_max_cycles=count_or_none(row[greatest], f"{where} / Latency max"),
                ),
                iteration_latency_min_cycles=iteration_min,
                iteration_latency_max_cycles=iteration_max,
                initiation_interval_cycles=count_or_none(row[achieved], f"{where} / achieved"),
                initiation_interval_target_cycles=count_or_none(row[target], f"{where} / target"),
                trip_count_min=trip_min,
                trip_count_max=trip_max,
            )
        )
    return tuple(loops)


def _detail(lines: Sequence[str], bounds: tuple[int, int], title: str, where: str) -> Table | None:
    begin, end = bounds
    start = heading(lines, heading(lines, begin, end, "Detail:", where), end, f"{title}:", where)
    return None if follows_nothing(lines, start, end) else read_table(lines[:end], start, where)


FORMAT = ReportFormat(
    kind=KIND,
    mark=r"^== (Vivado|Vitis) HLS Report for '",
    parse=parse,
    joins=Joins.CSYNTH,
    named=r"(.*_)?csynth.*\.(rpt|xml)",
)
