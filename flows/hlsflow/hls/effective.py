"""What hls4ml wrote against what was asked of it: every layer there, every type, constant, strategy and reuse factor,
the ports and the target, as planned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hlsflow.foundation.errors import ToolError
from hlsflow.hls.config import HlsConfig
from hlsflow.hls.effective_target import interface_problems, target_problems
from hlsflow.hls.project import HlsProject, destinations
from hlsflow.hls.source import Call, Config
from hlsflow.network.element_types import ElementTypes
from hlsflow.network.fixed_point import FixedType, to_integers
from hlsflow.network.graph import MULTIPLIES, OPERATIONS, Op
from hlsflow.network.layer_types import LayerTypes
from hlsflow.network.ranges import softmax_table_sizes

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


# Where the roles stand in the configuration struct that hls4ml writes for a layer.
def verify(project: HlsProject, layers: Sequence[LayerTypes], config: HlsConfig) -> None:
    """Raises ToolError naming every place where the written project is not the planned one."""
    problems: list[str] = []
    done = {layer.node.name: layer for layer in layers}
    for layer in layers:
        node = layer.node
        skipped = node.op is Op.SOFTMAX and config.layer(node.name).skip
        if node.op in (Op.INPUT, Op.RESHAPE) or skipped:
            continue
        calls = project.calls_of(node.name)
        if not calls and node.function == "linear" and done[node.inputs[0]].result.grid == layer.result.grid:
            # hls4ml leaves out what assigns values of a type to that very type.
            continue
        if len(calls) != 1:
            problems.append(f"layer '{node.name}': {len(calls)} calls in the C++ where one was due")
            continue
        problems += [f"layer '{node.name}': {problem}" for problem in _layer_problems(project, layer, calls[0], config)]
    problems += [*interface_problems(project, layers, config), *target_problems(project, config)]
    if problems:
        raise ToolError(
            "hls4ml wrote another project than was asked for:\n  " + "\n  ".join(problems),
            hint="this is no fault of yours; please report it with the configuration",
        )


def _layer_problems(project: HlsProject, layer: LayerTypes, call: Call, config: HlsConfig) -> list[str]:
    node = layer.node
    problems = []
    if node.op in (Op.ACTIVATION, Op.MERGE, Op.TABLE) and call.function != node.function:
        problems.append(f"nnet::{call.function} in the C++, {node.function} planned")
    if "param" in layer.types and project.type_of(call.template[1]) != layer.types["param"]:
        problems.append(f"param is {project.type_of(call.template[1])} in the C++, {layer.types['param']} planned")
    if node.op is Op.QUANTIZE:
        problems += _element_problems(project, layer, call, config)
    if node.op is not Op.RESIZE:
        found = project.type_of(call.template[-2])
        if found.grid != layer.result.grid or (node.op not in (Op.PAD, Op.TRANSPOSE) and found != layer.result):
            problems.append(f"result is {found} in the C++, {layer.result} planned")
    struct = project.configs.get(call.template[-1])
    if struct is None:
        return problems
    if "mult_config" in struct.values:
        mult = project.configs[struct.values["mult_config"]]
        struct = Config(name=struct.name, values={**mult.values, **struct.values, **_only_types(mult)})
    # An argmax has no tables, so hls4ml writes none of their types.
    argmax = node.op is Op.SOFTMAX and config.layer(node.name).implementation == "argmax"
    for role in () if argmax else OPERATIONS[node.op].struct_roles:
        planned = layer.types.get(role)
        if planned is not None and project.layer_type(struct, f"{role}_t") != planned:
            problems.append(f"{role} is {project.layer_type(struct, f'{role}_t')} in the C++, {planned} planned")
    if node.op in MULTIPLIES:
        problems += _multiplier_problems(layer, struct, config)
    if node.op is Op.SOFTMAX:
        problems += _softmax_problems(layer, struct, config)
    if node.op is Op.TABLE and struct.integer("table_size") != node.attributes["table_size"]:
        size, planned = struct.integer("table_size"), node.attributes["table_size"]
        problems.append(f"table_size is {size} in the C++, {planned} planned")
    problems += _window_problems(layer, _with_pads(project, call, struct))
    if node.function.startswith("hard_"):
        shapes = {key: struct.values.get(key) for key in ("slope", "shift")}
        problems += [f"{key} is {text} in the C++, 0.5 planned" for key, text in shapes.items() if text != "0.5"]
    return problems + _constant_problems(project, layer, call, config)


def _element_problems(project: HlsProject, layer: LayerTypes, call: Call, config: HlsConfig) -> list[str]:
    types, shape = ElementTypes.read(layer.node.attributes), layer.node.shape
    read = project.element_types.get(call.function, ())
    planned = types.over(((1,) * (len(shape) - 1) + shape[-1:]) if config.io_type == "io_stream" else shape)
    return [] if list(read) == planned else ["the types of single elements in the C++ are not the planned ones"]


def _only_types(config: Config) -> dict[str, str]:
    return {key: value for key, value in config.values.items() if key.endswith("_t")}


def _multiplier_problems(layer: LayerTypes, struct: Config, config: HlsConfig) -> list[str]:
    node = layer.node
    problems = []
    strategy = struct.values.get("strategy", "").rsplit("::", 1)[-1]
    if strategy != config.strategy_of(node.name):
        problems.append(f"strategy is {strategy} in the C++, {config.strategy_of(node.name)} planned")
    reuse = struct.integer("reuse_factor")
    if reuse != config.reuse_factor_of(node.name):
        problems.append(f"reuse factor is {reuse} in the C++, {config.reuse_factor_of(node.name)} planned")
    if not struct.values.get("product", "").endswith("::mult"):
        problems.append(f"products are {struct.values.get('product')}, not plain multiplications")
    return problems


def _softmax_problems(layer: LayerTypes, struct: Config, config: HlsConfig) -> list[str]:
    implementation = config.layer(layer.node.name).implementation or "stable"
    found = struct.values.get("implementation", "").rsplit("::", 1)[-1]
    problems = [] if found == implementation else [f"implementation is {found} in the C++, {implementation} planned"]
    if struct.integer("n_slice") != layer.node.shape[-1]:
        problems.append(f"n_slice is {struct.integer('n_slice')} in the C++, {layer.node.shape[-1]} planned")
    if implementation == "stable":
        sizes = zip(("exp_table_size", "inv_table_size"), softmax_table_sizes(layer), strict=True)
        for key, planned in sizes:
            if struct.integer(key) != planned:
                problems.append(f"{key} is {struct.integer(key)} in the C++, {planned} planned")
        if float(struct.values.get("exp_scale", "nan")) != 1.0:
            problems.append(f"exp_scale is {struct.values.get('exp_scale')} in the C++, 1 planned")
    return problems


def _with_pads(project: HlsProject, call: Call, struct: Config) -> Config:
    """A window's configuration; hls4ml pads a stream by a call of its own before a convolution that pads no more."""
    own = [f"zp{dimensions}d_{call.layer}" for dimensions in (1, 2)]
    for before in project.calls:
        if before.layer in own and call.arguments[0] in destinations(before):
            pads = project.configs[before.template[-1]].values
            padded = {key: text for key, text in pads.items() if key.startswith("pad_")}
            return Config(name=struct.name, values={**struct.values, **padded})
    return struct


