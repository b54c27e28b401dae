"""A board's whole design, serial line included, simulated behind a pseudo-terminal, and the host that talks to it."""

from __future__ import annotations

import time
import zlib
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from rtl_networks import fixed, frames, network
from tool_fixtures import needs_pyserial, needs_verilator

from hlsflow.boards.check import check_board, frames_of
from hlsflow.boards.design import board_design
from hlsflow.boards.host import Line, exchange, identify, open_line
from hlsflow.boards.image import BoardImage, image_of
from hlsflow.boards.protocol import END, ESC, Kind, Packet, PacketReader, Reason
from hlsflow.boards.simulator import Faults, compile_board, simulated_board
from hlsflow.devices.wiring import wirings
from hlsflow.foundation.errors import MismatchError, ToolError, UsageError
from hlsflow.opentools.tools import find_verilator
from hlsflow.rtl.chain import Chain
from hlsflow.rtl.folded import folded_design

pytestmark = [pytest.mark.slow, needs_verilator, needs_pyserial]

# Frames with END and ESC in them, which take two bytes each; two bytes a value, several values a beat.
BYTES = fixed(8, 8, signed=False)
NETWORKS = {
    "bytes": (network((12, 6, 4), (12, 6), data=BYTES), "icebreaker"),
    "words": (network((10, 6, 5), (2, 3), data=fixed(11, 4)), "ulx3s-85f"),
    # More bytes come than went: the board fills up, and says so.
    "few in, many out": (network((2, 8, 40), (16, 320), data=BYTES), "tang-nano-9k"),
}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Made:
    net: Chain
    image: BoardImage
    rtl: Path
    program: Path

    @contextmanager
    def line(self, faults: Faults | None = None):
        with ExitStack() as stack:
            board = stack.enter_context(simulated_board(self.program, self.rtl, self.image.wiring, faults))
            yield board, stack.enter_context(open_line(board.port, self.image.wiring.baud))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Every network on its board, compiled when first asked for."""
    found: dict[str, Made] = {}

    def make(name: str) -> Made:
        if name not in found:
            net, board = NETWORKS[name]
            design = board_design(folded_design(net, "net"), wirings()[board])
            rtl = tmp_path_factory.mktemp("rtl")
            design.write(rtl)
            program = compile_board(design.sources, rtl, tmp_path_factory.mktemp("program"), find_verilator())
            image = image_of(design, "no part", None, "nothing was routed")
            found[name] = Made(net=net, image=image, rtl=rtl, program=program)
        return found[name]

    return make


def inputs_of(net: Chain, count: int = 60) -> np.ndarray:
    given = frames(net, count)
    if net.input_type.width == 8:
        given[:20] = np.random.default_rng(1).choice([END, ESC, ESC + 1, ESC + 2, 0], given[:20].shape)
    return given


@pytest.mark.parametrize("name", NETWORKS)
def test_every_integer_comes_back_and_the_board_says_what_it_is(made, name):
    here = made(name)
    inputs = inputs_of(here.net)
    with here.line() as (board, line):
        checked = check_board(line, here.image, inputs, here.net.run(inputs))
    assert checked.identity == replace(here.image.identity, simulated=True)
    np.testing.assert_array_equal(checked.outputs, here.net.run(inputs))
    assert (checked.exchange.resent, checked.exchange.refused, checked.exchange.damaged) == (0, {}, 0)
    assert checked.frames_per_s > 0 and checked.round_trip_ms > 0
    assert board.traced.exchanges > 0 and board.traced.flipped == board.traced.dropped == board.traced.resets == 0


@pytest.mark.parametrize(
    "faults",
    [
        Faults(flips=2000, seed=2),
        Faults(drops=5000, seed=3),
        Faults(reset_bytes=300, seed=4),
        Faults(flips=1500, drops=3000, reset_bytes=900, seed=5),
    ],
    ids=["flipped bits", "lost bytes", "resets", "all of it"],
)
@pytest.mark.parametrize("name", ["bytes", "words"])
def test_a_bad_line_costs_time_and_no_integer(made, name, faults):
    here = made(name)
    inputs = inputs_of(here.net, 150)
    with here.line(faults) as (board, line):
        sent = exchange(
            line, frames_of(here.image, inputs), result_bytes=here.image.identity.result_bytes, window=6, answer_s=0.1
        )
    outputs = here.image.sink.port.from_bytes(b"".join(sent.results))
    np.testing.assert_array_equal(outputs, here.net.run(inputs))
    traced = board.traced
    assert (traced.flipped > 20, traced.dropped > 0, traced.resets > 2) == (
        faults.flips > 0, faults.drops > 0 or traced.dropped > 0, faults.reset_bytes > 0,
    )  # fmt: skip
    assert sent.resent > 0


def test_frames_that_come_too_early_are_refused_and_come_again(made):
    here = made("few in, many out")
    inputs = inputs_of(here.net, 120)
    with here.line() as (_, line):
        sent = exchange(
            line, frames_of(here.image, inputs), result_bytes=here.image.identity.result_bytes, window=40, answer_s=5
        )
    outputs = here.image.sink.port.from_bytes(b"".join(sent.results))
    np.testing.assert_array_equal(outputs, here.net.run(inputs))
    assert set(sent.refused) == {Reason.EARLY} and sent.resent > 0


def answers(line: Line, sent: bytes, wait_s: float = 5.0, count: int = 1) -> list[Packet]:
    """What comes after some bytes."""
    line.write(sent)
    reader, found = PacketReader(), []
    deadline = time.monotonic() + wait_s
    while len(found) < count and time.monotonic() < deadline:
        found += reader.feed(line.read(max(1, line.in_waiting)))
    return found


def with_checksum(body: bytes) -> bytes:
    whole = body + zlib.crc32(body).to_bytes(4, "little")
    return bytes([END]) + whole.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc") + bytes([END])


def test_each_wrong_packet_is_refused_for_its_reason_and_the_next_frame_is_answered(made):
    here = made("bytes")
    inputs = inputs_of(here.net)[:1]
    (frame,) = frames_of(here.image, inputs)
    right = Packet(kind=Kind.FRAME, sequence=7, payload=frame).to_line()
    body = bytes([Kind.FRAME, 7, 0, 12, 0]) + frame
    flipped = bytearray(right)
    flipped[8] ^= 4
    wrong = {
        # ESC with nothing that may follow it; a packet that ends in ESC.
        bytes([END, 1, 2, ESC, 3, END]): Reason.LINE,
        bytes([END, 1, 2, ESC, END]): Reason.LINE,
        right[:9] + bytes([END]): Reason.SHORT,
        bytes([END, 5, END]): Reason.SHORT,
        # One byte was lost, and the length tells.
        right[:8] + right[9:]: Reason.SHORT,
        bytes(flipped): Reason.CHECKSUM,
        with_checksum(bytes([0x33, 7, 0, 12, 0]) + frame): Reason.KIND,
        with_checksum(bytes([Kind.FRAME, 7, 0, 13, 0]) + frame + b"\0"): Reason.LENGTH,
        with_checksum(bytes([Kind.FRAME, 7, 0, 0, 0])): Reason.LENGTH,
        with_checksum(bytes([Kind.IDENTIFY, 7, 0, 1, 0, 0])): Reason.LENGTH,
        # A whole packet with more behind it.
        right[:-1] + b"more" + bytes([END]): Reason.CHECKSUM,
        # Longer than any buffer.
        bytes([END]) + b"\x01" * 70_000 + bytes([END]): Reason.CHECKSUM,
    }
    assert with_checksum(body) == right
    with here.line() as (_, line):
        for sent, reason in wrong.items():
            (refused,) = answers(line, sent, wait_s=60)
            assert (refused.kind, refused.payload) == (Kind.REFUSED, bytes([reason])), sent[:20]
            (answer,) = answers(line, right)
            assert (answer.kind, answer.sequence) == (Kind.RESULT, 7)
            np.testing.assert_array_equal(here.image.sink.port.from_bytes(answer.payload), here.net.run(inputs))
        # Nothing but END, and half a packet that never ends: the board waits, and answers what comes next.
        assert answers(line, bytes([END] * 50), wait_s=0.5) == []
        assert answers(line, right[:10], wait_s=0.5) == []
        found = answers(line, right, count=2)
        assert [(item.kind, item.payload[:1]) for item in found[:1]] == [(Kind.REFUSED, bytes([Reason.SHORT]))]
        assert found[1].kind == Kind.RESULT


def test_another_design_and_a_wrong_integer_are_found(made):
    here = made("bytes")
    inputs = inputs_of(here.net, 30)
    expected = here.net.run(inputs)
    with here.line() as (_, line):
        other = here.image.model_copy(update={"digest": "00" * 32})
        with pytest.raises(ToolError, match=r"runs another design: [0-9a-f]{12}, the build has 000000000000\n  fl"):
            check_board(line, other, inputs, expected)
        wrong = expected.copy()
        wrong[4, 2] += 1
        with pytest.raises(
            MismatchError,
            match=r"icebreaker differs in 1 of 120 integers of 'fc1'; first: sample 4, value 2: -?\d+ ",
        ):
            check_board(line, here.image, inputs, wrong)
        assert identify(line).digest == here.image.digest


def test_a_simulation_that_cannot_start_says_so(tmp_path):
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho 'no such thing' >&2\nexit 3\n")
    program.chmod(0o755)
    wiring = wirings()["icebreaker"]
    with pytest.raises(ToolError, match="did not start: no such thing"), simulated_board(program, tmp_path, wiring):
        pass
    with pytest.raises(ToolError, match="cannot start"), simulated_board(tmp_path / "none", tmp_path, wiring):
        pass


def test_a_port_that_is_none_is_a_mistake_of_the_users(tmp_path):
    with (
        pytest.raises(UsageError, match=f"--port {tmp_path}/tty: cannot be opened"),
        open_line(f"{tmp_path}/tty", 9600),
    ):
        pass
