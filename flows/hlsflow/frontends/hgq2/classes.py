"""The closed table of the layers that a file of HGQ 2 may name, and of the settings of each that decide its values.

HGQ 2 shares names of classes with QKeras: the module and the registered name of a class say whose it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PACKAGE = "hgq"


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A class of layers: the settings that are kept, its weights in HGQ's order, and the quantizers of its constants.

    `of_keras`: a layer of Keras' own, which has no quantizers.
    """

    settings: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    quantizers: tuple[str, ...] = ()
    merges: bool = False
    of_keras: bool = False


_CONV = ("filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "groups", "activation",
         "use_bias")  # fmt: skip
_POOL = ("pool_size", "strides", "padding", "data_format")
_GLOBAL = ("data_format", "keepdims")
_CONSTANTS = ("kq", "bq")

KINDS: Mapping[str, Kind] = {
    "QDense": Kind(settings=("units", "activation", "use_bias"), weights=("kernel", "bias"), quantizers=_CONSTANTS),
    "QBatchNormDense": Kind(
        settings=("units", "activation", "scale", "epsilon"),
        weights=("kernel", "bias", "bn_gamma", "moving_mean", "moving_variance"), quantizers=_CONSTANTS,
    ),
    "QEinsumDense": Kind(
        settings=("equation", "output_shape", "activation", "bias_axes"), weights=("kernel", "bias"),
        quantizers=_CONSTANTS,
    ),
    **dict.fromkeys(("QConv1D", "QConv2D"), Kind(settings=_CONV, weights=("kernel", "bias"), quantizers=_CONSTANTS)),
    "QBatchNormalization": Kind(
        settings=("axis", "epsilon", "center", "scale"),
        weights=("bn_gamma", "bn_beta", "moving_mean", "moving_variance"), quantizers=_CONSTANTS,
    ),
    **dict.fromkeys((f"Q{kind}Pooling{dim}D" for kind in ("Max", "Average") for dim in "12"), Kind(settings=_POOL)),
    **dict.fromkeys(
        (f"QGlobal{kind}Pooling{dim}D" for kind in ("Max", "Average") for dim in "12"), Kind(settings=_GLOBAL)
    ),
    **dict.fromkeys(("QAdd", "QSubtract", "QMultiply", "QMaximum", "QMinimum"), Kind(merges=True)),
    "QUnaryFunctionLUT": Kind(settings=("activation",)),
    "Quantizer": Kind(),
    "Flatten": Kind(settings=("data_format",), of_keras=True),
    "Reshape": Kind(settings=("target_shape",), of_keras=True),
    "Activation": Kind(settings=("activation",), of_keras=True),
    "ReLU": Kind(settings=("max_value", "negative_slope", "threshold"), of_keras=True),
    **dict.fromkeys(
        (f"{kind}Pooling{dim}D" for kind in ("Max", "Average") for dim in "12"), Kind(settings=_POOL, of_keras=True)
    ),
}  # fmt: skip
# What training alone knows: at inference the values pass unchanged.
TRAINING_ONLY = frozenset("Dropout SpatialDropout1D SpatialDropout2D GaussianDropout GaussianNoise".split())
_INSTEAD = "QDense, QConv1D, QConv2D, QBatchNormDense, QBatchNormalization, QAdd and its like, poolings, Flatten, ReLU"
_TABLE = "its values come from tables that nothing here emulates"
_REASONS: Mapping[str, tuple[str, str]] = {
    "QSoftmax": (_TABLE, "the logits as the output"),
    **dict.fromkeys("QDenseT QEinsumDenseT QConvT1D QConvT2D QAffinedUnaryFunctionLUT".split(), (_TABLE, "QDense")),
    "QEinsumDenseBatchnorm": ("no test proves its conversion", "QBatchNormDense"),
    "Lambda": ("a Lambda layer is code, and code of a file is never run", "a layer"),
}


def refusal_of(class_name: str) -> tuple[str, str]:
    """Why a class that is not in the table is refused, and what to do instead."""
    return _REASONS.get(class_name, (f"no test proves the conversion of a layer of class '{class_name}'", _INSTEAD))


def foreign(said: Mapping[str, Any]) -> str | None:
    """Whose class a serialized object is, where that is neither HGQ 2's nor Keras' own; else None."""
    name, module, registered = (said.get(key) for key in ("class_name", "module", "registered_name"))
    kind = KINDS.get(str(name))
    of_keras = str(name) in TRAINING_ONLY or str(name) == "InputLayer" or (kind is not None and kind.of_keras)
    if of_keras:
        return None if module in ("keras.layers", None) and registered in (None, name) else str(module or registered)
    mine = isinstance(module, str) and module.partition(".")[0] == PACKAGE and registered == f"{PACKAGE}>{name}"
    return None if mine else str(module if module not in (None, "builtins") else registered or "nobody known")


def is_of_hgq2(said: Any) -> bool:
    """Whether a serialized model, a mapping, has a layer of HGQ 2."""
    layers = said["config"]["layers"] if isinstance(said, Mapping) and isinstance(said.get("config"), Mapping) and (
        isinstance(said["config"].get("layers"), list)
    ) else []  # fmt: skip
    return any(
        isinstance(item, Mapping)
        and str(item.get("module")).partition(".")[0] == PACKAGE
        and str(item.get("registered_name")).startswith(f"{PACKAGE}>")
        for item in layers
    )
