"""What a build needs of a model, wherever the model comes from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from hlsflow.datasets.frames import Frames, Task
from hlsflow.foundation.errors import UsageError
from hlsflow.frontends.contract import FrontEnd, LiveModel
from hlsflow.frontends.keras.front_end import KERAS
from hlsflow.frontends.keras.live import KerasModel
from hlsflow.models.added import AddedModel
from hlsflow.models.card import CARD_FILE, load_card
from hlsflow.models.recipe import load_recipe
from hlsflow.models.trained import TrainedModel
from hlsflow.network.fixed_point import FixedType


class Samples(Protocol):
    """Frames that a build is verified on: where they are from, with which digest."""

    @property
    def dataset(self) -> str:
        """The name of what they are of."""

    @property
    def source(self) -> str:
        """Where they were found, or how they were made, in words."""

    @property
    def sha256(self) -> str: ...

    @property
    def substitute(self) -> bool:
        """Whether they stand in for the model's own, which were not found."""

    @property
    def identity(self) -> Mapping[str, object]:
        """What decides the frames, for a step's digest."""

    def load(self) -> Frames:
        """The frames. Raises DataError where they are gone."""


class Model(Protocol):
    """A trained model in its folder."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def weights(self) -> Path:
        """The file that holds its weights."""

    @property
    def folder(self) -> Path: ...

    @property
    def task(self) -> Task: ...

    @property
    def identity(self) -> Mapping[str, object]:
        """What decides the network, its weights' digest among it, for a step's digest. Raises ModelError where the
        weights are missing.
        """

    @property
    def reference(self) -> Mapping[str, object]:
        """What of it decides what it computes, for the digest of what a design is compared with."""

    @property
    def input_types(self) -> FixedType | Mapping[str, FixedType]:
        """The type of each input by its name, or one for all."""

    @property
    def front_end(self) -> FrontEnd:
        """Of the framework that made it."""

    def live(self) -> LiveModel:
        """The model in its framework, which is loaded. Raises ModelError; ToolError where that is not installed."""

    def samples(self, data_dir: Path | None, limit: int | None, memory: Path) -> Samples:
        """What it is verified on, the first `limit` alone. `memory` is a file that remembers a failed download.

        Raises DataError where there is nothing, UsageError for a limit below 1.
        """

    def calibration(self, data_dir: Path | None, count: int) -> tuple[Frames, str]:
        """Frames that it was not verified on, to measure values with, and what they are, in words."""


def open_model(folder: Path) -> Model:
    """The model of a folder; reads its description, not its weights. Raises ConfigError."""
    if (folder / CARD_FILE).is_file():
        return AddedModel(card=load_card(folder), folder=folder)
    return TrainedModel(recipe=load_recipe(folder), folder=folder)


def keras_of(model: Model, what: str) -> Any:
    """The live Keras model of a model, for `what` treats such alone. Raises UsageError of any other, and as `live`."""
    if model.front_end.name != KERAS.name:
        framework = model.front_end.needs.framework
        raise UsageError(f"{what} takes models of {KERAS.needs.framework}, and '{model.name}' is one of {framework}")
    live = model.live()
    assert isinstance(live, KerasModel)
    return live.model
