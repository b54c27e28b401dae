"""A trained network as plain Keras layers, for tools that know no QKeras: what its quantizers gave is baked in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from hlsflow.foundation.errors import ModelError
from hlsflow.frontends.quantizer_texts import Quantizer
from hlsflow.frontends.sparsity import quantized_weights
from hlsflow.models.layer_names import activation_behind, hidden_layers
from hlsflow.models.recipe import Recipe
from hlsflow.models.source import Source

if TYPE_CHECKING:
    import keras


def plain_model(source: Source, *, rounded: bool = True) -> keras.Model:
    """The same network, float32 (n, *sample shape) -> scores (n, classes), of plain Keras layers with equal names.

    Quantized kernels and biases become float32 constants of the same values; a quantized activation becomes rounding
    to its grid (half to even) and clipping, in float32. `rounded=False` leaves the rounding out and clips alone, for a
    tool that puts activations on a grid of its own. Raises ModelError for activations of one sign or three values.
    """
    from tensorflow import keras

    if source.recipe.compression.quantization is None:
        return source.model
    plain = keras.models.clone_model(
        source.model, clone_function=lambda layer: _plain_layer(source.recipe, layer, rounded)
    )
    for layer in source.model.layers:
        if layer.weights:
            weights = quantized_weights(layer)
            plain.get_layer(layer.name).set_weights(layer.get_weights() if weights is None else weights)
    return plain


def _plain_layer(recipe: Recipe, layer: Any, rounded: bool) -> keras.layers.Layer:
    from tensorflow import keras

    match type(layer).__name__:
        case "QDense":
            return keras.layers.Dense(layer.units, use_bias=layer.use_bias, name=layer.name)
        case "QConv2D":
            return keras.layers.Conv2D(
                layer.filters, layer.kernel_size, layer.strides, layer.padding, use_bias=layer.use_bias, name=layer.name
            )
        case "QActivation":
            return keras.layers.Activation(_grid(_activation(recipe, layer.name), rounded), name=layer.name)
    return type(layer).from_config(layer.get_config())


def _activation(recipe: Recipe, name: str) -> Quantizer:
    """The quantizer of the activation layer `name`."""
    assert recipe.compression.quantization is not None
    behind = next(layer for layer in hidden_layers(recipe) if activation_behind(layer) == name)
    quantizer = recipe.compression.quantization.of(behind, "activation")
    if quantizer.name not in ("quantized_bits", "quantized_relu"):
        raise ModelError(
            f"{recipe.name}: the activation behind '{behind}' is {quantizer}, which plain Keras layers do not have",
            hint="convert a model whose activations are quantized_relu or quantized_bits",
        )
    return quantizer


def _grid(quantizer: Quantizer, rounded: bool) -> Callable[[Any], Any]:
    """The function of a quantized activation. Steps are powers of two, so that float32 scales without rounding."""
    import tensorflow as tf

    low, high, step = (np.float32(value) for value in (quantizer.minimum, quantizer.maximum, quantizer.step))

    def activate(x: Any) -> Any:
        return tf.clip_by_value(tf.round(x / step) * step if rounded else x, low, high)

    return activate
