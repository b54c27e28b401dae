"""Everything that hls4ml ignores or changes silently, found before it is asked: errors, and warnings with names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import prod

from hlsflow.foundation.errors import ConfigError, UnsupportedError, did_you_mean
from hlsflow.foundation.words import possessive
from hlsflow.frontends.witness import witness_float
from hlsflow.hls.config import ROLES, HlsConfig
from hlsflow.network import unbuildable
from hlsflow.network.graph import CLOSE, MULTIPLIES, OPERATIONS, Network, Node, Op
from hlsflow.network.layer_types import LayerTypes
from hlsflow.network.ranges import resolve, softmax_table_sizes
from hlsflow.network.refusal import message
from hlsflow.network.softmax_bound import why_unbounded, why_unreadable
from hlsflow.network.value_tables import bound_text, table_of

# Vivado HLS and Vitis HLS partition or unroll an array of at most this many elements (project.tcl: maximum_size).
UNROLL_LIMIT = 4096
# What a function may go on behind the end of its table before it is said: a sigmoid does by 0.0003, a tanh by 0.0007.
_TOO_SHORT = 2.0**-10


class Severity(StrEnum):
    """An error stops the build; a warning is kept in its record."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, kw_only=True, slots=True)
class Complaint:
    """One finding: `code` is its stable name, `path` the key in the configuration."""

    severity: Severity
    code: str
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message} [{self.code}]"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Linted:
    """The types of all layers and what there is to say about them."""

    layers: tuple[LayerTypes, ...]
    complaints: tuple[Complaint, ...]

    def of(self, severity: Severity) -> list[Complaint]:
        return [complaint for complaint in self.complaints if complaint.severity is severity]

    def raise_errors(self, source: str) -> None:
        """Raises ConfigError with every error, each with its key path, or nothing."""
        errors = self.of(Severity.ERROR)
        if errors:
            raise ConfigError("\n".join(f"{source}: {error}" for error in errors))


