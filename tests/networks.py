"""Small networks written out node by node, for tests that need neither Keras nor training."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from hlsflow.network.fixed_point import parse_type
from hlsflow.network.graph import Network, Node, Op


def input_node(size: int, type_: str = "ufixed<8,0>", name: str = "x_in") -> Node:
    return Node(
        name=name,
        op=Op.INPUT,
        inputs=(),
        shape=(size,),
        declared={"result": parse_type(type_)},
        entry={"name": name, "class_name": "InputLayer", "inputs": [], "input_shape": [size]},
        keras_layer=name,
    )


def dense_node(
    name: str, source: str, weight: np.ndarray, bias: np.ndarray | None = None, declared: dict[str, str] | None = None
) -> Node:
    arrays = {"weight": weight} | ({} if bias is None else {"bias": bias})
    entry = {
        "name": name,
        "class_name": "Dense",
        "inputs": [source],
        "data_format": "channels_last",
        "activation": "linear",
        "use_bias": bias is not None,
        "n_in": weight.shape[0],
        "n_out": weight.shape[1],
    }
    types = {role: parse_type(text) for role, text in (declared or {}).items()}
    return Node(
        name=name, op=Op.DENSE, inputs=(source,), shape=(weight.shape[1],), arrays=arrays, declared=types, entry=entry,
        keras_layer=name,
    )  # fmt: skip


def activation_node(name: str, source: str, size: int, function: str, result: str | None = None) -> Node:
    entry: dict[str, Any] = {
        "name": name,
        "class_name": "Activation",
        "activation": function,
        "inputs": [source],
        "data_format": "channels_last",
    }
    declared = {} if result is None else {"result": parse_type(result)}
    return Node(
        name=name, op=Op.ACTIVATION, inputs=(source,), shape=(size,), function=function, declared=declared, entry=entry,
        keras_layer=name,
    )  # fmt: skip


def small_network(
    *,
    sizes: tuple[int, ...] = (12, 8, 5),
    seed: int = 3,
    input_type: str = "ufixed<8,0>",
    weight_type: str = "fixed<6,2>",
) -> Network:
    """dense - relu - dense - … with random weights on the grid of `weight_type`, the last one linear."""
    rng = np.random.default_rng(seed)
    type_ = parse_type(weight_type)
    nodes = [input_node(sizes[0], input_type)]
    for index, (n_in, n_out) in enumerate(pairwise(sizes), start=1):
        weight = rng.integers(type_.min_int, type_.max_int + 1, (n_in, n_out)) * type_.lsb
        bias = rng.integers(type_.min_int, type_.max_int + 1, n_out) * type_.lsb
        nodes.append(
            dense_node(f"fc{index}", nodes[-1].name, weight, bias, dict.fromkeys(("weight", "bias"), weight_type))
        )
        if index < len(sizes) - 1:
            nodes.append(activation_node(f"relu{index}", nodes[-1].name, n_out, "relu", "ufixed<6,3,RND_CONV,SAT>"))
    return Network(nodes=tuple(nodes), inputs=(nodes[0].name,), outputs=(nodes[-1].name,))


def random_inputs(network: Network, samples: int, seed: int = 1) -> list[np.ndarray]:
    """Random values of every input's type, its extremes among them."""
    rng = np.random.default_rng(seed)
    found = []
    for name in network.inputs:
        node = network[name]
        type_ = node.declared["result"]
        integers = rng.integers(type_.min_int, type_.max_int + 1, (samples, *node.shape))
        integers[0], integers[1], integers[2] = 0, type_.min_int, type_.max_int
        found.append(integers * type_.lsb)
    return found
