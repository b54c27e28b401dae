"""A simulated board: Verilator runs a board's whole design, its serial line included, behind a pseudo-terminal.

It is no board, and says so of itself (`Identity.simulated`). The line may be a bad one: bits flip, bytes are lost, the
board is reset.
"""

from __future__ import annotations

import json
import select
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from hlsflow.boards.design import TOP
from hlsflow.devices.wiring import Wiring
from hlsflow.foundation import interrupts
from hlsflow.foundation.errors import ToolError
from hlsflow.opentools.budget import Budget
from hlsflow.opentools.tools import OpenTool
from hlsflow.opentools.verilator import compile_program
from hlsflow.processes.process import kill_tree

_START_S, _END_S = 20.0, 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Faults:
    """What is wrong with a line: of a million bits so many are flipped, of a million bytes so many are lost, both ways;
    the board is reset every so many bytes of the host (0: never)."""

    flips: int = 0
    drops: int = 0
    reset_bytes: int = 0
    seed: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Traced:
    """What a simulated board counted: cycles of its clock from the first bit on the line to the last (`line_cycles`),
    bytes and faults; and of the exchanges the cycles from the host's first bit to the board's last: of the shortest, of
    the longest, of all together."""

    cycles: int
    host_bytes: int
    board_bytes: int
    flipped: int
    dropped: int
    resets: int
    line_cycles: int
    exchanges: int
    shortest: int
    longest: int
    in_exchanges: int


class SimulatedBoard:
    """A running simulation. `port` is the path of its pseudo-terminal; `traced` is there once it has ended."""

    def __init__(self, port: str) -> None:
        self.port = port
        self.traced: Traced | None = None


def compile_board(
    sources: Iterable[str], rtl: Path, folder: Path, tool: OpenTool, budget: Budget | None = None
) -> Path:
    """The program of a board's design whose files stand in `rtl`. Raises ToolError where it cannot be compiled."""
    harness = (files("hlsflow.boards") / "templates" / "simulated_board.cpp").read_text()
    return compile_program(TOP, sources, rtl, folder, tool, harness, budget=budget)


@contextmanager
def simulated_board(program: Path, rtl: Path, wiring: Wiring, faults: Faults | None = None) -> Iterator[SimulatedBoard]:
    """Runs a program of `compile_board` while the block does. Raises ToolError where it does not start or fails."""
    faults = faults or Faults()
    numbers = (
        wiring.cycles_per_bit, int(wiring.reset.active == "low"), faults.flips, faults.drops, faults.reset_bytes,
        faults.seed,
    )  # fmt: skip
    argv = [str(program), *(str(number) for number in numbers)]
    pipe = subprocess.PIPE
    try:
        # The memories are read from the folder of the sources.
        process = subprocess.Popen(argv, cwd=rtl, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)
    except OSError as error:
        raise ToolError(f"the simulated board cannot start: {error.strerror or error}") from error
    with process, interrupts.ends_with_us(process.pid):
        try:
            board = SimulatedBoard(_first_line(process))
            yield board
            # The end of its input is the end of the simulation.
            output, complaint = process.communicate(timeout=_END_S)
            if process.returncode != 0:
                raise ToolError(f"the simulated board failed: {complaint.decode(errors='replace').strip()}")
            board.traced = Traced(**json.loads(output))
        except subprocess.TimeoutExpired as error:
            raise ToolError(f"the simulated board did not end within {_END_S:g} s") from error
        finally:
            kill_tree(process)


def _first_line(process: subprocess.Popen[bytes]) -> str:
    """The path that the program says first."""
    assert process.stdout is not None and process.stderr is not None
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        interrupts.check()
        if select.select([process.stdout], [], [], 0.2)[0]:
            line = process.stdout.readline().decode().strip()
            if line:
                return line
            said = process.stderr.read().decode(errors="replace").strip()
            raise ToolError(f"the simulated board did not start: {said}")
    raise ToolError(f"the simulated board did not start within {_START_S:g} s")
