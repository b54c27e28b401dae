"""Which constructs of Keras and QKeras are converted, and why the others are refused.

Every construct of `tests/constructs.py` is either shown equal by `tests/building/test_constructs.py`, in both
backends and both io types, or refused here with the reason and a way out. What is not listed is refused: an unknown
layer is never tried on somebody's hardware.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil, log2, prod
from typing import Any

from hlsflow.frontends.keras.fixed_point_quantizer import CLASS_NAME as FIXED_POINT_QUANTIZER
from hlsflow.frontends.keras.fixed_point_quantizer import live_types
from hlsflow.frontends.keras.generations import (
    calls,
    config_of,
    input_shape,
    is_keras_3,
    output_shape,
    quantizer_of,
)
from hlsflow.network.quantizers import (
    MOST_EXPONENT_BITS,
    NotExact,
    activation_quantizer,
    configuration_of,
    exponents_beyond,
)
from hlsflow.network.refusal import Refusal
from hlsflow.network.table_functions import GATED, TABLE_FUNCTIONS

# Axes of a tensor, the batch left out, up to which hls4ml's layers go that are no matter of single values.
MOST_AXES = 3

SEE = "a layer of the allow-list: `hlsflow lint --constructs` shows it"

# Of a table in the middle the outputs are held to a bound; here the emulator would have to compute the state too.
_STATE = "its tables feed each other through its state at every step: nothing here emulates or bounds that"

# Merges of many tensors that are those of two, then the next, whatever the order.
CHAINED = ("Add", "Multiply", "Maximum", "Minimum", "Concatenate")

# Layers that people do use, with the reason found and what to write instead.
_REFUSED = {
    "QAdaptiveActivation": ("hls4ml does not convert it", "QActivation with the range that was learnt"),
    "QDepthwiseConv2DBatchnorm": ("hls4ml does not convert it", "QDepthwiseConv2D and BatchNormalization"),
    "QConv2DTranspose": ("QKeras 0.9 cannot build it, and no test proves it", "UpSampling2D and QConv2D"),
    "QLSTM": ("recurrent layers of QKeras do not convert", "a convolution over time"),
    "QGRU": ("recurrent layers of QKeras do not convert", "a convolution over time"),
    "QSimpleRNN": ("recurrent layers of QKeras do not convert", "a convolution over time"),
    "LSTM": (_STATE, "a convolution over time"),
    "GRU": (_STATE, "a convolution over time"),
    "SimpleRNN": (_STATE, "a convolution over time"),
    "PruneLowMagnitude": (
        "the model still carries its pruning wrappers",
        "tensorflow_model_optimization.sparsity.keras.strip_pruning(model) before saving",
    ),
    "Lambda": ("a Lambda layer is code, not a layer, and is never run from a file", "a layer of the allow-list"),
    "LayerNormalization": (
        "its inverse square root is a table in hardware, which nothing here emulates",
        "BatchNormalization",
    ),
}


# Functions of Keras that hls4ml takes by name and then calls in C++ where there are none.
_WITHOUT = ("exponential", "gelu")
# Float activations that are converted: as they are, by tables, or, what Keras itself rounds, within a bound.
_FUNCTIONS = ("relu", "relu6", "leaky_relu", "softmax", "linear", "hard_sigmoid", *TABLE_FUNCTIONS, *GATED)
# Functions of `qkeras.quantizers` that stand in QActivation by their name alone.
_OF_QKERAS = ("binary_tanh", "binary_sigmoid", "hard_tanh", "hard_sigmoid", "smooth_tanh", "smooth_sigmoid")


def float_activation(function: str) -> tuple[str, str]:
    """Why a float activation is refused, and the way out."""
    if function in _WITHOUT:
        return f"hls4ml has no function for the activation '{function}'", "swish, elu, softplus, or quantized_relu"
    return f"no exact conversion of the activation '{function}'", "relu, or a quantizer such as quantized_relu(8,4)"


def qkeras_function(name: str) -> tuple[str, str]:
    """Why a function of QKeras is refused as an activation, and the way out."""
    return f"no exact conversion of QActivation('{name}')", "a quantizer such as quantized_relu(8,4)"


def is_of_keras(function: Any) -> bool:
    """Whether what stands in QActivation is a function of Keras, as `Activation` has it."""
    return not hasattr(function, "get_config") and getattr(function, "__module__", "").startswith("keras.")


def refusals(model: Any) -> list[Refusal]:
    """The layers of a Keras model that have no exact conversion, all of them at once."""
    found: list[Refusal] = []
    uses = Counter(id(call.layer) for call in calls(model))
    for layer in model.layers:
        class_name = type(layer).__name__
        reason = _refuse(layer, class_name, uses[id(layer)])
        if reason is not None:
            found.append(Refusal(layer.name, *reason))
    # Keras 3 has operations that stand in a model without a layer.
    found += [
        Refusal(call.layer.name, f"{type(call.layer).__name__} is an operation on tensors, and no layer", _LAYER)
        for call in calls(model)
        if not call.is_layer
    ]
    return found


_LAYER = "replace it by a layer, such as Add or Concatenate"


def _refuse(layer: Any, class_name: str, uses: int) -> tuple[str, str] | None:
    if class_name in _REFUSED:
        return _REFUSED[class_name]
    if hasattr(layer, "layers"):
        return "a model within a model is converted with the wrong types", "put its layers into one model"
    known = BY_CLASS.get(class_name)
    if known is None:
        return (
            f"no test proves the conversion of {class_name}",
            "a layer of the allow-list (`hlsflow lint --constructs`)",
        )
    if uses > 1:
        return "a layer that is used twice shares its weights, and hls4ml converts one use", "one layer for each use"
    config = config_of(layer)
    if config.get("data_format") == "channels_first":
        return "channels_first", "data_format='channels_last'"
    return (known.check(layer, config) if known.check is not None else None) or _check_quantizers(layer)


def _check_quantizers(layer: Any) -> tuple[str, str] | None:
    """The layer's activation quantizer, its own or inline, and whether Keras can compute those of its constants."""
    for role in ("kernel", "depthwise", "pointwise", "bias"):
        quantizer = getattr(layer, f"{role}_quantizer_internal", None)
        reason = exponents_beyond(type(quantizer).__name__, getattr(quantizer, "bits", None))
        if reason is not None:
            return f"the quantizer of its {role} {reason}", f"at most {MOST_EXPONENT_BITS} bits"
    activation = getattr(layer, "quantizer", None) or getattr(layer, "activation", None)
    if not hasattr(activation, "get_config"):
        return None
    try:
        activation_quantizer(type(activation).__name__, configuration_of(activation))
    except NotExact as problem:
        return str(problem), problem.way_out
    return None


