"""Which models a sweep's points are, checked before any work: recipes, sources, teachers, methods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hlsflow.compression.derivation import parse_method
from hlsflow.exploring.spec import CompressSpec, Sweep, SweepPoint
from hlsflow.foundation.errors import ConfigError, did_you_mean
from hlsflow.foundation.strict_yaml import validate
from hlsflow.foundation.workspace import Workspace
from hlsflow.models.recipe import Recipe, Training, load_recipe


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepModels:
    """The models of a sweep: those of its points, made in `own`, and those of the checkout, read from `shipped`."""

    sweep: Sweep
    own: Workspace
    shipped: Workspace

    def folder(self, name: str) -> Path:
        """The folder of a model that a point is made from."""
        return self.own.models / name if self.sweep.point(name) is not None else self.shipped.models / name

    def recipe(self, point: SweepPoint) -> Recipe:
        """The recipe of a point that is trained, with everything it takes over from the model it is `like`."""
        values = self._recipe_values(point.name, ())
        return validate(Recipe, values, f"{self.sweep.path}: point {point.name}: train")

    def dataset_of(self, name: str) -> str:
        """The dataset that a model is trained on, followed to its source where it is made out of another one."""
        point = self.sweep.point(name)
        if point is None:
            return load_recipe(self.shipped.models / name).dataset
        if point.kind == "train":
            return self.recipe(point).dataset
        return self.dataset_of(point.body if point.kind == "model" else point.needs[0])

    def check(self) -> None:
        """Raises ConfigError for the first point that cannot be meant, before any work is done."""
        for point in self.sweep.points:
            where = f"{self.sweep.path}: point {point.name}"
            if point.kind == "model":
                self._known(str(point.body), f"{where}: model")
            for name in point.needs:
                self._known(name, where)
            if point.kind == "train":
                self.recipe(point)
            elif point.kind == "compress":
                compress = self.compression(point)
                parse_method(compress.method, where)
                self.training(point)
            elif point.kind == "tflite":
                from hlsflow.compression.tflite import Parameters

                validate(Parameters, {k: v for k, v in point.body.items() if k != "source"}, f"{where}: tflite")
        self._check_order()

    def compression(self, point: SweepPoint) -> CompressSpec:
        """What stands under a point's `compress`."""
        return validate(CompressSpec, dict(point.body), f"{self.sweep.path}: point {point.name}: compress")

    def training(self, point: SweepPoint) -> Training | None:
        """The further training of a model that is made out of another one, where the point asks for it."""
        values = self.compression(point).training
        where = f"{self.sweep.path}: point {point.name}: compress.training"
        return None if values is None else validate(Training, dict(values), where)

    def _known(self, name: str, where: str) -> None:
        known = [point.name for point in self.sweep.points] + self.shipped.model_names()
        if name not in known:
            raise ConfigError(f"{where}: no model '{name}' in this sweep or in models/; {did_you_mean(name, known)}")

    def _check_order(self) -> None:
        """Raises ConfigError where points are made from one another in a circle."""
        waiting = {point.name: point.needs for point in self.sweep.points}
        while waiting:
            ready = [name for name, needs in waiting.items() if not any(need in waiting for need in needs)]
            if not ready:
                raise ConfigError(
                    f"{self.sweep.path}: points {', '.join(waiting)} are made from one another in a circle"
                )
            for name in ready:
                del waiting[name]

    def _recipe_values(self, name: str, above: tuple[str, ...]) -> dict[str, Any]:
        """A recipe as plain values, of a point that is trained or of a model of the checkout."""
        point = self.sweep.point(name)
        where = f"{self.sweep.path}: point {above[0] if above else name}: train.like"
        if name in above:
            raise ConfigError(f"{where}: {' like '.join((*above, name))} is a circle")
        if point is None or (point.kind == "model" and point.body == name):
            self._known(name, where)
            return load_recipe(self.shipped.models / name).model_dump(mode="json", exclude_defaults=True)
        if point.kind != "train":
            raise ConfigError(f"{where}: {name} is not trained, so it has no recipe of its own")
        values = {key: value for key, value in point.body.items() if key != "like"}
        like = point.body.get("like")
        if like is not None:
            base = self._recipe_values(str(like), (*above, name))
            base.pop("description", None)
            values = merged(base, values)
        return values | {"name": name, "title": point.title}


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `changes` laid over it, mapping by mapping; a change to None takes the key away."""
    result = dict(base)
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping):
            under = result.get(key)
            result[key] = merged(under if isinstance(under, Mapping) else {}, value)
        else:
            result[key] = value
    return result
