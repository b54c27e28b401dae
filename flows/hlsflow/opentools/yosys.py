"""Yosys: the RTL mapped to a family's cells, with counts for every layer, and the longest path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hlsflow.devices.boards import Family
from hlsflow.foundation.workspace import write_text
from hlsflow.opentools.budget import Budget, run_within
from hlsflow.opentools.tools import ROUTE_TOOLS, OpenTool
from hlsflow.opentools.yosys_stat import LongestPath, Stat, parse_sta, parse_stat


class Sources(Protocol):
    """A design to synthesize: its top module, Verilog and memories by file name, and what writes them into a folder."""

    @property
    def top(self) -> str: ...

    @property
    def sources(self) -> Mapping[str, str]: ...

    @property
    def memories(self) -> Mapping[str, str]: ...

    def write(self, folder: Path) -> None: ...


STAT_FILE, STA_FILE, NETLIST_FILE, SCRIPT_FILE = "stat.json", "sta.txt", "netlist.json", "synthesis.ys"


@dataclass(frozen=True, kw_only=True, slots=True)
class Synthesis:
    """What Yosys made of a design. `longest_path` is None for a family whose cells have no delays in Yosys."""

    stat: Stat
    longest_path: LongestPath | None


def command(family: Family, *, pads: bool = False) -> str:
    """Yosys' own command for a family, without the name of the top module. `pads`: of a chip, not of a core."""
    if family in ("gw1n", "gw2a"):
        return f"synth_gowin -family {family}" + ("" if pads else " -noiopads")
    # Neither pads nor clock buffers: this is a core, not a chip. nextpnr gives ECP5 and iCE40 theirs.
    return {"ecp5": "synth_ecp5", "ice40": "synth_ice40 -dsp"}.get(
        family, f"synth_xilinx -family {family} -flatten -noiopad -noclkbuf"
    )


def script(design: Sources, family: Family, *, pads: bool = False) -> str:
    """The commands. Layers keep their boundaries until they are counted; then the design is one flat netlist."""
    lines = [
        f"read_verilog -defer {' '.join(sorted(design.sources))}",
        f"hierarchy -check -top {design.top}",
        # A kept layer's ports would get pads too.
        *(["setattr -mod -unset keep_hierarchy"] if pads else []),
        f"{command(family, pads=pads)} -top {design.top}",
    ]
    lines += [f"tee -q -o {STAT_FILE} stat -json -top {design.top}"]
    lines += ["setattr -mod -unset keep_hierarchy", "flatten", "delete t:$scopeinfo"]
    if family in ROUTE_TOOLS:
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
    design: Sources,
    family: Family,
    folder: Path,
    tool: OpenTool,
    *,
    pads: bool = False,
    budget: Budget | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> Synthesis:
    """Synthesizes in a folder, which then holds script, log, counts and netlist. `progress`: see `run_within`.

    `pads`: the ports are those of a chip.

    Raises ToolError where Yosys fails, or needs more than its time or memory.
    """
    design.write(folder)
    write_text(folder / SCRIPT_FILE, script(design, family, pads=pads))
    run_within(
        budget or Budget(),
        (*tool.command, SCRIPT_FILE),
        what=f"Yosys for {family}",
        log=folder / "yosys.log",
        cwd=folder,
        webassembly=tool.webassembly,
        progress=progress,
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
