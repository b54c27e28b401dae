"""What differs between live models of Keras 2 and of Keras 3, in one place: everything else here serves both.

A layer, its weights and its quantizers have the same names in both; how a model is walked through, the shapes of a
call, and a few settings have others.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# Keras 3's names of settings, and those that Keras 2 has and this package uses: by class, "" for every one.
_RENAMED = {"": {"batch_shape": "batch_input_shape"}, "LeakyReLU": {"negative_slope": "alpha"}}


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A layer's call in a model: the layers whose outputs it takes, in order, and the symbolic tensor that it gives.

    `is_layer` is False for an operation on tensors of Keras 3, which stands in a model without a layer.
    """

    layer: Any
    sources: tuple[Any, ...]
    output: Any
    is_layer: bool


def is_keras_3() -> bool:
    """Whether the Keras that is loaded here is Keras 3."""
    # That of TensorFlow 2.15 says no version.
    import keras

    return not str(keras.__version__).startswith("2.")


def calls(model: Any) -> tuple[Call, ...]:
    """The calls that a model consists of, each behind those that it reads; a layer may be part of other models, too."""
    # A Sequential of Keras 3 has its graph inside.
    graph = getattr(model, "_functional", None) or model
    depths = graph._nodes_by_depth
    return tuple(_call(node) for depth in sorted(depths, reverse=True) for node in depths[depth])


def _call(node: Any) -> Call:
    from tensorflow import keras

    if hasattr(node, "operation"):
        owner, given, outputs = node.operation, node.input_tensors, node.outputs
    else:
        owner, given, outputs = node.layer, node.keras_inputs, node.outputs
    return Call(
        layer=owner,
        sources=tuple(tensor._keras_history[0] for tensor in given),
        output=outputs[0] if isinstance(outputs, list | tuple) else outputs,
        is_layer=isinstance(owner, keras.layers.Layer),
    )


def rebuilt(model: Any, make: Callable[[Any], Any]) -> Any:
    """The same network of the layers that `make` gives for those of a model; inputs stay as they are.

    Keras' own `clone_model` hands a layer's arguments on, which one of another class may not have.
    """
    from tensorflow import keras

    tensors: dict[str, Any] = {}
    for call in calls(model):
        name, given = call.layer.name, [tensors[source.name] for source in call.sources]
        if given:
            tensors[name] = make(call.layer)(given if len(given) > 1 else given[0])
        else:
            tensors[name] = keras.Input(tuple(call.output.shape[1:]), name=name)
    ends = [[tensors[tensor._keras_history[0].name] for tensor in port] for port in (model.inputs, model.outputs)]
    return keras.Model(*ends, name=model.name)


def output_shape(layer: Any) -> tuple[Any, ...]:
    """The shape of what a layer gives, with its batch; of a layer with one output, called once or alike each time."""
    return tuple(layer.output_shape if hasattr(layer, "output_shape") else layer.output.shape)


def input_shape(layer: Any) -> Any:
    """The shape of what a layer takes, with its batch, or a list of shapes where it takes several tensors."""
    if hasattr(layer, "input_shape"):
        return layer.input_shape
    taken = layer.input
    return [tuple(tensor.shape) for tensor in taken] if isinstance(taken, list | tuple) else tuple(taken.shape)


def quantizer_of(layer: Any) -> Any:
    """What a QActivation computes: a quantizer, or a function. QKeras 0.9 keeps what was asked for beside it."""
    return layer.quantizer if hasattr(layer, "quantizer") else layer.activation


def config_of(layer: Any) -> dict[str, Any]:
    """A layer's settings by the names of Keras 2, as JSON values.

    What training alone knows is left out, and of quantizers all but their class: they hold numbers of any length, and
    are asked themselves.
    """
    said = {
        key: _without_numbers(key, value)
        for key, value in layer.get_config().items()
        if not key.endswith(("_initializer", "_regularizer", "_constraint"))
    }
    found: dict[str, Any] = json.loads(json.dumps(said, default=_plain))
    for class_name in ("", type(layer).__name__):
        for theirs, ours in _RENAMED.get(class_name, {}).items():
            if theirs in found:
                found[ours] = found.pop(theirs)
    return found


def own_names(config: dict[str, Any], class_name: str) -> dict[str, Any]:
    """Settings by the names of Keras 2 under those that the Keras loaded here has for them."""
    if not is_keras_3():
        return config
    theirs = {ours: theirs for theirs, ours in _RENAMED.get(class_name, {}).items()}
    return {theirs.get(key, key): value for key, value in config.items()}


def _without_numbers(key: str, value: Any) -> Any:
    if isinstance(value, dict) and (key == "activation" or key.endswith("_quantizer")):
        return {"class_name": value.get("class_name")}
    return value


def _plain(value: Any) -> Any:
    return value.tolist() if type(value).__module__ == "numpy" else type(value).__name__


def variable_name(variable: Any, layer: Any) -> str:
    """The name of a weight within its layer, as Keras 2 has it: `kernel`."""
    name = str(variable.name).rpartition("/")[2].partition(":")[0]
    return DEPTHWISE_KERNEL if name == "kernel" and type(layer).__name__.startswith("DepthwiseConv") else name


def weight_of(layer: Any, name: str) -> Any:
    """A layer's weight by Keras 2's name for it, None where it has none."""
    found = getattr(layer, name, None)
    return layer.kernel if found is None and name == DEPTHWISE_KERNEL else found


# The depthwise layers of Keras 3 itself, not QKeras' and not the separable ones, call it `kernel`.
DEPTHWISE_KERNEL = "depthwise_kernel"
