"""Runs a program and outlives it: when the program ends, or whoever started this does, all that it started is ended.

Started as a script of its own (`python guard.py PARENT LEASE PROGRAM …`), with nothing but the standard library, in a
process group of its own. Being the reaper of orphans below it (PR_SET_CHILD_SUBREAPER), it also finds what left the
group. LEASE is a file that says who guards.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PATIENCE_S = 1.0
KILL_S = 5.0
# Whoever kills the guard before leaves what started a session of its own.
ENDS_WITHIN_S = PATIENCE_S + KILL_S + 1.0


class Stop(Exception):
    """Someone asked for the end."""


def _stop(number: int, frame: object) -> None:
    raise Stop


def _adopt() -> None:
    with contextlib.suppress(Exception):
        import ctypes

        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        # The parent may be killed with a signal that it cannot answer: the kernel then tells us.
        libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)


def boot() -> str:
    """Which boot of the system this is: a number of a process means nothing after the next one."""
    with contextlib.suppress(OSError), open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()
    return ""


def _write_lease(path: str) -> None:
    """Says who guards this run, for whoever finds it after both were killed."""
    with open("/proc/self/stat") as file:
        started = int(file.read().rpartition(")")[2].split()[19])
    with open(path + ".partial", "w") as file:
        json.dump({"pid": os.getpid(), "started": started, "boot": boot()}, file)
    os.replace(path + ".partial", path)


def _below() -> list[int]:
    """The pids of all descendants of this process that still run."""
    children: dict[int, list[int]] = {}
    # Without /proc (macOS) the program's process group is all that whoever started this can end.
    for name in os.listdir("/proc") if os.path.isdir("/proc") else []:
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{name}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
                if fields[0] != "Z":
                    children.setdefault(int(fields[1]), []).append(int(name))
    found: list[int] = []
    waiting = [os.getpid()]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def _reap() -> bool:
    """Takes the dead children's exit codes; whether any child is left.

    Who has no child has no descendant, for an orphan's parent is the reaper above it. Only the kernel can say so: a
    walk through /proc misses what is forked, or loses its parent, while it walks.
    """
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
        return True
    return False


def _end_all() -> None:
    """SIGTERM to every descendant, then SIGKILL until none is left."""
    for number, patience_s in ((signal.SIGTERM, PATIENCE_S), (signal.SIGKILL, KILL_S)):
        deadline = time.monotonic() + patience_s
        told: set[int] = set()
        while time.monotonic() < deadline:
            if not _reap():
                return
            for pid in _below():
                if pid not in told:
                    told.add(pid)
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.kill(pid, number)
            time.sleep(0.02)


def main(parent: int, lease: str, argv: list[str]) -> int:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _stop)
    status = -signal.SIGTERM
    try:
        _adopt()
        if os.getppid() != parent:
            raise Stop
        with contextlib.suppress(OSError):
            _write_lease(lease)
        try:
            child = subprocess.Popen(argv)
        except OSError as error:
            print(f"cannot start {argv[0]}: {error.strerror or error}", flush=True)
            return 127
        status = child.wait()
    except Stop:
        pass
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _end_all()
    if status < 0:
        # Ends as the program did, so that whoever waits sees the same signal.
        if -status not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    return status


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2], sys.argv[3:]))
