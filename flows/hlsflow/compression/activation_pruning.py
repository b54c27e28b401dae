"""Activation pruning: neurons that are hardly ever active on the training set leave, with their rows behind."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from hlsflow.compression.method import Derived, Method
from hlsflow.compression.structured_pruning import chosen_layers, keep_neurons, neuron_facts
from hlsflow.datasets.dataset import Dataset, select_classes
from hlsflow.foundation.interrupts import boundaries
from hlsflow.models.layer_names import activation_behind
from hlsflow.models.recipe import Part
from hlsflow.models.source import Source

# Images whose activations are held in memory at once.
IMAGES = 2000


class Parameters(Part):
    """Neurons (of a convolution: filters) leave whose mean activation over the training set is below `threshold`.

    The strongest neuron of a layer always stays. `layers` limits it to some layers (default: all hidden ones).
    """

    threshold: float = Field(ge=0.0)
    layers: tuple[str, ...] | None = Field(default=None, min_length=1, strict=False)


def derive(source: Source, parameters: Parameters, dataset: Dataset) -> Derived:
    """The network without the neurons that are hardly active, and how many each layer keeps.

    Raises ModelError for a layer that is not a hidden one.
    """
    means = mean_activations(source, dataset, chosen_layers(source.recipe, parameters.layers))
    kept = {}
    for layer, mean in means.items():
        indices = np.flatnonzero(mean >= parameters.threshold)
        kept[layer] = indices if len(indices) else np.array([mean.argmax()])
    recipe, weights = keep_neurons(source.recipe, source.weights, kept)
    return Derived(recipe=recipe, weights=weights, facts=neuron_facts(source, weights, kept))


def mean_activations(source: Source, dataset: Dataset, layers: tuple[str, ...]) -> dict[str, np.ndarray]:
    """The mean magnitude of each neuron behind its activation, over all training images, float64 (neurons,) by layer.

    Of a filter it is over all positions too. The magnitude, since an activation that is no ReLU has negative values.
    """
    pixels = select_classes(dataset, source.recipe.classes).x_train
    activations = {layer: activation_behind(layer) for layer in layers}
    sums = dict.fromkeys(layers, 0.0)
    for first in boundaries(range(0, len(pixels), IMAGES)):
        part = pixels[first : first + IMAGES]
        outputs = source.layer_outputs(part, list(activations.values()))
        for layer, name in activations.items():
            values = np.abs(outputs[name]).reshape(len(part), -1, outputs[name].shape[-1])
            sums[layer] = sums[layer] + values.mean(axis=1, dtype=np.float64).sum(axis=0)
    return {layer: total / len(pixels) for layer, total in sums.items()}


METHOD = Method(name="activation_pruning", parameters=Parameters, derive=derive)
