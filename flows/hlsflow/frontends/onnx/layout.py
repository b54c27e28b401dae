"""In which order of axes the hardware takes an input: channels last, where the model has them first."""

from __future__ import annotations

from hlsflow.frontends.onnx.graph import CHANNELS_LAST, Graph, Step
from hlsflow.frontends.onnx.value import channels_last, plain

# What takes channels first.
_CHANNELS = frozenset(
    "Conv BatchNormalization MaxPool AveragePool GlobalMaxPool GlobalAveragePool Resize Upsample PRelu".split()
)
# What leaves the order open.
_ELEMENTWISE = frozenset(
    "Add Sub Mul Div Relu LeakyRelu Clip Sigmoid Tanh Elu Selu Softplus Softsign HardSigmoid Identity Dropout Cast Pad "
    "Quant IntQuant BipolarQuant Trunc QuantizeLinear DequantizeLinear Concat Neg".split()
)


def input_axes(graph: Graph, name: str) -> tuple[int, ...]:
    """The model's axes of one sample of an input, in the order in which hardware has them."""
    rank = len(graph.inputs[name])
    if rank not in (2, 3) or not _reaches_channels(graph, name):
        return plain(rank)
    return channels_last(rank)


def _reaches_channels(graph: Graph, name: str) -> bool:
    """Whether the first step that minds the order takes channels first."""
    readers: dict[str, list[Step]] = {}
    for step in graph.steps:
        for source in step.inputs:
            readers.setdefault(source, []).append(step)
    waiting, seen = [name], {name}
    while waiting:
        for step in readers.get(waiting.pop(0), ()):
            if step.op in _CHANNELS:
                return step.domain != CHANNELS_LAST
            if step.op in _ELEMENTWISE and step.outputs[0] not in seen:
                seen.add(step.outputs[0])
                waiting.append(step.outputs[0])
    return False
