"""`hlsflow queue`: synthesize many models, several at once within licences, memory and cores."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

from hlsflow.cli.common import add_synthesis_limits, add_workspace, make_log, vendor_options
from hlsflow.records.tools import VENDOR_TOOLS

EXAMPLES = """\
examples:
  hlsflow queue qap8 float --synth vitis --licences 2     two models, both at once if the memory suffices
  hlsflow queue                                           go on with what was interrupted
  hlsflow queue --status                                  what waits, runs, is done, has failed
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = f"{EXAMPLES}\n{parser.epilog or ''}"
    parser.add_argument("models", nargs="*", metavar="NAME", help="models to add; none: go on with the queue")
    parser.add_argument("--synth", choices=VENDOR_TOOLS, default="vitis", help="the tools (default: vitis)")
    add_synthesis_limits(parser)
    parser.add_argument("--licences", type=int, default=1, metavar="N", help="of the tool, for all runs (default: 1)")
    parser.add_argument("--memory-gib", type=float, metavar="GIB", help="for all runs (default: what is free)")
    parser.add_argument("--cores", type=int, metavar="N", help="for all runs (default: all)")
    parser.add_argument("--job-memory-gib", type=float, default=4.0, metavar="GIB", help="for each run (default: 4)")
    parser.add_argument("--job-cores", type=int, default=1, metavar="N", help="for each run (default: 1)")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="as in hlsflow build")
    parser.add_argument("--retry", action="store_true", help="also what has failed before")
    parser.add_argument("--status", action="store_true", help="show the queue and run nothing")
    add_workspace(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0 where every job that ran is done, 7 where one failed."""
    from hlsflow.execution.jobs import Job, Needs, Queue, State
    from hlsflow.execution.run import run_queue
    from hlsflow.foundation.errors import ToolError, UsageError
    from hlsflow.foundation.workspace import find_workspace
    from hlsflow.processes.machine import GIB, read_machine

    for option, value in (("--licences", args.licences), ("--job-cores", args.job_cores), ("--cores", args.cores),
                          ("--memory-gib", args.memory_gib), ("--job-memory-gib", args.job_memory_gib)):  # fmt: skip
        if value is not None and value <= 0:
            raise UsageError(f"{option} {value:g}: more than 0")
    workspace = find_workspace(args.workspace)
    queue = Queue(workspace.build / "queue")
    if args.status:
        _show(queue.jobs(), args.json)
        return 0
    needs = Needs(licences=1, memory_bytes=int(args.job_memory_gib * GIB), cores=args.job_cores)
    vendor_options(args)
    jobs = []
    for model in dict.fromkeys(args.models):
        workspace.model_dir(model)
        jobs.append((f"{model}-{args.synth}", _arguments(args, workspace.root, model), needs))
    queue.add(jobs)
    if args.retry:
        for job in queue.jobs():
            if job.state is State.FAILED:
                queue.save(dataclasses.replace(job, state=State.WAITING, message=""))
    log = make_log(args)
    machine = read_machine(queue.folder.parent)
    memory = machine.memory_available_bytes if args.memory_gib is None else int(args.memory_gib * GIB)
    limits = Needs(
        licences=args.licences,
        memory_bytes=memory if memory is not None else 1 << 62,
        cores=args.cores or machine.cores,
    )

    def on_end(job: Job) -> None:
        log.line(f"{job.name}: {job.state}{f': {job.message}' if job.message else ''}")

    with queue.runner() as mine:
        if not mine:
            log.line("another hlsflow queue is running: it takes these, too")
            return 0
        ended = run_queue(queue, limits, log, on_end)
    _show(queue.jobs(), args.json)
    return ToolError.exit_code if any(job.state is State.FAILED for job in ended) else 0


def _arguments(args: argparse.Namespace, root: Path, model: str) -> list[str]:
    words = ["--workspace", str(root), "--model", model, "--synth", args.synth]
    # The cap that makes the tokens true: a run that takes more than its share is ended with that reason.
    memory = args.synth_memory_gib or args.job_memory_gib
    for option, value in (
        ("--stages", args.stages),
        ("--cosim-samples", args.cosim_samples),
        ("--synth-timeout-min", args.synth_timeout_min),
        ("--synth-memory-gib", memory),
        ("--data-dir", args.data_dir),
    ):
        if value is not None:
            words += [option, str(value)]
    return words


def _show(jobs, as_json: bool) -> None:
    if as_json:
        print(json.dumps([dataclasses.asdict(job) for job in jobs], indent=1))
        return
    for job in jobs:
        print(f"{job.state:<8} {job.name:<30} {job.message}")
    if not jobs:
        print("the queue is empty")
