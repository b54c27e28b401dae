"""What was found in a model file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hlsflow.frontends.files.architecture import Architecture

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """The file that a model is from: its name, the SHA-256 of its bytes (None: none, a live model), its format."""

    file: str
    sha256: str | None
    format: str


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FoundModel:
    """`weights` are float32 arrays under `<layer>/<variable>`; `notes` say what was left out or changed."""

    architecture: Architecture
    weights: Mapping[str, Array]
    notes: tuple[str, ...]
    origin: Origin
