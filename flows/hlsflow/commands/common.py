"""Options that several commands share."""

from __future__ import annotations

import argparse

from hlsflow.log import Log


def add_workspace(parser: argparse.ArgumentParser) -> None:
    """--workspace, --verbose and --json."""
    parser.add_argument(
        "--workspace",
        metavar="DIR",
        help="folder with models/ and hls_configs/ (default: the current one, or the checkout)",
    )
    parser.add_argument("--verbose", action="store_true", help="also show what the tools print")
    parser.add_argument("--json", action="store_true", help="the result as JSON on standard output, for machines")


def make_log(args: argparse.Namespace) -> Log:
    """The progress log that the options ask for."""
    return Log(verbose=args.verbose)
