"""What was found in a model file of Keras."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hlsflow.datasets.frames import Task
from hlsflow.frontends.contract import Origin
from hlsflow.frontends.keras.files.architecture import Architecture
from hlsflow.frontends.keras.files.input_quantizer import quantizer_of_input
from hlsflow.frontends.keras.files.output_count import output_count
from hlsflow.network.fixed_point import FixedType

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

ARCHITECTURE_FILE, WEIGHTS_FILE = "architecture.json", "weights.npz"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FoundModel:
    """`weights` are float32 arrays under `<layer>/<variable>`; `notes` say what was left out or changed; `keras_3` is
    whether Keras 3 wrote the model down."""

    architecture: Architecture
    weights: Mapping[str, Array]
    notes: tuple[str, ...]
    origin: Origin
    keras_3: bool = False

    @property
    def name(self) -> str:
        return self.architecture.name

    @property
    def input_shapes(self) -> Mapping[str, tuple[int, ...]]:
        return self.architecture.input_shapes

    @property
    def input_axes(self) -> Mapping[str, tuple[int, ...]]:
        """None: Keras has channels last as hardware does; other models are refused."""
        return {}

    @property
    def own_types(self) -> Mapping[str, FixedType]:
        found = {name: quantizer_of_input(self.architecture, name, self.weights) for name in self.architecture.inputs}
        return {name: type_ for name, type_ in found.items() if type_ is not None}

    @property
    def task(self) -> Task:
        """By the last layer: a softmax tells classes apart, a sigmoid two; else it gives values."""
        last = self.architecture.layer(self.architecture.outputs[0])
        said = last.config.get("activation")
        if last.class_name == "Softmax" or said == "softmax":
            return "classification"
        return "binary" if said == "sigmoid" else "regression"

    @property
    def output_values(self) -> int | None:
        return output_count(self.architecture, self.architecture.outputs[0])

    @property
    def files(self) -> Mapping[str, bytes]:
        from hlsflow.foundation.array_file import pack_arrays

        return {ARCHITECTURE_FILE: self.architecture.to_json().encode(), WEIGHTS_FILE: pack_arrays(dict(self.weights))}
