"""`hlsflow parse`: reads the reports at a path and shows every figure with its stage, tool, part and file."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter

EXAMPLES = """\
examples:
  hlsflow parse my-hls-test                      a project folder: its reports, by stage
  hlsflow parse projects --csv > figures.csv     a tree of projects
  hlsflow parse vivado_synth.rpt --json          one file
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `hlsflow parse`."""
    parser.epilog = f"{EXAMPLES}\n{parser.epilog or ''}"
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a report, a project folder, or a tree of projects")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="all that was found as JSON on standard output")
    form.add_argument("--csv", action="store_true", help="one row a run as CSV on standard output")
    parser.add_argument("--modules", action="store_true", help="also the figures of every module, instance and loop")
    parser.add_argument(
        "--all",
        action="store_true",
        help="in the table, also submodules with a report of their own, duplicates, and the tools' logs",
    )
    parser.add_argument("--jobs", type=int, metavar="N", help="processes that read files (default: as many as pay)")


def run(args: argparse.Namespace) -> int:
    """Reads and prints; 9 where a file that is meant to be a report could not be read, else 0."""
    from hlsflow.foundation.errors import ReportError, UsageError
    from hlsflow.foundation.log import paint
    from hlsflow.reports.discover import discover

    if args.jobs is not None and args.jobs < 1:
        raise UsageError(f"--jobs {args.jobs}: at least 1")
    discovery = discover(args.paths, processes=args.jobs)
    if args.json:
        from hlsflow.reports.run_rows import discovery_data

        json.dump(discovery_data(discovery, with_modules=args.modules), sys.stdout, indent=1, ensure_ascii=False)
        print()
    elif args.csv:
        _print_csv(discovery, args.modules)
    else:
        _print_tables(discovery, args)
    for failure in discovery.failures:
        print(f"{paint('unreadable:', 'red', sys.stderr)} {failure.source_file}: {failure.message}", file=sys.stderr)
    if discovery.failures:
        what = "1 file is" if len(discovery.failures) == 1 else f"{len(discovery.failures)} files are"
        print(
            f"{what} meant to be a report and cannot be read: exit code {ReportError.exit_code}. "
            "The figures shown are those of the others.",
            file=sys.stderr,
        )
        return ReportError.exit_code
    return 0


def _print_csv(discovery, modules: bool) -> None:
    from hlsflow.foundation.csv_text import csv_text
    from hlsflow.reports.run_rows import run_record

    records = [
        run_record(found, part)
        for found in discovery.runs
        for part in (None, *(found.modules if modules else ()), *(found.loops if modules else ()))
    ]
    if records:
        sys.stdout.write(csv_text(records, list(records[0])))


def _print_tables(discovery, args: argparse.Namespace) -> None:
    from rich.console import Console

    from hlsflow.reports.run import Role
    from hlsflow.reports.run_table import print_modules, print_runs

    console = Console(highlight=False)
    tops = {found.project for found in discovery.runs if found.role == Role.TOP}
    hidden_submodules = [r for r in discovery.runs if r.role == Role.SUBMODULE and r.project in tops and not args.all]
    hidden_duplicates = [r for r in discovery.runs if r.is_duplicate and r not in hidden_submodules and not args.all]
    hidden = {id(found) for found in (*hidden_submodules, *hidden_duplicates)}
    shown = [found for found in discovery.runs if id(found) not in hidden]
    print_runs(console, shown)
    if args.modules:
        for found in shown:
            print_modules(console, found)
    if args.all:
        for log in discovery.logs:
            _print_log(console, log)
        for report in discovery.passed_over:
            console.print(f"no figures: {report.source_file}: {report.what}", markup=False, soft_wrap=True)
    _print_summary(console, discovery, args, shown, len(hidden_submodules), len(hidden_duplicates))


def _print_log(console, log) -> None:
    tool = " ".join(word for word in (log.tool, log.tool_version) if word)
    clock = "clock -" if log.clock_target_ns is None else f"clock {log.clock_target_ns:g} ns"
    steps = ", ".join(log.completed_steps) or "no step completed"
    console.print(f"log {log.source_file}", style="bold", markup=False, soft_wrap=True)
    console.print(
        f"  {tool} · {log.part or '-'} · {clock} · top {log.top or '-'}: {steps}", markup=False, soft_wrap=True
    )
    if log.left_out_bytes:
        console.print(f"  of its middle {log.left_out_bytes:,} bytes were not read", style="yellow", markup=False)
    if log.first_error is not None:
        # hls4ml's own scripts provoke error lines in runs that succeed
        console.print(
            f"  {log.error_count} error lines, the first: {log.first_error}",
            style="yellow",
            markup=False,
            soft_wrap=True,
        )


def _print_summary(console, discovery, args: argparse.Namespace, shown, submodules: int, duplicates: int) -> None:
    stale = sum(found.is_stale for found in shown)
    hidden_stale = sum(found.is_stale for found in discovery.runs) - stale
    words = [_counted(discovery.read_files, "report") + " read", _counted(len(shown), "run") + " shown"]
    if stale:
        words.append(f"{stale} of them contradicted by what lies beside them")
    if submodules:
        words.append(_counted(submodules, "submodule") + " not shown (--all, or --modules for their figures)")
    if duplicates:
        words.append(_counted(duplicates, "duplicate") + " not shown (--all)")
    if hidden_stale:
        words.append(f"of those not shown, {hidden_stale} contradicted by what lies beside them")
    if discovery.logs:
        words.append(_counted(len(discovery.logs), "log") + ("" if args.all else " (--all)"))
    if discovery.passed_over:
        words.append(_passed_over_words(discovery.passed_over))
    if discovery.other_files:
        words.append(_counted(discovery.other_files, "file") + " of other kinds left alone")
    if not discovery.read_files:
        words = ["no report found", *words[2:]]
    console.print("\n" + " · ".join(words), markup=False, soft_wrap=True)


def _passed_over_words(reports) -> str:
    """`3 reports without figures passed over: 2 drc, 1 clock utilization`, the most frequent first."""
    kinds = Counter(report.what for report in reports)
    named = sorted(kinds, key=lambda what: (-kinds[what], what))
    return f"{_counted(len(reports), 'report')} without figures passed over: " + ", ".join(
        f"{kinds[what]} {what}" for what in named
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
