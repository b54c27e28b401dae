"""Types for a network without quantizers: widths as asked for, integer bits from the weights and from measured values.

No fixed-point type carries such a network exactly; its build is held to a bound (`gate: bounded`), not to equality.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor, log2
from typing import TYPE_CHECKING

from hlsflow.network.fixed_point import FixedType, Overflow, Rounding, fraction_of, type_for_range
from hlsflow.network.graph import CLOSE, MULTIPLIES, ROUNDED, Network, Node, Op
from hlsflow.network.pooling_rules import padded_makers

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


# Trained float32 weights have 24 significant bits each and exponents of their own. What fits here was put on a grid, by
# a quantizer with a scale for each channel or by hand.
_GRID_BITS = 20


def is_open(network: Network) -> bool:
    """Whether some layer multiplies by weights, or gives values, that nothing put on a grid, or that Keras rounds, or
    reads a table's values.

    A quantizer wider than float32 is none: Keras cannot compute what it says.
    """
    close = network.inner_tables or network.rounded
    return bool(close) or any(_off_grid(node) or "wide" in node.attributes for node in network.nodes)


def opened_by(network: Network) -> list[str]:
    """Of a network with quantizers: what makes it one that nothing equals, where a person may not expect it."""
    found = [f"layer '{node.keras_layer}': {node.attributes[ROUNDED]}" for node in network.rounded]
    for node in network.nodes:
        if node.keras_class.startswith("Q") and _off_grid(node):
            reason = "its quantizers give weights that are on no grid, as one with alpha='auto' does"
            found.append(f"layer '{node.keras_layer}': {reason}")
    return list(dict.fromkeys(found))


def _off_grid(node: Node) -> bool:
    import numpy as np

    if "weight" not in node.arrays or "weight" in node.declared:
        return False
    weight = node.arrays["weight"]
    largest = float(np.abs(weight).max(initial=0.0))
    return largest > 0 and floor(log2(largest)) + 1 + fraction_of(weight) > _GRID_BITS


def before_tables(network: Network) -> tuple[str, ...]:
    """The layers with multipliers whose values a table is read with."""
    read = {network.values_of(node.inputs[0]) for node in network.nodes if node.op in CLOSE}
    return tuple(node.name for node in network.nodes if node.op in MULTIPLIES and node.name in read)


def rounded_types(
    network: Network, outputs: Mapping[str, Array], *, weights: int, values: int
) -> dict[str, dict[str, FixedType]]:  # fmt: skip
    """Types of so many bits for the weights and the results of every layer that has no quantizer; biases have the
    wider one, since nothing divides their error.

    `outputs` holds measured outputs of layers by node name; one integer bit is added to what they need, and values
    beyond saturate.
    """
    found: dict[str, dict[str, FixedType]] = {}
    padded = padded_makers(network)
    for node in network.nodes:
        types = {
            role: _type(array, max(weights, values) if role == "bias" else weights, spare=0)
            for role, array in node.arrays.items()
            if role in ("weight", "bias", "scale", "param")
            and role not in node.declared
            and not _is_short(array, weights)
        }
        # A product of a product, as a factorized layer is, would need a wider sum with every factor.
        chained = node.op in MULTIPLIES and any(user.op in MULTIPLIES for user in network.consumers(node.name))
        # An exact sum of rounded weights has bits that no table tells apart.
        read = bool(types) and node.name in before_tables(network)
        ends = node.op in (Op.ACTIVATION, Op.MERGE, Op.SCALE) or node.name in network.gate_outputs or chained or read
        if ends and "result" not in node.declared and node.name in outputs:
            types["result"] = _type(outputs[node.name], values, spare=1, signed=node.name in padded)
        if types:
            found[node.name] = types
    return found


def _is_short(values: Array, bits: int) -> bool:
    """Whether constants have a type of so many bits that holds them as they are: it is then derived."""
    fraction = fraction_of(values)
    low, high = (float(bound) * 2.0**fraction for bound in (values.min(), values.max()))
    return max(abs(low), abs(high)) < 2.0**bits and type_for_range(int(low), int(high), fraction).width <= bits


def _type(values: Array, bits: int, *, spare: int, signed: bool = False) -> FixedType:
    import numpy as np

    largest = float(np.abs(values).max(initial=0.0))
    signed = signed or bool(np.any(values < 0))
    integer = (ceil(log2(largest)) if largest > 0 else 1 - bits) + spare + int(signed)
    # A power of two itself needs the next bit.
    if largest > 0 and log2(largest) == integer - spare - int(signed):
        integer += 1
    return FixedType(width=bits, integer=integer, signed=signed, rounding=Rounding.RND_CONV, overflow=Overflow.SAT)
