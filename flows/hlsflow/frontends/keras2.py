"""A Keras model as a `Network`: every construct either has an exact counterpart in hardware or is refused here.

The weights are replaced by what the layer's own quantizers make of them, and the quantizers are dropped. So none of
hls4ml's passes for scales (`alpha`), binary products, powers of two and folded batch normalisation runs; each of them
is silently wrong for something, as was measured. What is left is plain layers with constants on a grid.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from hlsflow.foundation.errors import UnsupportedError
from hlsflow.frontends import allow_list
from hlsflow.frontends.builder import Builder
from hlsflow.frontends.layers import HANDLERS, quantized_activation
from hlsflow.network.fixed_point import FixedType
from hlsflow.network.graph import Network
from hlsflow.network.quantizers import NotExact
from hlsflow.network.refusal import Refusal, message
from hlsflow.network.unbuildable import refusals_of_network

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
        raise UnsupportedError(message(model.name, refusals))

    from hls4ml.converters.keras_v2_to_hls import KerasModelReader, parse_keras_model

    architecture = _architecture(model)
    entries, inputs, outputs, _ = parse_keras_model(architecture, KerasModelReader(model))
    dropouts = _dropouts(architecture)
    builder = Builder(model, input_types)
    for entry in entries:
        add_entry(builder, entry)
    # A Sequential model names neither; they are then the first node and the last.
    network = Network(
        nodes=tuple(builder.nodes),
        inputs=tuple(builder.now(name) for name in inputs) if inputs else (builder.nodes[0].name,),
        outputs=tuple(builder.carrier(dropouts.get(name, name)) for name in outputs or ()) or (builder.nodes[-1].name,),
    )
    late = refusals_of_network(network)
    if late:
        raise UnsupportedError(message(model.name, late))
    return network


def add_entry(builder: Builder, said: Mapping[str, Any]) -> None:
    """Adds the node or nodes of one entry of hls4ml's list. Raises UnsupportedError."""
    entry, owner = builder.opened(said)
    name = entry["name"]
    handler = HANDLERS.get(entry["class_name"])
    if entry["class_name"] == "Activation" and entry.get("activation") == "linear":
        if "activation_quantizer" not in entry:
            # What Dense(activation=None) leaves behind: it computes nothing and its type would matter.
            builder.place(entry, owner, ())
            return
        handler = quantized_activation
    elif "activation_quantizer" in entry:
        handler = quantized_activation
    try:
        if handler is None:
            raise NotExact(f"no test proves the conversion of {entry['class_name']}", allow_list.SEE)
        made = handler(builder, entry, owner)
    except NotExact as problem:
        refusal = Refusal(name, str(problem), problem.way_out)
        raise UnsupportedError(message(builder.model_name, [refusal])) from problem
    builder.place(entry, owner, made)


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
