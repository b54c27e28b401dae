"""The zoo of architectures: Keras models built from a recipe, with names that never change.

Every name is a C++ identifier, because hls4ml makes variables and functions of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from hlsflow.frontends.keras.qkeras_quantizers import keras_quantizer
from hlsflow.models.recipe import Convolution, Recipe

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
    wrap: Callable[[Any], Any] = lambda layer: layer,
    make_dropout: Callable[[float, str], Any] = plain_dropout,
) -> keras.Model:
    """The untrained functional model of a recipe: float32 `pixels` (n, *sample shape) -> `softmax` (n, classes).

    Layers of an MLP: `pixels`, `flatten`, then `fc1`, `relu1`, `dropout1`, `fc2`, ..., `logits` (dense, linear),
    `softmax`. A CNN has `channels` (where the images have none), then `conv1`, `conv1_relu`, `conv1_pool`, ..., before
    `flatten`. A dense layer `fc1` with a rank has `fc1_left` in front.
    Training passes `wrap` (pruning) and `make_dropout` (reproducible masks); neither changes what is inferred.
    """
    from tensorflow import keras

    architecture = recipe.architecture
    shape = SAMPLE_SHAPES[recipe.dataset]
    # hls4ml and the reports address layers by these names, so they are given, never counted up by Keras.
    # A seed for each layer: the first weights depend on the recipe alone, not on what the process did before.
    seeds = {name: 1000 * recipe.seed + index for index, name in enumerate(architecture.weight_names(), start=1)}
    pixels = keras.Input(shape, name=recipe.input.name)
    flow = pixels
    if architecture.convolutions and len(shape) == 2:
        flow = keras.layers.Reshape((*shape, 1), name="channels")(flow)
    for index, convolution in enumerate(architecture.convolutions, start=1):
        name = f"conv{index}"
        flow = wrap(_convolution(recipe, name, convolution, seeds[name]))(flow)
        flow = _activation(recipe, name, f"{name}_relu")(flow)
        if convolution.pool > 1:
            flow = keras.layers.MaxPooling2D(convolution.pool, name=f"{name}_pool")(flow)
    flow = keras.layers.Flatten(name="flatten")(flow)
    for index, (name, units) in enumerate(zip(architecture.dense_names(), architecture.units, strict=True), start=1):
        if name in architecture.ranks:
            left = f"{name}_left"
            flow = wrap(_dense(recipe, left, architecture.ranks[name], seeds[left], use_bias=False))(flow)
        flow = wrap(_dense(recipe, name, units, seeds[name]))(flow)
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


def _dense(recipe: Recipe, name: str, units: int, seed: int, *, use_bias: bool = True) -> keras.layers.Layer:
    from tensorflow import keras

    if recipe.compression.quantization is None:
        return keras.layers.Dense(units, use_bias=use_bias, kernel_initializer=_initializer(recipe, seed), name=name)
    from qkeras import QDense

    return QDense(
        units,
        **_quantizers(recipe, name, use_bias),
        use_bias=use_bias,
        kernel_initializer=_initializer(recipe, seed),
        name=name,
    )


def _convolution(recipe: Recipe, name: str, convolution: Convolution, seed: int) -> keras.layers.Layer:
    from tensorflow import keras

    filters, size = convolution.filters, convolution.kernel
    if recipe.compression.quantization is None:
        return keras.layers.Conv2D(filters, size, kernel_initializer=_initializer(recipe, seed), name=name)
    from qkeras import QConv2D

    return QConv2D(filters, size, **_quantizers(recipe, name), kernel_initializer=_initializer(recipe, seed), name=name)


def _initializer(recipe: Recipe, seed: int) -> Any:
    from tensorflow import keras

    return keras.initializers.get(
        {"class_name": recipe.architecture.kernel_initializer, "config": {"seed": seed % 2**31}}
    )


def _quantizers(recipe: Recipe, name: str, use_bias: bool = True) -> dict[str, Any]:
    quantization = recipe.compression.quantization
    assert quantization is not None
    roles = ("kernel", "bias") if use_bias else ("kernel",)
    return {f"{role}_quantizer": keras_quantizer(quantization.of(name, role)) for role in roles}


def _activation(recipe: Recipe, behind: str, name: str) -> keras.layers.Layer:
    quantization = recipe.compression.quantization
    if quantization is None:
        from tensorflow import keras

        return keras.layers.Activation("relu", name=name)
    from qkeras import QActivation

    return QActivation(keras_quantizer(quantization.of(behind, "activation")), name=name)
