"""What Keras computes, layer by layer, in its own float32 and in float64."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from hlsflow.foundation.interrupts import boundaries
from hlsflow.frontends.keras.float64 import floatx, in_float64
from hlsflow.frontends.keras.generations import calls
from hlsflow.network.graph import CLOSE, Network

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


def outputs_in_float64(
    model: Any, network: Network, inputs: Sequence[Array], names: Sequence[str], **more: Any
) -> dict[str, Array]:
    """As `keras_outputs`, of the same model in Keras' float64."""
    with floatx("float64"):
        return keras_outputs(in_float64(model), network, inputs, names, **more)


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

    given = {call.layer.name: call.output for call in calls(model)}
    tapped = keras.Model(model.inputs, [given[network[name].keras_layer] for name in names])
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
