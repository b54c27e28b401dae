"""In which float a framework is a witness, and of which layers.

Frameworks compute in float32, which holds whole numbers up to 2**24. The sums of a network of 16-bit weights and values
are greater, and a batch normalization rounds whatever it is given: there the same model is evaluated in float64, which
holds whole numbers up to 2**53.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hlsflow.foundation.errors import UnsupportedError
from hlsflow.frontends.contract import Float, LiveModel
from hlsflow.network.graph import CLOSE, INNER, Network, Op
from hlsflow.network.ranges import resolve

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


def witness_float(network: Network) -> Float:
    """The float that a framework is evaluated in: float32 where that is exact or nothing is, float64 where that is
    exact."""
    if network.rounded or any("wide" in node.attributes for node in network.nodes):
        # What rounds as float32 does, as a quantizer wider than it.
        return "float32"
    try:
        layers = resolve(network, {})
    except UnsupportedError:
        # A sum is wider than float64.
        return "float32"
    exact = all(layer.keras_exact for layer in layers if layer.node.op not in CLOSE)
    return "float32" if exact else "float64"


def reference_outputs(
    live: LiveModel, network: Network, inputs: Sequence[Array], names: Sequence[str], **more: Any
) -> dict[str, Array]:
    """As `LiveModel.outputs`, in the float of `witness_float`."""
    return live.outputs(network, inputs, names, computed_in=witness_float(network), **more)


def comparable_nodes(network: Network) -> list[str]:
    """The nodes whose output is the output of one of the model's layers, in order.

    A layer with an inline activation, or one that was split, becomes several nodes; the last one is the layer's output.
    A node that holds values in other units than the framework has them is none.
    """
    last = {node.keras_layer: node.name for node in network.nodes if INNER not in node.attributes}
    return [node.name for node in network.nodes if last.get(node.keras_layer) == node.name and node.op is not Op.INPUT]
