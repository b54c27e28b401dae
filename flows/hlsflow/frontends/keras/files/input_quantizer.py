"""The type that a network's own first quantizer gives an input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hlsflow.frontends.keras.files.architecture import Architecture
from hlsflow.frontends.keras.files.settings import NotRead, call_of
from hlsflow.network.fixed_point import FixedType
from hlsflow.network.quantizers import quantizer_type

# A wider quantizer says little of what comes in.
_MOST_BITS = 16


def quantizer_of_input(architecture: Architecture, name: str) -> FixedType | None:
    """The type of the one quantizer that all readers of an input apply first, if it is such."""
    readers = [layer for layer in architecture.layers if name in layer.inputs]
    if not readers or any(layer.class_name != "QActivation" for layer in readers) or name in architecture.outputs:
        return None
    types = {_type_of_quantizer(layer.config.get("activation")) for layer in readers}
    return types.pop() if len(types) == 1 else None


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
