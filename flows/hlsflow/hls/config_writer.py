"""`hlsflow config`: a complete, commented, exact HLS configuration, written out for a person to read and narrow."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from hlsflow.foundation.words import possessive
from hlsflow.hls.config import HlsConfig, LayerConfig
from hlsflow.hls.lint import (
    UNROLL_LIMIT,
    exact_reuse_factors,
    legal_reuse_factors,
    parallel_multiplications,
)
from hlsflow.network.graph import MOVES, MULTIPLIES, Network, Node, Op, framework_of
from hlsflow.network.layer_types import CONFIGURATION, IGNORED, LayerTypes

_HEADER = """\
# HLS configuration of {model}, written by `hlsflow config {model}`; yours to edit.
#
# {claim} Where a type came from:
#   recipe     the model's inputs
#   quantizer  what the layer's own quantizer does, rounding and saturation included
#   weights    the narrowest type that holds the actual weights
#   interval   interval arithmetic over the actual weights: no input can overflow it
#   design     chosen by hlsflow: the types of tables
# Narrow a type by hand to save area; `hlsflow lint {model}` says what it can lose, the build says what it does lose.
# A key or layer that is left out takes the derived value.
"""


_EXACT = "Every type below is exact: outputs equal the quantized model's as integers, for any input."
_LOSING = "The types that say so below lose something: outputs are close to the model's, and not equal."


def multiplier_choice(network: Network) -> dict[str, LayerConfig]:
    """A strategy and a reuse factor for each layer that multiplies.

    Small networks are unrolled for latency. Where one layer is too large for HLS to unroll, every layer gets one
    multiplier an output (reuse factor n_in), so that none waits for another by more than it must.
    """
    layers = [node for node in network.nodes if node.op in (Op.DENSE, Op.CONV)]
    sizes = {node.name: node.multiplications for node in layers}
    if all(n_in * n_out <= UNROLL_LIMIT for n_in, n_out in sizes.values()):
        return {}
    chosen = {}
    for name, (n_in, n_out) in sizes.items():
        factor = next(
            factor
            for factor in legal_reuse_factors(n_in, n_out)
            if factor >= n_in and parallel_multiplications(n_in, n_out, factor) <= UNROLL_LIMIT
        )
        chosen[name] = LayerConfig(strategy="resource", reuse_factor=factor)
    # hls4ml shares the few multipliers of a depthwise convolution in streams alone.
    depthwise = [node.name for node in network.nodes if node.op is Op.DEPTHWISE]
    return chosen | {name: LayerConfig(strategy="latency", reuse_factor=1) for name in depthwise}


def write_config(model: str, config: HlsConfig, layers: Sequence[LayerTypes], beside: Sequence[str] = ()) -> str:
    """The text of the configuration file: the target, then every layer with its types, their sources and the proof.

    `beside` says what other types would have done.
    """
    loses = config.gate.kind != "exact" or any(f.code != IGNORED for layer in layers for f in layer.findings)
    lines = [_HEADER.format(model=model, claim=_LOSING if loses else _EXACT)]
    lines += [
        f"backend: {config.backend}          # Vitis or Vivado",
        f"part: {config.part}",
        f"clock_period_ns: {config.clock_period_ns:g}",
        f"clock_uncertainty_percent: {config.clock_uncertainty_percent:g}",
        f"io_type: {config.io_type}  # io_parallel or io_stream",
        "# What a layer does that says nothing of its own; latency unrolls it, resource shares multipliers.",
        f"strategy: {config.strategy}",
        f"reuse_factor: {config.reuse_factor}",
        "",
    ]
    if config.gate.kind == "exact":
        whose = possessive(framework_of(layer.node for layer in layers))
        lines += ["gate:", f"  # The build fails unless every output integer equals {whose}.", "  kind: exact"]
    else:
        lines += [
            "gate:",
            "  # No type carries this network exactly, which has weights on no grid or tables in the middle: the build",
            "  # fails where an output is off by more than this.",
            "  kind: bounded",
            *(f"  # Beside it, {line}." for line in beside),
            f"  max_abs_error: {config.gate.max_abs_error:g}",
        ]
    lines += ["", "layers:"]
    for layer in layers:
        lines += _layer_lines(layer, config)
    return "\n".join(lines) + "\n"


def _layer_lines(layer: LayerTypes, config: HlsConfig) -> list[str]:
    node = layer.node
    if node.op in MOVES:
        return []
    shape = "x".join(map(str, node.shape))
    what = node.function or str(node.op)
    inner = f", {'x'.join(map(str, node.multiplications))}" if node.op in (Op.DENSE, Op.CONV) else ""
    said = textwrap.wrap(f"{what}{inner} -> {shape}: {layer.proof}", 112)
    lines = ["", *(f"  # {line}" for line in said), f"  {node.name}:", "    precision:"]
    width = max(len(f"{role}: {type_}") for role, type_ in layer.types.items())
    for role, type_ in layer.types.items():
        entry = f"{role}: {type_}"
        lines.append(f"      {entry:<{width}}  # {layer.sources[role].removeprefix(f'{CONFIGURATION}, as the ')}")
    if node.op in MULTIPLIES:
        lines += _multiplier_lines(node, config)
    if node.op is Op.SOFTMAX:
        own = config.layer(node.name)
        lines.append(f"    implementation: {own.implementation or 'stable'}  # stable (tables) or argmax (one-hot)")
        lines.append(f"    skip: {'true' if own.skip else 'false'}  # true leaves it out: the outputs are the logits")
    return lines


def _multiplier_lines(node: Node, config: HlsConfig) -> list[str]:
    strategy, reuse = config.strategy_of(node.name), config.reuse_factor_of(node.name)
    if node.op is Op.DEPTHWISE:
        return [f"    strategy: {strategy}", f"    reuse_factor: {reuse}"]
    n_in, n_out = node.multiplications
    count = parallel_multiplications(n_in, n_out, reuse)
    exact = exact_reuse_factors(n_in, n_out, convolution=node.is_convolution, io_type=config.io_type)
    legal = " ".join(map(str, exact[:16]))
    note = f"{count} multiplications at once"
    if strategy == "resource":
        note += f"; legal: {legal} …"
    return [f"    strategy: {strategy}", f"    reuse_factor: {reuse}  # {note}"]
