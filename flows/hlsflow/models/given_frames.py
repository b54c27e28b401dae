"""Frames of an added model: those of its data, or generated ones where it has none."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from hlsflow.datasets.frames import Frames
from hlsflow.foundation.array_file import read_arrays
from hlsflow.foundation.errors import DataError, ModelError
from hlsflow.models.given_data import digest_of
from hlsflow.network.fixed_point import FixedType

if TYPE_CHECKING:
    from numpy.random import Generator

    from hlsflow.foundation.arrays import Array

GENERATED = 1000
# Of all frames together: 1,000 of large images would fill the memory several times, and a C simulation take hours.
_MOST_VALUES = 1 << 22
# Generated frames are as large as the type allows, a half of that, …: at full range alone every layer saturates.
_SCALES = 7
_VERSION = 1
_AGAIN = "restore the file, or add the model again, with --data"


def usual_count(shapes: Sequence[tuple[int, ...]]) -> int:
    """How many frames are generated where nobody says how many: fewer of very large ones."""
    return max(1, min(GENERATED, _MOST_VALUES // max(1, sum(prod(shape) for shape in shapes))))


def on_grid(values: Array, type_: FixedType) -> Array:
    """Real values rounded half to even onto a type's grid, and saturated, float64."""
    import numpy as np

    scaled = np.rint(np.ldexp(values.astype(np.float64), type_.fraction))
    return np.ldexp(np.clip(scaled, type_.min_int, type_.max_int), -type_.fraction)


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """The data of `samples.npz`: `x0`, `x1`, … for the inputs in order, and `y` where there are labels."""

    path: Path
    said: str
    sha256: str
    types: tuple[FixedType, ...]
    shapes: tuple[tuple[int, ...], ...]
    limit: int | None
    substitute: bool = False

    @property
    def dataset(self) -> str:
        return self.said

    @property
    def source(self) -> str:
        return f"{self.said}, beside the model"

    @property
    def identity(self) -> Mapping[str, object]:
        return {"given": self.sha256, "types": [str(type_) for type_ in self.types], "limit": self.limit}

    def load(self) -> Frames:
        try:
            arrays = read_arrays(self.path)
        except ModelError as error:
            said = error.message.removeprefix(f"cannot read the weights {self.path}: ")
            raise DataError(f"cannot read the samples {self.path}: {said}", hint=_AGAIN) from error
        inputs = [arrays.get(f"x{index}") for index in range(len(self.types))]
        if digest_of(array for array in (*inputs, arrays.get("y")) if array is not None) != self.sha256:
            raise DataError(f"{self.path}: these are not the samples that were added", hint=_AGAIN)
        frames = tuple(
            on_grid(array.reshape(len(array), *shape), type_)
            for array, shape, type_ in zip(inputs, self.shapes, self.types, strict=True)
            if array is not None
        )
        return Frames(inputs=frames, truth=arrays.get("y")).taken(slice(self.limit))


@dataclass(frozen=True, kw_only=True, slots=True)
class Generated:
    """Frames over the inputs' own grids: corners, single values at their ends, then uniform ones of several sizes.

    Nothing is known of what should come out, so no accuracy is claimed.
    """

    types: tuple[FixedType, ...]
    shapes: tuple[tuple[int, ...], ...]
    count: int = GENERATED
    seed: int = 0
    substitute: bool = False

    @property
    def dataset(self) -> str:
        return "generated frames"

    @property
    def source(self) -> str:
        return f"generated: corners of the input types, then uniform over their grids (seed {self.seed})"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(repr(sorted(self.identity.items())).encode()).hexdigest()

    @property
    def identity(self) -> Mapping[str, object]:
        return {
            "generated": _VERSION, "count": self.count, "seed": self.seed,
            "types": [str(type_) for type_ in self.types], "shapes": [list(shape) for shape in self.shapes],
        }  # fmt: skip

    def load(self) -> Frames:
        import numpy as np

        rng = np.random.default_rng(self.seed)
        frames = []
        for type_, shape in zip(self.types, self.shapes, strict=True):
            size = int(np.prod(shape))
            whole = np.concatenate([_corners(type_, size, rng), _uniform(type_, size, self.count, rng)])[: self.count]
            frames.append(np.ldexp(whole.astype(np.float64), -type_.fraction).reshape(-1, *shape))
        return Frames(inputs=tuple(frames))


def _corners(type_: FixedType, size: int, rng: Generator) -> Array:
    """Integers (n, size): zeros, the ends and an LSB everywhere, ends at random places, one value alone at its ends."""
    import numpy as np

    low, high = type_.min_int, type_.max_int
    everywhere = [np.full(size, value) for value in (0, low, high, min(high, 1), max(low, -1))]
    ends = [np.where(rng.random(size) < 0.5, low, high) for _ in range(16)]
    alone = []
    for place in rng.permutation(size)[:16]:
        for value in (low, high):
            frame = np.zeros(size, dtype=np.int64)
            frame[place] = value
            alone.append(frame)
    return np.array([*everywhere, *ends, *alone], dtype=np.int64)


def _uniform(type_: FixedType, size: int, count: int, rng: Generator) -> Array:
    import numpy as np

    whole = rng.integers(type_.min_int, type_.max_int + 1, (count, size))
    # An arithmetic shift: the frame's values get smaller, and stay on the grid.
    return whole >> (np.arange(count) % _SCALES)[:, None]
