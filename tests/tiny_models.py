"""Untrained networks for the 8x8 digits, of random weights."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from hlsflow.models.recipe import Recipe
from hlsflow.models.source import Source
from hlsflow.models.zoo import preprocess

QUANTIZATION = {
    "kernel": "quantized_bits(6,1,alpha=1)",
    "bias": "quantized_bits(6,1,alpha=1)",
    "activation": "quantized_relu(6,2)",
}


def source(
    units=(12, 8, 10), *, convolutions=(), ranks: Mapping[str, int] | None = None, quantized=False, **more: Any
) -> Source:
    """An untrained network for the 8x8 digits, with random weights: what is tested needs no accuracy."""
    recipe = Recipe.model_validate(
        {
            "name": "tiny", "title": "Tiny", "dataset": "digits", "seed": 1,
            "input": {"scale_exponent": -8, "type": "ufixed<8,0>"},
            "architecture": {
                "name": "cnn" if convolutions else "mlp", "convolutions": convolutions, "units": units,
                "ranks": ranks or {},
            },
            "compression": {"quantization": QUANTIZATION} if quantized else {},
            "training": {"learning_rate": 1e-3, "batch_size": 32, "epochs": 1, "validation_split": 0.2},
            **more,
        }
    )  # fmt: skip
    rng = np.random.default_rng(7)
    weights: dict[str, np.ndarray] = {}
    side, channels = 8, 1
    for index, convolution in enumerate(recipe.architecture.convolutions, start=1):
        size, filters = convolution.kernel, convolution.filters
        weights |= _layer(rng, f"conv{index}", (size, size, channels, filters))
        side, channels = (side - size + 1) // convolution.pool, filters
    inputs = side * side * channels
    for name, outputs in zip(recipe.architecture.dense_names(), recipe.architecture.units, strict=True):
        if ranks and name in ranks:
            weights[f"{name}_left/kernel"] = rng.normal(0, 0.5, (inputs, ranks[name])).astype(np.float32)
            inputs = ranks[name]
        weights |= _layer(rng, name, (inputs, outputs))
        inputs = outputs
    return Source(recipe=recipe, weights=weights, weights_sha256="0" * 64)


def _layer(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Weights small enough that the 6-bit activations behind do not all saturate."""
    kernel = rng.normal(0, 1.5 / np.sqrt(np.prod(shape[:-1])), shape)
    return {f"{name}/kernel": kernel.astype(np.float32), f"{name}/bias": rng.normal(0, 0.2, shape[-1:]).astype("f4")}


def outputs(recipe: Recipe, weights, pixels: np.ndarray) -> np.ndarray:
    """The scores of a network with these weights, float32 (n, classes)."""
    model = Source(recipe=recipe, weights=weights, weights_sha256="0" * 64).model
    return model.predict(preprocess(recipe, pixels), verbose=0)


# A network that trains in a moment; what a test changes of it, it replaces in the text.
RECIPE = """\
name: tiny
title: A small network for tests
dataset: digits
seed: 1
input: {scale_exponent: -8, type: "ufixed<8,0>"}
architecture: {name: mlp, units: [12, 10], dropout: 0.2}
compression:
  quantization:
    kernel: quantized_bits(6,0,alpha=1)
    bias: quantized_bits(6,0,alpha=1)
    activation: quantized_relu(6,2)
training: {learning_rate: 1e-2, batch_size: 32, epochs: 3, validation_split: 0.2}
"""
