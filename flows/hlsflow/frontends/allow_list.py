"""Which constructs of Keras and QKeras are converted, and why the others are refused.

Every construct of `tests/constructs.py` is either shown equal by `tests/building/test_constructs.py`, in both
backends and both io types, or refused here with the reason and a way out. What is not listed is refused: an unknown
layer is never tried on somebody's hardware.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import log2
from typing import Any

from hlsflow.network.quantizers import NotExact, activation_quantizer, configuration_of
from hlsflow.network.refusal import Refusal

# Axes of a tensor, the batch left out, up to which hls4ml's layers go that are no matter of single values.
MOST_AXES = 3

SEE = "a layer of the allow-list: `hlsflow lint --constructs` shows it"

# Layers that people do use, with the reason found and what to write instead.
_REFUSED = {
    "QBatchNormalization": (
        "hls4ml ignores the quantizers of QBatchNormalization (measured: off by 12 on a scale of 33)",
        "BatchNormalization, or QConv2DBatchnorm, which folds it into the kernel",
    ),
    "QAveragePooling2D": ("hls4ml does not convert it", "AveragePooling2D followed by QActivation"),
    "QGlobalAveragePooling2D": ("hls4ml does not convert it", "GlobalAveragePooling2D followed by QActivation"),
    "QAdaptiveActivation": ("hls4ml does not convert it", "QActivation with the range that was learnt"),
    "QDepthwiseConv2DBatchnorm": ("hls4ml does not convert it", "QDepthwiseConv2D and BatchNormalization"),
    "QConv2DTranspose": ("QKeras 0.9 cannot build it under this TensorFlow", "UpSampling2D and QConv2D"),
    "QLSTM": ("recurrent layers of QKeras do not convert", "a convolution over time"),
    "QGRU": ("recurrent layers of QKeras do not convert", "a convolution over time"),
    "QSimpleRNN": ("recurrent layers of QKeras do not convert", "a convolution over time"),
    "LSTM": ("a recurrent layer uses tables, which are only close", "a convolution over time"),
    "GRU": ("a recurrent layer uses tables, which are only close", "a convolution over time"),
    "SimpleRNN": ("a recurrent layer uses tables, which are only close", "a convolution over time"),
    "PruneLowMagnitude": (
        "the model still carries its pruning wrappers",
        "tensorflow_model_optimization.sparsity.keras.strip_pruning(model) before saving",
    ),
    "Lambda": ("a Lambda layer is code, not a layer, and is never run from a file", "a layer of the allow-list"),
    "ELU": ("ELU is a table in hardware, exact only to its resolution", "relu or quantized_relu"),
    "ThresholdedReLU": ("no test proves it", "relu or quantized_relu"),
    "LayerNormalization": ("LayerNormalization is a table in hardware", "BatchNormalization"),
}


def float_activation(function: str) -> tuple[str, str]:
    """Why a float activation is refused, and the way out."""
    if function in ("tanh", "sigmoid", "softplus", "softsign", "elu", "selu", "exponential"):
        return (
            f"'{function}' is a table in hardware, exact only to its resolution",
            f"quantized_{function} or quantized_relu",
        )
    return f"no exact conversion of the activation '{function}'", "relu, or a quantizer such as quantized_relu(8,4)"


def refusals(model: Any) -> list[Refusal]:
    """The layers of a Keras model that have no exact conversion, all of them at once."""
    found: list[Refusal] = []
    for layer in model.layers:
        class_name = type(layer).__name__
        reason = _refuse(layer, class_name, model)
        if reason is not None:
            found.append(Refusal(layer.name, *reason))
    return found


def _refuse(layer: Any, class_name: str, model: Any) -> tuple[str, str] | None:
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
    if _uses(layer, model) > 1:
        return "a layer that is used twice shares its weights, and hls4ml converts one use", "one layer for each use"
    config = layer.get_config()
    if config.get("data_format") == "channels_first":
        return "channels_first", "data_format='channels_last'"
    dilation = config.get("dilation_rate", 1)
    if any(rate != 1 for rate in (dilation if isinstance(dilation, (tuple, list)) else [dilation])):
        return "hls4ml ignores the dilation", "dilation_rate=1"
    if config.get("depth_multiplier", 1) != 1:
        return "a depth multiplier above 1 crashes the C simulation", "depth_multiplier=1"
    if config.get("groups", 1) != 1:
        return "hls4ml ignores the groups of a convolution", "groups=1"
    return (known.check(layer, config) if known.check is not None else None) or _check_quantizers(layer)


def _check_quantizers(layer: Any) -> tuple[str, str] | None:
    """The layer's activation quantizer, its own or inline, and the scales of its kernel and bias quantizers."""
    activation = getattr(layer, "quantizer", None) or getattr(layer, "activation", None)
    for role in ("kernel", "depthwise", "pointwise", "bias"):
        quantizer = getattr(layer, f"{role}_quantizer_internal", None)
        alpha = getattr(quantizer, "alpha", None)
        if alpha == "auto" and type(quantizer).__name__ in ("binary", "ternary"):
            reason = (
                f"{type(quantizer).__name__}(alpha='auto') of the {role}: its sums cancel to ties that float32 misses"
            )
            return reason, "alpha='auto_po2', or alpha=1"
        if isinstance(alpha, (int, float)) and alpha > 0 and log2(alpha) % 1:
            return (
                f"alpha={alpha} of the {role} is no power of two, so Keras itself rounds",
                "a power of two, or alpha=1",
            )
    if not hasattr(activation, "get_config"):
        return None
    try:
        activation_quantizer(type(activation).__name__, configuration_of(activation))
    except NotExact as problem:
        return str(problem), problem.way_out
    return None


