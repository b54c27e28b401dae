"""What Keras computes: the truth that the hardware is held against.

Keras computes in float32, which holds whole numbers up to 2**24. The sums of a network of 16-bit weights and values are
greater, and a batch normalization rounds whatever it is given: there the same model is evaluated in Keras' float64,
which holds whole numbers up to 2**53 (`frontends.float64`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from hlsflow.foundation.errors import UnsupportedError
from hlsflow.foundation.interrupts import boundaries
from hlsflow.frontends.float64 import KerasFloat, floatx, in_float64
from hlsflow.network.graph import CLOSE, Network, Op
from hlsflow.network.ranges import resolve

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


def keras_float(network: Network) -> KerasFloat:
    """The float that Keras is evaluated in: float32 where that is exact or nothing is, float64 where that is exact."""
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
    model: Any, network: Network, inputs: Sequence[Array], names: Sequence[str], **more: Any
) -> dict[str, Array]:
    """As `keras_outputs`, in the float of `keras_float`."""
    if keras_float(network) == "float32":
        return keras_outputs(model, network, inputs, names, **more)
    with floatx("float64"):
        return keras_outputs(in_float64(model), network, inputs, names, **more)


def comparable_nodes(network: Network) -> list[str]:
    """The nodes whose output is the output of a Keras layer, in order.

    A layer with an inline activation, or one that was split, becomes several nodes; the last one is the layer's output.
    """
    last = {node.keras_layer: node.name for node in network.nodes}
    return [node.name for node in network.nodes if last[node.keras_layer] == node.name and node.op is not Op.INPUT]


def keras_outputs(
    model: Any,
    network: Network,
    inputs: Sequence[Array],
    names: Sequence[str],
    *,
    batch: int = 1000,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Array]:
    """The outputs of the named nodes' Keras layers, float64 (samples, values), in inference mode.

    `inputs` holds one float32 array (samples, …) for each input of the model, on the grid of its type. A layer that
    has a softmax, sigmoid or tanh of its own gives what goes into it under its own name.
    """
    bare = [name for name in names if network[name].op not in CLOSE and _has_table(network, name)]
    found: dict[str, Array] = {}
    for name in bare:
        # One by one: a layer may read what another gives by its table.
        with _without_activation(model.get_layer(network[name].keras_layer)):
            found |= _evaluated(model, network, inputs, [name], batch=batch)
    rest = [name for name in names if name not in bare]
    if rest:
        found |= _evaluated(model, network, inputs, rest, batch=batch, progress=progress)
    return {name: found[name] for name in names}


def _has_table(network: Network, name: str) -> bool:
    layer = network[name].keras_layer
    return any(node.op in CLOSE and node.keras_layer == layer for node in network.consumers(name))


@contextlib.contextmanager
def _without_activation(layer: Any) -> Iterator[None]:
    """Takes the activation off a layer for as long as it is evaluated inside."""
    taken = layer.activation
    try:
        layer.activation = None
        yield
    finally:
        layer.activation = taken


def _evaluated(
    model: Any,
    network: Network,
    inputs: Sequence[Array],
    names: Sequence[str],
    *,
    batch: int,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Array]:
    import numpy as np
    from tensorflow import keras

    layers = [model.get_layer(network[name].keras_layer) for name in names]
    tapped = keras.Model(model.inputs, [layer.get_output_at(_call_index(model, layer)) for layer in layers])
    samples = len(inputs[0])
    parts: list[list[Array]] = []
    for first in boundaries(range(0, samples, batch)):
        slices = [np.asarray(array[first : first + batch], dtype=np.float32) for array in inputs]
        found = tapped(slices if len(slices) > 1 else slices[0], training=False)
        found = found if isinstance(found, (list, tuple)) else [found]
        parts.append([tensor.numpy().astype(np.float64).reshape(len(slices[0]), -1) for tensor in found])
        if progress is not None:
            progress(min(samples, first + batch), samples)
    return {name: np.concatenate([part[index] for part in parts]) for index, name in enumerate(names)}


def _call_index(model: Any, layer: Any) -> int:
    """Which of a layer's calls belongs to this model; a layer may have been called before, for another one."""
    mine = {id(node) for nodes in model._nodes_by_depth.values() for node in nodes}
    return next(index for index, node in enumerate(layer.inbound_nodes) if id(node) in mine)
