"""HGQ 2 as a front end, in an environment of its own: Keras 3 and hgq2, no Keras 2."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hlsflow.foundation.errors import UsageError
from hlsflow.frontends.hgq2.classes import is_of_hgq2
from hlsflow.frontends.hgq2.found import ARCHITECTURE_FILE, WEIGHTS_FILE, FoundHgq2
from hlsflow.frontends.hgq2.live import FRAMEWORK, Hgq2Model
from hlsflow.frontends.installed import Needs
from hlsflow.frontends.keras.files.peek import archived_configuration, peeked
from hlsflow.frontends.keras.front_end import read_architecture

NEEDS = Needs(
    framework=FRAMEWORK, packages=("hgq", "keras", "tensorflow"), environment="--no-group keras2 --group hgq2",
    extra="hgq2",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Hgq2FrontEnd:
    """Archives `.keras` with layers of the package `hgq2`."""

    name: str = "hgq2"
    needs: Needs = NEEDS
    distributions: tuple[str, ...] = ("hgq2", "keras", "tensorflow")
    files: tuple[str, ...] = (ARCHITECTURE_FILE, WEIGHTS_FILE)

    def reads(self, path: Path) -> bool:
        """By the modules of its layers, as the configuration in an archive names them."""
        data = peeked(path)
        said = None if data is None else archived_configuration(data)
        try:
            return said is not None and is_of_hgq2(json.loads(said))
        except (KeyError, TypeError, ValueError, RecursionError):
            return False

    def read(self, path: Path, weights: Path | None = None) -> FoundHgq2:
        from hlsflow.frontends.hgq2.files import read_archive

        if weights is not None:
            raise UsageError(f"--weights {weights}: {path.name} is an archive with its own", hint="leave it out")
        return read_archive(path)

    def input_shapes(self, folder: Path, again: str) -> Mapping[str, tuple[int, ...]]:
        return read_architecture(folder, again, ARCHITECTURE_FILE).input_shapes

    def open(self, folder: Path, again: str) -> Hgq2Model:
        from hlsflow.foundation.array_file import read_arrays

        weights = read_arrays(folder / WEIGHTS_FILE, again)
        return Hgq2Model(
            architecture=read_architecture(folder, again, ARCHITECTURE_FILE), weights=weights, where=str(folder)
        )


HGQ2 = Hgq2FrontEnd()