def legal_reuse_factors(n_in: int, n_out: int) -> list[int]:
    """The reuse factors that hls4ml's Resource strategy takes as they are; it replaces any other by the nearest.

    hls4ml 1.3.0, `FPGABackend._validate_reuse_factor`: a divisor of n_in * n_out that is below n_in and leaves whole
    outputs to each multiplier, or a multiple of n_in.
    """
    total = n_in * n_out
    divisors = {d for low in range(1, int(total**0.5) + 1) if total % low == 0 for d in (low, total // low)}
    return sorted(d for d in divisors if (d % n_in == 0 if d >= n_in else -(-total // d) % n_out == 0))


def exact_reuse_factors(n_in: int, n_out: int, *, convolution: bool, io_type: str) -> list[int]:
    """The legal reuse factors that also compute what they should.

    hls4ml 1.3.0 says itself in `nnet_conv2d_resource.h` that a parallel convolution is right up to n_in only; above it
    the C simulation differs from Keras.
    """
    legal = legal_reuse_factors(n_in, n_out)
    return [factor for factor in legal if factor <= n_in] if convolution and io_type == "io_parallel" else legal


def parallel_multiplications(n_in: int, n_out: int, reuse_factor: int) -> int:
    """How many products are unrolled side by side."""
    return -(-n_in * n_out // reuse_factor)


def lint(network: Network, config: HlsConfig) -> Linted:
    """The resolved types of every layer under a configuration, with every complaint about it.

    Raises UnsupportedError for a construct that the io type, or the types themselves, cannot carry exactly.
    """
    complaints = [*_unknown_layers(network, config), *_misplaced_keys(network, config)]
    refused = unbuildable.refusals_of_io_type(network, config.io_type)
    if refused:
        raise UnsupportedError(message(f"this network in {config.io_type}", refused))
    known = {node.name for node in network.nodes}
    given = {name: types for name, types in config.given_types.items() if name in known}
    refused = unbuildable.refusals_of_exactness(network) if config.gate.kind == "exact" else []
    if refused:
        raise UnsupportedError(message("this network", refused))
    layers = tuple(resolve(network, given, config.io_type))
    refused = unbuildable.refusals_of_types(layers, exact=config.gate.kind == "exact")
    if refused:
        raise UnsupportedError(message("this network with these types", refused))
    for layer in layers:
        path = f"layers.{layer.node.name}"
        if layer.node.op in MULTIPLIES:
            complaints += _multipliers(layer.node, config, path)
        complaints += [
            Complaint(
                severity=Severity.WARNING,
                code=finding.code,
                path=f"{path}.precision.{finding.role}",
                message=finding.message,
            )
            for finding in layer.findings
        ]
    complaints += _rounding_reference(network, layers)
    complaints += _unbounded_softmax(layers, config)
    complaints += _skipped_softmax(network, config)
    complaints += _short_tables(layers)
    return Linted(layers=layers, complaints=tuple(complaints))


def _rounding_reference(network: Network, layers: Sequence[LayerTypes]) -> list[Complaint]:
    """A warning at the first layer where Keras' own float32 rounds, so that equality is no matter of proof any more.

    None where Keras is evaluated in float64, which does not.
    """
    for layer in layers:
        if not layer.keras_exact and layer.node.op not in CLOSE:
            if witness_float(network) == "float64":
                return []
            message = (
                f"{possessive(network.framework)} float32 rounds here: the hardware is exact, but a value next to a "
                f"tie may differ from {network.framework}"
            )
            return [
                Complaint(
                    severity=Severity.WARNING, code="keras-rounds", path=f"layers.{layer.node.name}", message=message
                )
            ]
    return []


def _unbounded_softmax(layers: Sequence[LayerTypes], config: HlsConfig) -> list[Complaint]:
    """A warning for each softmax that has no bound on its error, an error where its tables cannot be read at all."""
    done = {layer.node.name: layer for layer in layers}
    found = []
    for layer in layers:
        own = config.layer(layer.node.name)
        if layer.node.op is not Op.SOFTMAX or own.skip or own.implementation == "argmax":
            continue
        tables = (
            layer.node.shape[-1], done[layer.node.inputs[0]].result, layer.types, softmax_table_sizes(layer)
        )  # fmt: skip
        path = f"layers.{layer.node.name}"
        reason = why_unreadable(*tables)
        if reason is not None:
            message = f"its tables cannot be read: {reason}; skip: true or implementation: argmax"
            found.append(_error("softmax-unreadable", path, message))
            continue
        reason = why_unbounded(*tables, indices_alone=True)
        if reason is not None:
            message = f"no bound holds for its error: {reason}; wider types, skip: true or implementation: argmax do"
            found.append(
                Complaint(severity=Severity.WARNING, code="softmax-unbounded", path=path, message=message)
            )  # fmt: skip
    return found


def _skipped_softmax(network: Network, config: HlsConfig) -> list[Complaint]:
    """An error for each softmax that is left out although others compute with it, or its logits are an output."""
    found = []
    for node in network.nodes:
        skipped = node.op is Op.SOFTMAX and config.layer(node.name).skip
        if skipped and network.is_inner(node.name):
            message = "layers compute with its values: a softmax is left out at the end alone"
            found.append(_error("softmax-skipped", f"layers.{node.name}.skip", message))
        elif skipped and config.io_type == "io_parallel" and network.values_of(node.inputs[0]) in network.output_values:
            message = f"'{node.inputs[0]}' is an output already, and hls4ml has one port for both in io_parallel"
            found.append(_error("softmax-skipped", f"layers.{node.name}.skip", message))
    return found


def _short_tables(layers: Sequence[LayerTypes]) -> list[Complaint]:
    """A warning for each function that goes on where its table ends, and whose values do."""
    done = {layer.node.name: layer for layer in layers}
    found = []
    for layer in layers:
        if layer.node.op is not Op.TABLE:
            continue
        table = table_of(layer.node, done[layer.node.inputs[0]].result, layer.types)
        if table.beyond > _TOO_SHORT:
            message = (
                f"hls4ml's table of a {table.function} ends at {table.shape.reach}, and values of {table.data} do "
                f"not: off by up to {bound_text(table.error_bound())} there"
            )
            path = f"layers.{layer.node.name}"
            found.append(Complaint(severity=Severity.WARNING, code="table-ends", path=path, message=message))
    return found


def _error(code: str, path: str, message: str) -> Complaint:
    return Complaint(severity=Severity.ERROR, code=code, path=path, message=message)


def _unknown_layers(network: Network, config: HlsConfig) -> list[Complaint]:
    names = [node.name for node in network.nodes]
    return [
        _error("unknown-layer", f"layers.{name}", f"the model has no layer '{name}'; {did_you_mean(name, names)}")
        for name in config.layers
        if name not in names
    ]


def _misplaced_keys(network: Network, config: HlsConfig) -> list[Complaint]:
    found = []
    for node in network.nodes:
        said = config.layers.get(node.name)
        if said is None:
            continue
        path = f"layers.{node.name}"
        roles = _roles(node)
        for role in said.precision:
            if role not in roles:
                hint = did_you_mean(role, ROLES if role not in ROLES else roles) if roles else "it takes none"
                found.append(
                    _error("unknown-precision", f"{path}.precision.{role}", f"{node.op} has no such type; {hint}")
                )
        multiplies = node.op in MULTIPLIES
        for key, fits in (
            ("reuse_factor", multiplies),
            ("strategy", multiplies),
            ("implementation", node.op is Op.SOFTMAX),
            ("skip", node.op is Op.SOFTMAX),
        ):
            if getattr(said, key) is not None and not fits:
                found.append(_error("misplaced-key", f"{path}.{key}", f"{node.op} has no {key}; hls4ml ignores it"))
    return found


def _roles(node: Node) -> tuple[str, ...]:
    roles = OPERATIONS[node.op].roles
    if node.op is Op.ACTIVATION and "param" in node.arrays:
        roles = ("param", *roles)
    return tuple(role for role in roles if role != "bias" or "bias" in node.arrays or node.op is Op.SCALE)


def _multipliers(node: Node, config: HlsConfig, path: str) -> Sequence[Complaint]:
    reuse = config.reuse_factor_of(node.name)
    strategy = config.strategy_of(node.name)
    if node.op is Op.DEPTHWISE:
        return _depthwise(node, config, path)
    n_in, n_out = node.multiplications
    found = []
    if strategy == "resource":
        legal = exact_reuse_factors(n_in, n_out, convolution=node.is_convolution, io_type=config.io_type)
        if reuse in legal_reuse_factors(n_in, n_out) and reuse not in legal:
            message = f"hls4ml's parallel convolution sums wrongly above {n_in}; exact: {_short(legal)}, or io_stream"
            found.append(_error("reuse-factor", f"{path}.reuse_factor", message))
        elif reuse not in legal:
            found.append(
                _error(
                    "reuse-factor",
                    f"{path}.reuse_factor",
                    f"{reuse} is not legal for {n_in}x{n_out} in the resource strategy, hls4ml would take "
                    f"{_nearest(legal, reuse)}; legal: {_short(legal)}",
                )
            )
    elif reuse > n_in * n_out:
        found.append(
            _error("reuse-factor", f"{path}.reuse_factor", f"{reuse} is more than the {n_in * n_out} multiplications")
        )
    # The latency strategy keeps every product in an array of its own, whatever is reused.
    unrolled = parallel_multiplications(n_in, n_out, reuse if strategy == "resource" else 1)
    if unrolled > UNROLL_LIMIT:
        enough = next(f for f in legal_reuse_factors(n_in, n_out) if n_in * n_out <= UNROLL_LIMIT * f)
        found.append(
            Complaint(
                severity=Severity.WARNING,
                code="unroll-limit",
                path=path,
                message=f"{unrolled:,} products at once in the {strategy} strategy, more than the {UNROLL_LIMIT:,} "
                "that HLS unrolls: it simulates, but does not synthesize; strategy: resource with reuse_factor: "
                f"{enough} or more does",
            )
        )
    return found


def _depthwise(node: Node, config: HlsConfig, path: str) -> Sequence[Complaint]:
    if config.strategy_of(node.name) != "resource":
        return []
    if config.io_type == "io_parallel":
        message = "hls4ml has no resource strategy for a depthwise convolution in io_parallel: strategy: latency"
        return [_error("strategy", f"{path}.strategy", message)]
    *kernel, channels, _ = node.arrays["weight"].shape
    n_in, reuse = prod(kernel) * channels, config.reuse_factor_of(node.name)
    legal = legal_reuse_factors(n_in, channels)
    if reuse in legal:
        return []
    message = (
        f"{reuse} is not legal for a depthwise convolution of {n_in // channels}x{channels} in the resource strategy, "
        f"hls4ml would take {_nearest(legal, reuse)}; legal: {_short(legal)}"
    )
    return [_error("reuse-factor", f"{path}.reuse_factor", message)]


def _nearest(legal: Sequence[int], reuse: int) -> int:
    """The reuse factor that hls4ml takes instead: of two as near the smaller."""
    return min(legal, key=lambda factor: (abs(factor - reuse), factor))


def _short(numbers: Sequence[int], most: int = 24) -> str:
    shown = " ".join(map(str, numbers[:most]))
    return shown if len(numbers) <= most else f"{shown} … {numbers[-1]}"
