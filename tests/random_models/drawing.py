"""A recipe of a seed, over the classes, quantizers, merges, poolings and heads of the allow-list, refused ones too."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from random_models.recipe import Building, LayerWords, Recipe

INPUTS = ("fixed<8,3>", "ufixed<8,0>", "fixed<4,2>", "ufixed<1,1>", "fixed<12,4>", "ufixed<6,6>", "fixed<16,6>")
MERGES = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate")
# By the axes of what they read.
PRODUCTS = {
    1: ("QDense", "QDense", "QDense", "Dense"),
    2: ("QConv1D", "QConv1D", "QDense", "Conv1D", "QSeparableConv1D", "SeparableConv1D", "Dense",
        "DepthwiseConv1D", "Conv1DTranspose"),
    3: ("QConv2D", "QConv2D", "QConv2DBatchnorm", "QDepthwiseConv2D", "QSeparableConv2D", "Conv2D", "QDense",
        "DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose"),
}  # fmt: skip
SHAPES = {
    1: ("Reshape",),
    2: ("Flatten", "ZeroPadding1D", "UpSampling1D", "Permute", "Reshape"),
    3: ("Flatten", "Flatten", "ZeroPadding2D", "UpSampling2D", "Permute", "Reshape"),
}
SIGNS = ("binary(alpha=1)", "ternary(alpha=1)", "binary()", "ternary()")
KERNEL_SIGNS = (
    *SIGNS, "binary(alpha='auto_po2')", "ternary(alpha='auto_po2')", "ternary(alpha=1,threshold=0.2)",
    "binary(alpha='auto')", "ternary(alpha='auto')",
    "stochastic_ternary(alpha=1)", "stochastic_binary(alpha=1)",
)  # fmt: skip
KERNEL_MORE = (
    *(",alpha=1",) * 5, "", ",alpha='auto'", ",alpha='auto_po2'", ",alpha=0.5", ",alpha=4", ",1,alpha=1",
    ",keep_negative=False,alpha=1",
)  # fmt: skip
# Activations that are made of several functions of hls4ml.
FUNCTIONS = ("binary_tanh", "binary_sigmoid", "hard_tanh", "hard_sigmoid", "smooth_tanh", "smooth_sigmoid")
MORE_SIGNS = ("binary(use_01=True,alpha=1)", "binary(alpha=0.5)", "ternary(alpha=2)", "quantized_bits(1,0,alpha=1)")
RELU_MORE = (
    *("",) * 6, ",relu_upper_bound=1.5", ",negative_slope=0.25", ",negative_slope=0.0625", ",use_sigmoid=1",
    ",relu_upper_bound=1.25,is_quantized_clip=False",
)  # fmt: skip
HEADS = ("softmax", "softmax", "softmax", "sigmoid", "tanh", "softplus", "softsign", "elu", "selu")
# No layer reads more values: what is to be simulated 2,000 times is small.
MOST_VALUES = 400


@dataclass(kw_only=True)
class Drawing:
    """What was drawn so far; Keras itself tells the shapes."""

    rng: np.random.Generator
    building: Building = field(default_factory=Building)
    layers: list[LayerWords] = field(default_factory=list)

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def one(self, choices: Any) -> Any:
        return choices[int(self.rng.integers(len(choices)))]

    def shape(self, name: str) -> tuple[int, ...]:
        return tuple(int(size) for size in self.building.tensors[name].shape[1:])

    def layer(self, class_name: str, *reads: str, **settings: Any) -> str:
        """The name of a new layer."""
        layer = LayerWords(
            name=f"{class_name.lower()}_{len(self.layers) + 1}", class_name=class_name, settings=settings, reads=reads
        )
        self.building.add(layer)
        self.layers.append(layer)
        return layer.name

    def bits(self) -> tuple[int, int]:
        bits = int(self.rng.integers(1, 9) if self.chance(0.8) else self.rng.integers(9, 17))
        most = bits + 3 if self.chance(0.05) else max(1, min(bits, 4))
        return bits, int(self.rng.integers(0, most))

    def kernel(self) -> str | None:
        bits, integer = self.bits()
        share = self.rng.random()
        if bits == 1 or share < 0.12:
            return str(self.one(KERNEL_SIGNS))
        if share < 0.2:
            return f"quantized_po2({min(bits, 4)}{self.one(('', ',2', ',0.5'))})"
        if share < 0.24:
            return None if self.chance(0.5) else f"quantized_relu({bits},{integer})"
        more = self.one(KERNEL_MORE)
        return f"quantized_bits({bits},{integer}{more})"

    def bias(self) -> str | None:
        if self.chance(0.75):
            return f"quantized_bits({self.rng.integers(2, 10)},{self.rng.integers(0, 3)},alpha=1)"
        return self.kernel()

    def quantizer(self) -> str:
        """Of an activation."""
        bits, integer = self.bits()
        if self.chance(0.55):
            return f"quantized_relu({bits},{integer}{self.one(RELU_MORE)})"
        if self.chance(0.15):
            symmetric = f"quantized_sigmoid({bits},symmetric=True)"
            return str(self.one((*FUNCTIONS, *MORE_SIGNS, symmetric, f"quantized_bits({bits},{integer},alpha=0.5)")))
        if self.chance(0.3):
            more = self.one(("", "", ",symmetric=True"))
            tanh, sigmoid = f"quantized_tanh({bits}{more})", f"quantized_sigmoid({bits})"
            return str(self.one((*SIGNS, "ternary(alpha=1,threshold=0.7)", tanh, tanh, sigmoid)))
        more = self.one((",alpha=1",) * 4 + ("", ",1,alpha=1", ",keep_negative=False"))
        return f"quantized_bits({bits},{integer}{more})"

    def product(self, x: str) -> str:
        shape = self.shape(x)
        class_name = self.one(PRODUCTS[len(shape)])
        kind = class_name.removeprefix("Q")
        settings: dict[str, Any] = {"use_bias": kind == "Conv2DBatchnorm" or self.chance(0.7)}
        if kind == "Dense":
            settings["units"] = self.one((1, 2, 3, 5))
        else:
            settings |= self.window(kind, shape)
        if class_name.startswith("Q"):
            two = {"DepthwiseConv2D": ("depthwise",), "SeparableConv1D": ("depthwise", "pointwise"),
                   "SeparableConv2D": ("depthwise", "pointwise")}  # fmt: skip
            settings |= {f"{role}_quantizer": self.kernel() for role in two.get(kind, ("kernel",))}
            settings["bias_quantizer"] = self.bias()
            if self.chance(0.15):
                settings["activation"] = self.quantizer()
        elif self.chance(0.2):
            settings["activation"] = "relu"
        return self.layer(class_name, x, **settings)

    def window(self, kind: str, shape: tuple[int, ...]) -> dict[str, Any]:
        axes = shape[:-1]
        padding = self.one(("valid", "same", "causal") if kind == "Conv1D" else ("valid", "same"))
        most = [3 if padding != "valid" else min(3, size) for size in axes]
        sizes = [1 if self.chance(0.2) else int(self.rng.integers(1, size + 1)) for size in most]
        strides = [self.one((1, 1, 2, 3)) for _ in axes]
        if kind in ("DepthwiseConv2D", "SeparableConv2D"):
            # TensorFlow has no others.
            strides = [strides[0]] * len(axes)
        found = {"kernel_size": tuple(sizes), "strides": tuple(strides), "padding": padding}
        if "Transpose" not in kind and self.chance(0.15):
            # Nor a stride with a dilation.
            reach = [(size - 1) // (kernel - 1) if kernel > 1 else 2 for size, kernel in zip(axes, sizes, strict=True)]
            rate = 2 if padding != "valid" or min(reach) > 1 else 1
            found |= {"dilation_rate": (rate,) * len(axes), "strides": (1,) * len(axes)}
        if kind.startswith(("Depthwise", "Separable")) and self.chance(0.2):
            found["depth_multiplier"] = 2
        if kind.startswith("Depthwise"):
            return found
        groups = [size for size in (1, 1, 1, 2, 4) if shape[-1] % size == 0]
        groups = self.one(groups) if kind in ("Conv1D", "Conv2D") else 1
        return {**found, "filters": self.one((1, 2, 4)) * groups, **({"groups": groups} if groups > 1 else {})}

    def activation(self, x: str) -> str:
        if self.chance(0.75):
            return self.layer("QActivation", x, activation=self.quantizer())
        class_name = self.one(("ReLU", "Activation", "LeakyReLU", "PReLU", "Dropout", "ThresholdedReLU"))
        more = {
            "Activation": {"activation": self.one(("relu", "relu", "linear"))},
            "ReLU": self.one(
                ({}, {}, {"max_value": 1.5}, {"max_value": 2.0, "negative_slope": 0.25}, {"threshold": 0.7})
            ),
            "ThresholdedReLU": {"theta": self.one((0.0, 0.5, 1.3))},
            "LeakyReLU": {"alpha": self.one((0.25, 0.5, 0.125))},
            "Dropout": {"rate": 0.5},
        }
        return self.layer(class_name, x, **more.get(class_name, {}))

    def norm(self, x: str) -> str:
        if self.chance(0.2):
            return self.layer("QBatchNormalization", x)
        return self.layer("BatchNormalization", x, scale=self.chance(0.8), center=self.chance(0.8))

    def pooling(self, x: str) -> str:
        axes = self.shape(x)[:-1]
        kind = self.one(("Max", "Average"))
        if self.chance(0.25):
            return self.layer(f"Global{kind}Pooling{len(axes)}D", x)
        if len(axes) == 2 and self.chance(0.15):
            return self.mean(x)
        settings = {
            "pool_size": tuple(min(self.one((1, 2, 2, 3)), size) for size in axes),
            "padding": self.one(("valid", "valid", "same")),
            "strides": self.one((None, None, (1,) * len(axes), (2,) * len(axes))),
        }
        return self.layer(f"{kind}Pooling{len(axes)}D", x, **settings)

    def mean(self, x: str) -> str:
        settings = {
            "average_quantizer": self.one((None, "quantized_bits(4,0,alpha=1)")),
            "activation": self.quantizer(),
        }
        if self.chance(0.5):
            return self.layer("QGlobalAveragePooling2D", x, **settings)
        size = tuple(min(2, size) for size in self.shape(x)[:-1])
        return self.layer("QAveragePooling2D", x, pool_size=size, **settings)

    def moved(self, x: str) -> str:
        shape = self.shape(x)
        class_name = self.one(SHAPES[len(shape)])
        match class_name:
            case "Flatten":
                return self.layer(class_name, x)
            case "Reshape":
                size = prod(shape)
                first = self.one([part for part in range(1, 5) if size % part == 0])
                second = self.one([part for part in range(1, 5) if size // first % part == 0])
                target = self.one(((first, size // first), (first, second, size // first // second), (-1, first)))
                return self.layer(class_name, x, target_shape=target)
            case "Permute":
                return self.layer(class_name, x, dims=tuple(int(axis) + 1 for axis in self.rng.permutation(len(shape))))
            case "ZeroPadding1D":
                return self.layer(class_name, x, padding=self.one((1, (0, 2))))
            case "ZeroPadding2D":
                return self.layer(class_name, x, padding=self.one((1, ((0, 1), (2, 0)))))
        return self.layer(class_name, x, size=2 if class_name == "UpSampling1D" else self.one((2, (1, 2), (3, 1))))

    def merge(self, x: str, ends: list[str]) -> str:
        shape = self.shape(x)
        alike = [end for end in ends if self.shape(end) == shape and end != x]
        joined = [end for end in ends if self.shape(end)[:-1] == shape[:-1] and self.shape(end) != shape]
        if joined and self.chance(0.4):
            return self.layer("Concatenate", x, self.one(joined))
        below = [end for end in ends if self.shape(end)[1:] == shape[1:] and end != x]
        if below and len(shape) > 1 and self.chance(0.4):
            return self.layer("Concatenate", x, *(self.one(below) for _ in range(self.one((1, 1, 2)))), axis=1)
        other = self.one(alike) if alike else self.activation(x)
        return self.layer(self.one(MERGES), x, other)

    def step(self, x: str, ends: list[str]) -> str:
        share = self.rng.random()
        if share < 0.4:
            x = self.product(x)
            return self.activation(x) if self.chance(0.6) else x
        if share < 0.55:
            return self.activation(x)
        if share < 0.67:
            return self.norm(x)
        if share < 0.8 and len(self.shape(x)) > 1:
            return self.pooling(x)
        return self.moved(x) if share < 0.9 else self.merge(x, ends)

    def head(self, x: str) -> str:
        function = self.one(HEADS)
        if function == "softmax" and self.chance(0.3):
            return self.layer("Softmax", x)
        if self.chance(0.4):
            settings = {"kernel_quantizer": self.kernel(), "bias_quantizer": self.bias(), "activation": function}
            return self.layer("QDense", x, units=self.one((1, 2, 5)), **settings)
        return self.layer("Activation", x, activation=function)

    def config(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "backend": self.one(("Vitis", "Vivado")), "io_type": self.one(("io_parallel", "io_stream")), "layers": {}
        }  # fmt: skip
        if self.chance(0.2):
            found |= {"strategy": "resource", "reuse_factor": self.one((1, 1, 2, 3))}
        for layer in self.layers:
            if layer.class_name.removeprefix("Q") in ("Dense", "Conv1D", "Conv2D") and self.chance(0.15):
                strategy, reuse = self.one(("latency", "resource")), self.one((1, 2, 3, 4, 6))
                found["layers"][layer.name] = {"strategy": strategy, "reuse_factor": reuse}
        return found


def drawn(seed: int) -> Recipe:
    """The recipe of a seed. Raises what Keras raises where it cannot build one of the layers."""
    drawing = Drawing(rng=np.random.default_rng(seed))
    rank = int(drawing.rng.choice([1, 2, 3], p=[0.35, 0.25, 0.4]))
    shape = (*map(int, drawing.rng.integers(1, 7, rank - 1)), int(drawing.rng.integers(1, 5)))
    inputs = {f"x{index}": (drawing.one(INPUTS), shape) for index in range(2 if drawing.chance(0.15) else 1)}
    for name in inputs:
        drawing.building.open(name, shape)
    ends = list(inputs)
    x = drawing.merge("x0", ends) if len(inputs) > 1 else drawing.step("x0", ends)
    for _ in range(int(drawing.rng.integers(0, 7))):
        ends.append(x)
        if prod(drawing.shape(x)) > MOST_VALUES:
            break
        x = drawing.step(drawing.one(ends) if drawing.chance(0.1) else x, ends)
    outputs = [drawing.head(x) if drawing.chance(0.15) else x]
    if drawing.chance(0.15):
        outputs.append(drawing.one([layer.name for layer in drawing.layers]))
    made = Recipe(
        seed=seed, inputs=inputs, layers=tuple(drawing.layers), outputs=tuple(dict.fromkeys(outputs)),
        config=drawing.config(),
    )  # fmt: skip
    return made.reached()