def _check_causal(layer: Any, config: dict[str, Any]) -> tuple[str, str] | None:
    if config.get("padding") == "causal" and is_keras_3():
        return "QKeras for Keras 3 cannot compute a causal padding", "ZeroPadding1D before it, and padding='valid'"
    return None


def _check_relu(layer: Any, config: dict[str, Any]) -> tuple[str, str] | None:
    if config.get("threshold") and config.get("negative_slope"):
        return "a ReLU with a slope and a threshold: no test proves it", "one of the two"
    return None


def _check_activation(layer: Any, config: dict[str, Any]) -> tuple[str, str] | None:
    function = config["activation"]
    if not isinstance(function, str):
        return f"the activation is an object, a {function.get('class_name', 'layer')}", "a layer of its own behind it"
    return None if function in _FUNCTIONS else float_activation(function)


def _check_qactivation(layer: Any, config: dict[str, Any]) -> tuple[str, str] | None:
    quantizer = quantizer_of(layer)
    if hasattr(quantizer, "get_config"):
        return None
    name = getattr(quantizer, "__name__", str(quantizer))
    if is_of_keras(quantizer):
        return None if name in _FUNCTIONS else float_activation(name)
    return None if name in _OF_QKERAS else qkeras_function(name)


def _check_merge(layer: Any, config: dict[str, Any]) -> tuple[str, str] | None:
    shapes = input_shape(layer)
    class_name = type(layer).__name__
    if len(shapes) > 2 and class_name not in CHAINED:
        return f"hls4ml has {class_name} of two tensors, not of {len(shapes)}", "two of them, then the next"
    if class_name != "Concatenate" and len(set(shapes)) > 1:
        return "merging tensors of different shapes needs broadcasting, which no test proves", "equal shapes"
    return None


