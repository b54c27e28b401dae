"""The closed table of layers that a file may name: the library of each, and the variables that it has.

A name is no proof of a class: where a file says of which module a class is, that decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from hlsflow.frontends.keras.files.architecture import Library
from hlsflow.frontends.keras.fixed_point_quantizer import CLASS_NAME as FIXED_POINT_QUANTIZER
from hlsflow.frontends.keras.fixed_point_quantizer import VARIABLES

Variables = Callable[[Mapping[str, Any]], tuple[str, ...]]


def _none(config: Mapping[str, Any]) -> tuple[str, ...]:
    return ()


def _named(*names: str) -> Variables:
    """These, and the bias where there is one."""
    return lambda config: (*names, *(("bias",) if config.get("use_bias", True) else ()))


def _batchnorm(config: Mapping[str, Any]) -> tuple[str, ...]:
    gamma = ("gamma",) if config.get("scale", True) else ()
    beta = ("beta",) if config.get("center", True) else ()
    return (*gamma, *beta, "moving_mean", "moving_variance")


def _layer_norm(config: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(name for name, key in (("gamma", "scale"), ("beta", "center")) if config.get(key, True))


_PLAIN = (
    "InputLayer Activation ReLU LeakyReLU ELU ThresholdedReLU Softmax Flatten Reshape Permute RepeatVector Masking "
    "MaxPooling1D MaxPooling2D AveragePooling1D AveragePooling2D GlobalMaxPooling1D GlobalMaxPooling2D "
    "GlobalAveragePooling1D GlobalAveragePooling2D Add Subtract Multiply Average Maximum Minimum Concatenate Dot "
    "ZeroPadding1D ZeroPadding2D Cropping1D Cropping2D UpSampling1D UpSampling2D Resizing Rescaling"
).split()
_RECURRENT = _named("kernel", "recurrent_kernel")

KERAS: Mapping[str, Variables] = {
    **dict.fromkeys(_PLAIN, _none),
    **dict.fromkeys(("Dense", "Conv1D", "Conv2D", "Conv1DTranspose", "Conv2DTranspose"), _named("kernel")),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), _named("depthwise_kernel")),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D"), _named("depthwise_kernel", "pointwise_kernel")),
    "BatchNormalization": _batchnorm,
    "LayerNormalization": _layer_norm,
    "PReLU": lambda config: ("alpha",),
    "Embedding": lambda config: ("embeddings",),
    **dict.fromkeys(("LSTM", "GRU", "SimpleRNN"), _RECURRENT),
}
QKERAS: Mapping[str, Variables] = {
    **dict.fromkeys(("QActivation", "QAveragePooling2D", "QGlobalAveragePooling2D"), _none),
    **dict.fromkeys(("QDense", "QConv1D", "QConv2D", "QConv2DTranspose"), _named("kernel")),
    "QDepthwiseConv2D": _named("depthwise_kernel"),
    **dict.fromkeys(("QSeparableConv1D", "QSeparableConv2D"), _named("depthwise_kernel", "pointwise_kernel")),
    "QBatchNormalization": _batchnorm,
    "QConv2DBatchnorm": lambda config: (*_named("kernel")(config), *_batchnorm(config)),
    "QDepthwiseConv2DBatchnorm": lambda config: (*_named("depthwise_kernel")(config), *_batchnorm(config)),
    **dict.fromkeys(("QLSTM", "QGRU", "QSimpleRNN"), _RECURRENT),
}
HGQ: Mapping[str, Variables] = {FIXED_POINT_QUANTIZER: lambda config: VARIABLES}
# What training alone knows: at inference the values pass unchanged. (RandomCrop, RandomHeight and RandomWidth are none
# of them: they give another shape.)
TRAINING_ONLY = frozenset(
    "Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D AlphaDropout GaussianDropout GaussianNoise "
    "ActivityRegularization RandomFlip RandomRotation RandomZoom RandomTranslation RandomContrast "
    "RandomBrightness".split()
)
MODELS = ("Sequential", "Functional", "Model")
PRUNING = "PruneLowMagnitude"
_OURS = re.compile(r"(tf_|tensorflow\.)?(python\.)?(keras|qkeras)\b|tensorflow_model_optimization\b|tfmot\b|builtins$")


def _is_of_hgq(said: Mapping[str, Any]) -> bool:
    """Whether a serialized object is the quantizer of HGQ's proxy models."""
    names = said.get("class_name"), said.get("registered_name")
    return names[0] in (FIXED_POINT_QUANTIZER, f"HGQ>{FIXED_POINT_QUANTIZER}") and (
        said.get("module") in (None, "HGQ.proxy.fixed_point_quantizer")
        and names[1] in (None, FIXED_POINT_QUANTIZER, f"HGQ>{FIXED_POINT_QUANTIZER}")
    )


