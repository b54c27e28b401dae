"""What a whole test run makes once: a folder that whichever process of pytest-xdist comes first fills, under a lock."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_MADE = ".made"


@dataclass(frozen=True, kw_only=True, slots=True)
class SharedRun:
    """The folder that all processes of a test run share; it goes with pytest's other temporary folders."""

    root: Path

    def once(self, name: str, make: Callable[[Path], object]) -> Path:
        """The folder `name`, made by `make(folder)` unless it was: waits where another process is at it.

        What `make` raises is raised here, and the next one who asks tries again.
        """
        self._attempt(name, make, wait=True)
        return self.root / name

    def is_made(self, name: str) -> bool:
        """Whether `once` would only give it back."""
        return (self.root / name / _MADE).exists()

    def attempt(self, name: str, make: Callable[[Path], object]) -> bool:
        """Whether the folder `name` is there now, as by `once`, without waiting for another process that is at it."""
        return self._attempt(name, make, wait=False)

    def _attempt(self, name: str, make: Callable[[Path], object], *, wait: bool) -> bool:
        if self.is_made(name):
            return True
        with self._lock(name, wait) as ours:
            if not ours:
                return False
            if not self.is_made(name):
                folder = self.root / name
                # Made in its place, not moved there: projects and workspaces hold their own paths.
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
                make(folder)
                (folder / _MADE).touch()
        return True

    @contextmanager
    def _lock(self, name: str, wait: bool) -> Iterator[bool]:
        path = self.root / f"{name}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True
