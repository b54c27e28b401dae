"""What our RTL has hardware for, said once: asked of a network that is planned, and of the project made of it.

Both say the same of each of their layers, by the names of `nnet::` and by what is computed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from hlsflow.hls.window import Window
from hlsflow.network.fixed_point import FixedType, Overflow

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

COVERED = (
    "it covers dense layers, convolutions, max pooling, average pooling of 2, 4, 8, … values, ReLU, quantized linear "
    "activations, argmax at the end; a final softmax of tables is left out"
)
WIDEST_ACCUMULATOR = 62
_WIDE_ENOUGH = "an accumulator that the conversion proves wide enough is covered"

CONVOLUTIONS = ("conv_1d_cl", "conv_2d_cl", "pointwise_conv_1d_cl", "pointwise_conv_2d_cl")
POOLINGS = ("pooling1d_cl", "pooling2d_cl")
CASTS = ("relu", "linear", "repack_stream")
PADDINGS = ("zeropad1d_cl", "zeropad2d_cl")
_COVERED = ("dense", *CONVOLUTIONS, *POOLINGS, *CASTS, *PADDINGS, "softmax")


class Problem(NamedTuple):
    """Why there is no hardware, and what to do."""

    text: str
    hint: str | None = COVERED


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Product:
    """A matrix product: `weights` (n_in, n_out) in LSBs of `weight`, `bias` (n_out,) in LSBs of `accum`.

    `strategy` is the word after `nnet::`, `multiplication` what hls4ml multiplies by.
    """

    weights: Array
    bias: Array
    data: FixedType
    weight: FixedType
    accum: FixedType
    strategy: str
    multiplication: str = "nnet::product::mult"


@dataclass(frozen=True, kw_only=True, slots=True)
class Average:
    """The means of windows of an image."""

    window: Window
    data: FixedType
    accum: FixedType


Work: TypeAlias = Product | Average | None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Asked:
    """A layer that hardware is asked for: what it reads and writes by name, and what it computes.

    `function` is its own of `nnet::`, `called` what a message calls it. `behind_reshape`: what it reads has another
    shape than was written. `of_parts`: a softmax of more than one vector. `changes_type`: a padding that does.
    """

    name: str
    function: str
    called: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    work: Work = None
    behind_reshape: bool = False
    is_argmax: bool = False
    of_parts: bool = False
    changes_type: bool = False


def problems(layers: Sequence[Asked], inputs: Sequence[str], outputs: Sequence[str]) -> list[Problem]:
    """Everything that there is no hardware for, in the order of the layers; empty where there is hardware for all."""
    return [*_shape_problems(layers, inputs, outputs), *(found for layer in layers for found in _own(layer, layers))]


def _shape_problems(layers: Sequence[Asked], inputs: Sequence[str], outputs: Sequence[str]) -> Iterator[Problem]:
    """What is no chain from one input to one output."""
    for what, names in (("inputs", inputs), ("outputs", outputs)):
        if len(names) != 1:
            yield Problem(f"{len(names)} {what} ({', '.join(names)}), not one")
    writers = {name: layer.name for layer in layers for name in layer.outputs}
    for name, count in Counter(name for layer in layers for name in layer.inputs).items():
        if count > 1:
            said = writers.get(name, name)
            yield Problem(f"'{said}' is read by {count} layers: it covers networks without branches")
    for layer in layers:
        for name in layer.inputs:
            if name not in writers and name not in inputs:
                yield Problem(f"layer '{layer.name}' reads '{name}', which no layer writes")
    if not any(layer.function in ("dense", *CONVOLUTIONS, *POOLINGS) for layer in layers):
        yield Problem("no layer multiplies or pools")


def _own(layer: Asked, layers: Sequence[Asked]) -> Iterator[Problem]:
    """What there is no hardware for of one layer."""
    readers = [other for other in layers if set(other.inputs) & set(layer.outputs)]
    if layer.function.startswith("global_pooling"):
        yield Problem(f"'{layer.name}' pools over the whole image: it covers windows of an image")
    elif layer.function not in _COVERED:
        yield Problem(f"no hardware for {layer.called} (layer '{layer.name}')")
    elif isinstance(layer.work, Product):
        yield from _product_problems(layer.name, layer.work)
    elif isinstance(layer.work, Average):
        yield from _average_problems(layer.name, layer.work)
    elif layer.function in PADDINGS:
        if [reader.function in CONVOLUTIONS and not reader.behind_reshape for reader in readers] != [True]:
            yield Problem(f"'{layer.name}' pads with zeros: it covers that before convolutions")
        elif layer.changes_type:
            yield Problem(f"'{layer.name}' pads and changes the type")
    elif layer.function == "softmax":
        if layer.is_argmax and layer.of_parts:
            yield Problem(f"'{layer.name}' takes the largest of parts of its values")
        yield from (Problem(f"layer '{other.name}' stands behind the softmax '{layer.name}'") for other in readers)


def _product_problems(name: str, product: Product) -> Iterator[Problem]:
    """An accumulator that rounds, or saturates on some input: then the order of the additions matters."""
    import numpy as np

    if not product.multiplication.endswith("::mult"):
        yield Problem(f"{product.multiplication} is not covered (layer '{name}')", None)
    if product.strategy not in ("latency", "resource"):
        yield Problem(f"strategy {product.strategy} is not covered (layer '{name}')", None)
    data, accum = product.data, product.accum
    shift = accum.fraction - data.fraction - product.weight.fraction
    if shift < 0:
        yield Problem(f"the accumulator {accum} of '{name}' rounds every product", _WIDE_ENOUGH)
        return
    if accum.width > WIDEST_ACCUMULATOR:
        yield Problem(f"the accumulator {accum} of '{name}' is wider than {WIDEST_ACCUMULATOR} bits", None)
        return
    if accum.overflow is Overflow.WRAP:
        return
    ends = np.stack([product.weights * data.min_int, product.weights * data.max_int]) << shift
    low = np.minimum(ends.min(axis=0), 0).sum(axis=0) + np.minimum(product.bias, 0)
    high = np.maximum(ends.max(axis=0), 0).sum(axis=0) + np.maximum(product.bias, 0)
    if low.min() < accum.min_int or high.max() > accum.max_int:
        yield Problem(f"the accumulator {accum} of '{name}' can saturate on the way", _WIDE_ENOUGH)


def _average_problems(name: str, average: Average) -> Iterator[Problem]:
    """An average that is more than a sum and a shift, or whose order matters."""
    window, data, accum = average.window, average.data, average.accum
    count = window.height * window.width
    dyadic = count & (count - 1) == 0
    bottom = (window.out_height - 1) * window.stride_height + window.height - window.pad_top > window.in_height
    right = (window.out_width - 1) * window.stride_width + window.width - window.pad_left > window.in_width
    if not dyadic or window.pad_top or window.pad_left or bottom or right:
        padded = ", with padding" if dyadic else ""
        yield Problem(
            f"'{name}' averages windows of {window.height} x {window.width} values{padded}: it covers averages of "
            "2, 4, 8, … values without padding",
            "pool_size 2 or 4 with padding='valid', or a maximum",
        )
        return
    total = replace(data, width=data.width + count.bit_length() - 1, integer=data.integer + count.bit_length() - 1)
    if accum.fraction < data.fraction or (accum.overflow is not Overflow.WRAP and not accum.holds(total)):
        yield Problem(f"the accumulator {accum} of '{name}' loses bits of the sum", _WIDE_ENOUGH)
