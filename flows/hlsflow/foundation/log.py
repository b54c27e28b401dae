"""Progress on standard error: one line a step with its time. Results go to standard output, never here."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from typing import TextIO

from hlsflow.foundation import interrupts


def wants_color(stream: TextIO) -> bool:
    """Whether a stream is a terminal that may be coloured (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, style: str, stream: TextIO) -> str:
    """`text` in a style (`red`, `green`, `yellow`, `dim`, `bold`) where the stream shows colours, else as it is."""
    codes = {"red": "31", "green": "32", "yellow": "33", "dim": "2", "bold": "1"}
    return f"\x1b[{codes[style]}m{text}\x1b[0m" if wants_color(stream) else text


class Log:
    """The progress of one command. `verbose` also shows what the tools print; `quiet` shows warnings alone."""

    def __init__(self, *, verbose: bool = False, quiet: bool = False, stream: TextIO | None = None) -> None:
        self.verbose = verbose
        self.quiet = quiet
        self.stream = stream if stream is not None else sys.stderr
        self._live = ""

    def _clear(self) -> None:
        if self._live:
            self.stream.write("\r" + " " * len(self._live) + "\r")
            self._live = ""

    def line(self, text: str) -> None:
        """Prints a line, unless quiet."""
        if not self.quiet:
            self._clear()
            print(text, file=self.stream, flush=True)

    def warn(self, text: str) -> None:
        """Prints a warning, even when quiet."""
        self._clear()
        print(f"{paint('warning:', 'yellow', self.stream)} {text}", file=self.stream, flush=True)

    def live(self, text: str) -> None:
        """Shows a passing status that the next line replaces; nothing where the stream is no terminal.

        Work that can say how far it is can be left: raises Interrupted where that was asked for.
        """
        interrupts.check()
        if not self.quiet and self.stream.isatty():
            self._clear()
            self._live = text[:110]
            self.stream.write(self._live)
            self.stream.flush()

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """A step that prints `name  detail  1.2 s` when it ends well, and `name  failed` when it does not."""
        step = Step(self, name)
        self.live(f"  {name} …")
        try:
            yield step
        except BaseException as error:
            outcome = "stopped" if isinstance(error, KeyboardInterrupt) else "failed"
            self.line(f"  {name:<12} {paint(outcome, 'red', self.stream)}{step.seconds:>36.1f} s")
            raise
        self.line(f"  {name:<12} {step.detail:<58} {paint(step.took, 'dim', self.stream):>8}")


class Step:
    """A running step: set `detail` to what it found, `cached` where an earlier result served."""

    def __init__(self, log: Log, name: str) -> None:
        self._log = log
        self._name = name
        self._started = time.monotonic()
        self.detail = ""
        self.cached = False

    @property
    def seconds(self) -> float:
        """Seconds since the step began."""
        return time.monotonic() - self._started

    @property
    def took(self) -> str:
        return "cached" if self.cached else f"{self.seconds:.1f} s"

    def live(self, text: str) -> None:
        """Shows a passing status of the step, on a terminal."""
        self._log.live(f"  {self._name:<12} {text}")

    def say(self, text: str) -> None:
        """Prints a line about a part of the step, unless quiet."""
        self._log.line(f"  {'':<12} {text}")

    def warn(self, text: str) -> None:
        """Prints a warning, even when quiet."""
        self._log.warn(text)

    def progress(self, done: float, total: float, unit: str) -> None:
        """Shows how far the step is, on a terminal."""
        share = done / total if total else 0.0
        bar = "━" * round(24 * share)
        self._log.live(f"  {self._name:<12} {bar:<24} {done:,.0f}/{total:,.0f} {unit}  {self.seconds:.0f} s")
