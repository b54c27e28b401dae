"""The nodes of a network as they are collected, layer by layer, and what carries the values of each layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hlsflow.network.fixed_point import FixedType
from hlsflow.network.graph import Node, Op


class Builder:
    """What the entries of hls4ml's list of layers have become so far."""

    def __init__(
        self, model_name: str, layers: Mapping[str, Any], input_types: Mapping[str, FixedType] | FixedType
    ) -> None:
        """`layers` are the framework's own, by name."""
        self.model_name = model_name
        self.layers = layers
        self.input_types = input_types
        self.nodes: list[Node] = []
        self.renamed: dict[str, str] = {}
        self.carriers: dict[str, str] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.last_layer: Any = None

    def now(self, name: str) -> str:
        """The name of the node that carries what `name` named before no-op layers were dropped."""
        return self.renamed.get(name, name)

    def carrier(self, name: str) -> str:
        """The name of the node with the values of a Keras layer, or of one of hls4ml's entries."""
        return self.carriers.get(name, self.now(name))

    def opened(self, entry: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
        """A copy of an entry whose inputs are nodes, and the layer that it is of.

        That is the layer of its name, or the one whose inline activation it is: `fc1_quantized_relu` of `fc1`.
        """
        opened = dict(entry)
        previous = self.nodes[-1].name if self.nodes else None
        inputs = entry.get("inputs") or ([] if entry["class_name"] == "InputLayer" else [previous])
        opened["inputs"] = [self.now(name) for name in inputs if name is not None]
        self.last_layer = self.layers.get(entry["name"], self.last_layer)
        return opened, self.last_layer

    def place(self, entry: Mapping[str, Any], owner: Any, made: Sequence[Node]) -> None:
        """Adds the nodes of an opened entry. No node: it passes on what it reads, so there is nothing to build."""
        name = entry["name"]
        for node in made:
            self.nodes.append(node)
            self.shapes[node.name] = node.shape
        if not made:
            self.renamed[name] = entry["inputs"][0]
        elif made[-1].name != name:
            self.renamed[name] = made[-1].name
        self._carry(owner, name)

    def _carry(self, owner: Any, name: str) -> None:
        """Notes that the values of a Keras layer are those of an entry: of its last one, where it has several."""
        if owner is not None:
            self.carriers[owner.name] = self.now(name)

    def source(self, entry: Mapping[str, Any]) -> Node | None:
        """The node that an entry reads first, or None where it reads none."""
        return next((node for node in reversed(self.nodes) if node.name in entry["inputs"][:1]), None)

    def node(self, entry: Mapping[str, Any], op: Op, shape: tuple[int, ...], owner: Any, **more: Any) -> Node:
        """A node of an entry."""
        return Node(
            name=entry["name"],
            op=op,
            inputs=tuple(entry["inputs"]),
            shape=tuple(int(size) for size in shape),
            entry=entry,
            keras_layer=owner.name if owner is not None else entry["name"],
            keras_class=self.class_of(owner) if owner is not None else entry["class_name"],
            **more,
        )

    def in_shape(self, entry: Mapping[str, Any], index: int = 0) -> tuple[int, ...]:
        """The shape of what an entry reads."""
        return self.shapes[entry["inputs"][index]]

    def class_of(self, owner: Any) -> str:
        """What the framework calls the kind of a layer."""
        return type(owner).__name__
