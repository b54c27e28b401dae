"""The model as its framework evaluates it: over whole batches, and in float64 where float32 rounds its sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hlsflow.frontends.contract import Float
from hlsflow.frontends.onnx.graph import CHANNELS_LAST, Graph, Step
from hlsflow.frontends.onnx.value import Constant

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

_SHAPES = frozenset(("Reshape", "Flatten"))
# Integers that a step reads as settings, and no values.
_WHOLE = "iub"


def witness_model(
    graph: Graph, constants: Mapping[str, Constant], shapes: Mapping[str, tuple[int, ...]], wanted: Sequence[str],
    batch: int, float_: Float,
) -> Any:  # fmt: skip
    """A ModelProto that gives the wanted tensors for so many samples at once, its constants and values of one float.

    Its steps are the model's own. What steps give of constants alone is a constant, and the shapes of a Reshape, which
    a file may state for a batch of one, are those of the tensors.
    """
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    kind, element = (np.float32, TensorProto.FLOAT) if float_ == "float32" else (np.float64, TensorProto.DOUBLE)
    arrays: dict[str, Array] = {}
    nodes = []
    for step in _needed(graph, constants, wanted):
        inputs = list(step.inputs)
        op, said = step.op, dict(step.attributes)
        if op in _SHAPES and not step.domain:
            op, said = "Reshape", {}
            shape = f"{step.outputs[0]}:shape"
            arrays[shape] = np.array([-1, *shapes[step.outputs[0]]], dtype=np.int64)
            inputs = [inputs[0], shape]
        if op == "Cast" and not step.domain:
            op, said = "Identity", {}
        for name in inputs:
            if name in constants:
                values = constants[name].values
                arrays[name] = values if values.dtype.kind in _WHOLE else values.astype(kind)
        said = {
            key: numpy_helper.from_array(value) if hasattr(value, "dtype") else value for key, value in said.items()
        }
        nodes.append(helper.make_node(op, inputs, list(step.outputs), name=step.name, domain=step.domain, **said))
    info = helper.make_tensor_value_info
    kinds = dict.fromkeys(shapes, element) | _whole(graph, constants)
    known = [info(name, kinds[name], [batch, *shape]) for name, shape in shapes.items() if name not in graph.inputs]
    domains = dict.fromkeys(step.domain for step in graph.steps if step.domain)
    found = helper.make_graph(
        nodes,
        "witness",
        [info(name, element, [batch, *shape]) for name, shape in graph.inputs.items()],
        [info(name, element, [batch, *shapes[name]]) for name in wanted],
        [numpy_helper.from_array(np.ascontiguousarray(values), name) for name, values in arrays.items()],
        value_info=[item for item in known if item.name not in wanted],
    )
    # qonnx takes the version of operators over channels that stand last for that of ONNX' own.
    versions = {domain: graph.opset if domain == CHANNELS_LAST else 1 for domain in domains}
    opsets = [helper.make_opsetid("", graph.opset), *(helper.make_opsetid(*item) for item in versions.items())]
    model = helper.make_model(found, opset_imports=opsets)
    # What every runtime of these operators' age reads.
    model.ir_version = min(model.ir_version, 8)
    return model


def _whole(graph: Graph, constants: Mapping[str, Constant]) -> dict[str, int]:
    """The element types of tensors that hold integers: what a QuantizeLinear gives."""
    from onnx import TensorProto, helper

    found = {}
    for step in graph.steps:
        if step.op == "QuantizeLinear" and not step.domain:
            zero = constants.get(step.inputs[2]) if len(step.inputs) > 2 else None
            found[step.outputs[0]] = (
                TensorProto.UINT8 if zero is None else helper.np_dtype_to_tensor_dtype(zero.values.dtype)
            )
    return found


def _needed(graph: Graph, constants: Mapping[str, Constant], wanted: Sequence[str]) -> list[Step]:
    """The steps that the wanted tensors rest on, without those of constants alone."""
    tensors, found = set(wanted), []
    for step in reversed(graph.steps):
        if tensors.intersection(step.outputs) and not all(name in constants for name in step.outputs if name):
            found.append(step)
            tensors.update(step.inputs)
    return found[::-1]
