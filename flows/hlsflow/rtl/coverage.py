"""What our RTL has hardware for, said once, of the nodes of an integer network: of those that are read back from a
project, and of those that are planned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from hlsflow.hls.integer_nodes import Argmax, Cast, Lookup, Matrix, Node, Padding, Pooling, Softmax
from hlsflow.network.fixed_point import Overflow

COVERED = (
    "it covers dense layers, convolutions, max pooling, average pooling of 2, 4, 8, … values, ReLU, quantized linear "
    "activations, argmax at the end; a final softmax, or table such as a sigmoid, is left out"
)
WIDEST_ACCUMULATOR = 62
_WIDE_ENOUGH = "an accumulator that the conversion proves wide enough is covered"


class Problem(NamedTuple):
    """Why there is no hardware, and what to do."""

    text: str
    hint: str | None = COVERED


def in_cpp(node: Node) -> str:
    """What a message calls the function of a node that was read back."""
    return f"nnet::{node.function}"


def problems(
    nodes: Sequence[Node], inputs: Sequence[str], outputs: Sequence[str], called: Callable[[Node], str] = in_cpp
) -> list[Problem]:
    """Everything that there is no hardware for, in the order of the nodes; empty where there is hardware for all.

    `inputs` and `outputs` are the names of the ports, `called` gives a message's word for a node's function.
    """
    own = [found for node in nodes for found in _own(node, nodes, called)]
    return [*_shape_problems(nodes, inputs, outputs), *own]


def _shape_problems(nodes: Sequence[Node], inputs: Sequence[str], outputs: Sequence[str]) -> Iterator[Problem]:
    """What is no chain from one input to one output."""
    for what, names in (("inputs", inputs), ("outputs", outputs)):
        if len(names) != 1:
            yield Problem(f"{len(names)} {what} ({', '.join(names)}), not one")
    writers = {name: node.name for node in nodes for name in node.outputs}
    for name, count in Counter(name for node in nodes for name in node.inputs).items():
        if count > 1:
            said = writers.get(name, name)
            yield Problem(f"'{said}' is read by {count} layers: it covers networks without branches")
    for node in nodes:
        for name in node.inputs:
            if name not in writers and name not in inputs:
                yield Problem(f"layer '{node.name}' reads '{name}', which no layer writes")
    if not any(isinstance(node, Matrix) or (isinstance(node, Pooling) and not node.whole) for node in nodes):
        yield Problem("no layer multiplies or pools")


def _own(node: Node, nodes: Sequence[Node], called: Callable[[Node], str]) -> Iterator[Problem]:
    """What there is no hardware for of one node."""
    readers = [other for other in nodes if set(other.inputs) & set(node.outputs)]
    match node:
        case Pooling(whole=True):
            yield Problem(f"'{node.name}' pools over the whole image: it covers windows of an image")
        case Pooling(kind="average"):
            yield from _average_problems(node)
        case Pooling() | Cast():
            pass
        case Matrix():
            yield from _product_problems(node)
        case Padding():
            if [_is_convolution(reader) and not reader.reshaped for reader in readers] != [True]:
                yield Problem(f"'{node.name}' pads with zeros: it covers that before convolutions")
            elif node.data.grid != node.result.grid:
                yield Problem(f"'{node.name}' pads and changes the type")
        case Softmax() | Argmax() | Lookup():
            if isinstance(node, Argmax) and node.slice != node.size:
                yield Problem(f"'{node.name}' takes the largest of parts of its values")
            for reader in readers:
                yield Problem(f"layer '{reader.name}' stands behind the {node.function} '{node.name}'")
        case _:
            yield Problem(f"no hardware for {called(node)} (layer '{node.name}')")


def _is_convolution(node: Node) -> bool:
    return isinstance(node, Matrix) and node.window is not None


def _product_problems(product: Matrix) -> Iterator[Problem]:
    """An accumulator that rounds, or saturates on some input: then the order of the additions matters."""
    import numpy as np

    name = product.name
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


def _average_problems(average: Pooling) -> Iterator[Problem]:
    """An average that is more than a sum and a shift, or whose order matters."""
    name, window, data, accum = average.name, average.window, average.data.grid, average.accum
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
