"""A live Keras model, as the flow takes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hlsflow.frontends.contract import Float
from hlsflow.frontends.keras.needs import FRAMEWORK
from hlsflow.network.fixed_point import FixedType

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array
    from hlsflow.network.graph import Network


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class KerasModel:
    """`model` is the `keras.Model`, `framework` what reports call the Keras that it is of."""

    model: Any
    framework: str = FRAMEWORK

    def network(self, input_types: Mapping[str, FixedType] | FixedType) -> Network:
        from hlsflow.frontends.keras.network import network_of

        return network_of(self.model, input_types)

    def outputs(
        self,
        network: Network,
        inputs: Sequence[Array],
        names: Sequence[str],
        *,
        computed_in: Float = "float32",
        progress: Callable[[int, int], None] | None = None,
    ) -> dict[str, Array]:
        from hlsflow.frontends.keras.outputs import keras_outputs, outputs_in_float64

        outputs = keras_outputs if computed_in == "float32" else outputs_in_float64
        return outputs(self.model, network, inputs, names, progress=progress)
