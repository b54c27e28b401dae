"""A model's graph as plain values: its steps in an order of computation, and its constants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

# Where the operators of QONNX are named: qonnx reads all three.
QONNX_DOMAINS = frozenset(("qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas"))
# Of one sample of a tensor: types are proved value by value, and no hardware that hls4ml writes has so many.
MOST_TENSOR_VALUES = 1 << 24
CHANNELS_LAST = "qonnx.custom_op.channels_last"


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One node of the model: `name` tells it apart, and is its own where it has one. `inputs` that were left out are
    ''. `attributes` are numbers, texts, tuples of them, and arrays."""

    name: str
    op: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_quantizer(self) -> bool:
        """Whether it is an operator of QONNX itself, and none over channels that stand last."""
        return self.domain in QONNX_DOMAINS

    @property
    def kind(self) -> str:
        """How people call the operator."""
        return f"{self.domain}.{self.op}" if self.domain else self.op


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Graph:
    """`inputs` maps names to the shape of one sample, in the model's own order of axes. `batch` is the size that the
    file states for the first axis, None where it is left open."""

    name: str
    steps: tuple[Step, ...]
    constants: Mapping[str, Array]
    inputs: Mapping[str, tuple[int, ...]]
    outputs: tuple[str, ...]
    opset: int
    batch: int | None

    @property
    def is_quantized(self) -> bool:
        """Whether it has operators of QONNX."""
        return any(step.domain for step in self.steps)

    @property
    def framework(self) -> str:
        """What evaluates it."""
        return "qonnx" if self.is_quantized else "onnxruntime"

    def readers(self, tensor: str) -> list[Step]:
        return [step for step in self.steps if tensor in step.inputs]

    def maker(self, tensor: str) -> Step | None:
        return next((step for step in self.steps if tensor in step.outputs), None)
