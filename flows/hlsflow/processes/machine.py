"""What this machine can bear: memory, cores, disk. Linux's own counts, of the control group where that is tighter."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

GIB = 1 << 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """Bytes of memory and disk, and how many cores this process may use. None: the system does not say."""

    memory_bytes: int | None
    memory_available_bytes: int | None
    disk_free_bytes: int | None
    cores: int


def read_machine(folder: Path) -> Machine:
    """The machine as it is now; the disk is that of `folder` or of its nearest parent that exists."""
    total, available = _meminfo("MemTotal"), _meminfo("MemAvailable")
    limit, used = _cgroup("memory.max"), _cgroup("memory.current")
    if limit is not None:
        total = limit if total is None else min(total, limit)
        if used is not None and available is not None:
            available = min(available, max(0, limit - used))
    while not folder.exists():
        folder = folder.parent
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        free = None
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(memory_bytes=total, memory_available_bytes=available, disk_free_bytes=free, cores=cores)


def gib(size: int | None) -> str:
    """`12.3 GiB`, or `unknown`."""
    return "unknown" if size is None else f"{size / GIB:.1f} GiB"


def _meminfo(key: str) -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{key}:")), None)


def _cgroup(name: str) -> int | None:
    """A count of the control group (version 2); None without a limit."""
    try:
        text = Path("/sys/fs/cgroup", name).read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None
