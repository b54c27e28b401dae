"""Types for a network without quantizers: widths as asked for, integer bits from the weights and from measured values.

No fixed-point type carries such a network exactly; its build is held to a bound (`gate: bounded`), not to equality.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, log2
from typing import TYPE_CHECKING

from hlsflow.network.fixed_point import FixedType, Overflow, Rounding
from hlsflow.network.graph import MULTIPLIES, Network, Op

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


def is_open(network: Network) -> bool:
    """Whether some layer multiplies by weights, or gives values, that no quantizer put on a grid of its own.

    A quantizer wider than float32 is none: Keras cannot compute what it says.
    """
    return any(
        ("weight" in node.arrays and "weight" not in node.declared) or "wide" in node.attributes
        for node in network.nodes
    )


def rounded_types(
    network: Network, outputs: Mapping[str, Array], bits: int
) -> dict[str, dict[str, FixedType]]:  # fmt: skip
    """Types of `bits` bits for weights, biases and the results of every layer that has no quantizer.

    `outputs` holds measured outputs of layers by node name; one integer bit is added to what they need, and values
    beyond saturate.
    """
    found: dict[str, dict[str, FixedType]] = {}
    for node in network.nodes:
        types = {
            role: _type(array, bits, spare=0)
            for role, array in node.arrays.items()
            if role in ("weight", "bias", "scale", "param") and role not in node.declared
        }
        # A product of a product, as a factorized layer is, would need a wider sum with every factor.
        chained = node.op in MULTIPLIES and any(user.op in MULTIPLIES for user in network.consumers(node.name))
        ends = node.op in (Op.ACTIVATION, Op.MERGE) or node.name in network.gate_outputs or chained
        if ends and "result" not in node.declared and node.name in outputs:
            types["result"] = _type(outputs[node.name], bits, spare=1)
        if types:
            found[node.name] = types
    return found


def _type(values: Array, bits: int, *, spare: int) -> FixedType:
    import numpy as np

    largest = float(np.abs(values).max(initial=0.0))
    signed = bool(np.any(values < 0))
    integer = (ceil(log2(largest)) if largest > 0 else 1 - bits) + spare + int(signed)
    # A power of two itself needs the next bit.
    if largest > 0 and log2(largest) == integer - spare - int(signed):
        integer += 1
    return FixedType(width=bits, integer=integer, signed=signed, rounding=Rounding.RND_CONV, overflow=Overflow.SAT)
