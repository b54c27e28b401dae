"""Functions of single values, and softmax."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

from hlsflow.frontends.nodes.parts import Parts
from hlsflow.frontends.onnx.conversion import Conversion
from hlsflow.frontends.onnx.graph import Step
from hlsflow.frontends.onnx.value import Value, plain
from hlsflow.network.graph import ROUNDED, Op
from hlsflow.network.quantizers import NotExact, is_short
from hlsflow.network.table_functions import SELU_ALPHA, SELU_SCALE

_IS_ROUNDED = "is no short binary fraction, so the framework itself rounds"


def _float32(value: float) -> float:
    import numpy as np

    return float(np.float32(value))


def relu(conversion: Conversion, step: Step) -> Value:
    """It waits with the scale and the shift before it: a quantizer behind them rounds and cuts off at zero at once."""
    value = conversion.value(step)
    return value.of(tensor=step.outputs[0], maker=step, rectified=True)


def _made(conversion: Conversion, step: Step, value: Value, parts: Parts, rounded: str = "") -> Value:
    """The value of functions behind each other; `rounded` says why nothing equals it."""
    import numpy as np

    nodes = parts.made()
    if rounded:
        nodes[-1] = replace(nodes[-1], attributes={**nodes[-1].attributes, ROUNDED: rounded})
    node = conversion.put(*nodes)
    return value.of(
        node=node, tensor=step.outputs[0], maker=step, scale=np.ones(()), shift=np.zeros(()), rectified=False
    )  # fmt: skip


def leaky_relu(conversion: Conversion, step: Step) -> Value:
    import numpy as np

    slope = _float32(step.attributes.get("alpha", 0.01))
    if slope < 0:
        raise NotExact(f"the slope {slope:g} is negative: no test proves it", "e.g. alpha=0.25")
    # A scale above zero may as well come behind it.
    value = conversion.unshifted(conversion.value(step))
    parts = conversion.parts(step, value)
    parts.function(
        "leaky", "leaky_relu", arrays={"param": np.array([slope])},
        said={"class_name": "LeakyReLU", "activ_param": slope},
    )  # fmt: skip
    found = _made(conversion, step, value, parts, "" if is_short(slope) else f"the slope {slope:g} {_IS_ROUNDED}")
    return found.of(scale=value.scale)


def prelu(conversion: Conversion, step: Step) -> Value:
    import numpy as np

    found = conversion.constant(step, 1)
    value = conversion.settled(conversion.value(step))
    if found is None:
        raise NotExact("no slopes", "slopes as a constant")
    slopes = found.values.astype(np.float64)
    slopes = slopes[0] if slopes.ndim > len(value.shape) else slopes
    try:
        whole = value.in_hardware(slopes)
    except ValueError as error:
        raise NotExact(f"slopes of the shape {slopes.shape} for values of {value.shape}", "by channel") from error
    shape = conversion.shapes[value.node]
    entry = {
        "name": conversion.fresh(conversion.base(step)), "class_name": "PReLU", "inputs": [value.node],
        "data_format": "channels_last", "activation": "PReLU",
    }  # fmt: skip
    arrays = {"param": whole.reshape(shape)}
    node = conversion.put(conversion.node(entry, Op.PRELU, shape, step, arrays=arrays))
    return value.of(node=node, tensor=step.outputs[0], maker=step)


def clip(conversion: Conversion, step: Step) -> Value:
    value = conversion.value(step)
    low, high = (_bound(conversion, step, index, key) for index, key in ((1, "min"), (2, "max")))
    if low is not None and high is not None and low > high:
        raise NotExact(f"it clips to [{low:g}, {high:g}], which is empty", "a minimum below the maximum")
    if low is None and high is None:
        return value.of(tensor=step.outputs[0], maker=step)
    if low == 0 and high is None:
        return relu(conversion, step)
    value = conversion.settled(value)
    parts = conversion.parts(step, value)
    if low == 0:
        parts.function("lower", "relu")
    elif low is not None:
        parts.at_least(low)
    if high is not None:
        parts.at_most(high)
    return _made(conversion, step, value, parts)


def _bound(conversion: Conversion, step: Step, index: int, key: str) -> float | None:
    """A bound as an input (opset 11 and later) or an attribute; None where there is none, or none that float32 tells
    from infinity."""
    import numpy as np

    found = conversion.constant(step, index)
    if found is not None and found.values.size != 1:
        raise NotExact("a bound of several values", "one number")
    said = step.attributes.get(key) if found is None else float(found.values.ravel()[0])
    return None if said is None or abs(float(said)) >= float(np.finfo(np.float32).max) else _float32(float(said))


_TABLES = {"Sigmoid": "sigmoid", "Tanh": "tanh", "Softplus": "softplus", "Softsign": "softsign", "Selu": "selu"}


def table(conversion: Conversion, step: Step) -> Value:
    if step.op == "Selu":
        said = (step.attributes.get("alpha", SELU_ALPHA), step.attributes.get("gamma", SELU_SCALE))
        if any(abs(float(given) - usual) > 1e-6 for given, usual in zip(said, (SELU_ALPHA, SELU_SCALE), strict=True)):
            raise NotExact(f"alpha and gamma of {said[0]:g} and {said[1]:g}", "those that ONNX has by default")
    value = conversion.settled(conversion.value(step))
    parts = conversion.parts(step, value)
    parts.function("table", _TABLES[step.op], op=Op.TABLE)
    return _made(conversion, step, value, parts)


def elu(conversion: Conversion, step: Step) -> Value:
    """alpha * (exp(x) - 1) below zero: what hls4ml's ELU of alpha 1 gives, with a slope."""
    import numpy as np

    alpha = _float32(step.attributes.get("alpha", 1.0))
    if alpha < 0:
        raise NotExact(f"alpha is {alpha:g}, below zero", "alpha=1")
    value = conversion.settled(conversion.value(step))
    parts = conversion.parts(step, value)
    parts.function("table", "elu", op=Op.TABLE)
    if alpha != 1:
        said: dict[str, Any] = {"class_name": "LeakyReLU", "activ_param": alpha}
        parts.function("leaky", "leaky_relu", arrays={"param": np.array([alpha])}, said=said)
    return _made(conversion, step, value, parts)


