"""The processes below one: which they are, and how much memory they hold together (Linux, /proc)."""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc")


def start_time(pid: int) -> int | None:
    """When a process began, in ticks since boot: with the pid, its name for ever. None where it is gone or a zombie."""
    fields = _stat(pid)
    return None if fields is None or fields[0] == "Z" else int(fields[19])


def is_alive(pid: int, started: int) -> bool:
    """Whether that very process, and not a later one with its number, still runs."""
    return start_time(pid) == started


def descendants(root: int) -> list[int]:
    """The pids of `root` and of all its children and their children, as of now."""
    children: dict[int, list[int]] = {}
    try:
        pids = [int(name) for name in os.listdir(PROC) if name.isdigit()]
    except OSError:
        return [root]
    for pid in pids:
        fields = _stat(pid)
        if fields is not None:
            children.setdefault(int(fields[1]), []).append(pid)
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return found


def session_of(leader: int) -> list[int]:
    """The pids of all processes of a session, zombies left out."""
    found = []
    for name in os.listdir(PROC) if PROC.is_dir() else []:
        fields = _stat(int(name)) if name.isdigit() else None
        if fields is not None and fields[0] != "Z" and int(fields[3]) == leader:
            found.append(int(name))
    return found


def memory_bytes(root: int) -> int:
    """Memory that a process tree holds for itself: anonymous and shared pages, without the files that it maps.

    Libraries mapped by ten processes would count ten times otherwise.
    """
    return sum(_own_memory(pid) for pid in descendants(root))


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/<pid>/stat from the state on; the name before them may hold blanks and brackets."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return None


def _own_memory(pid: int) -> int:
    try:
        lines = (PROC / str(pid) / "status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("RssAnon:", "RssShmem:", "VmSwap:")))
