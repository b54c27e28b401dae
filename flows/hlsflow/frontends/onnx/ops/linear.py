"""Products: MatMul, Gemm and convolutions."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from hlsflow.frontends.nodes import kernels
from hlsflow.frontends.nodes.convolution import Convolution, Pads
from hlsflow.frontends.onnx.conversion import Conversion
from hlsflow.frontends.onnx.graph import CHANNELS_LAST, Step
from hlsflow.frontends.onnx.ops.windows import padded, window_of_step
from hlsflow.frontends.onnx.value import Constant, Value, arranged, channels_last, plain
from hlsflow.network.graph import Op
from hlsflow.network.quantizers import NotExact

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

# Groups and dilations are kernels with zeros: more values than these are no hardware.
_MOST_WEIGHTS = 1 << 24


class Weights:
    """The constants of a product: what hardware multiplies by, its declared types, and the scale, output by output,
    that is left for behind it (None: none). `outputs` is the axis of the outputs."""

    def __init__(self, constant: Constant, outputs: int) -> None:
        import numpy as np

        self.values = constant.values.astype(np.float64)
        self.declared = {} if constant.type is None else {"weight": constant.type}
        self.scale: Array | None = None
        if constant.integers is None or constant.scale is None:
            return
        whole = np.moveaxis(np.broadcast_to(constant.scale, constant.integers.shape), outputs, -1)
        whole = whole.reshape(-1, whole.shape[-1])
        if (whole == whole[0]).all():
            self.values, self.scale = constant.integers, np.array(whole[0])


def _read(conversion: Conversion, value: Value) -> tuple[Value, float]:
    """What a product reads, and the scale that is passed on behind it."""
    import numpy as np

    single = value.single_scale
    if single is None or single <= 0:
        value, single = conversion.settled(value), 1.0
    return value.of(scale=np.ones(())), single


def _behind(
    step: Step, node: str, index: Array, weights: Weights, passed: float, bias: Array | None, shape: tuple[int, ...]
) -> Value:  # fmt: skip
    """The value of a product whose scales wait, and with them its bias. `shape` broadcasts outputs to the tensor."""
    import numpy as np

    scale = np.full((), passed) if weights.scale is None else (weights.scale * passed).reshape(shape)
    shift = np.zeros(()) if bias is None else bias.reshape(shape)
    return Value(node=node, index=index, tensor=step.outputs[0], maker=step, scale=scale, shift=shift)


def _bias(conversion: Conversion, step: Step, index: int, outputs: int) -> tuple[Array | None, dict[str, Any]]:
    """The bias (outputs,) and its declared type."""
    import numpy as np

    found = conversion.constant(step, index)
    if found is None:
        return None, {}
    if found.values.size not in (1, outputs):
        raise NotExact(f"a bias of {found.values.size} values for {outputs} outputs", "one for each output")
    bias = np.array(np.broadcast_to(found.values.astype(np.float64).ravel(), (outputs,)))
    return bias, {} if found.type is None else {"bias": found.type}


def matmul(conversion: Conversion, step: Step) -> Value:
    constant = conversion.constant(step, 1)
    if constant is None or constant.values.ndim != 2:
        raise NotExact("it multiplies by no matrix of constants", "weights of two axes as its second input")
    return _dense(conversion, step, constant)


def gemm(conversion: Conversion, step: Step) -> Value:
    import numpy as np

    said = step.attributes
    constant = conversion.constant(step, 1)
    if said.get("transA") or constant is None or constant.values.ndim != 2:
        raise NotExact("it multiplies values by values, or transposes the batch", "transA=0, and weights as constants")
    if said.get("transB"):
        constant = Constant(
            values=constant.values.T, integers=None if constant.integers is None else constant.integers.T,
            scale=None if constant.scale is None else np.broadcast_to(constant.scale, constant.values.shape).T,
            type=constant.type,
        )  # fmt: skip
    alpha, beta = (float(np.float32(said.get(key, 1.0))) for key in ("alpha", "beta"))
    found = _dense(conversion, step, constant, alpha, beta)
    return found


def _dense(
    conversion: Conversion, step: Step, constant: Constant, alpha: float = 1.0, beta: float = 1.0
) -> Value:  # fmt: skip
    import numpy as np

    value, passed = _read(conversion, conversion.value(step))
    weights = Weights(constant, 1)
    inputs, outputs = weights.values.shape
    if value.shape[-1] != inputs:
        raise NotExact(f"{inputs} rows of weights for {value.shape[-1]} values", "as many rows as values")
    matrix = weights.values
    if len(value.shape) == 1:
        value = conversion.flat(value, step)
        # Where the values stand in hardware: the weights follow them.
        matrix = np.empty_like(weights.values)
        matrix[value.index] = weights.values
    else:
        value = conversion.ordered(value, plain(len(value.shape)), step)
    bias, declared = _bias(conversion, step, 2, outputs)
    if bias is not None and beta != 1:
        bias, declared = bias * beta, {}
    passed *= alpha
    inside = weights.scale is None and passed == 1
    arrays = {"weight": matrix, **({"bias": bias} if inside and bias is not None else {})}
    entry = {
        "name": conversion.fresh(conversion.base(step)), "class_name": "Dense", "inputs": [value.node],
        "data_format": "channels_last", "activation": "linear", "use_bias": "bias" in arrays, "n_in": inputs,
        "n_out": outputs,
    }  # fmt: skip
    shape = (*conversion.shapes[value.node][:-1], outputs)
    types = {**weights.declared, **(declared if inside else {})}
    node = conversion.put(conversion.node(entry, Op.DENSE, shape, step, arrays=arrays, declared=types))
    index = arranged(shape, plain(len(shape)))
    return _behind(step, node, index, weights, passed, None if inside else bias, (outputs,))


def conv(conversion: Conversion, step: Step) -> Value:
    import numpy as np

    last = step.domain == CHANNELS_LAST
    value = conversion.value(step)
    rank = len(value.shape) - 1
    if rank not in (1, 2):
        raise NotExact(f"a convolution over {rank} axes", "one axis or two")
    constant = conversion.constant(step, 1)
    if constant is None or constant.values.ndim != rank + 2:
        raise NotExact("a kernel that does not fit its values", "one of (outputs, inputs / group, …)")
    weights = Weights(constant, 0)
    # (outputs, inputs / group, window) to (window, inputs / group, outputs).
    kernel = np.moveaxis(weights.values, (0, 1), (-1, -2)) if not last else np.moveaxis(weights.values, 0, -1)
    value, passed = _read(conversion, value)
    axes = plain(rank + 1) if last else channels_last(rank + 1)
    value = conversion.ordered(value, axes, step)
    before = conversion.shapes[value.node]
    groups, channels, outputs = int(step.attributes.get("group", 1)), before[-1], kernel.shape[-1]
    if groups < 1 or channels % groups or outputs % groups or kernel.shape[-2] * groups != channels:
        raise NotExact(
            f"{groups} groups of {kernel.shape[-2]} channels for {channels} channels and {outputs} outputs",
            "a kernel of inputs / group channels",
        )
    window = window_of_step(step, before[:-1], kernel.shape[:rank])
    extent = prod((size - 1) * rate + 1 for size, rate in zip(kernel.shape, window.dilations, strict=False))
    if extent * channels * outputs > _MOST_WEIGHTS:
        raise NotExact(f"a kernel of {extent * channels * outputs:,} values, zeros counted", "fewer channels or groups")
    op = Op.CONV
    if groups == channels > 1 and kernel.shape[-2] == 1:
        each = outputs // groups
        kernel = kernel.reshape(*kernel.shape[:-2], channels, each)
        if each == 1:
            op = Op.DEPTHWISE
        else:
            kernel = kernels.across(kernel)
    else:
        kernel = kernels.ungrouped(kernel, groups)
    kernel = kernels.dilated(kernel, window.dilations)
    pads: Pads = window.pads
    if any(sum(pad) for pad in pads) and prod(kernel.shape[:rank]) == 1:
        # A kernel of one position has a function of its own, which pads nothing.
        value, pads = padded(conversion, step, value, pads), tuple((0, 0) for _ in pads)
        before = conversion.shapes[value.node]
    bias, declared = _bias(conversion, step, 2, outputs)
    inside = weights.scale is None and passed == 1
    made = Convolution(
        name=conversion.fresh(conversion.base(step)), source=value.node, before=before,
        after=(*window.counts, outputs),
        arrays={"weight": kernel, **({"bias": bias} if inside and bias is not None else {})},
        declared={**weights.declared, **(declared if inside else {})}, strides=window.strides, pads=pads, op=op,
    ).node(conversion, step)  # fmt: skip
    node = conversion.put(made)
    shape = made.shape if last else (outputs, *window.counts)
    index = arranged(shape, plain(rank + 1) if last else channels_last(rank + 1))
    spread = (outputs,) if last else (outputs, *(1 for _ in window.counts))
    return _behind(step, node, index, weights, passed, None if inside else bias, spread)