def hard_sigmoid(conversion: Conversion, step: Step) -> Value:
    """max(0, min(1, alpha * x + beta))."""
    alpha, beta = (_float32(step.attributes.get(key, usual)) for key, usual in (("alpha", 0.2), ("beta", 0.5)))
    value = conversion.settled(conversion.value(step))
    parts = conversion.parts(step, value)
    parts.scale(alpha, beta)
    parts.function("from_zero", "relu")
    parts.at_most(1.0)
    short = is_short(alpha) and is_short(beta)
    return _made(conversion, step, value, parts, "" if short else f"its factor {alpha:g} {_IS_ROUNDED}")


def softmax(conversion: Conversion, step: Step) -> Value:
    value = conversion.settled(conversion.value(step))
    rank = len(value.shape)
    axis = int(step.attributes.get("axis", 1 if conversion.graph.opset < 13 else -1))
    axis = axis + rank + 1 if axis < 0 else axis
    if axis != rank:
        raise NotExact("a softmax over other axes than the last", "axis=-1")
    value = conversion.ordered(value, plain(rank), step)
    entry: dict[str, Any] = {
        "name": conversion.fresh(conversion.base(step)), "class_name": "Softmax", "inputs": [value.node],
        "data_format": "channels_last", "activation": "softmax", "axis": -1,
    }  # fmt: skip
    vectors = prod(value.shape[:-1])
    if vectors > 1:
        # All of them at once where they come at once: without it the C++ says "limit = -1".
        entry |= {"n_outer": vectors, "parallelization_factor": vectors}
    node = conversion.put(conversion.node(entry, Op.SOFTMAX, value.shape, step))
    return value.of(node=node, tensor=step.outputs[0], maker=step)
