"""How many values a network gives, where its description alone says so."""

from __future__ import annotations

from collections.abc import Iterator

from hlsflow.frontends.keras.files.architecture import Architecture, Layer

# Each value of the output is one of the input.
_SAME = frozenset(
    "Activation QActivation FixedPointQuantizer ReLU LeakyReLU ELU PReLU ThresholdedReLU Softmax "
    "BatchNormalization QBatchNormalization LayerNormalization Rescaling".split()
)
_DENSE = frozenset(("Dense", "QDense"))
_CONVOLUTIONS = frozenset(
    "Conv1D Conv2D SeparableConv1D SeparableConv2D QConv1D QConv2D QSeparableConv1D QSeparableConv2D "
    "QConv2DBatchnorm".split()
)


def output_count(architecture: Architecture, name: str) -> int | None:
    """The values of one sample in a layer's output; None where only a live model can say."""
    for layer in _upwards(architecture, name):
        if layer.class_name in _DENSE:
            return int(layer.config["units"]) if _is_flat(architecture, layer.inputs[0]) else None
        if _is_global(layer):
            return _channels(architecture, layer.inputs[0])
        if layer.class_name not in _SAME:
            return None
    return None


def _upwards(architecture: Architecture, name: str) -> Iterator[Layer]:
    """A layer, the first input of it, the first input of that, … without the network's own input."""
    layers = {layer.name: layer for layer in architecture.layers}
    while layers[name].inputs:
        yield layers[name]
        name = layers[name].inputs[0]


def _is_global(layer: Layer) -> bool:
    """Whether a layer gives one value for each channel."""
    return "Global" in layer.class_name and not layer.config.get("keepdims")


def _is_flat(architecture: Architecture, name: str) -> bool:
    """Whether an output has one axis."""
    for layer in _upwards(architecture, name):
        if layer.class_name == "Flatten" or _is_global(layer):
            return True
        if layer.class_name not in _SAME | _DENSE:
            return False
        name = layer.inputs[0]
    entrance = architecture.layer(name)
    return entrance.class_name == "InputLayer" and len(entrance.config["shape"]) == 1


def _channels(architecture: Architecture, name: str) -> int | None:
    """The channels of an image or a series."""
    for layer in _upwards(architecture, name):
        if layer.class_name in _CONVOLUTIONS:
            return int(layer.config["filters"])
        if layer.class_name not in _SAME and "Pooling" not in layer.class_name:
            return None
    return None
