"""A Keras model as a `Network`: every construct either has an exact counterpart in hardware or is refused here.

The weights are replaced by what the layer's own quantizers make of them, and the quantizers are dropped. So none of
hls4ml's passes for scales (`alpha`), binary products, powers of two and folded batch normalisation runs; each of them
is silently wrong for something (`../shared/NUMERICS.md`). What is left is plain layers with constants on a grid.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hlsflow.conversion import allow_list
from hlsflow.conversion.allow_list import Refusal
from hlsflow.conversion.fixed_point import FixedType
from hlsflow.conversion.frontend_layers import HANDLERS, quantized_activation
from hlsflow.conversion.network import Network, Node, Op
from hlsflow.conversion.quantizers import NotExact
from hlsflow.conversion.unbuildable import refusals_of_network
from hlsflow.errors import UnsupportedError

if TYPE_CHECKING:
    pass

# hls4ml's own name of an input that it inserts, and words of C++ that a layer name becomes a variable of.
_IDENTIFIER = re.compile(r"^[A-Za-z][A-Za-z0-9_]*$")
_RESERVED = frozenset(
    (
        "input main int float double char bool void auto if else for while do switch case default break continue "
        "return const static struct class new delete this true false namespace template typename using signed "
        "unsigned short long and or not xor nnet hls"
    ).split()
)
# Names of hls4ml's attributes of a layer.
_ATTRIBUTES = frozenset(
    (
        "name class_name inputs outputs index trace result accum weight bias scale param table slope shift threshold "
        "activation activ_param axis op perm dims algorithm implementation skip quantizer strategy reuse_factor "
        "target_cycles target_shape data_format n_in n_out n_filt n_chan n_partitions use_bias weight_data bias_data "
        "depthwise pointwise zero_bias depth_multiplier count_pad epsilon keepdims trusted value exp_table inv_table "
        "inv_inp inp_norm exp_table_size inv_table_size table_size parallelization_factor conv_implementation"
    ).split()
)


def network_of(model: Any, input_types: Mapping[str, FixedType] | FixedType) -> Network:
    """The network of a Keras model whose inputs have the given types (one type, or one for each input's name).

    Raises UnsupportedError naming every layer that no policy makes exact, with the reason and a way out.
    """
    refusals = [*allow_list.refusals(model), *_bad_names(model)]
    if refusals:
        raise UnsupportedError(allow_list.message(model.name, refusals))

    from hls4ml.converters.keras_v2_to_hls import KerasModelReader, parse_keras_model

    architecture = _architecture(model)
    entries, inputs, outputs, _ = parse_keras_model(architecture, KerasModelReader(model))
    dropouts = _dropouts(architecture)
    builder = Builder(model, input_types)
    for entry in entries:
        builder.add(entry)
    # A Sequential model names neither; they are then the first node and the last.
    network = Network(
        nodes=tuple(builder.nodes),
        inputs=tuple(builder.now(name) for name in inputs) if inputs else (builder.nodes[0].name,),
        outputs=tuple(builder.carrier(dropouts.get(name, name)) for name in outputs or ()) or (builder.nodes[-1].name,),
    )
    late = refusals_of_network(network)
    if late:
        raise UnsupportedError(allow_list.message(model.name, late))
    return network


def _architecture(model: Any) -> dict[str, Any]:
    """The model as hls4ml's converter reads it. It takes the -1 of a target shape for a size, and counts on with it."""
    found = json.loads(model.to_json())
    said = found["config"]
    for item in said if isinstance(said, list) else said["layers"]:
        if item["class_name"] == "Reshape":
            item["config"]["target_shape"] = list(model.get_layer(item["config"]["name"]).output_shape[1:])
    return found


def _dropouts(architecture: Mapping[str, Any]) -> dict[str, str]:
    """The layer whose values each Dropout passes on, which hls4ml's converter leaves out, also from the outputs."""
    found: dict[str, str] = {}
    said = architecture["config"]
    for item in [] if isinstance(said, list) else said["layers"]:
        if item["class_name"] == "Dropout" and item.get("inbound_nodes"):
            source = item["inbound_nodes"][0][0][0]
            found[item["config"]["name"]] = found.get(source, source)
    return found


def _bad_names(model: Any) -> list[Refusal]:
    found = []
    for layer in model.layers:
        if not _IDENTIFIER.match(layer.name) or layer.name in _RESERVED:
            reason = "the name is no identifier of C++, and hls4ml names variables after layers"
        elif layer.name in _ATTRIBUTES or layer.name.startswith(("pad_", "in_", "out_", "filt_", "stride_", "pool_")):
            reason = "hls4ml keeps a layer's output among its attributes, under its name, which is one of theirs"
        else:
            continue
        found.append(Refusal(layer.name, reason, "rename it"))
    return found


class Builder:
    """Turns hls4ml's list of layers into nodes, one entry after the other."""

    def __init__(self, model: Any, input_types: Mapping[str, FixedType] | FixedType) -> None:
        self.model_name = model.name
        self.layers = {layer.name: layer for layer in model.layers}
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

    def add(self, entry: dict[str, Any]) -> None:
        """Adds the node or nodes of one entry."""
        entry = dict(entry)
        previous = self.nodes[-1].name if self.nodes else None
        inputs = entry.get("inputs") or ([] if entry["class_name"] == "InputLayer" else [previous])
        entry["inputs"] = [self.now(name) for name in inputs if name is not None]
        name = entry["name"]
        # The layer itself, or the one whose inline activation this entry is: `fc1_quantized_relu` of `fc1`.
        owner = self.layers.get(name, self.last_layer)
        self.last_layer = owner
        handler = HANDLERS.get(entry["class_name"])
        if entry["class_name"] == "Activation" and entry.get("activation") == "linear":
            if "activation_quantizer" not in entry:
                # What Dense(activation=None) leaves behind: it computes nothing and its type would matter.
                self.renamed[name] = entry["inputs"][0]
                self._carry(owner, name)
                return
            handler = quantized_activation
        elif "activation_quantizer" in entry:
            handler = quantized_activation
        try:
            if handler is None:
                raise NotExact(f"no test proves the conversion of {entry['class_name']}", allow_list.SEE)
            made = handler(self, entry, owner)
        except NotExact as problem:
            refusal = Refusal(name, str(problem), problem.way_out)
            raise UnsupportedError(allow_list.message(self.model_name, [refusal])) from problem
        for node in made:
            self.nodes.append(node)
            self.shapes[node.name] = node.shape
        if not made:
            # It passes on what it reads as it is, so there is nothing to build.
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
        return Node(
            name=entry["name"],
            op=op,
            inputs=tuple(entry["inputs"]),
            shape=tuple(int(size) for size in shape),
            entry=entry,
            keras_layer=owner.name if owner is not None else entry["name"],
            keras_class=type(owner).__name__ if owner is not None else entry["class_name"],
            **more,
        )

    def in_shape(self, entry: Mapping[str, Any], index: int = 0) -> tuple[int, ...]:
        return self.shapes[entry["inputs"][index]]
