"""Random networks of ONNX and QONNX: layers, quantizers and moves in any order that a model may have them."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from onnx_models.making import Maker


class Drawing:
    """A network as it is drawn: one tensor, its shape (channels first), and what may come next."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(1000 + seed)
        self.odd = self.rng.random() < 0.4
        images = self.rng.random() < 0.6
        self.shape: tuple[int, ...] = tuple(int(n) for n in self.rng.integers(3, 7, 3)) if images else (8,)
        self.maker = Maker(self.shape, seed=seed)
        self.x = "x0"
        if self.rng.random() < 0.5:
            self.quantize()

    def pick(self, *of: Any) -> Any:
        return of[int(self.rng.integers(len(of)))]

    def scale(self) -> Any:
        """Of the next quantizer, for values of some ones."""
        if not self.odd:
            return 2.0 ** -int(self.rng.integers(1, 4))
        if self.rng.random() < 0.3 and len(self.shape) == 3:
            return self.rng.uniform(0.1, 0.5, (1, self.shape[0], 1, 1))
        return float(self.rng.uniform(0.1, 0.5))

    def quantize(self) -> None:
        self.x = self.maker.quant(
            self.x, self.scale(), int(self.rng.integers(2, 7)), signed=int(self.rng.random() < 0.7),
            narrow=int(self.rng.random() < 0.3), mode=self.pick("ROUND", "ROUND", "FLOOR", "HALF_UP", "DOWN"),
        )  # fmt: skip

    def weights(self, *shape: int) -> str:
        scale: Any = 2.0 ** -int(self.rng.integers(1, 4))
        if self.odd:
            by_channel = (shape[0], *(1 for _ in shape[1:])) if len(shape) > 2 else (1, shape[1])
            scale = (
                self.rng.uniform(0.05, 0.3, by_channel)
                if self.rng.random() < 0.5
                else float(self.rng.uniform(0.05, 0.3))
            )
        return self.maker.weights(*shape, scale=scale, bits=int(self.rng.integers(2, 6)))

    def dense(self) -> None:
        if len(self.shape) > 1:
            self.flatten()
        outputs = int(self.rng.integers(3, 7))
        bias = [self.maker.on_grid(outputs)] if self.rng.random() < 0.7 else []
        self.x = self.maker.node("Gemm", self.x, self.weights(self.shape[0], outputs), *bias)
        self.shape = (outputs,)
        self.after()

    def after(self) -> None:
        """What may stand between a product and its quantizer."""
        if self.rng.random() < 0.4:
            self.x = self.maker.norm(self.x, self.shape[0])
        if self.rng.random() < 0.5:
            self.x = self.maker.node("Relu", self.x)
        self.quantize()

    def flatten(self) -> None:
        if self.rng.random() < 0.3:
            self.x = self.maker.node("Transpose", self.x, perm=[0, *self.pick((2, 3, 1), (3, 1, 2), (1, 3, 2))])
        self.x = self.maker.node("Flatten", self.x)
        self.shape = (prod(self.shape),)

    def conv(self) -> None:
        channels, *sizes = self.shape
        window = [int(self.rng.integers(1, min(3, size) + 1)) for size in sizes]
        pads = [int(self.rng.integers(0, 2)) for _ in range(4)]
        strides = [int(self.rng.integers(1, 3)) for _ in sizes]
        if window[0] == 1:
            # Streams take no row that is left out.
            strides[0] = 1
        depthwise = self.rng.random() < 0.3
        filters = channels if depthwise else int(self.rng.integers(2, 5))
        weight = self.weights(filters, 1 if depthwise else channels, *window)
        self.x = self.maker.conv(self.x, channels, filters, weight=weight, bias=self.rng.random() < 0.7,
                                 group=channels if depthwise else 1, pads=pads, strides=strides)  # fmt: skip
        after = [
            (size + pads[axis] + pads[axis + 2] - window[axis]) // strides[axis] + 1 for axis, size in enumerate(sizes)
        ]
        self.shape = (filters, *after)
        self.after()

    def pool(self) -> None:
        channels, *sizes = self.shape
        if min(sizes) < 2:
            return
        op = self.pick("MaxPool", "AveragePool")
        self.x = self.maker.node(op, self.x, kernel_shape=[2, 2], strides=[2, 2])
        self.shape = (channels, *(size // 2 for size in sizes))

    def residual(self) -> None:
        """Two branches of one tensor, added on one grid."""
        channels = self.shape[0]
        scale, bits = self.scale(), 5
        branches = []
        for _ in range(2):
            y = (self.maker.conv(self.x, channels, 3, weight=self.weights(3, channels, 1, 1), bias=False)
                 if len(self.shape) == 3 else self.maker.node("Gemm", self.x, self.weights(channels, 3)))  # fmt: skip
            branches.append(self.maker.quant(y, scale if np.ndim(scale) == 0 else 0.25, bits))
        op = self.pick("Add", "Sub", "Concat")
        self.x = self.maker.node(op, *branches, **({"axis": 1} if op == "Concat" else {}))
        self.shape = (6 if op == "Concat" else 3, *self.shape[1:])

    def model(self) -> Any:
        for _ in range(int(self.rng.integers(2, 5))):
            steps = (
                (self.conv, self.conv, self.pool, self.residual)
                if len(self.shape) == 3
                else (self.dense, self.residual)
            )
            self.pick(*steps)()
        self.dense()
        return self.maker.model(self.x)


def drawn(seed: int) -> Any:
    """The random model of a number."""
    return Drawing(seed).model()
