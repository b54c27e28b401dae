"""`hlsflow compare`: builds and parsed reports side by side, as text, Markdown, CSV, JSON and a page."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hlsflow.reports.run import Failure

EXAMPLES = """\
examples:
  hlsflow compare                                  all builds -> reports/comparison.{md,csv,json,html}
  hlsflow compare qap8 float --baseline float      two of them, shown here only
  hlsflow compare qap8 ../their-project --output out   with the reports of another project
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `hlsflow compare`."""
    from hlsflow.comparison.metrics import COSTS

    parser.epilog = f"{EXAMPLES}\n{parser.epilog or ''}"
    parser.add_argument(
        "sources",
        nargs="*",
        metavar="NAME|PATH",
        help="a build under reports/, a build.json, or a file or folder of a tool's reports (default: all builds)",
    )
    parser.add_argument("--baseline", metavar="NAME", help="the row to differ from (default: the largest build)")
    parser.add_argument(
        "--cost",
        choices=list(COSTS),
        metavar="COST",
        help=f"mark Pareto-optimal rows in accuracy against it: {', '.join(COSTS)} (default: lut, else weight_bits)",
    )
    parser.add_argument(
        "--output", type=Path, metavar="DIR", help="where comparison.* go (default for all builds: reports/)"
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail where comparison.* are out of date")
    parser.add_argument("--json", action="store_true", help="the comparison as JSON on standard output, for machines")
    parser.add_argument(
        "--workspace",
        metavar="DIR",
        help="folder with models/ and reports/ (default: the current one, or the nearest above it)",
    )


def run(args: argparse.Namespace) -> int:
    """Compares, writes and prints; 9 where a report could not be read, else 0."""
    from hlsflow.comparison.comparison import compare
    from hlsflow.comparison.output import check, write
    from hlsflow.comparison.sources import load
    from hlsflow.comparison.terminal import terminal
    from hlsflow.foundation.log import Log
    from hlsflow.foundation.workspace import find_workspace, workspace_or_here

    workspace = (workspace_or_here if args.sources else find_workspace)(args.workspace)
    found = load(workspace, args.sources)
    comparison = compare(found.designs, baseline=args.baseline, cost=args.cost)
    # A choice of rows must not replace the comparison of all that is committed.
    folder = args.output or (None if args.sources else workspace.reports)
    if args.check:
        check(comparison, folder or workspace.reports)
        print(f"{folder or workspace.reports}: comparison.* are up to date")
        return 0
    written = write(comparison, folder) if folder is not None else []
    if args.json:
        sys.stdout.write(comparison.to_json())
    else:
        print(terminal(comparison, sys.stdout))
    for path in written:
        Log().line(f"  wrote {path}")
    return _tell_failures(found.failures)


def _tell_failures(failures: tuple[Failure, ...]) -> int:
    from hlsflow.foundation.errors import ReportError
    from hlsflow.foundation.log import paint

    for failure in failures:
        print(f"{paint('unreadable:', 'red', sys.stderr)} {failure.source_file}: {failure.message}", file=sys.stderr)
    return ReportError.exit_code if failures else 0
