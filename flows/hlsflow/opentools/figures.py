"""The results of the open path as figures of the record: simulation, synthesis, routing, each with its own stage."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hlsflow.devices.targets import Target
from hlsflow.opentools.nextpnr import Routed
from hlsflow.opentools.tools import OpenTool
from hlsflow.opentools.verilator import Simulated, Traffic
from hlsflow.opentools.yosys import Synthesis, command
from hlsflow.opentools.yosys_stat import Cells
from hlsflow.records.record import FigureRecord
from hlsflow.records.tools import OPEN_STAGES
from hlsflow.rtl.design import RtlDesign

SIMULATION, SYNTHESIS, ROUTE, _ = OPEN_STAGES


def simulation_figure(
    design: RtlDesign,
    tool: OpenTool,
    target: Target,
    runs: Sequence[tuple[Traffic, Simulated]],
    source: str,
    compared: str,
) -> FigureRecord:
    """Latency and interval in cycles, of the first run; all runs are in the notes."""
    _, plain = runs[0]
    notes = [
        compared,
        f"latency from the first input beat to the last output beat, both counted; {design.source.beats} beats in "
        f"({design.source.lanes} values a cycle), {design.sink.beats} out",
    ]
    notes += [_run_words(traffic, simulated) for traffic, simulated in runs]
    return FigureRecord(
        stage=SIMULATION,
        tool=tool.name,
        tool_version=tool.version,
        part=target.name,
        source_file=source,
        latency_min_cycles=plain.latency_min,
        latency_max_cycles=plain.latency_max,
        interval_min_cycles=plain.interval_min,
        interval_max_cycles=plain.interval_max,
        notes=notes,
        architecture=design.architecture,
    )


def _run_words(traffic: Traffic, simulated: Simulated) -> str:
    how = "one frame at a time" if traffic.apart else "frames back to back"
    if traffic.gap_percent or traffic.stall_percent:
        how += f", {traffic.gap_percent}% of cycles without input, {traffic.stall_percent}% without readiness"
    interval = (
        "" if simulated.interval_max is None else f", interval {simulated.interval_min} to {simulated.interval_max}"
    )
    return (
        f"{simulated.frames:,} frames, {how}: latency {simulated.latency_min} to {simulated.latency_max}{interval}, "
        f"0 values differ"
    )


def synthesis_figures(
    design: RtlDesign,
    tool: OpenTool,
    target: Target,
    synthesis: Synthesis,
    source: str,
    period_ns: float,
    more: Sequence[str] = (),
) -> list[FigureRecord]:
    """The whole design, then a row for each layer. Counts are of Yosys' mapped cells, before any packing."""
    path = synthesis.longest_path
    notes = [
        f"{tool.name} {tool.version}, {command(target.family)}",
        str(synthesis.stat.whole),
        "cells before packing: a vendor's packer puts small LUTs together and counts fewer",
    ]
    notes += _block_note(target)
    if path is not None:
        notes.append(
            f"longest path {path.delay_ns:.2f} ns by the delays of cells alone (Yosys' sta, speed grade 1 of Artix-7's "
            f"public timing data), without any wire: a routed clock is slower"
        )
        notes.append("path, last cell first: " + "; ".join(path.points))
    whole = _row(design, tool, target, synthesis.stat.whole, source).model_copy(
        update={
            "lut_available": target.lut,
            "ff_available": target.ff,
            "dsp_available": target.dsp,
            "bram_18k_available": target.bram_18k,
            "clock_target_ns": period_ns,
            "notes": [*notes, *design.notes, *more],
        }
    )
    layers = [
        _row(design, tool, target, cells, source).model_copy(
            update={"module": design.modules[module], "notes": [str(cells)]}
        )
        for module, cells in synthesis.stat.modules.items()
        if module in design.modules
    ]
    return [whole, *layers]


def _row(design: RtlDesign, tool: OpenTool, target: Target, cells: Cells, source: str) -> FigureRecord:
    return FigureRecord(
        stage=SYNTHESIS,
        tool=tool.name,
        tool_version=tool.version,
        part=target.name,
        source_file=source,
        lut=cells.lut,
        ff=cells.ff,
        dsp=cells.dsp,
        bram_18k=cells.bram_18k,
        uram=cells.uram,
        architecture=design.architecture,
    )


# nextpnr's names of what a family has; an iCE40's cell holds a LUT and a flip-flop, and is counted as one LUT.
_USED: dict[str, dict[str, dict[str, float]]] = {
    "ecp5": {
        "lut": {"TRELLIS_COMB": 1}, "ff": {"TRELLIS_FF": 1}, "dsp": {"MULT18X18D": 1}, "bram_18k": {"DP16KD": 1},
    },
    "ice40": {"lut": {"ICESTORM_LC": 1}, "dsp": {"ICESTORM_DSP": 1}, "bram_18k": {"ICESTORM_RAM": 1}},
    "gowin": {
        # A memory of sixteen words takes the LUTs of a slice, six of eight (Gowin UG288).
        "lut": {"LUT4": 1, "ALU": 1, "RAM16SDP4": 6},
        "ff": {"DFF": 1},
        "dsp": {"MULT9X9": 0.5, "MULT18X18": 1, "MULT36X36": 4, "MULTADDALU18X18": 2, "MULTALU18X18": 2},
        "bram_18k": {"BSRAM": 1},
    },
}  # fmt: skip
_BLOCK_NOTES = {"ecp5": "block RAM in blocks of 16 Kb", "ice40": "block RAM in blocks of 4 Kb"}


def route_figure(
    tool: OpenTool, target: Target, routed: Routed, source: str, period_ns: float, notes: Sequence[str]
) -> FigureRecord:
    """The clock after routing, and what nextpnr placed."""
    achieved = 1000 / routed.clock_mhz
    known = _USED["gowin" if target.family in ("gw1n", "gw2a") else target.family]
    used = {
        name: math.ceil(sum(routed.used.get(kind, 0) * share for kind, share in kinds.items()))
        for name, kinds in known.items()
    }
    return FigureRecord(
        stage=ROUTE,
        tool=tool.name,
        tool_version=tool.version,
        part=target.name,
        source_file=source,
        lut=used["lut"],
        ff=used.get("ff"),
        dsp=used["dsp"],
        bram_18k=used["bram_18k"],
        lut_available=target.lut,
        ff_available=target.ff if "ff" in used else None,
        dsp_available=target.dsp,
        bram_18k_available=target.bram_18k,
        clock_target_ns=round(period_ns, 3),
        clock_achieved_ns=round(achieved, 3),
        slack_ns=round(period_ns - achieved, 3),
        notes=[f"{routed.clock_mhz:.1f} MHz after routing", *_block_note(target), *notes],
    )


def _block_note(target: Target) -> list[str]:
    return [_BLOCK_NOTES[target.family]] if target.family in _BLOCK_NOTES else []
