"""Measured zeros: those that pruning left, and those of the quantized weights that the hardware really has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hlsflow.errors import ModelError

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerSparsity:
    """The share of exact zeros (0..1) in a dense layer; None for the quantized ones of a layer without quantizers.

    `kernel_range` is the least and the greatest trained weight, before quantization.
    """

    layer: str
    kernel_shape: tuple[int, ...]
    kernel_range: tuple[float, float]
    bias_range: tuple[float, float]
    kernel_zeros: float
    kernel_zeros_quantized: float | None
    bias_zeros: float
    bias_zeros_quantized: float | None


def quantized_weights(layer: keras.layers.Layer) -> tuple[np.ndarray, np.ndarray] | None:
    """The kernel and bias (float32) that a QKeras dense layer computes with, or None for a layer without quantizers."""
    kernel_quantizer = getattr(layer, "kernel_quantizer_internal", None)
    bias_quantizer = getattr(layer, "bias_quantizer_internal", None)
    if kernel_quantizer is None or bias_quantizer is None:
        return None
    return np.asarray(kernel_quantizer(layer.kernel)), np.asarray(bias_quantizer(layer.bias))


def measure_sparsity(model: keras.Model) -> tuple[LayerSparsity, ...]:
    """The sparsity of every dense layer of a stripped model, in the model's order.

    Raises ModelError where quantization turns a zero weight into another value.
    """
    measured = []
    for layer in model.layers:
        if not layer.weights:
            continue
        kernel, bias = layer.get_weights()
        quantized = quantized_weights(layer)
        if quantized is not None and np.any(quantized[0][kernel == 0] != 0):
            raise ModelError(f"layer '{layer.name}': its quantizer does not keep zero weights zero")
        measured.append(
            LayerSparsity(
                layer=layer.name,
                kernel_shape=tuple(kernel.shape),
                kernel_range=_range(kernel),
                bias_range=_range(bias),
                kernel_zeros=_zeros(kernel),
                kernel_zeros_quantized=None if quantized is None else _zeros(quantized[0]),
                bias_zeros=_zeros(bias),
                bias_zeros_quantized=None if quantized is None else _zeros(quantized[1]),
            )
        )
    return tuple(measured)


def _zeros(array: np.ndarray) -> float:
    return round(float(np.mean(array == 0)), 6)


def _range(array: np.ndarray) -> tuple[float, float]:
    return round(float(array.min()), 6), round(float(array.max()), 6)
