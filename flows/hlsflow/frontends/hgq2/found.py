"""What was found in an archive of HGQ 2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hlsflow.datasets.frames import Task
from hlsflow.frontends.contract import Origin
from hlsflow.frontends.hgq2 import quantizers
from hlsflow.frontends.keras.files.architecture import Architecture, Layer
from hlsflow.frontends.keras.fixed_point_quantizer import type_of_input
from hlsflow.network.element_types import ElementTypes
from hlsflow.network.fixed_point import FixedType

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

ARCHITECTURE_FILE, WEIGHTS_FILE = "hgq2.json", "weights.npz"
# A wider quantizer says little of what comes in.
_MOST_BITS = 16


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FoundHgq2:
    """`weights` are arrays under `<layer>/<number>` in HGQ's order, and those of quantizers under `<layer>/iq/f`."""

    architecture: Architecture
    weights: Mapping[str, Array]
    notes: tuple[str, ...]
    origin: Origin

    @property
    def name(self) -> str:
        return self.architecture.name

    @property
    def input_shapes(self) -> Mapping[str, tuple[int, ...]]:
        return self.architecture.input_shapes

    @property
    def input_axes(self) -> Mapping[str, tuple[int, ...]]:
        """None: HGQ 2 has channels last as hardware does; other models are refused."""
        return {}

    @property
    def own_types(self) -> Mapping[str, FixedType]:
        found = {}
        for name in self.architecture.inputs:
            readers = [layer for layer in self.architecture.layers if name in layer.inputs]
            types = [self._input_types(layer, name) for layer in readers]
            known = [item for item in types if item is not None]
            if known and len(known) == len(types) and name not in self.architecture.outputs:
                type_ = type_of_input(known)
                if type_ is not None and type_.width <= _MOST_BITS:
                    found[name] = type_
        return found

    def _input_types(self, layer: Layer, name: str) -> ElementTypes | None:
        """The types of the quantizer with which a layer reads an input, None where it has none."""
        said = layer.config.get("quantizers", {})
        part = "iq" if "iq" in said else f"iq{layer.inputs.index(name)}"
        if part not in said:
            return None
        rank = len(self.architecture.layer(name).config["shape"])
        prefix = f"{layer.name}/{part}/"
        arrays = {key.removeprefix(prefix): array for key, array in self.weights.items() if key.startswith(prefix)}
        return quantizers.element_types(said[part], arrays, rank, f"layer '{layer.name}'")

    @property
    def task(self) -> Task:
        """HGQ 2's networks give values: which are logits nobody says."""
        return "regression"

    @property
    def output_values(self) -> int | None:
        return None

    @property
    def files(self) -> Mapping[str, bytes]:
        from hlsflow.foundation.array_file import pack_arrays

        return {ARCHITECTURE_FILE: self.architecture.to_json().encode(), WEIGHTS_FILE: pack_arrays(dict(self.weights))}
