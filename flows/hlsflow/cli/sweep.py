"""`hlsflow sweep`: a grid of models, each carried to the same hardware report."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from hlsflow.cli.common import add_workspace, make_log


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `hlsflow sweep`."""
    parser.add_argument("specs", nargs="*", metavar="SPEC", help="a file, or the name of one in sweeps/")
    parser.add_argument("--all", action="store_true", help="all of sweeps/, then the one table: reports/methods.md")
    parser.add_argument("--only", action="append", default=[], metavar="POINT", help="this point or family alone")
    parser.add_argument(
        "--jobs", type=int, metavar="N", help="points at once (default: the cores, at most 1 per 2 GiB)"
    )
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="folder with mnist.npz … (default: $HLSFLOW_DATA)")
    parser.add_argument("--list", action="store_true", help="list the points, and do nothing")
    parser.add_argument("--tables", action="store_true", help="only write the tables of the points that are there")
    add_workspace(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the sweeps that are asked for; 1 where a point failed or its gate did."""
    from hlsflow.exploring.methods import write_methods
    from hlsflow.exploring.sweep import known_rows, open_sweep, run_sweep, spec_path, write_reports
    from hlsflow.foundation.errors import UsageError
    from hlsflow.foundation.workspace import find_workspace

    log = make_log(args)
    workspace = find_workspace(args.workspace)
    shipped = sorted((workspace.root / "sweeps").glob("*.yaml"))
    if not args.specs and not args.all:
        names = ", ".join(path.stem for path in shipped)
        raise UsageError("no sweep is named", hint=f"a file, --all, or one of {names}")
    if args.jobs is not None and args.jobs < 1:
        raise UsageError(f"--jobs {args.jobs}: at least one")
    paths = shipped if args.all else [spec_path(workspace, name) for name in args.specs]
    # Everything is checked before anything is run.
    sweeps = [open_sweep(workspace, path) for path in paths]
    if args.list:
        for models in sweeps:
            for point in models.sweep.points:
                print(f"{models.sweep.spec.name}  {point.name}  {point.title}")
        return 0
    bad = 0
    for models in sweeps:
        if args.tables:
            rows = known_rows(models)
        else:
            rows = run_sweep(models, args.data_dir, args.jobs or _default_jobs(), log, only=args.only)
        folder = write_reports(models, rows)
        bad += sum(row.error is not None or (row.exactness is not None and not row.exactness.passed) for row in rows)
        print(f"wrote {folder / 'table.md'}: {len(rows)} of {len(models.sweep.points)} points")
    if args.all:
        print(f"wrote {write_methods(workspace, [(models, known_rows(models)) for models in sweeps])}")
    return 1 if bad else 0


def _default_jobs() -> int:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(len(os.sched_getaffinity(0)), memory // (2 << 30)))
