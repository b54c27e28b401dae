"""Entries that no layer of Keras has, as hls4ml's converter takes them, and the nodes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any

from hlsflow.frontends.nodes.builder import Builder
from hlsflow.network.graph import Node, Op


def scale_entry(name: str, inputs: list[str], shape: tuple[int, ...]) -> dict[str, Any]:
    """A scale and a shift, channel by channel, which hls4ml has as a batch normalization."""
    return {
        "name": name,
        "class_name": "BatchNormalization",
        "inputs": inputs,
        "data_format": "channels_last",
        "n_in": prod(shape),
        "n_out": prod(shape),
        "n_filt": -1 if len(shape) == 1 else shape[-1],
    }


def function_entry(name: str, inputs: list[str], function: str) -> dict[str, Any]:
    """A function of single values that hls4ml has by this name."""
    return {
        "name": name,
        "inputs": inputs,
        "data_format": "channels_last",
        "class_name": "Activation",
        "activation": function,
    }


def reshape(builder: Builder, owner: Any, name: str, source: str, shape: tuple[int, ...]) -> Node:
    """The values of a node in another shape."""
    made = {"name": name, "class_name": "Reshape", "inputs": [source], "data_format": "channels_last",
            "target_shape": list(shape)}  # fmt: skip
    return builder.node(made, Op.RESHAPE, shape, owner)


def by_twos(name: str, inputs: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """What merges many tensors as hls4ml can, the first two, then the next: the name of each merge of two and what it
    reads. The last has the name."""
    first, *others = inputs
    for index, other in enumerate(others, start=1):
        merge = name if index == len(others) else f"{name}_of_{index}"
        yield merge, [first, other]
        first = merge


def concatenated(
    builder: Builder, owner: Any, name: str, inputs: Sequence[str], shapes: Sequence[tuple[int, ...]], axis: int
) -> list[Node]:  # fmt: skip
    """Tensors of the given shapes behind each other along an axis of theirs, the first of which is 0."""
    rank, length = len(shapes[0]), shapes[0][axis]
    found = []
    for (merge, both), shape in zip(by_twos(name, inputs), shapes[1:], strict=True):
        length += shape[axis]
        made = {"name": merge, "class_name": "Concatenate", "op": f"concatenate{rank}d", "axis": axis + 1,
                "inputs": both, "data_format": "channels_last"}  # fmt: skip
        joined = (*shape[:axis], length, *shape[axis + 1 :])
        found.append(builder.node(made, Op.CONCATENATE, joined, owner, attributes={"axis": axis}))
    return found


def reads(builder: Builder, entry: Mapping[str, Any], op: Op) -> bool:
    """Whether an entry reads a node of an op first."""
    source = builder.source(entry)
    return source is not None and source.op is op


def spacer(builder: Builder, entry: Mapping[str, Any], shape: tuple[int, ...], owner: Any) -> Node:
    """A linear node that keeps hls4ml from merging a scale and a sign into a threshold of another type."""
    made = function_entry(f"{entry['name']}_in", entry["inputs"], "linear")
    return builder.node(made, Op.ACTIVATION, shape, owner, function="linear", attributes={"spacer": True})
