"""Maxima over padded windows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hlsflow.frontends.nodes.builder import Builder
from hlsflow.network.graph import MOVES, Node, Op

NO_PADS = {f"pad_{side}": 0 for side in ("top", "bottom", "left", "right")}


def zeros_do(builder: Builder, entry: Mapping[str, Any], window: Mapping[str, int]) -> bool:
    """Whether zeros around its input, none of which is below zero, change no maximum, and a stream can be pooled so."""
    padded = any(window[pad] for pad in NO_PADS)
    if not padded or (window["stride_height"], window["stride_width"]) != (window["pool_height"], window["pool_width"]):
        return False
    made = builder.source(entry)
    while made is not None and (made.op in MOVES or made.op is Op.MAX_POOL):
        made = next(node for node in builder.nodes if node.name == made.inputs[0])
    declared = None if made is None else made.declared.get("result")
    return made is not None and (made.function == "relu" or (declared is not None and not declared.signed))


def zero_padded(
    builder: Builder, entry: dict[str, Any], owner: Any, window: dict[str, Any], out: tuple[int, ...]
) -> list[Node]:
    """A maximum over padded windows as one over windows of a padded input."""
    shape, axes = builder.in_shape(entry), ("height", "width")[3 - len(builder.in_shape(entry)) :]
    around = {"height": ("top", "bottom"), "width": ("left", "right")}
    pads = {f"pad_{side}": window[f"pad_{side}"] for axis in axes for side in around[axis]}
    sizes = dict(zip(axes, shape, strict=False))
    # A row or a column that no window reaches may be left.
    whole = {axis: size + sum(pads[f"pad_{side}"] for side in around[axis]) for axis, size in sizes.items()}
    before = {
        "name": f"{entry['name']}_padded",
        "class_name": f"ZeroPadding{len(axes)}D",
        "inputs": entry["inputs"],
        "data_format": "channels_last",
        **pads,
        **{f"in_{axis}": size for axis, size in sizes.items()},
        **{f"out_{axis}": size for axis, size in whole.items()},
        "n_chan": shape[-1],
    }
    bare = dict.fromkeys(pads, 0)
    size = {f"in_{axis}": size for axis, size in whole.items()} if len(axes) == 2 else {"n_in": whole["width"]}
    made = {**entry, **bare, **size, "inputs": [before["name"]]}
    return [
        builder.node(before, Op.PAD, (*whole.values(), shape[-1]), owner, attributes={**NO_PADS, **pads}),
        builder.node(made, Op.MAX_POOL, out, owner, attributes={**window, **NO_PADS}),
    ]
