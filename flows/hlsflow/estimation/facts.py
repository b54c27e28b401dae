"""A Design from plain facts of its layers, whoever says them: the C++ of a project, or a network that is planned.

What a layer is to the cost model, how large its matrix is and what it reads is decided here alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hlsflow.devices.catalogue import Part
from hlsflow.estimation.design import Design, Kind, Layer, Stream, Target
from hlsflow.estimation.liveness import with_constants, with_live_outputs, with_sizes
from hlsflow.foundation.errors import ToolError
from hlsflow.network.fixed_point import FixedType

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

# By the name of the function of `nnet::`, of any hls4ml version.
_KINDS: tuple[tuple[str, Kind], ...] = (
    (r"(td_)?dense(_\w+)?$", Kind.DENSE),
    (r"depthwise_conv", Kind.DEPTHWISE),
    (r"(pointwise_)?conv_[12]d|separable_conv", Kind.CONV),
    (r"normalize", Kind.SCALE),
    (r"(leaky_|thresholded_|p)?relu|relu\d|relu1|linear|clip|binary_tanh|ternary_tanh|hard_\w+$", Kind.RELU),
    (r"softmax", Kind.SOFTMAX),
    (r"sigmoid|tanh|softplus|softsign|elu|selu|unary_lut", Kind.TABLE),
    (r"(global_)?pooling", Kind.POOL),
    (r"add$|subtract$|multiply$|average$|maximum$|minimum$|dot1d$", Kind.MERGE),
    (r"zeropad|transpose|repack|reverse|concatenate|resize|clone_stream|copy_data", Kind.MOVE),
    (r"element_cast_|h_\w*quantize", Kind.MOVE),
)  # fmt: skip
WEIGHTED = (Kind.DENSE, Kind.CONV, Kind.DEPTHWISE, Kind.SCALE)
_WINDOWED = (Kind.CONV, Kind.DEPTHWISE, Kind.POOL)
# The type that hls4ml gives where nothing is said.
WORD = FixedType(width=16, integer=6)
_TABLE = FixedType(width=18, integer=8)

# The versions that are assumed where nothing says which tool will build it.
_DEFAULT_VERSION = {"Vivado": "2020.1", "VivadoAccelerator": "2020.1"}
_DEFAULT_VITIS_VERSION = "2023.2"
# hls4ml's own default for Vitis is 27 %, the tools' own is 12.5 % (UG902 / UG1399, set_clock_uncertainty).
DEFAULT_UNCERTAINTY = 12.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """What slides: positions of the input, zeros around it counted, and of the output, and those under a window.

    `row_width` is how many positions a kept row has.
    """

    in_positions: int = 1
    positions: int = 1
    height: int = 1
    width: int = 1
    row_width: int = 0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LayerFacts:
    """What is known of one call of `nnet::function`; None or 0: it is not said.

    `matrix` is (n_in, n_out) of a dense layer, `size` the values of an elementwise one, `pack` how many of them one
    element of a stream holds, `channels` and `filters` those of the image before and behind a window. `turns` are
    hls4ml's partitions of the output positions. `weights` are integers in LSBs of their type, as they are stored: of
    (n_in, n_out) flat, or `transposed` of (n_out, n_in).
    """

    name: str
    function: str
    inputs: tuple[str, ...]
    output: str
    x: FixedType | None = None
    y: FixedType | None = None
    matrix: tuple[int, int] = (1, 1)
    size: int = 0
    pack: int | None = None
    window: Window = Window()
    channels: int = 1
    filters: int = 1
    turns: int | None = None
    reuse_factor: int = 1
    strategy: str = "latency"
    weight: FixedType | None = None
    accum: FixedType | None = None
    weights: Array | None = None
    biases: Array | None = None
    transposed: bool = False
    table: FixedType | None = None
    table_size: int = 1024
    inverse_table_size: int = 1024
    implementation: str = ""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DesignFacts:
    """What is known of a whole design. `depths` are those of its FIFOs, by name, where they are said."""

    name: str
    target: Target
    layers: Sequence[LayerFacts]
    dataflow: bool
    input_bits: int | None = None
    input_size: int | None = None
    depths: Mapping[str, int] = field(default_factory=dict)
    element_bits: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    doubts: Iterable[str] = ()


def kind_of(function: str) -> Kind:
    """What a function of `nnet::` is to the cost model."""
    return next((kind for pattern, kind in _KINDS if re.match(pattern, function)), Kind.OTHER)


def target_for(
    *,
    part: Part,
    clock_period_ns: float,
    backend: str,
    io_stream: bool,
    clock_uncertainty_percent: float | None = None,
    tool_version: str | None = None,
    binding: str | None = None,
) -> Target:
    """A target with what is assumed where nothing is said. Raises ToolError for a version that is none."""
    version = tool_version or _DEFAULT_VERSION.get(backend, _DEFAULT_VITIS_VERSION)
    matched = re.match(r"v?(\d{4})\.(\d+)", version)
    if matched is None:
        raise ToolError(f"'{version}' is no tool version: write e.g. 2023.2")
    uncertainty = clock_uncertainty_percent
    return Target(
        part=part,
        clock_period_ns=clock_period_ns,
        clock_uncertainty_percent=DEFAULT_UNCERTAINTY if uncertainty is None else uncertainty,
        backend=backend,
        tool_version=(int(matched[1]), int(matched[2])),
        io_stream=io_stream,
        binding=binding or "auto",
    )


def design_of_facts(facts: DesignFacts) -> Design:
    """The design. What is not known is guessed and named in `doubts`, so that the estimate leaves its domain."""
    doubts = list(facts.doubts)
    made = with_sizes([_layer(said, facts, doubts) for said in facts.layers])
    layers = with_live_outputs(with_constants(made, facts.element_bits))
    streams: dict[str, Stream] = {}
    for layer in layers if facts.target.io_stream else ():
        depth = max(1, facts.depths.get(layer.output, layer.positions))
        bits = layer.y.width * layer.n_out
        streams.setdefault(layer.output, Stream(name=layer.output, depth=depth, bits=bits, elements=layer.n_out))
    written = {layer.output for layer in layers}
    first = next((layer for layer in layers if layer.inputs[0] not in written), layers[0])
    size = first.n_in // first.kernel * first.in_positions
    return Design(
        name=facts.name,
        target=facts.target,
        layers=tuple(layers),
        streams=tuple(streams.values())[:-1],
        input_bits=first.x.width if facts.input_bits is None else facts.input_bits,
        input_size=size if facts.input_size is None else facts.input_size,
        dataflow=facts.dataflow,
        doubts=tuple(doubts),
    )


def _layer(facts: LayerFacts, design: DesignFacts, doubts: list[str]) -> Layer:
    quantizer = facts.function in design.element_bits
    kind = Kind.MOVE if quantizer else kind_of(facts.function)
    if kind is Kind.OTHER:
        doubts.append(f"layer '{facts.name}' is a {facts.function}, which is not modelled")
    if re.match(r"h_\w*quantize", facts.function) and not quantizer:
        doubts.append(f"the widths that '{facts.function}' gives single elements stand in generated code alone")
    window = facts.window if kind in (Kind.CONV, Kind.DEPTHWISE) else Window()
    n_in, n_out, positions, in_positions, kernel = _shape(facts, kind)
    weights = _weights(facts, kind, n_in, n_out) if kind in WEIGHTED else None
    if kind in WEIGHTED and weights is None:
        doubts.append(f"the weights of layer '{facts.name}' are not there: taken as dense and random")
    y = facts.y or WORD
    return Layer(
        name=facts.name, function=facts.function, kind=kind, inputs=facts.inputs, output=facts.output,
        x=facts.x or WORD, y=y, n_in=n_in, n_out=n_out, positions=positions, in_positions=in_positions, kernel=kernel,
        parallel_positions=max(1, -(-positions // (facts.turns or 1))),
        row_width=window.row_width, kernel_height=window.height, channels=facts.channels if kind in _WINDOWED else 1,
        reuse_factor=max(1, facts.reuse_factor), strategy=facts.strategy,
        weight=(facts.weight or WORD) if kind in WEIGHTED else None,
        accum=facts.accum or (y if kind in WEIGHTED else None),
        weights=weights, biases=facts.biases if kind in WEIGHTED else None,
        table_size=facts.table_size, inverse_table_size=facts.inverse_table_size,
        table_bits=(facts.table or _TABLE).width,
        implementation=facts.implementation if kind is Kind.SOFTMAX else "",
    )  # fmt: skip


def _shape(facts: LayerFacts, kind: Kind) -> tuple[int, int, int, int, int]:
    """(n_in, n_out, positions, in_positions, kernel)."""
    window = facts.window
    kernel = window.height * window.width
    match kind:
        case Kind.DENSE:
            return *facts.matrix, 1, 1, 1
        case Kind.CONV:
            return kernel * facts.channels, facts.filters, window.positions, window.in_positions, kernel
        case Kind.DEPTHWISE:
            return kernel * facts.channels, facts.channels, window.positions, window.in_positions, kernel
        case Kind.POOL if "global" in facts.function:
            return window.in_positions * facts.filters, facts.filters, 1, window.in_positions, window.in_positions
        case Kind.POOL:
            return kernel * facts.filters, facts.filters, window.positions, window.in_positions, kernel
    size = max(1, facts.size) if kind is Kind.SCALE else facts.size
    if not facts.pack:
        return size, size, 1, 1, 1
    positions = max(1, size // facts.pack)
    return facts.pack, facts.pack, positions, positions, 1


def _weights(facts: LayerFacts, kind: Kind, n_in: int, n_out: int) -> Array | None:
    """The constants, (n_in, n_out); a scale's and a depthwise kernel's as (kernel, channels). None where unknown."""
    import numpy as np

    values = facts.weights
    if values is None:
        return None
    if kind is Kind.SCALE and values.size and n_out % values.size == 0:
        # A scale of each channel stands once, however many positions are scaled at once.
        return np.tile(values, n_out // values.size).reshape(1, n_out)
    if kind in (Kind.SCALE, Kind.DEPTHWISE):
        return values.reshape(-1, n_out) if values.size % n_out == 0 else None
    if values.size != n_in * n_out:
        return None
    return values.reshape(n_out, n_in).T if facts.transposed else values.reshape(n_in, n_out)
