"""The layers of a converted project that are more than a cast, as integers: matrices, poolings, paddings.

The one read-back of them: the emulator and the RTL are views of these values. What a view does not cover, it refuses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hlsflow.foundation.errors import UnsupportedError
from hlsflow.hls.project import HlsProject
from hlsflow.hls.source import Call, Config
from hlsflow.hls.window import Window, window_of
from hlsflow.network.fixed_point import FixedType, cast, to_integers

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Matrix:
    """A matrix product of the whole frame, or with a `window` of each of its patches; a depthwise one of each channel.

    `weights` int64 (n_in, n_out) in LSBs of `weight`, of a depthwise one (taps, channels); `bias` int64 (n_out,) in
    LSBs of `accum`. `strategy` is the word after `nnet::`, `multiplication` what hls4ml multiplies by.
    """

    name: str
    weights: Array
    bias: Array
    data: FixedType
    weight: FixedType
    accum: FixedType
    result: FixedType
    strategy: str
    multiplication: str
    reuse_factor: int
    window: Window | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Pooling:
    """The maximum or the mean of each window, channel by channel, in `accum` and then in `result`."""

    name: str
    function: Literal["max", "average"]
    window: Window
    data: FixedType
    accum: FixedType
    result: FixedType


@dataclass(frozen=True, kw_only=True, slots=True)
class Padding:
    """Zeros around an image of `height` x `width` positions of `channels` values."""

    height: int
    width: int
    channels: int
    top: int
    bottom: int
    left: int
    right: int
    data: FixedType
    result: FixedType


def matrix_of(project: HlsProject, call: Call) -> Matrix:
    """What a dense layer or a convolution multiplies. Raises UnsupportedError where its weights are of another size."""
    config = project.configs[call.template[-1]]
    window = None
    if call.function == "dense":
        shape = config.integer("n_in"), config.integer("n_out")
    else:
        window = window_of(config, "filt")
        taps = window.height * window.width
        depthwise = call.function.startswith("depthwise")
        shape = (taps, window.channels) if depthwise else (taps * window.channels, config.integer("n_filt"))
        mult = project.configs[config.values["mult_config"]]
        config = Config(name=mult.name, values={**config.values, **mult.values})
    strategy = config.values.get("strategy", "").rsplit("::", 1)[-1]
    weight, bias, accum = (project.layer_type(config, role) for role in ("weight_t", "bias_t", "accum_t"))
    flat = constants_of(project, call.arguments[2], weight, shape[0] * shape[1])
    # The resource strategy stores a matrix with its axes exchanged.
    transposed = strategy == "resource" and not call.function.startswith("depthwise")
    return Matrix(
        name=call.layer,
        weights=flat.reshape(shape[::-1]).T.copy() if transposed else flat.reshape(shape),
        bias=cast(constants_of(project, call.arguments[3], bias, shape[1]), bias.fraction, accum),
        data=project.type_of(call.template[0]),
        weight=weight,
        accum=accum,
        result=project.type_of(call.template[1]),
        strategy=strategy,
        multiplication=config.values.get("product", "None"),
        reuse_factor=config.integer("reuse_factor"),
        window=window,
    )


def pooling_of(project: HlsProject, call: Call) -> Pooling:
    """What a pooling takes the maximum or the mean of."""
    config = project.configs[call.template[-1]]
    return Pooling(
        name=call.layer,
        function="max" if config.values["pool_op"].endswith("Max") else "average",
        window=_whole_image(config) if call.function.startswith("global_") else window_of(config, "pool"),
        data=project.type_of(call.template[0]),
        accum=project.layer_type(config, "accum_t"),
        result=project.type_of(call.template[1]),
    )


def padding_of(project: HlsProject, call: Call) -> Padding:
    """What a layer of its own pads."""
    config = project.configs[call.template[-1]]
    two_d = "in_height" in config.values
    return Padding(
        height=config.integer("in_height") if two_d else 1,
        width=config.integer("in_width"),
        channels=config.integer("n_chan"),
        top=config.integer("pad_top") if two_d else 0,
        bottom=config.integer("pad_bottom") if two_d else 0,
        left=config.integer("pad_left"),
        right=config.integer("pad_right"),
        data=project.type_of(call.template[0]),
        result=project.type_of(call.template[1]),
    )


def constants_of(project: HlsProject, name: str, type_: FixedType, size: int) -> Array:
    """A weight array as int64 in LSBs of its type. Raises UnsupportedError where it is of another size."""
    values = project.weights(name)
    if values.size != size:
        raise UnsupportedError(f"{name}.txt holds {values.size} values where {size} are due")
    return to_integers(values, type_.fraction)


def _whole_image(config: Config) -> Window:
    two_d = "in_height" in config.values
    height = config.integer("in_height") if two_d else 1
    width = config.integer("in_width" if two_d else "n_in")
    return Window(
        in_height=height, in_width=width, channels=config.integer("n_filt"), height=height, width=width,
        stride_height=1, stride_width=1, out_height=1, out_width=1, pad_top=0, pad_left=0,
    )  # fmt: skip
