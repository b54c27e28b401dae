"""What a compression method is: its name, its parameters, and how it makes a model out of a trained one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hlsflow.datasets.dataset import Dataset
from hlsflow.models.recipe import Part, Recipe
from hlsflow.models.source import Source

Facts = Mapping[str, float | int | str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Derived:
    """What a method made: the recipe that rebuilds the model, its weights, what was measured on the way, pictures.

    A method copies the source's recipe and changes `architecture` and `compression` alone. `facts` are figures such as
    `csr_bytes`, `pictures` PNG files by name.
    """

    recipe: Recipe
    weights: Mapping[str, np.ndarray]
    facts: Facts = field(default_factory=dict)
    pictures: Mapping[str, bytes] = field(default_factory=dict)


def is_kernel(key: str) -> bool:
    """Whether the array of a name is what a layer multiplies by: of a depthwise or separable convolution too."""
    return key.endswith("kernel")


@dataclass(frozen=True, kw_only=True, slots=True)
class Method:
    """A method as a module of this room states it, listed in `hlsflow.compression.methods`.

    `derive(source, parameters, dataset)` gets parameters that were checked against `parameters`; it raises ModelError
    where it cannot treat the model. `undone_by_training` says what further training would undo, None where nothing.
    `on_weights(weights, parameters)` does it to the weights of any network, `<layer>/<variable>`, and gives the new
    ones with its facts; None where the method needs a recipe, or the data that a model was trained on.
    """

    name: str
    parameters: type[Part]
    derive: Callable[[Source, Any, Dataset], Derived]
    undone_by_training: str | None = None
    on_weights: Callable[[Mapping[str, np.ndarray], Any], tuple[dict[str, np.ndarray], Facts]] | None = None

    @property
    def module(self) -> str:
        """The module that does the work, for the keys of steps."""
        return self.derive.__module__
