"""The step `compile`: the project's own C++ as a program that simulates it."""

from __future__ import annotations

from pathlib import Path

from hlsflow.hls.csim import Compiler, compile_csim
from hlsflow.hls.project import read_project


def compile_project(compiler: Compiler, hls: Path, folder: Path) -> str:
    """Compiles the program, and says by what."""
    compile_csim(read_project(hls), folder, compiler)
    return compiler.version
