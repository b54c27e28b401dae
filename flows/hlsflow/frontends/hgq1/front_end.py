"""HGQ 1 as a front end: files of Keras 2 with its quantizers, and the same folder of a model as Keras has."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hlsflow.frontends.contract import LiveModel
from hlsflow.frontends.installed import Needs
from hlsflow.frontends.keras.files.architecture import Architecture
from hlsflow.frontends.keras.files.found import FoundModel
from hlsflow.frontends.keras.files.peek import archived_configuration, peeked
from hlsflow.frontends.keras.fixed_point_quantizer import CLASS_NAME
from hlsflow.frontends.keras.front_end import KERAS

NEEDS = Needs(
    framework="HGQ", packages=("HGQ", "tensorflow", "qkeras"), environment="--extra hgq1", extra="hgq1", python="3.11"
)
_MARK = f'{CLASS_NAME}"'.encode()


def holds_quantizers(architecture: Architecture) -> bool:
    """Whether some layer is HGQ's."""
    return any(layer.library == "hgq" for layer in architecture.layers)


@dataclass(frozen=True, kw_only=True, slots=True)
class Hgq1FrontEnd:
    """Proxy models of HGQ 0.2: opened with HGQ's own quantizer, beside Keras 2."""

    name: str = "hgq1"
    needs: Needs = NEEDS
    distributions: tuple[str, ...] = ("HGQ", *KERAS.distributions)
    files: tuple[str, ...] = KERAS.files

    def reads(self, path: Path) -> bool:
        """By the class of its quantizers, as the configuration in a file names it."""
        data = peeked(path)
        if data is not None and zipfile.is_zipfile(io.BytesIO(data)):
            data = archived_configuration(data)
        return data is not None and _MARK in data

    def read(self, path: Path, weights: Path | None = None) -> FoundModel:
        return KERAS.read(path, weights)

    def input_shapes(self, folder: Path, again: str) -> Mapping[str, tuple[int, ...]]:
        return KERAS.input_shapes(folder, again)

    def open(self, folder: Path, again: str) -> LiveModel:
        return KERAS.open(folder, again)


HGQ1 = Hgq1FrontEnd()
