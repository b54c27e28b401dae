"""One way to run an external program: own process group, time-out, log file, last lines on failure."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hlsflow.foundation import interrupts
from hlsflow.foundation.errors import ToolError
from hlsflow.foundation.workspace import storage_errors

LAST_LINES = 12
PATIENCE_S = 2.0
_LOOK_EVERY_S = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """A program that ended: its exit code (negative: the signal that killed it), duration and log."""

    argv: tuple[str, ...]
    returncode: int
    seconds: float
    log: Path


def last_lines(log: Path, count: int = LAST_LINES) -> str:
    """The last lines of a log that are not blank, indented for a message."""
    with contextlib.suppress(OSError):
        lines = [line.rstrip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
        return "\n".join(f"    {line[:300]}" for line in lines[-count:])
    return ""


def how_it_ended(returncode: int) -> str:
    """An exit code in words: `exit code 1`, `killed by SIGSEGV`."""
    if returncode < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-returncode).name}"
    return f"exit code {returncode}"


def kill_tree(process: subprocess.Popen[bytes], patience_s: float = PATIENCE_S) -> None:
    """Ends the whole process group of `process`: SIGTERM, then SIGKILL after `patience_s`."""
    for number, wait_s in ((signal.SIGTERM, patience_s), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=wait_s)
    # A grandchild that outlives its parent is still in the group.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def _in_our_hands(process: subprocess.Popen[bytes], patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Ends the process group of `process` where the block is left by any exception, or this process by force."""
    with interrupts.ends_with_us(process.pid):
        try:
            yield
        except BaseException:
            kill_tree(process, patience_s)
            raise


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What a short program said: its exit code, standard output and standard error."""

    returncode: int
    output: str
    error: str


def ask(argv: Sequence[str], *, timeout_s: float) -> Said | None:
    """What a program says, such as its version; None where it cannot start or says nothing in time.

    Raises Interrupted; its process group has ended by then.
    """
    interrupts.check()
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, start_new_session=True)
    except OSError:
        return None
    deadline = time.monotonic() + timeout_s
    with process, _in_our_hands(process):
        while True:
            try:
                output, error = process.communicate(timeout=_LOOK_EVERY_S)
                break
            except subprocess.TimeoutExpired:
                interrupts.check()
                if time.monotonic() > deadline:
                    kill_tree(process)
                    return None
    return Said(
        returncode=process.returncode,
        output=output.decode(errors="replace"),
        error=error.decode(errors="replace"),
    )


def run(
    argv: Sequence[str | os.PathLike[str]],
    *,
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout_s: float | None = None,
    what: str,
    check: bool = True,
    on_poll: Callable[[], None] | None = None,
    patience_s: float = PATIENCE_S,
) -> Finished:
    """Runs a program to its end, standard output and error going to `log`.

    `what` names the work in error messages. `on_poll` is called about five times a second;
    `patience_s` is how long the program may take to end once it is told to.
    Raises ToolError when the program cannot start, runs out of time or (with `check`) fails; the message
    carries the last lines and the log's path. Raises Interrupted after Ctrl-C or SIGTERM. However it ends, the whole
    process group has ended before.
    """
    interrupts.check()
    words = tuple(os.fspath(word) for word in argv)
    started = time.monotonic()
    with storage_errors(log):
        log.parent.mkdir(parents=True, exist_ok=True)
        output = log.open("wb")
    with output:
        try:
            process = subprocess.Popen(
                words,
                cwd=cwd,
                env=None if env is None else dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise ToolError(f"{what}: cannot start '{words[0]}': {error.strerror or error}") from error
        with _in_our_hands(process, patience_s):
            while True:
                try:
                    process.wait(timeout=_LOOK_EVERY_S)
                    break
                except subprocess.TimeoutExpired:
                    interrupts.check()
                    if on_poll is not None:
                        on_poll()
                    if timeout_s is not None and time.monotonic() - started > timeout_s:
                        raise ToolError(
                            f"{what}: no end after {timeout_s:.0f} s, so it was stopped",
                            hint=f"log: {log}\n{last_lines(log)}",
                        ) from None
    finished = Finished(argv=words, returncode=process.returncode, seconds=time.monotonic() - started, log=log)
    if check and finished.returncode != 0:
        raise ToolError(
            f"{what}: {how_it_ended(finished.returncode)}",
            hint=f"command: {shlex.join(words)}\n  log: {log}\n{last_lines(log)}",
        )
    return finished
