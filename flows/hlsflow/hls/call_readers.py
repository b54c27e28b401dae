"""The one table of the functions of `nnet::` that are read: each makes a node of its calls, once, whoever asks.

A function that is not in it gives a plain `Node`, and its views refuse it by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from hlsflow.hls.call_fields import ProductFields, config_of, constants_of, pair, unary, wires
from hlsflow.hls.integer_nodes import (
    Argmax,
    Cast,
    Combination,
    Concatenation,
    Copies,
    Depthwise,
    ElementCast,
    HardClip,
    LeakyRelu,
    Lookup,
    Matrix,
    Merge,
    Node,
    Padding,
    Pooling,
    Resize,
    Scale,
    Sign,
    Softmax,
    SoftmaxTables,
    Ternary,
    Transpose,
)
from hlsflow.hls.project import HlsProject
from hlsflow.hls.source import Call, Config
from hlsflow.hls.window import Window, window_of
from hlsflow.network.fixed_point import cast, to_integers
from hlsflow.network.table_functions import TABLE_FUNCTIONS
from hlsflow.network.value_tables import ValueTable

if TYPE_CHECKING:
    pass

Reader = Callable[[HlsProject, Call], Node]


def node_of(project: HlsProject, call: Call) -> Node:
    """The node of a call. Raises UnsupportedError or ToolError where what it needs is not there."""
    if call.function in project.element_types:
        return element_cast(project, call)
    return READERS.get(call.function, _unread)(project, call)


def _unread(project: HlsProject, call: Call) -> Node:
    return Node(**wires(project, call))


def _product(
    project: HlsProject, call: Call, config: Config, shape: tuple[int, int], *, transposable: bool = True
) -> ProductFields:
    """Raises UnsupportedError where its weights are not of the `shape`."""
    strategy = config.values.get("strategy", "").rsplit("::", 1)[-1]
    weight, bias, accum = (project.layer_type(config, role) for role in ("weight_t", "bias_t", "accum_t"))
    flat = constants_of(project, call.arguments[2], weight, shape[0] * shape[1])
    # The resource strategy stores a matrix with its axes exchanged.
    transposed = transposable and strategy == "resource"
    return {
        **unary(project, call),
        "weights": flat.reshape(shape[::-1]).T.copy() if transposed else flat.reshape(shape),
        "bias": cast(constants_of(project, call.arguments[3], bias, shape[1]), bias.fraction, accum),
        "weight": weight,
        "accum": accum,
        "strategy": strategy,
        "multiplication": config.values.get("product", "None"),
        "reuse_factor": config.integer("reuse_factor"),
    }


def dense(project: HlsProject, call: Call) -> Matrix:
    config = config_of(project, call)
    return Matrix(**_product(project, call, config, (config.integer("n_in"), config.integer("n_out"))))


def _with_multiplier(project: HlsProject, config: Config) -> Config:
    """A convolution's configuration with that of its products."""
    mult = project.configs[config.values["mult_config"]]
    return Config(name=mult.name, values={**config.values, **mult.values})


def conv(project: HlsProject, call: Call) -> Matrix:
    config = config_of(project, call)
    window = window_of(config, "filt")
    shape = (window.height * window.width * window.channels, config.integer("n_filt"))
    return Matrix(**_product(project, call, _with_multiplier(project, config), shape), window=window)


def depthwise_conv(project: HlsProject, call: Call) -> Depthwise:
    config = config_of(project, call)
    window = window_of(config, "filt")
    shape = (window.height * window.width, window.channels)
    product = _product(project, call, _with_multiplier(project, config), shape, transposable=False)
    return Depthwise(**product, window=window)


def normalize(project: HlsProject, call: Call) -> Scale:
    config = config_of(project, call)
    scale, bias = project.layer_type(config, "scale_t"), project.layer_type(config, "bias_t")
    filters = config.integer("n_filt")
    size = config.integer("n_in") if filters == -1 else filters
    return Scale(
        **unary(project, call),
        factor=constants_of(project, call.arguments[2], scale, size),
        offset=constants_of(project, call.arguments[3], bias, size),
        factor_type=scale,
        offset_type=bias,
    )


