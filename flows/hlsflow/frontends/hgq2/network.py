"""A model of HGQ 2 as a `Network`: its constants as its own quantizers give them, its other quantizers as casts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hlsflow.foundation.errors import UnsupportedError
from hlsflow.frontends.hgq2 import quantizers
from hlsflow.frontends.hgq2.layers import HANDLERS
from hlsflow.frontends.hgq2.model import quantizer_of
from hlsflow.frontends.keras.files.architecture import Architecture, Layer
from hlsflow.frontends.nodes.builder import Builder
from hlsflow.network.element_types import ElementTypes, node_fields
from hlsflow.network.fixed_point import FixedType
from hlsflow.network.graph import Network, Node, Op
from hlsflow.network.quantizers import NotExact
from hlsflow.network.refusal import Refusal, message
from hlsflow.network.unbuildable import refusals_of_network

# Axes of a tensor, the batch left out, up to which hls4ml's layers go.
_MOST_AXES = 3


class _Builder(Builder):
    """Nodes whose kinds are called as the architecture calls them."""

    def class_of(self, owner: Any) -> str:
        return str(owner.class_name)


def network_of(
    architecture: Architecture, model: Any, input_types: Mapping[str, FixedType] | FixedType
) -> Network:  # fmt: skip
    """The network of a live model whose inputs have the given types (one type, or one for each input's name).

    Raises UnsupportedError naming every layer that no policy makes exact, with the reason and a way out.
    """
    layers = {layer.name: layer for layer in architecture.layers}
    builder = _Builder(architecture.name, layers, input_types)
    refusals = []
    for layer in architecture.layers:
        try:
            _add(builder, layer, model)
        except NotExact as problem:
            refusals.append(Refusal(layer.name, str(problem), problem.way_out))
            # What stands behind it is looked at as if it had been read.
            builder.shapes[layer.name] = _shape(model, layer)
    if refusals:
        raise UnsupportedError(message(architecture.name, refusals))
    outputs = tuple(builder.now(name) for name in architecture.outputs)
    read = {name for node in builder.nodes for name in node.inputs}.union(outputs)
    network = Network(
        nodes=tuple(node for node in builder.nodes if node.op is not Op.RESHAPE or node.name in read),
        inputs=architecture.inputs,
        outputs=outputs,
    )
    late = refusals_of_network(network)
    if late:
        raise UnsupportedError(message(architecture.name, late))
    return network


def _shape(model: Any, layer: Layer) -> tuple[int, ...]:
    return tuple(int(size) for size in model.get_layer(layer.name).output.shape[1:])


def _add(builder: _Builder, layer: Layer, model: Any) -> None:
    """Adds the nodes of a layer: the casts of what it reads, its own, and the cast of what it gives, in this order.

    The last one has the layer's name. Raises NotExact.
    """
    shape = _shape(model, layer)
    entry: dict[str, Any] = {"name": layer.name, "inputs": [builder.now(name) for name in layer.inputs]}
    if layer.class_name == "InputLayer":
        types = builder.input_types
        type_ = types if isinstance(types, FixedType) else types[layer.name]
        said = {**entry, "class_name": "InputLayer", "input_shape": list(shape)}
        attributes = {} if isinstance(types, FixedType) else {"of_card": True}
        node = builder.node(said, Op.INPUT, shape, layer, declared={"result": type_}, attributes=attributes)
        builder.place(said, layer, [node])
        return
    if len(shape) > _MOST_AXES:
        raise NotExact(f"its values have {len(shape)} axes, hardware here {_MOST_AXES} at most", "a Reshape before it")
    live = model.get_layer(layer.name)
    said = layer.config.get("quantizers", {})
    parts: list[Node] = []
    inputs = []
    for index, source in enumerate(entry["inputs"]):
        part = f"iq{index}" if f"iq{index}" in said else "iq"
        inputs.append(_cast(builder, parts, layer, live, part, source, f"{layer.name}_{part}"))
    made = HANDLERS[layer.class_name](builder, layer, live, inputs, shape)
    parts += made
    last = made[-1].name if made else inputs[0]
    _cast(builder, parts, layer, live, "oq", last, f"{layer.name}_oq", shape)
    # What has the layer's own name now is called so where another node is the last one.
    inner = {f"{layer.name}_values" if node.name == layer.name else node.name for node in parts[:-1]}
    clash = sorted(inner & set(builder.layers))
    if clash:
        raise NotExact(f"a part of it in hardware has the name of the layer '{clash[0]}'", "another name for that one")
    _place(builder, layer, parts, inputs)


def _cast(
    builder: _Builder, parts: list[Node], layer: Layer, live: Any, part: str, source: str, name: str,
    shape: tuple[int, ...] | None = None,
) -> str:  # fmt: skip
    """Adds the cast of a quantizer behind a node, and gives the name of the node with its values."""
    conf = layer.config.get("quantizers", {}).get(part)
    shape = builder.shapes[source] if shape is None else shape
    types = None if conf is None else element_types(layer, live, part, shape)
    if types is None:
        return source
    fields = node_fields(name, [source], types)
    parts.append(builder.node(fields.pop("entry"), fields.pop("op"), shape, layer, **fields))
    builder.shapes[name] = shape
    return name


def element_types(layer: Layer, live: Any, part: str, shape: tuple[int, ...]) -> ElementTypes | None:
    """The types of a quantizer of a live layer over values of a shape. Raises NotExact."""
    import keras
    import numpy as np

    conf = layer.config["quantizers"][part]
    inner = quantizer_of(live, layer, part)
    arrays = {
        variable: np.asarray(keras.ops.convert_to_numpy(getattr(inner, f"_{variable}").value))
        for variable in quantizers.VARIABLES[conf["q_type"]]
    }
    types = quantizers.element_types(conf, arrays, len(shape), f"layer '{layer.name}': {part}")
    if types is not None and not types.fits(shape):
        raise NotExact(f"its bits broadcast values of {shape} to another shape", "bits of the shape of its values")
    return types


def _place(builder: _Builder, layer: Layer, parts: list[Node], inputs: list[str]) -> None:
    """Places the nodes; the last of them takes the layer's name, under which its values are compared."""
    entry = {"name": layer.name, "inputs": inputs}
    if parts and parts[-1].name != layer.name:
        last, old = parts[-1], {node.name for node in parts[:-1]}
        if layer.name in old:
            moved = {layer.name: f"{layer.name}_values"}
            parts[:-1] = [_renamed(node, moved) for node in parts[:-1]]
            last = _renamed(last, moved)
        parts[-1] = replace(last, name=layer.name, entry={**last.entry, "name": layer.name})
    builder.place(entry, layer, parts)


def _renamed(node: Node, names: Mapping[str, str]) -> Node:
    inputs = tuple(names.get(name, name) for name in node.inputs)
    name = names.get(node.name, node.name)
    return replace(node, name=name, inputs=inputs, entry={**node.entry, "name": name, "inputs": list(inputs)})
