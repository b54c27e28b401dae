"""Structured pruning: whole neurons and filters leave, and their rows of the layers behind with them.

The result is a smaller dense network, so it needs no sparse format to be smaller and faster.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from fractions import Fraction
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from hlsflow.compression.method import Derived, Method
from hlsflow.datasets.dataset import Dataset
from hlsflow.foundation.errors import ModelError, did_you_mean
from hlsflow.foundation.processor import cpu_name
from hlsflow.models.layer_names import hidden_layers
from hlsflow.models.recipe import Part, Recipe
from hlsflow.models.source import Source

if TYPE_CHECKING:
    import keras

# Images in a batch of the timing, as evaluation has it, and how often it is repeated.
TIMED_IMAGES = 1000
TIMED_REPEATS = 7


class Parameters(Part):
    """`ratio` of the neurons of each hidden layer leaves, those with the least 2-norm of their incoming weights.

    Of a convolution the filters leave. `layers` limits it to some layers (default: all hidden ones). The bias is no
    part of the norm: it moves the neuron's threshold, and says nothing about how much the neuron hears of its inputs.
    `dropout` is that of a fine-tuning (default: the source's, which is too much for a few neurons; Han et al.,
    arXiv:1506.02626, lower it too).
    """

    ratio: float = Field(ge=0.0, lt=1.0)
    layers: tuple[str, ...] | None = Field(default=None, min_length=1, strict=False)
    dropout: float | None = Field(default=None, ge=0.0, lt=1.0)


def derive(source: Source, parameters: Parameters, dataset: Dataset) -> Derived:
    """The network without its weakest neurons, and what that saves.

    Raises ModelError for a layer that is not a hidden one.
    """
    kept = {
        layer: strongest(incoming_norms(source, layer), parameters.ratio)
        for layer in chosen_layers(source.recipe, parameters.layers)
    }
    recipe, weights = keep_neurons(source.recipe, source.weights, kept)
    if parameters.dropout is not None:
        architecture = recipe.architecture.model_copy(update={"dropout": parameters.dropout})
        recipe = recipe.model_copy(update={"architecture": architecture})
    return Derived(
        recipe=recipe,
        weights=weights,
        facts=neuron_facts(source, weights, kept) | _times(source, recipe, weights, dataset),
    )


def chosen_layers(recipe: Recipe, layers: tuple[str, ...] | None) -> tuple[str, ...]:
    """The hidden layers that are named, or all of them. Raises ModelError for another layer, or where there is none."""
    hidden = hidden_layers(recipe)
    if not hidden:
        raise ModelError(f"{recipe.name} has no hidden layer: its only neurons are its classes")
    for layer in layers or ():
        if layer not in hidden:
            raise ModelError(f"{recipe.name}: no hidden layer '{layer}'; {did_you_mean(layer, hidden)}")
    return hidden if layers is None else tuple(layer for layer in hidden if layer in layers)


def strongest(norms: np.ndarray, ratio: float) -> np.ndarray:
    """The indices, rising, of all but `ratio` of the neurons: those of the largest norms, of equal ones the first."""
    # The share as it is written: 0.7 of 20 are 14, whatever the float says.
    count = len(norms) - int(len(norms) * Fraction(repr(ratio)))
    return np.sort(np.argsort(-norms, kind="stable")[:count])


def incoming_norms(source: Source, layer: str) -> np.ndarray:
    """The 2-norm of every neuron's incoming weights as inference has them (quantized), float64 (neurons,)."""
    kernel = _inferred(source, layer)
    flat = kernel.reshape(-1, kernel.shape[-1])
    if layer in source.recipe.architecture.ranks:
        # A neuron behind a factorized layer hears its inputs through both factors.
        flat = _inferred(source, f"{layer}_left") @ flat
    return np.linalg.norm(flat, axis=0)


def _inferred(source: Source, layer: str) -> np.ndarray:
    """A layer's kernel, float64, rounded as its quantizer does where it has one."""
    kernel = source.weights[f"{layer}/kernel"].astype(np.float64)
    quantization = source.recipe.compression.quantization
    if quantization is None:
        return kernel
    quantizer = quantization.of(layer, "kernel")
    return np.clip(np.rint(kernel / quantizer.step) * quantizer.step, quantizer.minimum, quantizer.maximum)


