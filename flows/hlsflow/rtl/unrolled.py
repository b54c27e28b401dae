"""The unrolled architecture: every product is adders of its own, a frame a cycle, by distributed arithmetic.

The pipeline never stalls. A frame enters when the queue behind the pipeline has room for it, so back-pressure reaches
the source without a clock enable on every register.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from hlsflow.foundation.errors import UnsupportedError
from hlsflow.network.fixed_point import FixedType
from hlsflow.rtl.adders import Adders, Output, adders_of, prepare_da4ml, signed_digits
from hlsflow.rtl.axis import Stage, axis_top
from hlsflow.rtl.chain import Chain
from hlsflow.rtl.design import RtlDesign, StreamPort, library
from hlsflow.rtl.folded_layer import layer_module as folded_layer
from hlsflow.rtl.folding import Folding
from hlsflow.rtl.layers import ArgmaxLayer, ProductLayer
from hlsflow.rtl.names import module_names
from hlsflow.rtl.requantize import requantize_module

LEVELS = 2


def unrolled_design(
    chain: Chain,
    top: str,
    *,
    bus_bits: int | None = None,
    levels: int = LEVELS,
    on_layer: Callable[[str], None] | None = None,
) -> RtlDesign:
    """The unrolled design. A beat is a whole frame, or with `bus_bits` as much of it as such a bus holds.

    `on_layer` is told the layer that is next: each takes seconds to minutes.

    Raises UnsupportedError for a network with windows.
    """
    if chain.has_windows:
        raise UnsupportedError(
            "open RTL: convolutions and poolings are folded, not unrolled", hint="leave out --architecture unrolled"
        )
    layers = chain.products
    prepare_da4ml(signed_digits(layer.weights for layer in layers))
    names = module_names(layer.name for layer in chain.layers)
    sources: dict[str, str] = {}
    adders: list[Adders] = []
    for layer in layers:
        module = names[layer.name]
        if on_layer is not None:
            on_layer(layer.name)
        made = adders_of(layer, f"{module}_sums", levels)
        sources.update(made.sources)
        sources[f"{module}.v"] = layer_module(module, layer, made)
        adders.append(made)
    source = _port(chain.input_type, chain.input_size, bus_bits)
    logits = _port(layers[-1].result, layers[-1].output_size, bus_bits)
    sink = replace(logits, type=chain.output_type)
    latency = sum(made.latency for made in adders)
    data_type = layers[0].data
    sources["network.v"] = _network_module(layers, names, data_type, source, logits, latency)
    stages = [
        Stage(
            module="network",
            layer="all layers",
            in_bits=source.lanes * data_type.width,
            out_bits=logits.lanes * logits.type.width,
        )
    ]
    used = ["fifo.v", "credit.v", "collect.v", "drain.v"]
    last = chain.layers[-1]
    if isinstance(last, ArgmaxLayer):
        module = names[last.name]
        folding = Folding(
            inputs=0, outputs=last.size, groups=1, lanes_in=sink.lanes, lanes_out=sink.lanes, steps=0, dense_steps=0
        )
        sources[f"{module}.v"], cores = folded_layer(module, last, folding, 1)
        used += sorted(cores | {"stream_register.v"})
        stages.append(
            Stage(
                module=module,
                layer=last.name,
                in_bits=logits.lanes * logits.type.width,
                out_bits=sink.lanes * sink.type.width,
            )
        )
    sources.update(axis_top(top, source, sink, stages, chain.input_casts))
    return RtlDesign(
        top=top,
        architecture="unrolled",
        source=source,
        sink=sink,
        output=chain.output,
        sources={**library(*used), **sources},
        memories={},
        modules={module: layer for layer, module in names.items()},
        notes=(
            *(
                f"{layer.name}: {layer.n_in} x {layer.n_out}: {made.latency} cycles; da4ml's estimate "
                f"{made.lut_estimate:,} LUT, {made.ff_estimate:,} FF"
                for layer, made in zip(layers, adders, strict=True)
            ),
            f"da4ml's own estimate of all layers: {sum(made.lut_estimate for made in adders):,} LUT, "
            f"{sum(made.ff_estimate for made in adders):,} FF",
        ),
    )


def _port(type_: FixedType, size: int, bus_bits: int | None) -> StreamPort:
    whole = StreamPort(type=type_, size=size, lanes=size)
    if bus_bits is None or whole.data_bits <= bus_bits:
        return whole
    return StreamPort(type=type_, size=size, lanes=max(1, bus_bits // whole.lane_bits))


def layer_module(module: str, layer: ProductLayer, adders: Adders) -> str:
    """The Verilog of one layer: the adders, then each sum's casts."""
    data, result, accum = layer.data, layer.result, layer.accum.grid
    bits = [f"in_data[{index * data.width} +: {width}]" for index, width in enumerate(adders.input_widths) if width]
    packed_out = max(1, sum(output.width for output in adders.outputs))
    sums = "\n".join(
        f"    assign sum[{index * accum.width} +: {accum.width}] = {_sum(output, accum.width)};"
        for index, output in enumerate(adders.outputs)
    )
    inputs = ",\n        ".join(reversed(bits))
    return f"""\
{requantize_module(f"{module}_requantize", accum, layer.casts)}
// {layer.name}: {layer.n_in} x {layer.n_out}, one frame a cycle, {adders.latency} cycles.
// in: {data}; weights: {layer.weight}; sums: {accum}; out: {result.grid}
(* keep_hierarchy = "yes" *)
module {module} (
    input  wire clk,
    input  wire [{layer.n_in * data.width - 1}:0] in_data,
    output wire [{layer.n_out * result.width - 1}:0] out_data
);
    wire [{sum(adders.input_widths) - 1}:0] operands = {{
        {inputs}
    }};
    wire [{packed_out - 1}:0] joined;
    wire [{layer.n_out * accum.width - 1}:0] sum;
    {adders.module} sums (.clk(clk), .model_inp(operands), .model_out(joined));

{sums}

    genvar i;
    generate
        for (i = 0; i < {layer.n_out}; i = i + 1) begin : value
            {module}_requantize requantize (
                .value(sum[i*{accum.width} +: {accum.width}]),
                .result(out_data[i*{result.width} +: {result.width}])
            );
        end
    endgenerate
endmodule
"""


