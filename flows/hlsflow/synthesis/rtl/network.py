"""The integer network of a converted project: what both architectures are made from.

A chain of dense layers, each with its exact accumulator and the casts and ReLUs behind it. A final softmax is left out:
the design gives logits. Whatever else a project holds is refused here, before any work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hlsflow.conversion.fixed_point import FixedType, Overflow, cast, to_integers
from hlsflow.conversion.project import Call, HlsProject
from hlsflow.errors import UnsupportedError

if TYPE_CHECKING:
    import numpy as np

_ELEMENTWISE = ("relu", "linear", "repack_stream")
WIDEST_ACCUMULATOR = 62


@dataclass(frozen=True, kw_only=True, slots=True)
class Cast:
    """A value assigned to a type, after max(0, x) if `relu`. `name` is the layer that does it."""

    name: str
    relu: bool
    source: FixedType
    target: FixedType


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DenseLayer:
    """A matrix product and its casts. `weights` (n_in, n_out) int64 in LSBs of `weight`, `bias` (n_out,) of `accum`."""

    name: str
    weights: np.ndarray
    bias: np.ndarray
    data: FixedType
    weight: FixedType
    accum: FixedType
    casts: tuple[Cast, ...]
    reuse_factor: int

    @property
    def n_in(self) -> int:
        return int(self.weights.shape[0])

    @property
    def n_out(self) -> int:
        return int(self.weights.shape[1])

    @property
    def shift(self) -> int:
        """Left shift from the products' grid to the accumulator's."""
        return self.accum.fraction - self.data.fraction - self.weight.fraction

    @property
    def result(self) -> FixedType:
        return self.casts[-1].target if self.casts else self.accum


@dataclass(frozen=True, kw_only=True, slots=True)
class IntegerNetwork:
    """The whole network. `output` is the layer whose values it gives, `left_out` names what is not in it."""

    input_type: FixedType
    input_casts: tuple[Cast, ...]
    layers: tuple[DenseLayer, ...]
    output: str
    left_out: tuple[str, ...]

    @property
    def input_size(self) -> int:
        return self.layers[0].n_in

    @property
    def output_size(self) -> int:
        return self.layers[-1].n_out

    @property
    def output_type(self) -> FixedType:
        return self.layers[-1].result

    def run(self, values: np.ndarray) -> np.ndarray:
        """Outputs int64 (samples, n_out) in LSBs of `output_type`, for int64 (samples, n_in) in LSBs of the input."""
        values = _apply(self.input_casts, values)
        for layer in self.layers:
            total = ((values @ layer.weights) << layer.shift) + layer.bias
            values = _apply(layer.casts, cast(total, 0, _integers(layer.accum)))
        return values


def _integers(type_: FixedType) -> FixedType:
    """The bits of a type read as whole numbers that wrap."""
    return FixedType(width=type_.width, integer=type_.width, signed=type_.signed)


def _apply(casts: Sequence[Cast], values: np.ndarray) -> np.ndarray:
    for step in casts:
        positive = values.clip(min=0) if step.relu else values
        values = cast(positive, step.source.fraction, step.target)
    return values


def read_network(project: HlsProject) -> IntegerNetwork:
    """The integer network of a project. Raises UnsupportedError naming the first construct without hardware."""
    if len(project.inputs) != 1:
        raise UnsupportedError(f"open RTL: {len(project.inputs)} inputs; it covers networks with one")
    port = project.inputs[0]
    variable = port.name
    input_casts: list[Cast] = []
    layers: list[DenseLayer] = []
    casts = input_casts
    output = port.name
    left_out: list[str] = []
    for call in project.calls:
        if left_out:
            raise UnsupportedError(f"open RTL: layer '{call.layer}' stands behind the softmax '{left_out[0]}'")
        if project.aliases.get(call.arguments[0], call.arguments[0]) != variable:
            raise UnsupportedError(
                f"open RTL: layer '{call.layer}' reads '{call.arguments[0]}', not the layer before it: "
                "it covers networks without branches"
            )
        if call.function == "softmax" and layers:
            left_out.append(call.layer)
            continue
        if call.function == "dense":
            layers.append(_dense(project, call))
            casts = []
        elif call.function not in _ELEMENTWISE:
            raise UnsupportedError(
                f"open RTL: no hardware for nnet::{call.function} (layer '{call.layer}')",
                hint="it covers dense layers, ReLU, quantized linear activations, and leaves out a final softmax",
            )
        source, target = project.type_of(call.template[0]), project.type_of(call.template[1])
        if call.function == "dense":
            source = layers[-1].accum
        casts.append(Cast(name=call.layer, relu=call.function == "relu", source=source, target=target))
        if layers:
            layers[-1] = _with_casts(layers[-1], casts)
        variable, output = call.arguments[1], call.layer
    if not layers:
        raise UnsupportedError("open RTL: the network has no dense layer")
    if len(project.outputs) != 1:
        raise UnsupportedError(f"open RTL: {len(project.outputs)} outputs; it covers networks with one")
    if layers[0].n_in != port.size:
        raise UnsupportedError(f"open RTL: '{layers[0].name}' reads {layers[0].n_in} values of {port.size} at a time")
    return IntegerNetwork(
        input_type=project.type_of(port.type_name).grid,
        input_casts=tuple(input_casts),
        layers=tuple(layers),
        output=output,
        left_out=tuple(left_out),
    )


def _with_casts(layer: DenseLayer, casts: Sequence[Cast]) -> DenseLayer:
    from dataclasses import replace

    return replace(layer, casts=tuple(casts))


def _dense(project: HlsProject, call: Call) -> DenseLayer:
    import numpy as np

    config = project.configs[call.template[-1]]
    n_in, n_out = config.integer("n_in"), config.integer("n_out")
    if not config.values.get("product", "").endswith("::mult"):
        raise UnsupportedError(f"open RTL: {config.values.get('product')} is not covered (layer '{call.layer}')")
    strategy = config.values.get("strategy", "").rsplit("::", 1)[-1]
    if strategy not in ("latency", "resource"):
        raise UnsupportedError(f"open RTL: strategy {strategy} is not covered (layer '{call.layer}')")
    data = project.type_of(call.template[0]).grid
    weight, bias, accum = (project.layer_type(config, role) for role in ("weight_t", "bias_t", "accum_t"))
    flat = to_integers(project.weights(call.arguments[2]), weight.fraction)
    biases = to_integers(project.weights(call.arguments[3]), bias.fraction)
    if flat.size != n_in * n_out or biases.size != n_out:
        raise UnsupportedError(f"open RTL: layer '{call.layer}' is no {n_in} x {n_out} matrix")
    weights = flat.reshape(n_out, n_in).T if strategy == "resource" else flat.reshape(n_in, n_out)
    layer = DenseLayer(
        name=call.layer,
        weights=np.ascontiguousarray(weights),
        bias=cast(biases, bias.fraction, accum),
        data=data,
        weight=weight.grid,
        accum=accum,
        casts=(),
        reuse_factor=config.integer("reuse_factor"),
    )
    check_accumulator(layer)
    return layer


def check_accumulator(layer: DenseLayer) -> None:
    """Raises UnsupportedError where the accumulator rounds, or saturates on some input: then the order matters."""
    import numpy as np

    if layer.shift < 0:
        raise UnsupportedError(f"open RTL: the accumulator {layer.accum} of '{layer.name}' rounds every product")
    if layer.accum.width > WIDEST_ACCUMULATOR:
        raise UnsupportedError(
            f"open RTL: the accumulator {layer.accum} of '{layer.name}' is wider than {WIDEST_ACCUMULATOR} bits"
        )
    if layer.accum.overflow is Overflow.WRAP:
        return
    ends = np.stack([layer.weights * layer.data.min_int, layer.weights * layer.data.max_int]) << layer.shift
    low = np.minimum(ends.min(axis=0), 0).sum(axis=0) + np.minimum(layer.bias, 0)
    high = np.maximum(ends.max(axis=0), 0).sum(axis=0) + np.maximum(layer.bias, 0)
    if low.min() < layer.accum.min_int or high.max() > layer.accum.max_int:
        raise UnsupportedError(
            f"open RTL: the accumulator {layer.accum} of '{layer.name}' can saturate on the way",
            hint="an accumulator that the conversion proves wide enough is covered",
        )
