"""What the open path has no hardware for, told by the network and its types alone: before conversion and C simulation.

What is covered is `rtl.coverage`'s to say, of the nodes of a plan as of those that are read back from its project.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING

from hlsflow.foundation.errors import UnsupportedError
from hlsflow.hls import integer_nodes as nodes
from hlsflow.hls.call_fields import WireFields
from hlsflow.hls.functions import function_of
from hlsflow.hls.window import Window
from hlsflow.network.fixed_point import cast
from hlsflow.network.graph import Network, Node, Op
from hlsflow.network.ranges import softmax_table_sizes
from hlsflow.network.value_tables import table_of
from hlsflow.opentools.design import Architecture
from hlsflow.rtl.coverage import COVERED, problems

if TYPE_CHECKING:
    from hlsflow.hls.config import HlsConfig
    from hlsflow.network.layer_types import LayerTypes

_WINDOWS = (Op.CONV, Op.MAX_POOL, Op.AVERAGE_POOL)


def check_supported(
    network: Network, layers: Sequence[LayerTypes], config: HlsConfig, architecture: Architecture
) -> None:
    """Raises UnsupportedError that names every layer without hardware, and why."""

    def called(node: nodes.Node) -> str:
        planned = network[node.outputs[0]]
        return planned.function or str(planned.op)

    asked = problems(planned_nodes(network, layers, config), network.inputs, network.outputs, called)
    found = [problem.text for problem in asked]
    windows = [node.name for node in network.nodes if node.op in _WINDOWS]
    if windows and architecture is Architecture.UNROLLED:
        found.append(f"'{windows[0]}' slides over an image: convolutions and poolings are folded, not unrolled")
    if found:
        raise UnsupportedError("open RTL has no hardware for this network:\n  " + "\n  ".join(found), hint=COVERED)


def planned_nodes(network: Network, layers: Sequence[LayerTypes], config: HlsConfig) -> list[nodes.Node]:
    """The nodes as they will be read back, named by their layers; a reshape is none, and what is left out neither."""
    types = {layer.node.name: layer for layer in layers}
    written: dict[str, str] = {}
    found: list[nodes.Node] = []
    for node in network.nodes:
        if node.op is Op.INPUT:
            continue
        inputs = tuple(written.get(name, name) for name in node.inputs)
        if node.op is Op.RESHAPE or (node.op is Op.SOFTMAX and config.layer(node.name).skip):
            written[node.name] = inputs[0]
            continue
        wires: WireFields = {
            "name": node.name if node.op in (Op.DENSE, Op.CONV) else node.keras_layer,
            "function": function_of(node, network[node.inputs[0]].shape, config.io_type),
            "inputs": inputs,
            "outputs": (node.name,),
            "reshaped": node.inputs[0] in written,
        }
        found.append(_node(wires, types[node.name], types[node.inputs[0]], config))
    return found


def _node(wires: WireFields, own: LayerTypes, before: LayerTypes, config: HlsConfig) -> nodes.Node:
    """A node behind another. One that there is no hardware for, whatever it holds, is a plain one."""
    node, data, result = own.node, before.result, own.result
    match node.op:
        case Op.DENSE | Op.CONV:
            return _matrix(wires, own, before, config)
        case Op.MAX_POOL | Op.AVERAGE_POOL:
            window = _window(node, before.node, (node.attributes["pool_height"], node.attributes["pool_width"]))
            return nodes.Pooling(
                **wires, data=data, result=result, kind="max" if node.op is Op.MAX_POOL else "average",
                window=window, accum=own.types["accum"], whole=bool(node.attributes.get("global")),
            )  # fmt: skip
        case Op.ACTIVATION if node.function in ("relu", "linear"):
            return nodes.Cast(**wires, data=data, result=result, relu=node.function == "relu")
        case Op.PAD:
            height, width = _image(before.node)
            pads = {side: node.attributes[f"pad_{side}"] for side in ("top", "bottom", "left", "right")}
            return nodes.Padding(
                **wires, data=data, result=result, height=height, width=width, channels=node.shape[-1], **pads
            )
        case Op.SOFTMAX:
            size, part = prod(node.shape), node.shape[-1]
            implementation = config.layer(node.name).implementation or "stable"
            if implementation == "argmax":
                return nodes.Argmax(**wires, data=data, result=result, size=size, slice=part, last=True)
            return nodes.Softmax(
                **wires, data=data, result=result, size=size, slice=part, last=True, implementation=implementation,
                tables=_tables(own) if implementation == "stable" else None,
            )  # fmt: skip
        case Op.TABLE:
            return nodes.Lookup(**wires, data=data, result=result, table=table_of(node, data, own.types))
    return nodes.Node(**wires)


def _matrix(wires: WireFields, own: LayerTypes, before: LayerTypes, config: HlsConfig) -> nodes.Matrix:
    node, accum = own.node, own.types["accum"]
    weights = own.arrays["weight"]
    matrix = weights.reshape(-1, weights.shape[-1])
    bias = own.arrays.get("bias", matrix[0] * 0)
    kernel = (1, *weights.shape[:-2])[-2:] if node.op is Op.CONV else (1, 1)
    return nodes.Matrix(
        **wires,
        data=before.result,
        result=own.result,
        weights=matrix,
        bias=cast(bias, own.types["bias"].fraction if "bias" in own.types else 0, accum),
        weight=own.types["weight"],
        accum=accum,
        strategy=config.strategy_of(node.name),
        multiplication="product::mult",
        reuse_factor=config.reuse_factor_of(node.name),
        window=_window(node, before.node, kernel) if len(node.shape) > 1 else None,
    )


def _tables(own: LayerTypes) -> nodes.SoftmaxTables:
    exp_table_size, inv_table_size = softmax_table_sizes(own)
    types = {role: own.types[role] for role in ("exp_table", "inv_table", "inp_norm", "inv_inp", "accum")}
    return nodes.SoftmaxTables(**types, exp_table_size=exp_table_size, inv_table_size=inv_table_size, exp_scale=1.0)


def _image(node: Node) -> tuple[int, int]:
    """(height, width) of a node's values."""
    height, width = (1, 1, *node.shape)[-3:-1]
    return height, width


def _window(node: Node, before: Node, size: tuple[int, int]) -> Window:
    (in_height, in_width), (out_height, out_width) = _image(before), _image(node)
    own = node.attributes
    return Window(
        in_height=in_height,
        in_width=in_width,
        channels=before.shape[-1],
        height=size[0],
        width=size[1],
        stride_height=own.get("stride_height", 1),
        stride_width=own.get("stride_width", 1),
        out_height=out_height,
        out_width=out_width,
        pad_top=own.get("pad_top", 0),
        pad_left=own.get("pad_left", 0),
    )
