"""hls4ml's layer functions on arrays of integers: one maker for each `nnet::` function, named after it.

A maker reads the call's types, configuration and weights once and gives a `Step`. Source of each definition: the header
of `nnet_utils` that holds the function (hls4ml 1.3.0).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hlsflow.conversion.fixed_point import FixedType, Overflow, apply_overflow, cast, to_integers
from hlsflow.conversion.project import Call, Config, HlsProject
from hlsflow.errors import UnsupportedError

if TYPE_CHECKING:
    import numpy as np

Arrays = Sequence["np.ndarray"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One call made ready: `function` maps input arrays (samples, values) to output arrays of integers.

    `bits` is the magnitude of the largest integer that arises on the way, sign included.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    function: Callable[[Arrays], Arrays]
    bits: int


StepMaker = Callable[[HlsProject, Call], Step]


def magnitude_bits(low: float, high: float) -> int:
    """Bits of a signed integer that holds every value of [low, high]."""
    return 1 + max(int(abs(low)), int(abs(high)), 1).bit_length()


def type_bits(type_: FixedType, fraction: int | None = None) -> int:
    """Bits that the values of a type take on a grid of `fraction` fractional bits, if that is finer."""
    extra = 0 if fraction is None else max(0, fraction - type_.fraction)
    return type_.width + int(not type_.signed) + extra


def _unary(call: Call, function: Callable[[np.ndarray], np.ndarray], bits: int) -> Step:
    return Step(
        inputs=(call.arguments[0],), outputs=(call.arguments[1],), function=lambda xs: (function(xs[0]),), bits=bits
    )


def _types(project: HlsProject, call: Call, *indices: int) -> list[FixedType]:
    return [project.type_of(call.template[index]) for index in indices]


def _config(project: HlsProject, call: Call) -> Config:
    return project.configs[call.template[-1]]


# --- sums of products: nnet_dense_latency.h, nnet_dense_resource.h, nnet_conv*_latency.h, nnet_sepconv*.h ------------


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Products:
    """A matrix product with an accumulator: rows of integers (m, n_in) in, integers of the result (m, n_out) out.

    `order` is the order in which the hardware adds the products of one output; it matters only where a saturating
    accumulator can overflow on the way.
    """

    weights: np.ndarray
    bias: np.ndarray
    data: FixedType
    product_fraction: int
    accum: FixedType
    result: FixedType
    order: Sequence[int]

    @property
    def _rounds(self) -> bool:
        return self.accum.fraction < self.product_fraction

    def bounds(self) -> tuple[float, float]:
        """Bounds of every partial sum on the finer of the two grids, over all inputs of the data type."""
        import numpy as np

        low, high = float(self.data.min_int), float(self.data.max_int)
        scale = 2.0 ** max(0, self.accum.fraction - self.product_fraction)
        least = np.minimum(np.minimum(self.weights * low, self.weights * high), 0).sum(axis=0) * scale
        most = np.maximum(np.maximum(self.weights * low, self.weights * high), 0).sum(axis=0) * scale
        offset = self.bias * 2.0 ** max(0, self.product_fraction - self.accum.fraction)
        return float((least + np.minimum(offset, 0)).min()), float((most + np.maximum(offset, 0)).max())

    def function(self) -> tuple[Callable[[np.ndarray], np.ndarray], int]:
        """The function, and the bits that it needs."""
        low, high = self.bounds()
        bits = max(
            magnitude_bits(low, high),
            type_bits(self.accum, self.product_fraction if self._rounds else None),
            type_bits(self.accum, self.result.fraction),
        )
        shift = max(0, self.product_fraction - self.accum.fraction)
        fits = self.accum.min_int <= low / 2**shift and high / 2**shift + 1 <= self.accum.max_int + 1
        if self._rounds or not (fits or self.accum.overflow is Overflow.WRAP):
            return self._one_by_one, bits
        weights = self.weights * 2.0 ** (self.accum.fraction - self.product_fraction)

        def at_once(x: np.ndarray) -> np.ndarray:
            # A wrapping sum is the same in any order, so one wrap at the end does.
            total = x @ weights.astype(x.dtype) + self.bias.astype(x.dtype)
            return cast(total if fits else apply_overflow(total, self.accum), self.accum.fraction, self.result)

        return at_once, bits

    def _one_by_one(self, x: np.ndarray) -> np.ndarray:
        """Every product cast to the accumulator, then added, as the C++ does."""
        import numpy as np

        total = np.broadcast_to(self.bias.astype(x.dtype), (len(x), self.weights.shape[1])).copy()
        weights = self.weights.astype(x.dtype)
        for index in self.order:
            product = cast(x[:, index : index + 1] * weights[index], self.product_fraction, self.accum)
            total = apply_overflow(total + product, self.accum)
        return cast(total, self.accum.fraction, self.result)


def _products(
    project: HlsProject, call: Call, config: Config, n_in: int, n_out: int, *, transposed: bool, order: Sequence[int]
) -> Products:
    import numpy as np

    data, result = _types(project, call, 0, 1)
    if not config.values.get("product", "").endswith("::mult"):
        raise UnsupportedError(f"the emulator does not cover {config.values.get('product')} (layer '{call.layer}')")
    weight_type, bias_type = project.layer_type(config, "weight_t"), project.layer_type(config, "bias_t")
    accum = project.layer_type(config, "accum_t")
    weights = _weights(project, call.arguments[2], weight_type, n_in * n_out)
    bias = _weights(project, call.arguments[3], bias_type, n_out)
    return Products(
        weights=weights.reshape(n_out, n_in).T.copy() if transposed else weights.reshape(n_in, n_out),
        bias=cast(bias.astype(np.float64), bias_type.fraction, accum),
        data=data,
        product_fraction=data.fraction + weight_type.fraction,
        accum=accum,
        result=result,
        order=order,
    )


def _weights(project: HlsProject, name: str, type_: FixedType, size: int) -> np.ndarray:
    import numpy as np

    values = project.weights(name)
    if values.size != size:
        raise UnsupportedError(f"{name}.txt holds {values.size} values where {size} are due")
    return to_integers(values, type_.fraction).astype(np.float64)


def _is_resource(config: Config) -> bool:
    strategy = config.values.get("strategy", "").rsplit("::", 1)[-1]
    if strategy not in ("latency", "resource"):
        raise UnsupportedError(f"the emulator does not cover the strategy {strategy} ({config.name})")
    return strategy == "resource"


def _order(config: Config, n_in: int, *, resource: bool) -> Sequence[int]:
    """The order of the additions: rising, or for few multipliers every reuse_factor-th first."""
    reuse = config.integer("reuse_factor")
    if not resource or reuse >= n_in:
        return range(n_in)
    return [index for first in range(reuse) for index in range(first, n_in, reuse)]


def dense(project: HlsProject, call: Call) -> Step:
    config = _config(project, call)
    n_in, n_out = config.integer("n_in"), config.integer("n_out")
    resource = _is_resource(config)
    order = _order(config, n_in, resource=resource)
    products = _products(project, call, config, n_in, n_out, transposed=resource, order=order)
    return _unary(call, *products.function())


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """The geometry of a convolution or pooling; a one-dimensional one has height 1."""

    in_height: int
    in_width: int
    channels: int
    height: int
    width: int
    stride_height: int
    stride_width: int
    out_height: int
    out_width: int
    pad_top: int
    pad_left: int

    def patches(self, x: np.ndarray, padding: float) -> np.ndarray:
        """(samples, out_height, out_width, height, width, channels) of a flat (samples, values) array."""
        import numpy as np

        image = x.reshape(len(x), self.in_height, self.in_width, self.channels)
        bottom = max(0, (self.out_height - 1) * self.stride_height + self.height - self.in_height - self.pad_top)
        right = max(0, (self.out_width - 1) * self.stride_width + self.width - self.in_width - self.pad_left)
        if self.pad_top or self.pad_left or bottom or right:
            pads = ((0, 0), (self.pad_top, bottom), (self.pad_left, right), (0, 0))
            image = np.pad(image, pads, constant_values=padding)
        windows = np.lib.stride_tricks.sliding_window_view(image, (self.height, self.width), axis=(1, 2))
        windows = windows[:, :: self.stride_height, :: self.stride_width][:, : self.out_height, : self.out_width]
        return windows.transpose(0, 1, 2, 4, 5, 3)


def _window(config: Config, kind: str) -> Window:
    two_d = "in_height" in config.values
    width = "in_width" if "in_width" in config.values else "n_in"
    out_width = "out_width" if "out_width" in config.values else "n_out"
    return Window(
        in_height=config.integer("in_height") if two_d else 1,
        in_width=config.integer(width),
        channels=config.integer("n_chan" if kind == "filt" else "n_filt"),
        height=config.integer(f"{kind}_height") if two_d else 1,
        width=config.integer(f"{kind}_width"),
        stride_height=config.integer("stride_height") if two_d else 1,
        stride_width=config.integer("stride_width"),
        out_height=config.integer("out_height") if two_d else 1,
        out_width=config.integer(out_width),
        pad_top=config.integer("pad_top") if two_d else 0,
        pad_left=config.integer("pad_left"),
    )


def conv(project: HlsProject, call: Call) -> Step:
    config = _config(project, call)
    window = _window(config, "filt")
    filters = config.integer("n_filt")
    mult = project.configs[config.values["mult_config"]]
    n_in = window.height * window.width * window.channels
    resource = _is_resource(config)
    merged = Config(name=mult.name, values={**config.values, **mult.values})
    order = _order(merged, n_in, resource=resource)
    function, bits = _products(project, call, merged, n_in, filters, transposed=resource, order=order).function()

    def run(x: np.ndarray) -> np.ndarray:
        return function(window.patches(x, 0).reshape(-1, n_in)).reshape(len(x), -1)

    return _unary(call, run, bits)


def depthwise_conv(project: HlsProject, call: Call) -> Step:
    import numpy as np

    config = _config(project, call)
    window = _window(config, "filt")
    mult = project.configs[config.values["mult_config"]]
    merged = Config(name=mult.name, values={**config.values, **mult.values})
    size = window.height * window.width
    products = _products(project, call, merged, size, window.channels, transposed=False, order=range(size))
    low, high = products.bounds()
    accum = products.accum
    if products.accum.fraction < products.product_fraction or not accum.min_int <= low <= high <= accum.max_int:
        raise UnsupportedError(f"the emulator does not cover a depthwise accumulator that loses bits ('{call.layer}')")
    weights = products.weights * 2.0 ** (accum.fraction - products.product_fraction)

    def run(x: np.ndarray) -> np.ndarray:
        patches = window.patches(x, 0).reshape(len(x), -1, size, window.channels)
        total = np.einsum("npsc,sc->npc", patches, weights.astype(x.dtype)) + products.bias.astype(x.dtype)
        return cast(total, accum.fraction, products.result).reshape(len(x), -1)

    return _unary(call, run, max(magnitude_bits(low, high), type_bits(accum, products.result.fraction)))


# --- element by element: nnet_activation.h, nnet_batchnorm.h, nnet_merge.h --------------------------------------------


def relu(project: HlsProject, call: Call) -> Step:
    import numpy as np

    data, result = _types(project, call, 0, 1)
    return _unary(call, lambda x: cast(np.maximum(x, 0), data.fraction, result), type_bits(data, result.fraction))


def linear(project: HlsProject, call: Call) -> Step:
    data, result = _types(project, call, 0, 1)
    return _unary(call, lambda x: cast(x, data.fraction, result), type_bits(data, result.fraction))


def _hard(scale: int, offset: int) -> StepMaker:
    """clip(slope * x + shift, 0, 1) * scale + offset, in full precision, then cast."""

    def maker(project: HlsProject, call: Call) -> Step:
        import numpy as np

        data, result = _types(project, call, 0, 1)
        config = _config(project, call)
        if (float(config.values["slope"]), float(config.values["shift"])) != (0.5, 0.5):
            raise UnsupportedError(f"the emulator covers slope and shift 0.5 alone (layer '{call.layer}')")
        # One half of x is x on a grid one bit finer; 1 and 1/2 need that grid to have a fractional bit.
        fraction = max(data.fraction + 1, 1)

        def run(x: np.ndarray) -> np.ndarray:
            one = x.dtype.type(2.0**fraction)
            clipped = np.clip(x * x.dtype.type(2.0 ** (fraction - data.fraction - 1)) + one / 2, 0, one)
            return cast(clipped * scale + one * offset, fraction, result)

        return _unary(call, run, type_bits(data, fraction) + 2 + max(0, result.fraction - fraction))

    return maker


def leaky_relu(project: HlsProject, call: Call) -> Step:
    import numpy as np

    data, param, result = _types(project, call, 0, 1, 2)
    # The slope is passed as a number and converted to its type at the call.
    slope = float(to_integers(np.array([float(call.arguments[1])]), param.fraction)[0])
    return _leaky(call, data, param, result, np.array([slope]), call.arguments[0], call.arguments[2])


def prelu(project: HlsProject, call: Call) -> Step:
    data, param, result = _types(project, call, 0, 1, 2)
    slopes = _weights(project, call.arguments[1], param, _config(project, call).integer("n_in"))
    return _leaky(call, data, param, result, slopes, call.arguments[0], call.arguments[2])


def _leaky(
    call: Call, data: FixedType, param: FixedType, result: FixedType, slopes: np.ndarray, source: str, target: str
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

    data, result = _types(project, call, 0, 1)
    plus, minus = cast(np.array([1.0, -1.0]), 0, result)
    return _unary(call, lambda x: np.where(x >= 0, plus, minus).astype(x.dtype), type_bits(data) + result.width)


def ternary_tanh(project: HlsProject, call: Call) -> Step:
    import numpy as np

    data, result = _types(project, call, 0, 1)
    plus, minus = cast(np.array([1.0, -1.0]), 0, result)

    def run(x: np.ndarray) -> np.ndarray:
        one = 2.0**data.fraction
        doubled = cast(2 * x, data.fraction, data)
        return np.where(doubled > one, plus, np.where(doubled > -one, 0, minus)).astype(x.dtype)

    return _unary(call, run, type_bits(data) + 1 + result.width)


def normalize(project: HlsProject, call: Call) -> Step:
    import numpy as np

    data, result = _types(project, call, 0, 1)
    config = _config(project, call)
    scale_type, bias_type = project.layer_type(config, "scale_t"), project.layer_type(config, "bias_t")
    filters = config.integer("n_filt")
    size = config.integer("n_in") if filters == -1 else filters
    scale = _weights(project, call.arguments[2], scale_type, size)
    bias = _weights(project, call.arguments[3], bias_type, size)
    product = data.fraction + scale_type.fraction
    fraction = max(product, bias_type.fraction) if np.any(bias) else product
    factor, offset = scale * 2.0 ** (fraction - product), bias * 2.0 ** (fraction - bias_type.fraction)
    ends = [data.min_int * factor + offset, data.max_int * factor + offset]
    bits = magnitude_bits(np.min(ends), np.max(ends)) + max(0, result.fraction - fraction)

    def run(x: np.ndarray) -> np.ndarray:
        grouped = x.reshape(len(x), -1, size)
        total = grouped * factor.astype(x.dtype) + offset.astype(x.dtype)
        return cast(total, fraction, result).reshape(len(x), -1)

    return _unary(call, run, max(bits, type_bits(data)))


def _merge(
    combine: Callable[[np.ndarray, np.ndarray], np.ndarray], *, extra: int = 0, product: bool = False
) -> StepMaker:
    """Two tensors combined on a common grid, which for products is the sum of theirs and for means one bit finer."""

    def maker(project: HlsProject, call: Call) -> Step:
        first, second, result = _types(project, call, 0, 1, 2)
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


# --- pooling: nnet_pooling.h, nnet_pooling_stream.h -------------------------------------------------------------------


def pooling(project: HlsProject, call: Call) -> Step:
    config = _config(project, call)
    return _pool(project, call, config, _window(config, "pool"))


def global_pooling(project: HlsProject, call: Call) -> Step:
    config = _config(project, call)
    two_d = "in_height" in config.values
    height = config.integer("in_height") if two_d else 1
    width = config.integer("in_width" if two_d else "n_in")
    window = Window(
        in_height=height, in_width=width, channels=config.integer("n_filt"), height=height, width=width,
        stride_height=1, stride_width=1, out_height=1, out_width=1, pad_top=0, pad_left=0,
    )  # fmt: skip
    return _pool(project, call, config, window)


def _pool(project: HlsProject, call: Call, config: Config, window: Window) -> Step:
    import numpy as np

    data, result = _types(project, call, 0, 1)
    accum = project.layer_type(config, "accum_t")
    size = window.height * window.width
    if config.values["pool_op"].endswith("Max"):
        # The padding of a maximum has the sign bit set alone: the least value where there is a sign.
        lowest = float(data.min_int if data.signed else 1 << (data.width - 1))

        def biggest(x: np.ndarray) -> np.ndarray:
            patches = window.patches(x, lowest)
            return cast(cast(patches.max(axis=(3, 4)), data.fraction, accum), accum.fraction, result).reshape(
                len(x), -1
            )

        return _unary(call, biggest, max(type_bits(data, accum.fraction), type_bits(accum, result.fraction)))

    bits = type_bits(data, accum.fraction) + (size - 1).bit_length()
    if accum.fraction < data.fraction or type_bits(accum) < bits:
        raise UnsupportedError(f"the emulator does not cover an average's accumulator that loses bits ('{call.layer}')")
    inside = window.patches(np.ones((1, window.in_height * window.in_width * window.channels)), 0)
    counts = inside.sum(axis=(3, 4)).astype(np.int64)

    def mean(x: np.ndarray) -> np.ndarray:
        total = window.patches(x, 0).sum(axis=(3, 4)) * x.dtype.type(2.0 ** (accum.fraction - data.fraction))
        whole = total.astype(np.int64)
        # ap_fixed divides the integers and cuts toward zero.
        quotient = np.sign(whole) * (np.abs(whole) // counts)
        return cast(quotient.astype(x.dtype), accum.fraction, result).reshape(len(x), -1)

    return _unary(call, mean, max(bits, type_bits(accum, result.fraction)))


# --- moves: nnet_padding.h, nnet_image.h, nnet_transpose.h, nnet_stream.h -----------------------------------------------


def zero_padding(project: HlsProject, call: Call) -> Step:
    import numpy as np

    data, result = _types(project, call, 0, 1)
    config = _config(project, call)
    two_d = "in_height" in config.values
    height = config.integer("in_height") if two_d else 1
    rows = (config.integer("pad_top"), config.integer("pad_bottom")) if two_d else (0, 0)
    columns = (config.integer("pad_left"), config.integer("pad_right"))
    width, channels = config.integer("in_width"), config.integer("n_chan")

    def run(x: np.ndarray) -> np.ndarray:
        image = x.reshape(len(x), height, width, channels)
        return cast(np.pad(image, ((0, 0), rows, columns, (0, 0))).reshape(len(x), -1), data.fraction, result)

    return _unary(call, run, type_bits(data, result.fraction))


def resize_nearest(project: HlsProject, call: Call) -> Step:
    import numpy as np

    data = project.type_of(call.template[0])
    config = _config(project, call)
    height, width, channels = (config.integer(key) for key in ("height", "width", "n_chan"))
    new_height, new_width = config.integer("new_height"), config.integer("new_width")
    rows = (np.arange(new_height) * ((height << 16) // new_height + 1)) >> 16
    columns = (np.arange(new_width) * ((width << 16) // new_width + 1)) >> 16

    def run(x: np.ndarray) -> np.ndarray:
        image = x.reshape(len(x), height, width, channels)
        return image[:, rows][:, :, columns].reshape(len(x), -1)

    return _unary(call, run, type_bits(data))


def transpose(project: HlsProject, call: Call) -> Step:
    data, result = _types(project, call, 0, 1)
    config = _config(project, call)
    shape, axes = config.integers("from_shape"), config.integers("perm")

    def run(x: np.ndarray) -> np.ndarray:
        moved = x.reshape(len(x), *shape).transpose(0, *(axis + 1 for axis in axes))
        return cast(moved.reshape(len(x), -1), data.fraction, result)

    return _unary(call, run, type_bits(data, result.fraction))


def clone_stream(project: HlsProject, call: Call) -> Step:
    data, result = _types(project, call, 0, 1)
    copies = len(call.arguments) - 1
    return Step(
        inputs=call.arguments[:1],
        outputs=call.arguments[1:],
        function=lambda xs: (cast(xs[0], data.fraction, result),) * copies,
        bits=type_bits(data, result.fraction),
    )


def concatenate(project: HlsProject, call: Call) -> Step:
    import numpy as np

    first, second, result = _types(project, call, 0, 1, 2)
    config = _config(project, call)
    rank = int(call.function.removeprefix("concatenate").removesuffix("d"))
    shapes = [[config.integer(f"n_elem{which}_{axis}") for axis in range(rank)] for which in (1, 2)]
    axis = int(config.values.get("axis", "-1"))
    if axis not in (-1, rank):
        raise UnsupportedError(f"the emulator concatenates along the last axis alone (layer '{call.layer}')")

    def run(xs: Arrays) -> Arrays:
        parts = [
            cast(x, type_.fraction, result).reshape(len(x), *shape)
            for x, type_, shape in zip(xs, (first, second), shapes, strict=True)
        ]
        return (np.concatenate(parts, axis=-1).reshape(len(xs[0]), -1),)

    bits = max(type_bits(first, result.fraction), type_bits(second, result.fraction))
    return Step(inputs=call.arguments[:2], outputs=(call.arguments[2],), function=run, bits=bits)


def _add(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a + b


def _maximum(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.maximum(a, b)


def _minimum(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.minimum(a, b)


MAKERS: dict[str, StepMaker] = {
    "dense": dense,
    **dict.fromkeys(("conv_1d_cl", "conv_2d_cl", "pointwise_conv_1d_cl", "pointwise_conv_2d_cl"), conv),
    **dict.fromkeys(("depthwise_conv_1d_cl", "depthwise_conv_2d_cl"), depthwise_conv),
    "relu": relu,
    "linear": linear,
    "hard_sigmoid": _hard(1, 0),
    "hard_tanh": _hard(2, -1),
    "leaky_relu": leaky_relu,
    "prelu": prelu,
    "binary_tanh": binary_tanh,
    "ternary_tanh": ternary_tanh,
    "normalize": normalize,
    "add": _merge(_add),
    "subtract": _merge(lambda a, b: a - b),
    "average": _merge(_add, extra=1),
    "multiply": _merge(lambda a, b: a * b, product=True),
    "maximum": _merge(_maximum),
    "minimum": _merge(_minimum),
    **dict.fromkeys(("pooling1d_cl", "pooling2d_cl"), pooling),
    **dict.fromkeys(("global_pooling1d_cl", "global_pooling2d_cl"), global_pooling),
    **dict.fromkeys(("zeropad1d_cl", "zeropad2d_cl"), zero_padding),
    "resize_nearest": resize_nearest,
    "transpose": transpose,
    "clone_stream": clone_stream,
    "repack_stream": linear,
    **dict.fromkeys(("concatenate1d", "concatenate2d", "concatenate3d"), concatenate),
}