def pooling(project: HlsProject, call: Call, *, whole: bool = False) -> Pooling:
    config = config_of(project, call)
    return Pooling(
        **unary(project, call),
        kind="max" if config.values["pool_op"].endswith("Max") else "average",
        window=_whole_image(config) if whole else window_of(config, "pool"),
        accum=project.layer_type(config, "accum_t"),
        whole=whole,
    )


def _whole_image(config: Config) -> Window:
    two_d = "in_height" in config.values
    height = config.integer("in_height") if two_d else 1
    width = config.integer("in_width" if two_d else "n_in")
    return Window(
        in_height=height, in_width=width, channels=config.integer("n_filt"), height=height, width=width,
        stride_height=1, stride_width=1, out_height=1, out_width=1, pad_top=0, pad_left=0,
    )  # fmt: skip


def zero_padding(project: HlsProject, call: Call) -> Padding:
    config = config_of(project, call)
    two_d = "in_height" in config.values
    return Padding(
        **unary(project, call),
        height=config.integer("in_height") if two_d else 1,
        width=config.integer("in_width"),
        channels=config.integer("n_chan"),
        top=config.integer("pad_top") if two_d else 0,
        bottom=config.integer("pad_bottom") if two_d else 0,
        left=config.integer("pad_left"),
        right=config.integer("pad_right"),
    )


def plain_cast(project: HlsProject, call: Call, *, relu: bool = False) -> Cast:
    return Cast(**unary(project, call), relu=relu)


def element_cast(project: HlsProject, call: Call) -> ElementCast:
    return ElementCast(**unary(project, call), types=project.element_types[call.function])


def clone_stream(project: HlsProject, call: Call) -> Copies:
    return Copies(**unary(project, call))


def hard_clip(project: HlsProject, call: Call, *, times: int, plus: int) -> HardClip:
    values = config_of(project, call).values
    slope, shift = float(values["slope"]), float(values["shift"])
    return HardClip(**unary(project, call), slope=slope, shift=shift, times=times, plus=plus)


def leaky_relu(project: HlsProject, call: Call) -> LeakyRelu:
    import numpy as np

    slope = project.type_of(call.template[1])
    # It is passed as a number and converted to its type at the call.
    slopes = to_integers(np.array([float(call.arguments[1])]), slope.fraction)
    return LeakyRelu(**unary(project, call, result=2), slopes=slopes, slope=slope)


def prelu(project: HlsProject, call: Call) -> LeakyRelu:
    slope = project.type_of(call.template[1])
    slopes = constants_of(project, call.arguments[1], slope, config_of(project, call).integer("n_in"))
    return LeakyRelu(**unary(project, call, result=2), slopes=slopes, slope=slope)


def binary_tanh(project: HlsProject, call: Call) -> Sign:
    return Sign(**unary(project, call))


def ternary_tanh(project: HlsProject, call: Call) -> Ternary:
    # nnet_activation.h doubles the value before it compares with 1, nnet_activation_stream.h does not.
    return Ternary(**unary(project, call), doubled=not project.io_stream)


def resize_nearest(project: HlsProject, call: Call) -> Resize:
    config = config_of(project, call)
    height, width, channels, new_height, new_width = (
        config.integer(key) for key in ("height", "width", "n_chan", "new_height", "new_width")
    )
    return Resize(
        # Its template has one type for both.
        **unary(project, call, result=0),
        height=height,
        width=width,
        channels=channels,
        new_height=new_height,
        new_width=new_width,
    )


def transpose(project: HlsProject, call: Call) -> Transpose:
    config = config_of(project, call)
    return Transpose(**unary(project, call), shape=config.integers("from_shape"), axes=config.integers("perm"))


