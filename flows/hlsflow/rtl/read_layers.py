"""Each layer of a project's C++ as a layer of the integer network, or refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from hlsflow.emulation.window import Window, window_of
from hlsflow.foundation.errors import UnsupportedError
from hlsflow.hls.project import HlsProject
from hlsflow.hls.source import Call, Config
from hlsflow.network.fixed_point import FixedType, Overflow, Rounding, cast, to_integers
from hlsflow.rtl.layers import ArgmaxLayer, Cast, Layer, PoolLayer, ProductLayer

if TYPE_CHECKING:
    import numpy as np

WIDEST_ACCUMULATOR = 62


def is_argmax(project: HlsProject, call: Call) -> bool:
    return project.configs[call.template[-1]].values["implementation"].endswith("argmax")


def _argmax(project: HlsProject, call: Call) -> ArgmaxLayer:
    config = project.configs[call.template[-1]]
    size = config.integer("n_in")
    if config.integer("n_slice") != size:
        raise UnsupportedError(f"open RTL: '{call.layer}' takes the largest of parts of its {size} values")
    return ArgmaxLayer(
        name=call.layer,
        size=size,
        data=project.type_of(call.template[0]).grid,
        result=project.type_of(call.template[1]),
    )


def _dense(project: HlsProject, call: Call) -> ProductLayer:
    config = project.configs[call.template[-1]]
    return _product(project, call, config, config.integer("n_in"), config.integer("n_out"), None)


def _conv(project: HlsProject, call: Call) -> ProductLayer:
    config = project.configs[call.template[-1]]
    window = window_of(config, "filt")
    mult = project.configs[config.values["mult_config"]]
    merged = Config(name=mult.name, values={**config.values, **mult.values})
    n_in = window.height * window.width * window.channels
    return _product(project, call, merged, n_in, config.integer("n_filt"), window)


def _product(
    project: HlsProject, call: Call, config: Config, n_in: int, n_out: int, window: Window | None
) -> ProductLayer:
    import numpy as np

    if not config.values.get("product", "").endswith("::mult"):
        raise UnsupportedError(f"open RTL: {config.values.get('product')} is not covered (layer '{call.layer}')")
    strategy = config.values.get("strategy", "").rsplit("::", 1)[-1]
    if strategy not in ("latency", "resource"):
        raise UnsupportedError(f"open RTL: strategy {strategy} is not covered (layer '{call.layer}')")
    weight, bias, accum = (project.layer_type(config, role) for role in ("weight_t", "bias_t", "accum_t"))
    flat = to_integers(project.weights(call.arguments[2]), weight.fraction)
    biases = to_integers(project.weights(call.arguments[3]), bias.fraction)
    if flat.size != n_in * n_out or biases.size != n_out:
        raise UnsupportedError(f"open RTL: layer '{call.layer}' is no {n_in} x {n_out} matrix")
    weights = flat.reshape(n_out, n_in).T if strategy == "resource" else flat.reshape(n_in, n_out)
    data, result = project.type_of(call.template[0]).grid, project.type_of(call.template[1])
    check_accumulator(call.layer, weights, cast(biases, bias.fraction, accum), data, weight, accum)
    return ProductLayer(
        name=call.layer,
        weights=np.ascontiguousarray(weights),
        bias=cast(biases, bias.fraction, accum),
        data=data,
        weight=weight.grid,
        accum=accum,
        casts=(Cast(name=call.layer, relu=False, source=accum, target=result),),
        reuse_factor=config.integer("reuse_factor"),
        window=window,
    )


def check_accumulator(
    name: str, weights: np.ndarray, bias: np.ndarray, data: FixedType, weight: FixedType, accum: FixedType
) -> None:
    """Raises UnsupportedError where an accumulator rounds, or saturates on some input: then the order matters.

    `weights` (n_in, n_out) in LSBs of `weight`, `bias` (n_out,) in LSBs of `accum`.
    """
    import numpy as np

    shift = accum.fraction - data.fraction - weight.fraction
    if shift < 0:
        raise UnsupportedError(f"open RTL: the accumulator {accum} of '{name}' rounds every product")
    if accum.width > WIDEST_ACCUMULATOR:
        raise UnsupportedError(f"open RTL: the accumulator {accum} of '{name}' is wider than {WIDEST_ACCUMULATOR} bits")
    if accum.overflow is Overflow.WRAP:
        return
    ends = np.stack([weights * data.min_int, weights * data.max_int]) << shift
    low = np.minimum(ends.min(axis=0), 0).sum(axis=0) + np.minimum(bias, 0)
    high = np.maximum(ends.max(axis=0), 0).sum(axis=0) + np.maximum(bias, 0)
    if low.min() < accum.min_int or high.max() > accum.max_int:
        raise UnsupportedError(
            f"open RTL: the accumulator {accum} of '{name}' can saturate on the way",
            hint="an accumulator that the conversion proves wide enough is covered",
        )


def _pooling(project: HlsProject, call: Call) -> PoolLayer:
    config = project.configs[call.template[-1]]
    window = window_of(config, "pool")
    data, result = project.type_of(call.template[0]).grid, project.type_of(call.template[1])
    accum = project.layer_type(config, "accum_t")
    if config.values["pool_op"].endswith("Max"):
        casts = ((data, accum), (accum, result))
        function, total = "max", data
    else:
        check_average(call.layer, window, data, accum)
        bits = (window.height * window.width).bit_length() - 1
        total = replace(data, width=data.width + bits, integer=data.integer + bits)
        # The accumulator's bits are the quotient on a grid that is finer by the division; ap_fixed cuts toward zero.
        shifted = replace(accum, integer=accum.integer - bits)
        casts = ((total, accum), (shifted, replace(accum, rounding=Rounding.TRN_ZERO)), (accum, result))
        function = "sum"
    return PoolLayer(
        name=call.layer,
        function=function,
        window=window,
        data=data,
        total=total,
        casts=tuple(Cast(name=call.layer, relu=False, source=source, target=target) for source, target in casts),
    )


def check_average(name: str, window: Window, data: FixedType, accum: FixedType) -> None:
    """Raises UnsupportedError where an average is more than a sum and a shift, or its order matters."""
    count = window.height * window.width
    dyadic = count & (count - 1) == 0
    bottom = (window.out_height - 1) * window.stride_height + window.height - window.pad_top > window.in_height
    right = (window.out_width - 1) * window.stride_width + window.width - window.pad_left > window.in_width
    if not dyadic or window.pad_top or window.pad_left or bottom or right:
        raise UnsupportedError(
            f"open RTL: '{name}' averages windows of {window.height} x {window.width} values"
            + (", with padding" if dyadic else "")
            + ": it covers averages of 2, 4, 8, … values without padding",
            hint="pool_size 2 or 4 with padding='valid', or a maximum",
        )
    total = replace(data, width=data.width + count.bit_length() - 1, integer=data.integer + count.bit_length() - 1)
    if accum.fraction < data.fraction or (accum.overflow is not Overflow.WRAP and not accum.holds(total)):
        raise UnsupportedError(f"open RTL: the accumulator {accum} of '{name}' loses bits of the sum")


def padding_of(project: HlsProject, call: Call) -> Window:
    """A layer that pads with zeros, as the geometry of the image that it makes."""
    config = project.configs[call.template[-1]]
    two_d = "in_height" in config.values
    if project.type_of(call.template[0]).grid != project.type_of(call.template[1]).grid:
        raise UnsupportedError(f"open RTL: '{call.layer}' pads and changes the type")
    return Window(
        in_height=config.integer("in_height") if two_d else 1,
        in_width=config.integer("in_width"),
        channels=config.integer("n_chan"),
        height=1, width=1, stride_height=1, stride_width=1,
        out_height=config.integer("out_height") if two_d else 1,
        out_width=config.integer("out_width"),
        pad_top=config.integer("pad_top") if two_d else 0,
        pad_left=config.integer("pad_left"),
    )  # fmt: skip


def padded(layer: Layer, padding: Window, call: Call) -> Layer:
    """A convolution that pads its image itself, instead of the layer before it."""
    window = getattr(layer, "window", None)
    if not isinstance(layer, ProductLayer) or window is None:
        raise UnsupportedError(
            f"open RTL: '{call.layer}' stands behind a layer of zero padding; it covers that before convolutions"
        )
    return replace(
        layer,
        window=replace(
            window,
            in_height=padding.in_height,
            in_width=padding.in_width,
            pad_top=window.pad_top + padding.pad_top,
            pad_left=window.pad_left + padding.pad_left,
        ),
    )


MAKERS: dict[str, Callable[[HlsProject, Call], Layer]] = {
    "dense": _dense,
    **dict.fromkeys(("conv_1d_cl", "conv_2d_cl", "pointwise_conv_1d_cl", "pointwise_conv_2d_cl"), _conv),
    **dict.fromkeys(("pooling1d_cl", "pooling2d_cl"), _pooling),
    "softmax": _argmax,
}
