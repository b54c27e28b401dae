"""A built design on its board, or on a simulated one: sent the samples of the record, held against the same integers.

What hardware gave is the stage `board`, what a simulation gave `board-sim`, whoever started it: the design itself says
which it is, and a port that is a pseudo-terminal is no board.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hlsflow.boards.check import LONE_FRAMES, Checked, check_board, frames_of
from hlsflow.boards.host import exchange, open_line
from hlsflow.boards.image import RTL, BoardImage, read_image
from hlsflow.boards.loader import flash
from hlsflow.boards.simulator import Faults, Traced, compile_board, simulated_board
from hlsflow.building.pipeline import build, design_of, locked
from hlsflow.building.plan import BuildRequest, Plan, make_plan
from hlsflow.building.tools.result import write_figures
from hlsflow.building.tools.vectors import Vectors, read_vectors
from hlsflow.foundation.errors import ReportError, ToolError, UsageError
from hlsflow.foundation.log import Log
from hlsflow.foundation.steps import STEP_FILE, Steps
from hlsflow.foundation.workspace import Workspace
from hlsflow.hls.project import read_project
from hlsflow.network.fixed_point import to_integers
from hlsflow.opentools.tools import OpenTool, find_loader, find_verilator, needed
from hlsflow.records.record import FigureRecord
from hlsflow.records.tools import BOARD, BOARD_STAGES
from hlsflow.rtl.chain import Chain, read_chain

if TYPE_CHECKING:
    from hlsflow.foundation.log import Step

_SIMULATED, _HARDWARE = BOARD_STAGES


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class OnBoard:
    """What came of a design on a board. `traced` is of a simulated one alone; `recorded`: it joined the record."""

    image: BoardImage
    checked: Checked
    figure: FigureRecord
    vectors: Vectors
    traced: Traced | None = None
    recorded: bool = False

    @property
    def summary(self) -> str:
        """What came of it in one line."""
        return _summary(self.figure, self.vectors)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Built:
    """A design for a board that was built: where it is, and what it was made of."""

    plan: Plan
    folder: Path
    image: BoardImage
    chain: Chain
    design: str

    @property
    def board(self) -> Path:
        return _board_folder(self.folder)


def _board_folder(folder: Path) -> Path:
    return folder / "open" / "board"


def flash_board(workspace: Workspace, request: BuildRequest, log: Log, *, permanent: bool = False) -> BoardImage:
    """Sends the bitstream of a built design to its board. Raises ReportError where none was built, ToolError where the
    loader is missing or fails."""
    built = _built(workspace, request)
    tool = needed(find_loader(), "openFPGALoader")
    with log.step("flash") as step:
        flash(built.image, built.board, tool, permanent=permanent)
        step.detail = f"{built.image.bitstream} to {built.image.board} by openFPGALoader {tool.version}"
    return built.image


def run_board(workspace: Workspace, request: BuildRequest, log: Log, *, port: str, data: Path | None = None) -> OnBoard:
    """Sends the samples of the record, or of `data` (.npy), to the board at a serial port, and compares every integer.

    What the record's samples gave joins the record. Raises MismatchError for the first integer that differs, ToolError
    where no board with this design answers.
    """
    built = _built(workspace, request)
    vectors = _vectors(built, data)
    with log.step("board") as step, open_line(port, built.image.wiring.baud) as line:
        checked = check_board(line, built.image, vectors.inputs, vectors.outputs, progress=_progress(step))
        figure = _figure(built, checked, vectors)
        if _is_terminal(port) and not checked.identity.simulated:
            raise ToolError(
                f"{port} is a pseudo-terminal, and what answers there calls itself hardware",
                hint="a board is at a serial port; a simulated board says that it is one",
            )
        step.detail = _summary(figure, vectors)
    found = OnBoard(image=built.image, checked=checked, figure=figure, vectors=vectors)
    return found if data is not None else _recorded(workspace, request, log, built, found)


def simulate_board(
    workspace: Workspace, request: BuildRequest, log: Log, *, faults: Faults | None = None, data: Path | None = None
) -> OnBoard:
    """The same with Verilator in the board's place: its whole design, serial line included, behind a pseudo-terminal.

    Rates are of the board's clock, by cycles counted. With `faults` the line is a bad one, and nothing is recorded.
    """
    built = _built(workspace, request)
    tool = needed(find_verilator(), "Verilator")
    vectors = _vectors(built, data)
    rtl = built.board / RTL
    steps = Steps(folder=built.folder / "open-cache", log=log)
    key = {"digest": built.image.digest, "verilator": tool.version, "sources": built.image.sources}

    def compile_it(folder: Path, _: Step) -> str:
        compile_board(built.image.sources, rtl, folder, tool)
        return f"{built.image.board} by Verilator {tool.version}"

    program = steps.run("board-simulator", key, compile_it) / "obj" / "harness"
    wiring, size = built.image.wiring, built.image.identity.result_bytes
    with log.step(_SIMULATED) as step:
        with simulated_board(program, rtl, wiring, faults) as board, open_line(board.port, wiring.baud) as line:
            checked = check_board(
                line, built.image, vectors.inputs, vectors.outputs,
                progress=_progress(step),
            )  # fmt: skip
        traced = board.traced
        figure = _figure(built, checked, vectors, tool)
        if faults is None:
            # Cycles alone, nothing but frames on the line: all of them, then one at a time.
            frames = frames_of(built.image, vectors.inputs)
            counts = []
            for sent, window in ((frames, built.image.slots), (frames[:LONE_FRAMES], 1)):
                with simulated_board(program, rtl, wiring) as timed, open_line(timed.port, wiring.baud) as line:
                    exchange(line, sent, result_bytes=size, window=window)
                assert timed.traced is not None
                counts.append(timed.traced)
            figure = _timed(figure, wiring.clock_hz, len(frames), *counts)
        step.detail = _summary(figure, vectors)
    found = OnBoard(image=built.image, checked=checked, figure=figure, vectors=vectors, traced=traced)
    if faults is not None or data is not None:
        return found
    return _recorded(workspace, request, log, built, found)


def _summary(figure: FigureRecord, vectors: Vectors) -> str:
    where = f"{figure.tool} {figure.tool_version} in the board's place" if figure.stage == _SIMULATED else figure.tool
    rate = "" if figure.frames_per_s is None else f"; {figure.frames_per_s:,.0f} results/s"
    trip = "" if figure.round_trip_ms is None else f", round trip {figure.round_trip_ms:.2f} ms"
    return f"{where}: 0 of {vectors.outputs.size:,} integers differ{rate}{trip}"


def _built(workspace: Workspace, request: BuildRequest) -> _Built:
    """What was built for a board. Raises ReportError where there is nothing, or it is of another design by now."""
    plan = make_plan(workspace, request)
    folder = workspace.build / plan.name
    image = read_image(_board_folder(folder))
    again = f"build it again: hlsflow build --model {plan.model.name} --synth open --device {image.board}"
    hls = folder / "hls"
    steps = Steps(folder=folder, log=Log(quiet=True))
    try:
        made_of = json.loads((folder / "open" / STEP_FILE).read_text())["inputs"]["design"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReportError(f"{folder / 'open'}: damaged: {error}", hint=again) from error
    # The C simulation's: its integers are what the board is held against. A workspace that was moved keeps them.
    if not steps.up_to_date("csim", plan.keys["csim"]) or design_of(hls) != made_of:
        raise ReportError(f"{plan.name}: the design for {image.board} is of another model or configuration", hint=again)
    return _Built(plan=plan, folder=folder, image=image, chain=read_chain(read_project(hls)), design=made_of)


def _vectors(built: _Built, data: Path | None) -> Vectors:
    if data is None:
        return read_vectors(built.plan, built.folder / "hls", built.chain)
    import numpy as np

    try:
        given = np.load(data, allow_pickle=False)
        inputs = to_integers(given.reshape(len(given), -1), built.chain.input_type.fraction)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise UsageError(
            f"--data {data}: no array of frames: {error}", hint="an .npy file, (n, *input shape)"
        ) from error
    low, high = built.chain.input_type.min_int, built.chain.input_type.max_int
    if inputs.ndim != 2 or inputs.shape[1] != built.chain.input_size or not len(inputs):
        raise UsageError(f"--data {data}: shape {given.shape}, a frame has {built.chain.input_size} values")
    if inputs.min() < low or inputs.max() > high:
        raise UsageError(f"--data {data}: values outside of {built.chain.input_type.grid}, the type of the input")
    return Vectors(inputs=inputs, outputs=built.chain.run(inputs), source="the integer network")


def _progress(step: Step) -> Callable[[int, int], None]:
    return lambda done, total: step.progress(done, total, "frames")


def _is_terminal(port: str) -> bool:
    """Whether a port is a pseudo-terminal: Linux gives their far ends the major numbers 136 to 143."""
    try:
        found = os.stat(port)
    except OSError:
        return False
    return stat.S_ISCHR(found.st_mode) and 136 <= os.major(found.st_rdev) <= 143


def _figure(built: _Built, checked: Checked, vectors: Vectors, simulator: OpenTool | None = None) -> FigureRecord:
    image, sent = built.image, checked.exchange
    simulated = checked.identity.simulated
    refused = sum(sent.refused.values())
    notes = [
        f"0 of {vectors.outputs.size:,} integers differ from {vectors.source}, {len(vectors.inputs):,} samples",
        f"design {image.digest[:12]} on {image.board}: frames of {checked.identity.frame_bytes} bytes, results of "
        f"{checked.identity.result_bytes}, {image.wiring.baud:,} baud, {checked.identity.slots} frames under way",
        f"{sent.resent} frames sent again, {refused} packets refused, {sent.damaged} damaged",
    ]
    if simulated:
        notes.append("no board: the board's Verilog, simulated with its serial line")
    return FigureRecord(
        stage=_SIMULATED if simulated else _HARDWARE,
        tool="Verilator" if simulated else image.board,
        tool_version=None if simulator is None else simulator.version,
        part=image.part,
        source_file=None,
        samples=len(vectors.inputs),
        clock_target_ns=round(image.wiring.period_ns, 3),
        # A simulation's wall clock says nothing of a board.
        frames_per_s=None if simulated else round(checked.frames_per_s, 1),
        round_trip_ms=None if simulated else round(checked.round_trip_ms, 3),
        notes=notes,
        architecture=image.architecture,
    )


def _timed(figure: FigureRecord, clock_hz: int, frames: int, all_frames: Traced, lone: Traced) -> FigureRecord:
    """The figure with the rates of a simulated board: cycles of its own clock, without any host's delays."""
    shortest, longest = (1000 * cycles / clock_hz for cycles in (lone.shortest, lone.longest))
    return figure.model_copy(
        update={
            "frames_per_s": round(frames * clock_hz / all_frames.line_cycles, 1),
            "round_trip_ms": round(1000 * lone.in_exchanges / lone.exchanges / clock_hz, 3),
            "notes": [
                *figure.notes,
                f"by cycles at {clock_hz / 1e6:g} MHz, without the host's and a USB bridge's delays; a lone frame "
                f"takes {shortest:.3f} to {longest:.3f} ms",
            ],
        }
    )


def _recorded(workspace: Workspace, request: BuildRequest, log: Log, built: _Built, found: OnBoard) -> OnBoard:
    """Adds what was found to the record of exactly this build."""
    with locked(built.folder, log):
        state = _summary(found.figure, found.vectors)
        inputs = {"design": built.design, "board": built.image.digest, "stage": found.figure.stage}

        def write(folder: Path, _: Step) -> str:
            write_figures(folder, [found.figure], state)
            return state

        quiet = Steps(folder=built.folder, log=Log(quiet=True))
        # What is measured is measured anew, whatever was there.
        quiet.run(BOARD, {**inputs, "figure": found.figure.model_dump(mode="json")}, write)
    build(workspace, request, Log(quiet=True))
    return OnBoard(
        image=found.image, checked=found.checked, figure=found.figure, vectors=found.vectors, traced=found.traced,
        recorded=True,
    )  # fmt: skip
