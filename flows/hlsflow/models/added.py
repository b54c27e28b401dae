"""A model that somebody added: its architecture and weights as plain values, and its card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsflow.datasets.frames import Frames, Task
from hlsflow.foundation.errors import ConfigError, ModelError, UsageError
from hlsflow.foundation.steps import file_digest
from hlsflow.foundation.strict_read import read_text
from hlsflow.models.card import ARCHITECTURE_FILE, SAMPLES_FILE, Card, again_hint
from hlsflow.models.given_frames import Generated, Given, usual_count
from hlsflow.network.fixed_point import FixedType, parse_type

if TYPE_CHECKING:
    from hlsflow.frontends.files.architecture import Architecture


@dataclass(frozen=True, kw_only=True, slots=True)
class AddedModel:
    """A folder with `model.yaml`, `architecture.json`, `weights.npz` and maybe `samples.npz`."""

    card: Card
    folder: Path

    @property
    def name(self) -> str:
        return self.card.name

    @property
    def title(self) -> str:
        return self.card.title

    @property
    def task(self) -> Task:
        return self.card.task

    @property
    def weights(self) -> Path:
        return self.folder / "weights.npz"

    @property
    def identity(self) -> Mapping[str, object]:
        return self.reference

    @property
    def reference(self) -> Mapping[str, object]:
        for path in (self.folder / ARCHITECTURE_FILE, self.weights):
            if not path.is_file():
                raise ModelError(f"no {path}", hint=self._again)
        return {
            "card": self.card.identity(),
            "architecture": file_digest(self.folder / ARCHITECTURE_FILE),
            "weights": file_digest(self.weights),
        }

    @property
    def _again(self) -> str:
        return again_hint(self.name)

    @property
    def input_types(self) -> Mapping[str, FixedType]:
        return {item.name: parse_type(item.type) for item in self.card.inputs}

    def architecture(self) -> Architecture:
        """The network of layers. Raises ModelError."""
        from hlsflow.frontends.files.architecture import Architecture

        path = self.folder / ARCHITECTURE_FILE
        try:
            text = read_text(path)
        except OSError as error:
            raise ModelError(f"cannot read {path}: {error.strerror or error}", hint=self._again) from error
        return Architecture.from_json(text, str(path))

    def keras(self) -> Any:
        from hlsflow.frontends.files.keras_model import keras_model
        from hlsflow.models.weights import read_arrays

        return keras_model(self.architecture(), read_arrays(self.weights, self._again), str(self.folder))

    def samples(self, data_dir: Path | None, limit: int | None, memory: Path) -> Given | Generated:
        if limit is not None and limit < 1:
            raise UsageError(f"--samples {limit}: at least one sample is needed")
        given = self._given(limit)
        return given if given is not None else self._generated(limit, seed=0)

    def calibration(self, data_dir: Path | None, count: int) -> tuple[Frames, str]:
        given = self._given(None)
        if given is None:
            count = min(count, usual_count(self._ports()[1]))
            return self._generated(count, seed=1).load(), "generated frames of another seed"
        frames = given.load()
        # The last fifth: the first samples are what `--samples` verifies on.
        kept = min(count, max(1, len(frames) // 5))
        return frames.taken(slice(-kept, None)), f"samples of {given.dataset}"

    def _given(self, limit: int | None) -> Given | None:
        said = self.card.samples
        if said is None:
            return None
        types, shapes = self._ports()
        return Given(
            path=self.folder / SAMPLES_FILE, said=said.source, sha256=said.sha256, types=types, shapes=shapes,
            limit=limit,
        )  # fmt: skip

    def _generated(self, count: int | None, seed: int) -> Generated:
        types, shapes = self._ports()
        return Generated(types=types, shapes=shapes, count=count or usual_count(shapes), seed=seed)

    def _ports(self) -> tuple[tuple[FixedType, ...], tuple[tuple[int, ...], ...]]:
        architecture = self.architecture()
        shapes, types = architecture.input_shapes, self.input_types
        for name in architecture.inputs:
            if name not in types:
                raise ConfigError(
                    f"{self.folder / 'model.yaml'}: inputs: no type of '{name}'", hint="one entry for each input"
                )
        return tuple(types[name] for name in architecture.inputs), tuple(shapes.values())
