"""A board's whole design: clock, reset, serial line and packets around a network's AXI4-Stream ports."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from hlsflow.boards.protocol import IDENTITY_BYTES, Identity
from hlsflow.devices.wiring import Pin, Wiring
from hlsflow.foundation.workspace import write_text
from hlsflow.rtl.design import RtlDesign, StreamPort

TOP = "board_top"
IDENTITY_FILE = "board_identity.mem"
LIBRARY = (
    "board_link.v", "board_reset.v", "crc32.v", "frame_buffer.v", "packet_receiver.v", "packet_transmitter.v",
    "slip_decoder.v", "slip_encoder.v", "uart_receiver.v", "uart_transmitter.v",
)  # fmt: skip
# Frames that the board holds: enough that the line never waits for the host, in few blocks of RAM.
_SMALL_FRAME_BYTES = 128


@dataclass(frozen=True, kw_only=True, slots=True)
class BoardDesign:
    """The design of a board around a network: Verilog and memories by file name, what it says of itself, its wiring."""

    wiring: Wiring
    network: RtlDesign
    identity: Identity
    sources: Mapping[str, str]
    memories: Mapping[str, str]

    @property
    def top(self) -> str:
        """The name of the top module."""
        return TOP

    def write(self, folder: Path) -> None:
        """Writes all sources and memories into a folder."""
        for name, text in (*self.sources.items(), *self.memories.items()):
            write_text(folder / name, text)


def board_design(network: RtlDesign, wiring: Wiring) -> BoardDesign:
    """The design of a network on a board. Its digest is of every file of it but the one with the digest."""
    slot_bits = 3 if _bytes(network.source) <= _SMALL_FRAME_BYTES else 2
    library = {name: library_file(name) for name in LIBRARY}
    sources = {**network.sources, **library, f"{TOP}.v": _top(network, wiring, slot_bits)}
    digest = hashlib.sha256()
    for name, text in sorted({**sources, **network.memories}.items()):
        digest.update(f"{name}\0{len(text)}\0{text}".encode())
    identity = Identity(
        slots=1 << slot_bits,
        frame_bytes=_bytes(network.source),
        result_bytes=_bytes(network.sink),
        digest=digest.hexdigest(),
    )
    rows = "".join(f"{byte:02x}\n" for byte in identity.to_bytes())
    return BoardDesign(
        wiring=wiring,
        network=network,
        identity=identity,
        sources=sources,
        memories={**network.memories, IDENTITY_FILE: rows},
    )


def library_file(name: str) -> str:
    """The text of a file of the Verilog library of boards."""
    return (files("hlsflow.boards") / "verilog" / name).read_text()


def _bytes(port: StreamPort) -> int:
    """Bytes of a frame, those of the last beat's spare lanes with them."""
    return port.beats * port.data_bits // 8


def _level(pin: Pin, signal: str) -> str:
    return signal if pin.active == "high" else f"!{signal}"


def _top(network: RtlDesign, wiring: Wiring, slot_bits: int) -> str:
    source, sink = network.source, network.sink
    return f"""\
// {network.top} on the board {wiring.board}: {wiring.clock_hz / 1e6:g} MHz, {wiring.baud:,} baud.
module {TOP} (
    input  wire clk,
    input  wire reset,
    input  wire rx,
    output wire tx,
    output wire led
);
    wire rst, active;
    wire [{source.data_bits - 1}:0] frame_data;
    wire [{sink.data_bits - 1}:0] result_data;
    wire frame_valid, frame_last, frame_ready, result_valid, result_ready;

    board_reset resets (.clk(clk), .button({_level(wiring.reset, "reset")}), .rst(rst));
    board_link #(
        .CYCLES({wiring.cycles_per_bit}), .SLOT_BITS({slot_bits}),
        .FRAME_BYTES({_bytes(source)}), .FRAME_BEAT_BYTES({source.data_bits // 8}),
        .RESULT_BYTES({_bytes(sink)}), .RESULT_BEAT_BYTES({sink.data_bits // 8}),
        .IDENTITY_BYTES({IDENTITY_BYTES}), .IDENTITY("{IDENTITY_FILE}")
    ) link (
        .clk(clk), .rst(rst), .rx(rx), .tx(tx), .active(active),
        .frame_data(frame_data), .frame_valid(frame_valid), .frame_last(frame_last), .frame_ready(frame_ready),
        .result_data(result_data), .result_valid(result_valid), .result_ready(result_ready)
    );
    {network.top} network (
        .aclk(clk), .aresetn(!rst),
        .s_axis_tdata(frame_data), .s_axis_tvalid(frame_valid), .s_axis_tready(frame_ready), .s_axis_tlast(frame_last),
        .m_axis_tdata(result_data), .m_axis_tvalid(result_valid), .m_axis_tready(result_ready), .m_axis_tlast(),
        .frame_error()
    );
    assign led = {_level(wiring.led, "active")};
endmodule
"""
