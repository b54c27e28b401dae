"""Steps that only move values: in hardware most of them move nothing, and are noted."""

from __future__ import annotations

from math import prod
from typing import Any

from hlsflow.frontends.nodes.convolution import Pads
from hlsflow.frontends.nodes.entries import concatenated
from hlsflow.frontends.onnx.conversion import Conversion
from hlsflow.frontends.onnx.graph import Step
from hlsflow.frontends.onnx.ops.windows import by_channel, padded
from hlsflow.frontends.onnx.value import Value, arranged, channels_last, plain
from hlsflow.network.graph import Op
from hlsflow.network.quantizers import NotExact

_BATCH = "it moves the axis of the batch", "leave the first axis where it is"
_MOST_PAD = 1 << 12


def identity(conversion: Conversion, step: Step) -> Value:
    if len([name for name in step.outputs[1:] if conversion.graph.readers(name)]):
        raise NotExact("the mask of a Dropout is read", "model.eval() before the export")
    training = conversion.constant(step, 2) if step.op == "Dropout" else None
    if training is not None and training.values.any():
        raise NotExact("a Dropout that is training", "model.eval() before the export")
    return conversion.value(step).of(tensor=step.outputs[0], maker=step)


def _moved(conversion: Conversion, step: Step, how: Any) -> Value:
    return conversion.value(step).moved(how).of(tensor=step.outputs[0], maker=step)


def transpose(conversion: Conversion, step: Step) -> Value:
    rank = len(conversion.value(step).shape) + 1
    perm = tuple(int(axis) for axis in step.attributes.get("perm", range(rank - 1, -1, -1)))
    if sorted(perm) != list(range(rank)) or perm[0] != 0:
        raise NotExact(*_BATCH)
    return _moved(conversion, step, lambda array: array.transpose([axis - 1 for axis in perm[1:]]))


def reshape(conversion: Conversion, step: Step) -> Value:
    target = conversion.constant(step, 1)
    if target is None:
        raise NotExact("a Reshape without a shape", "its shape as a constant")
    value = conversion.value(step)
    shape = [int(size) for size in target.values.ravel()]
    before, count = (1, *value.shape), value.index.size
    if not step.attributes.get("allowzero"):
        shape = [before[place] if size == 0 and place < len(before) else size for place, size in enumerate(shape)]
    if not shape or len(shape) > 8:
        raise NotExact(*_BATCH)
    # The batch: stated as one, as the file states it for its inputs, or left open.
    stated = shape[0] in (1, conversion.graph.batch)
    rest = shape[1:]
    known = prod(size for size in rest if size != -1)
    if -1 in rest:
        if not stated or rest.count(-1) > 1 or known < 1 or count % known:
            raise NotExact(f"a Reshape of (batch, {count} values) to {shape}", "(-1, sizes) or (batch, sizes)")
        rest[rest.index(-1)] = count // known
    elif known != count or not (stated or shape[0] == -1):
        raise NotExact(*_BATCH)
    if any(size < 1 for size in rest):
        raise NotExact(f"a Reshape to {shape}", "sizes above zero")
    return _moved(conversion, step, lambda array: array.reshape(rest))


def flatten(conversion: Conversion, step: Step) -> Value:
    value = conversion.value(step)
    axis = int(step.attributes.get("axis", 1))
    axis = axis + len(value.shape) + 1 if axis < 0 else axis
    if axis != 1 and not (axis == 0 and conversion.graph.batch == 1):
        raise NotExact(f"it flattens from axis {axis} on, and the batch is axis 0", "axis=1")
    return _moved(conversion, step, lambda array: array.reshape(-1))


def _axes(conversion: Conversion, step: Step, rank: int) -> list[int] | None:
    """The axes that a step names, from 0 on, of a tensor of so many with the batch; None where it names none."""
    found = conversion.constant(step, 1)
    said = step.attributes.get("axes") if found is None else [int(axis) for axis in found.values.ravel()]
    if said is None:
        return None
    axes = [int(axis) + rank if axis < 0 else int(axis) for axis in said]
    if any(not 0 <= axis < rank for axis in axes) or len(set(axes)) != len(axes):
        raise NotExact(f"axes={list(said)[:8]} of {rank}", "axes that there are")
    if 0 in axes:
        raise NotExact(*_BATCH)
    return axes


