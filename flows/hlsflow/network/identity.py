"""Which design this is: one digest of all that decides the hardware, and the name of the project that carries it.

The top function is named after it, so a report of AMD's tools says whose it is. It holds what the design is, never how
it was made: no path, no time, no version of Python or numpy. The same model and configuration give the same name on
another machine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from hlsflow.network.graph import Network
from hlsflow.network.layer_types import LayerTypes

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

PROJECT_PREFIX = "hlsflow_"
_DIGITS = 12


def design_identity(network: Network, layers: Sequence[LayerTypes], settings: Mapping[str, Any]) -> str:
    """The SHA-256 (64 hexadecimal digits) of a design.

    `settings` is what hls4ml is told, but for its output folder: target, types, strategies, reuse factors and table
    sizes. To it come every layer as hls4ml is told of it, with its integers, and the version of hls4ml.
    """
    said = {
        "hls4ml": version("hls4ml"),
        "settings": dict(settings),
        "inputs": list(network.inputs),
        "outputs": list(network.outputs),
        "layers": [_layer(layer) for layer in layers],
    }
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def project_name(identity: str) -> str:
    """The name of the project of a design, and of its top function: `hlsflow_` and twelve hexadecimal digits."""
    return f"{PROJECT_PREFIX}{identity[:_DIGITS]}"


def _layer(layer: LayerTypes) -> dict[str, Any]:
    node = layer.node
    return {
        # As hls4ml is told of it: what else we know of a layer decides no hardware, and may be said otherwise tomorrow.
        "entry": dict(node.entry),
        "shape": list(node.shape),
        "types": {role: str(type_) for role, type_ in layer.types.items()},
        "arrays": {role: _integers(array) for role, array in layer.arrays.items()},
    }


def _integers(array: Array) -> str:
    """The digest of an array of integers: its shape and its values, whatever the machine's byte order."""
    return hashlib.sha256(f"{list(array.shape)}".encode() + array.astype("<i8").tobytes()).hexdigest()


def _plain(value: Any) -> Any:
    """A number or array of numpy as Python's own, for JSON."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} in the description of a layer")
