"""The constants that a Keras layer computes with: its variables after the layer's own quantizers, and their types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hlsflow.frontends.keras.generations import is_keras_3, weight_of
from hlsflow.network.fixed_point import FixedType
from hlsflow.network.quantizers import kernel_type

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


def float64(values: Any) -> Array:
    import numpy as np

    return np.asarray(values.numpy() if hasattr(values, "numpy") else values, dtype=np.float64)


def quantized(values: Any, quantizer: Any) -> Array:
    """What a layer multiplies by: its variable through its quantizer, as the layer itself calls it."""
    return float64(values if quantizer is None else quantizer(values))


def _declared(layer: Any, role: str) -> FixedType | None:
    quantizer = getattr(layer, f"{role}_quantizer_internal", None)
    if quantizer is None or not hasattr(quantizer, "get_config"):
        return None
    return kernel_type({"class_name": type(quantizer).__name__, "config": quantizer.get_config()})


def _on_grid(values: Array, declared: FixedType | None) -> FixedType | None:
    """The declared type if it holds the values, else None: then the values decide.

    QKeras computes `x + (q - x)` in float32, which can miss q by an ulp for a weight far outside the range.
    """
    import numpy as np

    if declared is None:
        return None
    scaled = values * 2.0**declared.fraction
    fits = (
        np.array_equal(scaled, np.rint(scaled))
        and scaled.min() >= declared.min_int
        and scaled.max() <= declared.max_int
    )
    return declared if fits else None


# Our names of a layer's arrays, in the order of Keras' weights: the variable, and the prefix of its quantizer.
_BIAS = {"bias": ("bias", "bias")}
KERNEL = {"weight": ("kernel", "kernel"), **_BIAS}
DEPTHWISE = {"weight": ("depthwise_kernel", "depthwise"), **_BIAS}
SEPARABLE = {
    "depthwise": ("depthwise_kernel", "depthwise"),
    "pointwise": ("pointwise_kernel", "pointwise"),
    **_BIAS,
}


def effective_arrays(layer: Any) -> dict[str, Array]:
    """The arrays that a layer computes with, float64, after its quantizers, in the order of the weights of the plain
    Keras layer of its kind; none for a layer without a kernel or slopes."""
    match type(layer).__name__.removeprefix("Q"):
        case "Conv2DBatchnorm":
            return folded_weights(layer)[0]
        case name if name.startswith("Separable"):
            return weights(layer, SEPARABLE)[0]
        case name if name.startswith("Depthwise"):
            return weights(layer, DEPTHWISE)[0]
        case "PReLU":
            return {"param": float64(layer.alpha)}
    return weights(layer, KERNEL)[0]


def weights(layer: Any, roles: Mapping[str, tuple[str, str]]) -> tuple[dict[str, Array], dict[str, FixedType]]:
    """Effective arrays and declared types: `roles` maps our name to (variable, quantizer's prefix)."""
    arrays: dict[str, Array] = {}
    declared: dict[str, FixedType] = {}
    for ours, (variable, prefix) in roles.items():
        value = weight_of(layer, variable)
        if value is None:
            continue
        arrays[ours] = quantized(value, getattr(layer, f"{prefix}_quantizer_internal", None))
        found = _on_grid(arrays[ours], _declared(layer, prefix))
        if found is not None:
            declared[ours] = found
    return arrays, declared


def folded_weights(layer: Any) -> tuple[dict[str, Array], dict[str, FixedType]]:
    """Kernel and bias of a QConv2DBatchnorm as its `call` folds them in inference (both folding modes agree there)."""
    norm = layer.batchnorm
    inverse = _inverse_root(norm.moving_variance, norm.epsilon, of_qkeras=True)
    if norm.gamma is not None:
        inverse *= norm.gamma
    bias = layer.bias if layer.use_bias else 0
    folded = {"weight": inverse * layer.kernel, "bias": inverse * (bias - norm.moving_mean) + norm.beta}
    arrays: dict[str, Array] = {}
    declared: dict[str, FixedType] = {}
    for ours, prefix in (("weight", "kernel"), ("bias", "bias")):
        arrays[ours] = quantized(folded[ours], getattr(layer, f"{prefix}_quantizer_internal"))
        found = _on_grid(arrays[ours], _declared(layer, prefix))
        if found is not None:
            declared[ours] = found
    return arrays, declared


def _inverse_root(variance: Any, epsilon: float, *, of_qkeras: bool) -> Any:
    """1 / sqrt(variance + epsilon) as the layer computes it: QKeras for Keras 3 divides, which may give another last
    bit."""
    import tensorflow as tf

    if of_qkeras and is_keras_3():
        return 1 / tf.math.sqrt(variance + epsilon)
    return tf.math.rsqrt(variance + epsilon)


def batch_norm_constants(layer: Any) -> tuple[Array, Array]:
    """The scale and the shift of a BatchNormalization, float64 (channels,): the float32 constants of the formula
    `x * scale + shift` that `tf.nn.batch_normalization` computes. Those of QKeras come from its quantized constants."""

    def constant(name: str, said: str) -> Any:
        value = getattr(layer, name)
        quantizer = getattr(layer, f"{said}_quantizer_internal", None)
        return value if value is None or quantizer is None else quantizer(value)

    mean, gamma, beta = constant("moving_mean", "mean"), constant("gamma", "gamma"), constant("beta", "beta")
    of_qkeras = type(layer).__name__ == "QBatchNormalization"
    scale = _inverse_root(constant("moving_variance", "variance"), layer.epsilon, of_qkeras=of_qkeras)
    if gamma is not None:
        scale *= gamma
    # QKeras for Keras 3 may have a quantizer for the product itself.
    inverse_quantizer = getattr(layer, "inverse_quantizer_internal", None)
    if inverse_quantizer is not None:
        scale = inverse_quantizer(scale)
    shift = -mean * scale if beta is None else beta - mean * scale
    return float64(scale), float64(shift)


def quantized_variables(layer: Any) -> dict[str, tuple[Array, FixedType, str]]:
    """The variables that a layer's own quantizers put on a grid, by name: the values, the grid, and the quantizer in
    QKeras notation. Those that a layer folds before it quantizes are none."""
    name = type(layer).__name__
    if not name.startswith("Q") or name.endswith("Batchnorm"):
        return {}
    roles = SEPARABLE if "Separable" in name else DEPTHWISE if "Depthwise" in name else KERNEL
    arrays, declared = weights(layer, roles)
    return {
        variable: (arrays[ours], declared[ours], str(getattr(layer, f"{prefix}_quantizer_internal")))
        for ours, (variable, prefix) in roles.items()
        if ours in declared
    }
