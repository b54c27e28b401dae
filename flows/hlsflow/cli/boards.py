"""`hlsflow boards`: the boards that every command knows, with what they hold and what can synthesize for them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hlsflow.devices.boards import Board


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", nargs="?", metavar="TEXT", help="only what has this in its name, maker or part")
    parser.add_argument("--json", action="store_true", help="the result as JSON on standard output, for machines")


def run(args: argparse.Namespace) -> int:
    import json

    from hlsflow.devices.boards import boards
    from hlsflow.foundation.errors import ConfigError, did_you_mean

    text = (args.text or "").lower()
    found = [board for board in boards().values() if any(text in word.lower() for word in _words(board))]
    if not found:
        raise ConfigError(f"no board has '{args.text}' in its name", hint=did_you_mean(text, list(boards())))
    if args.json:
        print(json.dumps([_as_json(board) for board in found], indent=1))
    else:
        print(_table(found))
    return 0


def _words(board: Board) -> tuple[str, ...]:
    return board.name, board.maker, *board.other_names, board.part.name


def _as_json(board: Board) -> dict[str, object]:
    from hlsflow.devices.catalogue import RESOURCES

    device = board.part.device
    return {
        "board": board.name,
        "maker": board.maker,
        "other_names": list(board.other_names),
        "part": board.part.name,
        **{name: device.capacity(name) for name in RESOURCES},
        "source": device.source,
        "confirmed_by": device.confirmed_by,
        "synthesized_by": list(board.synthesized_by),
    }


def _table(found: list[Board]) -> str:
    from hlsflow.devices.catalogue import RESOURCES

    rows = [("board", "maker", "also", "part", "LUT", "FF", "DSP", "BRAM 18K", "URAM", "--synth")]
    for board in found:
        device = board.part.device
        rows.append(
            (
                board.name, board.maker, ", ".join(board.other_names), board.part.name,
                *(f"{device.capacity(name):,}" for name in RESOURCES), ", ".join(board.synthesized_by),
            )
        )  # fmt: skip
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    numbers = range(4, 9)
    lines = [
        "  ".join(
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    lines += [
        "",
        "Every name is understood however it is written, as is the part itself: --fit BOARD, --device BOARD, --part.",
        "vitis, vivado: AMD's tools (Vivado HLS ended with 2020.1 and knows no part that is younger); open: Yosys, and",
        "nextpnr for ECP5, iCE40 and Gowin (blocks of RAM of ECP5 have 16 Kb, of iCE40 4 Kb).",
        f"hlsflow board runs a design on {_wired()}.",
        "What a device holds is from its maker's data sheet; --json says from which, and what confirms it.",
    ]
    return "\n".join(lines)


def _wired() -> str:
    from hlsflow.devices.wiring import wirings

    return ", ".join(wirings())
