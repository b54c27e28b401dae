"""The folded architecture: one module a layer that makes P x Q products a cycle, its weights in block RAM.

All layers work at once, each on the values that the one before gives it: a pipeline of streams with back-pressure.
"""

from __future__ import annotations

from collections.abc import Sequence

from hlsflow.rtl.axis import Stage, axis_top
from hlsflow.rtl.chain import Chain
from hlsflow.rtl.design import RtlDesign, StreamPort, library
from hlsflow.rtl.folded_layer import describe, layer_memories, layer_module
from hlsflow.rtl.folding import Folding, fold_network
from hlsflow.rtl.layers import ProductLayer
from hlsflow.rtl.names import module_names


def folded_design(
    chain: Chain, top: str, foldings: Sequence[Folding] | None = None, architecture: str = "folded"
) -> RtlDesign:
    """The folded design of a network, each layer by its reuse factor or as `foldings` say."""
    foldings = fold_network(chain) if foldings is None else foldings
    names = module_names(layer.name for layer in chain.layers)
    sources: dict[str, str] = {}
    memories: dict[str, str] = {}
    stages: list[Stage] = []
    used = {"stream_register.v"}
    lanes = foldings[0].lanes_in
    for layer, folding in zip(chain.layers, foldings, strict=True):
        module = names[layer.name]
        # A layer of images gives a pixel at most; what takes more collects it.
        text, files = layer_module(module, layer, folding, folding.lanes_in // lanes)
        used |= files
        sources[f"{module}.v"] = text
        if isinstance(layer, ProductLayer):
            memories.update(layer_memories(module, layer, folding))
        stages.append(
            Stage(
                module=module,
                layer=layer.name,
                in_bits=lanes * layer.data.width,
                out_bits=folding.lanes_out * layer.result.width,
            )
        )
        lanes = folding.lanes_out
    source = StreamPort(type=chain.input_type, size=chain.input_size, lanes=foldings[0].lanes_in)
    sink = StreamPort(type=chain.output_type, size=chain.output_size, lanes=foldings[-1].lanes_out)
    sources.update(axis_top(top, source, sink, stages, chain.input_casts))
    return RtlDesign(
        top=top,
        architecture=architecture,
        source=source,
        sink=sink,
        output=chain.output,
        sources={**library(*sorted(used)), **sources},
        memories=memories,
        modules={stage.module: stage.layer for stage in stages},
        notes=tuple(
            describe(layer, folding) for layer, folding in zip(chain.layers, foldings, strict=True)
        ),
    )  # fmt: skip
