"""Convolutions of Keras as nodes; where hls4ml has no function for one, zeros in the kernel make it one that it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from hlsflow.frontends.keras.constants import DEPTHWISE, KERNEL, SEPARABLE, folded_weights, weights
from hlsflow.frontends.keras.generations import output_shape
from hlsflow.frontends.nodes import kernels
from hlsflow.frontends.nodes.builder import Builder
from hlsflow.frontends.nodes.convolution import Convolution, Pads, window_of
from hlsflow.frontends.nodes.entries import concatenated, reshape
from hlsflow.network.fixed_point import FixedType
from hlsflow.network.graph import Node, Op

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


def plain(entry: dict[str, Any], class_name: str) -> dict[str, Any]:
    """The entry without quantizers and arrays: the constants are put in when their types are known."""
    kept = {key: value for key, value in entry.items() if not key.endswith(("_quantizer", "_data"))}
    return {**kept, "class_name": class_name}


def _conv_shape(entry: Mapping[str, Any]) -> tuple[int, ...]:
    height = (entry["out_height"],) if "out_height" in entry else ()
    return (*height, entry["out_width"], entry["n_filt"])


def _constants(owner: Any) -> tuple[dict[str, Array], dict[str, FixedType]]:
    """Kernel and bias of a convolution, with its batch normalization in them where it has one."""
    return folded_weights(owner) if type(owner).__name__ == "QConv2DBatchnorm" else weights(owner, KERNEL)


def conv(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    arrays, declared = _constants(owner)
    class_name = "Conv2D" if "2D" in entry["class_name"] else "Conv1D"
    entry = _padded_as_keras_does(plain(entry, class_name), owner)
    for key in ("use_gamma", "use_beta", "epsilon"):
        entry.pop(key, None)
    return [
        builder.node(
            entry, Op.CONV, _conv_shape(entry), owner, arrays=arrays, declared=declared, attributes=window_of(entry)
        )
    ]


def _padded_as_keras_does(entry: dict[str, Any], owner: Any) -> dict[str, Any]:
    """The entry with all of a causal padding on the left: hls4ml's converter takes off what a stride leaves over."""
    if getattr(owner, "padding", None) != "causal":
        return entry
    return {**entry, "pad_left": entry["filt_width"] - 1, "pad_right": 0}


