"""What the open path has no hardware for, told by the network and its types alone: before conversion and C simulation.

What is covered is `rtl.coverage`'s to say, of a plan as of the project that is made of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hlsflow.foundation.errors import UnsupportedError
from hlsflow.hls.functions import function_of
from hlsflow.hls.window import Window
from hlsflow.network.fixed_point import cast
from hlsflow.network.graph import Network, Node, Op
from hlsflow.opentools.design import Architecture
from hlsflow.rtl.coverage import COVERED, Asked, Average, Product, Work, problems

if TYPE_CHECKING:
    from hlsflow.hls.config import HlsConfig
    from hlsflow.network.layer_types import LayerTypes

_WINDOWS = (Op.CONV, Op.MAX_POOL, Op.AVERAGE_POOL)


def check_supported(
    network: Network, layers: Sequence[LayerTypes], config: HlsConfig, architecture: Architecture
) -> None:
    """Raises UnsupportedError that names every layer without hardware, and why."""
    found = [problem.text for problem in problems(_asked(network, layers, config), network.inputs, network.outputs)]
    windows = [node.name for node in network.nodes if node.op in _WINDOWS]
    if windows and architecture is Architecture.UNROLLED:
        found.append(f"'{windows[0]}' slides over an image: convolutions and poolings are folded, not unrolled")
    if found:
        raise UnsupportedError("open RTL has no hardware for this network:\n  " + "\n  ".join(found), hint=COVERED)


def _asked(network: Network, layers: Sequence[LayerTypes], config: HlsConfig) -> list[Asked]:
    """What every node asks of the hardware; a reshape asks for nothing, and what is left out neither."""
    types = {layer.node.name: layer for layer in layers}
    written: dict[str, str] = {}
    found = []
    for node in network.nodes:
        if node.op is Op.INPUT:
            continue
        inputs = tuple(written.get(name, name) for name in node.inputs)
        if node.op is Op.RESHAPE or (node.op is Op.SOFTMAX and config.layer(node.name).skip):
            written[node.name] = inputs[0]
            continue
        multiplies = node.op in (Op.DENSE, Op.CONV)
        implementation = config.layer(node.name).implementation
        found.append(
            Asked(
                name=node.name if multiplies else node.keras_layer,
                function=function_of(node, network[node.inputs[0]].shape),
                called=node.function or str(node.op),
                inputs=inputs,
                outputs=(node.name,),
                work=_work(node, types, config),
                behind_reshape=node.inputs[0] in written,
                is_argmax=node.op is Op.SOFTMAX and implementation == "argmax",
                of_parts=len(node.shape) > 1,
            )
        )
    return found


def _work(node: Node, types: Mapping[str, LayerTypes], config: HlsConfig) -> Work:
    own = types[node.name]
    if node.op in (Op.DENSE, Op.CONV):
        accum, matrix = own.types["accum"], own.arrays["weight"].reshape(-1, own.arrays["weight"].shape[-1])
        bias = own.arrays.get("bias", matrix[0] * 0)
        return Product(
            weights=matrix,
            bias=cast(bias, own.types["bias"].fraction if "bias" in own.types else 0, accum),
            data=types[node.inputs[0]].result.grid,
            weight=own.types["weight"],
            accum=accum,
            strategy=config.strategy_of(node.name),
        )
    if node.op is Op.AVERAGE_POOL:
        before = types[node.inputs[0]]
        return Average(window=_window(node, before.node), data=before.result.grid, accum=own.types["accum"])
    return None


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