def _uses(layer: Any, model: Any) -> int:
    """How often a layer is called in this model; a layer may have been called before, for another model."""
    depth_nodes = [node for nodes in model._nodes_by_depth.values() for node in nodes]
    return sum(node.layer is layer for node in depth_nodes)


def _check_relu(layer: Any, config: dict[str, Any]) -> tuple[str, str] | None:
    if config.get("max_value") is not None:
        return "hls4ml ignores the upper bound of ReLU", "quantized_relu, which saturates at its range"
    if config.get("negative_slope") or config.get("threshold"):
        return "hls4ml ignores the slope and threshold of ReLU", "LeakyReLU for a slope"
    return None


def _check_activation(layer: Any, config: dict[str, Any]) -> tuple[str, str] | None:
    function = config["activation"]
    return None if function in ("relu", "softmax", "linear") else float_activation(function)


def _check_qactivation(layer: Any, config: dict[str, Any]) -> tuple[str, str] | None:
    if hasattr(layer.quantizer, "get_config"):
        return None
    name = getattr(layer.quantizer, "__name__", str(layer.quantizer))
    if name == "binary_tanh":
        return "binary_tanh gives -1 at zero where hls4ml gives 1", "binary(alpha=1)"
    return f"hls4ml does not convert QActivation('{name}')", "Activation, or a quantizer such as quantized_relu(8,4)"


def _check_merge(layer: Any, config: dict[str, Any]) -> tuple[str, str] | None:
    shapes = layer.input_shape
    if len(shapes) > 2:
        return f"hls4ml merges two tensors, not {len(shapes)}", "merge two, then the next"
    if type(layer).__name__ != "Concatenate" and shapes[0] != shapes[1]:
        return "merging tensors of different shapes needs broadcasting, which no test proves", "equal shapes"
    return None


def _check_concatenate(layer: Any, config: dict[str, Any]) -> tuple[str, str] | None:
    rank = len(layer.input_shape[0])
    if rank > MOST_AXES + 1:
        return f"hls4ml concatenates tensors of up to {MOST_AXES} axes", "a Reshape before it"
    if config["axis"] not in (-1, rank - 1):
        return "hls4ml concatenates streams along the channels alone", "axis=-1"
    return _check_merge(layer, config)


