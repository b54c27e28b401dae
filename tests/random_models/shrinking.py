"""The smallest part of a recipe to which the same thing happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from random_models.recipe import Recipe

PLAIN = {"backend": "Vitis", "io_type": "io_parallel", "layers": {}}


def shrunk(recipe: Recipe, fails: Callable[[Recipe], bool], *, tries: int = 80) -> Recipe:
    """The recipe with as little of it as still `fails`, after so many tries at most."""
    left = tries
    while True:
        for smaller in _smaller(recipe):
            if left == 0:
                return recipe
            left -= 1
            if fails(smaller):
                recipe = smaller
                break
        else:
            return recipe


def _smaller(recipe: Recipe) -> Iterator[Recipe]:
    """Recipes with less in them, those with the least first."""
    for layer in recipe.layers:
        if (layer.name,) != recipe.outputs:
            yield replace(recipe, outputs=(layer.name,)).reached()
    if len(recipe.outputs) > 1:
        for name in recipe.outputs:
            yield replace(recipe, outputs=tuple(other for other in recipe.outputs if other != name)).reached()
    for layer in recipe.layers:
        for read in layer.reads:
            yield _without(recipe, layer.name, read)
    for layer in recipe.layers:
        for key in ("activation",):
            if key in layer.settings and "Activation" not in layer.class_name:
                less = {name: value for name, value in layer.settings.items() if name != key}
                layers = tuple(replace(item, settings=less) if item is layer else item for item in recipe.layers)
                yield replace(recipe, layers=layers)
    for key in recipe.config:
        plain = {name: value for name, value in recipe.config.items() if name != key} | (
            {key: PLAIN[key]} if key in PLAIN else {}
        )
        if plain != recipe.config:
            yield replace(recipe, config=plain)


def _without(recipe: Recipe, name: str, read: str) -> Recipe:
    """Without a layer: what reads it reads what it read instead."""

    def instead(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(read if item == name else item for item in names)

    layers = tuple(replace(item, reads=instead(item.reads)) for item in recipe.layers if item.name != name)
    outputs = tuple(dict.fromkeys(instead(recipe.outputs)))
    return replace(recipe, layers=layers, outputs=outputs).reached()