def _window_problems(layer: LayerTypes, struct: Config) -> list[str]:
    """Strides, pads and sizes of windows; a struct leaves out what its function does not take."""
    problems = []
    for key, planned in layer.node.attributes.items():
        if not key.startswith(("stride_", "pad_", "pool_")) or key not in struct.values:
            continue
        # The struct of a global pooling has the strides of its one window, which nothing reads.
        if layer.node.attributes.get("global") and key.startswith("stride_"):
            continue
        if struct.integer(key) != planned:
            problems.append(f"{key} is {struct.integer(key)} in the C++, {planned} planned")
    return problems


def _constant_problems(project: HlsProject, layer: LayerTypes, call: Call, config: HlsConfig) -> list[str]:
    """The values of weights, biases, scales and slopes, as the C simulation reads them and as HLS compiles them in."""
    node = layer.node
    if node.function == "leaky_relu":
        slope = float(layer.arrays["param"][0] * layer.types["param"].lsb)
        same = _as_number(call.arguments[1]) == slope
        return [] if same else [f"the slope is {call.arguments[1]} in the C++, {slope:g} planned"]
    first = 1 if node.op is Op.PRELU else 2
    problems = []
    for place, role in enumerate(role for role in ("weight", "scale", "param", "bias") if role in layer.arrays):
        name, type_, planned = call.arguments[first + place], layer.types[role], layer.arrays[role]
        if role == "weight" and node.op is not Op.DEPTHWISE and config.strategy_of(node.name) == "resource":
            # The resource strategy stores a matrix with its axes exchanged.
            planned = planned.reshape(-1, planned.shape[-1]).T
        for file, values in ((f"{name}.txt", project.weights(name)), (f"{name}.h", project.compiled_weights(name))):
            if not _same(values, planned, type_):
                problems.append(f"the values of the {role} in {file} are not the planned ones")
    return problems


def _as_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _same(written: Array, planned: Array, type_: FixedType) -> bool:
    import numpy as np

    try:
        return np.array_equal(to_integers(written, type_.fraction), planned.ravel())
    except ValueError:
        return False
