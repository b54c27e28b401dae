"""nextpnr for ECP5: the netlist placed and routed, the clock that it reaches, and the bitstream."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hlsflow.devices.ecp5 import Target
from hlsflow.foundation.errors import ReportError
from hlsflow.foundation.workspace import write_text
from hlsflow.opentools.budget import Budget, run_within
from hlsflow.opentools.tools import OpenTool
from hlsflow.processes.process import run
from hlsflow.rtl.files import constraints_lpf

PACK_TIMEOUT_S = 600

REPORT_FILE, CONFIG_FILE, BITSTREAM_FILE = "nextpnr.json", "routed.config", "core.bit"


@dataclass(frozen=True, kw_only=True, slots=True)
class Routed:
    """What nextpnr reached: the fastest clock after routing, in MHz, and the cells it used by kind."""

    clock_mhz: float
    used: Mapping[str, int]


def place_and_route(
    target: Target,
    folder: Path,
    tool: OpenTool,
    *,
    period_ns: float,
    budget: Budget | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> Routed:
    """Places and routes `netlist.json` of a folder, and writes the configuration beside it.

    Ports get any pins: what is measured is the core. A clock that is missed is no failure but a result.
    Raises ToolError where nextpnr fails, for instance because the design is larger than the part.
    """
    write_text(folder / "clock.lpf", constraints_lpf(period_ns))
    argv = (
        *tool.command, f"--{target.die}", "--package", str(target.package), "--speed", "6", "--json", "netlist.json",
        "--lpf", "clock.lpf", "--lpf-allow-unconstrained", "--freq", f"{1000 / period_ns:.3f}", "--timing-allow-fail",
        "--seed", "1", "--textcfg", CONFIG_FILE, "--report", REPORT_FILE,
    )  # fmt: skip
    run_within(
        budget or Budget(),
        argv,
        what="nextpnr-ecp5",
        log=folder / "nextpnr.log",
        cwd=folder,
        webassembly=tool.webassembly,
        progress=progress,
    )
    return read_routed(folder)


def read_routed(folder: Path) -> Routed:
    """What an earlier run left in a folder. Raises ReportError where it is damaged."""
    path = folder / REPORT_FILE
    return parse_report(path.read_text(), str(path))


def parse_report(text: str, source: str) -> Routed:
    """The report `{"fmax": {clock: {"achieved": MHz, …}}, "utilization": {kind: {"used": …}}}`.

    Raises ReportError where it has no clock.
    """
    try:
        data = json.loads(text)
        clock = min(float(entry["achieved"]) for entry in data["fmax"].values())
        used = {kind: int(entry["used"]) for kind, entry in data["utilization"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReportError(f"{source}: no report of nextpnr with a clock: {error!r}") from error
    return Routed(clock_mhz=clock, used=used)


def pack(folder: Path, tool: OpenTool) -> Path:
    """The bitstream of a routed configuration, by Project Trellis' packer."""
    run(
        (*tool.command, "--compress", CONFIG_FILE, BITSTREAM_FILE),
        log=folder / "ecppack.log",
        cwd=folder,
        timeout_s=PACK_TIMEOUT_S,
        what="ecppack",
    )
    return folder / BITSTREAM_FILE
