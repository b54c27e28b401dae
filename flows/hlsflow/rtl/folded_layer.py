"""One layer of the folded architecture as Verilog: instances of the library between streams, the casts, a register."""

from __future__ import annotations

from dataclasses import dataclass

from hlsflow.hls.window import Window
from hlsflow.network.fixed_point import FixedType
from hlsflow.rtl import folding as fold
from hlsflow.rtl.folding import Folding
from hlsflow.rtl.layers import ArgmaxLayer, Layer, PoolLayer, ProductLayer
from hlsflow.rtl.requantize import requantize_module
from hlsflow.rtl.rows import packed_word
from hlsflow.rtl.sparse import layer as sparse


def describe(layer: Layer, folding: Folding) -> str:
    """A line on a layer's folding."""
    if isinstance(layer, ArgmaxLayer):
        return f"{layer.name}: the largest of {layer.size} values, {folding.lanes_in} a cycle"
    window = layer.window
    if isinstance(layer, PoolLayer):
        what = "maximum" if layer.function == "max" else "average"
        return f"{layer.name}: {what} of {_window_words(window)}, a window a cycle"
    shape = f"{layer.n_in} x {layer.n_out}" if window is None else f"{_window_words(window)} to {layer.n_out}"
    if folding.sparse is not None:
        return f"{layer.name}: {shape}, {sparse.describe(layer, folding.sparse)}"
    text = (
        f"{layer.name}: {shape}, reuse factor {layer.reuse_factor}: "
        f"{folding.multipliers} multipliers ({folding.inputs} inputs x {folding.outputs} outputs), "
        f"{folding.cycles:,} cycles a frame"
    )
    skipped = folding.dense_steps - folding.steps
    return text + (f" ({skipped * folding.windows:,} of zeros skipped)" if skipped else "")


def _window_words(window: Window) -> str:
    """`26 x 26 windows of 3 x 3 x 1 in 28 x 28`."""
    return (
        f"{window.out_height} x {window.out_width} windows of {window.height} x {window.width} x {window.channels} in "
        f"{window.in_height} x {window.in_width}"
    )


def layer_memories(module: str, layer: ProductLayer, folding: Folding) -> dict[str, str]:
    """The memory files of a layer."""
    if folding.sparse is not None:
        return sparse.memories(module, layer, folding.sparse)
    rows = fold.weight_rows(layer, folding) if folding.streams else fold.program_rows(layer, folding)
    return {
        f"{module}_weights.mem": "\n".join(rows) + "\n",
        f"{module}_biases.mem": "\n".join(fold.bias_rows(layer, folding)) + "\n",
    }


def layer_module(module: str, layer: Layer, folding: Folding, collected: int) -> tuple[str, set[str]]:
    """The Verilog of one layer (its core, the casts, a register), and the files of the library that it uses.

    `collected`: how many beats of the layer before make one beat of `lanes_in` values.
    """
    lanes, result = folding.lanes_out, layer.result
    in_bits = folding.lanes_in // collected * layer.data.width
    total, casts = (result, ()) if isinstance(layer, ArgmaxLayer) else (layer.total, layer.casts)
    body = _Body()
    source, sink = Stream("in", in_bits), Stream("sum", lanes * total.width)
    if collected > 1:
        source = body.collect(source, collected, "beats")
    match layer:
        case ProductLayer():
            _product(body, source, sink, module, layer, folding)
        case PoolLayer():
            _pool(body, source, sink, layer, folding)
        case ArgmaxLayer():
            body.used.add("drain.v")
            body.add("argmax", "largest", _argmax_parameters(layer, folding.lanes_in), source, sink)
    notes = f"in: {_lanes(folding.lanes_in, layer.data)}"
    if isinstance(layer, ProductLayer):
        notes += f"; weights: {layer.weight}; sums: {layer.accum.grid}"
    newline = "\n\n"
    text = f"""\
{requantize_module(f"{module}_requantize", total.grid, casts)}
// {describe(layer, folding)}
// {notes}; out: {_lanes(lanes, result)}
(* keep_hierarchy = "yes" *)
module {module} (
    input  wire {_range(in_bits)} in_data,
    input  wire in_valid,
    output wire in_ready,
    output wire {_range(lanes * result.width)} out_data,
    output wire out_valid,
    input  wire out_ready,
    input  wire clk,
    input  wire rst
);
    wire {_range(lanes * total.width)} sum_data;
    wire {_range(lanes * result.width)} result_data;
    wire sum_valid, sum_ready;

{newline.join(body.parts)}

    genvar i;
    generate
        for (i = 0; i < {lanes}; i = i + 1) begin : lane
            {module}_requantize requantize (
                .value(sum_data[i*{total.width} +: {total.width}]),
                .result(result_data[i*{result.width} +: {result.width}])
            );
        end
    endgenerate

    stream_register #(.WIDTH({lanes * result.width})) result (
        .clk(clk), .rst(rst),
        .in_data(result_data), .in_valid(sum_valid), .in_ready(sum_ready),
        .out_data(out_data), .out_valid(out_valid), .out_ready(out_ready)
    );
endmodule
"""
    return text, body.used


