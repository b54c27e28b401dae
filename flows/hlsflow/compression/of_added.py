"""A model made out of one that was added: its weights alone change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hlsflow.compression.method import Facts, Method
from hlsflow.compression.methods import METHODS
from hlsflow.foundation.array_file import read_arrays
from hlsflow.foundation.errors import ModelError, UsageError
from hlsflow.frontends.keras.files.architecture import Architecture
from hlsflow.models.added import AddedModel
from hlsflow.models.card import Card
from hlsflow.models.reweighted import reweighted

# The first words of where such a model came from.
MADE_BY = "hlsflow compress: "


def is_made(card: Card) -> bool:
    """Whether a model was made so."""
    return card.origin.format.startswith(MADE_BY)


def derive_added(
    source: AddedModel, method: Method, parameters: Any, words: str, folder: Path, title: str
) -> Facts:  # fmt: skip
    """Writes the model that a method makes, and gives its facts; `words` are the method and its parameters as asked.

    Raises UsageError for a method that needs a recipe, ModelError where it cannot treat the model, StorageError.
    """
    if method.on_weights is None:
        able = ", ".join(sorted(name for name, item in METHODS.items() if item.on_weights is not None))
        raise UsageError(
            f"{method.name} takes a model of a recipe, whose layers and training data are known, and '{source.name}' "
            "was added from a file",
            hint=f"of an added model: {able}",
        )
    architecture = source.architecture()
    quantized = _quantized_layer(architecture)
    if method.name == "post_training_quantization" and quantized is not None:
        raise ModelError(
            f"{source.name} has quantizers already (layer '{quantized}'), so its weights are on a grid",
            hint="quantize a floating-point model after its training",
        )
    weights, facts = method.on_weights(read_arrays(source.weights), parameters)
    reweighted(source, folder, weights, f"{MADE_BY}{words}", title)
    return facts


def _quantized_layer(architecture: Architecture) -> str | None:
    """The first layer with a quantizer for its kernel."""
    for layer in architecture.layers:
        if any(value is not None for key, value in layer.config.items() if key.endswith("_quantizer")):
            return layer.name
    return None
