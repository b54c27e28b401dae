"""A Keras model as it would compute without the roundings of float32: the same layers and quantizers in float64.

Its constants are those of the float32 model: the weights as its quantizers give them, and the scale and shift that
TensorFlow makes of a batch normalization's variables.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from hlsflow.frontends.contract import Float
from hlsflow.frontends.keras.constants import batch_norm_constants, effective_arrays
from hlsflow.frontends.keras.fixed_point_quantizer import CLASS_NAME
from hlsflow.frontends.keras.fixed_point_quantizer import in_float64 as elements_in_float64
from hlsflow.frontends.keras.generations import quantizer_of, rebuilt

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

# What a layer of QKeras has beside the Keras layer of its kind, or what only matters in training.
_LEFT_OUT = ("_initializer", "_regularizer", "_constraint")


@contextlib.contextmanager
def floatx(name: Float) -> Iterator[None]:
    """Keras' float for all that is built and evaluated inside: QKeras casts to it in every call of a quantizer."""
    from tensorflow.keras import backend

    before = backend.floatx()
    backend.set_floatx(name)
    try:
        yield
    finally:
        backend.set_floatx(before)


def in_float64(model: Any) -> Any:
    """The same Keras model in float64; to be called, and its result evaluated, under `floatx("float64")`."""
    twin = rebuilt(model, _layer)
    for layer in model.layers:
        with floatx("float32"):
            effective = _weights(layer)
        if effective:
            twin.get_layer(layer.name).set_weights(effective)
    return twin


def _weights(layer: Any) -> list[Array]:
    """The constants of a layer in the order of its twin's weights, float64."""
    if type(layer).__name__ in ("BatchNormalization", "QBatchNormalization"):
        return list(batch_norm_constants(layer))
    return [array for array in effective_arrays(layer).values() if array is not None]


def _layer(layer: Any) -> Any:

    config = {**layer.get_config(), "dtype": "float64"}
    match type(layer).__name__:
        case "QActivation":
            from qkeras import QActivation

            return QActivation(_quantizer(quantizer_of(layer)), name=layer.name, dtype="float64")
        case name if name == CLASS_NAME:
            return elements_in_float64(layer)
        case "BatchNormalization" | "QBatchNormalization":
            return _affine(layer.name, int(layer.moving_mean.shape[0]))
        case "LeakyReLU" | "ReLU" | "ThresholdedReLU":
            return type(layer).from_config({key: _float32(value) for key, value in config.items()})
        case "QConv2DBatchnorm":
            return _plain(layer, "Conv2D", {**config, "use_bias": True})
        case name if hasattr(layer, "kernel") or hasattr(layer, "depthwise_kernel"):
            return _plain(layer, name.removeprefix("Q"), config)
        case _:
            twin = type(layer).from_config(config)
            if hasattr(getattr(layer, "activation", None), "get_config"):
                # A quantizer's configuration does not say all of it.
                twin.activation = _quantizer(layer.activation)
            return twin


def _plain(layer: Any, class_name: str, config: dict[str, Any]) -> Any:
    activation = layer.activation
    return keras_twin(
        class_name, config, _quantizer(activation) if hasattr(activation, "get_config") else activation
    )  # fmt: skip


def keras_twin(class_name: str, config: dict[str, Any], activation: Any) -> Any:
    """The layer of Keras with the settings of one that may be QKeras': it computes with its weights as they are."""
    from tensorflow import keras

    class_ = getattr(keras.layers, class_name)
    known = inspect.signature(class_.__init__).parameters
    kept = {
        key: value
        for key, value in config.items()
        if (key in known or key in ("name", "dtype")) and not key.endswith(_LEFT_OUT)
    }
    return class_(**{**kept, "activation": activation})


def _float32(setting: Any) -> Any:
    """A setting as Keras computes with it: the float32 nearest to a number."""
    import numpy as np

    return float(np.float32(setting)) if isinstance(setting, float) else setting


def _affine(name: str, channels: int) -> Any:
    """The layer `x * scale + bias`, channel by channel, both of them its weights."""
    from tensorflow import keras

    class Affine(keras.layers.Layer):  # type: ignore[misc]
        def build(self, shape: Any) -> None:
            self.scale = self.add_weight(name="scale", shape=(channels,))
            self.bias = self.add_weight(name="bias", shape=(channels,))

        def call(self, x: Any) -> Any:
            return x * self.scale + self.bias

    return Affine(name=name, dtype="float64")


def _quantizer(quantizer: Any) -> Any:
    """The quantizer that gives the same values for float64, to the last bit. A function does as it is.

    Without a straight-through estimator a quantizer gives the quantized value itself, and no `x + (q - x)`.
    """
    from hlsflow.frontends.keras.qkeras_quantizers import with_float_powers

    if not hasattr(quantizer, "get_config"):
        return quantizer
    config = quantizer.get_config()
    match type(quantizer).__name__:
        case "quantized_relu":
            said = {**config, "is_quantized_clip": quantizer.is_quantized_clip, "use_ste": False}
            return with_float_powers("quantized_relu").from_config(said)
        case "quantized_bits":
            return with_float_powers("quantized_bits").from_config({**config, "use_ste": False})
        case "quantized_hswish":
            # Its own configuration has keys that it does not take.
            known = inspect.signature(type(quantizer).__init__).parameters
            said = {key: value for key, value in {**config, "use_ste": False}.items() if key in known}
            return type(quantizer).from_config(said)
        case "binary" | "ternary" | "stochastic_binary" | "stochastic_ternary":
            return _sign(quantizer)
        case _:
            return type(quantizer).from_config(config)


def _sign(quantizer: Any) -> Any:
    """A binary or ternary quantizer whose outputs, whole multiples of its scale, are rid of what x + (q - x) leaves on
    them."""
    import numpy as np
    import tensorflow as tf

    again = type(quantizer).from_config(quantizer.get_config())
    if type(quantizer).__name__ == "ternary":
        threshold = quantizer.default_threshold if quantizer.threshold is None else quantizer.threshold
        # Keras compares with the float32 nearest to it.
        again.threshold = float(np.float32(threshold))

    scale = quantizer.alpha or 1.0

    def sign(x: Any) -> Any:
        return tf.round(again(x) / scale) * scale

    return sign
