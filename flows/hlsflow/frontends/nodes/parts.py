"""One activation of Keras as several functions of hls4ml, one behind the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hlsflow.frontends.nodes.builder import Builder
from hlsflow.frontends.nodes.entries import function_entry, scale_entry, spacer
from hlsflow.network.graph import Node, Op

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


class Parts:
    """The nodes that an entry becomes, each of which reads the one before it; the last has the entry's name.

    A scale and a shift wait for what comes behind them: two in a row are one.
    """

    def __init__(self, builder: Builder, entry: Mapping[str, Any], owner: Any) -> None:
        self.builder, self.entry, self.owner = builder, entry, owner
        self.shape = builder.in_shape(entry)
        self.nodes: list[Node] = []
        self.factor, self.offset = 1.0, 0.0

    def read(self) -> str:
        """The name of what the next part reads: a scale that waits is placed before it."""
        self._place_scale()
        return self.nodes[-1].name if self.nodes else str(self.entry["inputs"][0])

    def function(self, part: str, function: str, *, op: Op = Op.ACTIVATION, **more: Any) -> None:
        """A function that hls4ml has by this name; `more` belongs to the node, and `said` to its entry."""
        said = more.pop("said", {})
        made = {**function_entry(self._name(part), [self.read()], function), **said}
        self._add(made, op, function=function, **more)

    def apart(self) -> None:
        """Keeps a scale and a sign behind it from being merged by hls4ml."""
        self.nodes.append(spacer(self.builder, {**self.entry, "inputs": [self.read()]}, self.shape, self.owner))

    def scale(self, factor: float, offset: float) -> None:
        """x * factor + offset."""
        self.factor, self.offset = self.factor * factor, self.offset * factor + offset

    def scale_to_grid(self, part: str, attributes: Mapping[str, Any]) -> None:
        """A scale whose constants depend on the grid of what it reads: `ranges` fills them in."""
        made = scale_entry(self._name(part), [self.read()], self.shape)
        self._add(made, Op.SCALE, attributes=attributes)

    def at_least(self, least: float) -> None:
        """max(x, least) as relu(x - least) + least."""
        self.scale(1, -least)
        self.function("from_least", "relu")
        self.scale(1, least)

    def at_most(self, most: float) -> None:
        """min(x, most) as most - relu(most - x)."""
        self.scale(-1, most)
        self.function("to_most", "relu")
        self.scale(-1, most)

    def times(self, other: str) -> None:
        """The product with the values of another node."""
        made = {
            "name": self._name("product"),
            "inputs": [other, self.read()],
            "class_name": "Merge",
            "op": "multiply",
            "data_format": "channels_last",
        }
        self._add(made, Op.MERGE, function="multiply")

    def made(self) -> list[Node]:
        """All nodes."""
        self._place_scale()
        last, name = self.nodes[-1], str(self.entry["name"])
        return [*self.nodes[:-1], replace(last, name=name, entry={**last.entry, "name": name})]

    def _place_scale(self) -> None:
        if (self.factor, self.offset) == (1, 0):
            return
        arrays = {"scale": self._channels(self.factor), "bias": self._channels(self.offset)}
        self.factor, self.offset = 1.0, 0.0
        made = scale_entry(self._name(f"scale_{len(self.nodes)}"), [self.read()], self.shape)
        self._add(made, Op.SCALE, arrays=arrays)

    def _channels(self, value: float) -> Array:
        import numpy as np

        return np.full(self.shape[-1], value)

    def _add(self, made: Mapping[str, Any], op: Op, **more: Any) -> None:
        self.nodes.append(self.builder.node(made, op, self.shape, self.owner, **more))

    def _name(self, part: str) -> str:
        return f"{self.entry['name']}_{part}"