def value_table(project: HlsProject, call: Call) -> Lookup:
    config = config_of(project, call)
    fields = unary(project, call)
    table = ValueTable(
        function=call.function,
        data=fields["data"],
        size=config.integer("table_size"),
        table=project.layer_type(config, "table_t"),
        result=fields["result"],
        streamed=project.io_stream,
    )
    return Lookup(**fields, table=table)


def softmax(project: HlsProject, call: Call) -> Softmax | Argmax:
    config = config_of(project, call)
    implementation = config.values["implementation"].rsplit("::", 1)[-1]
    size, part = config.integer("n_in"), config.integer("n_slice")
    # The function for streams takes each pack for a vector, whatever the struct says.
    last = config.integer("n_inner") == 1 and project.packed.get(call.template[0], part) == part
    if implementation == "argmax":
        return Argmax(**unary(project, call), size=size, slice=part, last=last)
    return Softmax(
        **unary(project, call),
        size=size,
        slice=part,
        last=last,
        implementation=implementation,
        tables=_softmax_tables(project, config) if implementation == "stable" else None,
    )


def _softmax_tables(project: HlsProject, config: Config) -> SoftmaxTables:
    return SoftmaxTables(
        exp_table=project.layer_type(config, "exp_table_t"),
        inv_table=project.layer_type(config, "inv_table_t"),
        inp_norm=project.layer_type(config, "inp_norm_t"),
        inv_inp=project.layer_type(config, "inv_inp_t"),
        accum=project.layer_type(config, "accum_t"),
        exp_table_size=config.integer("exp_table_size"),
        inv_table_size=config.integer("inv_table_size"),
        exp_scale=float(config.values["exp_scale"]),
    )


def merge(project: HlsProject, call: Call, *, by: Combination) -> Merge:
    return Merge(**pair(project, call), by=by)


def concatenate(project: HlsProject, call: Call, *, rank: int) -> Concatenation:
    config = config_of(project, call)
    first, second = (tuple(config.integer(f"n_elem{which}_{axis}") for axis in range(rank)) for which in (1, 2))
    axis = int(config.values.get("axis", "-1"))
    # Counted from 1, for the batch has the axis 0, or from the end.
    return Concatenation(**pair(project, call), shapes=(first, second), axis=axis - 1 if axis > 0 else axis + rank)


READERS: Mapping[str, Reader] = {
    "dense": dense,
    **dict.fromkeys(("conv_1d_cl", "conv_2d_cl", "pointwise_conv_1d_cl", "pointwise_conv_2d_cl"), conv),
    **dict.fromkeys(("depthwise_conv_1d_cl", "depthwise_conv_2d_cl"), depthwise_conv),
    "normalize": normalize,
    **dict.fromkeys(("pooling1d_cl", "pooling2d_cl"), pooling),
    **dict.fromkeys(("global_pooling1d_cl", "global_pooling2d_cl"), partial(pooling, whole=True)),
    **dict.fromkeys(("zeropad1d_cl", "zeropad2d_cl"), zero_padding),
    **dict.fromkeys(("linear", "repack_stream"), plain_cast),
    "relu": partial(plain_cast, relu=True),
    "clone_stream": clone_stream,
    "hard_sigmoid": partial(hard_clip, times=1, plus=0),
    "hard_tanh": partial(hard_clip, times=2, plus=-1),
    "leaky_relu": leaky_relu,
    "prelu": prelu,
    "binary_tanh": binary_tanh,
    "ternary_tanh": ternary_tanh,
    "resize_nearest": resize_nearest,
    "transpose": transpose,
    **dict.fromkeys(TABLE_FUNCTIONS, value_table),
    **dict.fromkeys(("softmax", "softmax_multidim"), softmax),
    **{str(by): partial(merge, by=by) for by in Combination},
    **{f"concatenate{rank}d": partial(concatenate, rank=rank) for rank in (1, 2, 3)},
}
