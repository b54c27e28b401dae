"""A model's weights as `weights.npz`: plain arrays under `<layer>/<variable>`, no pickles, reproducible bytes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hlsflow.foundation.array_file import pack_arrays, read_arrays
from hlsflow.foundation.errors import ModelError
from hlsflow.foundation.workspace import write_bytes
from hlsflow.frontends.keras.files.found import WEIGHTS_FILE
from hlsflow.models.recipe import Recipe, load_recipe

if TYPE_CHECKING:
    import keras


def weights_of(model: keras.Model) -> dict[str, np.ndarray]:
    """The weights of a model, float32, under `<layer>/<variable>` such as `fc1/kernel`, in the model's order."""
    return {key: np.asarray(variable.numpy()) for key, variable in _variables(model).items()}


def save_weights(model: keras.Model, path: str | os.PathLike[str]) -> None:
    """Writes the weights of a model. Equal weights give an equal file. Raises StorageError."""
    write_bytes(Path(path), pack_arrays(weights_of(model)))


def load_weights(model: keras.Model, path: str | os.PathLike[str]) -> None:
    """Fills a model with the weights of a file; on an error the model is left as it was.

    Raises ModelError where the file is missing or corrupt, does not fit the architecture, or holds NaN or infinity.
    """
    file = Path(path)
    assign_weights(model, read_arrays(file), str(file))


def assign_weights(model: keras.Model, arrays: Mapping[str, np.ndarray], where_from: str) -> None:
    """Fills a model with float32 arrays under `<layer>/<variable>`; on an error the model is left as it was.

    Layers inside a pruning wrapper are filled, the wrapper's own variables are not asked for. Raises ModelError, with
    `where_from` in it, where an array is missing, too many, misshapen, of another type, or not finite.
    """
    variables = _variables(model)
    shapes = {key: tuple(variable.shape) for key, variable in variables.items()}
    check_arrays(arrays, shapes, where_from, hint=f"train it again: hlsflow train --model {model.name} --force")
    for key, variable in variables.items():
        variable.assign(arrays[key])


def check_arrays(
    arrays: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]], where_from: str, *, hint: str
) -> None:
    """Raises ModelError, with `where_from` in it, unless there is a finite float32 array of each name and shape."""
    for key in shapes:
        if key not in arrays:
            layer, variable = key.split("/", 1)
            raise ModelError(f"{where_from}: layer '{layer}': {variable} is missing", hint=hint)
    for key, array in arrays.items():
        layer, _, variable = key.partition("/")
        where = f"{where_from}: layer '{layer}': {variable}"
        if key not in shapes:
            raise ModelError(f"{where} is not in the architecture", hint=hint)
        if array.shape != shapes[key]:
            raise ModelError(f"{where} has shape {array.shape}, the architecture expects {shapes[key]}", hint=hint)
        if array.dtype != np.float32:
            raise ModelError(f"{where} is {array.dtype}, expected float32", hint=hint)
        bad = int(np.count_nonzero(~np.isfinite(array)))
        if bad:
            raise ModelError(f"{where} holds {bad} values that are NaN or infinite", hint=hint)


def load_trained(model_dir: str | os.PathLike[str]) -> tuple[Recipe, keras.Model]:
    """The recipe and the trained model of a model folder. Raises ConfigError or ModelError."""
    from hlsflow.models.zoo import build_model

    recipe = load_recipe(model_dir)
    path = Path(model_dir) / WEIGHTS_FILE
    if not path.is_file():
        # Said before the model is built, which takes seconds.
        read_arrays(path)
    model = build_model(recipe)
    load_weights(model, path)
    return recipe, model


def _variables(model: keras.Model) -> dict[str, object]:
    """The weight variables of a model under `<layer>/<variable>`."""
    return {
        f"{inner.name}/{variable.name.rsplit('/', 1)[-1].removesuffix(':0')}": variable
        for inner in (getattr(layer, "layer", layer) for layer in model.layers)
        for variable in inner.weights
    }
