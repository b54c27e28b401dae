"""Maxima and means over windows, and over all positions."""

from __future__ import annotations

from typing import Any

from hlsflow.frontends.nodes.convolution import by_side
from hlsflow.frontends.nodes.pooling import NO_PADS, zero_padded, zeros_do
from hlsflow.frontends.onnx.conversion import Conversion
from hlsflow.frontends.onnx.graph import CHANNELS_LAST, Step
from hlsflow.frontends.onnx.ops.windows import by_channel, padded, window_of_step
from hlsflow.frontends.onnx.value import Value, arranged, channels_last, plain
from hlsflow.network.graph import Op
from hlsflow.network.quantizers import NotExact


def _read(conversion: Conversion, step: Step, last: bool) -> Value:
    value = conversion.value(step)
    if len(value.shape) not in (2, 3):
        raise NotExact(f"pooling over {len(value.shape) - 1} axes", "one axis or two")
    if "Max" not in step.op and value.rectified:
        value = conversion.settled(value)
    value = by_channel(conversion, value, last)
    rank = len(value.shape)
    return conversion.ordered(value, plain(rank) if last else channels_last(rank), step)


def pool(conversion: Conversion, step: Step) -> Value:
    if len([name for name in step.outputs if name]) > 1:
        raise NotExact("it gives the places of its maxima, too", "MaxPool with one output")
    said = step.attributes
    size = tuple(int(number) for number in said.get("kernel_shape", ()))
    last = step.domain == CHANNELS_LAST
    value = _read(conversion, step, last)
    sizes = conversion.shapes[value.node][:-1]
    if len(size) != len(sizes) or any(not 1 <= number <= 1 << 16 for number in size):
        raise NotExact(f"a window of {list(size)[:4]} over {len(sizes)} axes", "one size for each")
    window = window_of_step(step, sizes, size)
    if any(rate > 1 for rate in window.dilations):
        raise NotExact("pooling with a dilation", "dilations=1")
    op = Op.MAX_POOL if step.op == "MaxPool" else Op.AVERAGE_POOL
    pads = window.pads
    if op is Op.AVERAGE_POOL and any(map(sum, pads)) and said.get("count_include_pad"):
        if window.reaches:
            raise NotExact("a mean over pads, some of them added by ceil_mode", "ceil_mode=0")
        value = conversion.unshifted(value)
        value = conversion.ordered(value, plain(len(sizes) + 1) if last else channels_last(len(sizes) + 1), step)
        value = padded(conversion, step, value, pads)
        sizes, pads = conversion.shapes[value.node][:-1], tuple((0, 0) for _ in pads)
    channels = conversion.shapes[value.node][-1]
    shape = (*window.counts, channels)
    if all(number == 1 for number in size) and shape == conversion.shapes[value.node]:
        return value.of(tensor=step.outputs[0], maker=step)
    node = _pool(conversion, step, value, op, size, window.strides, pads, shape)
    return value.of(node=node, index=_index(shape, last), tensor=step.outputs[0], maker=step)


def _index(shape: tuple[int, ...], last: bool) -> Any:
    """Where the values of a node over (positions, channels) stand, for the model."""
    if last:
        return arranged(shape, plain(len(shape)))
    return arranged((shape[-1], *shape[:-1]), channels_last(len(shape)))


def _pool(
    conversion: Conversion, step: Step, value: Value, op: Op, size: tuple[int, ...], strides: tuple[int, ...],
    pads: tuple[tuple[int, int], ...], shape: tuple[int, ...],
) -> str:  # fmt: skip
    rank, before, around = len(size), conversion.shapes[value.node], by_side(pads)
    kind = "Max" if op is Op.MAX_POOL else "Average"
    entry: dict[str, Any] = {
        "name": conversion.fresh(conversion.base(step)), "class_name": f"{kind}Pooling{rank}D", "inputs": [value.node],
        "data_format": "channels_last", "n_filt": before[-1], **around,
        **{f"stride_{axis}": stride for axis, stride in zip(("height", "width")[-rank:], strides, strict=True)},
        **{f"pool_{axis}": number for axis, number in zip(("height", "width")[-rank:], size, strict=True)},
    }  # fmt: skip
    if rank == 2:
        entry |= {"in_height": before[0], "in_width": before[1], "out_height": shape[0], "out_width": shape[1]}
    else:
        entry |= {"n_in": before[0], "n_out": shape[0]}
    window = {
        "stride_height": entry.get("stride_height", 1), "stride_width": entry["stride_width"], **NO_PADS, **around,
        "pool_height": entry.get("pool_height", 1), "pool_width": entry["pool_width"], "global": False,
    }  # fmt: skip
    if op is Op.MAX_POOL and zeros_do(conversion, entry, window):
        return conversion.put(*zero_padded(conversion, entry, step, window, shape))
    return conversion.put(conversion.node(entry, op, shape, step, attributes=window))


def global_pool(conversion: Conversion, step: Step) -> Value:
    return _over_all(conversion, step, step.domain == CHANNELS_LAST)


def reduce(conversion: Conversion, step: Step) -> Value:
    """ReduceMean and ReduceMax over all positions, whichever axis the channels are."""
    rank = len(conversion.value(step).shape)
    found = conversion.constant(step, 1)
    said = step.attributes.get("axes", ()) if found is None else found.values.ravel()
    axes = sorted(int(axis) % (rank + 1) for axis in said)
    if rank not in (2, 3) or axes not in (list(range(2, rank + 1)), list(range(1, rank))):
        raise NotExact(f"{step.op} over the axes {list(said)[:8]}", "all positions of one axis or two, but no channels")
    value = _over_all(conversion, step, axes[0] == 1)
    if int(step.attributes.get("keepdims", 1)):
        return value
    return value.moved(lambda array: array.reshape(-1))


def _over_all(conversion: Conversion, step: Step, last: bool) -> Value:
    value = _read(conversion, step, last)
    shape = conversion.shapes[value.node]
    op = Op.MAX_POOL if "Max" in step.op else Op.AVERAGE_POOL
    rank = len(shape) - 1
    window = {
        "pool_height": shape[0] if rank == 2 else 1, "pool_width": shape[-2], "global": True, "stride_height": 1,
        "stride_width": 1, **NO_PADS,
    }  # fmt: skip
    entry: dict[str, Any] = {
        "name": conversion.fresh(conversion.base(step)), "inputs": [value.node], "keepdims": False,
        "class_name": f"Global{'Max' if op is Op.MAX_POOL else 'Average'}Pooling{rank}D",
        "data_format": "channels_last", "n_filt": shape[-1],
    }  # fmt: skip
    entry |= {"in_height": shape[0], "in_width": shape[1]} if rank == 2 else {"n_in": shape[0]}
    node = conversion.put(conversion.node(entry, op, (shape[-1],), step, attributes=window))
    ones = (1,) * rank
    index = arranged((shape[-1],), (0,)).reshape((*ones, shape[-1]) if last else (shape[-1], *ones))
    return value.of(node=node, index=index, tensor=step.outputs[0], maker=step)