def _sum(output: Output, width: int) -> str:
    """A sum on the accumulator's grid, in so many bits: sign-extended, or wrapped."""
    if not output.width:
        return f"{width}'d0"
    kept = min(output.width, width - output.shift)
    if kept <= 0:
        return f"{width}'d0"
    spare = width - output.shift - kept
    last = output.first + output.width - 1
    parts = [f"joined[{output.first} +: {kept}]"]
    if spare:
        sign = f"joined[{last}]" if output.signed else "1'b0"
        parts.insert(0, f"{{{spare}{{{sign}}}}}")
    if output.shift:
        parts.append(f"{output.shift}'d0")
    return parts[0] if len(parts) == 1 else f"{{{', '.join(parts)}}}"


def _network_module(
    layers: Sequence[ProductLayer], names: dict[str, str], data: FixedType, source: StreamPort, sink: StreamPort,
    latency: int,
) -> str:  # fmt: skip
    # Twice the latency, so that a source that never pauses is never stopped for want of room.
    depth_bits = max(2, (latency + 2).bit_length())
    widths = [layers[0].n_in * data.width]
    lines = []
    for index, layer in enumerate(layers):
        widths.append(layer.n_out * layer.result.width)
        module = names[layer.name]
        lines.append(
            f"    wire [{widths[-1] - 1}:0] data{index + 1};\n"
            f"    {module} {module}_i (.clk(clk), .in_data(data{index}), .out_data(data{index + 1})); // {layer.name}"
        )
    instances = "\n\n".join(lines)
    in_beat, out_beat = source.lanes * data.width, sink.lanes * sink.type.width
    return f"""\
// All layers, {latency} cycles from the last beat in to the queue, one frame a cycle.
module network (
    input  wire clk,
    input  wire rst,
    input  wire [{in_beat - 1}:0] in_data,
    input  wire in_valid,
    output wire in_ready,
    output wire [{out_beat - 1}:0] out_data,
    output wire out_valid,
    input  wire out_ready
);
    wire [{source.beats * in_beat - 1}:0] frame;
    wire frame_valid, frame_ready;
{_collector(source, in_beat)}
    wire [{widths[0] - 1}:0] data0 = frame[{widths[0] - 1}:0];

{instances}

    wire enter = frame_valid && frame_ready;
    wire leave, queue_valid, queue_ready;
    wire [{widths[-1] - 1}:0] queue_data;
    credit #(.LATENCY({latency}), .DEPTH_BITS({depth_bits})) credits (
        .clk(clk), .rst(rst), .enter(enter), .leave(leave), .taken(queue_valid && queue_ready), .ready(frame_ready)
    );
    fifo #(.WIDTH({widths[-1]}), .DEPTH_BITS({depth_bits})) queue (
        .clk(clk), .rst(rst), .in_data(data{len(layers)}), .in_valid(leave),
        .out_data(queue_data), .out_valid(queue_valid), .out_ready(queue_ready)
    );
{_distributor(sink)}
endmodule
"""


def _collector(source: StreamPort, beat_bits: int) -> str:
    if source.beats == 1:
        return "    assign frame = in_data;\n    assign frame_valid = in_valid;\n    assign in_ready = frame_ready;"
    return (
        f"    collect #(.WIDTH({beat_bits}), .BEATS({source.beats})) inputs (\n"
        "        .clk(clk), .rst(rst), .in_data(in_data), .in_valid(in_valid), .in_ready(in_ready),\n"
        "        .out_data(frame), .out_valid(frame_valid), .out_ready(frame_ready)\n"
        "    );"
    )


def _distributor(sink: StreamPort) -> str:
    if sink.beats == 1:
        return (
            "    assign out_data = queue_data;\n"
            "    assign out_valid = queue_valid;\n"
            "    assign queue_ready = out_ready;"
        )
    return (
        "    // The drain is free, or becomes so in this very cycle.\n"
        "    wire drained;\n"
        "    assign queue_ready = !out_valid || drained;\n"
        f"    drain #(.Q({sink.size}), .P_OUT({sink.lanes}), .Q_FINAL({sink.size}), .WIDTH({sink.type.width}))\n"
        "    outputs (\n"
        "        .clk(clk), .rst(rst), .load(queue_valid && queue_ready), .load_final(1'b1), .values(queue_data),\n"
        "        .out_data(out_data), .out_valid(out_valid), .out_ready(out_ready), .drained(drained)\n"
        "    );"
    )
