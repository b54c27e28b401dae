"""nextpnr for ECP5, iCE40 and Gowin: the netlist placed and routed, the clock that it reaches, and the bitstream."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hlsflow.devices.targets import Target
from hlsflow.foundation.errors import ReportError
from hlsflow.foundation.workspace import write_text
from hlsflow.opentools.budget import Budget, run_within
from hlsflow.opentools.constraints import Chip, cst, lpf, pcf
from hlsflow.opentools.tools import ROUTE_TOOLS, OpenTool
from hlsflow.processes.process import run

PACK_TIMEOUT_S = 600

REPORT_FILE = "nextpnr.json"

# Apicula's names of dies, by our device: those on the boards are of the C series, which has another bitstream.
_GOWIN_DIES = {"gw1nr-9": "GW1N-9C", "gw2ar-18": "GW2A-18C"}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Route:
    """What nextpnr is told for a part, the file that it leaves for the packer, and the packer's words."""

    options: tuple[str, ...]
    constraints: str
    constraints_file: str
    pack: tuple[str, ...]
    bitstream: str


def _route(target: Target, chip: Chip) -> _Route:
    if target.family == "ecp5":
        die = f"{target.device.removeprefix('lfe5u-').removesuffix('f')}k"
        return _Route(
            options=(
                f"--{die}", "--package", str(target.package), "--speed", str(target.speed_grade), "--lpf", "clock.lpf",
                *(() if chip.pins else ("--lpf-allow-unconstrained",)), "--textcfg", "routed.config",
            ),
            constraints=lpf(chip),
            constraints_file="clock.lpf",
            pack=("--compress", "routed.config", "core.bit"),
            bitstream="core.bit",
        )  # fmt: skip
    if target.family == "ice40":
        return _Route(
            options=(
                f"--{target.device.removeprefix('ice40')}", "--package", str(target.package).lower(), "--pcf",
                "pins.pcf", *(() if chip.pins else ("--pcf-allow-unconstrained",)), "--asc", "routed.asc",
            ),
            constraints=pcf(chip),
            constraints_file="pins.pcf",
            pack=("routed.asc", "core.bin"),
            bitstream="core.bin",
        )  # fmt: skip
    die = _GOWIN_DIES[target.device]
    return _Route(
        options=(
            "--device", target.name, "--vopt", f"family={die}", "--vopt", "cst=pins.cst", "--write", "routed.json",
        ),
        constraints=cst(chip),
        constraints_file="pins.cst",
        pack=("-d", die, "-o", "core.fs", "routed.json"),
        bitstream="core.fs",
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Routed:
    """What nextpnr reached: the fastest clock after routing, in MHz, and the cells it used by kind."""

    clock_mhz: float
    used: Mapping[str, int]


def place_and_route(
    target: Target,
    folder: Path,
    tool: OpenTool,
    chip: Chip,
    *,
    budget: Budget | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> Routed:
    """Places and routes `netlist.json` of a folder, and writes the configuration beside it.

    A clock that is missed is no failure but a result. Raises ToolError where nextpnr fails, for instance because the
    design is larger than the part.
    """
    route = _route(target, chip)
    write_text(folder / route.constraints_file, route.constraints)
    argv = (
        *tool.command, "--json", "netlist.json", *route.options, "--freq", f"{1000 / chip.period_ns:.3f}",
        "--timing-allow-fail", "--seed", "1", "--report", REPORT_FILE,
    )  # fmt: skip
    run_within(
        budget or Budget(),
        argv,
        what=ROUTE_TOOLS[target.family].router,
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


def bitstream_of(target: Target, folder: Path) -> Path:
    """Where the bitstream of a routed design is, or would be."""
    return folder / _route(target, Chip(clock="", period_ns=1.0)).bitstream


def pack(target: Target, folder: Path, tool: OpenTool) -> Path:
    """The bitstream of a routed configuration, by Project Trellis', IceStorm's or Apicula's packer."""
    run(
        (*tool.command, *_route(target, Chip(clock="", period_ns=1.0)).pack),
        log=folder / f"{tool.name}.log",
        cwd=folder,
        timeout_s=PACK_TIMEOUT_S,
        what=tool.name,
    )
    return bitstream_of(target, folder)
