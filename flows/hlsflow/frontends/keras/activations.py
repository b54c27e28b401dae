"""The activations of Keras and QKeras as nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod
from typing import Any

from hlsflow.frontends.keras import allow_list
from hlsflow.frontends.keras.constants import float64
from hlsflow.frontends.keras.convolutions import plain
from hlsflow.frontends.keras.generations import is_keras_3, quantizer_of
from hlsflow.frontends.nodes.builder import Builder
from hlsflow.frontends.nodes.entries import reads
from hlsflow.frontends.nodes.parts import Parts
from hlsflow.network.graph import ROUNDED, Node, Op
from hlsflow.network.quantizers import (
    SIGN,
    WIDEST_BITS,
    ActivationQuantizer,
    NotExact,
    activation_quantizer,
    configuration_of,
    is_short,
)
from hlsflow.network.table_functions import GATED, TABLE_FUNCTIONS

_HARD = {"class_name": "HardActivation", "slope": 0.5, "shift": 0.5}
_IS_ROUNDED = "is no short binary fraction, so Keras itself rounds"


def quantized_activation(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    quantizer = quantizer_of(owner) if type(owner).__name__ == "QActivation" else owner.activation
    if not hasattr(quantizer, "get_config"):
        return _qkeras_function(builder, entry, owner, quantizer.__name__)
    found = activation_quantizer(type(quantizer).__name__, configuration_of(quantizer))
    parts = Parts(builder, entry, owner)
    if found.result.width > WIDEST_BITS:
        if not found.is_plain_relu:
            raise NotExact(
                f"{found.result.width} bits are more than float32 holds, which is a matter of the plain ReLU alone",
                f"at most {WIDEST_BITS} bits, or quantized_relu",
            )
        # Keras' float32 rounds such values before the quantizer could: a ReLU whose type is yet to be found.
        parts.function("wide", "relu", attributes={"wide": True})
        return parts.made()
    if found.table:
        parts.function("table", found.table, op=Op.TABLE)
    if found.gate is not None:
        _gate(parts, *found.gate)
    _to_the_type(parts, entry, found, quantizer)
    if found.least is not None:
        parts.at_least(found.least)
    if found.most is not None:
        parts.at_most(found.most)
    parts.scale(found.factor, found.offset)
    return _rounded(parts, found.rounded) if found.rounded else parts.made()


def _gate(parts: Parts, shift: float, bound: float) -> None:
    """x * min(max(x + shift, 0), bound) / bound."""
    source = parts.read()
    parts.scale(1, shift)
    parts.function("gate", "relu")
    parts.at_most(bound)
    parts.times(source)
    parts.scale(_float32(1 / bound), 0)


def _to_the_type(parts: Parts, entry: Mapping[str, Any], found: ActivationQuantizer, quantizer: Any) -> None:
    """The function that rounds and saturates. 'Activation' even for ternary: the class TernaryTanh is rewritten by
    hls4ml with a rounded threshold."""
    more: dict[str, Any] = {"attributes": {"soft": True} if found.soft else {}}
    match found.function:
        case "hard_tanh" | "hard_sigmoid":
            more["said"] = _HARD
        case "leaky_relu":
            more |= _slope(found.slope)
        case "ternary_tanh":
            threshold = quantizer.threshold if quantizer.threshold is not None else quantizer.default_threshold
            # Scales so that hls4ml's fixed thresholds, `> 1/2` and `<= -1/2`, fall where QKeras compares
            # `|x| >= threshold`.
            parts.scale_to_grid("scale", {"threshold": float(threshold)})
            parts.apart()
        case "binary_tanh" if reads(parts.builder, entry, Op.SCALE):
            parts.apart()
    parts.function("rounded", found.function, declared={"result": found.result}, **more)


def _slope(slope: float) -> dict[str, Any]:
    import numpy as np

    return {"arrays": {"param": np.array([slope])}, "said": {"class_name": "LeakyReLU", "activ_param": slope}}


def _sign_above(parts: Parts, threshold: float) -> None:
    """1 where x > threshold, else -1; hls4ml's sign is 1 at zero."""
    parts.scale_to_grid("above", {"above": threshold})
    parts.apart()
    parts.function("sign", "binary_tanh", declared={"result": SIGN})


def _qkeras_function(builder: Builder, entry: dict[str, Any], owner: Any, name: str) -> list[Node]:
    """A function of `qkeras.quantizers` that is no quantizer with bits."""
    parts = Parts(builder, entry, owner)
    match name:
        case "binary_tanh" | "binary_sigmoid":
            # (x + 1) / 2 rounded half to even: 0 at zero.
            _sign_above(parts, 0.0)
            if name == "binary_sigmoid":
                parts.scale(0.5, 0.5)
        case "hard_tanh" | "hard_sigmoid":
            parts.function("hard", name, said=_HARD)
        case "smooth_tanh" | "smooth_sigmoid":
            _between_zero_and_one(parts, 0.1875)
            if name == "smooth_tanh":
                parts.scale(2, -1)
        case _:
            raise NotExact(*allow_list.qkeras_function(name))
    return parts.made()


