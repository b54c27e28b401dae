"""What `export_design` writes after Vivado ran: `<top>_export.rpt`, and Vitis's `export_syn.rpt`, `export_impl.rpt`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hlsflow.foundation.errors import ReportError
from hlsflow.reports.ascii_table import Table, read_table
from hlsflow.reports.cells import count, number_or_none
from hlsflow.reports.figures import Clock, Provenance, Resources, Stage
from hlsflow.reports.hls.text import general_information, section
from hlsflow.reports.report import Joins, Module, Report, ReportFormat

KIND = "export-rpt"

# BRAM is counted in RAMB18: the tool adds twice RAMB36 itself.
RESOURCE_KEYS = {"lut": "LUT", "ff": "FF", "dsp": "DSP", "bram_18k": "BRAM", "uram": "URAM"}
FLOWS = {"RTL Synthesis": Stage.LOGIC_SYNTHESIS, "Place & Route": Stage.POST_ROUTE}
TITLE = re.compile(r"== Vivado (RTL Synthesis|Place & Route) Results\s*$")


def parse(text: str) -> Report:
    """Counts and the required and achieved clock period in ns, after logic synthesis or after routing.

    Raises ReportError naming the section that is missing, cut off or not understood.
    """
    lines = text.splitlines()
    title = next((n for n, line in enumerate(lines) if TITLE.match(line)), None)
    return _parse_plain(lines) if title is None else _parse_sections(lines, title)


def _parse_plain(lines: Sequence[str]) -> Report:
    # Implementation tool: Xilinx Vivado v.2018.2
    # Device target:       xcvu9p-flgb2104-2-i
    # #=== Post-Synthesis Resource usage ===       or Post-Implementation
    # LUT:         130031
    # #=== Final timing ===
    # CP required:    5.000
    # CP achieved post-synthesis:    3.907
    # CP achieved post-implementation:    5.037
    # Timing met                                   or Timing not met, No Sequential Path
    stated: dict[str, str] = {}
    flow = verdict = None
    for line in lines:
        matched = re.match(r"([A-Za-z][A-Za-z -]*):\s*(.*?)\s*$", line)
        usage = re.match(r"#=== Post-(Synthesis|Implementation) Resource usage ===", line)
        if usage:
            flow = usage[1]
        elif matched:
            if matched[1] in stated:
                raise ReportError(f"a second line '{matched[1]}:'")
            stated[matched[1]] = matched[2]
        elif line.strip() in ("Timing met", "Timing not met", "No Sequential Path"):
            verdict = line.strip()
    version = re.match(r"Xilinx Vivado v\.?(\d{4}\.\d+(?:\.\d+)*)", stated.get("Implementation tool", ""))
    if version is None or not stated.get("Device target"):
        raise ReportError("head: no 'Implementation tool' or no 'Device target'")
    if flow is None:
        raise ReportError("section 'Resource usage' is missing (is the file cut off?)")
    if verdict is None:
        raise ReportError("section 'Final timing': no verdict at its end (is the file cut off?)")
    routed = flow == "Implementation"
    achieved = "CP achieved post-implementation" if routed else "CP achieved post-synthesis"
    for needed in ("CP required", achieved):
        if needed not in stated:
            raise ReportError(f"section 'Final timing': no '{needed}'")
    clock = Clock(
        target_ns=number_or_none(stated["CP required"], "CP required"),
        achieved_ns=number_or_none(stated[achieved], achieved),
    )
    if None not in (clock.target_ns, clock.achieved_ns) and verdict != "No Sequential Path":
        _check_verdict(clock, met=verdict == "Timing met")
    return Report(
        kind=KIND,
        provenance=Provenance(
            stage=Stage.POST_ROUTE if routed else Stage.LOGIC_SYNTHESIS,
            tool="vivado",
            tool_version=version[1],
            part=stated["Device target"],
        ),
        module=None,
        date=stated.get("Report date"),
        resources=_resources(stated),
        clock=clock,
    )


def _parse_sections(lines: Sequence[str], title: int) -> Report:
    # == RTL Synthesis Resource Summary                == Place & Route Resource Summary
    # LUT:              7952
    # == RTL Synthesis Timing Summary
    # * Timing was met
    # | Timing         | Period (ns) |
    # | Target         | 15.000      |
    # | Post-Synthesis | 9.011       |        2022.2 writes `Post-Route` here, of a design that is not routed
    flow = TITLE.match(lines[title])[1]
    information = general_information(lines, title, section(lines, "Run Constraints & Options", title)[0])
    begin, end = section(lines, f"{flow} Resource Summary", title)
    matches = [re.match(r"([A-Z]+):\s+(\S+)\s*$", line) for line in lines[begin:end]]
    resources = _resources({match[1]: match[2] for match in matches if match})

    where = f"{flow} Timing Summary"
    begin, end = section(lines, where, end)
    table = read_table(lines[:end], begin, where)
    rows = {row[0]: row[table.needed_column(r"Period \(ns\)")] for row in table.rows}
    achieved = [name for name in rows if name != "Target"]
    if "Target" not in rows or not achieved:
        raise ReportError(f"{where}: no target or no achieved period")
    final = "Post-Route" if flow == "Place & Route" else achieved[-1]
    if final not in rows:
        raise ReportError(f"{where}: no row '{final}'")
    clock = Clock(
        target_ns=number_or_none(rows["Target"], f"{where} / Target"),
        achieved_ns=number_or_none(rows[final], f"{where} / {final}"),
    )
    said = next((line.strip() for line in lines[begin:end] if line.startswith("* Timing was")), "")
    if said and None not in (clock.target_ns, clock.achieved_ns):
        _check_verdict(clock, met=said == "* Timing was met")

    where = f"{flow} Resources"
    begin, end = section(lines, where, end)
    modules = _modules(read_table(lines[:end], begin, where))
    if not modules:
        raise ReportError(f"{where}: no row (is the file cut off?)")
    return Report(
        kind=KIND,
        provenance=Provenance(
            stage=FLOWS[flow], tool="vivado", tool_version=information.version, part=information.part
        ),
        module=None,
        date=information.date,
        flow_target=information.flow_target,
        resources=resources,
        clock=clock,
        modules=tuple(modules),
    )


def _check_verdict(clock: Clock, met: bool) -> None:
    # The other way round is no contradiction: a period may be met where a hold time is not.
    if met and clock.meets_target is False:
        raise ReportError(
            f"timing: {clock.achieved_ns:g} ns for {clock.target_ns:g} ns, but 'timing was met': a damaged file?"
        )


def _resources(stated: dict[str, str]) -> Resources:
    counts = {}
    for resource, key in RESOURCE_KEYS.items():
        if key in stated:
            counts[resource] = count(stated[key], f"Resource summary / {key}")
        elif resource != "uram":
            raise ReportError(f"Resource summary: no '{key}' (is the file cut off?)")
    return Resources(**counts)


def _modules(table: Table) -> list[Module]:
    # | Name                  | LUT  | FF    | DSP | BRAM | URAM | SRL | Pragma | Impl | ...
    # | inst                  | 7952 | 13792 |     | 1    |      |     |
    # |   dense_U0            |      |       |     |      |      |     |     nothing of it is left under its own name
    modules: list[Module] = []
    path: list[str] = []
    for row, cell in zip(table.rows, table.first_cells, strict=True):
        counts = {}
        for resource, key in RESOURCE_KEYS.items():
            counts[resource] = row[table.needed_column(key)]
        # A blank is a zero of a row that has counts.
        known = any(counts.values())
        depth = min((len(cell) - len(cell.lstrip()) - 1) // 2, len(path))
        path[depth:] = [row[0]]
        modules.append(
            Module(
                name=row[0],
                path="/".join(path),
                depth=depth,
                instance=row[0],
                resources=Resources(
                    **{name: count(value or "0", f"{table.section} / {row[0]}") for name, value in counts.items()}
                )
                if known
                else None,
            )
        )
    return modules


FORMAT = ReportFormat(
    kind=KIND,
    mark=r"^== Vivado (RTL Synthesis|Place & Route) Results|^Implementation tool: +Xilinx Vivado",
    parse=parse,
    joins=Joins.EXPORT,
    named=r"(.*_export|export_(syn|impl))\.(rpt|xml)",
)