def _check_concatenate(layer: Any, config: dict[str, Any]) -> tuple[str, str] | None:
    rank = len(input_shape(layer)[0])
    if rank > MOST_AXES + 1:
        return f"hls4ml concatenates tensors of up to {MOST_AXES} axes", "a Reshape before it"
    return _check_merge(layer, config)


def _check_transposed(layer: Any, config: dict[str, Any]) -> tuple[str, str] | None:
    if any(rate != 1 for rate in config["dilation_rate"]):
        return "a transposed convolution with a dilation: no test proves it", "dilation_rate=1"
    strides = config["strides"]
    if config.get("output_padding") is not None or any(
        size % stride for size, stride in zip(output_shape(layer)[1:], strides, strict=False)
    ):
        return "its output is no multiple of its strides, and hls4ml cuts nothing off", "padding='same'"
    return None


def _check_mean(layer: Any, config: dict[str, Any]) -> tuple[str, str] | None:
    """QKeras divides by the window's size in float32, multiplies by it, then by the quantized factor."""
    if config.get("average_quantizer") is None:
        return None
    window = config["pool_size"] if "pool_size" in config else input_shape(layer)[1:-1]
    if log2(prod(window)) % 1:
        reason = f"QKeras divides by {prod(window)} and multiplies by it again in float32, which rounds"
        return reason, "a window whose size is a power of two, or average_quantizer=None"
    axes = zip(input_shape(layer)[1:-1], window, config.get("strides") or window, strict=True)
    beyond = [(ceil(size / stride) - 1) * stride + pool - size for size, pool, stride in axes]
    if config.get("padding") == "same" and max(beyond) > 0:
        return "its factor is that of a full window, and those at the border are not", "padding='valid'"
    return None


def is_plain_mean(class_name: str, config: Mapping[str, Any]) -> bool:
    """Whether it is a mean of QKeras that computes as Keras' own."""
    return class_name in ("QAveragePooling2D", "QGlobalAveragePooling2D") and config.get("average_quantizer") is None


def is_read_apart(class_name: str, config: Mapping[str, Any]) -> bool:
    """Whether hls4ml's converter has no such layer, or ignores what decides its shape or its values."""
    if class_name.rpartition(">")[2] == FIXED_POINT_QUANTIZER:
        return True
    if class_name.endswith(("Conv1DTranspose", "Conv2DTranspose")):
        return True
    if class_name in ("QAveragePooling2D", "QGlobalAveragePooling2D"):
        return True
    if "Conv" not in class_name:
        return False
    rates = config.get("dilation_rate", 1)
    dilated = any(rate != 1 for rate in (rates if isinstance(rates, tuple | list) else [rates]))
    return dilated or config.get("depth_multiplier", 1) != 1 or config.get("groups", 1) != 1


def _check_dense(layer: Any, config: dict[str, Any]) -> tuple[str, str] | None:
    if len(input_shape(layer)) > MOST_AXES + 1:
        return f"hls4ml has dense layers over tensors of up to {MOST_AXES} axes", "a Reshape before it"
    return None


def _check_resize(layer: Any, config: dict[str, Any]) -> tuple[str, str] | None:
    if config.get("interpolation", "nearest") != "nearest":
        return "only nearest-neighbour up-sampling moves values without computing", "interpolation='nearest'"
    return None


def _check_elu(layer: Any, config: dict[str, Any]) -> tuple[str, str] | None:
    alpha = float(config.get("alpha", 1.0))
    return None if alpha > 0 else (f"an ELU of alpha={alpha:g}: no test proves it", "an alpha above 0")


