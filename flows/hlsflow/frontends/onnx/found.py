"""What was found in a file of ONNX."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hlsflow.datasets.frames import Task
from hlsflow.frontends.contract import Origin
from hlsflow.frontends.onnx.graph import Graph, Step
from hlsflow.frontends.onnx.layout import input_axes
from hlsflow.frontends.onnx.quantizer import linear_quantizer, quantizer_of
from hlsflow.frontends.onnx.value import plain
from hlsflow.network.fixed_point import FixedType
from hlsflow.network.quantizers import NotExact

MODEL_FILE = "model.onnx"
_MOVES = frozenset("Identity Reshape Flatten Squeeze Unsqueeze Transpose Cast DequantizeLinear".split())


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FoundOnnx:
    """`data` are the bytes of the file."""

    graph: Graph
    data: bytes
    origin: Origin

    @property
    def name(self) -> str:
        return self.graph.name or "model"

    @property
    def notes(self) -> tuple[str, ...]:
        found = []
        for name, shape in self.graph.inputs.items():
            axes = input_axes(self.graph, name)
            if axes != plain(len(shape)):
                inside = tuple(shape[axis] for axis in axes)
                found.append(
                    f"the model takes '{name}' as {shape}, channels first, and the hardware as {inside}; "
                    "data for it is given as the model takes it"
                )
        if self.graph.batch not in (None, 1):
            found.append(f"the file states a batch of {self.graph.batch:,}: the hardware takes one sample at a time")
        return tuple(found)

    @property
    def input_shapes(self) -> Mapping[str, tuple[int, ...]]:
        return {
            name: tuple(shape[axis] for axis in input_axes(self.graph, name))
            for name, shape in self.graph.inputs.items()
        }

    @property
    def input_axes(self) -> Mapping[str, tuple[int, ...]]:
        return {name: input_axes(self.graph, name) for name in self.graph.inputs}

    @property
    def own_types(self) -> Mapping[str, FixedType]:
        found = {name: self._own_type(name) for name in self.graph.inputs}
        return {name: type_ for name, type_ in found.items() if type_ is not None}

    def _own_type(self, name: str) -> FixedType | None:
        types = {self._type_by(step, name) for step in self.graph.readers(name)}
        return types.pop() if len(types) == 1 else None

    def _type_by(self, step: Step, name: str) -> FixedType | None:
        """The type to which a step quantizes an input, None where it does something else."""
        try:
            if step.op == "QuantizeLinear" and not step.domain:
                found = linear_quantizer(step, self.graph.constants, len(self.graph.inputs[name]) + 1)
            elif step.op in ("Quant", "IntQuant") and step.is_quantizer and step.inputs[0] == name:
                found = quantizer_of(step, self.graph.constants)
            else:
                return None
        except NotExact:
            return None
        exponent = found.exponent
        return None if exponent is None or found.is_sign else found.type(-exponent).grid

    @property
    def task(self) -> Task:
        """By the last step: a softmax tells classes apart, a sigmoid two; else it gives values."""
        step = self.graph.maker(self.graph.outputs[0])
        while step is not None and step.op in _MOVES:
            step = self.graph.maker(step.inputs[0])
        if step is not None and step.op == "Softmax":
            return "classification"
        return "binary" if step is not None and step.op == "Sigmoid" else "regression"

    @property
    def output_values(self) -> int | None:
        """None: a network tells, which is not made yet."""
        return None

    @property
    def files(self) -> Mapping[str, bytes]:
        return {MODEL_FILE: self.data}
