"""Frames for a network: what goes into each of its inputs, and what is known of what should come out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

# What a network is for: how its outputs are held against the truth, where that is known.
Task = Literal["classification", "binary", "regression"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Frames:
    """`inputs` holds an array (n, *shape of the input) for each input of the network, on the grid of its type.

    `truth` is int64 (n,) of classes, float64 (n, values) of targets, or None where neither is known.
    """

    inputs: tuple[Array, ...]
    truth: Array | None = None

    def __len__(self) -> int:
        return len(self.inputs[0])

    def taken(self, which: slice | Array) -> Frames:
        """Some of the frames: a slice, or their numbers."""
        truth = None if self.truth is None else self.truth[which]
        return Frames(inputs=tuple(array[which] for array in self.inputs), truth=truth)
