"""The chain of layers that both architectures are made from: our hardware's view of an integer network.

Dense layers, convolutions and poolings, each with the casts and ReLUs behind it, maybe an argmax at the end. A final
softmax, or table such as a sigmoid, is left out: the design gives what goes into it. Whatever else a network holds is
refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hlsflow.foundation.errors import UnsupportedError
from hlsflow.foundation.interrupts import boundaries
from hlsflow.hls import integer_nodes as nodes
from hlsflow.hls.integer_network import IntegerNetwork, read_integer_network
from hlsflow.hls.project import HlsProject
from hlsflow.network.fixed_point import FixedType
from hlsflow.rtl.coverage import problems
from hlsflow.rtl.layers import Cast, Layer, ProductLayer, apply
from hlsflow.rtl.views import cast_of, layer_of, padded

if TYPE_CHECKING:
    import numpy as np

# Frames at a time: the windows of a convolution take many times the memory of its image.
_BATCH = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Chain:
    """The whole chain. `output` is the layer whose values it gives, `left_out` names what is not in it."""

    input_type: FixedType
    input_casts: tuple[Cast, ...]
    layers: tuple[Layer, ...]
    output: str
    left_out: tuple[str, ...]

    @property
    def products(self) -> tuple[ProductLayer, ...]:
        """The layers that multiply."""
        return tuple(layer for layer in self.layers if isinstance(layer, ProductLayer))

    @property
    def has_windows(self) -> bool:
        """Whether some layer slides over an image."""
        return any(getattr(layer, "window", None) is not None for layer in self.layers)

    @property
    def input_size(self) -> int:
        return self.layers[0].input_size

    @property
    def output_size(self) -> int:
        return self.layers[-1].output_size

    @property
    def output_type(self) -> FixedType:
        return self.layers[-1].result

    def run(self, values: np.ndarray) -> np.ndarray:
        """Outputs int64 (samples, n_out) in LSBs of `output_type`, for int64 (samples, n_in) in LSBs of the input."""
        import numpy as np

        found = [self._run(values[first : first + _BATCH]) for first in boundaries(range(0, len(values), _BATCH))]
        return np.concatenate(found)

    def _run(self, values: np.ndarray) -> np.ndarray:
        values = apply(self.input_casts, values)
        for layer in self.layers:
            values = layer.run(values)
        return values


def read_chain(project: HlsProject) -> Chain:
    """The chain of a project. Raises UnsupportedError naming the first construct without hardware."""
    return chain_of(read_integer_network(project))


def chain_of(network: IntegerNetwork) -> Chain:
    """The chain of a network. Raises UnsupportedError naming the first construct without hardware."""
    names = [port.name for port in network.inputs], [port.name for port in network.outputs]
    for problem in problems(network.nodes, *names):
        raise UnsupportedError(f"open RTL: {problem.text}", hint=problem.hint)
    port = network.inputs[0]
    output = port.name
    input_casts: list[Cast] = []
    layers: list[Layer] = []
    left_out: list[str] = []
    padding: nodes.Padding | None = None
    for node in network.nodes:
        match node:
            case nodes.Softmax() | nodes.Lookup():
                left_out.append(node.name)
                continue
            case nodes.Padding():
                padding = node
            case nodes.Cast():
                if layers:
                    layers[-1] = replace(layers[-1], casts=(*layers[-1].casts, cast_of(node)))
                else:
                    input_casts.append(cast_of(node))
            case _:
                layer = layer_of(node)
                layers.append(layer if padding is None else padded(layer, padding))
                padding = None
        output = node.name
    _check_sizes(port.size, layers)
    return Chain(
        input_type=port.type.grid,
        input_casts=tuple(input_casts),
        layers=tuple(layers),
        output=output,
        left_out=tuple(left_out),
    )


def _check_sizes(size: int, layers: list[Layer]) -> None:
    for layer in layers:
        if layer.input_size != size:
            raise UnsupportedError(f"open RTL: '{layer.name}' reads {layer.input_size} values of {size} at a time")
        size = layer.output_size
