"""Models made out of a trained one: post-training quantization, pruning after training, low rank and the like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hlsflow.compression.method import Derived, Method
from hlsflow.compression.methods import METHODS
from hlsflow.datasets.dataset import Dataset
from hlsflow.foundation.errors import ConfigError, did_you_mean
from hlsflow.foundation.strict_yaml import validate
from hlsflow.models.recipe import Derivation, Part, Recipe, Training
from hlsflow.models.source import Source


def parse_method(values: Mapping[str, Any], where: str) -> tuple[Method, Part]:
    """A method and its parameters from `{name: …, parameter: value, …}`.

    Raises ConfigError that names the file (`where`), the key and the fix.
    """
    name = values.get("name")
    method = METHODS.get(name) if isinstance(name, str) else None
    if method is None:
        raise ConfigError(f"{where}: method.name: no method '{name}'; {did_you_mean(str(name), METHODS)}")
    rest = {key: value for key, value in values.items() if key != "name"}
    return method, validate(method.parameters, rest, f"{where}: method {name}")


def derive(
    source: Source, method: Mapping[str, Any], name: str, dataset: Dataset, *, title: str, training: Training | None
) -> Derived:
    """The model `name` that a method makes out of a trained one; `training` is what is to follow, if anything.

    Raises ConfigError for a method's parameters, ModelError where the method cannot treat this model.
    """
    chosen, parameters = parse_method(method, name)
    if training is not None and chosen.undone_by_training is not None:
        raise ConfigError(
            f"{name}: {chosen.name} and then training: {chosen.undone_by_training}",
            hint="prune during a training instead: compression.pruning of a recipe",
        )
    made = chosen.derive(source, parameters, dataset)
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