def _check_prelu(layer: Any, config: dict[str, Any]) -> tuple[str, str] | None:
    return ("hls4ml has no shared axes in PReLU", "shared_axes=None") if config.get("shared_axes") else None


def _check_batch_norm(layer: Any, config: dict[str, Any]) -> tuple[str, str] | None:
    axes = config["axis"] if isinstance(config["axis"], (list, tuple)) else [config["axis"]]
    last = len(input_shape(layer)) - 1
    if [axis % (last + 1) for axis in axes] != [last]:
        return "hls4ml normalizes along the channels alone", "axis=-1"
    return None


def _check_softmax(layer: Any, config: dict[str, Any]) -> tuple[str, str] | None:
    last = config["axis"] in (-1, len(input_shape(layer)) - 1)
    return None if last else ("hls4ml takes a softmax over the last axis alone", "axis=-1")


def _check_elements(layer: Any, config: dict[str, Any]) -> tuple[str, str] | None:
    shape = tuple(input_shape(layer)[1:])
    if len(shape) > MOST_AXES:
        return f"quantizers are converted over tensors of up to {MOST_AXES} axes", "a Reshape before it"
    if not live_types(layer).fits(shape):
        return f"its bits broadcast its input to another shape than {shape}", "bits of the shape of its input"
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class KerasLayer:
    """Classes of Keras and QKeras that are converted alike.

    `check(layer, config)` says why one with these settings is refused, and the way out.
    """

    names: tuple[str, ...]
    check: Callable[[Any, dict[str, Any]], tuple[str, str] | None] | None = None


# A new layer has its entry here, a function in `frontends.keras.layers`, and constructs in the tests.
KERAS_LAYERS = (
    KerasLayer(names=("InputLayer", "Dropout", "Flatten", "Reshape")),
    KerasLayer(names=("Permute",)),
    KerasLayer(names=("Dense", "QDense"), check=_check_dense),
    KerasLayer(names=("Conv2D", "QConv2D")),
    KerasLayer(names=("Conv1D", "QConv2DBatchnorm")),
    KerasLayer(names=("QConv1D",), check=_check_causal),
    KerasLayer(names=("DepthwiseConv2D", "QDepthwiseConv2D")),
    KerasLayer(names=("SeparableConv1D", "SeparableConv2D", "QSeparableConv1D", "QSeparableConv2D")),
    KerasLayer(names=("DepthwiseConv1D",)),
    KerasLayer(names=("Conv1DTranspose", "Conv2DTranspose"), check=_check_transposed),
    KerasLayer(names=("QAveragePooling2D", "QGlobalAveragePooling2D"), check=_check_mean),
    KerasLayer(names=("BatchNormalization", "QBatchNormalization"), check=_check_batch_norm),
    KerasLayer(names=("LeakyReLU",)),
    KerasLayer(names=("Activation",), check=_check_activation),
    KerasLayer(names=("QActivation",), check=_check_qactivation),
    KerasLayer(names=(FIXED_POINT_QUANTIZER,), check=_check_elements),
    KerasLayer(names=("ReLU",), check=_check_relu),
    KerasLayer(names=("ThresholdedReLU",)),
    KerasLayer(names=("PReLU",), check=_check_prelu),
    KerasLayer(names=("ELU",), check=_check_elu),
    KerasLayer(names=("Softmax",), check=_check_softmax),
    KerasLayer(names=("MaxPooling2D",)),
    KerasLayer(names=("MaxPooling1D", "AveragePooling1D", "AveragePooling2D")),
    KerasLayer(names=tuple(f"Global{kind}Pooling{dim}D" for kind in ("Max", "Average") for dim in "12")),
    KerasLayer(names=("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"), check=_check_merge),
    KerasLayer(names=("Concatenate",), check=_check_concatenate),
    KerasLayer(names=("ZeroPadding1D", "ZeroPadding2D")),
    KerasLayer(names=("UpSampling1D", "UpSampling2D"), check=_check_resize),
)
BY_CLASS: Mapping[str, KerasLayer] = {name: layer for layer in KERAS_LAYERS for name in layer.names}
