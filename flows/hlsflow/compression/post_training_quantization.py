"""Post-training quantization: trained weights put onto a grid, and the network that computes with it exactly.

A grid's scale need not be a power of two, hardware's fixed point must. A ReLU network bridges that: with the weights
`scale * U` (U integers) and positive factors it is homogeneous, relu(s*x) = s*relu(x), and so is max-pooling. So the
hardware holds U on the nearest grid of its own, `weights = factor * (U * step)` with a power of two for the step, and
each bias divided by the product of the factors up to its layer. Its logits are those of the quantized network divided
by `facts.logits_factor`: the same class, a softmax (and so a loss) of another temperature. Where `scale` is a power of
two, as for half ranges 0.5, 1 and 2, the factor is 1 and nothing changes at all. Zero-points cost nothing: what is
multiplied by is `code - zero_point`, a constant of at most nine bits.

Every kind but float16 gives a fixed-point network. The values of float16 lie on no grid of reasonable width (their
step shrinks with them, to 2**-24), so that model keeps floating point and is held to a measured bound.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from math import ceil, log2
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from hlsflow.compression.method import Derived, Facts, Method, is_kernel
from hlsflow.datasets.dataset import Dataset, select_classes
from hlsflow.foundation.errors import ModelError
from hlsflow.frontends.keras.quantizer_texts import parse_quantizer
from hlsflow.models.layer_names import activation_behind, hidden_layers
from hlsflow.models.recipe import LayerQuantization, Part, Quantization
from hlsflow.models.source import Source
from hlsflow.models.weight_grids import (
    INT8_MAX,
    INT8_MIN,
    Rounded,
    best_half_range,
    cast_to_int8,
    pack_bits,
    put_on_grid,
    put_on_int8,
)

# Biases are added once to many products: 16 bits cost nothing beside the weights.
BIAS_BITS = 16
# Training images that the ranges of activations are measured on.
CALIBRATION_SAMPLES = 2000
# Of a layer's measured values, about so many judge a grid; the largest one is always among them.
MOST_VALUES = 1_000_000
# From this width on, activations have a bit more than the measured images need: others may go beyond.
ROOMY_BITS = 12
# The fewest integer bits that a recipe's quantizers may have.
LEAST_INTEGER = -8


class Parameters(Part):
    """What to quantize to. `activation_bits` is the width of what the ReLUs give, in hardware.

    `grid` takes `half_range` (a number, or `best`: each layer's own) and `bits`; `int8` takes `per`: one scale and
    zero-point a `tensor`, or one a `channel` of outputs. `int8_cast` and `float16` convert the numbers as they stand.
    """

    kind: Literal["grid", "float16", "int8_cast", "int8"]
    half_range: float | Literal["best"] | None = None
    bits: int | None = Field(default=None, ge=2, le=16)
    per: Literal["tensor", "channel"] | None = None
    activation_bits: int | None = Field(default=None, ge=2, le=16)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = {"grid": ("half_range", "bits"), "int8": ("per",)}.get(self.kind, ())
        for key in ("half_range", "bits", "per"):
            if key in needed and getattr(self, key) is None:
                raise ValueError(f"{key}: missing; kind {self.kind} needs {' and '.join(needed)}")
            if key not in needed and getattr(self, key) is not None:
                raise ValueError(f"{key}: kind {self.kind} has none; leave it out")
        if self.kind == "float16" and self.activation_bits is not None:
            raise ValueError("activation_bits: kind float16 keeps floating-point activations; leave it out")
        if not isinstance(self.half_range, str | None) and not 2.0**-8 <= self.half_range <= 2.0**8:
            raise ValueError(f"half_range: {self.half_range:g} is not within 1/256 to 256, nor 'best'")
        return self


def derive(source: Source, parameters: Parameters, dataset: Dataset) -> Derived:
    """The quantized model: kernels, biases and activations on grids (`float16`: rounded, in floating point).

    Facts: `accuracy_float_activations` (test set, quantized kernels, everything else in float32: what the formulas say
    before any hardware), `packed_bytes` and `packed_gzip_bytes` (kernels at their width, biases, scales, zero-points),
    `kernel_zeros` (share), `mean_squared_error` of the kernels' values, and each layer's half range, or scale and
    zero-points. Raises ModelError for a model that has quantizers already.
    """
    if source.recipe.compression.quantization is not None:
        raise ModelError(
            f"{source.recipe.name} has quantizers already, so its weights are on a grid",
            hint="quantize a floating-point model after its training, such as float",
        )
    dataset = select_classes(dataset, source.recipe.classes)
    kernels = {layer: source.weights[f"{layer}/kernel"] for layer in source.recipe.architecture.weight_names()}
    if parameters.kind == "float16":
        return _float16(source, dataset, kernels)
    rounded = {layer: _rounded(kernel, parameters) for layer, kernel in kernels.items()}
    plain = dict(source.weights) | {f"{layer}/kernel": of.values.astype(np.float32) for layer, of in rounded.items()}
    if parameters.kind == "int8_cast":
        plain |= {key: np.trunc(array).clip(INT8_MIN, INT8_MAX) for key, array in plain.items() if key.endswith("bias")}
    # The quantized network before it is scaled, in float32 throughout.
    course = Source(recipe=source.recipe, weights=plain, weights_sha256="")
    activations = _activations(course, dataset)
    quantization, weights, factor = _on_hardware_grids(rounded, plain, activations, parameters.activation_bits or 16)
    facts = {
        "accuracy_float_activations": _accuracy(course, dataset),
        **_figures(kernels, {layer: of.values for layer, of in rounded.items()}),
        **_sizes(_packed(rounded, weights, quantization)),
        "logits_factor": _short(factor),
        **_layer_facts(rounded, parameters),
    }
    compression = source.recipe.compression.model_copy(update={"quantization": quantization})
    return Derived(
        recipe=source.recipe.model_copy(update={"compression": compression}),
        weights=weights,
        facts=facts,
        pictures=_pictures(kernels, rounded),
    )


def _rounded(kernel: np.ndarray, parameters: Parameters) -> Rounded:
    match parameters.kind:
        case "grid":
            best = parameters.half_range == "best"
            half_range = best_half_range(kernel, parameters.bits) if best else parameters.half_range
            return put_on_grid(kernel, half_range, parameters.bits)
        case "int8":
            return put_on_int8(kernel, parameters.per)
        case _:
            return cast_to_int8(kernel)


def _on_hardware_grids(
    rounded: Mapping[str, Rounded],
    plain: Mapping[str, np.ndarray],
    activations: Mapping[str, np.ndarray],
    activation_bits: int,
) -> tuple[Quantization, dict[str, np.ndarray], float]:
    """The quantizers, the weights on their grids, and the product of all factors: see the module's docstring."""
    factor, weights, layers = 1.0, {}, {}
    for layer, of in rounded.items():
        integer = round(log2(of.unit) + of.bits - 1)
        integer = min(max(integer, LEAST_INTEGER), of.bits - 1)
        step = 2.0 ** (integer - of.bits + 1)
        factor *= of.unit / step
        said = {"kernel": f"quantized_bits({of.bits},{integer},alpha=1)"}
        weights[f"{layer}/kernel"] = (of.integers * step).astype(np.float32)
        if f"{layer}/bias" in plain:
            bias = plain[f"{layer}/bias"].astype(np.float64) / factor
            said["bias"] = _bias_quantizer(bias)
            weights[f"{layer}/bias"] = quantized(bias, said["bias"]).astype(np.float32)
        if layer in activations:
            said["activation"] = _activation_quantizer(activations[layer] / factor, activation_bits)
        layers[layer] = LayerQuantization(**said)
    first = next(iter(layers.values()))
    general = {
        "kernel": first.kernel,
        "bias": next((of.bias for of in layers.values() if of.bias), f"quantized_bits({BIAS_BITS},0,alpha=1)"),
        "activation": next(
            (of.activation for of in layers.values() if of.activation), f"quantized_relu({activation_bits},0)"
        ),
    }
    return Quantization(**general, layers=layers), weights, factor


def quantized(values: np.ndarray, quantizer: str) -> np.ndarray:
    """What a quantizer in QKeras notation makes of float64 values."""
    of = parse_quantizer(quantizer)
    return (np.rint(values / of.step) * of.step).clip(of.minimum, of.maximum)


def _bias_quantizer(bias: np.ndarray) -> str:
    """The finest grid of BIAS_BITS whose range holds every bias."""
    largest = float(np.abs(bias).max(initial=0.0))
    integer = LEAST_INTEGER if largest == 0 else max(ceil(log2(largest)), LEAST_INTEGER)
    # The largest value of a signed grid is a step below the power of two.
    if largest > 2.0**integer * (1 - 2.0 ** (1 - BIAS_BITS)):
        integer += 1
    return f"quantized_bits({BIAS_BITS},{min(integer, BIAS_BITS - 1)},alpha=1)"


def _activation_quantizer(values: np.ndarray, bits: int) -> str:
    """The grid of `bits` for measured values (n,), with room for larger ones where there are bits to spare.

    Else it is the one with the least squared error, whether it holds all values or saturates the rarest.
    """
    largest = float(values.max(initial=0.0))
    top = min(max(ceil(log2(largest)) if largest > 0 else 0, LEAST_INTEGER), bits)
    if bits >= ROOMY_BITS:
        return f"quantized_relu({bits},{min(top + 1, bits)})"
    names = [f"quantized_relu({bits},{integer})" for integer in range(top, max(top - 4, LEAST_INTEGER) - 1, -1)]
    return min(names, key=lambda name: float(np.square(quantized(values, name) - values).sum()))


def _activations(source: Source, dataset: Dataset) -> dict[str, np.ndarray]:
    """What the ReLU behind each layer gives for training images, float64 (n,), under the layer's name."""
    behind = {layer: activation_behind(layer) for layer in hidden_layers(source.recipe)}
    if not behind:
        return {}
    found = source.layer_outputs(dataset.x_train[:CALIBRATION_SAMPLES], list(behind.values()))
    flat = {layer: found[relu].ravel() for layer, relu in behind.items()}
    return {
        layer: np.append(values[:: -(-values.size // MOST_VALUES)], values.max()).astype(np.float64)
        for layer, values in flat.items()
    }


def _accuracy(source: Source, dataset: Dataset) -> float:
    """The share of the test set that a network classifies right, in float32."""
    logits = source.layer_outputs(dataset.x_test, ["logits"])["logits"]
    return round(float(np.mean(logits.argmax(axis=1) == dataset.y_test)), 6)


def _float16(source: Source, dataset: Dataset, kernels: Mapping[str, np.ndarray]) -> Derived:
    """Every weight and bias rounded to float16; the activations stay float32."""
    halves = _halves(source.weights)
    weights = {key: array.astype(np.float32) for key, array in halves.items()}
    made = Source(recipe=source.recipe, weights=weights, weights_sha256="")
    facts = {
        "accuracy_float_activations": _accuracy(made, dataset),
        **_figures(kernels, {layer: weights[f"{layer}/kernel"].astype(np.float64) for layer in kernels}),
        **_sizes(b"".join(array.tobytes() for array in halves.values())),
    }
    return Derived(recipe=source.recipe, weights=weights, facts=facts)


def _halves(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Weights rounded to float16; those beyond it saturate."""
    limit = float(np.finfo(np.float16).max)
    return {key: array.clip(-limit, limit).astype(np.float16) for key, array in weights.items()}


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def _figures(before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray]) -> dict[str, float]:
    count = sum(array.size for array in before.values())
    zeros = sum(int(np.count_nonzero(array == 0)) for array in after.values())
    squares = sum(float(np.square(after[layer] - before[layer]).sum()) for layer in before)
    return {"kernel_zeros": round(zeros / count, 6), "mean_squared_error": _short(squares / count)}


def _layer_facts(rounded: Mapping[str, Rounded], parameters: Parameters) -> dict[str, float | int | str]:
    facts: dict[str, float | int | str] = {}
    for layer, of in rounded.items():
        if parameters.kind == "grid":
            facts[f"half_range_{layer}"] = _short(of.unit * 2 ** (of.bits - 1))
        elif parameters.kind == "int8":
            # Of a layer with a scale for each channel, the largest one.
            facts[f"scale_{layer}"] = _short(float(of.scales.max()))
            least, most = int(of.zero_points.min()), int(of.zero_points.max())
            facts[f"zero_point_{layer}"] = least if parameters.per == "tensor" else f"{least} to {most}"
    return facts


def _packed(
    rounded: Mapping[str, Rounded], weights: Mapping[str, np.ndarray], quantization: Quantization
) -> bytes:  # fmt: skip
    """The network as bytes: codes packed without gaps, then each layer's scales (float32), zero-points, biases."""
    parts = []
    for layer, of in rounded.items():
        parts += [pack_bits(of.codes, of.code_bits), of.scales.astype("<f4").tobytes()]
        parts += [of.zero_points.astype(np.int8).tobytes()]
        if f"{layer}/bias" in weights:
            step = quantization.of(layer, "bias").step
            parts.append(np.rint(weights[f"{layer}/bias"] / step).astype("<i2").tobytes())
    return b"".join(parts)


def _sizes(packed: bytes) -> dict[str, int]:
    return {"packed_bytes": len(packed), "packed_gzip_bytes": len(gzip.compress(packed, mtime=0))}


def _pictures(before: Mapping[str, np.ndarray], after: Mapping[str, Rounded]) -> dict[str, bytes]:
    """Histograms of each layer's weights, as trained and as quantized, on the scale of the trained ones."""
    from hlsflow.foundation.drawing import BLUE, FEW_VALUES, ORANGE, new_figure, png, tidy

    figure = new_figure(3.1 * len(before), 3.6)
    columns = figure.subplots(1, len(before), squeeze=False)[0]
    for axes, (layer, kernel) in zip(columns, before.items(), strict=True):
        values, counts = np.unique(after[layer].integers, return_counts=True)
        limit = 1.05 * max(float(np.abs(kernel).max()), 1e-6, float(np.abs(values).max()) * after[layer].unit)
        # An odd number of bins, so that zero has one of its own.
        axes.hist(kernel.ravel(), bins=np.linspace(-limit, limit, 82), color=BLUE, alpha=0.85, label="as trained")
        few = len(values) <= FEW_VALUES
        if few:
            axes.vlines(values * after[layer].unit, 0.5, counts, color=ORANGE, linewidth=1.2)
        axes.plot(values * after[layer].unit, counts, "o", color=ORANGE, markersize=3 if few else 1.6,
                  label="quantized")  # fmt: skip
        axes.set_yscale("log")
        axes.set_ylim(bottom=0.5)
        axes.set_title(f"{layer}: {len(values):,} values, zero {np.mean(after[layer].integers == 0):.1%}", fontsize=9)
        axes.xaxis.get_major_locator().set_params(nbins=5)
        tidy(axes, "weight", "count" if axes is columns[0] else "")
    figure.legend(*columns[0].get_legend_handles_labels(), loc="upper right", ncols=2, frameon=False, fontsize=9)
    figure.suptitle("weights of each layer, before and after quantization", fontsize=11, x=0.01, ha="left")
    return {"quantization.png": png(figure)}


def on_weights(
    weights: Mapping[str, np.ndarray], parameters: Parameters
) -> tuple[dict[str, np.ndarray], Facts]:  # fmt: skip
    """Kernels on the grid (`float16`: all weights rounded), as float32; what else there is stays as it is.

    The scales of the grid are in the values, so that any network may have them; how many bits hardware takes for them
    is found when it is built. Raises ModelError for `activation_bits`: nothing says what stands behind which layer.
    """
    if parameters.activation_bits is not None:
        raise ModelError(
            "activation_bits: which values lie between the layers of a model that was added, only its file says",
            hint="leave it out: hlsflow build finds the widths, within --bound",
        )
    kernels = {key: array for key, array in weights.items() if is_kernel(key)}
    if parameters.kind == "float16":
        halves = _halves(weights)
        made = {key: array.astype(np.float32) for key, array in halves.items()}
        packed = b"".join(array.tobytes() for array in halves.values())
        return made, {**_figures(kernels, {key: made[key].astype(np.float64) for key in kernels}), **_sizes(packed)}
    rounded = {key: _rounded(array, parameters) for key, array in kernels.items()}
    made = {**weights, **{key: of.values.astype(np.float32) for key, of in rounded.items()}}
    packed = b"".join(pack_bits(of.codes, of.code_bits) for of in rounded.values())
    packed += b"".join(array.tobytes() for key, array in made.items() if key not in kernels)
    return made, {**_figures(kernels, {key: of.values for key, of in rounded.items()}), **_sizes(packed)}


METHOD = Method(name="post_training_quantization", parameters=Parameters, derive=derive, on_weights=on_weights)
