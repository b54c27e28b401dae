"""Networks with casts whose elements have types of their own, and what each element has to become."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np

from hlsflow.network.element_types import ElementTypes, node_fields
from hlsflow.network.fixed_point import FixedType, Overflow, Rounding, parse_type
from hlsflow.network.graph import Network, Node, Op


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
