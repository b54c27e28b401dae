"""A live model of Keras' own layers alone, for tools that know no QKeras: what its quantizers gave is baked in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hlsflow.foundation.errors import ModelError
from hlsflow.frontends.keras.constants import effective_arrays, quantized
from hlsflow.frontends.keras.float64 import keras_twin
from hlsflow.frontends.keras.generations import quantizer_of, rebuilt
from hlsflow.network.fixed_point import Overflow, Rounding
from hlsflow.network.quantizers import ActivationQuantizer, NotExact, activation_quantizer, configuration_of

_WAY_OUT = "convert a model whose activations are quantized_relu or quantized_bits"
_NORM = (("gamma", "gamma"), ("beta", "beta"), ("moving_mean", "mean"), ("moving_variance", "variance"))


def plain_layers(model: Any, *, rounded: bool = True) -> Any:
    """The same network, float32, of layers with equal names.

    Quantized weights become float32 constants of the same values; a quantized activation becomes rounding to its grid
    (half to even) and clipping. `rounded=False` leaves the rounding out and clips alone, for a tool that puts
    activations on a grid of its own. Raises ModelError naming a layer for which Keras has none.
    """
    try:
        plain = rebuilt(model, lambda layer: _plain(layer, rounded))
    except NotExact as problem:
        raise ModelError(f"{model.name}: {problem}", hint=problem.way_out) from problem
    for layer in model.layers:
        if layer.weights:
            plain.get_layer(layer.name).set_weights(_constants(layer))
    return plain


def _plain(layer: Any, rounded: bool) -> Any:
    from tensorflow import keras

    config, name = layer.get_config(), type(layer).__name__
    if name == "QActivation":
        return keras.layers.Activation(_activation(layer, quantizer_of(layer), rounded), name=layer.name)
    if name == "QBatchNormalization":
        return keras.layers.BatchNormalization(
            axis=layer.axis, epsilon=layer.epsilon, center=layer.center, scale=layer.scale, name=layer.name
        )
    if not name.startswith("Q"):
        return type(layer).from_config(config)
    if not (hasattr(layer, "kernel") or hasattr(layer, "depthwise_kernel")):
        raise NotExact(f"layer '{layer.name}': Keras has no layer that computes as {name}", _WAY_OUT)
    activation = layer.activation
    if hasattr(activation, "get_config"):
        activation = _activation(layer, activation, rounded)
    if name == "QConv2DBatchnorm":
        return keras_twin("Conv2D", {**config, "use_bias": True}, activation)
    return keras_twin(name.removeprefix("Q"), config, activation)


def _constants(layer: Any) -> list[Any]:
    import numpy as np

    name = type(layer).__name__
    if name == "QBatchNormalization":
        found = []
        for variable, said in _NORM:
            if getattr(layer, variable, None) is not None:
                found.append(quantized(getattr(layer, variable), getattr(layer, f"{said}_quantizer_internal", None)))
    elif name.startswith("Q"):
        found = [array for array in effective_arrays(layer).values() if array is not None]
    else:
        found = layer.get_weights()
    return [np.asarray(array, dtype=np.float32) for array in found]


def _activation(layer: Any, quantizer: Any, rounded: bool) -> Callable[[Any], Any]:
    """The function of a quantized activation. Steps are powers of two, so that float32 scales without rounding."""
    import numpy as np
    import tensorflow as tf

    said = type(quantizer).__name__
    refusal = NotExact(f"layer '{layer.name}': plain Keras layers have no {said}", _WAY_OUT)
    if not hasattr(quantizer, "get_config"):
        raise refusal
    try:
        found = activation_quantizer(said, configuration_of(quantizer))
    except NotExact as problem:
        raise refusal from problem
    result = found.result
    rounds_alone = found == ActivationQuantizer(function=found.function, result=result)
    if not rounds_alone or found.function not in ("linear", "relu") or result.rounding is not Rounding.RND_CONV:
        raise refusal
    least = -result.max_int if result.overflow is Overflow.SAT_SYM else result.min_int
    low, high, step = (np.float32(value) for value in (least * result.lsb, result.max_int * result.lsb, result.lsb))

    def activate(x: Any) -> Any:
        return tf.clip_by_value(tf.round(x / step) * step if rounded else x, low, high)

    return activate
