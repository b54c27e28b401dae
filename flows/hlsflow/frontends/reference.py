"""What Keras computes: the truth that the hardware is held against.

Keras computes in float32, which holds whole numbers up to 2**24. The sums of a network of 16-bit weights and values are
greater: there the same model is evaluated in Keras' float64, which holds whole numbers up to 2**53.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from hlsflow.foundation.errors import UnsupportedError
from hlsflow.foundation.interrupts import boundaries
from hlsflow.frontends.allow_list import BY_CLASS
from hlsflow.frontends.calibrate import is_open
from hlsflow.frontends.sparsity import effective_weights
from hlsflow.network.graph import Network, Op
from hlsflow.network.ranges import resolve

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


KerasFloat = Literal["float32", "float64"]


def _in_both_floats(keras_class: str) -> bool:
    known = BY_CLASS.get(keras_class)
    return known is not None and known.both_floats


def keras_float(network: Network) -> KerasFloat:
    """The float that Keras is evaluated in: float32 where that is exact or nothing is, float64 where that is exact."""
    known = all(
        _in_both_floats(node.keras_class)
        # An activation within a layer of products would have to be taken out of it.
        and (node.op not in (Op.ACTIVATION, Op.SOFTMAX) or node.keras_class in ("Activation", "QActivation"))
        for node in network.nodes
    )
    if not known or is_open(network):
        return "float32"
    try:
        layers = resolve(network, {})
    except UnsupportedError:
        # A sum is wider than float64.
        return "float32"
    exact = all(layer.keras_exact for layer in layers if layer.node.op is not Op.SOFTMAX)
    return "float32" if exact else "float64"


def reference_outputs(
    model: Any, network: Network, inputs: Sequence[Array], names: Sequence[str], **more: Any
) -> dict[str, Array]:
    """As `keras_outputs`, in the float of `keras_float`."""
    if keras_float(network) == "float32":
        return keras_outputs(model, network, inputs, names, **more)
    with _floatx("float64"):
        return keras_outputs(_in_float64(model), network, inputs, names, **more)


@contextlib.contextmanager
def _floatx(name: KerasFloat) -> Iterator[None]:
    """Keras' float for all that is built and evaluated inside: QKeras casts to it in every call of a quantizer."""
    from tensorflow.keras import backend

    before = backend.floatx()
    backend.set_floatx(name)
    try:
        yield
    finally:
        backend.set_floatx(before)


def _in_float64(model: Any) -> Any:
    """The same Keras model in float64; its weights are what the quantizers make of the float32 ones."""
    from tensorflow import keras

    twin = keras.models.clone_model(model, clone_function=_layer_in_float64)
    for layer in model.layers:
        if layer.weights:
            with _floatx("float32"):
                effective = effective_weights(layer)
            twin.get_layer(layer.name).set_weights(effective)
    return twin


def _layer_in_float64(layer: Any) -> Any:
    from tensorflow import keras

    config = {**layer.get_config(), "dtype": "float64"}
    match type(layer).__name__:
        case "QActivation":
            from qkeras import QActivation

            return QActivation(_quantizer_in_float64(layer.quantizer), name=layer.name, dtype="float64")
        case "QDense":
            return keras.layers.Dense(
                config["units"], use_bias=config["use_bias"], name=layer.name, dtype="float64"
            )  # fmt: skip
        case "QConv2D":
            kept = ("filters", "kernel_size", "strides", "padding", "use_bias", "name", "dtype")
            return keras.layers.Conv2D(**{key: config[key] for key in kept})
        case _:
            return type(layer).from_config(config)


def _quantizer_in_float64(quantizer: Any) -> Any:
    """The quantizer that gives the same values for float64.

    `quantized_relu` casts to float32 whatever floatx says; `quantized_bits` without a sign has its values.
    """
    from hlsflow.frontends.qkeras_quantizers import with_float_powers

    config = quantizer.get_config()
    match type(quantizer).__name__:
        case "quantized_relu":
            return with_float_powers("quantized_bits")(
                config["bits"], config["integer"], keep_negative=False, alpha=1
            )  # fmt: skip
        case "quantized_bits":
            return with_float_powers("quantized_bits").from_config(config)
        case _:
            return type(quantizer).from_config(config)


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
    has a softmax of its own gives its logits under its own name.
    """
    bare = [name for name in names if network[name].op is not Op.SOFTMAX and _has_softmax(network, name)]
    found: dict[str, Array] = {}
    if bare:
        with _without_activation([model.get_layer(network[name].keras_layer) for name in bare]):
            found = _evaluated(model, network, inputs, bare, batch=batch)
    rest = [name for name in names if name not in bare]
    if rest:
        found |= _evaluated(model, network, inputs, rest, batch=batch, progress=progress)
    return {name: found[name] for name in names}


def _has_softmax(network: Network, name: str) -> bool:
    layer = network[name].keras_layer
    return any(node.op is Op.SOFTMAX and node.keras_layer == layer for node in network.consumers(name))


@contextlib.contextmanager
def _without_activation(layers: Sequence[Any]) -> Iterator[None]:
    """Takes the activation off layers that end a model, for as long as they are evaluated inside."""
    taken = [layer.activation for layer in layers]
    try:
        for layer in layers:
            layer.activation = None
        yield
    finally:
        for layer, activation in zip(layers, taken, strict=True):
            layer.activation = activation


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