def _check_dense(layer: Any, config: dict[str, Any]) -> tuple[str, str] | None:
    if len(layer.input_shape) > MOST_AXES + 1:
        return f"hls4ml has dense layers over tensors of up to {MOST_AXES} axes", "a Reshape before it"
    return None


def _check_resize(layer: Any, config: dict[str, Any]) -> tuple[str, str] | None:
    if config.get("interpolation", "nearest") != "nearest":
        return "only nearest-neighbour up-sampling moves values without computing", "interpolation='nearest'"
    return None


def _check_global_pool(layer: Any, config: dict[str, Any]) -> tuple[str, str] | None:
    return ("hls4ml ignores keepdims", "keepdims=False and Reshape") if config.get("keepdims") else None


def _check_prelu(layer: Any, config: dict[str, Any]) -> tuple[str, str] | None:
    return ("hls4ml has no shared axes in PReLU", "shared_axes=None") if config.get("shared_axes") else None


def _check_softmax(layer: Any, config: dict[str, Any]) -> tuple[str, str] | None:
    last = config["axis"] in (-1, len(layer.input_shape) - 1)
    return None if last else ("hls4ml takes a softmax over the last axis alone", "axis=-1")


@dataclass(frozen=True, kw_only=True, slots=True)
class KerasLayer:
    """Classes of Keras and QKeras that are converted alike.

    `check(layer, config)` says why one with these settings is refused, and the way out. `both_floats`: what it computes
    in float64 is what it computes in float32, only without its rounding, so that it can be evaluated in either.
    """

    names: tuple[str, ...]
    check: Callable[[Any, dict[str, Any]], tuple[str, str] | None] | None = None
    both_floats: bool = False


# A new layer has its entry here, a function in `frontends.layers`, and constructs in the tests.
KERAS_LAYERS = (
    KerasLayer(names=("InputLayer", "Dropout", "Flatten", "Reshape"), both_floats=True),
    KerasLayer(names=("Permute",)),
    KerasLayer(names=("Dense", "QDense"), check=_check_dense, both_floats=True),
    KerasLayer(names=("Conv2D", "QConv2D"), both_floats=True),
    KerasLayer(names=("Conv1D", "QConv1D", "QConv2DBatchnorm")),
    KerasLayer(names=("DepthwiseConv2D", "QDepthwiseConv2D")),
    KerasLayer(names=("SeparableConv1D", "SeparableConv2D", "QSeparableConv1D", "QSeparableConv2D")),
    KerasLayer(names=("BatchNormalization", "LeakyReLU")),
    KerasLayer(names=("Activation",), check=_check_activation, both_floats=True),
    KerasLayer(names=("QActivation",), check=_check_qactivation, both_floats=True),
    KerasLayer(names=("ReLU",), check=_check_relu),
    KerasLayer(names=("PReLU",), check=_check_prelu),
    KerasLayer(names=("Softmax",), check=_check_softmax),
    KerasLayer(names=("MaxPooling2D",), both_floats=True),
    KerasLayer(names=("MaxPooling1D", "AveragePooling1D", "AveragePooling2D")),
    KerasLayer(
        names=tuple(f"Global{kind}Pooling{dim}D" for kind in ("Max", "Average") for dim in "12"),
        check=_check_global_pool,
    ),
    KerasLayer(names=("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"), check=_check_merge),
    KerasLayer(names=("Concatenate",), check=_check_concatenate),
    KerasLayer(names=("ZeroPadding1D", "ZeroPadding2D")),
    KerasLayer(names=("UpSampling1D", "UpSampling2D"), check=_check_resize),
)
BY_CLASS: Mapping[str, KerasLayer] = {name: layer for layer in KERAS_LAYERS for name in layer.names}
