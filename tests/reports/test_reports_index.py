"""Every value that the index of the real reports states, against what is read from the file."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

from hlsflow.reports import tool_log
from hlsflow.reports.hls import cosim, csynth_rpt, csynth_summary, csynth_xml, design_size
from hlsflow.reports.kinds import decode, read
from hlsflow.reports.project_config import READERS
from hlsflow.reports.report import Report
from hlsflow.reports.vivado import power, timing_summary, utilization, utilization_hierarchical

KINDS = {
    "csynth_rpt": {csynth_rpt.KIND, csynth_summary.KIND, design_size.KIND},
    "csynth_xml": {csynth_xml.KIND, design_size.KIND},
    "vivado_synth": {utilization.KIND, utilization_hierarchical.KIND},
    "timing": {timing_summary.KIND},
    "power": {power.KIND},
    "cosim": {cosim.KIND},
    "log": {tool_log.KIND},
}
# hls4ml's own collections of figures, tables of many designs: no report that a tool wrote
NO_REPORTS = {"dataset"}
STATES = {
    "Synthesized": "logic-synthesis",
    "Optimized": "logic-synthesis",
    "Fully Placed": "placed",
    "Routed": "post-route",
}


def rows(reports: Path) -> list[dict[str, str]]:
    with (reports / "INDEX.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def stated_number(cell: str, zero_is_dash: bool = False) -> float | None:
    if cell == "-" and zero_is_dash:
        return 0.0
    return None if cell in ("", "?", "-", "undef", "NA") else float(cell)


def pairs(row: dict[str, str], report: Report) -> list[tuple[str, object, object]]:
    """(what, read, stated) of everything that a row states."""
    notes = row["notes"]
    found: list[tuple[str, object, object]] = [("kind", report.kind in KINDS[row["kind"]], True)]
    for column, read_value in (
        ("tool", report.provenance.tool),
        ("version", report.provenance.tool_version),
        ("part", report.provenance.part),
        ("top", report.module),
    ):
        if row[column]:
            found.append((column, read_value, row[column]))
    clock, latency, resources = report.clock, report.latency, report.resources
    for column, name in (("clock_target_ns", "target_ns"), ("clock_estimated_ns", "achieved_ns")):
        if row[column]:
            found.append((column, getattr(clock, name), stated_number(row[column])))
    if row["latency_max"]:
        found.append(("latency_max", latency.latency_max_cycles, stated_number(row["latency_max"])))
        found.append(("interval_max", latency.interval_max_cycles, stated_number(row["interval_max"])))
        # The summary has one column for latency and one for interval, the worst; the index repeats it as the least,
        # and the parser claims no least. What the index repeats has to be that one figure.
        one = report.kind == csynth_summary.KIND
        least = latency.latency_max_cycles if one else latency.latency_min_cycles
        shortest = latency.interval_max_cycles if one else latency.interval_min_cycles
        found.append(("latency_min_cycles", least, stated_number(row["latency_min_cycles"])))
        found.append(("interval_min", shortest, stated_number(row["interval_min"])))
    if row["LUT"]:
        bram = resources.bram_36k_tiles if report.kind == utilization.KIND else resources.bram_18k
        for column, value in (
            ("BRAM", bram),
            ("DSP", resources.dsp),
            ("FF", resources.ff),
            ("LUT", resources.lut),
            ("URAM", resources.uram),
        ):
            found.append((column, value, stated_number(row[column], report.kind == csynth_summary.KIND)))
    if report.kind == csynth_xml.KIND:
        available = dict(item.split("=") for item in notes.split("avail ")[1].split(";")[0].split())
        for name in ("lut", "ff", "bram_18k", "uram"):
            stated = available.get(name.upper())
            found.append((f"available {name}", getattr(resources, f"{name}_available"), stated_number(stated or "")))
        found.append(("available dsp", resources.dsp_available, float(available.get("DSP") or available["DSP48E"])))
    if match := re.search(r"pipeline=([^;]+)", notes):
        found.append(("pipeline", report.pipeline, match[1].strip()))
    if match := re.search(r"state=([A-Za-z ]+)", notes):
        found.append(("stage", report.provenance.stage, STATES[match[1].strip()]))
    if match := re.search(r"WNS=(-?[\d.]+)", notes):
        found.append(("WNS", clock.slack_ns, float(match[1])))
    if match := re.search(r"status=(\w+)", notes):
        found.append(("status", report.simulation.status, match[1]))
    if match := re.search(r"avg_lat=(\w+)", notes):
        found.append(("average", report.simulation.latency_average_cycles, stated_number(match[1])))
    if row["kind"] == "log" and (match := re.search(r"errors=(\d+)", notes)):
        found.append(("errors", len(report.log.errors), int(match[1])))
    return found


def test_every_value_of_every_row(collected_reports, capsys):
    files, values, wrong = Counter(), Counter(), []
    for row in rows(collected_reports):
        if row["kind"] in (*NO_REPORTS, "config"):
            continue
        report = read(collected_reports / row["file"])
        files[report.kind] += 1
        for what, ours, stated in pairs(row, report):
            values[report.kind] += 1
            if ours != stated:
                wrong.append(f"{row['file']}: {what}: read {ours!r}, the index states {stated!r}")
    with capsys.disabled():
        print(f"\n{'kind':<26}{'files':>7}{'values equal':>14}")
        for kind in sorted(files):
            print(f"{kind:<26}{files[kind]:>7}{values[kind]:>14}")
        print(f"{'all':<26}{files.total():>7}{values.total() - len(wrong):>14}  wrong: {len(wrong)}")
    assert not wrong, "\n".join(wrong[:50])
    assert set(KINDS) | NO_REPORTS | {"config"} == {row["kind"] for row in rows(collected_reports)}


def test_every_configuration_of_the_index(collected_reports):
    checked = 0
    for row in rows(collected_reports):
        if row["kind"] != "config":
            continue
        stated = READERS["hls4ml_config.yml"](decode((collected_reports / row["file"]).read_bytes()))
        assert stated.get("part") == (row["part"] or None), row["file"]
        assert stated.get("clock_target_ns") == stated_number(row["clock_target_ns"]), row["file"]
        assert stated.get("top") == (row["top"] or None), row["file"]
        checked += 1
    assert checked


def test_a_wrong_number_in_the_index_is_found(collected_reports):
    row = next(row for row in rows(collected_reports) if row["kind"] == "csynth_xml" and row["LUT"])
    report = read(collected_reports / row["file"])
    assert all(ours == stated for _, ours, stated in pairs(row, report))
    for column in ("LUT", "latency_max", "clock_estimated_ns"):
        wrong = row | {column: str(float(row[column]) + 1)}
        assert [what for what, ours, stated in pairs(wrong, report) if ours != stated] == [column]