def depthwise(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    arrays, declared = weights(owner, DEPTHWISE)
    class_name = "DepthwiseConv2D" if "2D" in entry["class_name"] else "DepthwiseConv1D"
    entry = plain(entry, class_name)
    return [
        builder.node(
            entry,
            Op.DEPTHWISE,
            _conv_shape(entry),
            owner,
            arrays=arrays,
            declared=declared,
            attributes=window_of(entry),
        )
    ]


def separable(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    """hls4ml splits the layer into `<name>_depthwise` and `<name>_pointwise`; so do we, for each has its types."""
    arrays, declared = weights(owner, SEPARABLE)
    shape = tuple(output_shape(owner)[1:])
    first = _depthwise_part(
        builder, {**entry, "name": f"{entry['name']}_depthwise"}, owner, {"weight": arrays["depthwise"]},
        {"weight": declared["depthwise"]} if "depthwise" in declared else {}, shape[:-1],
    )  # fmt: skip
    second = Convolution(
        name=f"{entry['name']}_pointwise",
        source=first.name,
        before=first.shape,
        after=shape,
        arrays={"weight": arrays["pointwise"], **({"bias": arrays["bias"]} if "bias" in arrays else {})},
        declared={
            ours: declared[theirs] for ours, theirs in (("weight", "pointwise"), ("bias", "bias")) if theirs in declared
        },
        strides=(1,) * (len(shape) - 1),
        pads=((0, 0),) * (len(shape) - 1),
    )
    return [first, second.node(builder, owner)]


def spread(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    """A convolution with groups or a dilation, as one whose kernel has zeros where it reads nothing."""
    arrays, declared = _constants(owner)
    before, after = builder.in_shape(entry), tuple(output_shape(owner)[1:])
    kernel = kernels.dilated(kernels.ungrouped(arrays["weight"], owner.groups), owner.dilation_rate)
    made = Convolution(
        name=entry["name"], source=entry["inputs"][0], before=before, after=after,
        arrays={**arrays, "weight": kernel}, declared=declared, strides=tuple(owner.strides),
        pads=_pads(owner, before, after, kernel),
    )  # fmt: skip
    return [made.node(builder, owner)]


def spread_depthwise(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    """A depthwise convolution with a dilation or with several outputs a channel."""
    arrays, declared = weights(owner, DEPTHWISE)
    return [_depthwise_part(builder, entry, owner, arrays, declared, tuple(output_shape(owner)[1:-1]))]


def _depthwise_part(
    builder: Builder, entry: Mapping[str, Any], owner: Any, arrays: Mapping[str, Array],
    declared: Mapping[str, FixedType], after: tuple[int, ...],
) -> Node:  # fmt: skip
    """What a depthwise kernel gives at the positions `after`: a full convolution for several outputs a channel."""
    kernel = arrays["weight"]
    several = kernel.shape[-1] > 1
    channels = kernel.shape[-2] * kernel.shape[-1]
    kernel = kernels.dilated(kernels.across(kernel) if several else kernel, owner.dilation_rate[-len(after) :])
    before = builder.in_shape(entry)
    made = Convolution(
        name=entry["name"], source=entry["inputs"][0], before=before, after=(*after, channels),
        arrays={**arrays, "weight": kernel}, declared=declared, strides=tuple(owner.strides)[-len(after) :],
        pads=_pads(owner, before, after, kernel), op=Op.CONV if several else Op.DEPTHWISE,
    )  # fmt: skip
    return made.node(builder, owner)


def transposed(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    """A transposed convolution as its phases: plain ones that give every stride-th column, for each row of a stride.

    The columns of one position come side by side as channels, so that only the rows have to be put together.
    """
    arrays, declared = weights(owner, KERNEL)
    kernel, before, after = arrays["weight"], builder.in_shape(entry), tuple(output_shape(owner)[1:])
    strides, window = tuple(owner.strides), kernel.shape[:-2]
    crops = tuple(
        max(size - stride, 0) // 2 if owner.padding == "same" else 0
        for size, stride in zip(window, strides, strict=True)
    )
    counts = tuple(size // stride for size, stride in zip(after, strides, strict=False))
    reach = [kernels.taps(*axis) for axis in zip(window, strides, crops, strict=True)]
    pads = tuple(
        (last, count - size - first) for (first, last), count, size in zip(reach, counts, before, strict=False)
    )
    name, columns = entry["name"], range(strides[-1])
    rows = range(strides[0]) if len(strides) == 2 else (None,)
    found: list[Node] = []
    for row in rows:
        of_row = () if row is None else (row,)
        phases = [kernels.phase(kernel, strides, crops, (*of_row, column)) for column in columns]
        made = Convolution(
            name=f"{name}_row_{row}" if len(rows) > 1 else f"{name}_phases", source=entry["inputs"][0],
            before=before, after=(*counts, len(columns) * kernel.shape[-2]),
            arrays=_side_by_side(phases, arrays), declared=declared, strides=(1,) * len(strides), pads=pads,
        )  # fmt: skip
        found.append(made.node(builder, owner))
    if len(rows) > 1:
        flat = [
            reshape(builder, owner, f"{row.name}_flat", row.name, (row.shape[0], prod(row.shape[1:]))) for row in found
        ]
        shapes = [row.shape for row in flat]
        found += [*flat, *concatenated(builder, owner, f"{name}_rows", [row.name for row in flat], shapes, 1)]
    return [*found, reshape(builder, owner, name, found[-1].name, after)]


def _side_by_side(phases: Sequence[Array], arrays: Mapping[str, Array]) -> dict[str, Array]:
    import numpy as np

    found = {"weight": np.concatenate(phases, axis=-1)}
    return found | ({"bias": np.tile(arrays["bias"], len(phases))} if "bias" in arrays else {})


def average(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    """A mean of QKeras with a quantizer of its own for the factor: sums times that factor, channel by channel."""
    import numpy as np

    before, after = builder.in_shape(entry), tuple(output_shape(owner)[1:])
    whole = len(after) == 1
    window = before[:-1] if whole else tuple(owner.pool_size)
    factor = float(np.asarray(owner.average_quantizer_internal(1.0 / prod(window)), dtype=np.float64))
    made = Convolution(
        name=f"{entry['name']}_mean" if whole else entry["name"], source=entry["inputs"][0], before=before,
        after=(1, 1, before[-1]) if whole else after,
        arrays={"weight": np.full((*window, before[-1], 1), factor)}, declared={},
        strides=(1, 1) if whole else tuple(owner.strides), pads=((0, 0), (0, 0)), op=Op.DEPTHWISE,
    ).node(builder, owner)  # fmt: skip
    return [made, reshape(builder, owner, entry["name"], made.name, after)] if whole else [made]


def _pads(owner: Any, before: Sequence[int], after: Sequence[int], kernel: Array) -> Pads:
    """How many zeros Keras puts before and behind the values along each axis."""
    found = []
    strides = tuple(owner.strides)[-(kernel.ndim - 2) :]
    for size, count, extent, stride in zip(before, after, kernel.shape, strides, strict=False):
        total = max((count - 1) * stride + extent - size, 0)
        match owner.padding:
            case "same":
                found.append((total // 2, total - total // 2))
            case "causal":
                found.append((extent - 1, 0))
            case _:
                found.append((0, 0))
    return tuple(found)