@dataclass(frozen=True, slots=True)
class Stream:
    """The wires of a stream within a layer's module: `<name>_data`, `_valid`, `_ready`."""

    name: str
    bits: int

    def wires(self) -> str:
        """Their declaration; those of the ports and of the sums stand in the module's frame."""
        if self.name in ("in", "sum"):
            return ""
        return f"    wire {_range(self.bits)} {self.name}_data;\n    wire {self.name}_valid, {self.name}_ready;\n"


class _Body:
    """The instances of a layer's module so far, and the files of the library that they use."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.used: set[str] = set()

    def add(
        self, module: str, label: str, parameters: dict[str, object], source: Stream, sink: Stream, out: str = "out"
    ) -> Stream:
        """A module of the library between two streams."""
        self.used.add(f"{module}.v")
        values = ", ".join(f".{key}({value})" for key, value in parameters.items())
        self.parts.append(
            f"{sink.wires()}    {module} #(\n        {values}\n    ) {label} (\n"
            f"        .clk(clk), .rst(rst),\n"
            f"        .in_data({source.name}_data), .in_valid({source.name}_valid), .in_ready({source.name}_ready),\n"
            f"        .{out}_data({sink.name}_data), .{out}_valid({sink.name}_valid), .{out}_ready({sink.name}_ready)\n"
            "    );"
        )
        return sink

    def collect(self, source: Stream, beats: int, name: str) -> Stream:
        """What makes one word of several beats."""
        sink = Stream(name, source.bits * beats)
        return self.add("collect", f"{name}_collect", {"WIDTH": source.bits, "BEATS": beats}, source, sink)

    def drain(self, source: Stream, values: int, lanes: int, width: int, sink: Stream) -> Stream:
        """What passes a word of so many values on, some lanes at a time."""
        self.used.add("drain.v")
        name = sink.name
        self.parts.append(
            f"    // The drain is free, or becomes so in this very cycle.\n{sink.wires()}"
            f"    wire {name}_drained;\n"
            f"    assign {source.name}_ready = !{name}_valid || {name}_drained;\n"
            f"    drain #(.Q({values}), .P_OUT({lanes}), .Q_FINAL({values}), .WIDTH({width})) {name}_drain (\n"
            f"        .clk(clk), .rst(rst),\n"
            f"        .load({source.name}_valid && {source.name}_ready), .load_final(1'b1), "
            f".values({source.name}_data),\n"
            f"        .out_data({name}_data), .out_valid({name}_valid), .out_ready({name}_ready), "
            f".drained({name}_drained)\n"
            "    );"
        )
        return sink

    def windows(self, source: Stream, window: Window, width: int, lanes: int, padding: int) -> Stream:
        """Line buffers, and before them what collects the pixels. Gives the stream of windows."""
        channels = window.channels
        if lanes < channels:
            source = self.collect(source, channels // lanes, "pixel")
        sink = Stream("window", window.height * window.width * channels * width)
        pad = packed_word([padding] * channels, width)
        parameters = {"WIDTH": channels * width, **window_parameters(window), "PAD": f"{channels * width}'h{pad}"}
        return self.add("window", "windows", parameters, source, sink)


def window_parameters(window: Window) -> dict[str, int]:
    """The geometry of `window.v`. An image one pixel wide is taken as one pixel high: its pixels come in that order."""
    rows = (window.in_height, window.height, window.stride_height, window.pad_top, window.out_height)
    columns = (window.in_width, window.width, window.stride_width, window.pad_left, window.out_width)
    if _scanned(*columns) == 1:
        rows, columns = columns, rows
    height, size, stride, pad, count = rows
    width, size_x, stride_x, pad_x, count_x = columns
    return {
        "IN_HEIGHT": height, "IN_WIDTH": width, "HEIGHT": size, "COLUMNS": size_x, "STRIDE_ROWS": stride,
        "STRIDE_COLUMNS": stride_x, "PAD_TOP": pad, "PAD_LEFT": pad_x, "ROWS_SCANNED": _scanned(*rows),
        "COLUMNS_SCANNED": _scanned(*columns), "LAST_ROW": _last(size, stride, count),
        "LAST_COLUMN": _last(size_x, stride_x, count_x),
    }  # fmt: skip


def _last(size: int, stride: int, count: int) -> int:
    return (count - 1) * stride + size - 1


def _scanned(length: int, size: int, stride: int, pad: int, count: int) -> int:
    """Rows or columns of the padded image, those behind the last window included: they are taken and dropped."""
    return max(pad + length, _last(size, stride, count) + 1)


def _product(body: _Body, source: Stream, sink: Stream, module: str, layer: ProductLayer, folding: Folding) -> None:
    if folding.sparse is not None:
        body.used.update(sparse.LIBRARY)
        body.add(
            "dense_sparse", "sums", sparse.parameters(module, layer, folding.sparse, folding.lanes_out), source, sink,
            out="sum",
        )  # fmt: skip
        return
    body.used.update(("mac_lane.v", "mac_array.v", "row_rom.v", "outlet.v", "fifo.v", "drain.v"))
    if layer.window is not None:
        width = layer.data.width
        window = body.windows(source, layer.window, width, folding.lanes_in, 0)
        inputs = Stream("inputs", folding.inputs * width)
        source = body.drain(window, layer.n_in, folding.inputs, width, inputs)
    core, parameters = _core(module, layer, folding)
    body.add(core, "sums", parameters, source, sink, out="sum")


def _pool(body: _Body, source: Stream, sink: Stream, layer: PoolLayer, folding: Folding) -> None:
    window, total = layer.window, layer.total
    windows = body.windows(source, window, layer.data.width, folding.lanes_in, layer.padding)
    parameters = {
        "COUNT": window.height * window.width, "CHANNELS": layer.channels, "WIDTH": layer.data.width,
        "SIGNED": int(layer.data.signed), "SUM": int(layer.function == "sum"), "OUT_WIDTH": total.width,
    }  # fmt: skip
    pooled = body.add("pool_window", "pool", parameters, windows, Stream("pooled", layer.channels * total.width))
    body.drain(pooled, layer.channels, folding.lanes_out, total.width, sink)


def _argmax_parameters(layer: ArgmaxLayer, lanes: int) -> dict[str, object]:
    """The parameters of `argmax.v`."""
    width = layer.result.width
    return {
        "SIZE": layer.size, "LANES": lanes, "WIDTH": layer.data.width, "SIGNED": int(layer.data.signed),
        "OUT_WIDTH": width, "ONE": f"{width}'h{packed_word([layer.one], width)}",
    }  # fmt: skip


def _core(module: str, layer: ProductLayer, folding: Folding) -> tuple[str, dict[str, object]]:
    common: dict[str, object] = {
        "Q": folding.outputs,
        "P_OUT": folding.lanes_out,
        "X_WIDTH": layer.data.width,
        "X_SIGNED": int(layer.data.signed),
        "W_WIDTH": layer.weight.width,
        "SHIFT": layer.shift,
        "ACC_WIDTH": layer.accum.width,
        "QUEUE_BITS": folding.queue_bits,
        "BIASES": f'"{module}_biases.mem"',
    }
    if folding.streams:
        name = "dense_stream"
        own: dict[str, object] = {"BEATS": folding.steps, "P": folding.inputs, "WEIGHTS": f'"{module}_weights.mem"'}
    else:
        name = "dense_program"
        own = {
            "N_IN": layer.n_in,
            "STEPS": folding.steps,
            "GROUPS": folding.groups,
            "Q_FINAL": layer.n_out - (folding.groups - 1) * folding.outputs,
            "PROGRAM": f'"{module}_weights.mem"',
        }
    return name, own | common


def _range(bits: int) -> str:
    return f"[{bits - 1}:0]"


def _lanes(count: int, type_: FixedType) -> str:
    return f"{count} x {type_.grid}" if count > 1 else str(type_.grid)
