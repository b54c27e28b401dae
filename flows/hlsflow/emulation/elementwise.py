"""Functions of single values: nnet_activation.h, nnet_batchnorm.h, nnet_merge.h (hls4ml 1.3.0)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hlsflow.emulation.step import (
    Arrays,
    Step,
    StepMaker,
    config_of,
    magnitude_bits,
    type_bits,
    types_of,
    unary,
    weights_of,
)
from hlsflow.foundation.errors import UnsupportedError
from hlsflow.hls.project import Call, HlsProject
from hlsflow.network.fixed_point import FixedType, cast, to_integers

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


def relu(project: HlsProject, call: Call) -> Step:
    import numpy as np

    data, result = types_of(project, call, 0, 1)
    return unary(call, lambda x: cast(np.maximum(x, 0), data.fraction, result), type_bits(data, result.fraction))


def linear(project: HlsProject, call: Call) -> Step:
    data, result = types_of(project, call, 0, 1)
    return unary(call, lambda x: cast(x, data.fraction, result), type_bits(data, result.fraction))


def hard(scale: int, offset: int) -> StepMaker:
    """clip(slope * x + shift, 0, 1) * scale + offset, in full precision, then cast."""

    def maker(project: HlsProject, call: Call) -> Step:
        import numpy as np

        data, result = types_of(project, call, 0, 1)
        config = config_of(project, call)
        if (float(config.values["slope"]), float(config.values["shift"])) != (0.5, 0.5):
            raise UnsupportedError(f"the emulator covers slope and shift 0.5 alone (layer '{call.layer}')")
        # One half of x is x on a grid one bit finer; 1 and 1/2 need that grid to have a fractional bit.
        fraction = max(data.fraction + 1, 1)

        def run(x: Array) -> Array:
            one = x.dtype.type(2.0**fraction)
            clipped = np.clip(x * x.dtype.type(2.0 ** (fraction - data.fraction - 1)) + one / 2, 0, one)
            return cast(clipped * scale + one * offset, fraction, result)

        return unary(call, run, type_bits(data, fraction) + 2 + max(0, result.fraction - fraction))

    return maker


def leaky_relu(project: HlsProject, call: Call) -> Step:
    import numpy as np

    data, param, result = types_of(project, call, 0, 1, 2)
    # The slope is passed as a number and converted to its type at the call.
    slope = float(to_integers(np.array([float(call.arguments[1])]), param.fraction)[0])
    return _leaky(call, data, param, result, np.array([slope]), call.arguments[0], call.arguments[2])


def prelu(project: HlsProject, call: Call) -> Step:
    data, param, result = types_of(project, call, 0, 1, 2)
    slopes = weights_of(project, call.arguments[1], param, config_of(project, call).integer("n_in"))
    return _leaky(call, data, param, result, slopes, call.arguments[0], call.arguments[2])


def _leaky(
    call: Call, data: FixedType, param: FixedType, result: FixedType, slopes: Array, source: str, target: str
) -> Step:
    import numpy as np

    fraction = data.fraction + param.fraction

    def run(xs: Arrays) -> Arrays:
        x = xs[0]
        negative = cast(x * slopes.astype(x.dtype), fraction, result)
        return (np.where(x > 0, cast(x, data.fraction, result), negative),)

    bits = max(type_bits(data) + type_bits(param), type_bits(data, result.fraction))
    return Step(inputs=(source,), outputs=(target,), function=run, bits=bits)


def binary_tanh(project: HlsProject, call: Call) -> Step:
    import numpy as np

    data, result = types_of(project, call, 0, 1)
    plus, minus = cast(np.array([1.0, -1.0]), 0, result)
    return unary(call, lambda x: np.where(x >= 0, plus, minus).astype(x.dtype), type_bits(data) + result.width)


def ternary_tanh(project: HlsProject, call: Call) -> Step:
    import numpy as np

    data, result = types_of(project, call, 0, 1)
    plus, minus = cast(np.array([1.0, -1.0]), 0, result)

    # nnet_activation.h doubles the value before it compares with 1, nnet_activation_stream.h does not.
    factor = 1 if project.io_stream else 2

    def run(x: Array) -> Array:
        one = 2.0**data.fraction
        compared = cast(factor * x, data.fraction, data)
        return np.where(compared > one, plus, np.where(compared > -one, 0, minus)).astype(x.dtype)

    return unary(call, run, type_bits(data) + 1 + result.width)


def normalize(project: HlsProject, call: Call) -> Step:
    import numpy as np

    data, result = types_of(project, call, 0, 1)
    config = config_of(project, call)
    scale_type, bias_type = project.layer_type(config, "scale_t"), project.layer_type(config, "bias_t")
    filters = config.integer("n_filt")
    size = config.integer("n_in") if filters == -1 else filters
    scale = weights_of(project, call.arguments[2], scale_type, size)
    bias = weights_of(project, call.arguments[3], bias_type, size)
    product = data.fraction + scale_type.fraction
    fraction = max(product, bias_type.fraction) if np.any(bias) else product
    factor, offset = scale * 2.0 ** (fraction - product), bias * 2.0 ** (fraction - bias_type.fraction)
    ends = [data.min_int * factor + offset, data.max_int * factor + offset]
    bits = magnitude_bits(np.min(ends), np.max(ends)) + max(0, result.fraction - fraction)

    def run(x: Array) -> Array:
        grouped = x.reshape(len(x), -1, size)
        total = grouped * factor.astype(x.dtype) + offset.astype(x.dtype)
        return cast(total, fraction, result).reshape(len(x), -1)

    return unary(call, run, max(bits, type_bits(data)))


def merge(combine: Callable[[Array, Array], Array], *, extra: int = 0, product: bool = False) -> StepMaker:
    """Two tensors combined on a common grid, which for products is the sum of theirs and for means one bit finer."""

    def maker(project: HlsProject, call: Call) -> Step:
        first, second, result = types_of(project, call, 0, 1, 2)
        fraction = first.fraction + second.fraction if product else max(first.fraction, second.fraction)
        ups = (0, 0) if product else (fraction - first.fraction, fraction - second.fraction)

        def run(xs: Arrays) -> Arrays:
            a, b = (x * x.dtype.type(2.0**up) for x, up in zip(xs, ups, strict=True))
            return (cast(combine(a, b), fraction + extra, result),)

        wide = (
            type_bits(first) + type_bits(second)
            if product
            else max(type_bits(first, fraction), type_bits(second, fraction)) + 1
        )
        return Step(
            inputs=call.arguments[:2],
            outputs=(call.arguments[2],),
            function=run,
            bits=wide + max(0, result.fraction - fraction - extra),
        )

    return maker
