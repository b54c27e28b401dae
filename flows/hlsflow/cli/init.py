"""`hlsflow init`: make a workspace, with an example that builds at once."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `hlsflow init`."""
    parser.add_argument("folder", nargs="?", metavar="DIR", type=Path, default=Path(), help="default: the current one")


def run(args: argparse.Namespace) -> int:
    """Makes the workspace, or leaves everything as it was. Gives the exit code."""
    from hlsflow.foundation.example import MODEL, make_workspace

    root = args.folder.expanduser().resolve()
    _, written = make_workspace(root)
    for path in written:
        print(f"wrote {root / path}")
    enter = "" if root == Path.cwd() else f"cd {args.folder} && "
    print(f"next: {enter}hlsflow build --model {MODEL}")
    return 0
