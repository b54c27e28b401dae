"""Measured zeros: those that pruning left, and those of the quantized weights that the hardware really has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hlsflow.foundation.errors import ModelError

if TYPE_CHECKING:
    import keras

    from hlsflow.foundation.arrays import Array


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerSparsity:
    """The share of exact zeros (0..1) in a layer; None for what it has not (a quantizer, a bias).

    `kernel_range` is the least and the greatest trained weight, before quantization.
    """

    layer: str
    kernel_shape: tuple[int, ...]
    kernel_range: tuple[float, float]
    bias_range: tuple[float, float] | None
    kernel_zeros: float
    kernel_zeros_quantized: float | None
    bias_zeros: float | None
    bias_zeros_quantized: float | None


def effective_weights(layer: keras.layers.Layer) -> tuple[Array, ...]:
    """The kernel and (where there is one) bias, float32, that a layer computes with: each through its own quantizer, if
    it has one."""
    return tuple(
        np.asarray(weight if quantizer is None else quantizer(weight))
        for quantizer, weight in zip(_quantizers(layer), layer.weights, strict=True)
    )


def quantized_weights(layer: keras.layers.Layer) -> tuple[Array, ...] | None:
    """The same of a QKeras layer; None where a weight has no quantizer."""
    return None if any(quantizer is None for quantizer in _quantizers(layer)) else effective_weights(layer)


def _quantizers(layer: keras.layers.Layer) -> list[Any]:
    roles = ("kernel", "bias")[: len(layer.weights)]
    return [getattr(layer, f"{role}_quantizer_internal", None) for role in roles]


def measure_sparsity(model: keras.Model) -> tuple[LayerSparsity, ...]:
    """The sparsity of every layer with a kernel of a stripped model, in the model's order.

    Raises ModelError where quantization turns a zero weight into another value.
    """
    measured = []
    for layer in model.layers:
        if not layer.weights:
            continue
        kernel, *biases = layer.get_weights()
        quantized = quantized_weights(layer)
        if quantized is not None and np.any(quantized[0][kernel == 0] != 0):
            raise ModelError(f"layer '{layer.name}': its quantizer does not keep zero weights zero")
        measured.append(
            LayerSparsity(
                layer=layer.name,
                kernel_shape=tuple(kernel.shape),
                kernel_range=_range(kernel),
                bias_range=_range(biases[0]) if biases else None,
                kernel_zeros=_zeros(kernel),
                kernel_zeros_quantized=None if quantized is None else _zeros(quantized[0]),
                bias_zeros=_zeros(biases[0]) if biases else None,
                bias_zeros_quantized=None if quantized is None or not biases else _zeros(quantized[1]),
            )
        )
    return tuple(measured)


def _zeros(array: Array) -> float:
    return round(float(np.mean(array == 0)), 6)


def _range(array: Array) -> tuple[float, float]:
    return round(float(array.min()), 6), round(float(array.max()), 6)
