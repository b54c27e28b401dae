"""`hlsflow build`: the main job."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from hlsflow.commands.common import add_workspace, make_log


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", required=True, metavar="NAME", help="a model under models/")
    parser.add_argument("--backend", choices=["Vitis", "Vivado"], help="instead of the configuration's")
    parser.add_argument("--io-type", choices=["io_parallel", "io_stream"], help="instead of the configuration's")
    parser.add_argument("--part", help="an AMD part, instead of the configuration's")
    parser.add_argument("--clock-period-ns", type=float, metavar="NS", help="instead of the configuration's")
    parser.add_argument("--samples", type=int, metavar="N", help="compare on the first N samples alone (default: all)")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="folder with mnist.npz … (default: $HLSFLOW_DATA)")
    parser.add_argument(
        "--allow-mismatch", action="store_true", help="record outputs that differ from Keras', and go on"
    )
    add_workspace(parser)


def run(args: argparse.Namespace) -> int:
    from hlsflow.pipeline import build
    from hlsflow.plan import BuildRequest
    from hlsflow.reporting.build_report import summary
    from hlsflow.workspace import find_workspace

    log = make_log(args)
    request = BuildRequest(
        model=args.model,
        changes={
            key: value
            for key, value in (
                ("backend", args.backend),
                ("io_type", args.io_type),
                ("part", args.part),
                ("clock_period_ns", args.clock_period_ns),
            )
            if value is not None
        },
        data_dir=args.data_dir,
        samples=args.samples,
        allow_mismatch=args.allow_mismatch,
    )
    workspace = find_workspace(args.workspace)
    result = build(workspace, request, log)
    if args.verbose:
        for name in ("hls4ml.log",):
            sys.stderr.write((result.project / name).read_text())
    if args.json:
        sys.stdout.write(result.record.to_json())
    else:
        print(summary(result.record, result.record_path, result.project, sys.stdout))
    return 0
