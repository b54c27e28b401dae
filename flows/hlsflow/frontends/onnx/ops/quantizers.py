"""Quantizers of values: those of QONNX, and QuantizeLinear with DequantizeLinear.

With one scale that is a power of two the values are those of a fixed-point type. With any other one the hardware has
the integers, and the scale waits for what reads them: a product passes it on, and the next quantizer divides by its own
on the way in. What is multiplied and added there is a batch normalization in front of a quantizer, for which
`network.batch_norm` finds short constants that give the same integers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hlsflow.frontends.nodes.entries import function_entry
from hlsflow.frontends.nodes.parts import Parts
from hlsflow.frontends.onnx.conversion import Conversion
from hlsflow.frontends.onnx.graph import Step
from hlsflow.frontends.onnx.quantizer import (
    ROUNDINGS,
    Quantizer,
    linear_quantizer,
    linear_scale,
    quantizer_of,
)
from hlsflow.frontends.onnx.value import Value
from hlsflow.network.fixed_point import FixedType, Rounding
from hlsflow.network.graph import Op
from hlsflow.network.quantizers import SIGN, NotExact

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


def quant(conversion: Conversion, step: Step) -> Value:
    constants = {name: item.values for name, item in conversion.constants.items()}
    return quantized(conversion, step, conversion.value(step), quantizer_of(step, constants))


def quantize_linear(conversion: Conversion, step: Step) -> Value:
    """The real values of the integers that it gives: what reads them is a DequantizeLinear with the same settings."""
    value = conversion.value(step)
    rank = len(value.shape) + 1
    constants = {name: item.values for name, item in conversion.constants.items()}
    found = linear_quantizer(step, constants, rank)
    for reader in conversion.graph.readers(step.outputs[0]):
        other = linear_scale(reader, constants, rank) if reader.op == "DequantizeLinear" else None
        if other is None or (other[0] != found.scale).any() or (other[1] != found.zero).any():
            raise NotExact(
                f"its integers are read by {reader.op} '{reader.name}'",
                "a DequantizeLinear of the same scale and zero point behind it (the format QDQ, not QOperator)",
            )
    if step.outputs[0] in conversion.graph.outputs:
        raise NotExact("its integers are an output", "a DequantizeLinear behind it")
    return quantized(conversion, step, value, found)


def dequantize_linear(conversion: Conversion, step: Step) -> Value:
    return conversion.value(step).of(tensor=step.outputs[0], maker=step)


def quantized(conversion: Conversion, step: Step, value: Value, found: Quantizer) -> Value:
    """A tensor as a quantizer gives it."""

    scale, zero = (_of_sample(array, value) for array in (found.scale, found.zero))
    if found.after and (zero % 2).any():
        raise NotExact("an odd zero point, which decides how ties are rounded", "an even zero point, such as 0 or 128")
    name = conversion.fresh(conversion.base(step))
    if found.is_sign:
        return _sign(conversion, step, value, found, name, scale)
    exponent = found.exponent
    rectified = value.rectified
    if rectified and (zero.any() or found.low > 0):
        value, rectified = conversion.settled(value), False
    if exponent is None:
        value = value.scaled(1 / scale, zero)
    value = conversion.scaled(value, step, conversion.fresh(f"{name}_scaled"))
    type_ = found.type(0 if exponent is None else -exponent)
    function = "relu" if rectified else "linear"
    shape = conversion.shapes[value.node]
    most = found.narrow and not found.signed
    made = function_entry(conversion.fresh(f"{name}_full") if most else name, [value.node], function)
    node = conversion.put(conversion.node(made, Op.ACTIVATION, shape, step, function=function,
                                          declared={"result": type_}))  # fmt: skip
    if most:
        parts = Parts(conversion, {"name": name, "inputs": [node]}, step)
        parts.at_most(found.high * type_.lsb)
        node = conversion.put(*parts.made())
    result = Value(node=node, index=value.index, tensor=step.outputs[0], maker=step)
    if exponent is not None:
        return result
    if zero.any():
        result = conversion.scaled(result.of(shift=-zero), step, conversion.fresh(f"{name}_from_zero"))
    return result.of(scale=scale)


def _sign(
    conversion: Conversion, step: Step, value: Value, found: Quantizer, name: str, scale: Array
) -> Value:  # fmt: skip
    """-1 and 1, the latter at zero, times the scale."""
    import numpy as np

    if found.zero.any():
        raise NotExact("a sign with a zero point", "a zero point of 0")
    value = conversion.settled(value) if value.rectified else value
    if (value.scale > 0).all() and not value.shift.any():
        # No factor above zero changes a sign.
        value = value.of(scale=np.ones(()))
    value = conversion.scaled(value, step, conversion.fresh(f"{name}_scaled"), apart=True)
    shape = conversion.shapes[value.node]
    made = function_entry(name, [value.node], "binary_tanh")
    node = conversion.put(
        conversion.node(made, Op.ACTIVATION, shape, step, function="binary_tanh", declared={"result": SIGN})
    )
    return Value(node=node, index=value.index, tensor=step.outputs[0], maker=step, scale=scale)


def _of_sample(array: Array, value: Value) -> Array:
    """A scale or a zero point as it broadcasts to one sample; a single one has no axes."""
    import numpy as np

    if array.size == 1:
        return array.reshape(())
    rank = len(value.shape)
    found = array[0] if array.ndim == rank + 1 and array.shape[0] == 1 else array
    try:
        if np.broadcast_shapes(found.shape, value.shape) == value.shape:
            return found
    except ValueError:
        pass
    raise NotExact(f"scales of the shape {array.shape} for values of {value.shape}", "one scale, or one by channel")


def trunc(conversion: Conversion, step: Step) -> Value:
    """Integers in steps of 2**k of them: cut off, and then counted in those steps. Their zero point is 0."""
    import numpy as np

    if len(step.inputs) != 5:
        raise NotExact(f"a Trunc of {len(step.inputs)} inputs", "its value, scale, zero point and both widths")
    found = [conversion.constant(step, index) for index in range(1, 5)]
    scale, zero, before, after = (np.zeros(()) if item is None else item.values.astype(np.float64) for item in found)
    rounding = ROUNDINGS.get(str(step.attributes.get("rounding_mode", "FLOOR")).upper())
    if scale.size != 1 or zero.any() or before.size != 1 or after.size != 1 or rounding is None:
        raise NotExact("a Trunc by channel, with a zero point, or rounding as ap_fixed does not", "FLOOR, one scale")
    cut = float(before.ravel()[0] - after.ravel()[0])
    single = float(scale.ravel()[0])
    if cut % 1 or not 0 <= cut <= 24 or single <= 0:
        raise NotExact(f"it cuts {cut:g} bits off values of scale {single:g}", "whole bits, and a scale above zero")
    value = conversion.value(step)
    value = value if value.single_scale == single else conversion.settled(value)
    if value.single_scale != single:
        # In units of the scale they are whole.
        value = value.scaled(np.full((), 1 / single), np.zeros(()))
        value = conversion.scaled(value, step, conversion.fresh(f"{conversion.base(step)}_scaled"))
    wide = FixedType(width=32, integer=32 + int(cut), signed=True, rounding=Rounding(rounding))
    name = conversion.fresh(conversion.base(step))
    shape = conversion.shapes[value.node]
    # The integers that it rounds first: a mean may lie between them.
    whole = FixedType(width=32, integer=32, signed=True, rounding=Rounding.RND_CONV)
    first = function_entry(conversion.fresh(f"{name}_whole"), [value.node], "linear")
    node = conversion.put(
        conversion.node(first, Op.ACTIVATION, shape, step, function="linear", declared={"result": whole})
    )
    last = function_entry(name, [node], "linear")
    node = conversion.put(
        conversion.node(last, Op.ACTIVATION, shape, step, function="linear", declared={"result": wide})
    )
    return Value(
        node=node, index=value.index, tensor=step.outputs[0], maker=step, scale=np.full((), single * 2.0**-cut)
    )  # fmt: skip
