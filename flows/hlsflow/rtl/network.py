"""The integer network of a converted project: what both architectures are made from.

A chain of dense layers, convolutions and poolings, each with the casts and ReLUs behind it, maybe an argmax at the end.
A final softmax of tables is left out: the design gives logits. Whatever else a project holds is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hlsflow.foundation.errors import UnsupportedError
from hlsflow.foundation.interrupts import boundaries
from hlsflow.hls.integer_layers import Padding, padding_of
from hlsflow.hls.project import HlsProject
from hlsflow.network.fixed_point import FixedType
from hlsflow.rtl.coverage import CASTS, PADDINGS, problems
from hlsflow.rtl.layers import Cast, Layer, ProductLayer, apply
from hlsflow.rtl.read_layers import asked, layer_of, padded, read_layer

if TYPE_CHECKING:
    import numpy as np

# Frames at a time: the windows of a convolution take many times the memory of its image.
_BATCH = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class IntegerNetwork:
    """The whole network. `output` is the layer whose values it gives, `left_out` names what is not in it."""

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


def read_network(project: HlsProject) -> IntegerNetwork:
    """The integer network of a project. Raises UnsupportedError naming the first construct without hardware."""
    read = [read_layer(project, call) for call in project.calls]
    asks = [asked(project, call, own) for call, own in zip(project.calls, read, strict=True)]
    for problem in problems(asks, *_ports(project)):
        raise UnsupportedError(f"open RTL: {problem.text}", hint=problem.hint)
    port = project.inputs[0]
    output = port.name
    input_casts: list[Cast] = []
    layers: list[Layer] = []
    left_out: list[str] = []
    padding: Padding | None = None
    for call, ask, own in zip(project.calls, asks, read, strict=True):
        if call.function == "softmax" and not ask.is_argmax:
            left_out.append(call.layer)
            continue
        if call.function in PADDINGS:
            padding = padding_of(project, call)
        elif call.function in CASTS:
            source, target = project.type_of(call.template[0]), project.type_of(call.template[1])
            step = Cast(name=call.layer, relu=call.function == "relu", source=source, target=target)
            if layers:
                layers[-1] = replace(layers[-1], casts=(*layers[-1].casts, step))
            else:
                input_casts.append(step)
        else:
            layer = layer_of(project, call, own)
            layers.append(layer if padding is None else padded(layer, padding))
            padding = None
        output = call.layer
    _check_sizes(project, layers)
    return IntegerNetwork(
        input_type=project.type_of(port.type_name).grid,
        input_casts=tuple(input_casts),
        layers=tuple(layers),
        output=output,
        left_out=tuple(left_out),
    )


def _ports(project: HlsProject) -> tuple[list[str], list[str]]:
    return [port.name for port in project.inputs], [port.name for port in project.outputs]


def _check_sizes(project: HlsProject, layers: list[Layer]) -> None:
    size = project.inputs[0].size
    for layer in layers:
        if layer.input_size != size:
            raise UnsupportedError(f"open RTL: '{layer.name}' reads {layer.input_size} values of {size} at a time")
        size = layer.output_size
