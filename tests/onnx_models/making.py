"""Small models of ONNX and QONNX, made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

GENERAL = "qonnx.custom_op.general"


class Maker:
    """A model's graph as it grows: each method gives the name of the tensor that it adds."""

    def __init__(self, *shapes: tuple[int, ...], seed: int = 1, opset: int = 13) -> None:
        self.shapes, self.opset = shapes, opset
        self.rng = np.random.default_rng(seed)
        self.nodes: list[Any] = []
        self.arrays: dict[str, np.ndarray] = {}
        self.inputs = [f"x{index}" for index in range(len(shapes))]
        self.count = 0

    def name(self, stem: str) -> str:
        self.count += 1
        return f"{stem}_{self.count}"

    def const(self, values: Any, kind: Any = np.float32) -> str:
        name = self.name("c")
        self.arrays[name] = np.asarray(values, dtype=kind)
        return name

    def node(self, op: str, *inputs: str, domain: str = "", outputs: int = 1, **said: Any) -> str:
        from onnx import helper

        names = [self.name(op.lower()) for _ in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, name=names[0], domain=domain, **said))
        return names[0]

    def quant(self, x: str, scale: Any, bits: int, *, zero: Any = 0.0, signed: int = 1, narrow: int = 0,
              mode: str = "ROUND", domain: str = GENERAL) -> str:  # fmt: skip
        settings = (self.const(scale), self.const(zero), self.const(float(bits)))
        return self.node("Quant", x, *settings, domain=domain, signed=signed, narrow=narrow, rounding_mode=mode)

    def on_grid(self, *shape: int, bits: int = 6, fraction: int = 4) -> str:
        """Weights on a grid that nothing states."""
        return self.const(self.rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), shape) * 2.0**-fraction)

    def weights(self, *shape: int, scale: Any = 0.125, bits: int = 4, narrow: int = 1) -> str:
        """Weights behind a quantizer of theirs."""
        return self.quant(self.const(self.rng.normal(0, 0.5, shape)), scale, bits, narrow=narrow)

    def dense(self, x: str, inputs: int, outputs: int, *, bias: bool = True, **more: Any) -> str:
        weight = self.weights(inputs, outputs, **more)
        return self.node("Gemm", x, weight, *([self.on_grid(outputs)] if bias else []))

    def conv(
        self, x: str, channels: int, filters: int, *window: int, group: int = 1, bias: bool = True, weight: str = "",
        **said: Any,
    ) -> str:  # fmt: skip
        weight = weight or self.on_grid(filters, channels // group, *window)
        return self.node("Conv", x, weight, *([self.on_grid(filters)] if bias else []), group=group, **said)

    def norm(self, x: str, channels: int, **said: Any) -> str:
        rng = self.rng
        constants = (rng.uniform(0.3, 1.7, channels), rng.normal(0, 0.7, channels), rng.normal(0, 1, channels),
                     rng.uniform(0.5, 4, channels))  # fmt: skip
        return self.node("BatchNormalization", x, *(self.const(values) for values in constants), **said)

    def relu_quant(self, x: str, scale: Any = 0.125, bits: int = 5) -> str:
        return self.quant(self.node("Relu", x), scale, bits, signed=0)

    def model(self, *outputs: str, batch: int | str = "N") -> Any:
        from onnx import TensorProto, helper, numpy_helper

        kind = TensorProto.FLOAT
        graph = helper.make_graph(
            self.nodes, "made",
            [helper.make_tensor_value_info(name, kind, [batch, *shape])
             for name, shape in zip(self.inputs, self.shapes, strict=True)],
            [helper.make_tensor_value_info(name, kind, None) for name in outputs],
            [numpy_helper.from_array(values, name) for name, values in self.arrays.items()],
        )  # fmt: skip
        domains = dict.fromkeys(node.domain for node in self.nodes if node.domain)
        opsets = [helper.make_opsetid("", self.opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
        made = helper.make_model(graph, opset_imports=opsets)
        made.ir_version = 8
        return made


def live(model: Any) -> Any:
    """The model as the flow opens it: from its bytes."""
    from hlsflow.frontends.onnx.files import graph_of, parse_model
    from hlsflow.frontends.onnx.live import OnnxModel

    return OnnxModel(graph=graph_of(parse_model(model.SerializeToString(), "made.onnx"), "made.onnx"))
