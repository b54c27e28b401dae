"""A model that this project trained from a recipe, or derived from one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hlsflow.datasets.frames import Frames, Task
from hlsflow.datasets.verification_samples import SampleSet, choose_samples
from hlsflow.foundation.errors import ModelError
from hlsflow.foundation.steps import file_digest
from hlsflow.frontends.contract import FrontEnd
from hlsflow.frontends.keras.front_end import KERAS
from hlsflow.frontends.keras.live import KerasModel
from hlsflow.models.recipe import Recipe
from hlsflow.network.fixed_point import FixedType, parse_type

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


@dataclass(frozen=True, kw_only=True, slots=True)
class Pictures:
    """Images of a dataset as a recipe's network takes them."""

    of: SampleSet
    recipe: Recipe

    @property
    def dataset(self) -> str:
        return self.of.dataset

    @property
    def source(self) -> str:
        return self.of.source

    @property
    def sha256(self) -> str:
        return self.of.sha256

    @property
    def substitute(self) -> bool:
        return self.of.substitute

    @property
    def identity(self) -> Mapping[str, object]:
        return self.of.identity

    def load(self) -> Frames:
        pixels, classes = self.of.load()
        return _frames(self.recipe, pixels, classes)


def _frames(recipe: Recipe, pixels: Array, classes: Array) -> Frames:
    from hlsflow.models.zoo import preprocess

    return Frames(inputs=(preprocess(recipe, pixels),), truth=classes)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainedModel:
    """A recipe and its weights."""

    recipe: Recipe
    folder: Path
    task: Task = field(default="classification", init=False)

    @property
    def name(self) -> str:
        return self.recipe.name

    @property
    def title(self) -> str:
        return self.recipe.title

    @property
    def weights(self) -> Path:
        return self.folder / "weights.npz"

    @property
    def identity(self) -> Mapping[str, object]:
        if not self.weights.is_file():
            raise ModelError(
                f"no weights at {self.weights}", hint=f"train the model: hlsflow train --model {self.folder.name}"
            )
        return {"recipe": self.recipe.sha256(), "weights": file_digest(self.weights)}

    @property
    def reference(self) -> Mapping[str, object]:
        recipe = self.recipe.model_dump(mode="json")
        return {
            **{name: recipe[name] for name in ("input", "architecture", "dataset", "classes")},
            "quantization": recipe["compression"]["quantization"],
            "weights": file_digest(self.weights),
        }

    @property
    def input_types(self) -> FixedType:
        return parse_type(self.recipe.input.type)

    @property
    def front_end(self) -> FrontEnd:
        return KERAS

    def live(self) -> KerasModel:
        from hlsflow.frontends.keras.runtime import prepare_tensorflow
        from hlsflow.models.weights import load_trained

        prepare_tensorflow()
        return KerasModel(model=load_trained(self.folder)[1])

    def samples(self, data_dir: Path | None, limit: int | None, memory: Path) -> Pictures:
        found = choose_samples(self.recipe.dataset, data_dir, limit, memory, self.recipe.classes)
        return Pictures(of=found, recipe=self.recipe)

    def calibration(self, data_dir: Path | None, count: int) -> tuple[Frames, str]:
        from hlsflow.datasets.dataset import load_dataset

        dataset = load_dataset(self.recipe.dataset, data_dir)
        frames = _frames(self.recipe, dataset.x_train[:count], dataset.y_train[:count])
        return frames, f"training samples of {self.recipe.dataset}"
