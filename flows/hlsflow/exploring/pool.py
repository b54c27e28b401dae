"""Worker processes that carry points through: a point that fails, or kills its process, loses no other one."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from hlsflow.exploring.models import SweepModels
from hlsflow.exploring.row import Row
from hlsflow.exploring.spec import SweepPoint
from hlsflow.foundation import interrupts
from hlsflow.foundation.errors import HlsflowError
from hlsflow.foundation.log import Log

_LOOK_EVERY_S = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """A point that ended: its row, which may be of a failure, and the seconds that it took."""

    point: SweepPoint
    row: Row
    seconds: float


@dataclass(kw_only=True, slots=True, eq=False)
class _Worker:
    process: Any
    pipe: Connection
    point: SweepPoint | None = None
    started: float = 0.0


def run_points(
    models: SweepModels, points: Sequence[SweepPoint], data_dir: Path | None, jobs: int, log: Log
) -> Iterator[Outcome]:
    """Runs points in `jobs` processes, each after those it is made from, and gives each outcome as it comes.

    The processes are ended with all that they started when the caller stops, whatever the reason.
    """
    from hlsflow.exploring.point import failed_row

    waiting = list(points)
    names = {point.name for point in points}
    ended: dict[str, bool] = {}
    workers: list[_Worker] = []
    try:
        while waiting or any(worker.point for worker in workers):
            for point in [point for point in waiting if any(ended.get(need) is False for need in point.needs)]:
                waiting.remove(point)
                ended[point.name] = False
                source = next(need for need in point.needs if ended.get(need) is False)
                yield Outcome(point=point, row=failed_row(point, f"{source}, which it is made from, failed"), seconds=0)
            ready = [
                point for point in waiting if all(ended.get(need, need not in names) for need in point.needs)
            ]  # fmt: skip
            for point in ready:
                worker = _idle(workers, jobs, models, data_dir, log.verbose)
                if worker is None:
                    break
                waiting.remove(point)
                worker.point, worker.started = point, time.monotonic()
                worker.pipe.send(point)
            interrupts.check()
            log.live(_running(workers, len(ended), len(points)))
            for outcome in _finished(workers):
                ended[outcome.point.name] = outcome.row.error is None
                yield outcome
    finally:
        for worker in workers:
            _tell_to_end(worker)
        for worker in workers:
            _end(worker)


def _idle(
    workers: list[_Worker], jobs: int, models: SweepModels, data_dir: Path | None, verbose: bool
) -> _Worker | None:  # fmt: skip
    """A worker without work, started where there are fewer than `jobs`; None where all are busy."""
    for worker in workers:
        if worker.point is None:
            return worker
    if len(workers) >= jobs:
        return None
    # A fresh interpreter: TensorFlow does not survive a fork.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, models, data_dir, verbose), daemon=False)
    process.start()
    theirs.close()
    workers.append(_Worker(process=process, pipe=ours))
    return workers[-1]


def _finished(workers: list[_Worker]) -> Iterator[Outcome]:
    """Waits a moment for points to end; a worker that died fails its point and is forgotten."""
    from hlsflow.exploring.point import failed_row

    busy = {worker.pipe: worker for worker in workers if worker.point is not None}
    for pipe in multiprocessing.connection.wait(list(busy), timeout=_LOOK_EVERY_S):
        worker = busy[pipe]
        point, seconds = worker.point, time.monotonic() - worker.started
        assert point is not None
        try:
            row = Row.model_validate(worker.pipe.recv())
        except (EOFError, OSError):
            worker.process.join(5)
            row = failed_row(point, f"its process ended ({_ending(worker.process.exitcode)}); out of memory?")
            workers.remove(worker)
        worker.point = None
        yield Outcome(point=point, row=row, seconds=seconds)


def _ending(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    return f"killed by {signal.Signals(-code).name}"


def _running(workers: list[_Worker], done: int, total: int) -> str:
    now = time.monotonic()
    running = [f"{worker.point.name} {now - worker.started:.0f} s" for worker in workers if worker.point is not None]
    return f"  {done}/{total} done; running: {', '.join(running)}"


def _tell_to_end(worker: _Worker) -> None:
    """One that waits for work ends when the pipe is closed; one that works looks at its signals."""
    worker.pipe.close()
    if worker.point is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker.process.pid, signal.SIGTERM)


def _end(worker: _Worker) -> None:
    """Waits for the end of a worker, which ends all that it started, or kills its process group."""
    worker.process.join(5)
    if worker.process.is_alive():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(worker.process.pid, signal.SIGKILL)
        worker.process.join()


def _work(pipe: Connection, models: SweepModels, data_dir: Path | None, verbose: bool) -> None:
    """The life of a worker: points come in, rows go out, until the pipe is closed."""
    # A group of its own: Ctrl-C reaches the parent alone, which then ends the group.
    os.setsid()
    with contextlib.suppress(interrupts.Interrupted), interrupts.watched():
        while True:
            try:
                with interrupts.at_once():
                    point: SweepPoint = pipe.recv()
            except (EOFError, OSError):
                return
            row = _row(models, point, data_dir, verbose)
            interrupts.check()
            try:
                pipe.send(row.model_dump())
            except OSError:
                # The parent is gone; what was made is kept, and found by the next run.
                return
            _forget()


def _forget() -> None:
    """Gives back what Keras keeps of every model that it built, which would grow from point to point."""
    if "tensorflow" in sys.modules:
        from tensorflow import keras

        keras.backend.clear_session()
    gc.collect()


def _row(models: SweepModels, point: SweepPoint, data_dir: Path | None, verbose: bool) -> Row:
    """The row of a point, of its failure too; what it said on the way goes into its log file."""
    from hlsflow.exploring.point import failed_row, message_of, run_point

    log_path = models.own.root / "logs" / f"{point.name}.log"
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("w") as stream:
        try:
            row = run_point(models, point, data_dir, Log(verbose=verbose, stream=stream))
        except HlsflowError as error:
            stream.write(f"{error}\n")
            row = failed_row(point, message_of(error))
        except Exception as error:
            traceback.print_exc(file=stream)
            row = failed_row(point, f"{type(error).__name__}: {error} (an error of hlsflow; see {log_path})")
    return row
