"""Small networks written out node by node, for tests that need neither Keras nor training."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import floor
from typing import Any

import numpy as np

from hlsflow.network.element_types import ElementTypes, node_fields
from hlsflow.network.fixed_point import FixedType, Overflow, Rounding, parse_type
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


def element_types(
    shape: tuple[int, ...], rounding: Rounding = Rounding.TRN, overflow: Overflow = Overflow.WRAP, seed: int = 0
) -> ElementTypes:
    """Random types, among them some without bits, some with one, some with the point outside of them; signs mixed."""
    rng = np.random.default_rng(seed)
    width = rng.integers(0, 7, shape)
    width.flat[0], width.flat[-1] = 0, 5
    return ElementTypes.of_bits(
        rng.integers(0, 2, shape), width, width - rng.integers(-1, 6, shape), rounding=rounding, overflow=overflow
    )


def cast_network(shape: tuple[int, ...], *casts: ElementTypes, input_type: str = "fixed<9,4>") -> Network:
    """An input and the casts of it: `q`, or `q0`, `q1`, … where there are several."""
    entrance = Node(
        name="x_in", op=Op.INPUT, inputs=(), shape=shape, declared={"result": parse_type(input_type)},
        entry={"name": "x_in", "class_name": "InputLayer", "inputs": [], "input_shape": list(shape)},
        keras_layer="x_in",
    )  # fmt: skip
    names = ["q"] if len(casts) == 1 else [f"q{number}" for number in range(len(casts))]
    made = [
        Node(name=name, inputs=("x_in",), shape=shape, keras_layer=name, **node_fields(name, ["x_in"], types))
        for name, types in zip(names, casts, strict=True)
    ]
    return Network(nodes=(entrance, *made), inputs=("x_in",), outputs=tuple(names))


def element(value: Fraction, type_: FixedType | None) -> Fraction:
    """One number assigned to a type, by the definition of `ap_fixed`'s modes in whole numbers."""
    if type_ is None:
        return Fraction(0)
    lsb = Fraction(2) ** -type_.fraction
    scaled = value / lsb
    low, half = floor(scaled), Fraction(1, 2)
    rest = scaled - low
    up = {
        Rounding.TRN: False,
        Rounding.TRN_ZERO: scaled < 0 and rest > 0,
        Rounding.RND: rest >= half,
        Rounding.RND_MIN_INF: rest > half,
        Rounding.RND_ZERO: rest > half or (rest == half and scaled < 0),
        Rounding.RND_INF: rest > half or (rest == half and scaled > 0),
        Rounding.RND_CONV: rest > half or (rest == half and low % 2 == 1),
    }[type_.rounding]
    whole = low + up
    bottom, top = type_.min_int, type_.max_int
    if not bottom <= whole <= top:
        match type_.overflow:
            case Overflow.WRAP:
                whole = (whole - bottom) % (1 << type_.width) + bottom
            case Overflow.SAT:
                whole = bottom if whole < bottom else top
            case Overflow.SAT_SYM:
                whole = (-top if type_.signed else 0) if whole < bottom else top
            case Overflow.SAT_ZERO:
                whole = 0
    if type_.overflow is Overflow.SAT_SYM and type_.signed:
        whole = max(whole, -top)
    return whole * lsb


def expected(values: np.ndarray, types: ElementTypes) -> np.ndarray:
    """What a cast makes of values (samples, …), float64 of the same shape."""
    flat = values.reshape(len(values), -1)
    over = types.over(values.shape[1:])
    found = [[float(element(Fraction(float(x)), type_)) for x, type_ in zip(row, over, strict=True)] for row in flat]
    return np.array(found).reshape(values.shape)
