"""`hlsflow board`: a built design on its board: sent there, run there, or run on a simulated board."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsflow.cli.common import add_workspace, make_log, variant_named

if TYPE_CHECKING:
    from hlsflow.building.on_board import OnBoard


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    sent = actions.add_parser("flash", help="send the bitstream to the board, with openFPGALoader")
    sent.add_argument("--permanent", action="store_true", help="into its flash, not only until its power is off")
    run = actions.add_parser("run", help="send the samples to the board and compare every integer with the record")
    run.add_argument("--port", required=True, help="the board's serial port, such as /dev/ttyUSB1")
    simulated = actions.add_parser("simulate", help="the same with Verilator in the board's place")
    simulated.add_argument("--flips", type=int, default=0, metavar="N", help="of a million bits on the line, flip N")
    simulated.add_argument("--drops", type=int, default=0, metavar="N", help="of a million bytes on the line, lose N")
    simulated.add_argument("--reset-bytes", type=int, default=0, metavar="N", help="reset the board every N bytes")
    simulated.add_argument("--seed", type=int, default=1, help="of the faults")
    for action in (sent, run, simulated):
        action.add_argument(
            "model", metavar="NAME", help="a model, or a variant NAME@VARIANT, that was built for a board"
        )
        action.add_argument("--config", type=Path, metavar="FILE", help="as in hlsflow build")
        add_workspace(action)
    for action in (run, simulated):
        action.add_argument(
            "--data", type=Path, metavar="FILE",
            help="frames of your own, an .npy of (n, *input shape); nothing is recorded then",
        )  # fmt: skip
        action.add_argument("--samples", type=int, metavar="N", help="as in hlsflow build")
        action.add_argument("--data-dir", type=Path, metavar="DIR", help="as in hlsflow build")


def run(args: argparse.Namespace) -> int:
    from hlsflow.boards.simulator import Faults
    from hlsflow.building.on_board import flash_board, run_board, simulate_board
    from hlsflow.building.plan import BuildRequest
    from hlsflow.foundation.errors import UsageError
    from hlsflow.foundation.workspace import find_workspace

    workspace = find_workspace(args.workspace)
    log = make_log(args)
    model, config, changes = variant_named(workspace, args.model, args.config)
    more = {} if args.action == "flash" else {"samples": args.samples, "data_dir": args.data_dir}
    request = BuildRequest(model=model, config_path=config, changes=changes, **more)
    if args.action == "flash":
        image = flash_board(workspace, request, log, permanent=args.permanent)
        _print(args, {"board": image.board, "bitstream": image.bitstream, "digest": image.digest}, [
            f"{image.board} runs {args.model} ({image.digest[:12]})",
            f"next: hlsflow board run {args.model} --port PORT",
        ])  # fmt: skip
        return 0
    if args.action == "run":
        found = run_board(workspace, request, log, port=args.port, data=args.data)
    else:
        faults = {"flips": args.flips, "drops": args.drops, "reset_bytes": args.reset_bytes}
        for name, count in faults.items():
            if not 0 <= count <= 1_000_000:
                raise UsageError(f"--{name.replace('_', '-')} {count}: 0 to 1,000,000")
        bad = Faults(**faults, seed=args.seed) if any(faults.values()) else None
        found = simulate_board(workspace, request, log, faults=bad, data=args.data)
    _print(args, _as_json(found), [found.summary, *found.figure.notes[1:], _said(found)])
    return 0


def _said(found: OnBoard) -> str:
    if found.recorded:
        return f"recorded as the stage {found.figure.stage}"
    if found.traced is not None and (found.traced.flipped or found.traced.dropped or found.traced.resets):
        traced = found.traced
        return (
            f"on a bad line: {traced.flipped} bits flipped, {traced.dropped} bytes lost, {traced.resets} resets; not "
            "recorded"
        )
    return "not recorded: frames of your own, not the record's samples"


def _as_json(found: OnBoard) -> dict[str, Any]:
    sent = found.checked.exchange
    return {
        "board": found.image.board,
        "stage": found.figure.stage,
        "frames": len(sent.results),
        "differing_integers": 0,
        "integers": int(found.vectors.outputs.size),
        "frames_per_s": found.figure.frames_per_s,
        "round_trip_ms": found.figure.round_trip_ms,
        "sent_again": sent.resent,
        "refused": {reason.name.lower(): count for reason, count in sent.refused.items()},
        "damaged": sent.damaged,
        "recorded": found.recorded,
    }


def _print(args: argparse.Namespace, data: dict[str, Any], lines: list[str]) -> None:
    print(json.dumps(data, indent=1) if args.json else "\n".join(lines))
