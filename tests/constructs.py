"""Every construct of the measured table (`fidelity.csv`), as a small Keras model, with what hlsflow does with it.

`EXACT`: converted, and equal on every output in every backend and io type (`streams=False`: io_stream is refused).
Otherwise the words that the refusal must hold. `KERAS` marks what QKeras itself cannot build under this TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

EXACT = "exact"
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


def conv_bn_fold(mode: str) -> Callable[[], Any]:
    return conv(
        first=lambda: _q().QConv2DBatchnorm(
            6, 3, kernel_quantizer=KERNEL, bias_quantizer=BIAS, folding_mode=mode, name="c1"
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


def add_three() -> Any:
    x = _input(16)
    branches = [_act("quantized_relu(8,4)", f"a{i}")(_qdense(6, f"d{i}")(x)) for i in range(3)]
    return _model(x, _qdense(5, "d9")(_layers().Add(name="merge")(branches)))


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


def clipped_relu() -> Any:
    q = _q().quantized_relu(8, 4, relu_upper_bound=6.0, is_quantized_clip=False)
    return activation(q)()


def padded_pool() -> Any:
    return conv(
        lambda: _act("quantized_bits(8,4,alpha=1)", "act"),
        lambda: _layers().MaxPooling2D(4, padding="same", name="pool"),
    )()


def _padded_maximum() -> Any:
    return _layers().MaxPooling2D(5, padding="same", name="pool")


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
            ("quantized_relu(6,2,negative_slope=0.25)", "a leaky quantized_relu quantizes its two sides"),
            ("quantized_relu(8,4,relu_upper_bound=6)", EXACT),
            ("quantized_relu(8,4,is_quantized_clip=False)", EXACT),
            ("quantized_relu(8,3,use_sigmoid=1)", "use_sigmoid is a hard sigmoid"),
            ("quantized_tanh(8)", EXACT),
            ("quantized_tanh(8,symmetric=True)", EXACT),
            ("quantized_tanh(8,use_real_tanh=True)", "the real tanh is a table"),
            ("quantized_sigmoid(8)", EXACT),
            ("quantized_sigmoid(8,use_real_sigmoid=True)", "the real sigmoid is a table"),
            ("ternary(alpha=1)", EXACT),
            ("ternary(alpha=1,threshold=0.7)", EXACT),
            ("binary(alpha=1)", EXACT),
            ("ternary()", EXACT),
            ("binary()", EXACT),
            ("ternary_tanh", KERAS),
            ("binary_tanh", "binary_tanh gives -1 at zero"),
            ("quantized_po2(4)", "hls4ml does not convert the activation 'quantized_po2'"),
            ("quantized_relu_po2(4)", "hls4ml does not convert the activation 'quantized_relu_po2'"),
            ("quantized_linear(8,2)", KERAS),
            ("quantized_linear(8,2,alpha=1)", KERAS),
            ("quantized_hswish(8,3)", "hls4ml does not convert the activation 'quantized_hswish'"),
            ("bernoulli()", "hls4ml does not convert the activation 'bernoulli'"),
            ("stochastic_ternary()", "hls4ml does not convert the activation 'stochastic_ternary'"),
            *(
                (name, f"hls4ml does not convert QActivation('{name}')")
                for name in ("hard_tanh", "relu", "linear", "tanh", "sigmoid", "softmax")
            ),
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
            ("quantized_bits(6,1,alpha=0.3)", "alpha=0.3 of the kernel is no power of two"),
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
            ("ternary(alpha='auto')", "its sums cancel to ties"),
            ("ternary(alpha='auto_po2')", EXACT),
            ("ternary(alpha=1,threshold=0.2)", EXACT),
            ("binary(alpha=1)", EXACT),
            ("binary()", EXACT),
            ("binary(alpha='auto')", "its sums cancel to ties"),
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
            ("ternary(alpha=1)", EXACT),
            ("binary(alpha=1)", EXACT),
            ("quantized_linear(8,2)", KERAS),
        ]
    ),
    Construct("bn float", batch_norm()),
    Construct("qbn default", batch_norm(norm="default"), "hls4ml ignores the quantizers of QBatchNormalization"),
    Construct("qbn po2None", batch_norm(norm="po2None"), "hls4ml ignores the quantizers of QBatchNormalization"),
    Construct("bn after act", batch_norm(after_act=True)),
    Construct("bn+bits act", batch_norm(act="quantized_bits(8,4,alpha=1)")),
    Construct("bn+binary act", batch_norm(act="binary(alpha=1)")),
    Construct("bn+ternary act", batch_norm(act="ternary(alpha=1)"), "put a quantizer before it"),
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
        Construct(f"unsigned {name} maxpool same", conv(*before, _padded_maximum), "with its sign bit, which is half")
        for name, before in {
            "float relu": (lambda: _layers().Activation("relu", name="act"),),
            "relu layer": (lambda: _layers().ReLU(name="act"),),
            "zero padding": (_relu8, lambda: _layers().ZeroPadding2D(1, name="zeros")),
            "up-sampling": (_relu8, lambda: _layers().UpSampling2D(2, name="up")),
            "pooling": (_relu8, lambda: _layers().MaxPooling2D(2, name="first")),
            "quantizer": (_relu8,),
        }.items()
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
    Construct(
        "conv qavgpool",
        conv(_relu8, lambda: _q().QAveragePooling2D(2, name="pool")),
        "hls4ml does not convert it; instead: AveragePooling2D",
    ),
    Construct(
        "conv qgap",
        conv(_relu8, lambda: _q().QGlobalAveragePooling2D(name="pool")),
        "hls4ml does not convert it; instead: GlobalAveragePooling2D",
    ),
    Construct("conv dilated", conv(first=lambda: _qconv(6, "c1", dilation_rate=2)), "hls4ml ignores the dilation"),
    Construct("conv bn", conv(lambda: _layers().BatchNormalization(name="bn"), _relu8)),
    Construct("conv auto_po2", conv(first=lambda: _qconv(6, "c1", kernel_quantizer="quantized_bits(6,1)"))),
    Construct("conv auto", conv(first=lambda: _qconv(6, "c1", kernel_quantizer="quantized_bits(6,1,alpha='auto')"))),
    Construct("convbn fold", conv_bn_fold("ema_stats_folding")),
    Construct("convbn fold batch_stats", conv_bn_fold("batch_stats_folding")),
    Construct("dw", depthwise()),
    Construct("dw default alpha", depthwise("quantized_bits(6,1)")),
    Construct("dw mult2", depthwise(depth_multiplier=2), "a depth multiplier above 1 crashes"),
    Construct(
        "dwbn fold",
        conv(first=lambda: _q().QDepthwiseConv2DBatchnorm(3, depthwise_quantizer=KERNEL, name="c1")),
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
    Construct("add 3 inputs", add_three, "hls4ml merges two tensors, not 3"),
    Construct("shared layer", shared, "a layer that is used twice shares its weights"),
    Construct("two outputs", two_outputs),
    Construct("intermediate output", intermediate_output),
    Construct("two inputs", two_inputs),
    Construct("nested seq", nested, "a model within a model"),
    Construct("leakyrelu", float_act(lambda: _layers().LeakyReLU(0.25, name="leaky"))),
    Construct("leakyrelu 0.3", float_act(lambda: _layers().LeakyReLU(0.3, name="leaky")), "no short binary fraction"),
    Construct("relu6", float_act(lambda: _layers().ReLU(6, name="relu6")), "hls4ml ignores the upper bound of ReLU"),
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
    Construct("layer named like an attribute", conv(lambda: _act("quantized_relu(8,4)", "scale")), "under its name"),
    Construct("reshape", reshape),
    Construct("softmax at the end", softmax_end),
    Construct("what does nothing", what_does_nothing),
    Construct("behind flatten", behind_flatten),
    Construct("ternary twice", ternary_twice),
    Construct("reshape to the rest", reshape_rest),
    Construct("padded branches", padded_branches),
    Construct("softmax layers", softmax_layers),
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
    Construct(
        "softmax of rows",
        of_input(lambda: _qdense(5, "d1"), lambda: _layers().Softmax(name="sm")),
        "a softmax of each of 3 vectors",
    ),
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
    Construct("relu clipped inside", clipped_relu, "relu_upper_bound=6.0 lies inside the range of 8 bits"),
    Construct(
        "rounded to nothing",
        of_input(lambda: _act("quantized_bits(6,0,alpha=1)", "fine"), lambda: _act("quantized_relu(1,9)", "coarse")),
        "it rounds every value of fixed<6,1,RND_CONV,SAT> to 0",
    ),
    Construct("qlstm", recurrent("QLSTM"), "recurrent layers of QKeras do not convert"),
    Construct("qgru", recurrent("QGRU"), KERAS),
    Construct("qrnn", recurrent("QSimpleRNN"), KERAS),
]


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
                value = rng.uniform(0.5, 1.5, value.shape)
            elif "iteration" not in name:
                value = rng.normal(0, 0.7, value.shape)
            values.append(value)
        if values:
            layer.set_weights(values)
    return model
