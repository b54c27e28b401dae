"""Models on boards: bitstream, routed clock, the simulated board on all samples; the table of docs/boards.md.

    python benchmarks/boards.py                          digits6 on every kind of board
    python benchmarks/boards.py qap8:ulx3s-85f           another model; its row is added or replaced

Every pair is built in a workspace of its own, so that every tool runs. Times are of this machine.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "flows"))

from hlsflow.boards.simulator import Faults
from hlsflow.building.on_board import OnBoard, simulate_board
from hlsflow.building.pipeline import build
from hlsflow.building.plan import BuildRequest
from hlsflow.devices.wiring import wirings
from hlsflow.foundation.log import Log
from hlsflow.foundation.workspace import Workspace, find_workspace, write_text
from hlsflow.records.record import FigureRecord

ROOT = Path(__file__).resolve().parents[1]
DOC = ROOT / "docs" / "boards.md"
BEGIN, END = "<!-- measured by benchmarks/boards.py -->", "<!-- end -->"
DEFAULT = ("digits6:icebreaker", "digits6:tang-nano-9k", "digits6:tang-nano-20k", "digits6:ulx3s-85f")
HEADER = (
    "model", "board", "LUT", "FF", "DSP", "block RAM", "board's clock", "routed", "bitstream", "tools",
    "integers that differ", "results/s", "round trip", "on a bad line",
)  # fmt: skip
# A packet of 64 bytes of payload has a fault in every fourth: of a million bits 300 are flipped, of a million bytes
# 1,000 are lost, and every 62nd frame the board is reset. Longer packets have the same share of faults.
_FLIPS, _DROPS, _RESET_FRAMES = 300 * 64, 1000 * 64, 4000 / 64


def measure(model: str, board: str, architecture: str | None, samples: int | None, folder: Path) -> tuple[str, ...]:
    """The row of a model on a board, built from nothing in a folder."""
    place = find_workspace(str(ROOT))
    shutil.copytree(place.model_dir(model), folder / "models" / model)
    (folder / "hls_configs").mkdir()
    shutil.copy(place.hls_configs / f"{model}.yaml", folder / "hls_configs")
    workspace, log = Workspace(root=folder), Log()
    request = BuildRequest(model=model, samples=samples)
    build(workspace, request, log)
    options = {"device": board} | ({} if architecture is None else {"architecture": architecture})
    started = time.monotonic()
    built = build(workspace, replace(request, synth="open", synth_options=options), log)
    seconds = time.monotonic() - started
    route = next(figure for figure in built.record.figures if figure.stage == "board-route")
    good = simulate_board(workspace, request, log)
    size = good.image.identity.frame_bytes
    line = Faults(flips=_FLIPS // size, drops=_DROPS // size, reset_bytes=int(_RESET_FRAMES * size))
    bad = simulate_board(workspace, request, log, faults=line)
    return model, board, *_figures(route, seconds), *_runs(good, bad)


def _figures(route: FigureRecord, seconds: float) -> tuple[str, ...]:
    used = [(route.lut, route.lut_available), (route.ff, route.ff_available), (route.dsp, route.dsp_available)]
    cells = [_share(*pair) for pair in (*used, (route.bram_18k, route.bram_18k_available))]
    assert route.clock_target_ns is not None and route.clock_achieved_ns is not None
    size = route.bitstream_bytes
    return (
        *cells,
        f"{1000 / route.clock_target_ns:.0f} MHz",
        f"{1000 / route.clock_achieved_ns:.1f} MHz",
        "none" if size is None else f"{size / 1024:,.0f} KiB",
        f"{seconds:.0f} s",
    )


def _share(used: int | None, there: int | None) -> str:
    return "in LUT" if used is None or not there else f"{used:,} ({100 * used / there:.0f} %)"


def _runs(good: OnBoard, bad: OnBoard) -> tuple[str, ...]:
    traced, sent = bad.traced, bad.checked.exchange
    assert traced is not None
    return (
        f"0 of {good.vectors.outputs.size:,}",
        f"{good.figure.frames_per_s:,.0f}",
        f"{good.figure.round_trip_ms:.2f} ms",
        f"0 differ; {traced.flipped} bits flipped, {traced.dropped} bytes lost, {traced.resets} resets, {sent.resent} "
        "frames sent again",
    )


def table_with(rows: list[tuple[str, ...]], text: str) -> str:
    """The document with rows in its table; rows of other pairs stay."""
    before, rest = text.split(BEGIN)
    table, after = rest.split(END)
    old = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in table.strip().splitlines()[2:]]
    new = {row[:2]: row for row in (*old, *rows)}
    lines = [HEADER, ("---",) * len(HEADER), *new.values()]
    return before + BEGIN + "\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n" + END + after


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", nargs="*", default=DEFAULT, metavar="MODEL:BOARD")
    parser.add_argument("--architecture", help="as in hlsflow build")
    parser.add_argument("--samples", type=int, metavar="N", help="the first N alone: a simulated serial line is slow")
    args = parser.parse_args()
    for pair in args.pairs:
        model, _, board = pair.partition(":")
        if board not in wirings():
            parser.error(f"{pair}: a board with a whole design is one of {', '.join(sorted(wirings()))}")
        with tempfile.TemporaryDirectory() as folder:
            row = measure(model, board, args.architecture, args.samples, Path(folder))
        print(" | ".join(row), flush=True)
        write_text(DOC, table_with([row], DOC.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
