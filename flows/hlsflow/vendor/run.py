"""One run of a tool under watch: process group, time-out, memory, live phase, the whole log and a script to replay it.

Memory is watched, not limited: a limit of the address space (RLIMIT_AS) ends a JVM or Vivado at once, which reserve
many times what they use, and it holds for each process and not for the dozen that a co-simulation starts.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hlsflow.foundation.errors import ToolError
from hlsflow.foundation.log import Step
from hlsflow.foundation.workspace import storage_errors, write_text
from hlsflow.processes import guard
from hlsflow.processes.machine import GIB
from hlsflow.processes.process import Finished, run
from hlsflow.processes.tree import descendants, is_alive, memory_bytes, session_of, start_time
from hlsflow.vendor.command import StageCommand, replay_script

LEASE_FILE = "running.json"
# What a tool that was not told otherwise may take: long enough for any design that ends at all.
DEFAULT_TIMEOUT_S = 24 * 3600.0
_MEMORY_EVERY_S = 1.0
_LINE_EVERY_S = 600.0
_PHASES = (
    re.compile(r"-- (?:Implementing|Generating RTL for) module '(?P<phase>[^']+)'"),
    re.compile(r"^INFO: \[HLS 200-1?\d+\] (?P<phase>(?:Analyzing|Starting|Checking|Synthesizing|Compiling)\b.{0,60})"),
    re.compile(r"^INFO: \[COSIM 212-\d+\] (?P<phase>(?:Starting|Generating|Instrumenting).{0,60})"),
    re.compile(r"^// (?P<phase>RTL Simulation : \d+ / \d+)"),
    re.compile(r"^(?P<phase>(?:Start|Starting) [A-Z].{3,50}?)(?: : Time| *$)"),
    re.compile(r"^\*{5} (?P<phase>[A-Z][A-Z /]+[A-Z]) \*{5}"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How long one stage may take, and how much memory its processes may hold together; None: no limit."""

    timeout_s: float | None = DEFAULT_TIMEOUT_S
    memory_bytes: int | None = None


class Watch:
    """What is looked at while a tool runs; raises ToolError where it must end."""

    def __init__(self, stage: str, log: Path, lease: Path, limits: Limits, step: Step) -> None:
        self._stage, self._log, self._lease, self._limits, self._step = stage, log, lease, limits, step
        self._started = self._spoke = time.monotonic()
        self._next_look = 0.0
        self._next_line = self._started + _LINE_EVERY_S
        self._offset = 0
        self._memory = 0
        self.phase = "starting"
        self.peak_bytes = 0

    def poll(self) -> None:
        """Reads what the log has gained, counts the memory, and shows how it goes."""
        now = time.monotonic()
        self._read_phase(now)
        if now >= self._next_look:
            self._next_look = now + _MEMORY_EVERY_S
            self._look_at_memory()
        elapsed, quiet = now - self._started, now - self._spoke
        silent = f", silent for {quiet / 60:.0f} min" if quiet > 300 else ""
        if now >= self._next_line:
            # For whoever reads a file and not a terminal.
            self._next_line = now + _LINE_EVERY_S
            self._step.say(f"{self._stage} {_clock(elapsed)}  {self.phase}")
        self._step.live(f"{self._stage} {_clock(elapsed)}  {self.phase}  {self._memory / GIB:.1f} GiB{silent}")

    def _read_phase(self, now: float) -> None:
        with contextlib.suppress(OSError), self._log.open("rb") as file:
            file.seek(self._offset)
            gained = file.read(1 << 20)
            if gained:
                self._offset += len(gained)
                self._spoke = now
                self.phase = last_phase(gained.decode("utf-8", errors="replace")) or self.phase

    def _look_at_memory(self) -> None:
        lease = read_lease(self._lease)
        if lease is None:
            return
        self._memory = memory_bytes(lease[0])
        self.peak_bytes = max(self.peak_bytes, self._memory)
        limit = self._limits.memory_bytes
        if limit is not None and self._memory > limit:
            raise ToolError(
                f"{self._stage}: the tool took {self._memory / GIB:.1f} GiB, more than the {limit / GIB:.1f} GiB "
                "that it may have, so it was stopped",
                hint=f"--synth-memory-gib allows more; a larger reuse_factor or strategy: resource needs less\n"
                f"  log: {self._log}",
            )


def _clock(seconds: float) -> str:
    return f"{seconds // 3600:.0f}:{seconds % 3600 // 60:02.0f}:{seconds % 60:02.0f}"


def last_phase(text: str) -> str | None:
    """The last phase that a piece of a log names, None where it names none."""
    for line in reversed(text.splitlines()):
        for pattern in _PHASES:
            matched = pattern.search(line)
            if matched is not None:
                return matched["phase"].strip(" .")
    return None


def run_stage_command(
    command: StageCommand, project: Path, folder: Path, environ: Mapping[str, str], limits: Limits, step: Step
) -> Finished:
    """Runs a command in `project`, keeping `tool.log` and `replay.sh` in `folder`. The exit code is not judged here.

    Raises ToolError where it cannot start, takes too long or too much memory. However this ends, by Ctrl-C and by a
    kill of this very process as well, no process of the tool is left.
    """
    log, lease = folder / "tool.log", folder / LEASE_FILE
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "replay.sh", replay_script(command, project, environ))
    watch = Watch(str(command.stage), log, lease, limits, step)
    try:
        return run(
            [sys.executable, "-I", "-S", guard.__file__, str(os.getpid()), str(lease), *command.argv],
            cwd=project,
            env=environ,
            log=log,
            timeout_s=limits.timeout_s,
            what=f"{command.stage}",
            check=False,
            on_poll=watch.poll,
            patience_s=guard.ENDS_WITHIN_S,
        )
    finally:
        end_leftovers(lease)


def read_lease(path: Path) -> tuple[int, int, str] | None:
    """(pid, start time in ticks, boot) of the guard of a run, None where none was started."""
    try:
        said = json.loads(path.read_text())
        return int(said["pid"]), int(said["started"]), str(said["boot"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def end_leftovers(path: Path) -> None:
    """Ends what a run has left behind, whoever killed its guard; a process that came later by its number is spared."""
    lease = read_lease(path)
    if lease is not None and lease[2] == guard.boot():
        pid, started, _ = lease
        if is_alive(pid, started) or start_time(pid) is None:
            # The guard leads a session of its own, and a session's number is not given away while it has members.
            for _ in range(50):
                members = [member for member in session_of(pid) if member != os.getpid()]
                if not members:
                    break
                for doomed in {*members, *(below for member in members for below in descendants(member))}:
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.kill(doomed, signal.SIGKILL)
                time.sleep(0.02)
    with storage_errors(path):
        path.unlink(missing_ok=True)
