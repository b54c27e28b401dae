"""Each layer of a project's C++: what is asked of the hardware for it, and as a layer of the integer network.

What is covered is `rtl.coverage`'s to say; here a layer is refused only where its files contradict each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hlsflow.emulation.window import Window, window_of
from hlsflow.foundation.errors import UnsupportedError
from hlsflow.hls.project import HlsProject, destinations, operands
from hlsflow.hls.source import Call, Config
from hlsflow.network.fixed_point import Rounding, cast, to_integers
from hlsflow.rtl.coverage import CONVOLUTIONS, PADDINGS, POOLINGS, Asked, Average, Product, Work
from hlsflow.rtl.layers import ArgmaxLayer, Cast, Layer, PoolLayer, ProductLayer


def asked(project: HlsProject, call: Call) -> Asked:
    """What a call asks of the hardware."""
    softmax = call.function == "softmax"
    config = project.configs.get(call.template[-1])
    return Asked(
        name=call.layer,
        function=call.function,
        called=f"nnet::{call.function}",
        inputs=tuple(project.aliases.get(name, name) for name in operands(call)),
        outputs=destinations(call),
        work=_work(project, call),
        behind_reshape=call.arguments[0] in project.aliases,
        is_argmax=softmax and config is not None and config.values["implementation"].endswith("argmax"),
        of_parts=softmax and config is not None and config.integer("n_slice") != config.integer("n_in"),
        changes_type=call.function in PADDINGS
        and project.type_of(call.template[0]).grid != project.type_of(call.template[1]).grid,
    )


def _work(project: HlsProject, call: Call) -> Work:
    if call.function in ("dense", *CONVOLUTIONS):
        return _product_of(project, call)
    if call.function in POOLINGS:
        config = project.configs[call.template[-1]]
        if not config.values["pool_op"].endswith("Max"):
            data, accum = project.type_of(call.template[0]).grid, project.layer_type(config, "accum_t")
            return Average(window=window_of(config, "pool"), data=data, accum=accum)
    return None


def _argmax(project: HlsProject, call: Call, work: Work) -> ArgmaxLayer:
    return ArgmaxLayer(
        name=call.layer,
        size=project.configs[call.template[-1]].integer("n_in"),
        data=project.type_of(call.template[0]).grid,
        result=project.type_of(call.template[1]),
    )


def _product(project: HlsProject, call: Call, work: Work) -> ProductLayer:
    import numpy as np

    assert isinstance(work, Product)
    config, window = _multiplication(project, call)
    return ProductLayer(
        name=call.layer,
        weights=np.ascontiguousarray(work.weights),
        bias=work.bias,
        data=work.data,
        weight=work.weight.grid,
        accum=work.accum,
        casts=(Cast(name=call.layer, relu=False, source=work.accum, target=project.type_of(call.template[1])),),
        reuse_factor=config.integer("reuse_factor"),
        window=window,
    )


def _multiplication(project: HlsProject, call: Call) -> tuple[Config, Window | None]:
    """(the constants of a layer's multiplication, what slides: None for a dense layer)."""
    config = project.configs[call.template[-1]]
    if call.function == "dense":
        return config, None
    mult = project.configs[config.values["mult_config"]]
    return Config(name=mult.name, values={**config.values, **mult.values}), window_of(config, "filt")


def _product_of(project: HlsProject, call: Call) -> Product:
    config, window = _multiplication(project, call)
    if window is None:
        n_in, n_out = config.integer("n_in"), config.integer("n_out")
    else:
        n_in, n_out = window.height * window.width * window.channels, config.integer("n_filt")
    strategy = config.values.get("strategy", "").rsplit("::", 1)[-1]
    weight, bias, accum = (project.layer_type(config, role) for role in ("weight_t", "bias_t", "accum_t"))
    flat = to_integers(project.weights(call.arguments[2]), weight.fraction)
    biases = to_integers(project.weights(call.arguments[3]), bias.fraction)
    if flat.size != n_in * n_out or biases.size != n_out:
        raise UnsupportedError(f"open RTL: layer '{call.layer}' is no {n_in} x {n_out} matrix")
    return Product(
        weights=flat.reshape(n_out, n_in).T if strategy == "resource" else flat.reshape(n_in, n_out),
        bias=cast(biases, bias.fraction, accum),
        data=project.type_of(call.template[0]).grid,
        weight=weight,
        accum=accum,
        strategy=strategy,
        multiplication=config.values.get("product", "None"),
    )


def _pooling(project: HlsProject, call: Call, work: Work) -> PoolLayer:
    config = project.configs[call.template[-1]]
    window = window_of(config, "pool")
    data, result = project.type_of(call.template[0]).grid, project.type_of(call.template[1])
    accum = project.layer_type(config, "accum_t")
    if config.values["pool_op"].endswith("Max"):
        casts = ((data, accum), (accum, result))
        function, total = "max", data
    else:
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


def padding_of(project: HlsProject, call: Call) -> Window:
    """A layer that pads with zeros, as the geometry of the image that it makes."""
    config = project.configs[call.template[-1]]
    two_d = "in_height" in config.values
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


def padded(layer: Layer, padding: Window) -> Layer:
    """A convolution that pads its image itself, instead of the layer before it."""
    assert isinstance(layer, ProductLayer) and layer.window is not None
    window = layer.window
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


# What is asked of the hardware tells the matrices, so that they are read once.
MAKERS: dict[str, Callable[[HlsProject, Call, Work], Layer]] = {
    **dict.fromkeys(("dense", *CONVOLUTIONS), _product),
    **dict.fromkeys(POOLINGS, _pooling),
    "softmax": _argmax,
}
