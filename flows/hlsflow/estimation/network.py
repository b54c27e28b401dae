"""A Design from a network with resolved types, before any HLS is written: what `--fit` chooses on.

It says of a network what `estimate_read` says of the project that hls4ml makes of it; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from hlsflow.devices.catalogue import find_part
from hlsflow.estimation.design import Design, Kind, Layer, Stream, Target
from hlsflow.estimation.liveness import with_constants, with_live_outputs
from hlsflow.estimation.read import DEFAULT_VERSION, DEFAULT_VITIS_VERSION
from hlsflow.hls.config import HlsConfig
from hlsflow.network.graph import Op
from hlsflow.network.layer_types import LayerTypes

_KINDS = {
    Op.DENSE: Kind.DENSE, Op.CONV: Kind.CONV, Op.DEPTHWISE: Kind.DEPTHWISE, Op.SCALE: Kind.SCALE,
    Op.ACTIVATION: Kind.RELU, Op.PRELU: Kind.RELU, Op.SOFTMAX: Kind.SOFTMAX, Op.MAX_POOL: Kind.POOL,
    Op.AVERAGE_POOL: Kind.POOL, Op.MERGE: Kind.MERGE, Op.CONCATENATE: Kind.MOVE, Op.TRANSPOSE: Kind.MOVE,
    Op.PAD: Kind.MOVE, Op.RESIZE: Kind.MOVE,
}  # fmt: skip
# Activations that hls4ml computes by a table; the others are comparisons and selections.
_TABLES = ("tanh", "sigmoid", "softplus", "softsign", "elu", "selu")


def target_of_config(config: HlsConfig) -> Target:
    """The target of a configuration, built with the tool version that is assumed where none is stated."""
    version = DEFAULT_VERSION.get(config.backend, DEFAULT_VITIS_VERSION)
    major, minor = version.split(".")
    return Target(
        part=find_part(config.part),
        clock_period_ns=config.clock_period_ns,
        clock_uncertainty_percent=config.clock_uncertainty_percent,
        backend=config.backend,
        tool_version=(int(major), int(minor)),
        io_stream=config.io_type == "io_stream",
    )


def design_of_layers(name: str, layers: Sequence[LayerTypes], config: HlsConfig) -> Design:
    """The design of a network under a configuration."""
    target = target_of_config(config)
    by_name = {layer.node.name: layer for layer in layers}
    # What a reshape moves is the very variable it is made of.
    origin: dict[str, str] = {}
    made: list[Layer] = []
    for layer in layers:
        node = layer.node
        if node.op is Op.RESHAPE:
            origin[node.name] = origin.get(node.inputs[0], node.inputs[0])
        skipped = node.op is Op.SOFTMAX and config.layer(node.name).skip
        if node.op in _KINDS and not skipped:
            inputs = tuple(origin.get(item, item) for item in node.inputs)
            made.append(_layer(layer, inputs, by_name, config, target))
    first = next(layer for layer in layers if layer.node.op is Op.INPUT)
    dataflow = target.io_stream or any(layer.strategy == "resource" for layer in made if layer.multiplies)
    streams = [
        Stream(name=layer.output, depth=max(1, layer.positions), bits=layer.y.width * layer.n_out, elements=layer.n_out)
        for layer in (made[:-1] if target.io_stream else ())
    ]
    return Design(
        name=name,
        target=target,
        layers=tuple(with_live_outputs(with_constants(made, {}))),
        streams=tuple(streams),
        input_bits=first.result.width,
        input_size=prod(first.node.shape),
        dataflow=dataflow,
    )


def _layer(
    layer: LayerTypes, inputs: tuple[str, ...], by_name: dict[str, LayerTypes], config: HlsConfig, target: Target
) -> Layer:
    node = layer.node
    source = by_name[node.inputs[0]]
    kind = _KINDS[node.op]
    if node.op is Op.ACTIVATION and node.function in _TABLES:
        kind = Kind.TABLE
    size, in_size = prod(node.shape), prod(source.node.shape)
    streamed = target.io_stream
    channels, in_channels = node.shape[-1], source.node.shape[-1]
    made = Layer(
        name=node.name, function=node.function or str(node.op), kind=kind, inputs=inputs, output=node.name,
        x=source.result, y=layer.result, n_in=size, n_out=size, accum=layer.types.get("accum"),
        weight=layer.types.get("weight") or layer.types.get("scale"),
        biases=layer.arrays.get("bias"), channels=in_channels,
        reuse_factor=config.reuse_factor_of(node.name) if kind in (Kind.DENSE, Kind.CONV, Kind.DEPTHWISE) else 1,
        strategy=config.strategy_of(node.name) if kind in (Kind.DENSE, Kind.CONV, Kind.DEPTHWISE) else "latency",
    )  # fmt: skip
    match kind:
        case Kind.DENSE | Kind.CONV:
            weights = layer.arrays["weight"].reshape(-1, layer.arrays["weight"].shape[-1])
            kernel = weights.shape[0] // in_channels
            places, in_places = (1, 1) if len(node.shape) == 1 else (size // channels, in_size // in_channels)
            made = replace(
                made, weights=weights, n_in=weights.shape[0], n_out=weights.shape[1], positions=places,
                parallel_positions=places, in_positions=in_places, kernel=kernel,
                kind=Kind.CONV if places > 1 else kind,
                row_width=source.node.shape[-2] if len(source.node.shape) > 1 else 0,
                kernel_height=layer.arrays["weight"].shape[0] if layer.arrays["weight"].ndim == 4 else 1,
            )  # fmt: skip
        case Kind.DEPTHWISE:
            weights = layer.arrays["weight"].reshape(-1, channels)
            made = replace(
                made, weights=weights, n_in=weights.size, n_out=channels, positions=size // channels,
                parallel_positions=size // channels, in_positions=in_size // in_channels,
                kernel=weights.shape[0], row_width=source.node.shape[-2],
                kernel_height=layer.arrays["weight"].shape[0] if layer.arrays["weight"].ndim == 4 else 1,
            )  # fmt: skip
        case Kind.POOL:
            kernel = max(1, round(in_size / size))
            made = replace(
                made, n_in=kernel * channels, n_out=channels, positions=size // channels,
                in_positions=in_size // in_channels, kernel=kernel,
            )  # fmt: skip
        case Kind.SCALE:
            made = replace(made, weights=layer.arrays["scale"].reshape(1, -1))
        case Kind.SOFTMAX:
            exp_bits, inverse_bits = layer.types["inp_norm"].width, layer.types["inv_inp"].width
            made = replace(
                made, table_size=2**exp_bits, inverse_table_size=2**inverse_bits,
                table_bits=layer.types["exp_table"].width,
                implementation=config.layer(node.name).implementation or "stable",
            )  # fmt: skip
    elementwise = kind in (Kind.RELU, Kind.TABLE, Kind.SCALE, Kind.SOFTMAX, Kind.MERGE, Kind.MOVE)
    if streamed and elementwise and len(node.shape) > 1:
        made = replace(made, n_in=channels, n_out=channels, positions=size // channels, in_positions=size // channels)
    return made
