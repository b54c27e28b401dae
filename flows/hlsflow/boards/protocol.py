"""What host and board say to each other: packets with a number, a length and a CRC-32, framed as RFC 1055 (SLIP) does.

    kind (1 byte), sequence number (2), length of the payload (2), payload, CRC-32 of IEEE 802.3 of all that (4)

The lowest byte of each number comes first. A packet stands between two bytes END, so that whatever was lost or came
torn, the next packet is read again. `verilog/packet_receiver.v` and `packet_transmitter.v` are the board's side.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum

END, ESC, ESC_END, ESC_ESC = 0xC0, 0xDB, 0xDC, 0xDD

PROTOCOL_VERSION = 1
_HEADER, _TRAILER = struct.Struct("<BHH"), struct.Struct("<I")
_IDENTITY = struct.Struct("<BBBHH32s")
IDENTITY_BYTES = _IDENTITY.size
SEQUENCE_NUMBERS = 1 << 16


class Kind(IntEnum):
    """What a packet is: the host's first, then the board's answers."""

    FRAME = 0x01
    IDENTIFY = 0x02
    RESULT = 0x81
    IDENTIFIED = 0x82
    REFUSED = 0xE0


class Reason(IntEnum):
    """Why a packet was refused. EARLY: a frame that came while as many were on the way as the board holds."""

    LINE = 1
    SHORT = 2
    CHECKSUM = 3
    KIND = 4
    LENGTH = 5
    EARLY = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Packet:
    """A packet whose length and checksum are right."""

    kind: int
    sequence: int
    payload: bytes = b""

    def to_line(self) -> bytes:
        """The bytes on the line, with an END before and behind."""
        body = _HEADER.pack(self.kind, self.sequence, len(self.payload)) + self.payload
        body += _TRAILER.pack(zlib.crc32(body))
        # ESC first: what stands for END holds one.
        escaped = body.replace(bytes([ESC]), bytes([ESC, ESC_ESC])).replace(bytes([END]), bytes([ESC, ESC_END]))
        return bytes([END]) + escaped + bytes([END])


def packet_of(body: bytes) -> Packet | None:
    """The packet that stood between two END, None where it is damaged."""
    if len(body) < _HEADER.size + _TRAILER.size:
        return None
    content, (checksum,) = body[: -_TRAILER.size], _TRAILER.unpack(body[-_TRAILER.size :])
    kind, sequence, length = _HEADER.unpack_from(content)
    payload = content[_HEADER.size :]
    if zlib.crc32(content) != checksum or len(payload) != length:
        return None
    return Packet(kind=kind, sequence=sequence, payload=payload)


class PacketReader:
    """Takes bytes as they come and gives the packets in them. `damaged` counts what stood between END and was none."""

    def __init__(self) -> None:
        self.damaged = 0
        self._body = bytearray()
        self._escaped = False
        self._broken = False

    def feed(self, data: bytes) -> list[Packet]:
        """The packets that end in these bytes."""
        found = []
        for byte in data:
            if byte == END:
                packet = None if self._broken or self._escaped else packet_of(bytes(self._body))
                if packet is not None:
                    found.append(packet)
                elif self._body or self._broken or self._escaped:
                    self.damaged += 1
                self._body.clear()
                self._escaped = self._broken = False
            elif self._escaped:
                self._escaped = False
                self._broken |= byte not in (ESC_END, ESC_ESC)
                self._body.append(END if byte == ESC_END else ESC)
            elif byte == ESC:
                self._escaped = True
            else:
                self._body.append(byte)
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """What a board says of itself: the bytes of a frame and of a result, how many frames it holds, and the digest of
    its design (SHA-256, hexadecimal). `simulated`: no hardware answers, but a program that runs the same Verilog.
    """

    slots: int
    frame_bytes: int
    result_bytes: int
    digest: str
    simulated: bool = False

    def to_bytes(self) -> bytes:
        """The payload of the answer."""
        return _IDENTITY.pack(
            PROTOCOL_VERSION, int(self.simulated), self.slots, self.frame_bytes, self.result_bytes,
            bytes.fromhex(self.digest),
        )  # fmt: skip


def identity_of(payload: bytes) -> Identity | None:
    """The identity in an answer; None where it is of another version of the protocol."""
    if len(payload) != _IDENTITY.size or payload[0] != PROTOCOL_VERSION:
        return None
    _, flags, slots, frame_bytes, result_bytes, digest = _IDENTITY.unpack(payload)
    return Identity(
        slots=slots, frame_bytes=frame_bytes, result_bytes=result_bytes, digest=digest.hex(), simulated=bool(flags & 1)
    )
