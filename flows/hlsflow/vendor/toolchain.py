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
# The places that a person names, the strongest first.
_PLACES = ("PATH", *INSTALL_VARIABLES, SETTINGS_VARIABLE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """A program that was found. `version` is None where neither its path nor the program says; `found_by` says how."""

    name: str
    path: Path
    version: str | None
    found_by: str

    @property
    def is_chosen(self) -> bool:
        """Whether a person named it, by PATH or a variable, instead of its lying in one of the usual folders."""
        return self.found_by in _PLACES

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
        """The preferred tool of a name, of that version where one is named; None where there is none."""
        of_name = [tool for tool in self.tools if tool.name == name]
        return next((tool for tool in of_name if version is None or tool.version == version), None)

    def hls(self, kind: str) -> Tool | None:
        """The program that runs HLS projects of a kind, `vitis` or `vivado`, None where there is none.

        One that a person named goes first. Of those that are installed it is the newest one that has its `vivado`
        beside it, and the newest of all where none has.
        """
        programs = [tool for tool in self.tools if tool.name in HLS_TOOLS[kind]]
        chosen = [tool for tool in programs if tool.is_chosen]
        if chosen:
            return min(chosen, key=lambda tool: _PLACES.index(tool.found_by))
        newest = sorted(programs, key=lambda tool: version_key(tool.version), reverse=True)
        return next((tool for tool in newest if self._same_release(tool) is not None), next(iter(newest), None))

    def vivado_of(self, tool: Tool) -> Tool | None:
        """The `vivado` that works with an HLS tool: that of its release, else one that a person named; else None."""
        mine = self._same_release(tool)
        return mine or next((other for other in self.tools if other.name == "vivado" and other.is_chosen), None)

    def _same_release(self, tool: Tool) -> Tool | None:
        vivados = [other for other in self.tools if other.name == "vivado"]
        alike = [other for other in vivados if release(other.version) == release(tool.version)]
        # where a version is not known, they are not known to differ
        unknown = [other for other in vivados if None in (other.version, tool.version)]
        return next(iter(alike or unknown), None)

    def troubles(self, tool: Tool, kind: str) -> list[str]:
        """What a person has to know of the tools that are taken: not of one release, or not the newest."""
        vivado, said = self.vivado_of(tool), []
        others = [other for other in self.tools if other.name == "vivado"]
        if vivado is None:
            said.append(f"no vivado {tool.version} for {tool}{_there_is(others)}: cosim and vsynth need it")
        elif self._same_release(tool) is None:
            said.append(
                f"{vivado} and {tool} are of two releases: {vivado.found_by} names one, {tool.found_by} the other"
            )
        newer = [
            other
            for other in self.tools
            if other.name in HLS_TOOLS[kind] and version_key(other.version) > version_key(tool.version)
        ]
        if newer and not tool.is_chosen:
            newest = max(newer, key=lambda other: version_key(other.version))
            said.append(f"{tool} is taken: {newest} has no vivado of its release here")
        return said

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
    installed = [(root, folder) for root in roots for folder in _bin_folders(Path(os.path.expanduser(root)))]
    # the newest first, wherever it lies
    places += sorted(installed, key=lambda item: version_key(_VERSION.findall(str(item[1]))[-1]), reverse=True)
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
    """`<root>/Vivado/2020.1/bin` and, since 2025.1, `<root>/2025.1/Vivado/bin`, in a stable order."""
    return sorted(folder for folder in root.glob("*/*/bin") if _VERSION.search(str(folder)))


def version_key(version: str | None) -> tuple[int, ...]:
    """A version as numbers, to be compared; an unknown one is the oldest."""
    return tuple(int(word) for word in version.split(".")) if version else ()


def release(version: str | None) -> tuple[int, ...] | None:
    """Year and number of a version: 2024.1.1 is an update of 2024.1, in its folder. None where it is not known."""
    return version_key(version)[:2] if version else None


def _there_is(tools: Sequence[Tool]) -> str:
    return f" (there is {', '.join(str(tool) for tool in tools)})" if tools else ""


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
    """What settings64.sh would set: the tool's own bin folder and that of the `vivado` of its release go first on PATH.

    hls4ml's script calls `vivado` by name, and the HLS tool starts its simulator that way.
    """
    values = dict(os.environ if environ is None else environ)
    folders = [tool.path.parent]
    vivado = toolchain.vivado_of(tool)
    if vivado is not None:
        folders.append(vivado.path.parent)
        values["XILINX_VIVADO"] = str(vivado.install)
    if tool.name in HLS_TOOLS["vitis"]:
        values["XILINX_HLS"] = values["XILINX_VITIS"] = str(tool.install)
    first = [str(folder) for folder in folders]
    values["PATH"] = ":".join([*dict.fromkeys([*first, *values.get("PATH", "").split(":")])])
    return values
