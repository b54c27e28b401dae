"""Which of AMD's tools this machine has: PATH, the XILINX_* variables, and the usual install folders, with versions."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hlsflow.foundation.errors import ToolError
from hlsflow.processes.process import run

# A folder of installs, or several separated by `:`, instead of the usual ones.
ROOTS_VARIABLE = "HLSFLOW_XILINX"
# A settings64.sh, or the folder of one, of an install that lies anywhere else.
SETTINGS_VARIABLE = "HLSFLOW_SETTINGS"
USUAL_ROOTS = ("/opt/Xilinx", "/tools/Xilinx", "~/Xilinx", "/usr/local/Xilinx", "/opt/AMD", "/tools/AMD", "/opt/amd")
INSTALL_VARIABLES = ("XILINX_VITIS", "XILINX_HLS", "XILINX_VITIS_HLS", "XILINX_VIVADO", "XILINX_VIVADO_HLS")

TOOL_NAMES = ("vitis-run", "v++", "vitis_hls", "vivado_hls", "vivado")
# Which program runs an HLS project of which backend, the preferred one first: vitis-run took vitis_hls's place.
HLS_TOOLS = {"vitis": ("vitis-run", "vitis_hls"), "vivado": ("vivado_hls",)}

_VERSION = re.compile(r"(?<![\d.])v?(20\d\d\.\d(?:\.\d)?)(?![\d.])")
_VERSION_TIMEOUT_S = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """A program that was found. `version` is None where neither its path nor the program says; `found_by` says how."""

    name: str
    path: Path
    version: str | None
    found_by: str

    @property
    def install(self) -> Path:
        """The folder of the product, `/opt/Xilinx/Vivado/2020.1`."""
        return self.path.parent.parent

    def __str__(self) -> str:
        return f"{self.name} {self.version or '(version unknown)'}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Toolchain:
    """Every program found, the preferred one of each name first, and the places that were searched."""

    tools: tuple[Tool, ...]
    searched: tuple[str, ...]

    def named(self, name: str, version: str | None = None) -> Tool | None:
        """The preferred tool of a name, of that version where there is one."""
        of_name = [tool for tool in self.tools if tool.name == name]
        return next((tool for tool in of_name if tool.version == version), of_name[0] if of_name else None)

    def hls(self, kind: str) -> Tool | None:
        """The program that runs HLS projects of a kind, `vitis` or `vivado`, None where there is none."""
        return next((tool for name in HLS_TOOLS[kind] if (tool := self.named(name)) is not None), None)

    def required_hls(self, kind: str, pack_hint: str) -> Tool:
        """The same. Raises ToolError saying what was searched and how to do it on another machine."""
        tool = self.hls(kind)
        if tool is None:
            wanted = " or ".join(HLS_TOOLS[kind])
            raise ToolError(
                f"--synth {kind}: {wanted} was not found (searched {', '.join(self.searched)})",
                hint=f"source its settings64.sh, or set {ROOTS_VARIABLE} to the folder of your installs, or run it on "
                f"a machine that has it: {pack_hint}",
            )
        return tool

    def state(self, kind: str) -> str | None:
        """`skipped: vitis-run not found` where no program of the kind is here, else None."""
        return None if self.hls(kind) else f"skipped: {HLS_TOOLS[kind][0]} not found"


def find_tools(environ: Mapping[str, str] | None = None, names: Sequence[str] = TOOL_NAMES) -> Toolchain:
    """What is installed: programs on PATH first, then of XILINX_* variables, then of install folders, newest first."""
    environ = os.environ if environ is None else environ
    places: list[tuple[str, Path]] = []
    searched = ["PATH"]
    for variable in INSTALL_VARIABLES:
        if environ.get(variable):
            places.append((variable, Path(environ[variable]) / "bin"))
            searched.append(variable)
    settings = environ.get(SETTINGS_VARIABLE)
    if settings:
        given = Path(settings).expanduser()
        places.append((SETTINGS_VARIABLE, (given.parent if given.suffix == ".sh" else given) / "bin"))
        searched.append(f"{SETTINGS_VARIABLE}={settings}")
    roots = environ[ROOTS_VARIABLE].split(":") if environ.get(ROOTS_VARIABLE) else USUAL_ROOTS
    searched += roots
    for root in roots:
        places += [(root, folder) for folder in _bin_folders(Path(os.path.expanduser(root)))]
    found: dict[Path, Tool] = {}
    for name in names:
        on_path = shutil.which(name, path=environ.get("PATH", ""))
        candidates = [("PATH", Path(on_path))] if on_path else []
        candidates += [(how, folder / name) for how, folder in places]
        for how, path in candidates:
            if path not in found and path.is_file() and os.access(path, os.X_OK):
                version = _VERSION.findall(str(path.resolve().parent))[-1:] or [
                    _printed_version(path, path.stat().st_mtime_ns)
                ]
                found[path] = Tool(name=name, path=path, version=version[0], found_by=how)
    return Toolchain(tools=tuple(found.values()), searched=tuple(searched))


def _bin_folders(root: Path) -> list[Path]:
    """`<root>/Vivado/2020.1/bin` and, since 2025.1, `<root>/2025.1/Vivado/bin`; the newest version first."""
    folders = [folder for folder in root.glob("*/*/bin") if _VERSION.search(str(folder))]
    return sorted(
        folders, key=lambda folder: (version_key(_VERSION.findall(str(folder))[-1]), str(folder)), reverse=True
    )


def version_key(version: str | None) -> tuple[int, ...]:
    """A version as numbers, to be compared; an unknown one is the oldest."""
    return tuple(int(word) for word in version.split(".")) if version else ()


@cache
def _printed_version(path: Path, mtime_ns: int) -> str | None:
    """What `-version` prints, for a program whose path does not tell: it may start a whole JVM, so it is asked once."""
    argument = "--version" if path.name in ("v++", "vitis-run") else "-version"
    with tempfile.TemporaryDirectory(prefix="hlsflow-version-") as scratch:
        log = Path(scratch) / "version.log"
        try:
            run(
                [path, argument],
                cwd=Path(scratch),
                log=log,
                timeout_s=_VERSION_TIMEOUT_S,
                what=f"{path.name} {argument}",
                check=False,
            )
        except ToolError:
            return None
        printed = _VERSION.search(log.read_text(errors="replace"))
    return printed[1] if printed else None


def environment(tool: Tool, toolchain: Toolchain, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """What settings64.sh would set: the tool's own bin folder and that of the `vivado` of its version go first on PATH.

    hls4ml's script calls `vivado` by name, and the HLS tool starts its simulator that way.
    """
    values = dict(os.environ if environ is None else environ)
    folders = [tool.path.parent]
    vivado = toolchain.named("vivado", tool.version)
    if vivado is not None:
        folders.append(vivado.path.parent)
        values.setdefault("XILINX_VIVADO", str(vivado.install))
    if tool.name in HLS_TOOLS["vitis"]:
        values.setdefault("XILINX_HLS", str(tool.install))
        values.setdefault("XILINX_VITIS", str(tool.install))
    known = values.get("PATH", "").split(":")
    values["PATH"] = ":".join([*dict.fromkeys(str(folder) for folder in folders if str(folder) not in known), *known])
    return values
