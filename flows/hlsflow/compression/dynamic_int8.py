"""Dynamic int8 quantization of Dense layers alone, computed by ourselves in exact integers: it is not TFLite's.

Weights are int8, symmetric, one scale for a layer, made once. Activations are unsigned integers with a zero point,
whose scale is taken from each batch's own range at run time, as PyTorch's `quantize_dynamic` does on x86
(`ChooseQuantizationParams` of ATen's QuantUtils.h with `reduce_range`: 0..127, so that pairs of products fit int16
there). Convolutions and activation functions stay float32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hlsflow.foundation.interrupts import boundaries
from hlsflow.models.source import Source

if TYPE_CHECKING:
    import keras

WEIGHT_LIMITS = (-128, 127)
ACTIVATION_MAXIMUM = 127
# PyTorch's eps of an observer's scale, for weights that are all zero.
SMALLEST_SCALE = np.finfo(np.float32).eps


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class QuantizedDense:
    """A Dense layer: `kernel` int8 (inputs, outputs), whose values are `kernel * scale`; `bias` float32 (outputs,)."""

    kernel: np.ndarray
    scale: np.float32
    bias: np.ndarray


def quantize_dense(kernel: np.ndarray, bias: np.ndarray) -> QuantizedDense:
    """A float32 Dense layer with an int8 kernel: scale = max |w| / 127.5, rounded half to even, as PyTorch has it."""
    low, high = WEIGHT_LIMITS
    scale = np.float32(max(float(np.abs(kernel).max(initial=0.0)) / ((high - low) / 2), float(SMALLEST_SCALE)))
    integers = np.clip(np.rint(kernel / scale), low, high).astype(np.int8)
    return QuantizedDense(kernel=integers, scale=scale, bias=bias)


def quantize_batch(x: np.ndarray) -> tuple[np.ndarray, np.float32, int]:
    """(integers, scale, zero point) of a batch of activations: `(integers - zero point) * scale` is nearly `x`.

    The range is stretched to hold 0, which so is exact. Integers are int32, 0..127.
    """
    low, high = min(float(x.min()), 0.0), max(float(x.max()), 0.0)
    scale = np.float32((high - low) / ACTIVATION_MAXIMUM)
    if scale < SMALLEST_SCALE:
        # Nothing but zeros (or as good as): any scale will do.
        scale = np.float32(0.1)
    zero_point = int(np.clip(np.rint(-low / scale), 0, ACTIVATION_MAXIMUM))
    integers = np.clip(np.rint(x / scale) + zero_point, 0, ACTIVATION_MAXIMUM).astype(np.int32)
    return integers, scale, zero_point


def dynamic_dense(x: np.ndarray, layer: QuantizedDense) -> np.ndarray:
    """A quantized Dense layer's outputs, float32 (n, outputs), for a batch `x`, float32 (n, inputs)."""
    integers, scale, zero_point = quantize_batch(x)
    # Products of integers in float64, where BLAS is quick: every sum stays below 2**53 and so is exact.
    sums = (integers - zero_point).astype(np.float64) @ layer.kernel.astype(np.float64)
    return (sums * (float(scale) * float(layer.scale)) + layer.bias).astype(np.float32)


def dynamic_scores(
    source: Source, x: np.ndarray, batch_size: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:  # fmt: skip
    """The scores, float32 (n, classes), of images `x` in batches, and the arrays that a file of this model holds.

    Of a network with quantizers, the weights that they gave are quantized again.
    """
    model = source.plain()
    layers = {layer.name: _quantized(layer) for layer in model.layers if type(layer).__name__ == "Dense"}
    arrays: dict[str, np.ndarray] = {}
    for layer in model.layers:
        if layer.name in layers:
            made = layers[layer.name]
            arrays |= {f"{layer.name}/kernel": made.kernel, f"{layer.name}/kernel_scale": np.array(made.scale)}
            arrays |= {f"{layer.name}/bias": made.bias} if layer.use_bias else {}
        elif layer.weights:
            arrays |= dict(zip((f"{layer.name}/kernel", f"{layer.name}/bias"), layer.get_weights(), strict=True))
    batches = [x[first : first + batch_size] for first in range(0, len(x), batch_size)]
    return np.concatenate([_run(model, layers, batch) for batch in boundaries(batches)]), arrays


def _quantized(layer: keras.layers.Layer) -> QuantizedDense:
    kernel, *biases = layer.get_weights()
    return quantize_dense(kernel, biases[0] if biases else np.zeros(kernel.shape[1], np.float32))


def _run(model: keras.Model, layers: dict[str, QuantizedDense], batch: np.ndarray) -> np.ndarray:
    # Every architecture of the zoo is a chain of layers.
    values = batch
    for layer in model.layers[1:]:
        quantized = layers.get(layer.name)
        values = np.asarray(layer(values)) if quantized is None else dynamic_dense(values, quantized)
    return values
