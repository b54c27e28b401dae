"""Every operator and arrangement that is converted, as a small model: what hlsflow does with it.

`EXACT`: equal on every output, in every backend and io type (`streams`: the words of io_stream's refusal). `BOUNDED`:
nothing equals it, measured types come close.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from onnx_models.making import Maker

EXACT, BOUNDED = "exact", "bounded"
ODD = 0.0437
"""A scale that is no power of two."""


@dataclass(frozen=True)
class Construct:
    name: str
    build: Callable[[], Any]
    expected: str = EXACT
    streams: bool | str = True


def vector(
    body: Callable[[Maker, str], str], size: int = 8, *, opset: int = 13, batch: int | str = "N"
) -> Callable[[], Any]:
    """body of x (size,)."""

    def build() -> Any:
        maker = Maker((size,), opset=opset)
        return maker.model(body(maker, "x0"), batch=batch)

    return build


def image(body: Callable[[Maker, str], str], *shape: int, opset: int = 13, batch: int | str = "N") -> Callable[[], Any]:
    """body of an image (channels, …), then a quantizer, flattened into a dense layer."""

    def build() -> Any:
        maker = Maker(shape or (3, 6, 5), opset=opset)
        return maker.model(body(maker, "x0"), batch=batch)

    return build


def _tail(maker: Maker, x: str, values: int, outputs: int = 4) -> str:
    return maker.dense(maker.node("Flatten", maker.relu_quant(x)), values, outputs)


def conv(
    *window: int, filters: int = 4, shape: tuple[int, ...] = (3, 6, 5), values: int, **said: Any
) -> Callable[[], Any]:
    return image(lambda m, x: _tail(m, m.conv(x, shape[0], filters, *window, **said), values), *shape)


def between(
    function: Callable[[Maker, str], str], size: int = 8, scale: float = 0.25, bits: int = 6
) -> Callable[[], Any]:
    """dense - function - quantizer - dense."""

    def body(m: Maker, x: str) -> str:
        y = function(m, m.dense(x, size, 6))
        return m.dense(m.quant(y, scale, bits), 6, 4)

    return vector(body, size)


def quantized(scale: Any = 0.25, bits: int = 4, **said: Any) -> Callable[[], Any]:
    return vector(lambda m, x: m.dense(m.quant(m.dense(x, 8, 6), scale, bits, **said), 6, 4))


def _odd_dense(m: Maker, x: str, inputs: int, outputs: int, *, by_channel: bool) -> str:
    scale = m.rng.uniform(0.02, 0.09, (1, outputs)) if by_channel else ODD
    return m.node("Gemm", x, m.weights(inputs, outputs, scale=scale, bits=4), m.on_grid(outputs))


def odd(*, by_channel: bool, norm: bool = True) -> Callable[[], Any]:
    """Two layers of weights and values on grids that are no powers of two, a sign in the end."""

    def body(m: Maker, x: str) -> str:
        y = _odd_dense(m, m.quant(x, 0.0731, 6), 8, 6, by_channel=by_channel)
        y = m.relu_quant(m.norm(y, 6) if norm else y, 0.0913, 4)
        y = _odd_dense(m, y, 6, 5, by_channel=by_channel)
        return m.quant(y, 0.25, 5)

    return vector(body)


def odd_conv(*, by_channel: bool) -> Callable[[], Any]:
    def body(m: Maker, x: str) -> str:
        scale = m.rng.uniform(0.02, 0.09, (4, 1, 1, 1)) if by_channel else ODD
        y = m.conv(m.quant(x, 0.0731, 6), 3, 4, 3, 3, weight=m.weights(4, 3, 3, 3, scale=scale), pads=[1, 1, 1, 1])
        y = m.node("MaxPool", m.relu_quant(m.norm(y, 4), 0.0913, 4), kernel_shape=[2, 2], strides=[2, 2])
        y = m.node("Flatten", y)
        return m.quant(m.node("Gemm", y, m.weights(24, 5, scale=0.0517)), 0.25, 5)

    return image(body)


def residual(op: str, scale: float = 0.125) -> Callable[[], Any]:
    def body(m: Maker, x: str) -> str:
        a = m.quant(m.dense(x, 8, 6), scale, 6)
        b = m.quant(m.dense(a, 6, 6), scale, 6)
        return m.dense(m.quant(m.node(op, a, b), 0.125, 7), 6, 4)

    return vector(body)


def _constant(op: str, value: Any, *, first: bool = False) -> Callable[[Maker, str], str]:
    def function(m: Maker, x: str) -> str:
        constant = m.const(value)
        return m.node(op, *((constant, x) if first else (x, constant)))

    return function


def _clip(low: float | None, high: float | None) -> Callable[[Maker, str], str]:
    return lambda m, x: m.node("Clip", x, *("" if bound is None else m.const(bound) for bound in (low, high)))


def _shape(m: Maker, x: str, *sizes: int) -> str:
    return m.node("Reshape", x, m.const(sizes, np.int64))


def qdq(scale: Any = 0.125, zero: int = 0, kind: Any = np.int8) -> Callable[[], Any]:
    def body(m: Maker, x: str) -> str:
        settings = (m.const(scale), m.const(zero, kind))
        y = m.node("DequantizeLinear", m.node("QuantizeLinear", m.dense(x, 8, 6), *settings), *settings)
        weight = m.const(m.rng.integers(-8, 8, (6, 4)), np.int8)
        weight = m.node("DequantizeLinear", weight, m.const(0.0625), m.const(0, np.int8))
        return m.node("Gemm", y, weight)

    return vector(body)


def pool(op: str, shape: tuple[int, ...] = (3, 6, 4), values: int = 0, **said: Any) -> Callable[[], Any]:
    def body(m: Maker, x: str) -> str:
        y = m.relu_quant(m.conv(x, shape[0], 4, *(1 for _ in shape[1:])))
        return _tail(m, m.node(op, y, **said), values)

    return image(body, *shape)


def channels_first_input_flattened() -> Any:
    m = Maker((3, 4, 2))
    y = m.relu_quant(m.conv("x0", 3, 4, 1, 1))
    return m.model(
        m.dense(m.node("Flatten", y), 32, 4),
        m.dense(m.node("Flatten", m.node("Transpose", y, perm=[0, 2, 3, 1])), 32, 3),
    )


def two_inputs() -> Any:
    m = Maker((8,), (6,))
    y = m.node("Add", m.relu_quant(m.dense("x0", 8, 5)), m.relu_quant(m.dense("x1", 6, 5)))
    return m.model(m.dense(y, 5, 4), m.node("Concat", y, m.relu_quant(m.dense("x1", 6, 3)), axis=1))


def _bipolar(m: Maker, x: str, scale: float = 1.0) -> str:
    return m.node("BipolarQuant", x, m.const([scale]), domain="onnx.brevitas")


def binary_layers(scale: float) -> Callable[[], Any]:
    def body(m: Maker, x: str) -> str:
        def weights(*shape: int) -> str:
            return _bipolar(m, m.const(m.rng.normal(0, 1, shape)), scale)

        y = _bipolar(m, m.norm(m.node("MatMul", _bipolar(m, x), weights(8, 6)), 6), scale)
        return m.quant(m.node("MatMul", y, weights(6, 4)), scale**2 / 2 if scale >= 0.5 else 2.0**-9, 6)

    return vector(body)


def _concat_images(m: Maker, x: str) -> str:
    a, b = m.relu_quant(m.conv(x, 3, 2, 1, 1)), m.relu_quant(m.conv(x, 3, 4, 1, 1), 0.25)
    return _tail(m, m.node("Concat", a, b, axis=1), 6 * 30)


def _trunc(m: Maker, x: str) -> str:
    return m.node("Trunc", m.quant(x, 0.125, 8), *(m.const(value) for value in (0.125, 0.0, 8.0, 5.0)),
                  domain="qonnx.custom_op.general", rounding_mode="FLOOR")  # fmt: skip


def _matmul_add(m: Maker, x: str) -> str:
    return m.node("Add", m.node("MatMul", x, m.weights(6, 6)), m.on_grid(6))


def rows(body: Callable[[Maker, str], str]) -> Callable[[], Any]:
    return image(body, 5, 4)


def pytorch_view(m: Maker, x: str) -> str:
    """`y.view(y.size(0), -1)`, as exporters wrote it."""
    y = m.relu_quant(m.conv(x, 3, 4, 3, 3))
    size = m.node("Gather", m.node("Shape", y), m.const(0, np.int64), axis=0)
    ends = [m.node("Unsqueeze", size, m.const([0], np.int64)), m.const([-1], np.int64)]
    return m.dense(m.node("Reshape", y, m.node("Concat", *ends, axis=0)), 48, 4)


def channels_last_conv() -> Any:
    m = Maker((6, 5, 3))
    domain = "qonnx.custom_op.channels_last"
    y = m.node("Conv", "x0", m.weights(4, 3, 3, 3), m.on_grid(4), domain=domain, kernel_shape=[3, 3], pads=[1, 1, 1, 1],
               strides=[1, 1], dilations=[1, 1], group=1)  # fmt: skip
    y = m.node("MaxPool", m.quant(y, 0.25, 6), domain=domain, kernel_shape=[2, 1], strides=[2, 1], pads=[0, 0, 0, 0])
    y = m.quant(m.norm(y, 4, domain=domain), 0.25, 6)
    y = m.node("Conv", y, m.weights(4, 3, 3, 1), domain=domain, kernel_shape=[3, 3], pads=[0, 0, 0, 0], strides=[1, 1],
               dilations=[1, 1], group=4)  # fmt: skip
    return m.model(m.dense(m.node("Flatten", m.quant(y, 0.25, 6)), 12, 4))


PADDED = "pooling with padding"
CONSTRUCTS = [
    Construct("Gemm of weights on a grid", vector(lambda m, x: m.node("Gemm", x, m.on_grid(8, 4), m.on_grid(4)))),
    Construct("Gemm transB alpha beta", vector(
        lambda m, x: m.node("Gemm", x, m.on_grid(4, 8), m.on_grid(4), transB=1, alpha=0.5, beta=2.0))),
    Construct("MatMul Add", between(_matmul_add)),
    Construct("MatMul of rows", rows(lambda m, x: _tail(m, m.node("MatMul", x, m.on_grid(4, 3)), 15))),
    Construct("Quant 8 bits", quantized(0.125, 8)),
    Construct("Quant 2 bits narrow", quantized(0.5, 2, narrow=1)),
    Construct("Quant unsigned", quantized(0.25, 4, signed=0)),
    Construct("Quant unsigned narrow", quantized(0.25, 4, signed=0, narrow=1)),
    Construct("Quant FLOOR", quantized(0.25, 5, mode="FLOOR")),
    Construct("Quant DOWN", quantized(0.5, 5, mode="DOWN")),
    Construct("Quant HALF_UP", quantized(0.5, 5, mode="HALF_UP")),
    Construct("Quant HALF_DOWN", quantized(0.5, 5, mode="HALF_DOWN")),
    Construct("Quant of one bit", quantized(0.5, 1)),
    Construct("Quant with a zero point", quantized(0.25, 5, zero=3.0, signed=0)),
    Construct("Quant by channel", quantized([[0.5, 0.25, 1, 2, 0.125, 0.5]], 5)),
    Construct("Quant of an odd scale", vector(
        lambda m, x: m.quant(m.dense(m.quant(m.dense(x, 8, 6), ODD * 9, 5), 6, 4), 0.5, 6))),
    Construct("Quant FLOOR of an odd scale", vector(
        lambda m, x: m.quant(m.dense(m.quant(m.dense(x, 8, 6), ODD * 9, 5, mode="FLOOR"), 6, 4), 0.5, 6))),
    Construct("Quant DOWN of an odd scale", vector(
        lambda m, x: m.quant(m.dense(m.quant(m.dense(x, 8, 6), ODD * 9, 5, mode="DOWN"), 6, 4), 0.5, 6))),
    Construct("odd scales, a layer", odd(by_channel=False, norm=False)),
    Construct("odd scales by channel, norms", odd(by_channel=True)),
    Construct("odd scales, convolution", odd_conv(by_channel=False)),
    Construct("odd scales by channel, convolution", odd_conv(by_channel=True)),
    Construct("an odd scale in the end", vector(lambda m, x: _odd_dense(m, x, 8, 4, by_channel=True))),
    Construct("odd scales of weights and values in the end", vector(
        lambda m, x: _odd_dense(m, m.quant(x, 0.0731, 6), 8, 4, by_channel=True)), BOUNDED),
    Construct("BipolarQuant", binary_layers(1.0)),
    Construct("BipolarQuant of half", binary_layers(0.5)),
    Construct("BipolarQuant of an odd scale", binary_layers(ODD)),
    Construct("Trunc", between(_trunc)),
    Construct("QDQ", qdq()),
    Construct("QDQ of uint8 with an even zero point", qdq(0.25, 128, np.uint8)),
    Construct("QDQ of an odd scale", qdq(ODD)),
    Construct("QDQ by channel", qdq([0.5, 0.25, 0.125, 0.0437, 1, 0.25], [0] * 6)),
    Construct("BatchNormalization", between(lambda m, x: m.norm(x, 6))),
    Construct("BatchNormalization, then ReLU", vector(
        lambda m, x: m.dense(m.relu_quant(m.norm(m.dense(x, 8, 6), 6)), 6, 4))),
    Construct("BatchNormalization of images", image(lambda m, x: _tail(m, m.norm(m.conv(x, 3, 4, 3, 3), 4), 48))),
    Construct("Add a constant", between(_constant("Add", [0.5, 1, -2, 0.25, 3, 1]))),
    Construct("Sub a constant", between(_constant("Sub", 1.5))),
    Construct("constant Sub", between(_constant("Sub", 1.5, first=True))),
    Construct("Mul a constant", between(_constant("Mul", [[0.5, 1, -2, 0.25, 3, 1]]))),
    Construct("Div by a constant", between(_constant("Div", 4.0))),
    Construct("Div by an odd constant", between(_constant("Div", 2.7))),
    Construct("Add by channel", image(lambda m, x: _tail(m, m.node("Add", m.conv(x, 3, 4, 1, 1),
                                                                   m.on_grid(4, 1, 1)), 120))),
    Construct("Mul by row", image(lambda m, x: _tail(m, m.node("Mul", m.conv(x, 3, 4, 1, 1),
                                                               m.on_grid(1, 6, 1)), 120))),
    *(Construct(f"{op} of two", residual(op)) for op in ("Add", "Sub", "Mul", "Max", "Min")),
    Construct("Add of two on an odd scale", residual("Add", ODD * 3)),
    Construct("Relu", between(lambda m, x: m.node("Relu", x))),
    Construct("LeakyRelu", between(lambda m, x: m.node("LeakyRelu", x, alpha=0.125))),
    Construct("LeakyRelu of 0.3", between(
        lambda m, x: m.node("LeakyRelu", x, alpha=0.3), scale=2.0**-6, bits=10), BOUNDED),
    Construct("PRelu", between(lambda m, x: m.node("PRelu", x, m.const([0.5, 0.25, 0, 1, 0.125, 0.75])))),
    Construct("PRelu by channel", image(
        lambda m, x: _tail(m, m.node("PRelu", m.quant(m.conv(x, 3, 4, 1, 1), 0.25, 6),
                                     m.const(np.array([0.5, 0.25, 0, 1]).reshape(4, 1, 1))), 120))),
    Construct("Clip as ReLU", between(_clip(0.0, None))),
    Construct("Clip as ReLU6", between(_clip(0.0, 6.0))),
    Construct("Clip", between(_clip(-1.5, 2.25))),
    Construct("Clip of attributes", vector(
        lambda m, x: m.dense(m.quant(m.node("Clip", m.dense(x, 8, 6), min=0.0, max=3.0), 0.25, 6), 6, 4), opset=9)),
    *(Construct(f"{op} inside", between(
        lambda m, x, op=op: m.node(op, m.quant(x, 2.0**-9, 14)), scale=2.0**-6, bits=10), BOUNDED)
      for op in ("Sigmoid", "Tanh", "Elu", "Selu", "Softplus", "Softsign")),
    Construct("HardSigmoid of a quarter", between(lambda m, x: m.node("HardSigmoid", x, alpha=0.25, beta=0.5))),
    Construct("Softmax in the end", vector(lambda m, x: m.node("Softmax", m.dense(x, 8, 4), axis=-1))),
    Construct("Sigmoid in the end", vector(lambda m, x: m.node("Sigmoid", m.dense(x, 8, 4)))),
    Construct("Conv", conv(3, 3, values=48)),
    Construct("Conv strides and pads", conv(3, 3, values=36, strides=[2, 2], pads=[1, 1, 1, 1])),
    Construct("Conv uneven pads", conv(2, 3, values=4 * 6 * 6, pads=[0, 2, 1, 1])),
    Construct("Conv SAME_UPPER", conv(2, 2, values=120, auto_pad="SAME_UPPER")),
    Construct("Conv SAME_LOWER strides", conv(3, 3, values=36, auto_pad="SAME_LOWER", strides=[2, 2])),
    Construct("Conv VALID", conv(3, 2, values=4 * 16, auto_pad="VALID")),
    Construct("Conv dilated", conv(2, 2, values=48, dilations=[2, 2])),
    Construct("Conv in groups", conv(3, 3, shape=(4, 6, 5), values=48, group=2)),
    Construct("Conv depthwise", conv(3, 3, shape=(4, 6, 5), values=48, group=4)),
    Construct("Conv depthwise, two a channel", conv(3, 3, filters=8, shape=(4, 6, 5), values=96, group=4)),
    Construct("Conv of one position, padded", conv(1, 1, values=4 * 8 * 7, pads=[1, 1, 1, 1])),
    Construct("Conv 1D", conv(3, shape=(3, 9), values=28)),
    Construct("Conv 1D pads", conv(3, shape=(3, 9), values=20, strides=[2], pads=[1, 1])),
    Construct("Conv 1D depthwise", conv(3, shape=(4, 9), values=28, group=4)),
    Construct("MaxPool", pool("MaxPool", values=24, kernel_shape=[2, 2], strides=[2, 2])),
    Construct("MaxPool padded", pool("MaxPool", values=4 * 4 * 3, kernel_shape=[2, 2], strides=[2, 2],
                                     pads=[1, 1, 1, 1])),
    Construct("MaxPool overlapping", pool("MaxPool", values=4 * 5 * 3, kernel_shape=[2, 2]), streams="overlapping"),
    Construct("MaxPool ceil_mode", pool("MaxPool", (3, 5, 4), values=24, kernel_shape=[2, 2], strides=[2, 2],
                                        ceil_mode=1)),
    Construct("MaxPool 1D", pool("MaxPool", (3, 8), values=16, kernel_shape=[2], strides=[2])),
    Construct("AveragePool", pool("AveragePool", values=24, kernel_shape=[2, 2], strides=[2, 2])),
    Construct("AveragePool of three", pool("AveragePool", (3, 6, 3), values=8, kernel_shape=[3, 3], strides=[3, 3])),
    Construct("AveragePool padded", pool("AveragePool", values=48, kernel_shape=[2, 2], strides=[2, 2],
                                         pads=[1, 1, 1, 1]), streams=PADDED),
    Construct("AveragePool counting pads", pool("AveragePool", values=48, kernel_shape=[2, 2], strides=[2, 2],
                                                pads=[1, 1, 1, 1], count_include_pad=1)),
    Construct("AveragePool 1D", pool("AveragePool", (3, 8), values=8, kernel_shape=[4], strides=[4])),
    Construct("GlobalAveragePool", pool("GlobalAveragePool", values=4)),
    Construct("GlobalMaxPool", pool("GlobalMaxPool", values=4)),
    Construct("GlobalAveragePool 1D", pool("GlobalAveragePool", (3, 8), values=4)),
    Construct("ReduceMean", pool("ReduceMean", values=4, axes=[2, 3], keepdims=0)),
    Construct("ReduceMean of channels last", image(lambda m, x: m.dense(m.quant(m.node("ReduceMean", m.relu_quant(
        m.node("Transpose", m.conv(x, 3, 4, 3, 3), perm=[0, 2, 3, 1])), axes=[1, 2], keepdims=0), 0.125, 6), 4, 3))),
    Construct("ReduceMax", pool("ReduceMax", values=4, axes=[2, 3])),
    Construct("Neg", between(lambda m, x: m.node("Neg", x))),
    Construct("a channels-first image, flattened in both orders", channels_first_input_flattened),
    Construct("Transpose of an image that is channels last", image(
        lambda m, x: _tail(m, m.conv(m.node("Transpose", x, perm=[0, 3, 1, 2]), 3, 4, 3, 3), 48), 6, 5, 3)),
    Construct("a real Transpose", rows(lambda m, x: _tail(
        m, m.node("MatMul", m.node("Transpose", m.relu_quant(m.node("MatMul", x, m.on_grid(4, 3))), perm=[0, 2, 1]),
                  m.on_grid(5, 2)), 6))),
    Construct("Reshape to an image", vector(
        lambda m, x: _tail(m, m.conv(_shape(m, x, -1, 2, 3, 4), 2, 3, 2, 2), 18), 24),
              streams="cannot be transposed"),
    Construct("Reshape with a fixed batch", vector(lambda m, x: m.dense(_shape(m, m.relu_quant(_shape(
        m, x, 1, 2, 4)), 1, -1), 8, 4), batch=1)),
    Construct("pytorch's view", image(pytorch_view)),
    Construct("Squeeze and Unsqueeze", vector(lambda m, x: m.dense(m.node("Squeeze", m.relu_quant(m.node(
        "Unsqueeze", x, m.const([2], np.int64))), m.const([2], np.int64)), 8, 4))),
    Construct("Concat of vectors", vector(lambda m, x: m.dense(m.node(
        "Concat", m.relu_quant(m.dense(x, 8, 3)), m.relu_quant(m.dense(x, 8, 4), 0.5), axis=1), 7, 4))),
    Construct("Concat of images", image(_concat_images)),
    Construct("Pad", image(lambda m, x: _tail(m, m.conv(m.node("Pad", x, m.const([0, 0, 1, 2, 0, 0, 0, 1], np.int64)),
                                                        3, 4, 3, 3), 4 * 5 * 6))),
    Construct("Identity and Dropout", between(lambda m, x: m.node("Dropout", m.node("Identity", x)))),
    Construct("Resize", image(lambda m, x: _tail(m, m.node(
        "Resize", m.relu_quant(m.conv(x, 3, 2, 3, 3)), "", m.const([1, 1, 2, 2]), mode="nearest",
        coordinate_transformation_mode="asymmetric", nearest_mode="floor"), 2 * 8 * 6))),
    Construct("Upsample", image(lambda m, x: _tail(m, m.node(
        "Upsample", m.relu_quant(m.conv(x, 3, 2, 3, 3)), m.const([1, 1, 2, 3]), mode="nearest"), 2 * 8 * 9), opset=9)),
    Construct("two inputs, two outputs", two_inputs),
    Construct("channels_last of qonnx", channels_last_conv),
    Construct("float weights", vector(lambda m, x: m.node("Gemm", m.node("Relu", m.node(
        "Gemm", x, m.const(m.rng.normal(0, 0.4, (8, 6))), m.const(m.rng.normal(0, 0.4, 6)))),
        m.const(m.rng.normal(0, 0.4, (6, 4))))), BOUNDED),
]  # fmt: skip
