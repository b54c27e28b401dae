"""`hlsflow config`: write a complete, commented, exact HLS configuration for a model."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from hlsflow.cli.common import add_bound, add_workspace, make_log


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from hlsflow.building.target import Target

    usual = Target()
    parser.add_argument("model", metavar="NAME", help="a model under models/")
    parser.add_argument("--backend", choices=["Vitis", "Vivado"], default=usual.backend)
    parser.add_argument("--io-type", choices=["io_parallel", "io_stream"], help="default: by the network's size")
    parser.add_argument("--part", default=usual.part, help="default: %(default)s (PYNQ-Z2)")
    parser.add_argument(
        "--clock-period-ns", type=float, default=usual.clock_period_ns, metavar="NS", help="default: %(default)g"
    )
    parser.add_argument(
        "--bits",
        type=int,
        metavar="N",
        help="width of types where the model has no quantizers (default: as few as --bound allows)",
    )
    add_bound(parser)
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="for a model without quantizers: measured values")
    parser.add_argument("--force", action="store_true", help="overwrite an existing configuration")
    parser.add_argument("--stdout", action="store_true", help="print it instead of writing hls_configs/NAME.yaml")
    add_workspace(parser)


def run(args: argparse.Namespace) -> int:
    from hlsflow.building.configure import configure
    from hlsflow.building.target import Target
    from hlsflow.foundation.errors import ConfigError
    from hlsflow.foundation.workspace import find_workspace, write_text

    workspace = find_workspace(args.workspace)
    workspace.model_dir(args.model)
    path = workspace.hls_configs / f"{args.model}.yaml"
    if path.exists() and not (args.force or args.stdout):
        raise ConfigError(f"{path} exists", hint="--force overwrites it, --stdout only shows the new one")
    target = Target(
        backend=args.backend,
        io_type=args.io_type,
        part=args.part,
        clock_period_ns=args.clock_period_ns,
        bits=args.bits,
        bound=args.bound,
    )
    text = configure(workspace, args.model, target, args.data_dir, make_log(args))
    if args.stdout:
        sys.stdout.write(text)
    else:
        write_text(path, text)
        print(f"wrote {path}")
    return 0
