"""The top module: a chain of stages between two AXI4-Stream ports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hlsflow.rtl.design import StreamPort
from hlsflow.rtl.layers import Cast
from hlsflow.rtl.requantize import requantize_module


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One module of the chain, with streams `in_*` and `out_*` of so many bits."""

    module: str
    layer: str
    in_bits: int
    out_bits: int


def axis_top(
    top: str, source: StreamPort, sink: StreamPort, stages: Sequence[Stage], input_casts: Sequence[Cast]
) -> dict[str, str]:
    """The top module and its helpers, by file name."""
    found = {f"{top}.v": _top(top, source, sink, stages, bool(input_casts))}
    if input_casts:
        found["input_requantize.v"] = requantize_module("input_requantize", source.type, input_casts)
    return found


def _top(top: str, source: StreamPort, sink: StreamPort, stages: Sequence[Stage], casts_input: bool) -> str:
    wires, instances = [], []
    for index, stage in enumerate(stages):
        wires.append(
            f"    wire [{stage.out_bits - 1}:0] data{index + 1};\n    wire valid{index + 1}, ready{index + 1};"
        )
        instances.append(
            f"    {stage.module} {stage.module}_i ( // {stage.layer}\n"
            f"        .clk(aclk), .rst(rst),\n"
            f"        .in_data(data{index}), .in_valid(valid{index}), .in_ready(ready{index}),\n"
            f"        .out_data(data{index + 1}), .out_valid(valid{index + 1}), .out_ready(ready{index + 1})\n"
            "    );"
        )
    end = len(stages)
    in_width = source.type.width
    data_width = stages[0].in_bits // source.lanes
    pick = f"s_axis_tdata[i*{source.lane_bits} +: {in_width}]"
    to = f"data0[i*{data_width} +: {data_width}]"
    unpack = (
        f"input_requantize requantize (.value({pick}), .result({to}));" if casts_input else f"assign {to} = {pick};"
    )
    beats_bits = {port: max(1, (port.beats - 1).bit_length()) for port in (source, sink)}
    newline = "\n"
    return f"""\
// {top}: {source.size} x {source.type.grid} in, {sink.size} x {sink.type.grid} out.
//
// s_axis: {_words(source)}
// m_axis: {_words(sink)}
// frame_error is set, until reset, where TLAST of s_axis is not with the last beat of a frame.
module {top} (
    input  wire aclk,
    input  wire aresetn,
    input  wire [{source.data_bits - 1}:0] s_axis_tdata,
    input  wire s_axis_tvalid,
    output wire s_axis_tready,
    input  wire s_axis_tlast,
    output wire [{sink.data_bits - 1}:0] m_axis_tdata,
    output wire m_axis_tvalid,
    input  wire m_axis_tready,
    output wire m_axis_tlast,
    output reg  frame_error
);
    reg rst;
    always @(posedge aclk) rst <= !aresetn;

    wire [{stages[0].in_bits - 1}:0] data0;
    wire valid0, ready0;
{newline.join(wires)}

    // A frame may not begin while the reset goes through its register.
    assign valid0 = s_axis_tvalid && !rst;
    assign s_axis_tready = ready0 && !rst;
    assign m_axis_tvalid = valid{end};
    assign ready{end} = m_axis_tready;

    genvar i;
    generate
        for (i = 0; i < {source.lanes}; i = i + 1) begin : input_lane
            {unpack}
        end
        for (i = 0; i < {sink.lanes}; i = i + 1) begin : output_lane
            assign m_axis_tdata[i*{sink.lane_bits} +: {sink.lane_bits}] = {_extended(f"data{end}", sink)};
        end
    endgenerate

{(newline * 2).join(instances)}

{_counter("in", beats_bits[source], source.beats)}
{_counter("out", beats_bits[sink], sink.beats)}
    wire in_take = s_axis_tvalid && s_axis_tready;
    wire out_take = m_axis_tvalid && m_axis_tready;
    assign m_axis_tlast = out_last;
    always @(posedge aclk) begin
        if (rst) begin
            in_beat <= {beats_bits[source]}'d0;
            out_beat <= {beats_bits[sink]}'d0;
            frame_error <= 1'b0;
        end else begin
            if (in_take) in_beat <= in_last ? {beats_bits[source]}'d0 : in_beat + 1'b1;
            if (out_take) out_beat <= out_last ? {beats_bits[sink]}'d0 : out_beat + 1'b1;
            if (in_take && s_axis_tlast != in_last) frame_error <= 1'b1;
        end
    end
endmodule
"""


def _words(port: StreamPort) -> str:
    sign = ", sign-extended" if port.type.signed else ""
    values = "value" if port.lanes == 1 else "values"
    return (
        f"a frame is {port.beats} beats of {port.lanes} {values}, {port.lane_bits} bits each{sign}; TLAST with the last"
    )


def _counter(side: str, bits: int, beats: int) -> str:
    return f"    reg [{bits - 1}:0] {side}_beat;\n    wire {side}_last = ({side}_beat == {bits}'d{beats - 1});"


def _extended(data: str, port: StreamPort) -> str:
    width, spare = port.type.width, port.lane_bits - port.type.width
    value = f"{data}[i*{width} +: {width}]"
    if not spare:
        return value
    sign = f"{data}[i*{width} + {width - 1}]" if port.type.signed else "1'b0"
    return f"{{{{{spare}{{{sign}}}}}, {value}}}"
