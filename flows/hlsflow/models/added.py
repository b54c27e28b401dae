"""A model that somebody added: what its front end keeps of it as plain values, and its card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hlsflow.datasets.frames import Frames, Task
from hlsflow.foundation.errors import ConfigError, ModelError, UsageError
from hlsflow.foundation.steps import file_digest
from hlsflow.frontends.contract import FrontEnd, LiveModel
from hlsflow.frontends.installed import check_installed
from hlsflow.frontends.keras.front_end import KERAS, read_architecture
from hlsflow.frontends.registry import FRONT_ENDS
from hlsflow.models.card import SAMPLES_FILE, Card, again_hint
from hlsflow.models.given_frames import Generated, Given, usual_count
from hlsflow.network.fixed_point import FixedType, parse_type

if TYPE_CHECKING:
    from hlsflow.frontends.keras.files.architecture import Architecture


@dataclass(frozen=True, kw_only=True, slots=True)
class AddedModel:
    """A folder with `model.yaml`, the files of its front end, and maybe `samples.npz`."""

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
    def front_end(self) -> FrontEnd:
        return FRONT_ENDS[self.card.front_end]

    @property
    def weights(self) -> Path:
        """The file that holds them: of the files of the front end the last."""
        return self.folder / self.front_end.files[-1]

    @property
    def identity(self) -> Mapping[str, object]:
        return self.reference

    @property
    def reference(self) -> Mapping[str, object]:
        found = {}
        for name in self.front_end.files:
            path = self.folder / name
            if not path.is_file():
                raise ModelError(f"no {path}", hint=self._again)
            found[path.stem] = file_digest(path)
        return {"card": self.card.identity(), **found}

    @property
    def _again(self) -> str:
        return again_hint(self.name)

    @property
    def input_types(self) -> Mapping[str, FixedType]:
        return {item.name: parse_type(item.type) for item in self.card.inputs}

    def architecture(self) -> Architecture:
        """The layers of a Keras model. Raises ModelError; UsageError of a model of another framework."""
        if self.card.front_end != KERAS.name:
            framework = self.front_end.needs.framework
            raise UsageError(f"this takes a model of {KERAS.needs.framework}, and '{self.name}' is one of {framework}")
        return read_architecture(self.folder, self._again)

    def live(self) -> LiveModel:
        check_installed(self.front_end.needs)
        return self.front_end.open(self.folder, self._again)

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
        shapes, types = self.front_end.input_shapes(self.folder, self._again), self.input_types
        for name in shapes:
            if name not in types:
                raise ConfigError(
                    f"{self.folder / 'model.yaml'}: inputs: no type of '{name}'", hint="one entry for each input"
                )
        return tuple(types[name] for name in shapes), tuple(shapes.values())
