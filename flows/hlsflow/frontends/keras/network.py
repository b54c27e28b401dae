"""A Keras model as a `Network`: every construct either has an exact counterpart in hardware or is refused here.

The weights are replaced by what the layer's own quantizers make of them, and the quantizers are dropped. So none of
hls4ml's passes for scales (`alpha`), binary products, powers of two and folded batch normalisation runs; each of them
is silently wrong for something, as was measured. What is left is plain layers with constants on a grid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hlsflow.foundation.errors import UnsupportedError
from hlsflow.frontends.keras import allow_list
from hlsflow.frontends.keras.described import described
from hlsflow.frontends.keras.generations import output_shape
from hlsflow.frontends.keras.layers import APART, HANDLERS, Handler
from hlsflow.frontends.nodes.builder import Builder
from hlsflow.network.fixed_point import FixedType
from hlsflow.network.graph import Network, Node, Op
from hlsflow.network.quantizers import NotExact
from hlsflow.network.refusal import Refusal, message
from hlsflow.network.unbuildable import refusals_of_network


def network_of(model: Any, input_types: Mapping[str, FixedType] | FixedType) -> Network:
    """The network of a Keras model whose inputs have the given types (one type, or one for each input's name).

    Raises UnsupportedError naming every layer that no policy makes exact, with the reason and a way out.
    """
    refusals = allow_list.refusals(model)
    if refusals:
        raise UnsupportedError(message(model.name, refusals))

    from hls4ml.converters.keras_v2_to_hls import KerasModelReader, parse_keras_model

    architecture, quantized = described(model)
    merged = _merged(architecture)
    stands_for = _stand_ins(architecture, model, merged)
    entries, inputs, outputs, _ = parse_keras_model(architecture, KerasModelReader(model))
    dropouts = _dropouts(architecture)
    builder = Builder(model.name, {layer.name: layer for layer in model.layers}, input_types)
    for entry in entries:
        sources = [builder.carrier(dropouts.get(name, name)) for name in merged.get(entry["name"], ())]
        entry |= {"inputs": sources} if sources else {}
        if entry["name"] in stands_for:
            add_entry(builder, {**entry, "class_name": stands_for[entry["name"]]}, APART)
        elif entry["name"] in quantized:
            add_entry(builder, {**entry, "class_name": "QActivation"})
        else:
            add_entry(builder, entry)
    given = tuple(builder.carrier(dropouts.get(name, name)) for name in outputs)
    network = Network(
        nodes=_read_reshapes(builder.nodes, given),
        inputs=tuple(builder.now(name) for name in inputs),
        outputs=given,
    )
    late = refusals_of_network(network)
    if late:
        raise UnsupportedError(message(model.name, late))
    return network


def _read_reshapes(nodes: Sequence[Node], outputs: Sequence[str]) -> tuple[Node, ...]:
    """The nodes without the reshapes that nothing reads, because what did reads what they read."""
    read = {name for node in nodes for name in node.inputs}.union(outputs)
    return tuple(node for node in nodes if node.op is not Op.RESHAPE or node.name in read)


def add_entry(builder: Builder, said: Mapping[str, Any], handlers: Mapping[str, Handler] = HANDLERS) -> None:
    """Adds the node or nodes of one entry of hls4ml's list. Raises UnsupportedError."""
    entry, owner = builder.opened(said)
    name = entry["name"]
    if entry["class_name"] == "Activation" and entry.get("activation") == "linear":
        # What Dense(activation=None) leaves behind: it computes nothing and its type would matter.
        builder.place(entry, owner, ())
        return
    handler = handlers.get(entry["class_name"])
    try:
        if handler is None:
            raise NotExact(f"no test proves the conversion of {entry['class_name']}", allow_list.SEE)
        made = handler(builder, entry, owner)
    except NotExact as problem:
        refusal = Refusal(name, str(problem), problem.way_out)
        raise UnsupportedError(message(builder.model_name, [refusal])) from problem
    builder.place(entry, owner, made)


def _layers(architecture: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The layers of a description."""
    found: list[dict[str, Any]] = architecture["config"]["layers"]
    return found


def _stand_ins(
    architecture: Mapping[str, Any], model: Any, merged: Mapping[str, Sequence[str]]
) -> dict[str, str]:  # fmt: skip
    """The class of each layer that hls4ml's converter has none of, or would misread, as it counts two of many tensors
    in a concatenation: there it is given a reshape to the shape that the layer has."""
    found: dict[str, str] = {}
    for item in _layers(architecture):
        config = item["config"]
        if allow_list.is_plain_mean(item["class_name"], config):
            item["class_name"] = item["class_name"].removeprefix("Q")
        many = item["class_name"] == "Concatenate" and config["name"] in merged
        if many or allow_list.is_read_apart(item["class_name"], config):
            found[config["name"]], item["class_name"] = item["class_name"].rpartition(">")[2], "Reshape"
            kept = {key: config[key] for key in ("name", "activation", "axis", "batch_input_shape") if key in config}
            item["config"] = {**kept, "target_shape": list(output_shape(model.get_layer(config["name"]))[1:])}
    return found


def _merged(architecture: Mapping[str, Any]) -> dict[str, list[str]]:
    """What each layer reads that merges more than two tensors; hls4ml's converter, which takes no more, is left two."""
    found: dict[str, list[str]] = {}
    for item in _layers(architecture):
        nodes = item.get("inbound_nodes") or [[]]
        if item["class_name"] in allow_list.CHAINED and len(nodes[0]) > 2:
            found[item["config"]["name"]] = [source[0] for source in nodes[0]]
            del nodes[0][2:]
    return found


def _dropouts(architecture: Mapping[str, Any]) -> dict[str, str]:
    """The layer whose values each Dropout passes on, which hls4ml's converter leaves out, also from the outputs."""
    found: dict[str, str] = {}
    for item in _layers(architecture):
        if item["class_name"] == "Dropout" and item.get("inbound_nodes"):
            source = item["inbound_nodes"][0][0][0]
            found[item["config"]["name"]] = found.get(source, source)
    return found
