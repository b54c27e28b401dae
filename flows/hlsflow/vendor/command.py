"""How each generation of AMD's tools is told to run one stage of hls4ml's project.

hls4ml's `build_prj.tcl` takes its switches in one of two ways, and the script itself says which: that of the Vitis
backend (since 1.1) sources `build_opt.tcl`, the older ones read `csim=0 synth=1 …` from the command line.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from hlsflow.foundation.errors import UsageError, did_you_mean
from hlsflow.foundation.workspace import write_text
from hlsflow.hls.design_files import SCRIPT
from hlsflow.vendor.toolchain import Tool


class VendorStage(StrEnum):
    """What can be asked of the tools, in the order in which it is done."""

    CSYNTH = "csynth"
    COSIM = "cosim"
    VSYNTH = "vsynth"
    EXPORT = "export"


# hls4ml's switch for each stage that its script runs; `vsynth` is Vivado's own script.
_SWITCH = {VendorStage.CSYNTH: "synth", VendorStage.COSIM: "cosim", VendorStage.EXPORT: "export"}
_SWITCHES = ("reset", "csim", "synth", "cosim", "validation", "export", "vsynth", "fifo_opt")
OPTIONS_FILE = "build_opt.tcl"
VSYNTH_SCRIPT = "vivado_synth.tcl"
# What hls4ml's script prints when a stage is through; the tools' exit codes alone are no verdict.
COMPLETED = {
    VendorStage.CSYNTH: "***** C/RTL SYNTHESIS COMPLETED IN",
    VendorStage.COSIM: "***** C/RTL SIMULATION COMPLETED IN",
    VendorStage.EXPORT: "***** EXPORT IP COMPLETED IN",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class StageCommand:
    """A program with its arguments, and the files to be written into the project before it starts."""

    stage: VendorStage
    argv: tuple[str, ...]
    files: Mapping[str, str]


def parse_stages(text: str) -> tuple[VendorStage, ...]:
    """The stages of `csynth,cosim`, in the order in which they are done, with C synthesis, which all others need.

    Raises UsageError naming the word that is no stage.
    """
    words = [word.strip().lower() for word in text.split(",") if word.strip()]
    known = [stage.value for stage in VendorStage]
    for word in words:
        if word not in known:
            raise UsageError(f"--stages: no stage '{word}'", hint=did_you_mean(word, known))
    if not words:
        raise UsageError("--stages: no stage named", hint=f"known: {', '.join(known)}")
    return tuple(stage for stage in VendorStage if stage in words or stage is VendorStage.CSYNTH)


def reads_options_file(script: str) -> bool:
    """Whether the text of a `build_prj.tcl` takes its switches from `build_opt.tcl`."""
    return OPTIONS_FILE in script


def stage_command(stage: VendorStage, script: str, hls_tool: Tool, vivado: Tool | None) -> StageCommand:
    """The command of one stage. `script` is the text of the project's `build_prj.tcl`; `vsynth` needs `vivado`."""
    if stage is VendorStage.VSYNTH:
        assert vivado is not None
        return StageCommand(
            stage=stage,
            argv=(str(vivado.path), "-mode", "batch", "-nojournal", "-source", VSYNTH_SCRIPT),
            files={},
        )
    switches = {name: 0 for name in _SWITCHES} | {_SWITCH[stage]: 1}
    # Only C synthesis begins anew; the others go on with the solution that it left.
    switches["reset"] = int(stage is VendorStage.CSYNTH)
    files = {}
    arguments = []
    if reads_options_file(script):
        files[OPTIONS_FILE] = options_tcl(switches)
    else:
        arguments = [" ".join(f"{name}={value}" for name, value in switches.items())]
    if hls_tool.name == "vitis-run":
        argv = [str(hls_tool.path), "--mode", "hls", "--tcl", SCRIPT, *arguments]
    else:
        argv = [str(hls_tool.path), "-f", SCRIPT, *arguments]
    return StageCommand(stage=stage, argv=tuple(argv), files=files)


def options_tcl(switches: Mapping[str, int]) -> str:
    """The text of `build_opt.tcl`, as hls4ml writes it."""
    return "array set opt {\n" + "".join(f"    {name:<10} {value}\n" for name, value in switches.items()) + "}\n"


def replay_script(command: StageCommand, project: Path, environ: Mapping[str, str]) -> str:
    """A shell script that does exactly what was done: folder, search path, options file, command.

    Of the environment it holds PATH and the XILINX_* folders alone: a licence server's address is nobody's business.
    """
    lines = ["#!/bin/sh", f"# Written by hlsflow: runs the stage '{command.stage}' again, by hand.", "set -e"]
    for name in ("PATH", *sorted(name for name in environ if name.startswith("XILINX_"))):
        if name in environ:
            lines.append(f"export {name}={shlex.quote(environ[name])}")
    lines.append(f"cd {shlex.quote(str(project))}")
    for name, text in command.files.items():
        lines += [f"cat > {shlex.quote(name)} <<'END_OF_FILE'", text.rstrip("\n"), "END_OF_FILE"]
    lines.append(f"exec {shlex.join(command.argv)}")
    return "\n".join(lines) + "\n"


def write_files(command: StageCommand, project: Path) -> None:
    """Writes the files that a command reads. Raises StorageError where the folder cannot be written."""
    for name, text in command.files.items():
        write_text(project / name, text)
