"""Small images through pooling, padding, scales, slopes and merges: as networks that hls4ml converts, in exact rational
arithmetic, and in float32 step by step as Keras computes them."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from hlsflow.network.fixed_point import FixedType, Overflow, Rounding, parse_type
from hlsflow.network.graph import Network, Node, Op


class Chain:
    """A network under construction: each method adds a node behind the last one and gives back the chain."""

    def __init__(self, shape: tuple[int, ...], type_: str) -> None:
        self.nodes: list[Node] = []
        self._add("x_in", Op.INPUT, shape, (), {"class_name": "InputLayer", "input_shape": list(shape)},
                  declared={"result": parse_type(type_)})  # fmt: skip

    @property
    def last(self) -> Node:
        return self.nodes[-1]

    def network(self, *outputs: str) -> Network:
        return Network(nodes=tuple(self.nodes), inputs=("x_in",), outputs=outputs or (self.last.name,))

    def _add(
        self, name: str, op: Op, shape: tuple[int, ...], inputs: tuple[str, ...], entry: dict[str, Any], **more: Any
    ) -> Chain:
        entry = {"name": name, "inputs": list(inputs), "data_format": "channels_last", **entry}
        node = Node(name=name, op=op, inputs=inputs, shape=shape, entry=entry, keras_layer=name, **more)
        self.nodes.append(node)
        return self

    def activation(self, name: str, function: str, result: str | None = None, **more: Any) -> Chain:
        entry = {"class_name": "Activation", "activation": function}
        if function.startswith("hard_"):
            entry = {"class_name": "HardActivation", "activation": function, "slope": 0.5, "shift": 0.5}
        declared = {} if result is None else {"result": parse_type(result)}
        return self._add(
            name, Op.ACTIVATION, self.last.shape, (self.last.name,), entry, function=function, declared=declared, **more
        )

    def leaky(self, name: str, slope: float) -> Chain:
        entry = {"class_name": "LeakyReLU", "activation": "LeakyReLU", "activ_param": slope}
        return self._add(name, Op.ACTIVATION, self.last.shape, (self.last.name,), entry, function="leaky_relu",
                         arrays={"param": np.array([slope])})  # fmt: skip

    def prelu(self, name: str, slopes: np.ndarray) -> Chain:
        entry = {"class_name": "PReLU", "activation": "PReLU"}
        return self._add(name, Op.PRELU, self.last.shape, (self.last.name,), entry, arrays={"param": slopes})

    def scale(self, name: str, scale: np.ndarray, bias: np.ndarray) -> Chain:
        shape = self.last.shape
        size = int(np.prod(shape))
        entry = {"class_name": "BatchNormalization", "n_in": size, "n_out": size,
                 "n_filt": -1 if len(shape) == 1 else shape[-1]}  # fmt: skip
        return self._add(name, Op.SCALE, shape, (self.last.name,), entry, arrays={"scale": scale, "bias": bias})

    def pad(self, name: str, by: int = 1) -> Chain:
        height, width, channels = self.last.shape
        pads = {f"pad_{side}": by for side in ("top", "bottom", "left", "right")}
        out = (height + 2 * by, width + 2 * by, channels)
        entry = {"class_name": "ZeroPadding2D", **pads, "n_chan": channels, **_sizes("in", self.last.shape),
                 **_sizes("out", out)}  # fmt: skip
        return self._add(name, Op.PAD, out, (self.last.name,), entry, attributes=pads)

    def upsample(self, name: str) -> Chain:
        height, width, channels = self.last.shape
        out = (2 * height, 2 * width, channels)
        entry = {"class_name": "UpSampling2D", "n_chan": channels, "algorithm": "nearest", "height_factor": 2,
                 "width_factor": 2, **_sizes("in", self.last.shape), **_sizes("out", out)}  # fmt: skip
        return self._add(name, Op.RESIZE, out, (self.last.name,), entry)

    def flatten(self, name: str) -> Chain:
        size = int(np.prod(self.last.shape))
        entry = {"class_name": "Reshape", "target_shape": [size]}
        return self._add(name, Op.RESHAPE, (size,), (self.last.name,), entry)

    def pool(self, name: str, kind: str, size: int, *, same: bool = False, stride: int | None = None) -> Chain:
        """`kind` is Max or Average. Keras' pads: as little as reaches the last window, the odd one at the end."""
        stride = stride or size
        height, width, channels = self.last.shape
        pads, outs = [], []
        for length in (height, width):
            out = -(-length // stride) if same else (length - size) // stride + 1
            need = max(0, (out - 1) * stride + size - length) if same else 0
            pads.append((need // 2, need - need // 2))
            outs.append(out)
        window = {
            "stride_height": stride, "stride_width": stride, "pad_top": pads[0][0], "pad_bottom": pads[0][1],
            "pad_left": pads[1][0], "pad_right": pads[1][1], "pool_height": size, "pool_width": size,
        }  # fmt: skip
        out = (*outs, channels)
        entry = {"class_name": f"{kind}Pooling2D", "n_filt": channels, **window, **_sizes("in", self.last.shape),
                 **_sizes("out", out)}  # fmt: skip
        op = Op.MAX_POOL if kind == "Max" else Op.AVERAGE_POOL
        return self._add(name, op, out, (self.last.name,), entry, attributes={**window, "global": False})

    def merge(self, name: str, function: str, other: str) -> Chain:
        entry = {"class_name": "Merge", "op": function}
        return self._add(name, Op.MERGE, self.last.shape, (self.last.name, other), entry, function=function)

    def concatenate(self, name: str, other: str) -> Chain:
        mine, theirs = self.last.shape, next(node.shape for node in self.nodes if node.name == other)
        out = (*mine[:-1], mine[-1] + theirs[-1])
        entry = {"class_name": "Concatenate", "op": f"concatenate{len(out)}d", "axis": -1}
        return self._add(name, Op.CONCATENATE, out, (self.last.name, other), entry, attributes={"axis": len(out) - 1})

    def softmax(self, name: str) -> Chain:
        entry = {"class_name": "Softmax", "activation": "softmax", "axis": -1}
        return self._add(name, Op.SOFTMAX, self.last.shape, (self.last.name,), entry)

    def dense(self, name: str, weight: np.ndarray, bias: np.ndarray | None = None) -> Chain:
        entry = {"class_name": "Dense", "activation": "linear", "use_bias": bias is not None,
                 "n_in": weight.shape[0], "n_out": weight.shape[1]}  # fmt: skip
        arrays = {"weight": weight} | ({} if bias is None else {"bias": bias})
        return self._add(name, Op.DENSE, (weight.shape[1],), (self.last.name,), entry, arrays=arrays)


def _sizes(which: str, shape: tuple[int, ...]) -> dict[str, int]:
    return {f"{which}_height": shape[0], f"{which}_width": shape[1]}


def quantized(value: Fraction, to: FixedType) -> Fraction:
    """A real number as a quantizer gives it: to even at ties, saturated."""
    assert (to.rounding, to.overflow) == (Rounding.RND_CONV, Overflow.SAT)
    whole = round(value * Fraction(2) ** to.fraction)
    return Fraction(min(max(whole, to.min_int), to.max_int)) / Fraction(2) ** to.fraction


class Rational:
    """The numbers of real arithmetic."""

    dtype = object

    @staticmethod
    def number(value: Any) -> Fraction:
        return Fraction(value)

    @staticmethod
    def quantize(values: np.ndarray, to: FixedType) -> np.ndarray:
        return np.vectorize(lambda value: quantized(value, to), otypes=[object])(values)


class Float32:
    """The numbers of Keras."""

    dtype = np.float32
    number = np.float32

    @staticmethod
    def quantize(values: np.ndarray, to: FixedType) -> np.ndarray:
        # QKeras' quantized_bits: x + (q - x).
        steps = np.float32(2.0**to.fraction)
        rounded = np.clip(np.rint(values * steps), np.float32(to.min_int), np.float32(to.max_int)) / steps
        return values + (rounded - values)


def evaluate(network: Network, inputs: np.ndarray, numbers: type[Rational] | type[Float32]) -> dict[str, np.ndarray]:
    """Every node's output (samples, …) in the given arithmetic."""
    made = np.vectorize(numbers.number, otypes=[numbers.dtype])
    values: dict[str, np.ndarray] = {"x_in": made(inputs)}
    for node in network.nodes[1:]:
        xs = [values[name] for name in node.inputs]
        arrays = {role: made(array) for role, array in node.arrays.items()}
        values[node.name] = _output(node, xs, arrays, numbers)
        assert values[node.name].shape[1:] == node.shape, node.name
    return values


def _output(node: Node, xs: list[np.ndarray], arrays: dict[str, np.ndarray], numbers: Any) -> np.ndarray:
    x, number = xs[0], numbers.number
    match node.op:
        case Op.ACTIVATION if node.function == "leaky_relu":
            return np.where(x > 0, x, x * arrays["param"][0])
        case Op.PRELU:
            return np.where(x > 0, x, x * arrays["param"])
        case Op.ACTIVATION if node.function == "hard_sigmoid":
            half = number(0.5)
            cut = np.minimum(np.maximum(x * half + half, number(0)), number(1))
            return numbers.quantize(cut, node.declared["result"])
        case Op.ACTIVATION:
            x = np.maximum(x, number(0)) if node.function == "relu" else x
            return numbers.quantize(x, node.declared["result"]) if "result" in node.declared else x
        case Op.SCALE:
            return x * arrays["scale"] + arrays["bias"]
        case Op.PAD:
            by = node.attributes["pad_top"]
            return np.pad(x, ((0, 0), (by, by), (by, by), (0, 0)), constant_values=number(0))
        case Op.RESIZE:
            return x.repeat(2, axis=1).repeat(2, axis=2)
        case Op.RESHAPE:
            return x.reshape(len(x), *node.shape)
        case Op.MERGE:
            return _merged(node.function, xs[0], xs[1], number)
        case Op.CONCATENATE:
            return np.concatenate(xs, axis=-1)
        case Op.MAX_POOL | Op.AVERAGE_POOL:
            return _pooled(node, x, number)
        case Op.DENSE:
            out = x @ arrays["weight"]
            return out + arrays["bias"] if "bias" in arrays else out
    raise ValueError(node.op)


def _merged(function: str, a: np.ndarray, b: np.ndarray, number: Any) -> np.ndarray:
    match function:
        case "add":
            return a + b
        case "subtract":
            return a - b
        case "multiply":
            return a * b
        case "average":
            return (a + b) / number(2)
        case "maximum":
            return np.maximum(a, b)
    return np.minimum(a, b)


def _pooled(node: Node, x: np.ndarray, number: Any) -> np.ndarray:
    window = node.attributes
    out = np.empty((len(x), *node.shape), dtype=x.dtype)
    for row, column in product(range(node.shape[0]), range(node.shape[1])):
        top = row * window["stride_height"] - window["pad_top"]
        left = column * window["stride_width"] - window["pad_left"]
        rows = slice(max(top, 0), top + window["pool_height"])
        columns = slice(max(left, 0), left + window["pool_width"])
        part = x[:, rows, columns].reshape(len(x), -1, x.shape[-1])
        if node.op is Op.MAX_POOL:
            out[:, row, column] = part.max(axis=1)
        else:
            total = part[:, 0]
            for index in range(1, part.shape[1]):
                total = total + part[:, index]
            out[:, row, column] = total / number(part.shape[1])
    return out


def random_images(network: Network, samples: int, seed: int) -> np.ndarray:
    """Values of the input's type, (samples, …), its extremes, whole images of them and single pixels among them."""
    rng = np.random.default_rng(seed)
    type_, shape = network["x_in"].declared["result"], network["x_in"].shape
    integers = rng.integers(type_.min_int, type_.max_int + 1, (samples, *shape))
    ends = rng.choice([type_.min_int, type_.max_int, 0], (samples // 3, *shape))
    integers[: len(ends)] = ends
    integers[0], integers[1] = type_.min_int, type_.max_int
    return integers * type_.lsb
