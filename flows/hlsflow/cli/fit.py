"""`hlsflow fit`: reuse factors and strategies that fit a device, as a configuration to edit and build."""

from __future__ import annotations

import argparse
import sys

from hlsflow.cli.common import add_confidence, add_workspace, make_log


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="NAME", help="a model under models/")
    parser.add_argument("board", metavar="BOARD", help="a board such as pynq-z2 (all: hlsflow boards), or a part")
    parser.add_argument(
        "--goal", default="latency", metavar="GOAL", help="latency (default), area or interval=N cycles"
    )
    add_confidence(parser)
    parser.add_argument("--io-type", choices=["io_parallel", "io_stream"], help="instead of the configuration's")
    parser.add_argument("--clock-period-ns", type=float, metavar="NS", help="instead of the configuration's")
    parser.add_argument("--stdout", action="store_true", help="print it instead of writing hls_configs/NAME.BOARD.yaml")
    parser.add_argument("--force", action="store_true", help="write over one that was edited since")
    add_workspace(parser)


def run(args: argparse.Namespace) -> int:
    from hlsflow.fitting.run import fit_model, write_fitted
    from hlsflow.foundation.workspace import find_workspace

    changes = {"io_type": args.io_type, "clock_period_ns": args.clock_period_ns}
    fitted = fit_model(
        find_workspace(args.workspace),
        args.model,
        args.board,
        args.goal,
        {key: value for key, value in changes.items() if value is not None},
        make_log(args),
        args.confidence,
    )
    if args.stdout:
        sys.stdout.write(fitted.text)
        return 0
    write_fitted(fitted, force=args.force)
    print("\n".join(fitted.lines))
    print(f"wrote {fitted.path}; build it: hlsflow build --model {args.model} --config {fitted.path.name}")
    return 0
