"""The integer network of a converted project: what both architectures are made from.

A chain of dense layers, convolutions and poolings, each with the casts and ReLUs behind it, maybe an argmax at the end.
A final softmax of tables is left out: the design gives logits. Whatever else a project holds is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hlsflow.emulation.window import Window
from hlsflow.foundation.errors import UnsupportedError
from hlsflow.foundation.interrupts import boundaries
from hlsflow.hls.project import HlsProject
from hlsflow.network.fixed_point import FixedType
from hlsflow.rtl.layers import ArgmaxLayer, Cast, Layer, ProductLayer, apply
from hlsflow.rtl.read_layers import MAKERS, is_argmax, padded, padding_of

if TYPE_CHECKING:
    import numpy as np

COVERED = (
    "it covers dense layers, convolutions, max pooling, average pooling of 2, 4, 8, … values, ReLU, quantized linear "
    "activations, argmax at the end; a final softmax of tables is left out"
)

_ELEMENTWISE = ("relu", "linear", "repack_stream")
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
    if len(project.inputs) != 1:
        raise UnsupportedError(f"open RTL: {len(project.inputs)} inputs; it covers networks with one")
    port = project.inputs[0]
    variable = output = port.name
    input_casts: list[Cast] = []
    layers: list[Layer] = []
    left_out: list[str] = []
    padding: Window | None = None
    for call in project.calls:
        if left_out or (layers and isinstance(layers[-1], ArgmaxLayer)):
            softmax = left_out[0] if left_out else layers[-1].name
            raise UnsupportedError(f"open RTL: layer '{call.layer}' stands behind the softmax '{softmax}'")
        if project.aliases.get(call.arguments[0], call.arguments[0]) != variable:
            raise UnsupportedError(
                f"open RTL: layer '{call.layer}' reads '{call.arguments[0]}', not the layer before it: "
                "it covers networks without branches"
            )
        if call.function == "softmax" and not is_argmax(project, call):
            left_out.append(call.layer)
            continue
        maker = MAKERS.get(call.function)
        if call.function.startswith("zeropad"):
            padding = padding_of(project, call)
        elif maker is not None:
            layer = maker(project, call)
            layers.append(layer if padding is None else padded(layer, padding, call))
            padding = None
        elif call.function in _ELEMENTWISE and padding is None:
            source, target = project.type_of(call.template[0]), project.type_of(call.template[1])
            step = Cast(name=call.layer, relu=call.function == "relu", source=source, target=target)
            if layers:
                layers[-1] = replace(layers[-1], casts=(*layers[-1].casts, step))
            else:
                input_casts.append(step)
        else:
            raise UnsupportedError(
                f"open RTL: no hardware for nnet::{call.function} (layer '{call.layer}')", hint=COVERED
            )
        variable, output = call.arguments[1], call.layer
    if padding is not None:
        raise UnsupportedError(f"open RTL: '{output}' pads with zeros; it covers padding before convolutions")
    _check_chain(project, layers)
    return IntegerNetwork(
        input_type=project.type_of(port.type_name).grid,
        input_casts=tuple(input_casts),
        layers=tuple(layers),
        output=output,
        left_out=tuple(left_out),
    )


def _check_chain(project: HlsProject, layers: list[Layer]) -> None:
    if not layers:
        raise UnsupportedError("open RTL: the network has no layer that multiplies or pools")
    if len(project.outputs) != 1:
        raise UnsupportedError(f"open RTL: {len(project.outputs)} outputs; it covers networks with one")
    size = project.inputs[0].size
    for layer in layers:
        if layer.input_size != size:
            raise UnsupportedError(f"open RTL: '{layer.name}' reads {layer.input_size} values of {size} at a time")
        size = layer.output_size
