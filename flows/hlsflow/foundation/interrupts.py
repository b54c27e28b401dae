"""Ctrl-C, SIGTERM and a closed terminal as a state that work looks at, not as an exception that comes from anywhere.

Python runs a signal's handler between any two instructions. An exception that it raises there may come up in a
destructor, or in a callback of ctypes or of TensorFlow's, which can only print it and go on: the interrupt is lost. So
the handler keeps the signal, and whatever takes long looks at its boundaries (`check`): batches, chunks of samples, the
polling of a program. What never looks is ended after `GRACE_S`; a second signal ends everything at once.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# As long as a boundary may be away.
GRACE_S = 10.0
# What one wish to end may send: `timeout` signals a program and then its group, `uv run` passes on what it gets.
SAME_WISH_S = 0.5
# After so long a person is told what is waited for.
TELL_AFTER_S = 1.0
# How long the programs that were started may take to end, before they are killed.
PATIENCE_S = 1.5

KEPT = "interrupted: finished steps are kept, the next run goes on from there"
_STOPPING = "interrupted: ending as soon as the work at hand allows; once more ends it at once\n"


class Interrupted(KeyboardInterrupt):
    """The end that a signal asked for. `exit_code` is the shell's, 128 and the signal: 130 for Ctrl-C."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


class _State:
    """What this process was asked for, and what it must end before it ends itself."""

    def __init__(self) -> None:
        self.watched = False
        # The first signal, None: nobody asked for an end.
        self.asked: int | None = None
        # Whether the main thread waits where it cannot look.
        self.waiting = False
        # The process groups of the programs that run for us.
        self.groups: set[int] = set()


_state = _State()


def requested() -> bool:
    """Whether a signal asked for the end."""
    return _state.asked is not None


def check() -> None:
    """Raises Interrupted where a signal asked for the end. Costs nothing: it belongs into every long loop."""
    if _state.asked is not None:
        raise Interrupted(_state.asked)


def boundaries(items: Iterable[T]) -> Iterator[T]:
    """The same items, looking before each. Raises Interrupted."""
    for item in items:
        check()
        yield item


@contextlib.contextmanager
def at_once() -> Iterator[None]:
    """Around a wait that knows no time-out (a lock, a connection): in the main thread a signal ends it.

    Raises Interrupted. Should the exception be lost on its way, the state is still there.
    """
    if threading.current_thread() is not threading.main_thread():
        check()
        yield
        return
    _state.waiting = True
    try:
        check()
        yield
    finally:
        _state.waiting = False
    check()


@contextlib.contextmanager
def ends_with_us(group: int) -> Iterator[None]:
    """While the block runs, a process group is ended with this process, should it end without coming to its cleanup."""
    _state.groups.add(group)
    try:
        yield
    finally:
        _state.groups.discard(group)


@contextlib.contextmanager
def watched(grace_s: float = GRACE_S) -> Iterator[None]:
    """While the block runs, signals are kept for `check`. Those that are ignored (nohup, a background job) stay so.

    In a thread other than the main one, which Python gives no signals, and inside another such block nothing changes.
    """
    if _state.watched or threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    handlers = {number: handler for number, handler in handlers.items() if handler not in (signal.SIG_IGN, None)}
    # Python's C handler writes each signal into the pipe, even while the main thread is deep in someone's C code.
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in handlers:
        signal.signal(number, _keep)
    watcher = threading.Thread(target=_watch, args=(reader, frozenset(handlers), grace_s), daemon=True)
    watcher.start()
    _state.watched = True
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before)
        os.write(writer, b"\0")
        watcher.join()
        os.close(reader)
        os.close(writer)
        _state.watched, _state.asked = False, None


def _keep(number: int, frame: object) -> None:
    if _state.asked is None:
        _state.asked = number
    if _state.waiting:
        _state.waiting = False
        raise Interrupted(number)


def _watch(reader: int, numbers: frozenset[int], grace_s: float) -> None:
    """The watcher's thread: keeps the first signal, and ends the process by the second, or when its time is over."""
    first: float | None = None
    told = False
    while True:
        wait_s = None if first is None else first + (grace_s if told else TELL_AFTER_S) - time.monotonic()
        ready, _, _ = select.select([reader], [], [], None if wait_s is None else max(0.0, wait_s))
        for number in os.read(reader, 64) if ready else b"":
            if number == 0:
                return
            if number in numbers:
                _state.asked = _state.asked or number
                if first is None:
                    first = time.monotonic()
                elif time.monotonic() - first > SAME_WISH_S:
                    _end_now(_state.asked)
        if first is None or ready:
            continue
        if told:
            _end_now(_state.asked or signal.SIGTERM)
        _say(_STOPPING)
        told = True


def _end_now(number: int) -> None:
    """Ends the programs that run for us, then this process, wherever it is."""
    try:
        for deadly, patience_s in ((signal.SIGTERM, PATIENCE_S), (signal.SIGKILL, 0.0)):
            for group in list(_state.groups):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(group, deadly)
            for child in _workers():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, deadly)
            deadline = time.monotonic() + patience_s
            while (_state.groups or _workers()) and time.monotonic() < deadline:
                time.sleep(0.02)
        _say(KEPT + "\n")
    finally:
        os._exit(128 + number)


def _workers() -> list[int]:
    """The processes that `multiprocessing` has running for us."""
    if "multiprocessing.process" not in sys.modules:
        return []
    import multiprocessing

    return [child.pid for child in multiprocessing.active_children() if child.pid is not None]


def _say(text: str) -> None:
    # Not by sys.stderr: whoever was interrupted may hold its lock.
    with contextlib.suppress(OSError):
        os.write(2, text.encode())


def _forking() -> None:
    # A signal to the child, before it is one of its own, would go into the pipe that it shares with its parent.
    if _state.watched:
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def _forked() -> None:
    if _state.watched:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def _born() -> None:
    """A forked child has no watcher, and the pipe is its parent's."""
    global _state
    if _state.watched:
        signal.set_wakeup_fd(-1)
        for number in SIGNALS:
            if signal.getsignal(number) is _keep:
                signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        _state = _State()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


os.register_at_fork(before=_forking, after_in_parent=_forked, after_in_child=_born)
