"""What hls4ml wrote against what was asked of it: every layer there, every type, weight and reuse factor as planned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hlsflow.conversion.fixed_point import FixedType, to_integers
from hlsflow.conversion.hls_config import HlsConfig
from hlsflow.conversion.layer_types import LayerTypes
from hlsflow.conversion.network import MULTIPLIES, Op
from hlsflow.conversion.project import Call, Config, HlsProject
from hlsflow.errors import ToolError

if TYPE_CHECKING:
    import numpy as np

# Where the roles stand in the configuration struct that hls4ml writes for a layer.
_CONFIG_ROLES = {
    Op.DENSE: ("weight", "bias", "accum"),
    Op.CONV: ("weight", "bias", "accum"),
    Op.DEPTHWISE: ("weight", "bias", "accum"),
    Op.SCALE: ("scale", "bias"),
    Op.MAX_POOL: ("accum",),
    Op.AVERAGE_POOL: ("accum",),
    Op.SOFTMAX: ("exp_table", "inv_table", "inp_norm", "inv_inp", "accum"),
}


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
    for port, layer in zip(project.inputs, (item for item in layers if item.node.op is Op.INPUT), strict=False):
        found = project.type_of(port.type_name)
        if found != layer.result:
            problems.append(f"input '{port.name}': {found} in the C++, {layer.result} planned")
    if problems:
        raise ToolError(
            "hls4ml wrote another project than was asked for:\n  " + "\n  ".join(problems),
            hint="this is no fault of yours; please report it with the configuration",
        )


def _layer_problems(project: HlsProject, layer: LayerTypes, call: Call, config: HlsConfig) -> list[str]:
    node = layer.node
    problems = []
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
    for role in () if argmax else _CONFIG_ROLES.get(node.op, ()):
        planned = layer.types.get(role)
        if planned is not None and project.layer_type(struct, f"{role}_t") != planned:
            problems.append(f"{role} is {project.layer_type(struct, f'{role}_t')} in the C++, {planned} planned")
    if node.op in MULTIPLIES:
        problems += _multiplier_problems(project, layer, call, struct, config)
    return problems


def _only_types(config: Config) -> dict[str, str]:
    return {key: value for key, value in config.values.items() if key.endswith("_t")}


def _multiplier_problems(
    project: HlsProject, layer: LayerTypes, call: Call, struct: Config, config: HlsConfig
) -> list[str]:
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
    # The resource strategy stores a matrix with its axes exchanged.
    planned = layer.arrays["weight"]
    if strategy == "resource" and node.op is not Op.DEPTHWISE:
        planned = planned.reshape(-1, planned.shape[-1]).T
    pairs: list[tuple[str, str, np.ndarray, FixedType]] = [
        ("weight", call.arguments[2], planned, layer.types["weight"])
    ]
    if "bias" in layer.arrays:
        pairs.append(("bias", call.arguments[3], layer.arrays["bias"], layer.types["bias"]))
    for role, name, values, type_ in pairs:
        if not _same(project.weights(name), values, type_):
            problems.append(f"the values of the {role} in {name}.txt are not the planned ones")
    return problems


def _same(written: np.ndarray, planned: np.ndarray, type_: FixedType) -> bool:
    import numpy as np

    try:
        return np.array_equal(to_integers(written, type_.fraction), planned.ravel())
    except ValueError:
        return False
