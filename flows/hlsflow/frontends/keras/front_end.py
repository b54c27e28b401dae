"""Keras as a front end: `architecture.json` and `weights.npz` in a model's folder, QKeras beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hlsflow.foundation.errors import ModelError
from hlsflow.foundation.strict_read import read_text
from hlsflow.frontends.installed import Needs
from hlsflow.frontends.keras.files.architecture import Architecture
from hlsflow.frontends.keras.files.found import ARCHITECTURE_FILE, WEIGHTS_FILE, FoundModel
from hlsflow.frontends.keras.live import KerasModel
from hlsflow.frontends.keras.needs import KERAS_2


def read_architecture(folder: Path, again: str) -> Architecture:
    """The layers of a model's folder. Raises ModelError; `again` says how its files come back."""
    path = folder / ARCHITECTURE_FILE
    try:
        text = read_text(path)
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror or error}", hint=again) from error
    return Architecture.from_json(text, str(path))


@dataclass(frozen=True, kw_only=True, slots=True)
class KerasFrontEnd:
    """Keras 2 with QKeras 0.9, the environment that hlsflow has by itself."""

    name: str = "keras"
    needs: Needs = KERAS_2
    distributions: tuple[str, ...] = ("qkeras", "keras", "tensorflow")
    files: tuple[str, ...] = (ARCHITECTURE_FILE, WEIGHTS_FILE)

    def reads(self, path: Path) -> bool:
        """Never asked alone: it is the one that says what is wrong with a file of no framework."""
        return False

    def read(self, path: Path, weights: Path | None = None) -> FoundModel:
        from hlsflow.frontends.keras.files.reader import read_model_file

        return read_model_file(path, weights)

    def input_shapes(self, folder: Path, again: str) -> Mapping[str, tuple[int, ...]]:
        return read_architecture(folder, again).input_shapes

    def open(self, folder: Path, again: str) -> KerasModel:
        from hlsflow.foundation.array_file import read_arrays
        from hlsflow.frontends.keras.files.keras_model import keras_model

        arrays = read_arrays(folder / WEIGHTS_FILE, again)
        return KerasModel(model=keras_model(read_architecture(folder, again), arrays, str(folder)))


KERAS = KerasFrontEnd()
