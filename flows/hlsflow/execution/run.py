"""Runs the jobs of a queue, as many at once as there are tokens, each in a process of its own; results as they come."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path

from hlsflow.execution.jobs import NOTHING, Job, Needs, Queue, State
from hlsflow.foundation import interrupts
from hlsflow.foundation.errors import HlsflowError, ToolError
from hlsflow.foundation.log import Log
from hlsflow.processes import guard
from hlsflow.processes.process import last_lines, run
from hlsflow.vendor.run import end_leftovers

_LOOK_EVERY_S = 0.5
# A job's threads only wait: their number bounds nothing but itself.
_MOST_AT_ONCE = 64


def run_queue(queue: Queue, limits: Needs, log: Log, on_end: Callable[[Job], None]) -> list[Job]:
    """Runs all that waits, and what is added meanwhile; gives back the jobs that ended now.

    `on_end` is told of each as it ends. Ctrl-C ends the running ones, which wait again in the next run.
    """
    for job in queue.jobs():
        if job.state is State.RUNNING:
            # Its runner was killed; what it started has ended with it, or ends now.
            end_leftovers(queue.lease(job))
            queue.save(replace(job, state=State.WAITING))
    ended: list[Job] = []
    running: dict[Future[Job], Job] = {}
    stop = threading.Event()
    with ThreadPoolExecutor(_MOST_AT_ONCE) as pool:
        try:
            while True:
                _start(queue, limits, running, pool, stop, log)
                if not running:
                    return ended
                interrupts.check()
                log.live(f"running: {', '.join(job.name for job in running.values())}")
                done, _ = wait(running, timeout=_LOOK_EVERY_S, return_when=FIRST_COMPLETED)
                for future in done:
                    del running[future]
                    job = future.result()
                    ended.append(job)
                    on_end(job)
        finally:
            stop.set()


def _start(
    queue: Queue, limits: Needs, running: dict[Future[Job], Job], pool: ThreadPoolExecutor, stop: threading.Event,
    log: Log,
) -> None:  # fmt: skip
    """Starts the waiting jobs that the tokens suffice for, in order; a small one may pass a large one that waits."""
    taken = NOTHING
    for job in running.values():
        taken = taken.plus(job.needs)
    names = {job.name for job in running.values()}
    for job in queue.jobs():
        if job.state is not State.WAITING or job.name in names or len(running) >= _MOST_AT_ONCE:
            continue
        # One that needs more than there is at all runs alone: it shall be tried, and its failure told.
        if not (taken.plus(job.needs).fits(limits) or (not running and not job.needs.fits(limits))):
            continue
        started = queue.start(job)
        if started is None:
            continue
        job = started
        log.line(f"{job.name}: started (log: {queue.log(job)})")
        taken = taken.plus(job.needs)
        running[pool.submit(_run_job, queue, job, stop)] = job


def _run_job(queue: Queue, job: Job, stop: threading.Event) -> Job:
    """Runs one job to its end, whatever that is, and writes it down."""

    def poll() -> None:
        if stop.is_set():
            raise ToolError("stopped")

    log, lease = queue.log(job), queue.lease(job)
    package = Path(__file__).resolve().parents[2]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(package), os.environ.get("PYTHONPATH")]))}
    try:
        finished = run(
            [sys.executable, "-I", "-S", guard.__file__, str(os.getpid()), str(lease),
             sys.executable, "-P", "-m", "hlsflow", "build", *job.arguments],
            env=environ, log=log, what=job.name, check=False, on_poll=poll, patience_s=guard.ENDS_WITHIN_S,
        )  # fmt: skip
        if finished.returncode == 0:
            return queue.ended(job, State.DONE, "")
        return queue.ended(job, State.FAILED, _why(log) or f"exit code {finished.returncode}")
    except (HlsflowError, interrupts.Interrupted) as error:
        if stop.is_set() or interrupts.requested() or not isinstance(error, HlsflowError):
            return queue.ended(job, State.WAITING, "")
        return queue.ended(job, State.FAILED, error.message)
    finally:
        end_leftovers(lease)


def _why(log: Path) -> str:
    """The error line of a build that failed."""
    lines = [line.strip() for line in last_lines(log, 40).splitlines()]
    return next((line.removeprefix("error: ") for line in reversed(lines) if line.startswith("error: ")), "")
