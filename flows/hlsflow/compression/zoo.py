"""The zoo of architectures: Keras models built from a recipe, with names that never change.

Every name is a C++ identifier, because hls4ml makes variables and functions of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from hlsflow.compression.recipe import Recipe

if TYPE_CHECKING:
    import keras

# The shape of one sample of each dataset.
SAMPLE_SHAPES = {"mnist": (28, 28), "fashion_mnist": (28, 28), "cifar10": (32, 32, 3), "digits": (8, 8)}


def plain_dropout(rate: float, name: str) -> keras.layers.Layer:
    """Keras' dropout: nothing at inference, so a model that is only evaluated has this one."""
    from tensorflow import keras

    return keras.layers.Dropout(rate, name=name)


def build_model(
    recipe: Recipe,
    *,
    wrap_dense: Callable[[Any], Any] = lambda layer: layer,
    make_dropout: Callable[[float, str], Any] = plain_dropout,
) -> keras.Model:
    """The untrained functional model of a recipe: float32 `pixels` (n, *sample shape) -> `softmax` (n, 10).

    Layers: `pixels`, `flatten`, then `fc1`, `relu1`, `dropout1`, `fc2`, ..., `logits` (dense, linear), `softmax`.
    Training passes `wrap_dense` (pruning) and `make_dropout` (reproducible masks); neither changes what is inferred.
    """
    from tensorflow import keras

    architecture = recipe.architecture
    pixels = keras.Input(SAMPLE_SHAPES[recipe.dataset], name=recipe.input.name)
    flow = keras.layers.Flatten(name="flatten")(pixels)
    # hls4ml and the reports address layers by these names, so they are given, never counted up by Keras.
    for index, (name, units) in enumerate(zip(architecture.dense_names(), architecture.units, strict=True), start=1):
        flow = wrap_dense(_dense(recipe, name, units, seed=1000 * recipe.seed + index))(flow)
        if name == "logits":
            break
        flow = _activation(recipe, name, f"relu{index}")(flow)
        if architecture.dropout > 0:
            flow = make_dropout(architecture.dropout, f"dropout{index}")(flow)
    # A layer of its own, so that hardware can leave it out and the logits can be compared as integers.
    scores = keras.layers.Activation("softmax", name="softmax")(flow)
    return keras.Model(pixels, scores, name=recipe.name)


def preprocess(recipe: Recipe, pixels: np.ndarray) -> np.ndarray:
    """The network's input, float32 of the shape of `pixels` (uint8): pixel * 2**scale_exponent, without rounding."""
    if pixels.dtype != np.uint8:
        raise TypeError(f"pixels are uint8, not {pixels.dtype}")
    return np.ldexp(pixels.astype(np.float32), recipe.input.scale_exponent)


def _dense(recipe: Recipe, name: str, units: int, seed: int) -> keras.layers.Layer:
    from tensorflow import keras

    quantization = recipe.compression.quantization
    # A seed for each layer: the first weights depend on the recipe alone, not on what the process did before.
    initializer = keras.initializers.get(
        {"class_name": recipe.architecture.kernel_initializer, "config": {"seed": seed % 2**31}}
    )
    if quantization is None:
        return keras.layers.Dense(units, kernel_initializer=initializer, name=name)
    from qkeras import QDense

    return QDense(
        units,
        kernel_quantizer=str(quantization.of(name, "kernel")),
        bias_quantizer=str(quantization.of(name, "bias")),
        kernel_initializer=initializer,
        name=name,
    )


def _activation(recipe: Recipe, dense: str, name: str) -> keras.layers.Layer:
    quantization = recipe.compression.quantization
    if quantization is None:
        from tensorflow import keras

        return keras.layers.Activation("relu", name=name)
    from qkeras import QActivation

    return QActivation(str(quantization.of(dense, "activation")), name=name)