def squeeze(conversion: Conversion, step: Step) -> Value:
    shape = conversion.value(step).shape
    axes = _axes(conversion, step, len(shape) + 1)
    if axes is None:
        axes = [place + 1 for place, size in enumerate(shape) if size == 1]
        if conversion.graph.batch == 1:
            raise NotExact("it leaves out every axis of one value, the batch among them", "axes=…")
    if any(shape[axis - 1] != 1 for axis in axes):
        raise NotExact("it leaves out an axis of several values", "axes of one value")
    kept = [size for place, size in enumerate(shape) if place + 1 not in axes]
    return _moved(conversion, step, lambda array: array.reshape(kept))


def unsqueeze(conversion: Conversion, step: Step) -> Value:
    shape = conversion.value(step).shape
    found = conversion.constant(step, 1)
    count = len(step.attributes.get("axes", ())) if found is None else found.values.size
    axes = _axes(conversion, step, len(shape) + 1 + count) if count <= 4 else None
    if axes is None:
        raise NotExact("it names no axes", "axes=…")
    rest = iter(shape)
    whole = [1 if place + 1 in axes else next(rest) for place in range(len(shape) + count)]
    return _moved(conversion, step, lambda array: array.reshape(whole))


def concat(conversion: Conversion, step: Step) -> Value:
    import numpy as np

    values = [conversion.value(step, index) for index in range(len(step.inputs))]
    rank = len(values[0].shape)
    axis = int(step.attributes.get("axis", 1))
    axis = (axis + rank + 1 if axis < 0 else axis) - 1
    if not 0 <= axis < rank or any(
        len(value.shape) != rank or value.shape[:axis] + value.shape[axis + 1 :] != values[0].shape[:axis]
        + values[0].shape[axis + 1 :] for value in values
    ):  # fmt: skip
        raise NotExact("tensors that do not fit, or along the batch", "axis=1 or later, and one shape beside it")
    if len(values) == 1:
        return values[0].of(tensor=step.outputs[0], maker=step)
    if len({value.rectified for value in values}) > 1:
        values = [conversion.settled(value) for value in values]
    axes: tuple[int, ...]
    if rank == 1:
        # Values of one axis stand in the order of their nodes, whatever that is.
        values = [conversion.flat(value, step) for value in values]
        joined, start = [], 0
        for value in values:
            joined.append(value.index + start)
            start += value.index.size
        index = np.concatenate(joined)
        axes = (0,)
    else:
        orders = [value.axes for value in values]
        axes = next((order for order in orders if order is not None), channels_last(rank))
        values = [conversion.ordered(value, axes, step) for value in values]
        whole = list(values[0].shape)
        whole[axis] = sum(value.shape[axis] for value in values)
        index = arranged(tuple(whole), axes)
    shapes = [conversion.shapes[value.node] for value in values]
    name = conversion.fresh(conversion.base(step))
    made = concatenated(conversion, step, name, [value.node for value in values], shapes, axes.index(axis))
    node = conversion.put(*made)

    def together(arrays: list[Any]) -> Any:
        if all(array.size == 1 and array.ravel()[0] == arrays[0].ravel()[0] for array in arrays):
            return arrays[0].reshape(())
        spread = [np.broadcast_to(array, value.shape) for array, value in zip(arrays, values, strict=True)]
        return np.concatenate(spread, axis=axis)

    return Value(
        node=node, index=index, tensor=step.outputs[0], maker=step, scale=together([value.scale for value in values]),
        shift=together([value.shift for value in values]), rectified=values[0].rectified,
    )  # fmt: skip


