"""The type that a network's own first quantizer gives an input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hlsflow.frontends.keras.files.architecture import Architecture, Layer
from hlsflow.frontends.keras.files.settings import NotRead, call_of
from hlsflow.frontends.keras.fixed_point_quantizer import CLASS_NAME, VARIABLES, element_types, type_of_input
from hlsflow.network.element_types import ElementTypes
from hlsflow.network.fixed_point import FixedType
from hlsflow.network.quantizers import quantizer_type

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

# A wider quantizer says little of what comes in.
_MOST_BITS = 16


def quantizer_of_input(architecture: Architecture, name: str, weights: Mapping[str, Array]) -> FixedType | None:
    """The type of the one quantizer that all readers of an input apply first, if it is such; of quantizers with types
    for single elements that which holds them all. Raises ModelError where theirs are damaged."""
    readers = [layer for layer in architecture.layers if name in layer.inputs]
    if readers and all(layer.class_name == CLASS_NAME for layer in readers) and name not in architecture.outputs:
        rank = len(architecture.layer(name).config["shape"])
        found = type_of_input([_element_types(layer, weights, rank) for layer in readers])
        return found if found is not None and found.width <= _MOST_BITS else None
    if not readers or any(layer.class_name != "QActivation" for layer in readers) or name in architecture.outputs:
        return None
    types = {_type_of_quantizer(layer.config.get("activation")) for layer in readers}
    return types.pop() if len(types) == 1 else None


def _element_types(layer: Layer, weights: Mapping[str, Array], rank: int) -> ElementTypes:
    arrays = {key: weights[f"{layer.name}/{key}"] for key in VARIABLES}
    return element_types(layer.config, arrays, rank, f"layer '{layer.name}'")


_POSITIONAL = {
    "quantized_bits": ("bits", "integer", "symmetric", "keep_negative", "alpha"),
    "quantized_relu": ("bits", "integer", "use_sigmoid", "negative_slope"),
}


def _type_of_quantizer(said: Any) -> FixedType | None:
    if isinstance(said, str):
        try:
            name, positional, named = call_of(said, "activation")
        except NotRead:
            return None
        if name not in _POSITIONAL or len(positional) > len(_POSITIONAL[name]):
            return None
        config: Mapping[str, Any] = {**dict(zip(_POSITIONAL[name], positional, strict=False)), **named}
    elif isinstance(said, Mapping):
        name, config = said["class_name"], said["config"]
    else:
        return None
    bits, integer = config.get("bits", 8), config.get("integer", 0)
    if not isinstance(bits, int) or not isinstance(integer, int) or not 0 < bits <= _MOST_BITS:
        return None
    if name == "quantized_relu":
        plain = not config.get("use_sigmoid") and not config.get("negative_slope")
        return quantizer_type(bits=bits, integer=integer, keep_negative=False).grid if plain else None
    if name != "quantized_bits" or config.get("alpha") not in (None, 1, 1.0):
        return None
    return quantizer_type(bits=bits, integer=integer, keep_negative=bool(config.get("keep_negative", True))).grid
