"""What Keras' front ends need installed: both of them packages of the same names, of other distributions."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from hlsflow.frontends.installed import Needs, absent

FRAMEWORK = "Keras"


@dataclass(frozen=True, kw_only=True, slots=True)
class KerasNeeds(Needs):
    """Keras of one `generation`, and the distribution of QKeras for it."""

    generation: Literal[2, 3]
    qkeras: str

    @property
    def missing(self) -> tuple[str, ...]:
        found = absent(*self.packages)
        if found:
            return found
        said = {f"Keras {self.generation}": _has("keras", f"{self.generation}."), self.qkeras: _has(self.qkeras)}
        return tuple(name for name, is_there in said.items() if not is_there)


def _has(distribution: str, version_from: str = "") -> bool:
    try:
        return version(distribution).startswith(version_from)
    except PackageNotFoundError:
        return False


KERAS_2 = KerasNeeds(
    framework=FRAMEWORK,
    packages=("tensorflow", "qkeras"),
    environment="",
    extra="keras2",
    python="3.11",
    generation=2,
    qkeras="qkeras",
)
KERAS_3 = KerasNeeds(
    framework="Keras 3",
    packages=("tensorflow", "qkeras"),
    environment="--no-group keras2 --group keras3",
    extra="keras3",
    generation=3,
    qkeras="qkeras-v3",
)