def keep_neurons(
    recipe: Recipe, weights: Mapping[str, np.ndarray], kept: Mapping[str, np.ndarray]
) -> tuple[Recipe, dict[str, np.ndarray]]:
    """The recipe and weights of the network with these neurons (or filters) of its hidden layers alone.

    `kept` has, by layer, their indices in rising order, at least one. The layer behind loses the rows of the others;
    behind a flattened convolution these are spread, since the channel is the last axis of what is flattened.
    """
    made = dict(weights)
    names = recipe.architecture.weight_names()
    for layer, indices in kept.items():
        neurons = made[f"{layer}/kernel"].shape[-1]
        for variable in ("kernel", "bias"):
            made[f"{layer}/{variable}"] = made[f"{layer}/{variable}"][..., indices]
        behind = f"{names[names.index(layer) + 1]}/kernel"
        # Positions of a flattened picture, or the window of a convolution behind, come before the channels.
        rows = made[behind].reshape(-1, neurons, made[behind].shape[-1])[:, indices]
        *window, channels, outputs = made[behind].shape
        made[behind] = rows.reshape(*window, channels // neurons * len(indices), outputs)
    architecture = recipe.architecture
    convolutions = tuple(
        convolution.model_copy(update={"filters": made[f"conv{index}/kernel"].shape[-1]})
        for index, convolution in enumerate(architecture.convolutions, start=1)
    )
    units = tuple(made[f"{name}/kernel"].shape[-1] for name in architecture.dense_names())
    smaller = architecture.model_copy(update={"convolutions": convolutions, "units": units})
    return recipe.model_copy(update={"architecture": smaller}), made


def neuron_facts(
    source: Source, weights: Mapping[str, np.ndarray], kept: Mapping[str, np.ndarray]
) -> dict[str, int | float | str]:
    """Neurons that each layer keeps, and the parameters and float32 bytes before and after."""
    before = sum(array.size for array in source.weights.values())
    after = sum(array.size for array in weights.values())
    return {
        **{f"{layer}_kept": len(indices) for layer, indices in kept.items()},
        "kept_neurons": sum(len(indices) for indices in kept.values()),
        "parameters_before": before,
        "parameters_after": after,
        "float32_bytes_before": 4 * before,
        "float32_bytes_after": 4 * after,
    }


def _times(
    source: Source, recipe: Recipe, weights: Mapping[str, np.ndarray], dataset: Dataset
) -> dict[str, int | float | str]:
    """Keras' time for an image before and after, measured here and now: other machines have other times."""
    from hlsflow.frontends.keras.runtime import THREADS, prepare_tensorflow
    from hlsflow.models.weights import assign_weights
    from hlsflow.models.zoo import build_model, preprocess

    prepare_tensorflow()
    smaller = build_model(recipe)
    assign_weights(smaller, weights, f"the smaller weights of {recipe.name}")
    x = preprocess(recipe, dataset.x_test[:TIMED_IMAGES])
    return {
        "keras_us_per_image_before": _microseconds(source.model, x),
        "keras_us_per_image": _microseconds(smaller, x),
        "keras_measured_on": f"{cpu_name()}, {THREADS} thread, median of {TIMED_REPEATS} batches of {len(x)}",
    }


def _microseconds(model: keras.Model, x: np.ndarray) -> float:
    """The median processor time of an image in a batch, in µs; on one thread it is the time on an idle machine."""
    import tensorflow as tf

    # Compiled, and on a tensor: what Keras does around each call would hide a small network's time.
    infer, inputs = tf.function(model), tf.constant(x)
    infer(inputs)
    times = []
    for _ in range(TIMED_REPEATS):
        started = time.process_time()
        infer(inputs)
        times.append(time.process_time() - started)
    return round(median(times) / len(x) * 1e6, 3)


METHOD = Method(name="structured_pruning", parameters=Parameters, derive=derive)
