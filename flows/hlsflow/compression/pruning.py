"""Magnitude pruning with tfmot: the wrappers that training needs, taken off again before anything is saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from hlsflow.foundation.errors import ModelError
from hlsflow.models.recipe import Recipe

if TYPE_CHECKING:
    import keras

# How far the share of pruned weights may stay behind the recipe's (masks follow every `frequency_steps` steps only).
SPARSITY_TOLERANCE = 0.01


def pruning_wrapper(recipe: Recipe, steps_per_epoch: int) -> Callable[[Any], Any]:
    """A function that wraps a layer for pruning as the recipe says; without pruning, one that gives it back."""
    pruning = recipe.compression.pruning
    if pruning is None:
        return lambda layer: layer
    import tensorflow_model_optimization as tfmot

    schedule = tfmot.sparsity.keras.PolynomialDecay(
        initial_sparsity=pruning.initial_sparsity,
        final_sparsity=pruning.final_sparsity,
        begin_step=0,
        end_step=steps_per_epoch * (pruning.end_epoch or recipe.training.epochs),
        frequency=pruning.frequency_steps,
    )
    return lambda layer: tfmot.sparsity.keras.prune_low_magnitude(layer, pruning_schedule=schedule)


def pruning_callbacks(recipe: Recipe) -> list[Any]:
    """The callbacks that keep tfmot's step counter and apply the masks after each epoch; none without pruning."""
    if recipe.compression.pruning is None:
        return []
    import tensorflow_model_optimization as tfmot

    return [tfmot.sparsity.keras.UpdatePruningStep()]


def strip_pruning(model: keras.Model, plain: keras.Model) -> None:
    """Copies the weights of a (possibly wrapped) model into `plain`, the same architecture without wrappers.

    tfmot's own strip_pruning clones through configurations and so would need every custom class registered.
    Raises ModelError where a weight that the mask removes is not exactly zero.
    """
    for layer in model.layers:
        inner = getattr(layer, "layer", layer)
        for kernel, mask, _ in getattr(layer, "pruning_vars", ()):
            alive = np.count_nonzero(kernel.numpy()[mask.numpy() == 0])
            if alive:
                raise ModelError(f"layer '{inner.name}': {alive} pruned weights are not zero")
        if inner.weights:
            plain.get_layer(inner.name).set_weights(inner.get_weights())


def check_sparsity(recipe: Recipe, model: keras.Model) -> None:
    """Raises ModelError unless every kernel of a stripped model has the recipe's share of exact zeros."""
    pruning = recipe.compression.pruning
    if pruning is None:
        return
    for name in recipe.architecture.weight_names():
        kernel = model.get_layer(name).get_weights()[0]
        share = float(np.mean(kernel == 0))
        # A small layer cannot hit the share exactly: one weight more or less.
        if share < pruning.final_sparsity - max(SPARSITY_TOLERANCE, 1 / kernel.size):
            asked = pruning.final_sparsity
            raise ModelError(
                f"layer '{name}': {share:.1%} of the weights are zero, the recipe asks for {asked:.1%}",
                hint="give compression.pruning a smaller frequency_steps or more epochs",
            )
