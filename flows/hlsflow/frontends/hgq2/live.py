"""A model of HGQ 2, as the flow takes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from hlsflow.foundation.interrupts import boundaries
from hlsflow.frontends.contract import Float
from hlsflow.frontends.hgq2.model import floatx, in_float64, live_model
from hlsflow.frontends.keras.files.architecture import Architecture
from hlsflow.network.fixed_point import FixedType

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array
    from hlsflow.network.graph import Network

FRAMEWORK = "HGQ 2"
_BATCH = 1000


@dataclass(frozen=True, kw_only=True, eq=False)
class Hgq2Model:
    """`weights` are those of a `FoundHgq2`; `where` is what messages call the model."""

    architecture: Architecture
    weights: Mapping[str, Array]
    where: str

    @property
    def framework(self) -> str:
        return FRAMEWORK

    @cached_property
    def model(self) -> Any:
        """The `keras.Model`, in float32."""
        return live_model(self.architecture, self.weights, self.where)

    def network(self, input_types: Mapping[str, FixedType] | FixedType) -> Network:
        from hlsflow.frontends.hgq2.network import network_of

        return network_of(self.architecture, self.model, input_types)

    def outputs(
        self,
        network: Network,
        inputs: Sequence[Array],
        names: Sequence[str],
        *,
        computed_in: Float = "float32",
        progress: Callable[[int, int], None] | None = None,
    ) -> dict[str, Array]:
        import numpy as np

        with floatx(computed_in):
            model = self.model
            if computed_in == "float64":
                model = in_float64(self.architecture, self.weights, self.model, self.where)
            return _evaluated(model, network, inputs, names, np.dtype(computed_in), progress)


def _evaluated(
    model: Any, network: Network, inputs: Sequence[Array], names: Sequence[str], dtype: Any,
    progress: Callable[[int, int], None] | None,
) -> dict[str, Array]:  # fmt: skip
    import keras
    import numpy as np

    tapped = keras.Model(model.inputs, [model.get_layer(network[name].keras_layer).output for name in names])
    samples = len(inputs[0])
    parts: list[list[Array]] = []
    for first in boundaries(range(0, samples, _BATCH)):
        given = [np.asarray(array[first : first + _BATCH], dtype=dtype) for array in inputs]
        found = tapped(given, training=False)
        found = found if isinstance(found, (list, tuple)) else [found]
        arrays = [np.asarray(keras.ops.convert_to_numpy(tensor), dtype=np.float64) for tensor in found]
        parts.append([array.reshape(len(given[0]), -1) for array in arrays])
        if progress is not None:
            progress(min(samples, first + _BATCH), samples)
    return {name: np.concatenate([part[index] for part in parts]) for index, name in enumerate(names)}
