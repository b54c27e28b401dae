"""Models made out of a trained one: post-training quantization, pruning after training, low rank and the like.

A method is one module of this package with `Parameters` (a `recipe.Part`) and
`derive(source: Source, parameters: Parameters, dataset: Dataset) -> Derived`. `METHODS` lists them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hlsflow.compression.recipe import Derivation, Part, Recipe, Training, load_recipe
from hlsflow.compression.weights import WEIGHTS_FILE, read_arrays
from hlsflow.datasets import Dataset
from hlsflow.errors import ConfigError, did_you_mean
from hlsflow.steps import file_digest
from hlsflow.strict_yaml import validate

if TYPE_CHECKING:
    import keras

METHODS = {
    "post_training_quantization": "hlsflow.compression.post_training_quantization",
    "magnitude_pruning": "hlsflow.compression.magnitude_pruning",
    "structured_pruning": "hlsflow.compression.structured_pruning",
    "activation_pruning": "hlsflow.compression.activation_pruning",
    "low_rank": "hlsflow.compression.low_rank",
}
# Methods whose result further training would undo.
UNTRAINABLE = {"magnitude_pruning": "the weights that are zero would grow again"}


@dataclass(frozen=True, kw_only=True)
class Source:
    """A trained model: its recipe and its weights, float32 under `<layer>/<variable>`, such as `fc1/kernel`."""

    recipe: Recipe
    weights: Mapping[str, np.ndarray]
    weights_sha256: str

    @cached_property
    def model(self) -> keras.Model:
        """The Keras model with these weights; loads TensorFlow."""
        from hlsflow.compression.runtime import prepare_tensorflow
        from hlsflow.compression.weights import assign_weights
        from hlsflow.compression.zoo import build_model

        prepare_tensorflow()
        model = build_model(self.recipe)
        assign_weights(model, self.weights, f"the weights of {self.recipe.name}")
        return model

    def layer_outputs(self, pixels: np.ndarray, layers: list[str]) -> dict[str, np.ndarray]:
        """Outputs of named layers, float32 (samples, …), in inference, for uint8 pixels."""
        # Before TensorFlow is imported: the model's loading sets it up.
        model = self.model
        from tensorflow import keras

        from hlsflow.compression.runtime import interruptible
        from hlsflow.compression.zoo import preprocess

        tapped = keras.Model(model.input, [model.get_layer(name).output for name in layers])
        inputs = preprocess(self.recipe, pixels)
        found = tapped.predict(inputs, batch_size=1000, verbose=0, callbacks=[interruptible()])
        return dict(zip(layers, found if len(layers) > 1 else [found], strict=True))


@dataclass(frozen=True, kw_only=True, slots=True)
class Derived:
    """What a method made: the recipe that rebuilds the model, its weights, what was measured on the way, pictures.

    A method copies the source's recipe and changes `architecture` and `compression` alone. `facts` are figures such as
    `csr_bytes`, `pictures` PNG files by name.
    """

    recipe: Recipe
    weights: Mapping[str, np.ndarray]
    facts: Mapping[str, float | int | str] = field(default_factory=dict)
    pictures: Mapping[str, bytes] = field(default_factory=dict)


def load_source(model_dir: Path) -> Source:
    """The trained model of a folder. Raises ConfigError or ModelError."""
    recipe = load_recipe(model_dir)
    path = model_dir / WEIGHTS_FILE
    weights = read_arrays(path)
    return Source(recipe=recipe, weights=weights, weights_sha256=file_digest(path))


def parse_method(values: Mapping[str, Any], where: str) -> tuple[str, Part]:
    """A method's name and its parameters from `{name: …, parameter: value, …}`.

    Raises ConfigError that names the file (`where`), the key and the fix.
    """
    name = values.get("name")
    if name not in METHODS:
        raise ConfigError(f"{where}: method.name: no method '{name}'; {did_you_mean(str(name), METHODS)}")
    rest = {key: value for key, value in values.items() if key != "name"}
    return name, validate(import_module(METHODS[name]).Parameters, rest, f"{where}: method {name}")


def derive(
    source: Source, method: Mapping[str, Any], name: str, dataset: Dataset, *, title: str, training: Training | None
) -> Derived:
    """The model `name` that a method makes out of a trained one; `training` is what is to follow, if anything.

    Raises ConfigError for a method's parameters, ModelError where the method cannot treat this model.
    """
    method_name, parameters = parse_method(method, name)
    if training is not None and method_name in UNTRAINABLE:
        raise ConfigError(
            f"{name}: {method_name} and then training: {UNTRAINABLE[method_name]}",
            hint="prune during a training instead: compression.pruning of a recipe",
        )
    made: Derived = import_module(METHODS[method_name]).derive(source, parameters, dataset)
    values = made.recipe.model_dump(mode="json", exclude_defaults=True)
    for key in ("derived", "training", "description"):
        values.pop(key, None)
    # What took place while the source was trained is past.
    for key in ("pruning", "distillation"):
        values.get("compression", {}).pop(key, None)
    values |= {
        "name": name,
        "title": title,
        "derived": Derivation(
            source=source.recipe.name, source_weights_sha256=source.weights_sha256, method=dict(method)
        ).model_dump(mode="json"),
    }
    if training is not None:
        values["training"] = training.model_dump(mode="json")
    recipe = validate(Recipe, values, f"the recipe of {name}")
    return Derived(recipe=recipe, weights=made.weights, facts=made.facts, pictures=made.pictures)