def pad(conversion: Conversion, step: Step) -> Value:
    value = conversion.value(step)
    if str(step.attributes.get("mode", "constant")) != "constant":
        raise NotExact(f"it pads by '{step.attributes['mode']}'", "zeros: mode='constant'")
    filled = conversion.constant(step, 2)
    with_ = step.attributes.get("value", 0.0) if filled is None else filled.values.ravel()[0]
    if float(with_):
        raise NotExact(f"it pads with {float(with_):g}", "zeros")
    found = conversion.constant(step, 1)
    flat = step.attributes.get("pads", ()) if found is None else found.values.ravel()
    rank = len(value.shape) + 1
    pads = [int(number) for number in flat]
    if len(step.inputs) > 3 and step.inputs[3]:
        axes = [int(axis) % rank for axis in conversion.constants[step.inputs[3]].values.ravel()]
        whole = [0] * (2 * rank)
        for place, axis in enumerate(axes):
            whole[axis], whole[rank + axis] = pads[place], pads[len(axes) + place]
        pads = whole
    if len(pads) != 2 * rank or any(not 0 <= number <= _MOST_PAD for number in pads):
        raise NotExact(f"pads of {pads[:8]} for {rank} axes", f"two numbers from 0 to {_MOST_PAD} for each axis")
    pairs = list(zip(pads[:rank], pads[rank:], strict=True))
    if not any(pads):
        return value.of(tensor=step.outputs[0], maker=step)
    spatial = rank - 2
    layouts: dict[tuple[int, ...], Any] = {channels_last(rank - 1): pairs[2:], plain(rank - 1): pairs[1:-1]}
    kept = value.axes in layouts and (plain(rank - 1) if value.axes == plain(rank - 1) else channels_last(rank - 1))
    order: tuple[int, ...] | None = next(
        (axes for axes in dict.fromkeys([kept or channels_last(rank - 1), *layouts])
         if sum(map(sum, layouts[axes])) == sum(pads)), None,
    )  # fmt: skip
    if spatial not in (1, 2) or order is None:
        raise NotExact("it pads channels, the batch or more than two axes", "pads along one axis or two")
    around: Pads = tuple(layouts[order])
    value = by_channel(conversion, conversion.unshifted(value), order == plain(rank - 1))
    value = conversion.ordered(value, order, step)
    value = padded(conversion, step, value, around)
    shape = tuple(size + sum(pair) for size, pair in zip(value.shape, pairs[1:], strict=True))
    return value.of(index=arranged(shape, order), tensor=step.outputs[0], maker=step)


def resize(conversion: Conversion, step: Step) -> Value:
    import numpy as np

    value, said = conversion.value(step), step.attributes
    rank = len(value.shape) + 1
    scales = said.get("scales")
    at = 1 if step.op == "Upsample" or len(step.inputs) == 2 else 2
    found = conversion.constant(step, at)
    if found is not None and found.values.size:
        scales = found.values.ravel()
    sizes = conversion.constant(step, 3)
    if scales is None and sizes is not None and sizes.values.size == rank:
        scales = [1.0, *(np.asarray(sizes.values.ravel()[1:]) / np.array(value.shape))]
    if scales is None or len(scales) != rank:
        raise NotExact("it names no scales for its axes", "scales as a constant")
    mode, how = str(said.get("mode", "nearest")), str(said.get("coordinate_transformation_mode", "half_pixel"))
    near = str(said.get("nearest_mode", "round_prefer_floor"))
    repeats = step.op == "Upsample" or conversion.graph.opset < 11 or (how, near) in (
        ("asymmetric", "floor"), ("half_pixel", "round_prefer_floor"), ("half_pixel", "round_prefer_ceil"),
    )  # fmt: skip
    factors = [float(scale) for scale in scales]
    if mode != "nearest" or not repeats or any(factor % 1 or not 1 <= factor <= 64 for factor in factors):
        raise NotExact(
            f"a resize by {factors} ({mode}, {how}, {near})",
            "nearest, by whole factors, asymmetric with floor or half_pixel",
        )
    if all(factor == 1 for factor in factors):
        return value.of(tensor=step.outputs[0], maker=step)
    layouts = {channels_last(rank - 1): (factors[1], factors[2:]), plain(rank - 1): (factors[-1], factors[1:-1])}
    order = next((axes for axes, (channel, _) in layouts.items() if channel == 1), None)
    if factors[0] != 1 or order is None or rank not in (3, 4):
        raise NotExact("it repeats channels or the batch", "factors along one axis or two")
    value = by_channel(conversion, value, order == plain(rank - 1))
    value = conversion.ordered(value, order, step)
    before, by = conversion.shapes[value.node], [int(factor) for factor in layouts[order][1]]
    after = tuple(size * factor for size, factor in zip(before, by, strict=False))
    two = len(by) == 2
    entry = {
        "name": conversion.fresh(conversion.base(step)), "class_name": f"UpSampling{len(by)}D", "inputs": [value.node],
        "data_format": "channels_last", "in_height": before[0] if two else 1, "in_width": before[-2],
        "n_chan": before[-1], "algorithm": "nearest", "width_factor": by[-1], "out_height": after[0] if two else 1,
        "out_width": after[-1], **({"height_factor": by[0]} if two else {}),
    }  # fmt: skip
    node = conversion.put(conversion.node(entry, Op.RESIZE, (*after, before[-1]), step))
    shape = tuple(int(size * factor) for size, factor in zip(value.shape, factors[1:], strict=True))
    return value.of(node=node, index=arranged(shape, order), tensor=step.outputs[0], maker=step)
