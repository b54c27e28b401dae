"""What steps give of constants alone, computed before anything else: weights behind quantizers, shapes, moves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hlsflow.foundation.strict_read import brief
from hlsflow.frontends.onnx.graph import Step
from hlsflow.frontends.onnx.quantizer import exponent_of, linear_scale, quantizer_of
from hlsflow.frontends.onnx.value import Constant
from hlsflow.network.quantizers import NotExact

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

# What only moves constants, grids and all.
_MOVES = frozenset(("Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"))
# What is computed of constants, and how many values it may give.
_ELEMENTWISE = frozenset(
    "Add Sub Mul Div Min Max Pow Sqrt Reciprocal Neg Abs Exp Floor Ceil Round Cast Equal Where".split()
)
_FOLDED = frozenset("Shape Size Gather Slice Concat Split ConstantOfShape Expand Range ReduceProd".split())
_MOST_VALUES = 1 << 26


def folded(step: Step, constants: Mapping[str, Constant], opset: int) -> list[Constant]:
    """The outputs of a step whose inputs are all constants. Raises NotExact."""
    if step.op in ("Quant", "IntQuant", "BipolarQuant") and step.is_quantizer:
        return [_quantized(step, constants)]
    if step.domain:
        raise NotExact(f"{step.op} of a constant", "its result as a constant")
    if step.op == "DequantizeLinear":
        return [_dequantized(step, constants)]
    if step.op not in _MOVES | _ELEMENTWISE | _FOLDED:
        raise NotExact(f"{step.op} of constants is not computed", "its result as a constant, e.g. by onnxsim")
    first = constants[step.inputs[0]] if step.inputs else None
    if step.op in _MOVES and first is not None and first.integers is not None and first.scale is not None:
        import numpy as np

        whole = np.broadcast_to(first.scale, first.integers.shape)
        known = {name: constants[name].values for name in step.inputs if name}
        values, integers, scale = (
            _evaluated(step, {**known, step.inputs[0]: array}, opset)[0]
            for array in (first.values, first.integers, whole)
        )
        return [Constant(values=values, integers=integers, scale=scale, type=first.type)]
    found = _evaluated(step, {name: constants[name].values for name in step.inputs if name}, opset)
    kept = first.type if step.op in _MOVES and first is not None else None
    return [Constant(values=values, type=kept) for values in found]


def _evaluated(step: Step, values: Mapping[str, Array], opset: int) -> list[Array]:
    import numpy as np
    from onnx import TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    if _count(step, values) > _MOST_VALUES:
        raise NotExact(f"{step.op} of constants gives more than {_MOST_VALUES:,} values", "a smaller constant")
    said = {key: value if not hasattr(value, "dtype") else _tensor(value) for key, value in step.attributes.items()}
    node = helper.make_node(step.op, list(step.inputs), list(step.outputs), **said)
    names = list(dict.fromkeys(name for name in step.inputs if name))
    given = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(values[name].dtype), None)
             for name in names]  # fmt: skip
    results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in step.outputs]
    graph = helper.make_graph([node], "constant", given, results)
    try:
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        found: Any = ReferenceEvaluator(model).run(None, {name: values[name] for name in names})
    except Exception as error:  # whatever an operator of ONNX' evaluator makes of what a file says
        reason = f"{step.op} of constants cannot be computed: {brief(str(error))}"
        raise NotExact(reason, "its result as a constant") from error
    return [np.asarray(item) for item in found]


def _count(step: Step, values: Mapping[str, Array]) -> float:
    """How many values a step gives at most."""
    import numpy as np

    arrays = [values[name] for name in step.inputs if name]
    whole = float(sum(array.size for array in arrays))
    last = np.abs(arrays[-1].astype(np.float64)) if arrays else np.zeros(0)
    match step.op:
        case "Expand" | "ConstantOfShape":
            shape = np.maximum(last, 1).prod() if last.size <= 8 else np.inf
            return whole * float(shape) if step.op == "Expand" else float(shape)
        case "Range":
            start, end, step_ = (float(array.ravel()[0]) for array in arrays)
            return abs(end - start) / abs(step_) if step_ else np.inf
        case "Gather":
            return float(arrays[0].size) * float(arrays[1].size)
        case op if op in _ELEMENTWISE:
            return float(np.prod([float(size) for size in np.broadcast_shapes(*(array.shape for array in arrays))]))
    return whole


def _tensor(values: Array) -> Any:
    from onnx import numpy_helper

    return numpy_helper.from_array(values)


def _quantized(step: Step, constants: Mapping[str, Constant]) -> Constant:
    import numpy as np

    found = quantizer_of(step, {name: item.values for name, item in constants.items()}, of_constant=True)
    given = constants[step.inputs[0]].values
    try:
        integers = np.asarray(found.integers(given), dtype=np.float64)
        np.broadcast_shapes(given.shape, found.scale.shape)
    except ValueError as error:
        reason = f"a scale of the shape {found.scale.shape} for values of {given.shape}"
        raise NotExact(reason, "scales by channel") from error
    return _on_grid(integers, found.scale, found.type_of_weights())


def _dequantized(step: Step, constants: Mapping[str, Constant]) -> Constant:
    import numpy as np

    integers = constants[step.inputs[0]].values
    scale, zero = linear_scale(step, {name: item.values for name, item in constants.items()}, integers.ndim)
    return _on_grid(integers.astype(np.float64) - zero, scale, None)


def _on_grid(integers: Array, scale: Array, type_: Any) -> Constant:
    """Integers times a scale: the values themselves where all scales are powers of two."""
    import numpy as np

    values = integers * scale
    if all(exponent_of(np.asarray(item)) is not None for item in np.unique(scale)):
        return Constant(values=values, type=type_)
    return Constant(values=values, integers=integers, scale=scale)
