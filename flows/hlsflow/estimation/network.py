"""A Design from a network with resolved types, before any HLS is written: what `--fit` chooses on.

It says of every node the facts that `estimation.read` finds in the C++ that hls4ml writes for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from hlsflow.devices.catalogue import find_part
from hlsflow.estimation.design import Design, Target
from hlsflow.estimation.facts import DesignFacts, LayerFacts, Window, design_of_facts, target_for
from hlsflow.hls.config import HlsConfig
from hlsflow.hls.functions import function_of
from hlsflow.network.graph import MULTIPLIES, Node, Op
from hlsflow.network.layer_types import LayerTypes


def target_of_config(config: HlsConfig) -> Target:
    """The target of a configuration, built with the tool version that is assumed where none is stated."""
    return target_for(
        part=find_part(config.part),
        clock_period_ns=config.clock_period_ns,
        clock_uncertainty_percent=config.clock_uncertainty_percent,
        backend=config.backend,
        io_stream=config.io_type == "io_stream",
    )


def design_of_layers(name: str, layers: Sequence[LayerTypes], config: HlsConfig) -> Design:
    """The design of a network under a configuration."""
    target = target_of_config(config)
    by_name = {layer.node.name: layer for layer in layers}
    # What a reshape moves is the very variable it is made of, and so is what hls4ml leaves out.
    origin: dict[str, str] = {}
    made: list[LayerFacts] = []
    for layer in layers:
        node = layer.node
        source = by_name[node.inputs[0]] if node.inputs else layer
        if node.op is Op.RESHAPE or (node.function == "linear" and source.result.grid == layer.result.grid):
            origin[node.name] = origin.get(node.inputs[0], node.inputs[0])
        elif node.op is not Op.INPUT and not (node.op is Op.SOFTMAX and config.layer(node.name).skip):
            inputs = tuple(origin.get(item, item) for item in node.inputs)
            made += _facts(layer, by_name, inputs, config)
    first = next(layer for layer in layers if layer.node.op is Op.INPUT)
    windows = any(facts.window.positions > 1 and "conv" in facts.function for facts in made)
    resource = any(config.strategy_of(layer.node.name) == "resource" for layer in layers)
    return design_of_facts(
        DesignFacts(
            name=name,
            target=target,
            layers=made,
            # hls4ml's own choice (its pass SetPipelineStyle).
            dataflow=target.io_stream or windows or resource,
            input_bits=first.result.width,
            input_size=prod(first.node.shape),
            # Of these alone `_facts` does not say how many positions there are.
            depths={
                layer.node.name: prod(layer.node.shape[:-1]) for layer in layers if layer.node.op is Op.CONCATENATE
            },
        )
    )


def _facts(
    layer: LayerTypes, by_name: dict[str, LayerTypes], inputs: tuple[str, ...], config: HlsConfig
) -> list[LayerFacts]:
    """The facts of a node; of a window in a stream also those of the padding that hls4ml puts before it."""
    node, types = layer.node, layer.types
    source = by_name[node.inputs[0]]
    streamed = config.io_type == "io_stream"
    window, padding = _window(node, source, streamed)
    before: list[LayerFacts] = []
    if padding:
        name = f"zp{len(node.shape) - 1}d_{node.name}"
        before.append(
            LayerFacts(
                name=name, function=f"zeropad{len(node.shape) - 1}d_cl", inputs=inputs[:1], output=name,
                x=source.result, y=source.result, size=padding * source.node.shape[-1], pack=source.node.shape[-1],
            )
        )  # fmt: skip
        inputs = (name, *inputs[1:])
    weights = layer.arrays.get("weight", layer.arrays.get("scale"))
    softmax = node.op is Op.SOFTMAX and config.layer(node.name).implementation != "argmax"
    entries = node.attributes.get("table_size", 1024)
    facts = LayerFacts(
        name=node.name, function=function_of(node, source.node.shape, config.io_type), inputs=inputs, output=node.name,
        x=source.result, y=layer.result, matrix=(prod(source.node.shape), prod(node.shape)),
        # A concatenation of images is taken as its first operand, as it is read of a project (`read._size`).
        size=0 if node.op is Op.CONCATENATE and len(node.shape) > 1 else prod(node.shape),
        pack=node.shape[-1] if streamed else None, window=window, channels=source.node.shape[-1],
        filters=node.shape[-1], turns=window.positions if node.op in MULTIPLIES else 1,
        reuse_factor=config.reuse_factor_of(node.name),
        strategy=config.strategy_of(node.name) if node.op in MULTIPLIES else "latency",
        weight=types.get("weight") or types.get("scale"), accum=types.get("accum"),
        weights=None if weights is None else weights.ravel(), biases=layer.arrays.get("bias"),
        table=types["exp_table"] if softmax else types.get("table"),
        table_size=2 ** types["inp_norm"].width if softmax else entries,
        inverse_table_size=2 ** types["inv_inp"].width if softmax else entries,
        implementation=(config.layer(node.name).implementation or "stable") if node.op is Op.SOFTMAX else "",
    )  # fmt: skip
    return [*before, facts]


def _window(node: Node, source: LayerTypes, streamed: bool) -> tuple[Window, int]:
    """(window, positions of the image that a call of its own pads before it; 0 where there is none)."""
    if len(source.node.shape) < 2 or node.op not in (*MULTIPLIES, Op.MAX_POOL, Op.AVERAGE_POOL):
        return Window(), 0
    *rows, width, _ = source.node.shape
    pads = {side: node.attributes.get(f"pad_{side}", 0) for side in ("top", "bottom", "left", "right")}
    padded_width = width + pads["left"] + pads["right"]
    padded = (prod(rows) + pads["top"] + pads["bottom"]) * padded_width
    if node.op in MULTIPLIES:
        kernel = node.arrays["weight"].shape[:-2] if node.op is not Op.DENSE else (1, 1)
        height, across = (1, *kernel)[-2:]
    else:
        height, across = node.attributes["pool_height"], node.attributes["pool_width"]
    # A pooling pads for itself.
    apart = streamed and node.op in MULTIPLIES and any(pads.values())
    window = Window(
        in_positions=padded, positions=prod(node.shape[:-1]), height=height, width=across,
        row_width=padded_width if apart else width,
    )  # fmt: skip
    return window, padded if apart else 0