def _between_zero_and_one(parts: Parts, slope: float) -> None:
    """x * slope + 1/2, cut off at 0 and 1."""
    parts.scale(slope, 0.5)
    parts.function("from_zero", "relu")
    parts.at_most(1.0)


def activation(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    function = entry["activation"].lower()
    if type(owner).__name__ == "ReLU":
        return _relu_layer(builder, entry, owner)
    if function in TABLE_FUNCTIONS:
        return table(builder, entry, owner, function)
    if function in GATED:
        return _gated(builder, entry, owner, GATED[function])
    parts = Parts(builder, entry, owner)
    match function:
        case "relu" | "relu6":
            parts.function("lower", "relu")
            if function == "relu6":
                parts.at_most(6.0)
        case "hard_sigmoid" if is_keras_3():
            raise NotExact("hard_sigmoid of Keras 3 is another function than that of Keras 2", "quantized_sigmoid")
        case "hard_sigmoid":
            _between_zero_and_one(parts, _float32(0.2))
            return _rounded(parts, f"the factor 0.2 of Keras' hard_sigmoid {_IS_ROUNDED}")
        case _:
            raise NotExact(*allow_list.float_activation(function))
    return parts.made()


def _float32(value: float) -> float:
    """The float32 nearest to a setting, which is what Keras computes with."""
    import numpy as np

    return float(np.float32(value))


def _rounded(parts: Parts, why: str) -> list[Node]:
    """The parts of what Keras itself rounds, which nothing equals: the last says so."""
    *before, last = parts.made()
    return [*before, replace(last, attributes={**last.attributes, ROUNDED: why})]


def _relu_layer(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    """min(max(x, 0), max_value) and slope * min(x, 0), or what a threshold makes of it: x * (x > threshold)."""
    parts = Parts(builder, entry, owner)
    slope, threshold = float(owner.negative_slope or 0), _float32(owner.threshold or 0)
    if threshold:
        _above(parts, threshold)
    elif slope:
        parts.function("leaky", "leaky_relu", **_slope(_float32(slope)))
    else:
        parts.function("lower", "relu")
    if owner.max_value is not None:
        parts.at_most(_float32(owner.max_value))
    return parts.made() if is_short(slope) else _rounded(parts, f"the slope {slope:g} {_IS_ROUNDED}")


def _above(parts: Parts, threshold: float) -> None:
    """x where it is above a threshold, else 0: times (sign + 1) / 2."""
    source = parts.read()
    _sign_above(parts, threshold)
    parts.scale(0.5, 0.5)
    parts.times(source)


def thresholded_relu(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    parts = Parts(builder, entry, owner)
    _above(parts, _float32(owner.theta))
    return parts.made()


def _gated(builder: Builder, entry: dict[str, Any], owner: Any, tables: tuple[str, ...]) -> list[Node]:
    """x times what tables give of it."""
    parts = Parts(builder, entry, owner)
    source = parts.read()
    for function in tables:
        parts.function(function, function, op=Op.TABLE)
    parts.times(source)
    return parts.made()


def table(builder: Builder, entry: dict[str, Any], owner: Any, function: str) -> list[Node]:
    parts = Parts(builder, entry, owner)
    parts.function("table", function, op=Op.TABLE)
    return parts.made()


def elu(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    """alpha * (exp(x) - 1) below zero: what hls4ml's ELU of alpha 1 gives, with a slope."""
    alpha = _float32(getattr(owner, "alpha", 1.0))
    parts = Parts(builder, entry, owner)
    parts.function("table", "elu", op=Op.TABLE)
    if alpha != 1:
        parts.function("leaky", "leaky_relu", **_slope(alpha))
    return parts.made()


def softmax(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    # A layer of the class Softmax is named "Softmax" by hls4ml's converter, and so is the struct in C++ that it then
    # calls by another name.
    shape = builder.in_shape(entry)
    made = {**entry, "activation": "softmax"}
    vectors = prod(shape[:-1])
    if vectors > 1:
        # All of them at once where they come at once: without it the C++ says "limit = -1".
        made |= {"n_outer": vectors, "parallelization_factor": vectors}
    return [builder.node(made, Op.SOFTMAX, shape, owner)]


def leaky_relu(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    # Keras multiplies by the float32 nearest to the slope.
    slope = _float32(entry["activ_param"])
    if slope < 0:
        raise NotExact(f"the slope {slope:g} is negative: no test proves it", "e.g. alpha=0.25")
    parts = Parts(builder, entry, owner)
    parts.function("leaky", "leaky_relu", **_slope(slope))
    # With a slope such as 0.3 the product of a dyadic number is often a tie that only float32's rounding makes.
    return parts.made() if is_short(slope) else _rounded(parts, f"the slope {slope:g} {_IS_ROUNDED}")


def prelu(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    arrays = {"param": float64(owner.alpha)}
    entry = plain(entry, entry["class_name"])
    return [builder.node(entry, Op.PRELU, builder.in_shape(entry), owner, arrays=arrays)]
