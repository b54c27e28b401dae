"""A live model as hls4ml's converter reads one: the description that Keras 2 writes, made of the layers themselves.

So one description serves every Keras, and nothing of what a newer one writes has to be known to hls4ml.
"""

from __future__ import annotations

from typing import Any

from hlsflow.frontends.keras import allow_list
from hlsflow.frontends.keras.generations import Call, calls, config_of, output_shape, quantizer_of


def described(model: Any) -> tuple[dict[str, Any], set[str]]:
    """The description, without quantizers, and the names of those entries that hls4ml's converter will make of it that
    are activations with a quantizer, or of a function of QKeras: what they give is asked of Keras.

    hls4ml computes with quantizers, prints of some and has none of others.
    """
    of_layer = {call.layer.name: call for call in calls(model)}
    inputs = [tensor._keras_history[0].name for tensor in model.inputs]
    # A Sequential keeps its input to itself.
    names = [*(name for name in inputs if name not in {layer.name for layer in model.layers})]
    names += [layer.name for layer in model.layers]
    quantized: set[str] = set()
    said = {
        "class_name": "Functional",
        "config": {
            "name": model.name,
            "layers": [_layer(of_layer[name], quantized) for name in names],
            "input_layers": [[name, 0, 0] for name in inputs],
            "output_layers": [[tensor._keras_history[0].name, 0, 0] for tensor in model.outputs],
        },
    }
    return said, quantized


def _layer(call: Call, quantized: set[str]) -> dict[str, Any]:
    layer, class_name = call.layer, type(call.layer).__name__
    config = {key: value for key, value in config_of(layer).items() if not _is_of_weights(key)}
    if class_name == "Reshape":
        # hls4ml's converter takes a -1 for a size, and counts on with it.
        config["target_shape"] = list(output_shape(layer)[1:])
    if class_name == "QActivation":
        class_name, function = "Activation", quantizer_of(layer)
        config["activation"] = "quantized"
        if allow_list.is_of_keras(function):
            config["activation"] = function.__name__
        else:
            quantized.add(layer.name)
    else:
        _set_activation(layer, config, quantized)
    nodes = [[[source.name, 0, 0, {}] for source in call.sources]] if call.sources else []
    return {"class_name": class_name, "config": config, "name": layer.name, "inbound_nodes": nodes}


def _is_of_weights(key: str) -> bool:
    """Whether a setting is a quantizer that `constants` asks; whether a mean has one decides what becomes of it."""
    return key.endswith("_quantizer") and key != "average_quantizer"


def _set_activation(layer: Any, config: dict[str, Any], quantized: set[str]) -> None:
    """The activation of a layer by its name, or none where the layer has none."""
    if "activation" not in config:
        return
    function = getattr(layer, "activation", None)
    if function is None:
        # A mean's, which hls4ml's converter takes for a name.
        del config["activation"]
        return
    if not allow_list.is_of_keras(function):
        config["activation"] = getattr(function, "__name__", type(function).__name__)
        quantized.add(f"{layer.name}_{config['activation']}")
