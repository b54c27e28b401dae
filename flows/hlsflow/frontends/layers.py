"""The layers of Keras as nodes: one function for each class that hls4ml's converter names. No node at all comes from a
layer whose values are those that it reads, such as an up-sampling by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from hlsflow.frontends import allow_list
from hlsflow.frontends.builder import Builder
from hlsflow.network.fixed_point import FixedType
from hlsflow.network.graph import Node, Op
from hlsflow.network.quantizers import WIDEST_BITS, NotExact, activation_quantizer, configuration_of, kernel_type

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


# A slope is exact in hardware and in float32 while it has few bits.
SLOPE_BITS = 12


def _float64(values: Any) -> Array:
    import numpy as np

    return np.asarray(values.numpy() if hasattr(values, "numpy") else values, dtype=np.float64)


def _quantized(values: Any, quantizer: Any) -> Array:
    """What a layer multiplies by: its variable through its quantizer, as the layer itself calls it."""
    return _float64(values if quantizer is None else quantizer(values))


def _declared(layer: Any, role: str) -> FixedType | None:
    quantizer = getattr(layer, f"{role}_quantizer_internal", None)
    if quantizer is None or not hasattr(quantizer, "get_config"):
        return None
    return kernel_type({"class_name": type(quantizer).__name__, "config": quantizer.get_config()})


def _on_grid(values: Array, declared: FixedType | None) -> FixedType | None:
    """The declared type if it holds the values, else None: then the values decide.

    QKeras computes `x + (q - x)` in float32, which can miss q by an ulp for a weight far outside the range.
    """
    import numpy as np

    if declared is None:
        return None
    scaled = values * 2.0**declared.fraction
    fits = (
        np.array_equal(scaled, np.rint(scaled))
        and scaled.min() >= declared.min_int
        and scaled.max() <= declared.max_int
    )
    return declared if fits else None


def _weights(layer: Any, roles: Mapping[str, tuple[str, str]]) -> tuple[dict[str, Array], dict[str, FixedType]]:
    """Effective arrays and declared types: `roles` maps our name to (variable, quantizer's prefix)."""
    arrays: dict[str, Array] = {}
    declared: dict[str, FixedType] = {}
    for ours, (variable, prefix) in roles.items():
        value = getattr(layer, variable, None)
        if value is None:
            continue
        arrays[ours] = _quantized(value, getattr(layer, f"{prefix}_quantizer_internal", None))
        found = _on_grid(arrays[ours], _declared(layer, prefix))
        if found is not None:
            declared[ours] = found
    return arrays, declared


def _plain(entry: dict[str, Any], class_name: str) -> dict[str, Any]:
    """The entry without quantizers and arrays: the constants are put in when their types are known."""
    kept = {key: value for key, value in entry.items() if not key.endswith(("_quantizer", "_data"))}
    return {**kept, "class_name": class_name}


def _input(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    types = builder.input_types
    declared = types if isinstance(types, FixedType) else types[entry["name"]]
    return [builder.node(entry, Op.INPUT, tuple(entry["input_shape"]), owner, declared={"result": declared})]


def _dense(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    arrays, declared = _weights(owner, {"weight": ("kernel", "kernel"), "bias": ("bias", "bias")})
    shape = (*builder.in_shape(entry)[:-1], arrays["weight"].shape[1])
    entry = _plain(entry, "Dense")
    return [builder.node(entry, Op.DENSE, shape, owner, arrays=arrays, declared=declared)]


def _conv_shape(entry: Mapping[str, Any]) -> tuple[int, ...]:
    height = (entry["out_height"],) if "out_height" in entry else ()
    return (*height, entry["out_width"], entry["n_filt"])


def _window(entry: Mapping[str, Any]) -> dict[str, int]:
    """Strides and pads of a convolution or pooling, two-dimensional throughout (a 1-D one has height 1)."""
    return {
        "stride_height": entry.get("stride_height", 1),
        "stride_width": entry["stride_width"],
        "pad_top": entry.get("pad_top", 0),
        "pad_bottom": entry.get("pad_bottom", 0),
        "pad_left": entry["pad_left"],
        "pad_right": entry["pad_right"],
    }


def _conv(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    if type(owner).__name__ == "QConv2DBatchnorm":
        arrays, declared = _folded_weights(owner)
    else:
        arrays, declared = _weights(owner, {"weight": ("kernel", "kernel"), "bias": ("bias", "bias")})
    class_name = "Conv2D" if "2D" in entry["class_name"] else "Conv1D"
    entry = _padded_as_keras_does(_plain(entry, class_name), owner)
    for key in ("use_gamma", "use_beta", "epsilon"):
        entry.pop(key, None)
    return [
        builder.node(
            entry, Op.CONV, _conv_shape(entry), owner, arrays=arrays, declared=declared, attributes=_window(entry)
        )
    ]


def _padded_as_keras_does(entry: dict[str, Any], owner: Any) -> dict[str, Any]:
    """The entry with all of a causal padding on the left: hls4ml's converter takes off what a stride leaves over."""
    if getattr(owner, "padding", None) != "causal":
        return entry
    return {**entry, "pad_left": entry["filt_width"] - 1, "pad_right": 0}


def _folded_weights(layer: Any) -> tuple[dict[str, Array], dict[str, FixedType]]:
    """Kernel and bias of a QConv2DBatchnorm as its `call` folds them in inference (both folding modes agree there)."""
    import tensorflow as tf

    norm = layer.batchnorm
    inverse = tf.math.rsqrt(norm.moving_variance + norm.epsilon)
    if norm.gamma is not None:
        inverse *= norm.gamma
    bias = layer.bias if layer.use_bias else 0
    folded = {"weight": inverse * layer.kernel, "bias": inverse * (bias - norm.moving_mean) + norm.beta}
    arrays: dict[str, Array] = {}
    declared: dict[str, FixedType] = {}
    for ours, prefix in (("weight", "kernel"), ("bias", "bias")):
        arrays[ours] = _quantized(folded[ours], getattr(layer, f"{prefix}_quantizer_internal"))
        found = _on_grid(arrays[ours], _declared(layer, prefix))
        if found is not None:
            declared[ours] = found
    return arrays, declared


def _depthwise(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    arrays, declared = _weights(owner, {"weight": ("depthwise_kernel", "depthwise"), "bias": ("bias", "bias")})
    class_name = "DepthwiseConv2D" if "2D" in entry["class_name"] else "DepthwiseConv1D"
    entry = _plain(entry, class_name)
    return [
        builder.node(
            entry, Op.DEPTHWISE, _conv_shape(entry), owner, arrays=arrays, declared=declared, attributes=_window(entry)
        )
    ]


def _separable(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    """hls4ml splits the layer into `<name>_depthwise` and `<name>_pointwise`; so do we, for each has its types."""
    arrays, declared = _weights(
        owner,
        {
            "depthwise": ("depthwise_kernel", "depthwise"),
            "pointwise": ("pointwise_kernel", "pointwise"),
            "bias": ("bias", "bias"),
        },
    )
    entry = _padded_as_keras_does(entry, owner)
    name, shape = entry["name"], _conv_shape(entry)
    two_d = "2D" in entry["class_name"]
    channels = entry["n_chan"]
    window = {key: entry[key] for key in entry if key.startswith(("pad_", "stride_", "filt_", "in_", "out_"))}
    depthwise = {
        "name": f"{name}_depthwise",
        "class_name": "DepthwiseConv2D" if two_d else "DepthwiseConv1D",
        "inputs": entry["inputs"],
        "data_format": "channels_last",
        **window,
        "n_chan": channels,
        "n_filt": channels,
        "depth_multiplier": 1,
        "use_bias": False,
    }
    pointwise = {
        "name": f"{name}_pointwise",
        "class_name": "Conv2D" if two_d else "Conv1D",
        "inputs": [depthwise["name"]],
        "data_format": "channels_last",
        "n_chan": channels,
        "n_filt": entry["n_filt"],
        "use_bias": entry.get("use_bias", True),
        **{
            f"{which}_{axis}": entry[f"out_{axis}"]
            for which in ("in", "out")
            for axis in ("height", "width")
            if f"out_{axis}" in entry
        },
        **{
            f"{what}_{axis}": 1
            for what in ("filt", "stride")
            for axis in (("height", "width") if two_d else ("width",))
        },
        **{f"pad_{side}": 0 for side in (("top", "bottom", "left", "right") if two_d else ("left", "right"))},
    }
    return [
        builder.node(
            depthwise, Op.DEPTHWISE, (*shape[:-1], channels), owner, arrays={"weight": arrays["depthwise"]},
            declared={"weight": declared["depthwise"]} if "depthwise" in declared else {},
            attributes=_window(depthwise),
        ),
        builder.node(
            pointwise, Op.CONV, shape, owner,
            arrays={"weight": arrays["pointwise"], **({"bias": arrays["bias"]} if "bias" in arrays else {})},
            declared={ours: declared[theirs] for ours, theirs in (("weight", "pointwise"), ("bias", "bias"))
                      if theirs in declared},
            attributes=_window(pointwise),
        ),
    ]  # fmt: skip


def _batch_norm(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    """`x * inverse + shift` with the float32 constants that `tf.nn.batch_normalization` computes."""
    import tensorflow as tf

    inverse = tf.math.rsqrt(owner.moving_variance + owner.epsilon)
    if owner.gamma is not None:
        inverse *= owner.gamma
    shift = -owner.moving_mean * inverse if owner.beta is None else owner.beta - owner.moving_mean * inverse
    arrays = {"scale": _float64(inverse), "bias": _float64(shift)}
    if (arrays["scale"] == 1).all() and not arrays["bias"].any():
        # hls4ml leaves it out, and merges what it finds behind.
        return []
    shape = builder.in_shape(entry)
    entry = {
        "name": entry["name"],
        "class_name": "BatchNormalization",
        "inputs": entry["inputs"],
        "data_format": "channels_last",
        "n_in": _product(shape),
        "n_out": _product(shape),
        "n_filt": -1 if len(shape) == 1 else shape[-1],
    }
    attributes = {"fused": True} if getattr(owner, "fused", False) else {}
    return [builder.node(entry, Op.SCALE, shape, owner, arrays=arrays, attributes=attributes)]


def _product(shape: tuple[int, ...]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size


def quantized_activation(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    quantizer = owner.quantizer if type(owner).__name__ == "QActivation" else owner.activation
    found = activation_quantizer(type(quantizer).__name__, configuration_of(quantizer))
    shape = builder.in_shape(entry)
    kept = {"name": entry["name"], "inputs": entry["inputs"], "data_format": "channels_last"}
    if found.result.width > WIDEST_BITS:
        if found.function != "relu":
            raise NotExact(
                f"{found.result.width} bits are more than float32 holds, which is a matter of the ReLU alone",
                f"at most {WIDEST_BITS} bits, or quantized_relu",
            )
        # Keras' float32 rounds such values before the quantizer could: a ReLU whose type is yet to be found.
        made = {**kept, "class_name": "Activation", "activation": "relu"}
        return [builder.node(made, Op.ACTIVATION, shape, owner, function="relu", attributes={"wide": True})]
    if found.function in ("hard_tanh", "hard_sigmoid"):
        made = {**kept, "class_name": "HardActivation", "activation": found.function, "slope": 0.5, "shift": 0.5}
    else:
        # 'Activation' even for ternary: the class TernaryTanh is rewritten by hls4ml with a rounded threshold.
        made = {**kept, "class_name": "Activation", "activation": found.function}
    before: list[Node] = []
    if found.function == "ternary_tanh":
        threshold = quantizer.threshold if quantizer.threshold is not None else quantizer.default_threshold
        before = _ternary_scale(builder, made, shape, owner, float(threshold))
    elif found.function == "binary_tanh" and _reads(builder, entry, Op.SCALE):
        before = [_spacer(builder, made, shape, owner)]
    if before:
        made["inputs"] = [before[-1].name]
    # With alpha=None QKeras adds the sign to a tanh and takes it off again, in float32.
    soft = found.function in ("binary_tanh", "ternary_tanh") and quantizer.alpha is None
    return [
        *before,
        builder.node(
            made, Op.ACTIVATION, shape, owner, function=found.function, declared={"result": found.result},
            attributes={"soft": True} if soft else {},
        ),
    ]  # fmt: skip


def _reads(builder: Builder, entry: Mapping[str, Any], op: Op) -> bool:
    source = builder.source(entry)
    return source is not None and source.op is op


def _spacer(builder: Builder, entry: Mapping[str, Any], shape: tuple[int, ...], owner: Any) -> Node:
    """A linear node that keeps hls4ml from merging a scale and a sign into a threshold of another type."""
    made = {
        "name": f"{entry['name']}_in",
        "class_name": "Activation",
        "activation": "linear",
        "inputs": entry["inputs"],
        "data_format": "channels_last",
    }
    return builder.node(made, Op.ACTIVATION, shape, owner, function="linear", attributes={"spacer": True})


def _ternary_scale(
    builder: Builder, entry: dict[str, Any], shape: tuple[int, ...], owner: Any, threshold: float
) -> list[Node]:
    """Scales so that hls4ml's fixed thresholds, `> 1/2` and `<= -1/2`, fall where QKeras compares `|x| >= threshold`.

    The factor depends on the grid of the input, so `ranges` fills it in (`attributes['threshold']`).
    """
    made = {
        "name": f"{entry['name']}_scale",
        "class_name": "BatchNormalization",
        "inputs": entry["inputs"],
        "data_format": "channels_last",
        "n_in": _product(shape),
        "n_out": _product(shape),
        "n_filt": -1 if len(shape) == 1 else shape[-1],
    }
    scale = builder.node(made, Op.SCALE, shape, owner, attributes={"threshold": threshold})
    spacer = _spacer(builder, {**entry, "inputs": [made["name"]]}, shape, owner)
    return [scale, spacer]


def _activation(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    function = entry["activation"].lower()
    if function not in ("relu", "softmax"):
        raise NotExact(*allow_list.float_activation(function))
    shape = builder.in_shape(entry)
    made = {"name": entry["name"], "inputs": entry["inputs"], "data_format": "channels_last",
            "class_name": "Activation", "activation": "relu"}  # fmt: skip
    return [builder.node(made, Op.ACTIVATION, shape, owner, function="relu")]


def _softmax(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    # A layer of the class Softmax is named "Softmax" by hls4ml's converter, and so is the struct in C++ that it then
    # calls by another name.
    made = {**entry, "activation": "softmax"}
    return [builder.node(made, Op.SOFTMAX, builder.in_shape(entry), owner)]


def _leaky_relu(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    import numpy as np

    # Keras multiplies by the float32 nearest to the slope.
    slope = float(np.float32(entry["activ_param"]))
    if slope < 0 or slope * 2**SLOPE_BITS % 1:
        # With a slope such as 0.3 the product of a dyadic number is often a tie that only float32's rounding makes.
        raise NotExact(f"the slope {slope:g} is no short binary fraction, so Keras itself rounds", "e.g. alpha=0.25")
    entry = {**entry, "activ_param": slope}
    return [
        builder.node(
            entry, Op.ACTIVATION, builder.in_shape(entry), owner, function="leaky_relu",
            arrays={"param": np.array([slope])},
        )
    ]  # fmt: skip


def _prelu(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    arrays = {"param": _float64(owner.alpha)}
    entry = _plain(entry, entry["class_name"])
    return [builder.node(entry, Op.PRELU, builder.in_shape(entry), owner, arrays=arrays)]


def _pool(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    op = Op.MAX_POOL if "Max" in entry["class_name"] else Op.AVERAGE_POOL
    shape = builder.in_shape(entry)
    if "Global" in entry["class_name"]:
        window = {"pool_height": shape[0] if len(shape) == 3 else 1, "pool_width": shape[-2], "global": True,
                  "stride_height": 1, "stride_width": 1, "pad_top": 0, "pad_bottom": 0, "pad_left": 0,
                  "pad_right": 0}  # fmt: skip
        return [builder.node(entry, op, (shape[-1],), owner, attributes=window)]
    out = (
        (entry["out_height"], entry["out_width"], entry["n_filt"])
        if "out_height" in entry
        else (entry["n_out"], entry["n_filt"])
    )
    window = {
        **_window(entry),
        "pool_height": entry.get("pool_height", 1),
        "pool_width": entry["pool_width"],
        "global": False,
    }
    if window["pool_height"] == window["pool_width"] == 1 and out == shape:
        return []
    return [builder.node(entry, op, out, owner, attributes=window)]


def _merge(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    return [builder.node(entry, Op.MERGE, builder.in_shape(entry), owner, function=entry["op"])]


def _concatenate(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    first, second = builder.in_shape(entry, 0), builder.in_shape(entry, 1)
    axis = (entry["axis"] - 1) if entry["axis"] > 0 else entry["axis"] + len(first)
    shape = tuple(a + b if index == axis else a for index, (a, b) in enumerate(zip(first, second, strict=True)))
    return [builder.node(entry, Op.CONCATENATE, shape, owner, attributes={"axis": axis})]


def _reshape(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    shape = tuple(owner.output_shape[1:])
    if shape == builder.in_shape(entry):
        return []
    # Keras' target shape may hold a -1, which hls4ml would take for a size.
    made = {**entry, "target_shape": list(shape)}
    before: list[Node] = []
    if len(shape) == 1 and _reads(builder, entry, Op.TRANSPOSE):
        # hls4ml drops a transposition before a flattening and reorders the weights behind it, but always as if it
        # were from channels first to channels last.
        before = [_spacer(builder, made, builder.in_shape(entry), owner)]
        made["inputs"] = [before[0].name]
    return [*before, builder.node(made, Op.RESHAPE, shape, owner)]


def _transpose(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    if tuple(owner.dims) == tuple(range(1, len(owner.dims) + 1)):
        return []
    return [
        builder.node(entry, Op.TRANSPOSE, tuple(owner.output_shape[1:]), owner, attributes={"dims": tuple(owner.dims)})
    ]


def _pad(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    pads = {f"pad_{side}": entry.get(f"pad_{side}", 0) for side in ("top", "bottom", "left", "right")}
    if not any(pads.values()):
        return []
    return [builder.node(entry, Op.PAD, tuple(owner.output_shape[1:]), owner, attributes=pads)]


def _resize(builder: Builder, entry: dict[str, Any], owner: Any) -> list[Node]:
    shape = tuple(owner.output_shape[1:])
    return [] if shape == builder.in_shape(entry) else [builder.node(entry, Op.RESIZE, shape, owner)]


Handler = Callable[["Builder", dict[str, Any], Any], list[Node]]
HANDLERS: dict[str, Handler] = {
    "InputLayer": _input,
    **dict.fromkeys(("Dense", "QDense"), _dense),
    **dict.fromkeys(("Conv1D", "Conv2D", "QConv1D", "QConv2D", "QConv2DBatchnorm"), _conv),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D", "QDepthwiseConv2D"), _depthwise),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D", "QSeparableConv1D", "QSeparableConv2D"), _separable),
    "BatchNormalization": _batch_norm,
    "Activation": _activation,
    "Softmax": _softmax,
    "LeakyReLU": _leaky_relu,
    "PReLU": _prelu,
    **dict.fromkeys(
        (f"{kind}Pooling{dim}D" for dim in "12" for kind in ("Max", "Average", "GlobalMax", "GlobalAverage")), _pool
    ),
    "Merge": _merge,
    "Concatenate": _concatenate,
    "Reshape": _reshape,
    "Transpose": _transpose,
    **dict.fromkeys(("ZeroPadding1D", "ZeroPadding2D"), _pad),
    **dict.fromkeys(("UpSampling1D", "UpSampling2D"), _resize),
}
