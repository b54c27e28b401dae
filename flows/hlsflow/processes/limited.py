"""Runs a program with a limit of memory and at low priority: `python -m hlsflow.processes.limited BYTES PROGRAM …`."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Sequence
from pathlib import Path

NICENESS = 5


def limited(argv: Sequence[str], memory_bytes: int) -> tuple[str, ...]:
    """The words that run `argv` with at most so many bytes of address space."""
    # By its path: the program runs in a folder from where the package may not be found.
    return (sys.executable, str(Path(__file__).resolve()), str(memory_bytes), *argv)


def main(words: Sequence[str]) -> None:
    """Takes the limits upon this process and becomes the program."""
    size = int(words[0])
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    os.nice(NICENESS)
    os.execvp(words[1], list(words[1:]))


if __name__ == "__main__":
    main(sys.argv[1:])
