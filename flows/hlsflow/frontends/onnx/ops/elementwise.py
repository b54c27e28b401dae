"""Sums, products and the like of two tensors, or of a tensor and constants; batch normalizations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hlsflow.frontends.nodes.entries import by_twos
from hlsflow.frontends.onnx.conversion import Conversion
from hlsflow.frontends.onnx.graph import CHANNELS_LAST, Step
from hlsflow.frontends.onnx.value import Value
from hlsflow.network.graph import Op
from hlsflow.network.quantizers import NotExact

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

# hls4ml's names of what merges two tensors.
_MERGES = {"Add": "add", "Sum": "add", "Sub": "subtract", "Mul": "multiply", "Max": "maximum", "Min": "minimum"}


def arithmetic(conversion: Conversion, step: Step) -> Value:
    """Add, Sub, Mul, Div, Max, Min and Sum."""
    constants = [name for name in step.inputs if name in conversion.constants]
    if not constants and step.op in _MERGES:
        return _merge(conversion, step)
    if len(step.inputs) != 2 or step.op in ("Max", "Min", "Sum"):
        raise NotExact(f"{step.op} of values and constants", "Clip, or an Add for each constant")
    if not constants:
        raise NotExact("it divides values by values", "a Div by a constant")
    return _with_constant(conversion, step)


def _with_constant(conversion: Conversion, step: Step) -> Value:
    import numpy as np

    at = 0 if step.inputs[0] in conversion.constants else 1
    value = conversion.value(step, 1 - at)
    constant = _by_sample(conversion.constants[step.inputs[at]].values.astype(np.float64), value.shape)
    one, none = np.ones(()), np.zeros(())
    match step.op, at:
        case "Add", _:
            factor, offset = one, constant
        case "Sub", 1:
            factor, offset = one, -constant
        case "Sub", _:
            factor, offset = -one, constant
        case "Mul", _:
            factor, offset = constant, none
        case "Div", 1 if constant.all():
            factor, offset = 1 / constant, none
        case _:
            raise NotExact("it divides a constant by values, or by zero", "a Div by a constant")
    return affine(conversion, step, value, factor, offset)


def affine(conversion: Conversion, step: Step, value: Value, factor: Array, offset: Array) -> Value:
    """A tensor times a factor plus an offset, which wait."""
    if value.rectified and (offset.any() or (factor <= 0).any()):
        value = conversion.settled(value)
    return value.scaled(factor, offset).of(tensor=step.outputs[0], maker=step)


def negative(conversion: Conversion, step: Step) -> Value:
    import numpy as np

    return affine(conversion, step, conversion.value(step), np.full((), -1.0), np.zeros(()))


def _by_sample(constant: Array, shape: tuple[int, ...]) -> Array:
    """A constant as it broadcasts to one sample. Raises NotExact where it does not, or makes the tensor larger."""
    import numpy as np

    found = constant
    if found.ndim > len(shape):
        if found.ndim > len(shape) + 1 or found.shape[0] != 1:
            raise NotExact(f"a constant of the shape {constant.shape} for values of {shape}", "constants by channel")
        found = found[0]
    try:
        fits = np.broadcast_shapes(found.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise NotExact(f"a constant of the shape {constant.shape} for values of {shape}", "constants by channel")
    return found


def _merge(conversion: Conversion, step: Step) -> Value:
    import numpy as np

    values = [conversion.value(step, index) for index in range(len(step.inputs))]
    function = _MERGES[step.op]
    if len(values) == 1:
        return values[0].of(tensor=step.outputs[0], maker=step)
    if len({value.shape for value in values}) > 1:
        shapes = " and ".join(str(value.shape) for value in values)
        raise NotExact(f"{step.op} of tensors of the shapes {shapes}", "tensors of one shape")
    singles = [value.single_scale for value in values]
    single = singles[0]
    if single is None or single <= 0 or any(other != single for other in singles):
        values, single = [conversion.settled(value) for value in values], 1.0
    if step.op == "Mul":
        single = single ** len(values)
    values = conversion.alike(values, step)
    name = conversion.fresh(conversion.base(step))
    shape = conversion.shapes[values[0].node]
    node = name
    for merge, both in by_twos(name, [value.node for value in values]):
        entry = {"name": merge, "class_name": "Merge", "inputs": both, "data_format": "channels_last", "op": function}
        node = conversion.put(conversion.node(entry, Op.MERGE, shape, step, function=function))
    return Value(
        node=node, index=values[0].index, tensor=step.outputs[0], maker=step, scale=np.full((), single)
    )  # fmt: skip


def batch_norm(conversion: Conversion, step: Step) -> Value:
    import numpy as np

    if step.attributes.get("training_mode") or len([name for name in step.outputs if name]) > 1:
        raise NotExact("it normalizes by the batch itself", "model.eval() before the export")
    value = conversion.value(step)
    found = [conversion.constant(step, index) for index in range(1, 5)]
    arrays = [item.values.astype(np.float64) for item in found if item is not None]
    last = step.domain == CHANNELS_LAST
    channels = value.shape[-1] if last else value.shape[0]
    if len(arrays) != 4 or any(array.shape != (channels,) for array in arrays):
        raise NotExact(
            f"constants of the shapes {', '.join(str(array.shape) for array in arrays)} for {channels} channels",
            "a scale, a bias, a mean and a variance for each channel",
        )
    gamma, beta, mean, variance = arrays
    epsilon = float(np.float32(step.attributes.get("epsilon", 1e-5)))
    if (variance + epsilon <= 0).any():
        raise NotExact("a variance below zero", "train it again, or find out why")
    factor = gamma / np.sqrt(variance + epsilon)
    spread = (channels,) if last else (channels, *(1 for _ in value.shape[1:]))
    offset = beta - mean * factor
    return affine(conversion, step, value, factor.reshape(spread), offset.reshape(spread))
