"""The host's side of the serial line: asks a board what it is, sends it frames, and has every integer of the results.

A line may lose bytes and flip bits, and a board may be reset: what gets no whole answer is sent again. An answer counts
only with the right number, length and checksum, so that a bad line costs time and no integer.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from hlsflow.boards.protocol import (
    PROTOCOL_VERSION,
    SEQUENCE_NUMBERS,
    Identity,
    Kind,
    Packet,
    PacketReader,
    Reason,
    identity_of,
)
from hlsflow.foundation import interrupts
from hlsflow.foundation.errors import ToolError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

# How long an answer may take before the question is sent again, and how often one question is sent at most.
ANSWER_S = 0.5
TRIES = 25
# Nobody knows before the first result how slow a board is, and a simulated one may be very slow; later on answers may
# take so many times the slowest one's time.
_UNKNOWN, _SLOWEST = 10, 3
_READ_S = 0.02


class Line(Protocol):
    """What is used of `serial.Serial`."""

    def read(self, size: int = 1) -> bytes: ...

    def write(self, data: bytes) -> int | None: ...

    @property
    def in_waiting(self) -> int: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """What came of frames that were sent: results in their order, how long all took, and of each frame the seconds from
    its first sending to its result; how many packets were sent again, refused by the board for which reason, and
    damaged on the way back."""

    results: tuple[bytes, ...]
    seconds: float
    latencies_s: tuple[float, ...]
    resent: int
    refused: dict[Reason, int]
    damaged: int


@contextmanager
def open_line(port: str, baud: int) -> Iterator[Line]:
    """An open serial port. Raises ToolError where pyserial is missing, UsageError where the port cannot be opened."""
    try:
        import serial
    except ImportError as error:
        raise ToolError("pyserial was not found", hint="install it: uv sync --extra board") from error
    try:
        line = serial.Serial(port, baud, timeout=_READ_S, write_timeout=5)
    except (serial.SerialException, OSError, ValueError) as error:
        raise UsageError(f"--port {port}: cannot be opened: {error}", hint=_ports()) from error
    try:
        with line:
            yield line
    except serial.SerialException as error:
        raise ToolError(f"{port}: the connection was lost: {error}") from error


def _ports() -> str:
    from serial.tools.list_ports import comports

    found = [f"{port.device} ({port.description})" for port in comports()]
    return f"serial ports here: {', '.join(found)}" if found else "no serial port is here: is the board plugged in?"


def identify(line: Line, *, tries: int = 6) -> Identity:
    """What the board at the other end says that it is. Raises ToolError where nothing there speaks this protocol."""
    reader = PacketReader()
    heard = 0
    for number in range(tries):
        line.write(Packet(kind=Kind.IDENTIFY, sequence=number).to_line())
        deadline = time.monotonic() + ANSWER_S
        while time.monotonic() < deadline:
            interrupts.check()
            data = line.read(max(1, line.in_waiting))
            heard += len(data)
            for packet in reader.feed(data):
                if packet.kind != Kind.IDENTIFIED:
                    continue
                identity = identity_of(packet.payload)
                if identity is None:
                    raise ToolError(
                        f"the board speaks another version of the protocol than {PROTOCOL_VERSION}",
                        hint="build its design again and flash it",
                    )
                return identity
    said = "nothing answers" if not heard else f"{heard:,} bytes came, none of them an answer"
    raise ToolError(
        f"no board of ours there: {said}",
        hint="flash the design first (hlsflow board flash NAME); many boards have two ports, try the other",
    )


class _Asked:
    """Frames under way, in the order in which they were sent last."""

    def __init__(self, frames: Sequence[bytes]) -> None:
        self.frames = frames
        self.due = deque(range(len(frames)))
        self.under_way: dict[int, float] = {}
        self.first_sent: dict[int, float] = {}
        self.tries = [0] * len(frames)

    def send(self, line: Line, index: int) -> None:
        if self.tries[index] == TRIES:
            raise ToolError(
                f"frame {index} got no answer in {TRIES} tries",
                hint="a bad cable, another program at the port, or a board that is being reset",
            )
        self.tries[index] += 1
        line.write(Packet(kind=Kind.FRAME, sequence=index % SEQUENCE_NUMBERS, payload=self.frames[index]).to_line())
        now = time.monotonic()
        self.under_way.pop(index, None)
        self.under_way[index] = now
        self.first_sent.setdefault(index, now)

    def index_of(self, sequence: int) -> int | None:
        """The frame under way that has a number; None for an answer that came before."""
        return next((index for index in self.under_way if index % SEQUENCE_NUMBERS == sequence), None)

    def sent_before(self, index: int) -> list[int]:
        """The frames that were sent before one: results come in order, so theirs were lost."""
        found = []
        for other in self.under_way:
            if other == index:
                break
            found.append(other)
        return found

    def again(self, index: int) -> None:
        """It is due before all others."""
        self.under_way.pop(index, None)
        self.due.appendleft(index)


def exchange(
    line: Line,
    frames: Sequence[bytes],
    *,
    result_bytes: int,
    window: int,
    answer_s: float = ANSWER_S,
    progress: Callable[[int, int], None] | None = None,
) -> Exchange:
    """The results of frames, at most `window` of them under way at once. `progress` is told how many are done, of how
    many. An answer may take `answer_s`, or longer where the board shows to be slower.

    More under way than the board holds (`Identity.slots`) are refused and sent again. Raises ToolError where a frame
    gets no answer in `TRIES` tries.
    """
    asked = _Asked(frames)
    results: dict[int, bytes] = {}
    latencies: dict[int, float] = {}
    refused: dict[Reason, int] = {}
    reader = PacketReader()
    patience_s = _UNKNOWN * answer_s
    slowest_s = 0.0
    started = time.monotonic()
    while len(results) < len(frames):
        interrupts.check()
        while asked.due and len(asked.under_way) < window:
            asked.send(line, asked.due.popleft())
        for packet in reader.feed(line.read(max(1, line.in_waiting))):
            index = asked.index_of(packet.sequence)
            if packet.kind == Kind.REFUSED and len(packet.payload) == 1:
                _count(refused, packet.payload[0])
                # Of a torn packet the number may be torn too; then the next result, or time, shows what was lost.
                if index is not None and packet.payload[0] == Reason.EARLY:
                    asked.again(index)
            elif packet.kind == Kind.RESULT and index is not None and len(packet.payload) == result_bytes:
                for lost in reversed(asked.sent_before(index)):
                    asked.again(lost)
                slowest_s = max(slowest_s, time.monotonic() - asked.under_way.pop(index))
                patience_s = min(max(answer_s, _SLOWEST * slowest_s), _UNKNOWN * answer_s)
                results[index] = packet.payload
                latencies[index] = time.monotonic() - asked.first_sent[index]
                if progress is not None:
                    progress(len(results), len(frames))
        now = time.monotonic()
        for index in reversed([index for index, sent in asked.under_way.items() if now - sent > patience_s]):
            asked.again(index)
    return Exchange(
        results=tuple(results[index] for index in range(len(frames))),
        seconds=time.monotonic() - started,
        latencies_s=tuple(latencies[index] for index in range(len(frames))),
        resent=sum(asked.tries) - len(frames),
        refused=refused,
        damaged=reader.damaged,
    )


def _count(refused: dict[Reason, int], code: int) -> None:
    if code in list(Reason):
        refused[Reason(code)] = refused.get(Reason(code), 0) + 1
