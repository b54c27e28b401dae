"""The folded architecture: one module a layer that makes P x Q products a cycle, its weights in block RAM.

All layers work at once, each on the values that the one before gives it: a pipeline of streams with back-pressure.
"""

from __future__ import annotations

from hlsflow.conversion.fixed_point import FixedType
from hlsflow.synthesis.rtl import folding as fold
from hlsflow.synthesis.rtl.axis import Stage, axis_top
from hlsflow.synthesis.rtl.design import RtlDesign, StreamPort, library
from hlsflow.synthesis.rtl.folding import Folding
from hlsflow.synthesis.rtl.names import module_names
from hlsflow.synthesis.rtl.network import DenseLayer, IntegerNetwork
from hlsflow.synthesis.rtl.requantize import requantize_module

_LIBRARY = ("mac_lane.v", "mac_array.v", "row_rom.v", "drain.v", "stream_register.v")


def folded_design(network: IntegerNetwork, top: str) -> RtlDesign:
    """The folded design of a network, each layer by its reuse factor."""
    foldings = fold.fold_network(network)
    names = module_names(layer.name for layer in network.layers)
    sources: dict[str, str] = {}
    memories: dict[str, str] = {}
    stages: list[Stage] = []
    cores = set()
    for layer, folding in zip(network.layers, foldings, strict=True):
        module = names[layer.name]
        cores.add("dense_stream.v" if folding.streams else "dense_program.v")
        sources[f"{module}.v"] = layer_module(module, layer, folding)
        memories.update(layer_memories(module, layer, folding))
        stages.append(
            Stage(
                module=module,
                layer=layer.name,
                in_bits=folding.inputs * layer.data.width,
                out_bits=folding.lanes_out * layer.result.width,
            )
        )
    source = StreamPort(type=network.input_type, size=network.input_size, lanes=foldings[0].inputs)
    sink = StreamPort(type=network.output_type, size=network.output_size, lanes=foldings[-1].lanes_out)
    sources.update(axis_top(top, source, sink, stages, network.input_casts))
    return RtlDesign(
        top=top,
        architecture="folded",
        source=source,
        sink=sink,
        output=network.output,
        sources={**library(*sorted(cores), *_LIBRARY), **sources},
        memories=memories,
        modules={stage.module: stage.layer for stage in stages},
        notes=tuple(
            describe(layer, folding) for layer, folding in zip(network.layers, foldings, strict=True)
        ),
    )  # fmt: skip


def describe(layer: DenseLayer, folding: Folding) -> str:
    """A line on a layer's folding."""
    text = (
        f"{layer.name}: {layer.n_in} x {layer.n_out}, reuse factor {layer.reuse_factor}: "
        f"{folding.multipliers} multipliers ({folding.inputs} inputs x {folding.outputs} outputs), "
        f"{folding.steps} cycles a frame"
    )
    skipped = folding.dense_steps - folding.steps
    return text + (f" ({skipped} of zeros skipped)" if skipped else "")


def layer_memories(module: str, layer: DenseLayer, folding: Folding) -> dict[str, str]:
    """The memory files of a layer."""
    rows = fold.weight_rows(layer, folding) if folding.streams else fold.program_rows(layer, folding)
    return {
        f"{module}_weights.mem": "\n".join(rows) + "\n",
        f"{module}_biases.mem": "\n".join(fold.bias_rows(layer, folding)) + "\n",
    }


def layer_module(module: str, layer: DenseLayer, folding: Folding) -> str:
    """The Verilog of one layer: its sums, their casts, a register."""
    accum = layer.accum.grid
    in_bits, out_width = layer.data.width, layer.result.width
    lanes = folding.lanes_out
    return f"""\
{requantize_module(f"{module}_requantize", accum, layer.casts)}
// {describe(layer, folding)}
// in: {_lanes(folding.inputs, layer.data)}; weights: {layer.weight}; sums: {accum}; out: {_lanes(lanes, layer.result)}
(* keep_hierarchy = "yes" *)
module {module} (
    input  wire {_range(folding.inputs * in_bits)} in_data,
    input  wire in_valid,
    output wire in_ready,
    output wire {_range(lanes * out_width)} out_data,
    output wire out_valid,
    input  wire out_ready,
    input  wire clk,
    input  wire rst
);
    wire {_range(lanes * accum.width)} sum_data;
    wire {_range(lanes * out_width)} result_data;
    wire sum_valid, sum_ready;

    {_core(module, layer, folding)} sums (
        .clk(clk), .rst(rst),
        .in_data(in_data), .in_valid(in_valid), .in_ready(in_ready),
        .sum_data(sum_data), .sum_valid(sum_valid), .sum_ready(sum_ready)
    );

    genvar i;
    generate
        for (i = 0; i < {lanes}; i = i + 1) begin : lane
            {module}_requantize requantize (
                .value(sum_data[i*{accum.width} +: {accum.width}]),
                .result(result_data[i*{out_width} +: {out_width}])
            );
        end
    endgenerate

    stream_register #(.WIDTH({lanes * out_width})) result (
        .clk(clk), .rst(rst),
        .in_data(result_data), .in_valid(sum_valid), .in_ready(sum_ready),
        .out_data(out_data), .out_valid(out_valid), .out_ready(out_ready)
    );
endmodule
"""


def _core(module: str, layer: DenseLayer, folding: Folding) -> str:
    common = {
        "Q": folding.outputs,
        "P_OUT": folding.lanes_out,
        "X_WIDTH": layer.data.width,
        "X_SIGNED": int(layer.data.signed),
        "W_WIDTH": layer.weight.width,
        "SHIFT": layer.shift,
        "ACC_WIDTH": layer.accum.width,
        "BIASES": f'"{module}_biases.mem"',
    }
    if folding.streams:
        name = "dense_stream"
        own = {"BEATS": folding.steps, "P": folding.inputs, "WEIGHTS": f'"{module}_weights.mem"'}
    else:
        name = "dense_program"
        own = {
            "N_IN": layer.n_in,
            "STEPS": folding.steps,
            "GROUPS": folding.groups,
            "Q_FINAL": layer.n_out - (folding.groups - 1) * folding.outputs,
            "PROGRAM": f'"{module}_weights.mem"',
        }
    parameters = ", ".join(f".{key}({value})" for key, value in (own | common).items())
    return f"{name} #(\n        {parameters}\n    )"


def _range(bits: int) -> str:
    return f"[{bits - 1}:0]"


def _lanes(count: int, type_: FixedType) -> str:
    return f"{count} x {type_.grid}" if count > 1 else str(type_.grid)
