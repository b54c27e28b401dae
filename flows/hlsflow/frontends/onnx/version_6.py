"""Operators of version 6 as those of version 7, which onnxruntime runs: what they say, later ones take for granted."""

from __future__ import annotations

from dataclasses import replace

from hlsflow.foundation.errors import UnsupportedError
from hlsflow.frontends.onnx.graph import Step

# The oldest version that onnxruntime runs.
OLDEST = 7
_SAME = frozenset(
    "Conv Relu LeakyRelu Elu Selu Sigmoid Tanh HardSigmoid Softplus Softsign Softmax MatMul MaxPool AveragePool Sum "
    "GlobalAveragePool GlobalMaxPool Transpose Reshape Flatten Squeeze Unsqueeze Concat Identity Clip Max Min".split()
)
_BROADCASTS = frozenset("Gemm Add Sub Mul Div PRelu".split())
_INFERS = frozenset("BatchNormalization Dropout".split())


def modernized(step: Step, where: str) -> Step:
    """A step of version 6 as one of version 7. Raises UnsupportedError where it is another one there."""
    said = dict(step.attributes)
    broadcast, inference = said.pop("broadcast", 0), said.pop("is_test", 0)
    if step.domain or step.op in _SAME:
        return step
    if step.op in _BROADCASTS and "axis" not in said and broadcast in (0, 1):
        return replace(step, attributes=said)
    if step.op in _INFERS and inference == 1:
        return replace(step, attributes=said)
    attributes = ", ".join(step.attributes) or "no attributes"
    raise UnsupportedError(
        f"{where}: node '{step.name}': {step.op} of ONNX' version 6 with {attributes}, which later versions have not",
        hint="export it with opset_version=17",
    )
