"""Windows of convolutions and pooling: strides, pads and what they give, and zeros around values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hlsflow.frontends.nodes.convolution import Pads, by_side
from hlsflow.frontends.nodes.pooling import NO_PADS
from hlsflow.frontends.onnx.conversion import Conversion
from hlsflow.frontends.onnx.graph import Step
from hlsflow.frontends.onnx.value import Value
from hlsflow.network.graph import Op
from hlsflow.network.quantizers import NotExact

# No axis is padded by more, whatever a file says.
_MOST_PAD = 1 << 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """How a window moves along each axis, and how many positions it has. `reaches` says that a position was added at
    the end by rounding up (`ceil_mode`)."""

    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: Pads
    counts: tuple[int, ...]
    reaches: bool = False


def window_of_step(step: Step, sizes: Sequence[int], window: Sequence[int]) -> Window:
    """The window of a step over axes of the given sizes. Raises NotExact."""
    said, rank = step.attributes, len(sizes)
    strides = _numbers(step, "strides", (1,) * rank, 1)
    dilations = _numbers(step, "dilations", (1,) * rank, 1)
    flat = _numbers(step, "pads", (0,) * (2 * rank), 0)
    kernel = said.get("kernel_shape")
    if kernel is not None and tuple(kernel) != tuple(window):
        raise NotExact(f"kernel_shape={list(kernel)} for a window of {list(window)}", "one of them")
    up = bool(said.get("ceil_mode", 0))
    mode = str(said.get("auto_pad", "NOTSET"))
    pads, counts, reaches = [], [], False
    for axis, size in enumerate(sizes):
        extent, stride = (window[axis] - 1) * dilations[axis] + 1, strides[axis]
        begin, end = flat[axis], flat[rank + axis]
        if mode in ("SAME_UPPER", "SAME_LOWER"):
            total = max((-(-size // stride) - 1) * stride + extent - size, 0)
            less, more = total // 2, total - total // 2
            begin, end = (less, more) if mode == "SAME_UPPER" else (more, less)
        elif mode == "VALID":
            begin = end = 0
        elif mode != "NOTSET":
            raise NotExact(f"auto_pad={mode}", "NOTSET, VALID, SAME_UPPER or SAME_LOWER")
        room = size + begin + end - extent
        if room < 0:
            raise NotExact(f"a window of {extent} on {size + begin + end} values", "a smaller window")
        count = room // stride + 1
        if up and room % stride and count * stride < size + begin:
            # The added position begins within the values or the pads before them.
            count, reaches = count + 1, True
        # What no window reaches is no padding.
        end = max((count - 1) * stride + extent - size - begin, 0)
        pads.append((begin, end))
        counts.append(count)
    return Window(strides=strides, dilations=dilations, pads=tuple(pads), counts=tuple(counts), reaches=reaches)


def _numbers(step: Step, key: str, otherwise: tuple[int, ...], least: int) -> tuple[int, ...]:
    found = tuple(int(number) for number in step.attributes.get(key, otherwise))
    if len(found) != len(otherwise) or any(not least <= number <= _MOST_PAD for number in found):
        raise NotExact(f"{key}={list(found)[:8]}", f"{len(otherwise)} numbers from {least} to {_MOST_PAD}")
    return found


def padded(conversion: Conversion, step: Step, value: Value, pads: Pads) -> Value:
    """A tensor with zeros around it: its node has the padded axes, then the channels. Its index is the node's alone."""
    shape = conversion.shapes[value.node]
    rank, around = len(pads), by_side(pads)
    axes = ("height", "width")[-rank:]
    whole = tuple(size + sum(pair) for size, pair in zip(shape, pads, strict=False))
    entry = {
        "name": conversion.fresh(f"{conversion.base(step)}_padded"), "class_name": f"ZeroPadding{rank}D",
        "inputs": [value.node], "data_format": "channels_last", **around,
        **{f"in_{axis}": size for axis, size in zip(axes, shape, strict=False)},
        **{f"out_{axis}": size for axis, size in zip(axes, whole, strict=True)}, "n_chan": shape[-1],
    }  # fmt: skip
    attributes = {**NO_PADS, **around}
    node = conversion.node(entry, Op.PAD, (*whole, shape[-1]), step, attributes=attributes)
    return value.of(node=conversion.put(node))


def by_channel(conversion: Conversion, value: Value, last: bool) -> Value:
    """The tensor as a pooling may read it: what waits is one for all positions, and keeps the order of values."""
    axes = tuple(range(len(value.shape) - 1)) if last else tuple(range(1, len(value.shape)))

    def constant(array: Any) -> bool:
        if array.ndim < len(value.shape):
            return array.size == 1
        return all(array.shape[axis] == 1 for axis in axes)

    if (value.scale <= 0).any() or not (constant(value.scale) and constant(value.shift)):
        return conversion.settled(value)
    return value
