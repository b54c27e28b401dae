"""A trained model that another one is made out of: its recipe and its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hlsflow.foundation.array_file import read_arrays
from hlsflow.foundation.steps import file_digest
from hlsflow.frontends.keras.files.found import WEIGHTS_FILE
from hlsflow.models.recipe import Recipe, load_recipe

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, kw_only=True)
class Source:
    """A trained model: its recipe and its weights, float32 under `<layer>/<variable>`, such as `fc1/kernel`."""

    recipe: Recipe
    weights: Mapping[str, np.ndarray]
    weights_sha256: str

    @cached_property
    def model(self) -> keras.Model:
        """The Keras model with these weights; loads TensorFlow."""
        from hlsflow.frontends.keras.runtime import prepare_tensorflow
        from hlsflow.models.weights import assign_weights
        from hlsflow.models.zoo import build_model

        prepare_tensorflow()
        model = build_model(self.recipe)
        assign_weights(model, self.weights, f"the weights of {self.recipe.name}")
        return model

    def plain(self, *, rounded: bool = True) -> keras.Model:
        """The same network of Keras' own layers, see `plain_layers`; the model itself where it has no quantizers."""
        if self.recipe.compression.quantization is None:
            return self.model
        from hlsflow.frontends.keras.plain_layers import plain_layers

        return plain_layers(self.model, rounded=rounded)

    def layer_outputs(self, pixels: np.ndarray, layers: list[str]) -> dict[str, np.ndarray]:
        """Outputs of named layers, float32 (samples, …), in inference, for uint8 pixels."""
        # Before TensorFlow is imported: the model's loading sets it up.
        model = self.model
        from tensorflow import keras

        from hlsflow.frontends.keras.runtime import interruptible
        from hlsflow.models.zoo import preprocess

        tapped = keras.Model(model.input, [model.get_layer(name).output for name in layers])
        inputs = preprocess(self.recipe, pixels)
        found = tapped.predict(inputs, batch_size=1000, verbose=0, callbacks=[interruptible()])
        return dict(zip(layers, found if len(layers) > 1 else [found], strict=True))


def load_source(model_dir: Path) -> Source:
    """The trained model of a folder. Raises ConfigError or ModelError."""
    recipe = load_recipe(model_dir)
    path = model_dir / WEIGHTS_FILE
    weights = read_arrays(path)
    return Source(recipe=recipe, weights=weights, weights_sha256=file_digest(path))
