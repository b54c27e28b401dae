"""`hlsflow import`: the results of a packed project, back into its record."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from hlsflow.cli.common import add_workspace, make_log


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "sources", nargs="+", type=Path, metavar="ARCHIVE|FOLDER", help="results.tar.gz of run.sh, or its whole folder"
    )
    add_workspace(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0 where all was taken over, else that of the first failure, after everything else was."""
    from hlsflow.foundation.errors import HlsflowError
    from hlsflow.foundation.log import paint
    from hlsflow.foundation.workspace import find_workspace
    from hlsflow.packing.import_results import import_results

    workspace = find_workspace(args.workspace)
    log = make_log(args)
    models = []
    failures: list[HlsflowError] = []
    for source in args.sources:
        try:
            models += import_results(workspace, source, log)
        except HlsflowError as error:
            failures.append(error)
    failures += [failure for model in models for failure in model.failures]
    if args.json:
        rows = [
            {"name": model.name, "done": [str(stage) for stage in model.done],
             "failures": [failure.message for failure in model.failures]}
            for model in models
        ]  # fmt: skip
        print(json.dumps({"models": rows, "failures": [failure.message for failure in failures]}, indent=1))
    else:
        for model in models:
            print(f"{model.name}: {', '.join(model.done) or 'nothing'} taken over")
        if any(model.done for model in models):
            print("The files are those that run.sh left, of exactly this design: checksums agree, nobody signed them.")
    for failure in failures:
        print(f"{paint('error:', 'red', sys.stderr)} {failure}", file=sys.stderr)
    return failures[0].exit_code if failures else 0
