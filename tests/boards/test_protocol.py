"""Packets on the line: what is whole is read, whatever was torn before it; what is not whole is never read."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlsflow.boards.protocol import (
    END,
    ESC,
    ESC_END,
    ESC_ESC,
    IDENTITY_BYTES,
    Identity,
    Kind,
    Packet,
    PacketReader,
    identity_of,
    packet_of,
)

# Bytes that the framing has a meaning for, often.
BYTES = st.lists(st.one_of(st.sampled_from([END, ESC, ESC_END, ESC_ESC]), st.integers(0, 255)), max_size=60).map(bytes)
IDENTITY = Identity(slots=8, frame_bytes=64, result_bytes=20, digest="ab" * 32)


def test_the_bytes_of_a_packet_are_those_that_are_written_down():
    line = Packet(kind=Kind.FRAME, sequence=0x1234, payload=bytes([END, 7, ESC])).to_line()
    body = bytes([1, 0x34, 0x12, 3, 0, END, 7, ESC])
    body += zlib.crc32(body).to_bytes(4, "little")
    assert line[:1] == line[-1:] == b"\xc0"
    assert line[1:-1].replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb") == body
    assert line.count(b"\xc0") == 2


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 65_535), BYTES), max_size=5), st.integers(1, 9))
def test_packets_come_whole_however_they_are_cut(sent, size):
    packets = [Packet(kind=kind, sequence=number, payload=payload) for kind, number, payload in sent]
    line = b"".join(packet.to_line() for packet in packets)
    reader = PacketReader()
    found = [packet for first in range(0, len(line), size) for packet in reader.feed(line[first : first + size])]
    assert found == packets
    assert reader.damaged == 0


@given(BYTES, st.data())
def test_a_flipped_bit_or_a_lost_byte_makes_no_packet_and_costs_no_other(payload, data):
    first, second = (Packet(kind=Kind.RESULT, sequence=number, payload=payload) for number in (1, 2))
    line = bytearray(first.to_line())
    place = data.draw(st.integers(1, len(line) - 2))
    if data.draw(st.booleans()):
        line[place] ^= 1 << data.draw(st.integers(0, 7))
    else:
        del line[place]
    reader = PacketReader()
    assert reader.feed(bytes(line) + second.to_line()) == [second]
    assert reader.damaged >= 1


@given(BYTES)
def test_noise_before_a_packet_is_no_part_of_it(noise):
    packet = Packet(kind=Kind.IDENTIFY, sequence=9)
    # The END before a packet ends whatever came torn; noise that is a whole packet by chance has a checksum of 32 bits.
    assert PacketReader().feed(noise + packet.to_line()) == [packet]


def test_a_body_without_its_checksum_is_none():
    body = Packet(kind=Kind.RESULT, sequence=1, payload=b"abc").to_line()[1:-1]
    assert packet_of(body) is not None
    for wrong in (body[:-1], body + b"\0", b"", body[4:]):
        assert packet_of(wrong) is None
    # The right checksum of a wrong length.
    lying = bytearray(body[:-4])
    lying[3] = 4
    assert packet_of(bytes(lying) + zlib.crc32(lying).to_bytes(4, "little")) is None


@pytest.mark.parametrize("simulated", [False, True])
def test_an_identity_round_trips(simulated):
    said = Identity(slots=4, frame_bytes=784, result_bytes=20, digest="0f" * 32, simulated=simulated)
    assert len(said.to_bytes()) == IDENTITY_BYTES
    assert identity_of(said.to_bytes()) == said


def test_an_identity_of_another_version_is_none():
    assert identity_of(b"\x02" + IDENTITY.to_bytes()[1:]) is None
    assert identity_of(IDENTITY.to_bytes()[:-1]) is None
