"""What the open path has no hardware for, told by the network and its types alone: before conversion and C simulation.

`rtl.network.read_network` reads what was converted and refuses the same; a test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hlsflow.emulation.window import Window
from hlsflow.foundation.errors import UnsupportedError
from hlsflow.network.fixed_point import cast
from hlsflow.network.graph import MULTIPLIES, Network, Node, Op
from hlsflow.opentools.design import Architecture
from hlsflow.rtl.network import COVERED
from hlsflow.rtl.read_layers import check_accumulator, check_average

if TYPE_CHECKING:
    from hlsflow.hls.config import HlsConfig
    from hlsflow.network.layer_types import LayerTypes

_WINDOWS = (Op.CONV, Op.MAX_POOL, Op.AVERAGE_POOL)
_COVERED = (Op.INPUT, Op.DENSE, *_WINDOWS, Op.ACTIVATION, Op.RESHAPE, Op.PAD, Op.SOFTMAX)
_FUNCTIONS = ("relu", "linear")


def check_supported(
    network: Network, layers: Sequence[LayerTypes], config: HlsConfig, architecture: Architecture
) -> None:
    """Raises UnsupportedError that names every layer without hardware, and why."""
    types = {layer.node.name: layer for layer in layers}
    problems = [*_shape_problems(network)]
    for node in network.nodes:
        try:
            _check_node(node, network, types, config)
        except UnsupportedError as error:
            problems.append(error.message.removeprefix("open RTL: "))
    windows = [node.name for node in network.nodes if node.op in _WINDOWS]
    if windows and architecture is Architecture.UNROLLED:
        problems.append(f"'{windows[0]}' slides over an image: convolutions and poolings are folded, not unrolled")
    if problems:
        raise UnsupportedError("open RTL has no hardware for this network:\n  " + "\n  ".join(problems), hint=COVERED)


def _shape_problems(network: Network) -> list[str]:
    """What is no chain from one input to one output."""
    found = []
    for what, names in (("inputs", network.inputs), ("outputs", network.outputs)):
        if len(names) != 1:
            found.append(f"{len(names)} {what} ({', '.join(names)}), not one")
    for node in network.nodes:
        readers = network.consumers(node.name)
        if len(readers) > 1:
            found.append(f"'{node.name}' is read by {len(readers)} layers: it covers networks without branches")
    if not any(node.op in (*MULTIPLIES, *_WINDOWS) for node in network.nodes):
        found.append("no layer multiplies or pools")
    return found


def _check_node(node: Node, network: Network, types: Mapping[str, LayerTypes], config: HlsConfig) -> None:
    if node.op not in _COVERED or (node.op is Op.ACTIVATION and node.function not in _FUNCTIONS):
        raise UnsupportedError(f"no hardware for {node.function or node.op} (layer '{node.keras_layer}')")
    own = types[node.name]
    if node.op in (Op.DENSE, Op.CONV):
        weight, accum, data = own.types["weight"], own.types["accum"], types[node.inputs[0]].result.grid
        matrix = own.arrays["weight"].reshape(-1, own.arrays["weight"].shape[-1])
        bias = own.arrays.get("bias", matrix[0] * 0)
        fraction = own.types["bias"].fraction if "bias" in own.types else 0
        check_accumulator(node.name, matrix, cast(bias, fraction, accum), data, weight, accum)
    elif node.op in (Op.MAX_POOL, Op.AVERAGE_POOL):
        if node.attributes["global"]:
            raise UnsupportedError(f"'{node.keras_layer}' pools over the whole image: it covers windows of an image")
        if node.op is Op.AVERAGE_POOL:
            before = types[node.inputs[0]]
            check_average(node.name, _window(node, before.node), before.result.grid, own.types["accum"])
    elif node.op is Op.PAD and [reader.op for reader in network.consumers(node.name)] != [Op.CONV]:
        raise UnsupportedError(f"'{node.keras_layer}' pads with zeros: it covers that before convolutions")
    elif node.op is Op.SOFTMAX and config.layer(node.name).implementation == "argmax" and len(node.shape) > 1:
        raise UnsupportedError(f"'{node.keras_layer}' takes the largest of parts of its values")


def _window(node: Node, before: Node) -> Window:
    height, width = (before.shape[0], before.shape[1]) if len(before.shape) == 3 else (1, before.shape[0])
    out_height, out_width = (node.shape[0], node.shape[1]) if len(node.shape) == 3 else (1, node.shape[0])
    own = node.attributes
    return Window(
        in_height=height,
        in_width=width,
        channels=node.shape[-1],
        height=own["pool_height"],
        width=own["pool_width"],
        stride_height=own["stride_height"],
        stride_width=own["stride_width"],
        out_height=out_height,
        out_width=out_width,
        pad_top=own["pad_top"],
        pad_left=own["pad_left"],
    )
