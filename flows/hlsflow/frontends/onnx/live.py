"""A model of ONNX or QONNX, as the flow takes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING

from hlsflow.foundation.interrupts import boundaries
from hlsflow.frontends.contract import Float
from hlsflow.frontends.onnx.evaluate import evaluated
from hlsflow.frontends.onnx.graph import Graph
from hlsflow.frontends.onnx.network import Converted, converted
from hlsflow.frontends.onnx.witness_model import witness_model
from hlsflow.network.fixed_point import FixedType

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array
    from hlsflow.network.graph import Network

# Values of the largest tensor of a batch: some hundred megabytes with all tensors beside it.
_BATCH_VALUES = 1 << 22
_MOST_SAMPLES = 1000


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class OnnxModel:
    """`graph` is the model's graph."""

    graph: Graph

    @property
    def framework(self) -> str:
        return self.graph.framework

    def network(self, input_types: Mapping[str, FixedType] | FixedType) -> Network:
        return converted(self.graph, input_types).network

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

        known = _known(self, tuple(network[name].declared["result"] for name in network.inputs))
        values = {name: known.tensors[name] for name in names}
        wanted = list(dict.fromkeys(value.tensor for value in values.values()))
        samples, largest = len(inputs[0]), max(prod(shape) for shape in known.shapes.values())
        batch = max(1, min(_MOST_SAMPLES, _BATCH_VALUES // largest))
        found: dict[str, list[Array]] = {name: [] for name in names}
        for first in boundaries(range(0, samples, batch)):
            count = min(batch, samples - first)
            given = {
                name: array[first : first + count].reshape(count, -1)[:, value.index.ravel()]
                .reshape(count, *value.shape).astype(computed_in)
                for (name, value), array in zip(known.inputs.items(), inputs, strict=True)
            }  # fmt: skip
            model = witness_model(self.graph, known.constants, known.shapes, wanted, count, computed_in)
            results = evaluated(model, given, wanted, quantized=self.graph.is_quantized, float_=computed_in)
            tensors = dict(zip(wanted, results, strict=True))
            for name, value in values.items():
                values_of = np.empty((count, value.index.size))
                values_of[:, value.index.ravel()] = tensors[value.tensor].astype(np.float64).reshape(count, -1)
                found[name].append(values_of)
            if progress is not None:
                progress(min(samples, first + count), samples)
        return {name: np.concatenate(parts) for name, parts in found.items()}


@lru_cache(maxsize=4)
def _known(model: OnnxModel, types: tuple[FixedType, ...]) -> Converted:
    return converted(model.graph, dict(zip(model.graph.inputs, types, strict=True)))
