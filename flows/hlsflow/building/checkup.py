"""What `hlsflow doctor` finds: every tool, what it gives or would give, and the command that installs it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from hlsflow.foundation.errors import ToolError
from hlsflow.frontends.contract import FrontEnd
from hlsflow.frontends.installed import by_pip, with_it
from hlsflow.frontends.registry import FRONT_ENDS
from hlsflow.keys.distributions import TENSORFLOW
from hlsflow.opentools.tools import open_tools
from hlsflow.processes.machine import Machine, gib, read_machine
from hlsflow.vendor.toolchain import TOOL_NAMES, Toolchain, find_tools

_AMD = "AMD's installer: https://www.xilinx.com/support/download.html"
# What each gives, and how to have it where a package manager does; None: no command installs it.
_GIVES = {
    "vitis-run": ("C synthesis, co-simulation and export of Vitis projects (2023.2 and later)", _AMD),
    "v++": ("nothing that this flow needs; it comes with Vitis", _AMD),
    "vitis_hls": ("the same as vitis-run, until 2024.2", _AMD),
    "vivado_hls": ("C synthesis, co-simulation and export of Vivado projects (until 2020.1)", _AMD),
    "vivado": ("logic synthesis (--stages vsynth), and the simulator of co-simulation", _AMD),
}
_LOW_MEMORY_BYTES = 8 << 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One line: a tool or a property, whether it is there, and else what it would give and how to have it."""

    name: str
    found: bool
    detail: str
    gives: str
    install: str | None = None
    path: str | None = None
    version: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkup:
    """All findings, by group, and the places where AMD's tools were looked for."""

    groups: dict[str, tuple[Finding, ...]]
    searched: tuple[str, ...]


def check(folder: Path) -> Checkup:
    """What this machine has; `folder` is where builds go, for the disk."""
    toolchain = find_tools()
    return Checkup(
        groups={
            "AMD": _amd(toolchain),
            "C simulation": (_compiler(),),
            "open tools": _open(),
            "machine": _machine(read_machine(folder)),
            "Python": (_python(),),
            "front ends": _front_ends(),
        },
        searched=toolchain.searched,
    )


def _amd(toolchain: Toolchain) -> tuple[Finding, ...]:
    findings = []
    for name in TOOL_NAMES:
        gives, install = _GIVES[name]
        tools = [tool for tool in toolchain.tools if tool.name == name]
        for tool in tools:
            settings = tool.install / "settings64.sh"
            extra = f", settings: {settings}" if settings.is_file() else ""
            detail = f"{tool.version or 'version unknown'} at {tool.path} ({tool.found_by}{extra})"
            findings.append(
                Finding(
                    name=name, found=True, detail=detail, gives=gives, path=str(tool.path), version=tool.version,
                )
            )  # fmt: skip
        if not tools:
            findings.append(Finding(name=name, found=False, detail="not found", gives=gives, install=install))
    return tuple(findings)


def _compiler() -> Finding:
    from hlsflow.hls.csim import find_compiler

    gives = "C simulation, and with it the gate: no build without it"
    try:
        found = find_compiler()
    except ToolError as error:
        return Finding(name="g++", found=False, detail="not found", gives=gives, install=error.hint)
    return Finding(
        name=Path(found.path).name, found=True, detail=f"{found.version} at {found.path}", gives=gives, path=found.path,
        version=found.version,
    )  # fmt: skip


def _open() -> tuple[Finding, ...]:
    return tuple(
        Finding(
            name=state.name,
            found=state.found is not None,
            detail="not found" if state.found is None else f"{state.found.version} ({' '.join(state.found.command)})",
            gives=state.purpose,
            install=None if state.found else state.install,
            version=None if state.found is None else state.found.version,
        )
        for state in open_tools()
    )


def _machine(machine: Machine) -> tuple[Finding, ...]:
    low = machine.memory_bytes is not None and machine.memory_bytes < _LOW_MEMORY_BYTES
    return (
        Finding(
            name="memory", found=not low,
            detail=f"{gib(machine.memory_bytes)}, {gib(machine.memory_available_bytes)} free",
            gives="8 GiB do for small Zynq designs, 32 GiB and more for large UltraScale+ parts",
        ),
        Finding(name="cores", found=True, detail=str(machine.cores), gives="several runs at once (hlsflow queue)"),
        Finding(
            name="disk", found=(machine.disk_free_bytes or 0) > 2 << 30, detail=f"{gib(machine.disk_free_bytes)} free",
            gives="a synthesis leaves up to some GiB below build/",
        ),
    )  # fmt: skip


def _python() -> Finding:
    packages = ("hls4ml", "numpy")
    missing = [name for name in packages if _installed(name) is None]
    words = [f"{name} {_installed(name)}" for name in packages if name not in missing]
    return Finding(
        name="packages", found=not missing, detail=", ".join(words + [f"{name} missing" for name in missing]),
        gives="conversion", install="uv sync" if missing else None,
    )  # fmt: skip


def _front_ends() -> tuple[Finding, ...]:
    """Whose models can be opened here. Kept networks, estimates, RTL and comparisons need none of them."""
    found = []
    for front_end in FRONT_ENDS.values():
        words = [f"{name} {_installed(name)}" for name in _packages(front_end) if _installed(name) is not None]
        missing = front_end.needs.missing
        found.append(
            Finding(
                name=front_end.name, found=not missing,
                detail=", ".join((*words, *(f"{name} missing" for name in missing))),
                gives=f"models of {front_end.needs.framework}",
                install=f"{with_it(front_end.needs, 'hlsflow …')}, or {by_pip(front_end.needs)}" if missing else None,
            )
        )  # fmt: skip
    return tuple(found)


def _packages(front_end: FrontEnd) -> tuple[str, ...]:
    """The distributions of a front end; TensorFlow by the name that it is installed under."""
    tensorflow = next((name for name in sorted(TENSORFLOW) if _installed(name) is not None), "tensorflow")
    return tuple(tensorflow if name == "tensorflow" else name for name in front_end.distributions)


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
