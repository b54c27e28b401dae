"""Every construct of the measured table (`fidelity.csv`), as a small Keras model, with what hlsflow does with it.

`EXACT`: converted, and equal on every output in every backend and io type (`streams=False`: io_stream is refused).
`BOUNDED`: nothing equals it, a configuration with a bounded gate converts it. Otherwise the words that the refusal must
hold. `KERAS` marks what QKeras itself cannot build under this TensorFlow. Under Keras 3 with qkeras-v3 they are the
same, but for `UNDER_KERAS_3`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from hlsflow.frontends.keras.needs import KERAS_3

EXACT = "exact"
BOUNDED = "bounded"
KERAS = "keras"

# Inputs and quantizers of the surroundings: what stands around the construct under test.
INPUT_TYPE = "fixed<8,3>"
KERNEL = "quantized_bits(6,1,alpha=1)"
BIAS = "quantized_bits(8,2,alpha=1)"


@dataclass(frozen=True)
class Construct:
    """A construct: its name in the table, the function that builds its model, and the expectation."""

    name: str
    build: Callable[[], Any]
    expected: str = EXACT
    streams: bool | str = True


def _layers():
    from tensorflow import keras

    return keras.layers


def _q():
    import qkeras

    return qkeras


def _input(*shape: int, name: str = "x_in"):
    from tensorflow import keras

    return keras.Input(shape, name=name)


def _model(inputs, outputs):
    from tensorflow import keras

    return keras.Model(inputs, outputs, name="construct")


def _qdense(units: int, name: str, **more):
    options = {"kernel_quantizer": KERNEL, "bias_quantizer": BIAS, **more}
    return _q().QDense(units, name=name, **options)


def _qconv(filters: int, name: str, kernel=3, **more):
    options = {"kernel_quantizer": KERNEL, "bias_quantizer": BIAS, **more}
    return _q().QConv2D(filters, kernel, name=name, **options)


def _qconv1d(filters: int, name: str, kernel=3, **more):
    return _q().QConv1D(filters, kernel, kernel_quantizer=KERNEL, bias_quantizer=BIAS, name=name, **more)


def _grid_layer(class_name: str, *sizes, **more):
    """A layer of Keras without quantizers; `randomized` puts its weights on a grid."""
    return getattr(_layers(), class_name)(*sizes, name="on_grid", **more)


def _qmean(size: int, **more):
    return _q().QAveragePooling2D(size, average_quantizer="quantized_bits(5,0,alpha=1)", name="pool", **more)


def _separable2d(**more):
    quantizers = {"depthwise_quantizer": KERNEL, "pointwise_quantizer": KERNEL, "bias_quantizer": BIAS}
    return _q().QSeparableConv2D(4, 2, name="sep", **quantizers, **more)


def _after():
    return _act("quantized_relu(8,3)", "after")


def concat_of(*shapes: tuple[int, ...], axis: int) -> Callable[[], Any]:
    def build():
        inputs = [_input(*shape, name=f"x{index}") for index, shape in enumerate(shapes)]
        parts = [_act(f"quantized_relu({4 + index},1)", f"a{index}")(x) for index, x in enumerate(inputs)]
        return _model(inputs, _relu8()(_layers().Concatenate(axis, name="merge")(parts)))

    return build


def _act(quantizer: str, name: str):
    return _q().QActivation(quantizer, name=name)


def activation(quantizer: str) -> Callable[[], Any]:
    def build():
        x = _input(16)
        y = _act(quantizer, "act")(_qdense(12, "d1")(x))
        return _model(x, _qdense(5, "d2")(y))

    return build


def kernel(quantizer: str | None) -> Callable[[], Any]:
    def build():
        x = _input(16)
        y = _act("quantized_relu(8,4)", "act")(_qdense(12, "d1", kernel_quantizer=quantizer)(x))
        return _model(x, _qdense(5, "d2")(y))

    return build


def bias(quantizer: str | None) -> Callable[[], Any]:
    def build():
        x = _input(16)
        y = _act("quantized_relu(8,4)", "act")(_qdense(12, "d1", bias_quantizer=quantizer)(x))
        return _model(x, _qdense(5, "d2")(y))

    return build


def conv(*after: Callable[[], Any], first: Callable[[], Any] | None = None, shape=(8, 8, 3)) -> Callable[[], Any]:
    """conv - the layers made by `after` - flatten - dense."""

    def build():
        x = _input(*shape)
        y = first()(x) if first else _qconv(6, "c1")(x)
        for make in after or (lambda: _act("quantized_relu(8,4)", "act"),):
            y = make()(y)
        if len(y.shape) > 2:
            y = _layers().Flatten(name="flat")(y)
        return _model(x, _qdense(5, "d2")(y))

    return build


def _relu8() -> Any:
    return _act("quantized_relu(8,4)", "act")


def in_quant() -> Any:
    x = _input(16)
    return _model(x, _qdense(5, "d2")(_relu8()(_qdense(12, "d1")(_act("quantized_bits(6,2,alpha=1)", "inq")(x)))))


def two_quantizers() -> Any:
    x = _input(16)
    y = _act("quantized_bits(8,4,alpha=1)", "a1")(_qdense(12, "d1")(x))
    return _model(x, _qdense(5, "d2")(_act("quantized_bits(5,2,alpha=1)", "a2")(y)))


def inline(activation_: str) -> Callable[[], Any]:
    def build():
        x = _input(16)
        return _model(x, _qdense(5, "d2")(_qdense(12, "d1", activation=activation_)(x)))

    return build


def final(quantizer: str) -> Callable[[], Any]:
    def build():
        x = _input(16)
        return _model(x, _act(quantizer, "act")(_qdense(12, "d1")(x)))

    return build


def no_bias() -> Any:
    x = _input(16)
    return _model(x, _qdense(5, "d2")(_relu8()(_qdense(12, "d1", use_bias=False)(x))))


def batch_norm(*, after_act: bool = False, act: str = "quantized_relu(8,4)", norm: str = "plain") -> Callable[[], Any]:
    def build():
        x = _input(16)
        y = _qdense(12, "d1")(x)
        if after_act:
            y = _act("quantized_relu(6,3)", "a0")(y)
        if norm == "plain":
            y = _layers().BatchNormalization(name="bn")(y)
        elif norm == "po2None":
            y = _q().QBatchNormalization(mean_quantizer=None, variance_quantizer=None, name="bn")(y)
        else:
            y = _q().QBatchNormalization(name="bn")(y)
        return _model(x, _qdense(5, "d2")(_act(act, "act")(y)))

    return build


def conv1d(padding: str = "valid") -> Callable[[], Any]:
    def build():
        x = _input(10, 3)
        y = _q().QConv1D(6, 3, padding=padding, kernel_quantizer=KERNEL, bias_quantizer=BIAS, name="c1")(x)
        return _model(x, _qdense(5, "d2")(_layers().Flatten(name="flat")(_relu8()(y))))

    return build


def depthwise(quantizer: str = KERNEL, **more: Any) -> Callable[[], Any]:
    return conv(
        first=lambda: _q().QDepthwiseConv2D(3, depthwise_quantizer=quantizer, bias_quantizer=BIAS, name="c1", **more)
    )


def separable() -> Any:
    return conv(
        first=lambda: _q().QSeparableConv2D(
            6, 3, depthwise_quantizer=KERNEL, pointwise_quantizer=KERNEL, bias_quantizer=BIAS, name="c1"
        )
    )()


def _norm(**more: Any) -> Any:
    return _layers().BatchNormalization(name="bn", **more)


def norm_read_twice() -> Any:
    """A batch normalization with two quantizers, one of them behind a ReLU and a pooling."""
    x = _input(8, 8, 3)
    y = _norm()(_qconv(6, "c1")(x))
    pooled = _layers().MaxPooling2D(2, name="pool")(_layers().ReLU(name="relu")(y))
    a = _layers().Flatten(name="flat1")(_act("quantized_bits(5,2,alpha=1)", "a1")(pooled))
    b = _layers().Flatten(name="flat2")(_act("quantized_relu(6,3)", "a2")(y))
    return _model(x, _qdense(5, "d1")(_layers().Concatenate(name="merge")([a, b])))


def norm_maximum() -> Any:
    x = _input(16)
    y, z = _norm()(_qdense(12, "d1")(x)), _qdense(12, "d2")(x)
    return _model(x, _qdense(5, "d3")(_relu8()(_layers().Maximum(name="merge")([y, z]))))


def norm_twice() -> Any:
    x = _input(16)
    y = _relu8()(_norm_of("bn2")(_qdense(12, "d2")(_norm()(_qdense(12, "d1")(x)))))
    return _model(x, _qdense(5, "d3")(y))


def norm_added() -> Any:
    x = _input(16)
    y, z = _norm()(_qdense(12, "d1")(x)), _norm_of("bn2")(_qdense(12, "d2")(x))
    return _model(x, _qdense(5, "d3")(_relu8()(_layers().Add(name="merge")([y, z]))))


def _norm_of(name: str) -> Any:
    return _layers().BatchNormalization(name=name)


def conv_bn_fold(mode: str, **more: Any) -> Callable[[], Any]:
    return conv(
        first=lambda: _q().QConv2DBatchnorm(
            6, 3, kernel_quantizer=KERNEL, bias_quantizer=BIAS, folding_mode=mode, name="c1", **more
        )
    )


def dense_3d() -> Any:
    x = _input(7, 6)
    y = _relu8()(_qdense(4, "d1")(x))
    return _model(x, _qdense(5, "d2")(_layers().Flatten(name="flat")(y)))


def residual(quantizer: str, merge: str = "Add") -> Callable[[], Any]:
    def build():
        x = _input(16)
        a = _act(quantizer, "a1")(_qdense(12, "d1")(x))
        b = _act(quantizer, "a2")(_qdense(12, "d2")(a))
        return _model(x, _qdense(5, "d3")(getattr(_layers(), merge)(name="merge")([a, b])))

    return build


def fork() -> Any:
    x = _input(16)
    y = _qdense(12, "d1")(x)
    a = _act("quantized_bits(8,4,alpha=1)", "a1")(y)
    b = _act("quantized_bits(5,2,alpha=1)", "a2")(y)
    return _model(x, _layers().Add(name="merge")([_qdense(5, "d2")(a), _qdense(5, "d3")(b)]))


def concat() -> Any:
    x = _input(16)
    a = _act("quantized_relu(8,4)", "a1")(_qdense(6, "d1")(x))
    b = _act("quantized_relu(5,1)", "a2")(_qdense(4, "d2")(x))
    return _model(x, _qdense(5, "d3")(_layers().Concatenate(name="merge")([a, b])))


def many_merged(merge: str, count: int) -> Callable[[], Any]:
    def build() -> Any:
        x = _input(16)
        branches = [_act("quantized_relu(8,4)", f"a{i}")(_qdense(6, f"d{i}")(x)) for i in range(count)]
        return _model(x, _qdense(5, "d9")(getattr(_layers(), merge)(name="merge")(branches)))

    return build


def merged_inline(merge: str) -> Callable[[], Any]:
    def build() -> Any:
        x = _input(16)
        own = ("quantized_relu(5,2)", "relu", "quantized_relu(6,2,negative_slope=0.25)")
        branches = [_qdense(6, f"d{index}", activation=text) for index, text in enumerate(own)]
        return _model(x, _qdense(5, "d9")(getattr(_layers(), merge)(name="merge")([branch(x) for branch in branches])))

    return build


def images_below() -> Any:
    x = _input(4, 5, 3)
    y = _layers().Concatenate(axis=1, name="merge")([_act("quantized_relu(4,2)", f"a{index}")(x) for index in range(3)])
    y = _relu8()(_qconv(3, "c1", padding="same", strides=2)(y))
    return _model(x, _qdense(5, "d2")(_layers().Flatten(name="flat")(y)))


def shared() -> Any:
    x = _input(16)
    layer = _qdense(16, "d1")
    y = layer(_act("quantized_relu(8,4)", "a1")(layer(x)))
    return _model(x, _qdense(5, "d2")(_act("quantized_relu(8,4)", "a2")(y)))


def two_outputs() -> Any:
    x = _input(16)
    y = _relu8()(_qdense(12, "d1")(x))
    return _model(x, [_qdense(5, "d2")(y), _qdense(3, "d3")(y)])


def intermediate_output() -> Any:
    x = _input(16)
    y = _relu8()(_qdense(12, "d1")(x))
    return _model(x, [y, _qdense(5, "d2")(y)])


def two_inputs() -> Any:
    a, b = _input(16, name="xa"), _input(16, name="xb")
    y = _layers().Add(name="merge")(
        [_relu8()(_qdense(12, "d1")(a)), _act("quantized_relu(6,2)", "a2")(_qdense(12, "d2")(b))]
    )
    return _model([a, b], _qdense(5, "d3")(y))


def nested() -> Any:
    from tensorflow import keras

    x = _input(16)
    inner_in = _input(16, name="inner_in")
    inner = keras.Model(inner_in, _relu8()(_qdense(12, "d1")(inner_in)), name="inner")
    return _model(x, _qdense(5, "d2")(inner(x)))


def float_act(make: Callable[[], Any]) -> Callable[[], Any]:
    def build():
        x = _input(16)
        y = make()(_qdense(12, "d1")(x))
        return _model(x, _qdense(5, "d2")(_act("quantized_bits(8,4,alpha=1)", "act")(y)))

    return build


def _relu_above(threshold: float, most: float | None) -> Any:
    return _layers().ReLU(most, threshold=threshold, name="r")


def _activation(function: str) -> Any:
    return _layers().Activation(function, name="a")


def leaky_then_norm() -> Any:
    x = _input(16)
    y = _norm()(_act("quantized_relu(6,2,negative_slope=0.25)", "leaky")(_qdense(12, "d1")(x)))
    return _model(x, _qdense(5, "d2")(_relu8()(y)))


def functions_within_layers() -> Any:
    x = _input(16)
    y = _qdense(8, "d1", activation=_q().quantizers.hard_tanh)(x)
    y = _qdense(8, "d2", activation="quantized_relu(6,2,negative_slope=0.25)")(y)
    return _model(x, _qdense(5, "d3", activation="binary_tanh")(y))


def activations_at_the_end() -> Any:
    x = _input(16)
    texts = ("quantized_relu(6,2,negative_slope=0.25)", "binary_tanh", "hard_sigmoid", "quantized_relu(6,2,1)")
    ends = [_act(text, f"end{index}")(_qdense(4, f"d{index}")(x)) for index, text in enumerate(texts)]
    return _model(x, [*ends, _act("quantized_sigmoid(5,symmetric=True)", "end")(x)])


def float_dense() -> Any:
    x = _input(16)
    y = _act("quantized_relu(8,4)", "a1")(_layers().Dense(12, name="d1")(x))
    return _model(x, _act("quantized_bits(8,4,alpha=1)", "act")(_layers().Dense(5, name="d2")(y)))


def float_dense_open() -> Any:
    x = _input(16)
    return _model(x, _layers().Dense(5, name="d2")(_layers().Dense(12, activation="relu", name="d1")(x)))


def dropout_flatten_permute() -> Any:
    x = _input(5, 4)
    y = _layers().Permute((2, 1), name="swap")(x)
    y = _layers().Dropout(0.3, name="drop")(_layers().Flatten(name="flat")(y))
    return _model(x, _qdense(5, "d2")(y))


def permute_3d() -> Any:
    x = _input(4, 3, 2)
    y = _layers().Flatten(name="flat")(_layers().Permute((3, 1, 2), name="swap")(x))
    return _model(x, _qdense(5, "d2")(y))


def reshape() -> Any:
    x = _input(48)
    y = _relu8()(_qconv(4, "c1")(_layers().Reshape((4, 4, 3), name="shape")(x)))
    return _model(x, _qdense(5, "d2")(_layers().Flatten(name="flat")(y)))


def recurrent(kind: str) -> Callable[[], Any]:
    def build():
        x = _input(6, 4)
        return _model(x, _qdense(5, "d2")(getattr(_q(), kind)(4, name="rnn")(x)))

    return build


def softmax_end() -> Any:
    x = _input(16)
    y = _qdense(5, "d2")(_relu8()(_qdense(12, "d1")(x)))
    return _model(x, _layers().Activation("softmax", name="probabilities")(y))


def what_does_nothing() -> Any:
    """Layers that compute nothing, in the middle, at the end and as outputs, behind plain and inline activations."""
    x = _input(3, 4)
    y = _layers().UpSampling1D(1, name="once")(_layers().Permute((1, 2), name="same")(x))
    y = _layers().Dropout(0.3, name="drop1")(_qdense(3, "d1", activation="quantized_bits(6,2,alpha=1)")(y))
    y = _layers().MaxPooling1D(1, name="one")(_layers().Reshape((3, 3), name="stay")(y))
    middle = _layers().Activation("linear", name="line")(_layers().Dropout(0.3, name="drop2")(y))
    twice = _act("quantized_relu(4,2)", "act2")(_act("quantized_relu(4,2)", "act")(middle))
    flat = _layers().Flatten(name="flat")(_act("quantized_bits(4,1,alpha=1)", "a3")(twice))
    return _model(x, [middle, _layers().Dropout(0.3, name="drop3")(_qdense(2, "d2")(flat)), flat])


def behind_flatten() -> Any:
    """What does not gather the packs of a flattened image, and a dense layer beside it, which does."""
    x = _input(3, 2, 4)
    flat = _layers().Flatten(name="flat")(x)
    relu = _layers().ReLU(name="relu")(flat)
    norm = _layers().BatchNormalization(name="bn")(_layers().Flatten(name="flat2")(x))
    both = _act("quantized_bits(6,2,alpha=1)", "both")(_layers().Add(name="merge")([relu, norm]))
    again = _relu8()(_layers().Reshape((6, 4), name="again")(_layers().Flatten(name="flat3")(x)))
    return _model(x, [_layers().LeakyReLU(0.25, name="leaky")(relu), both, _qdense(3, "d1")(flat), again])


def ternary_twice() -> Any:
    x = _input(4, 4, 2)
    y = _act("ternary(alpha=1)", "t2")(_act("ternary(alpha=1)", "t1")(x))
    y = _act("ternary(threshold=0.25)", "t3")(_layers().MaxPooling2D(2, name="pool")(y))
    return _model(x, _qdense(3, "d1")(_layers().Flatten(name="flat")(y)))


def reshape_rest() -> Any:
    """Target shapes with a -1, what counts on with them, and a reshape behind a reshape."""
    x = _input(3, 4)
    y = _qdense(8, "d1")(_layers().Reshape((-1,), name="flat")(x))
    y = _relu8()(_qconv(2, "c1", kernel=2)(_layers().Reshape((-1, 2, 2), name="image")(y)))
    y = _layers().Flatten(name="flat2")(_layers().Reshape((1, -1), name="row")(y))
    return _model(x, _qdense(3, "d2")(y))


def reshaped_twice() -> Any:
    """A third one that gives back the first shape, and the second as an output that is read, too."""
    x = _input(2, 6)
    first = _layers().Reshape((3, 4), name="first")(_act("quantized_relu(4,2)", "a")(x))
    second = _layers().Reshape((6, 2), name="second")(first)
    back = _layers().Reshape((2, 6), name="back")(_layers().Reshape((12,), name="flat")(_relu8()(second)))
    return _model(x, [second, _layers().LeakyReLU(0.5, name="leaky")(back), _layers().Softmax(name="s")(second)])


def padded_branches() -> Any:
    """Paddings of one-dimensional convolutions of one input, with strides that leave something over."""
    x = _input(8, 2)
    options = {"kernel_quantizer": KERNEL, "bias_quantizer": BIAS}
    causal = [
        _q().QConv1D(2, kernel, strides=stride, padding="causal", name=f"c{kernel}s{stride}", **options)(x)
        for kernel, stride in ((3, 3), (3, 2), (2, 1))
    ]
    same = _q().QConv1D(2, 3, strides=2, padding="same", name="same", **options)(x)
    separable = _q().QSeparableConv1D(
        2, 3, padding="same", depthwise_quantizer=KERNEL, pointwise_quantizer=KERNEL, bias_quantizer=BIAS, name="sep"
    )(x)
    return _model(x, [*causal, same, separable])


def softmax_layers() -> Any:
    """A layer of the class Softmax, behind the two values of `binary`, and a softmax within a dense layer."""
    x = _input(16)
    y = _act("binary(alpha=1)", "sign")(_qdense(5, "d1")(x))
    return _model(x, [_layers().Softmax(name="first")(y), _qdense(3, "d2", activation="softmax")(x)])


def of_input(*layers: Callable[[], Any], shape=(3, 4)) -> Callable[[], Any]:
    """The layers made by `layers`, one behind the other."""

    def build():
        x = y = _input(*shape)
        for make in layers:
            y = make()(y)
        return _model(x, y)

    return build


def output_twice() -> Any:
    x = _input(16)
    y = _relu8()(_qdense(6, "d1")(x))
    return _model(x, [y, _layers().Dropout(0.3, name="drop")(y)])


def both_depthwise() -> Any:
    x = _input(4, 4, 2)
    options = {"depthwise_quantizer": KERNEL, "pointwise_quantizer": KERNEL, "bias_quantizer": BIAS}
    y = _layers().Reshape((9, 2), name="line")(_relu8()(_q().QSeparableConv2D(2, 2, name="s2", **options)(x)))
    return _model(x, _q().QSeparableConv1D(2, 2, name="s1", **options)(y))


def concat_four_axes() -> Any:
    x = _input(2, 2, 2, 2)
    return _model(x, _layers().Concatenate(name="merge")([_relu8()(x), _act("quantized_relu(4,1)", "a2")(x)]))


def _clip() -> Any:
    """One whose bound `get_config` does not tell from that of its type."""
    return _q().quantized_relu(8, 4, relu_upper_bound=1.25, is_quantized_clip=False)


def clipped_relu(bound: float, **more: Any) -> Callable[[], Any]:
    def build():
        q = _q().quantized_relu(8, 4, relu_upper_bound=bound, is_quantized_clip=False, **more)
        return activation(q)()

    return build


def padded_pool() -> Any:
    return conv(
        lambda: _act("quantized_bits(8,4,alpha=1)", "act"),
        lambda: _layers().MaxPooling2D(4, padding="same", name="pool"),
    )()


def _padded_maximum() -> Any:
    return _layers().MaxPooling2D(5, strides=3, padding="same", name="pool")


def table_heads() -> Any:
    """A sigmoid of its own, and a tanh and a sigmoid within dense layers, the last of coarse values."""
    x = _input(16)
    y = _relu8()(_qdense(12, "d1")(x))
    sigmoid = _layers().Activation("sigmoid", name="s")(_qdense(3, "d2")(y))
    coarse = _act("quantized_bits(6,5,alpha=1)", "whole")(_qdense(3, "d4")(y))
    last = _layers().Activation("tanh", name="t")(coarse)
    return _model(x, [sigmoid, _qdense(4, "d3", activation="tanh")(y), last])


def more_tables() -> Any:
    """The other functions of single values that hls4ml has tables of, at the end, and an ELU as a layer of its own."""
    x = _input(16)
    y = _relu8()(_qdense(12, "d1")(x))
    ends = [_qdense(3, name, activation=name)(y) for name in ("softplus", "softsign", "elu", "selu")]
    return _model(x, [*ends, _layers().ELU(name="own")(_qdense(2, "d2")(y))])


def table_of_image() -> Any:
    """The end of an autoencoder: a picture of sigmoids, of values finer than the table; and one in another shape."""
    x = _input(6, 6, 2)
    kernel = "quantized_bits(12,0,alpha=1)"
    y = _qconv(3, "c1", padding="same", kernel_quantizer=kernel, activation="sigmoid")(x)
    last = _qdense(12, "d1", activation="sigmoid")(_layers().Flatten(name="flat")(x))
    return _model(x, [y, _layers().Reshape((3, 4), name="picture")(last)])


_PADDED = "pooling with padding aborts in io_stream"

CONSTRUCTS = [
    *(
        Construct(f"act:{quantizer}", activation(quantizer), expected)
        for quantizer, expected in [
            ("quantized_bits(8,4)", EXACT),
            ("quantized_bits(8,4,alpha=1)", EXACT),
            ("quantized_bits(8,2,1)", EXACT),
            ("quantized_bits(4,1,keep_negative=False)", EXACT),
            ("quantized_bits(8,2,alpha='auto')", "alpha='auto' scales an activation by its own data"),
            ("quantized_bits(8,2,alpha='auto_po2')", "alpha='auto_po2' scales an activation by its own data"),
            ("quantized_relu(8,4)", EXACT),
            ("quantized_relu(4,0)", EXACT),
            ("quantized_relu(6,2,negative_slope=0.25)", EXACT),
            ("quantized_relu(8,3,negative_slope=1.0)", EXACT),
            ("quantized_relu(4,1,negative_slope=0.015625)", EXACT),
            ("quantized_relu(6,2,negative_slope=2.0)", "a leaky quantized_relu of slope 2"),
            ("quantized_relu(8,4,relu_upper_bound=6)", EXACT),
            ("quantized_relu(8,4,is_quantized_clip=False)", EXACT),
            ("quantized_relu(8,3,use_sigmoid=1)", EXACT),
            ("quantized_relu(3,0,use_sigmoid=1)", EXACT),
            ("quantized_relu(1,0,use_sigmoid=1)", "use_sigmoid of one bit"),
            ("quantized_tanh(8)", EXACT),
            ("quantized_tanh(8,symmetric=True)", EXACT),
            ("quantized_tanh(8,use_real_tanh=True)", BOUNDED),
            ("quantized_sigmoid(8)", EXACT),
            ("quantized_sigmoid(6,symmetric=True)", EXACT),
            ("quantized_sigmoid(8,use_real_sigmoid=True)", BOUNDED),
            ("quantized_bits(1,0,alpha=1)", EXACT),
            ("quantized_bits(6,2,alpha=0.5)", EXACT),
            ("quantized_bits(6,2,alpha=0.3)", "alpha=0.3 of an activation is no short binary fraction"),
            ("ternary(alpha=0.5)", EXACT),
            ("binary(alpha=2)", EXACT),
            ("binary(use_01=True,alpha=1)", EXACT),
            ("binary(use_01=True)", EXACT),
            ("ternary(alpha=1)", EXACT),
            ("ternary(alpha=1,threshold=0.7)", EXACT),
            ("binary(alpha=1)", EXACT),
            ("ternary()", EXACT),
            ("binary()", EXACT),
            ("ternary_tanh", KERAS),
            *((name, EXACT) for name in ("binary_tanh", "binary_sigmoid", "hard_tanh", "hard_sigmoid")),
            *((name, EXACT) for name in ("smooth_tanh", "smooth_sigmoid", "relu", "linear")),
            *((name, BOUNDED) for name in ("tanh", "sigmoid", "softmax")),
            ("quantized_po2(4)", "'quantized_po2' as an activation is a staircase to powers of two"),
            ("quantized_relu_po2(4)", "'quantized_relu_po2' as an activation is a staircase to powers of two"),
            ("quantized_linear(8,2)", KERAS),
            ("quantized_linear(8,2,alpha=1)", KERAS),
            ("quantized_hswish(8,3)", BOUNDED),
            ("quantized_hswish(8,3,relu_shift=2,relu_upper_bound=4)", EXACT),
            ("bernoulli()", "hls4ml does not convert the activation 'bernoulli'"),
            ("stochastic_ternary()", EXACT),
            ("stochastic_binary(alpha=1)", EXACT),
        ]
    ),
    Construct("in-quant+dense", in_quant),
    Construct("bits act x2", two_quantizers),
    Construct("act in QDense arg", inline("quantized_relu(8,4)")),
    Construct("act in QDense arg bits", inline("quantized_bits(8,4,alpha=1)")),
    Construct("act in QDense relu str", inline("relu")),
    Construct("final act bits", final("quantized_bits(8,4,alpha=1)")),
    Construct("final relu", final("quantized_relu(8,4)")),
    Construct("no bias", no_bias),
    *(
        Construct(f"ker:{quantizer}", kernel(quantizer), expected)
        for quantizer, expected in [
            ("quantized_bits(6,1)", EXACT),
            ("quantized_bits(6,1,alpha=1)", EXACT),
            ("quantized_bits(6,1,alpha='auto')", EXACT),
            ("quantized_bits(6,1,alpha='auto_po2')", EXACT),
            ("quantized_bits(6,1,alpha=0.5)", EXACT),
            ("quantized_bits(6,1,alpha=0.3)", BOUNDED),
            ("quantized_bits(6,1,1,alpha=1)", EXACT),
            ("quantized_bits(6,1,keep_negative=False,alpha=1)", EXACT),
            ("quantized_bits(1,0,alpha=1)", EXACT),
            ("quantized_bits(2,1,alpha=1)", EXACT),
            ("quantized_bits(8,0,alpha=1)", EXACT),
            ("quantized_bits(4,4,alpha=1)", EXACT),
            ("quantized_bits(4,3,alpha=1)", EXACT),
            ("quantized_bits(4,6,alpha=1)", EXACT),
            ("quantized_bits(6,-2,alpha=1)", KERAS),
            ("quantized_linear(6,1)", KERAS),
            ("quantized_linear(6,1,alpha=1)", KERAS),
            ("ternary(alpha=1)", EXACT),
            ("ternary()", EXACT),
            ("ternary(alpha='auto')", BOUNDED),
            ("ternary(alpha='auto_po2')", EXACT),
            ("ternary(alpha=1,threshold=0.2)", EXACT),
            ("binary(alpha=1)", EXACT),
            ("binary()", EXACT),
            ("binary(alpha='auto')", BOUNDED),
            ("binary(alpha='auto_po2')", EXACT),
            ("quantized_po2(4)", EXACT),
            ("quantized_po2(4,2)", EXACT),
            ("quantized_po2(4,0.5)", EXACT),
            ("stochastic_ternary(alpha=1)", EXACT),
            ("stochastic_binary(alpha=1)", EXACT),
            ("quantized_relu(6,1)", EXACT),
        ]
    ),
    Construct("ker:None", kernel(None)),
    Construct("bias:None", bias(None)),
    *(
        Construct(f"bias:{quantizer}", bias(quantizer), expected)
        for quantizer, expected in [
            ("quantized_bits(8,2)", EXACT),
            ("quantized_bits(8,2,alpha='auto')", EXACT),
            ("quantized_po2(4)", EXACT),
            ("quantized_po2(16)", "the quantizer of its bias has exponents of 16 bits"),
            ("ternary(alpha=1)", EXACT),
            ("binary(alpha=1)", EXACT),
            ("quantized_linear(8,2)", KERAS),
        ]
    ),
    Construct("bn float", batch_norm()),
    Construct("qbn default", batch_norm(norm="default")),
    Construct("qbn po2None", batch_norm(norm="po2None")),
    Construct("bn after act", batch_norm(after_act=True)),
    Construct("bn+bits act", batch_norm(act="quantized_bits(8,4,alpha=1)")),
    Construct("bn+binary act", batch_norm(act="binary(alpha=1)")),
    Construct("bn+ternary act", batch_norm(act="ternary(alpha=1)")),
    Construct("conv", conv()),
    Construct("conv same s2", conv(first=lambda: _qconv(6, "c1", padding="same", strides=2))),
    Construct("conv bits act", conv(lambda: _act("quantized_bits(8,4,alpha=1)", "act"))),
    Construct("conv maxpool", conv(_relu8, lambda: _layers().MaxPooling2D(2, name="pool"))),
    Construct("conv avgpool", conv(_relu8, lambda: _layers().AveragePooling2D(2, name="pool"))),
    Construct(
        "conv avgpool same",
        conv(
            _relu8,
            lambda: _layers().AveragePooling2D(4, padding="same", name="pool"),
            lambda: _act("quantized_relu(8,3)", "after"),
        ),
        streams=_PADDED,
    ),
    Construct("conv maxpool same", padded_pool, streams=_PADDED),
    *(
        Construct(f"unsigned {name} maxpool same", conv(*before, _padded_maximum), streams=_PADDED)
        for name, before in {
            "float relu": (lambda: _layers().Activation("relu", name="act"),),
            "zero padding": (_relu8, lambda: _layers().ZeroPadding2D(1, name="zeros")),
            "pooling": (_relu8, lambda: _layers().MaxPooling2D(2, name="first")),
            "quantizer": (_relu8,),
        }.items()
    ),
    Construct("zeros around a maximum", conv(_relu8, lambda: _layers().MaxPooling2D(4, padding="same", name="pool"))),
    Construct(
        "zeros around maxima of steps",
        of_input(
            lambda: _layers().ReLU(name="r"),
            lambda: _layers().MaxPooling1D(3, padding="same", name="p1"),
            lambda: _layers().MaxPooling1D(2, padding="same", name="p2"),
            shape=(13, 2),
        ),
    ),
    Construct(
        "conv avgpool fine",
        conv(
            _relu8,
            lambda: _layers().AveragePooling2D(3, name="pool"),
            lambda: _act("quantized_relu(12,1)", "after"),
        ),
    ),
    Construct(
        "conv avgpool unrounded",
        conv(_relu8, lambda: _layers().AveragePooling2D(3, name="pool")),
        "a mean that does not end in binary",
    ),
    Construct(
        "conv gap",
        conv(
            _relu8, lambda: _layers().GlobalAveragePooling2D(name="pool"), lambda: _act("quantized_relu(8,3)", "after")
        ),
    ),
    Construct("conv gmp", conv(_relu8, lambda: _layers().GlobalMaxPooling2D(name="pool"))),
    Construct("conv qavgpool", conv(_relu8, lambda: _q().QAveragePooling2D(2, name="pool"), _after)),
    Construct("conv qavgpool by a factor", conv(_relu8, lambda: _qmean(2, activation="quantized_relu(6,3)"))),
    Construct("conv qavgpool of 9", conv(_relu8, lambda: _qmean(3), _after), "QKeras divides by 9 and multiplies"),
    Construct(
        "conv qavgpool over the border", conv(_relu8, lambda: _qmean(4, padding="same")), "those at the border are not"
    ),
    Construct("conv qgap", conv(_relu8, lambda: _q().QGlobalAveragePooling2D(name="pool"), _after)),
    Construct("conv qgap clipped", conv(_relu8, lambda: _q().QGlobalAveragePooling2D(name="pool", activation=_clip()))),
    Construct(
        "conv qgap by a factor",
        conv(
            _relu8, lambda: _q().QGlobalAveragePooling2D(average_quantizer=KERNEL, name="pool"), _after, shape=(6, 6, 3)
        ),
    ),
    Construct("conv dilated", conv(first=lambda: _qconv(6, "c1", dilation_rate=(2, 1)))),
    Construct("conv dilated same", conv(first=lambda: _qconv(3, "c1", dilation_rate=2, padding="same"))),
    Construct("conv grouped", conv(first=lambda: _grid_layer("Conv2D", 6, 3, groups=3, strides=2, padding="same"))),
    Construct("conv1d dilated", of_input(lambda: _qconv1d(3, "c1", dilation_rate=3), _relu8, shape=(12, 2))),
    Construct(
        "conv1d dilated causal",
        of_input(lambda: _qconv1d(3, "c1", dilation_rate=2, padding="causal"), _relu8, shape=(9, 2)),
    ),
    Construct(
        "conv1d grouped", of_input(lambda: _grid_layer("Conv1D", 4, 3, groups=2, padding="same"), _relu8, shape=(9, 4))
    ),
    *(
        Construct(
            f"conv transpose {name}", of_input(lambda options=options: _grid_layer(**options), _relu8, shape=shape)
        )
        for name, options, shape in (
            ("of 1", {"class_name": "Conv2DTranspose", "filters": 3, "kernel_size": 3}, (4, 5, 2)),
            (
                "same",
                {"class_name": "Conv2DTranspose", "filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"},
                (3, 4, 2),
            ),
            (
                "valid",
                {"class_name": "Conv2DTranspose", "filters": 2, "kernel_size": (4, 1), "strides": (2, 3)},
                (3, 3, 2),
            ),
            (
                "of three rows",
                {
                    "class_name": "Conv2DTranspose",
                    "filters": 2,
                    "kernel_size": (6, 2),
                    "strides": (3, 1),
                    "padding": "same",
                },
                (2, 4, 3),
            ),
            (
                "in 1D",
                {"class_name": "Conv1DTranspose", "filters": 3, "kernel_size": 5, "strides": 3, "padding": "same"},
                (5, 2),
            ),
        )
    ),
    Construct(
        "conv transpose cut off",
        of_input(lambda: _grid_layer("Conv2DTranspose", 3, 3, strides=2), _relu8, shape=(4, 5, 2)),
        "its output is no multiple of its strides",
    ),
    Construct("conv bn", conv(lambda: _layers().BatchNormalization(name="bn"), _relu8)),
    Construct("bn of the input", of_input(_norm, _relu8)),
    *(
        Construct(f"bn+{act}", batch_norm(act=act))
        for act in (
            "quantized_tanh(6)",
            "quantized_sigmoid(5)",
            "binary()",
            "ternary()",
            "quantized_relu(2,1)",
            "quantized_bits(4,1,0,alpha=1)",
            "quantized_bits(10,3,1,alpha=1)",
        )
    ),
    Construct("bn without scale", conv(lambda: _norm(scale=False), _relu8)),
    Construct("bn without center", conv(lambda: _norm(center=False), _relu8)),
    Construct("bn bare", conv(lambda: _norm(center=False, scale=False), _relu8)),
    Construct(
        "bn relu pool",
        conv(_norm, lambda: _layers().ReLU(name="r"), lambda: _layers().MaxPooling2D(name="pool"), _relu8),
    ),
    Construct("bn pool", conv(_norm, lambda: _layers().MaxPooling2D(name="pool"), _relu8)),
    Construct("bn avgpool", conv(_norm, lambda: _layers().AveragePooling2D(2, name="pool"), _relu8)),
    Construct("bn gap", conv(_norm, lambda: _layers().GlobalAveragePooling2D(name="pool"), _relu8, shape=(6, 6, 3))),
    Construct("bn flatten", conv(_norm, lambda: _layers().Flatten(name="first"), _relu8)),
    Construct("bn reshape", conv(_norm, lambda: _layers().Reshape((36, 6), name="first"), _relu8)),
    Construct("relu bn", conv(lambda: _layers().ReLU(name="r"), _norm, _relu8)),
    Construct("bn upsample", conv(_norm, lambda: _layers().UpSampling2D(2, name="up"), _relu8)),
    Construct("bn zeropad", conv(_norm, lambda: _layers().ZeroPadding2D(1, name="pad"), _relu8)),
    Construct(
        "dw bn",
        conv(
            _norm,
            _relu8,
            first=lambda: _q().QDepthwiseConv2D(3, depthwise_quantizer=KERNEL, bias_quantizer=BIAS, name="c1"),
        ),
    ),
    Construct("conv1d bn", conv(_norm, _relu8, first=lambda: _qconv1d(6, "c1"), shape=(10, 3))),
    Construct("bn read twice", norm_read_twice),
    Construct("bn maximum", norm_maximum),
    Construct("bn added", norm_added),
    Construct("bn into dense", conv(_norm)),
    Construct("bn twice", lambda: randomized(norm_twice()), "put a quantizer of few bits right behind it"),
    Construct("bn along time", conv(lambda: _norm(axis=1), _relu8), "hls4ml normalizes along the channels alone"),
    Construct("conv auto_po2", conv(first=lambda: _qconv(6, "c1", kernel_quantizer="quantized_bits(6,1)"))),
    Construct("conv auto", conv(first=lambda: _qconv(6, "c1", kernel_quantizer="quantized_bits(6,1,alpha='auto')"))),
    Construct("convbn fold", conv_bn_fold("ema_stats_folding")),
    Construct("convbn fold batch_stats", conv_bn_fold("batch_stats_folding")),
    Construct("convbn fold dilated", conv_bn_fold("ema_stats_folding", dilation_rate=(2, 1))),
    Construct("dw", depthwise()),
    Construct("dw default alpha", depthwise("quantized_bits(6,1)")),
    Construct("dw mult2", depthwise(depth_multiplier=2)),
    Construct("dw dilated", depthwise(dilation_rate=2)),
    Construct("dw1d", of_input(lambda: _grid_layer("DepthwiseConv1D", 3, padding="same"), _relu8, shape=(9, 4))),
    Construct(
        "dw1d mult2", of_input(lambda: _grid_layer("DepthwiseConv1D", 3, depth_multiplier=2), _relu8, shape=(9, 2))
    ),
    Construct(
        "sep2d mult2", of_input(lambda: _separable2d(depth_multiplier=2, padding="same"), _relu8, shape=(6, 5, 3))
    ),
    Construct("sep2d dilated", of_input(lambda: _separable2d(dilation_rate=2), _relu8, shape=(7, 6, 3))),
    Construct(
        "dwbn fold",
        conv(
            first=lambda: _q().QDepthwiseConv2DBatchnorm(3, depthwise_quantizer=KERNEL, bias_quantizer=BIAS, name="c1")
        ),
        "hls4ml does not convert it; instead: QDepthwiseConv2D",
    ),
    Construct("sep2d", separable),
    Construct("conv1d", conv1d()),
    Construct("conv1d causal", conv1d("causal")),
    Construct("conv 1x1", conv(first=lambda: _qconv(6, "c1", kernel=1))),
    Construct("dense on 3d", dense_3d),
    Construct("upsample", conv(_relu8, lambda: _layers().UpSampling2D(2, name="up"))),
    Construct("zeropad", conv(lambda: _layers().ZeroPadding2D(1, name="pad"), lambda: _qconv(4, "c2"), _relu8)),
    Construct(
        "conv transpose", conv(first=lambda: _q().QConv2DTranspose(6, 3, kernel_quantizer=KERNEL, name="c1")), KERAS
    ),
    Construct("residual add", residual("quantized_relu(8,4)")),
    Construct("residual add bits", residual("quantized_bits(8,4,alpha=1)")),
    *(
        Construct(f"merge {merge.lower()}", residual("quantized_bits(8,4,alpha=1)", merge))
        for merge in ("Subtract", "Average", "Maximum", "Minimum")
    ),
    Construct("fork 2 bits acts", fork),
    Construct("concat diff prec", concat),
    Construct("multiply", residual("quantized_relu(8,4)", "Multiply")),
    Construct("add 3 inputs", many_merged("Add", 3)),
    Construct("maximum of 4", many_merged("Maximum", 4)),
    *(
        Construct(f"{merge.lower()} of 3 with activations of their own", merged_inline(merge))
        for merge in ("Add", "Concatenate")
    ),
    Construct("average of 3", many_merged("Average", 3), "hls4ml has Average of two tensors, not of 3"),
    Construct("concat of 3", many_merged("Concatenate", 3)),
    Construct("concat of rows", concat_of((5, 4, 3), (2, 4, 3), axis=1)),
    Construct("concat of columns", concat_of((3, 2, 4), (3, 5, 4), (3, 1, 4), axis=2)),
    Construct("concat of channels", concat_of((3, 2, 4), (3, 2, 1), axis=-1)),
    Construct("concat of steps", concat_of((5, 3), (4, 3), axis=-2)),
    Construct("convolution of three images, one below the other", images_below),
    Construct("shared layer", shared, "a layer that is used twice shares its weights"),
    Construct("two outputs", two_outputs),
    Construct("intermediate output", intermediate_output),
    Construct("two inputs", two_inputs),
    Construct("nested seq", nested, "a model within a model"),
    Construct("leakyrelu", float_act(lambda: _layers().LeakyReLU(0.25, name="leaky"))),
    Construct("leakyrelu 0.3", float_act(lambda: _layers().LeakyReLU(0.3, name="leaky")), BOUNDED),
    Construct("elu of another alpha", float_act(lambda: _layers().ELU(0.5, name="elu")), BOUNDED),
    Construct("relu6", float_act(lambda: _layers().ReLU(6, name="relu6"))),
    Construct("relu6 by name", float_act(lambda: _layers().Activation("relu6", name="relu6"))),
    Construct("relu with a slope", float_act(lambda: _layers().ReLU(negative_slope=0.25, name="sloped"))),
    Construct("relu with another slope", float_act(lambda: _layers().ReLU(negative_slope=0.3, name="r")), BOUNDED),
    *(
        Construct(f"relu above {threshold} up to {most}", float_act(partial(_relu_above, threshold, most)))
        for threshold, most in ((1, None), (0.3, 2.5))
    ),
    Construct("thresholded relu", float_act(lambda: _layers().ThresholdedReLU(0.75, name="r"))),
    Construct("relu with slope and bound", float_act(lambda: _layers().ReLU(6, negative_slope=0.25, name="r"))),
    Construct(
        "relu with slope and threshold",
        float_act(lambda: _layers().ReLU(negative_slope=0.25, threshold=1, name="r")),
        "a ReLU with a slope and a threshold",
    ),
    *(
        Construct(f"{function} in the middle", float_act(partial(_activation, function)), BOUNDED)
        for function in ("swish", "mish", "hard_sigmoid", "leaky_relu")
    ),
    *(
        Construct(f"bn+{act}", batch_norm(act=act))
        for act in ("binary_tanh", "quantized_relu(6,2,negative_slope=0.25)", "quantized_bits(1,0,alpha=1)")
    ),
    Construct("leaky quantizer, then bn", leaky_then_norm),
    Construct("functions within layers", functions_within_layers),
    Construct("activations at the end", activations_at_the_end),
    Construct(
        "activations of an image",
        conv(
            lambda: _act("quantized_relu(5,2,negative_slope=0.5)", "leaky"),
            lambda: _layers().MaxPooling2D(2, name="pool"),
            lambda: _act("binary_tanh", "sign"),
        ),
    ),
    Construct(
        "mean into a leaky quantizer",
        conv(
            _relu8,
            lambda: _norm(),
            lambda: _layers().AveragePooling2D(2, name="pool"),
            lambda: _act("quantized_relu(5,2,negative_slope=0.5)", "leaky"),
        ),
    ),
    Construct(
        "gap keepdims",
        conv(
            _relu8,
            lambda: _layers().GlobalMaxPooling2D(keepdims=True, name="pool"),
            lambda: _act("quantized_relu(8,3)", "after"),
        ),
    ),
    Construct("prelu", float_act(lambda: _layers().PReLU(alpha_initializer="random_uniform", name="prelu"))),
    Construct("float dense", float_dense),
    Construct("float dense, no quantizer", float_dense_open, "put a quantizer"),
    Construct(
        "qadaptive",
        float_act(lambda: _q().QAdaptiveActivation("quantized_relu", 8, name="adaptive")),
        "hls4ml does not convert it; instead: QActivation",
    ),
    Construct("dropout flatten perm", dropout_flatten_permute),
    Construct("permute 3d flatten", permute_3d, streams="a stream of 3-D data cannot be transposed"),
    Construct("layer named like an attribute", conv(lambda: _act("quantized_relu(8,4)", "scale"))),
    Construct("reshape", reshape),
    Construct("softmax at the end", softmax_end),
    Construct("what does nothing", what_does_nothing),
    Construct("behind flatten", behind_flatten),
    Construct("ternary twice", ternary_twice),
    Construct("reshape to the rest", reshape_rest),
    Construct("reshape of a reshape, read and given out", reshaped_twice),
    Construct("padded branches", padded_branches),
    Construct("softmax layers", softmax_layers),
    Construct("sigmoid and tanh at the end", table_heads),
    Construct("softplus, softsign, elu and selu at the end", more_tables),
    Construct("sigmoid of an image", table_of_image),
    *(
        Construct(f"{function} in the middle", of_input(*layers), f"a {function} in the middle is a table")
        for function, layers in {
            "sigmoid": (lambda: _qdense(5, "d1", activation="sigmoid"), lambda: _qdense(5, "d2")),
            "tanh": (lambda: _qdense(5, "d1", activation="tanh"), lambda: _relu8()),
            "elu": (lambda: _layers().ELU(name="e"), lambda: _qdense(5, "d2")),
            "softmax": (
                lambda: _layers().Flatten(name="flat"),
                lambda: _layers().Softmax(name="sm"),
                lambda: _qdense(5, "d2"),
            ),
        }.items()
    ),
    Construct(
        "sigmoid alone",
        of_input(lambda: _layers().Activation("sigmoid", name="s")),
        "the output has the values of the input 'x_in' as they are, or a table of them alone",
    ),
    *(
        Construct(
            f"{function} at the end",
            of_input(lambda function=function: _layers().Activation(function, name="end")),
            f"hls4ml has no function for the activation '{function}'",
        )
        for function in ("exponential", "gelu")
    ),
    *(
        Construct(name, of_input(*layers), "the output has the values of the input 'x_in' as they are")
        for name, layers in {
            "flatten alone": (lambda: _layers().Flatten(name="flat"),),
            "dropout alone": (lambda: _layers().Dropout(0.3, name="drop"),),
            "reshape alone": (lambda: _layers().Reshape((2, 6), name="shape"),),
            "softmax alone": (lambda: _layers().Flatten(name="f"), lambda: _layers().Softmax(name="sm")),
        }.items()
    ),
    Construct("output twice", output_twice, "two outputs have the values of layer 'act'"),
    Construct("softmax of rows", of_input(lambda: _qdense(5, "d1"), lambda: _layers().Softmax(name="sm"))),
    Construct("softmax of pixels", of_input(lambda: _qconv(3, "c1", activation="softmax"), shape=(6, 6, 2))),
    Construct(
        "softmax of columns",
        of_input(lambda: _qdense(5, "d1"), lambda: _layers().Softmax(axis=1, name="sm")),
        "hls4ml takes a softmax over the last axis alone",
    ),
    Construct(
        "dense over three axes",
        of_input(lambda: _qdense(3, "d1"), shape=(2, 2, 2, 2)),
        "hls4ml has dense layers over tensors of up to 3 axes",
    ),
    Construct("concatenation of four axes", concat_four_axes, "hls4ml concatenates tensors of up to 3 axes"),
    Construct("both depthwise", both_depthwise, "leave each other out"),
    Construct("relu clipped inside", clipped_relu(6.0)),
    Construct("leaky relu clipped inside", clipped_relu(1.5, negative_slope=0.5)),
    Construct("relu clipped by 0.3", clipped_relu(0.3), "relu_upper_bound=0.3 is no short binary fraction"),
    Construct(
        "rounded to nothing",
        of_input(lambda: _act("quantized_bits(6,0,alpha=1)", "fine"), lambda: _act("quantized_relu(1,9)", "coarse")),
        "it rounds every value of fixed<6,1,RND_CONV,SAT> to 0",
    ),
    *(
        Construct(name, of_input(lambda name=name: getattr(_layers(), name)(4)), "through its state at every step")
        for name in ("LSTM", "GRU", "SimpleRNN")
    ),
    Construct("qlstm", recurrent("QLSTM"), "recurrent layers of QKeras do not convert"),
    Construct("qgru", recurrent("QGRU"), KERAS),
    Construct("qrnn", recurrent("QSimpleRNN"), KERAS),
]


# What qkeras-v3 can build and QKeras 0.9 cannot, and what is another function there, or fails in it.
UNDER_KERAS_3 = {
    "act:quantized_linear(8,2)": "hls4ml does not convert the activation 'quantized_linear'",
    "act:quantized_linear(8,2,alpha=1)": "hls4ml does not convert the activation 'quantized_linear'",
    "ker:quantized_bits(6,-2,alpha=1)": EXACT,
    "ker:quantized_linear(6,1)": EXACT,
    "ker:quantized_linear(6,1,alpha=1)": EXACT,
    "bias:quantized_linear(8,2)": EXACT,
    "conv transpose": "no test proves it",
    "qgru": "recurrent layers of QKeras do not convert",
    "qrnn": "recurrent layers of QKeras do not convert",
    "conv1d causal": "QKeras for Keras 3 cannot compute a causal padding",
    "conv1d dilated causal": "QKeras for Keras 3 cannot compute a causal padding",
    "padded branches": "QKeras for Keras 3 cannot compute a causal padding",
    "hard_sigmoid in the middle": "hard_sigmoid of Keras 3 is another function than that of Keras 2",
}
HAS_KERAS_3 = not KERAS_3.missing
if HAS_KERAS_3:
    CONSTRUCTS = [replace(item, expected=UNDER_KERAS_3.get(item.name, item.expected)) for item in CONSTRUCTS]


def randomized(model):
    """The model with random weights, large enough to reach every code of the quantizers and to saturate."""
    rng = np.random.default_rng(5)
    for layer in model.layers:
        values = []
        for value, variable in zip(layer.get_weights(), layer.weights, strict=True):
            name = variable.name.rsplit("/", 1)[-1]
            if "variance" in name:
                value = rng.uniform(0.5, 2, value.shape)
            elif "gamma" in name:
                value = rng.uniform(0.5, 1.5, value.shape) * rng.choice([-1, 1, 1], value.shape)
            elif "iteration" not in name:
                value = rng.normal(0, 0.7, value.shape)
                value = np.round(value * 8) / 8 if layer.name == "on_grid" else value
            values.append(value)
        if values:
            layer.set_weights(values)
    return model
