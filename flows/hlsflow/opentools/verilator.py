"""Verilator: the RTL as a program that runs frames through it and measures every cycle."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hlsflow.foundation.errors import MismatchError, ToolError
from hlsflow.foundation.workspace import write_bytes, write_text
from hlsflow.opentools.budget import Budget, run_within
from hlsflow.opentools.tools import OpenTool
from hlsflow.rtl.design import RtlDesign, template_file

if TYPE_CHECKING:
    import numpy as np

# Cycles without a beat on either side after which the design stands still; far above any layer's cycles a frame.
PATIENCE_CYCLES = 4_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Traffic:
    """How frames are offered and taken: the share of cycles without an offer and without a readiness, in per cent.

    `apart`: a frame starts only after the one before has left the design.
    """

    gap_percent: int = 0
    stall_percent: int = 0
    apart: bool = False
    seed: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Simulated:
    """What a simulation measured. Latency from a frame's first input beat to its last output beat, both counted;
    interval between the first input beats of frames that follow each other (None for a single frame); in cycles."""

    frames: int
    cycles: int
    latency_min: int
    latency_max: int
    interval_min: int | None
    interval_max: int | None


def compile_design(
    design: RtlDesign,
    rtl: Path,
    folder: Path,
    tool: OpenTool,
    *,
    optimize: bool = True,
    budget: Budget | None = None,
) -> Path:
    """The simulator of a design whose files stand in `rtl`. Raises ToolError where Verilator or the compiler fails.

    Without `optimize` it is compiled sooner and runs slower, which pays for small designs.
    """
    return compile_program(
        design.top, design.sources, rtl, folder, tool, template_file("harness.cpp"), optimize=optimize, budget=budget
    )


def compile_program(
    top: str,
    sources: Iterable[str],
    rtl: Path,
    folder: Path,
    tool: OpenTool,
    harness_text: str,
    *,
    optimize: bool = True,
    budget: Budget | None = None,
) -> Path:
    """A program of a top module, whose sources stand in `rtl`, with what drives it in C++ (`Vdesign` is the class).

    Raises ToolError where Verilator or the compiler fails.
    """
    level = "-O2" if optimize else "-O0"
    harness = folder / "harness.cpp"
    write_text(harness, harness_text)
    argv = [
        *tool.command, "--cc", "--exe", "--build", "-j", str(os.cpu_count() or 1), "-O3",
        # Verilator 5.006 sign-extends `{1'b0, a && !b}` with this optimization, to a wrong sum.
        "-fno-const-bit-op-tree", "--x-assign", "fast", "--x-initial", "fast", "--noassert", "-CFLAGS", "-std=c++17",
        "-MAKEFLAGS", f"OPT_FAST={level} OPT_SLOW=-O0 OPT_GLOBAL={level}",
        "--top-module", top, "--prefix", "Vdesign", "-Mdir", str(folder / "obj"), "-o", "harness",
        # Which warnings there are differs by version; the tests lint.
        "-Wno-fatal", "-Wno-lint", "-Wno-style",
        *(str(rtl / name) for name in sorted(sources)), str(harness),
    ]  # fmt: skip
    run_within(budget or Budget(), argv, what="Verilator", log=folder / "verilator.log", cwd=rtl)
    return folder / "obj" / "harness"


def simulate(
    program: Path,
    design: RtlDesign,
    rtl: Path,
    inputs: np.ndarray,
    folder: Path,
    *,
    traffic: Traffic | None = None,
    budget: Budget | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> tuple[np.ndarray, Simulated]:
    """Outputs int64 (frames, n_out) for inputs int64 (frames, n_in), and what was measured.

    Raises MismatchError where the design breaks the stream's protocol or stands still.
    """
    traffic = traffic or Traffic()
    source, sink = design.source, design.sink
    folder.mkdir(parents=True, exist_ok=True)
    vectors, results, log = folder / "inputs.bin", folder / "outputs.bin", folder / "simulation.log"
    write_bytes(vectors, source.to_bytes(inputs))
    numbers = (
        len(inputs), source.beats, sink.beats, source.data_bits // 8, sink.data_bits // 8,
        traffic.gap_percent, traffic.stall_percent, int(traffic.apart), traffic.seed, PATIENCE_CYCLES,
    )  # fmt: skip
    argv = [str(program), str(vectors), str(results), *(str(number) for number in numbers)]
    # The memories are read from the folder of the sources.
    done = run_within(budget or Budget(), argv, what="RTL simulation", log=log, cwd=rtl, progress=progress, check=False)
    said = log.read_text(errors="replace").strip()
    if done.returncode == 3:
        raise MismatchError(f"RTL simulation of {design.top}: {said.splitlines()[-1]}")
    try:
        if done.returncode != 0:
            raise ValueError(f"exit code {done.returncode}")
        measured = json.loads(said.splitlines()[-1])
        outputs = sink.from_bytes(results.read_bytes())
    except (ValueError, IndexError, OSError) as error:
        raise ToolError(f"RTL simulation of {design.top} failed: {error}", hint=f"log: {log}") from error
    single = measured["frames"] < 2
    simulated = Simulated(
        frames=measured["frames"],
        cycles=measured["cycles"],
        latency_min=measured["latency_min"],
        latency_max=measured["latency_max"],
        interval_min=None if single else measured["interval_min"],
        interval_max=None if single else measured["interval_max"],
    )
    return outputs, simulated
