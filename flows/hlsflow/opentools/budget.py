"""Time and memory that an open tool may take, and one way to run it within them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hlsflow.foundation.errors import ToolError
from hlsflow.processes.limited import limited
from hlsflow.processes.process import Finished, run

# Yosys and nextpnr say where they are in headings such as `3.14.2. Executing ABC pass` and `Info: Routing..`, the
# simulation in lines such as `frame 500`.
_WHERE = re.compile(
    r"^(?:[\d.]+ Executing (.+?) (?:pass|frontend|backend)\b|Info: ([A-Z][\w ]+?)\s*\.\.|(frame \d+|unrolling .+)$)",
    re.MULTILINE,
)
_TAIL_BYTES = 20_000
# How the C++ library, the tools and the dynamic loader word an allocation that was refused.
_NO_MEMORY = re.compile(r"bad_alloc|[Oo]ut of memory|[Cc]annot allocate memory|failed to map segment|MemoryError")


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """What each tool of a run may take: seconds, and bytes of address space."""

    timeout_s: float = 3600
    memory_bytes: int = 8 << 30

    def __str__(self) -> str:
        return f"{self.timeout_s / 60:g} min, {self.memory_bytes / (1 << 30):g} GiB"


def run_within(
    budget: Budget,
    argv: Sequence[str],
    *,
    what: str,
    log: Path,
    cwd: Path,
    webassembly: bool = False,
    progress: Callable[[float, str], None] | None = None,
    check: bool = True,
) -> Finished:
    """Runs a tool to its end. `progress` is told the seconds so far and what the tool says that it is doing.

    A WebAssembly tool has 4 GiB by its nature, and no limit of ours: its runtime reserves far more than it uses.
    Raises ToolError where the tool fails; where it was the budget's fault, it names the option that widens it.
    """
    started = time.monotonic()

    def poll() -> None:
        if progress is not None:
            progress(time.monotonic() - started, where(log))

    words = tuple(argv) if webassembly else limited(argv, budget.memory_bytes)
    try:
        return run(words, log=log, cwd=cwd, timeout_s=budget.timeout_s, what=what, on_poll=poll, check=check)
    except ToolError as error:
        if time.monotonic() - started >= budget.timeout_s:
            raise _too_long(budget, what, where(log), f"\n  log: {log}") from error
        if _NO_MEMORY.search(_tail(log)):
            raise _too_large(budget, what, f"\n  log: {log}") from error
        raise


def _too_long(budget: Budget, what: str, doing: str = "", more: str = "") -> ToolError:
    return ToolError(
        f"{what}: no end after {budget.timeout_s / 60:g} min" + (f", it was at {doing}" if doing else ""),
        hint=f"--synth-timeout-min gives it longer; higher reuse factors make the design smaller{more}",
    )


def _too_large(budget: Budget, what: str, more: str = "") -> ToolError:
    return ToolError(
        f"{what}: {budget.memory_bytes / (1 << 30):g} GiB of memory were not enough",
        hint=f"--synth-memory-gib gives it more; higher reuse factors make the design smaller{more}",
    )


def where(log: Path) -> str:
    """What a running tool said last that it is doing, empty where its log does not tell."""
    found = _WHERE.findall(_tail(log))
    return " ".join(next(filter(None, found[-1])).split()) if found else ""


def _tail(log: Path) -> str:
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            return stream.read().decode(errors="replace")
    except OSError:
        return ""
