"""What Keras computes, as integers: the truth that the hardware is held against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hlsflow.conversion.fixed_point import FixedType
from hlsflow.conversion.network import Network, Op

if TYPE_CHECKING:
    import numpy as np


def comparable_nodes(network: Network) -> list[str]:
    """The nodes whose output is the output of a Keras layer, in order.

    A layer with an inline activation, or one that was split, becomes several nodes; the last one is the layer's output.
    """
    last = {node.keras_layer: node.name for node in network.nodes}
    return [node.name for node in network.nodes if last[node.keras_layer] == node.name and node.op is not Op.INPUT]


def keras_outputs(
    model: Any,
    network: Network,
    inputs: Sequence[np.ndarray],
    names: Sequence[str],
    *,
    batch: int = 1000,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, np.ndarray]:
    """The outputs of the named nodes' Keras layers, float64 (samples, values), in inference mode.

    `inputs` holds one float32 array (samples, …) for each input of the model, on the grid of its type.
    """
    import numpy as np
    from tensorflow import keras

    layers = [model.get_layer(network[name].keras_layer) for name in names]
    tapped = keras.Model(model.inputs, [layer.get_output_at(_call_index(model, layer)) for layer in layers])
    samples = len(inputs[0])
    parts: list[list[np.ndarray]] = []
    for first in range(0, samples, batch):
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


def as_integers(values: np.ndarray, type_: FixedType) -> np.ndarray:
    """Keras's float outputs as int64 multiples of a type's LSB, to the nearest where float32 itself has rounded."""
    import numpy as np

    return np.rint(values * 2.0**type_.fraction).astype(np.int64)