def foreign(said: Mapping[str, Any]) -> str | None:
    """Whose class a serialized object is, where it says that it is of none of the libraries known here; else None."""
    module, registered = said.get("module"), said.get("registered_name")
    if _is_of_hgq(said):
        return None
    if isinstance(module, str) and module and not _OURS.match(module):
        return module
    for text in (registered, said.get("class_name")):
        if isinstance(text, str) and ">" in text:
            package = text.partition(">")[0]
            if package.lower() not in ("keras", "qkeras", "tensorflow_model_optimization", "custom"):
                return package
            if package.lower() == "custom" and not isinstance(module, str):
                return package
    return None


_OPS = re.compile(r"keras(\.src)?\.ops\b")


def is_operation(said: Mapping[str, Any]) -> bool:
    """Whether a serialized layer is an operation on tensors that Python wrote, and none that a layer does as well.

    Keras 3 names some as it names layers: its operation Concatenate has another axis where none is said.
    """
    if str(said.get("class_name")) in ("TFOpLambda", "SlicingOpLambda"):
        return True
    same = said.get("class_name") in ("Add", "Subtract", "Multiply", "Maximum", "Minimum")
    return _OPS.match(str(said.get("module"))) is not None and not same


def library_of(class_name: str) -> Library | None:
    """The library of a known class of layers."""
    if class_name in KERAS:
        return "keras"
    if class_name in HGQ:
        return "hgq"
    return "qkeras" if class_name in QKERAS else None


def variables_of(class_name: str, config: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of a known layer's weights, in Keras' order."""
    return {**KERAS, **QKERAS, **HGQ}[class_name](config)


# Why a class that is not in the table is refused, and what to do.
REASONS: Mapping[str, tuple[str, str]] = {
    "Lambda": ("a Lambda layer is code, and code of a file is never run", "replace it by a layer of Keras"),
    "TFOpLambda": ("an operation on tensors, and no layer", "replace it by a layer, such as Add or Concatenate"),
    "SlicingOpLambda": ("a slice of a tensor, and no layer", "replace it by Cropping1D or by separate inputs"),
    **dict.fromkeys(
        (
            "HQuantize HDense HDenseBatchNorm HConv1D HConv2D HConv1DBatchNorm HConv2DBatchNorm HActivation HAdd "
            "PReshape PFlatten PMaxPool1D PMaxPool2D PAvgPool1D PAvgPool2D PConcatenate Signature"
        ).split(),
        ("a layer of HGQ's model for training", "its proxy model: HGQ.to_proxy_model(model, …).save('model.h5')"),
    ),
    "UnaryLUT": ("a table of HGQ's own, which hardware here has none of", "relu in the place of its function"),
    **dict.fromkeys(
        ("GarNet", "GarNetStack"),
        ("a layer of its author's own, GarNet", "convert it with hls4ml itself: no proof covers its tables"),
    ),
    **dict.fromkeys(
        ("BinaryDense", "TernaryDense"),
        ("a layer of its author's own, from before QKeras", "QDense with binary(alpha=1) or ternary(alpha=1)"),
    ),
    **dict.fromkeys(
        ("Bidirectional", "TimeDistributed", "RNN", "MultiHeadAttention", "Attention"),
        ("a wrapper or a layer that has no exact form in hardware", "a convolution over time, or dense layers"),
    ),
}


def refusal_of(class_name: str) -> tuple[str, str]:
    """Why a class that is not in the table is refused, and what to do instead."""
    return REASONS.get(
        class_name,
        (
            f"'{class_name}' is no layer of Keras or QKeras that is known here, and code of a file is never run",
            "replace it by layers of Keras or QKeras: `hlsflow lint --constructs` shows them",
        ),
    )
