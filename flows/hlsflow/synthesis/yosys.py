"""Yosys: the RTL mapped to a family's cells, with counts for every layer, and the longest path."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hlsflow.process import run
from hlsflow.synthesis.limited import limited
from hlsflow.synthesis.open_targets import Family
from hlsflow.synthesis.open_tools import OpenTool
from hlsflow.synthesis.rtl.design import RtlDesign
from hlsflow.synthesis.yosys_stat import LongestPath, Stat, parse_sta, parse_stat
from hlsflow.workspace import write_text

TIMEOUT_S = 3600
MEMORY_BYTES = 8 << 30

STAT_FILE, STA_FILE, NETLIST_FILE, SCRIPT_FILE = "stat.json", "sta.txt", "netlist.json", "synthesis.ys"


@dataclass(frozen=True, kw_only=True, slots=True)
class Synthesis:
    """What Yosys made of a design. `longest_path` is None for a family whose cells have no delays in Yosys."""

    stat: Stat
    longest_path: LongestPath | None


def script(design: RtlDesign, family: Family) -> str:
    """The commands. Layers keep their boundaries until they are counted; then the design is one flat netlist."""
    lines = [
        f"read_verilog -defer {' '.join(sorted(design.sources))}",
        f"hierarchy -check -top {design.top}",
    ]
    if family == "ecp5":
        lines += [f"synth_ecp5 -top {design.top}"]
    else:
        # Neither pads nor clock buffers: this is a core, not a chip.
        lines += [f"synth_xilinx -family {family} -top {design.top} -flatten -noiopad -noclkbuf"]
    lines += [f"tee -q -o {STAT_FILE} stat -json -top {design.top}"]
    lines += ["setattr -mod -unset keep_hierarchy", "flatten", "delete t:$scopeinfo"]
    if family == "ecp5":
        lines += [f"write_json {NETLIST_FILE}"]
    if family == "xc7":
        # A fresh design: the library that synthesis left behind has no delays.
        lines += [
            "write_rtlil -selected flat.il",
            "design -reset",
            "read_rtlil flat.il",
            "read_verilog -lib -specify +/xilinx/cells_sim.v",
            f"tee -q -o {STA_FILE} sta",
        ]
    return "\n".join(lines) + "\n"


def synthesize(
    design: RtlDesign,
    family: Family,
    folder: Path,
    tool: OpenTool,
    *,
    timeout_s: float = TIMEOUT_S,
    progress: Callable[[float], None] | None = None,
) -> Synthesis:
    """Synthesizes in a folder, which then holds script, log, counts and netlist. `progress` is told the seconds so far.

    Raises ToolError where Yosys fails, or needs more than its time or memory.
    """
    design.write(folder)
    write_text(folder / SCRIPT_FILE, script(design, family))
    started = time.monotonic()
    words = (*tool.command, SCRIPT_FILE)
    run(
        words if tool.webassembly else limited(words, MEMORY_BYTES),
        log=folder / "yosys.log",
        cwd=folder,
        timeout_s=timeout_s,
        what=f"Yosys for {family}",
        on_poll=None if progress is None else lambda: progress(time.monotonic() - started),
    )
    for name in (*design.sources, *design.memories, "flat.il"):
        (folder / name).unlink(missing_ok=True)
    return read_synthesis(folder)


def read_synthesis(folder: Path) -> Synthesis:
    """What an earlier synthesis left in a folder. Raises ReportError where it is damaged."""
    stat, sta = folder / STAT_FILE, folder / STA_FILE
    return Synthesis(
        stat=parse_stat(stat.read_text(), str(stat)),
        longest_path=parse_sta(sta.read_text(), str(sta)) if sta.is_file() else None,
    )
