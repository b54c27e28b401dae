"""The host against a stand-in for a board: what it does about answers that do not come, or come wrong."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable

import pytest

from hlsflow.boards import host
from hlsflow.boards.host import exchange, identify
from hlsflow.boards.protocol import Identity, Kind, Packet, PacketReader, Reason
from hlsflow.foundation.errors import ToolError

IDENTITY = Identity(slots=4, frame_bytes=2, result_bytes=4, digest="ab" * 32)
FRAMES = [bytes([number, 255 - number]) for number in range(30)]


def result_of(frame: bytes) -> bytes:
    return zlib.crc32(frame).to_bytes(4, "little")


class StandIn:
    """No board: answers each packet by a function, at once."""

    def __init__(self, answer: Callable[[Packet], list[bytes]]) -> None:
        self.answer = answer
        self.reader = PacketReader()
        self.waiting = bytearray()

    @property
    def in_waiting(self) -> int:
        return len(self.waiting)

    def write(self, data: bytes) -> int:
        for packet in self.reader.feed(data):
            for answer in self.answer(packet):
                self.waiting += answer
        return len(data)

    def read(self, size: int = 1) -> bytes:
        taken = bytes(self.waiting[:size])
        del self.waiting[:size]
        return taken


def right(packet: Packet) -> list[bytes]:
    if packet.kind == Kind.IDENTIFY:
        return [Packet(kind=Kind.IDENTIFIED, sequence=packet.sequence, payload=IDENTITY.to_bytes()).to_line()]
    return [Packet(kind=Kind.RESULT, sequence=packet.sequence, payload=result_of(packet.payload)).to_line()]


def results(answer: Callable[[Packet], list[bytes]], **more) -> host.Exchange:
    found = exchange(StandIn(answer), FRAMES, result_bytes=4, window=4, **{"answer_s": 0.01, **more})
    assert found.results == tuple(result_of(frame) for frame in FRAMES)
    return found


def test_every_frame_has_its_result():
    told = []
    found = results(right, progress=lambda done, total: told.append((done, total)))
    assert (found.resent, found.refused, found.damaged) == (0, {}, 0)
    assert told[-1] == (30, 30) and len(found.latencies_s) == 30


def every_third(other: Callable[[Packet], list[bytes]]) -> Callable[[Packet], list[bytes]]:
    count = 0

    def answer(packet: Packet) -> list[bytes]:
        nonlocal count
        count += 1
        return other(packet) if count % 3 == 0 else right(packet)

    return answer


def torn(packet: Packet) -> list[bytes]:
    line = bytearray(right(packet)[0])
    line[6] ^= 0x10
    return [bytes(line)]


def refused(packet: Packet) -> list[bytes]:
    return [Packet(kind=Kind.REFUSED, sequence=packet.sequence, payload=bytes([Reason.EARLY])).to_line()]


@pytest.mark.parametrize(
    "answer",
    [
        lambda packet: [],
        torn,
        refused,
        lambda packet: [Packet(kind=Kind.REFUSED, sequence=0, payload=bytes([Reason.CHECKSUM])).to_line()],
        lambda packet: [b"\xdb\x00noise\xc0"],
        # of another size than a result, and of a frame that is not under way
        lambda packet: [Packet(kind=Kind.RESULT, sequence=packet.sequence, payload=b"five!").to_line()],
        lambda packet: [Packet(kind=Kind.RESULT, sequence=60_000, payload=b"four").to_line()],
    ],
    ids=["lost", "torn", "early", "checksum", "noise", "another size", "another number"],
)
def test_what_gets_no_whole_answer_is_sent_again(answer):
    assert results(every_third(answer)).resent > 0


def test_an_answer_that_comes_twice_counts_once():
    assert results(lambda packet: right(packet) * 2).resent == 0


def test_a_slow_board_is_waited_for():
    """A simulated one may be a thousand times slower than the line: what is only late is not sent again."""

    class Slow(StandIn):
        def read(self, size: int = 1) -> bytes:
            time.sleep(0.02)
            return super().read(16)

    sent = exchange(Slow(right), FRAMES, result_bytes=4, window=4, answer_s=0.02)
    assert sent.results == tuple(result_of(frame) for frame in FRAMES)
    assert sent.resent == 0


def test_refusals_are_counted_by_their_reason():
    found = results(every_third(refused))
    assert set(found.refused) == {Reason.EARLY} and found.refused[Reason.EARLY] > 0
    assert results(every_third(torn)).damaged > 0


def test_a_frame_that_never_gets_an_answer_ends_it():
    with pytest.raises(ToolError, match=r"frame \d got no answer in 25 tries\n  a bad cable"):
        exchange(StandIn(lambda packet: []), FRAMES, result_bytes=4, window=4, answer_s=0.001)


def test_identity(monkeypatch):
    assert identify(StandIn(right)) == IDENTITY
    monkeypatch.setattr(host, "ANSWER_S", 0.01)
    with pytest.raises(ToolError, match="no board of ours there: nothing answers\n  flash the design first"):
        identify(StandIn(lambda packet: []))
    with pytest.raises(ToolError, match="no board of ours there: 24 bytes came, none of them an answer"):
        identify(StandIn(lambda packet: [b"AT\r\n"]))
    other = b"\x07" + IDENTITY.to_bytes()[1:]
    with pytest.raises(ToolError, match="speaks another version of the protocol than 1\n  build its design again"):
        identify(StandIn(lambda packet: [Packet(kind=Kind.IDENTIFIED, sequence=0, payload=other).to_line()]))
