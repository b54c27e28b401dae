"""`hlsflow bundle`: one archive for a bug report."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from hlsflow.cli.common import add_workspace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="NAME", help="a model, or a variant as its folder is named: qap8@Vivado")
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: build/bundle-NAME.tar.gz")
    parser.add_argument("--with-weights", action="store_true", help="also the trained weights (never the samples)")
    add_workspace(parser)


def run(args: argparse.Namespace) -> int:
    from hlsflow.foundation.workspace import find_workspace
    from hlsflow.packing.bundle import bundle

    workspace = find_workspace(args.workspace)
    archive = args.output or workspace.build / f"bundle-{args.model}.tar.gz"
    names = bundle(workspace, args.model, archive, with_weights=args.with_weights)
    if args.json:
        print(json.dumps({"archive": str(archive), "files": names}, indent=1))
    else:
        held = "with weights" if args.with_weights else "without weights"
        print(f"{archive}: {len(names)} files, {held}, no samples; look into it before you send it")
    return 0
