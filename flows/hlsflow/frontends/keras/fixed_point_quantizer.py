"""HGQ's layer `FixedPointQuantizer`: a cast of each element to a type of its own.

Its weights are the types: `keep_negative` (a sign bit), `bits` (the sign bit counted; 0: the element is always 0) and
`integers` (those left of the point, the sign bit counted), whole numbers of one shape that broadcasts over a batch.
`RND` and `SAT` are modes of `ap_fixed` by their names. What HGQ computes is what `ap_fixed` assigns: a test holds both
against each other in every mode.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hlsflow.foundation.errors import ModelError, ToolError
from hlsflow.network.element_types import ElementTypes
from hlsflow.network.fixed_point import FixedType, Overflow, Rounding

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

CLASS_NAME = "FixedPointQuantizer"
VARIABLES = ("keep_negative", "bits", "integers")
# Of int8, as HGQ keeps them.
_MOST = 127
_HALVES = frozenset((Rounding.RND, Rounding.RND_ZERO, Rounding.RND_INF, Rounding.RND_MIN_INF, Rounding.RND_CONV))


def modes(config: Mapping[str, Any]) -> tuple[Rounding, Overflow]:
    """The modes of a layer's settings. Raises ValueError that says which is none."""
    found = []
    for key, usual, kind in (("RND", "TRN", Rounding), ("SAT", "WRAP", Overflow)):
        said = config.get(key, usual)
        if not isinstance(said, str) or said not in set(kind):
            raise ValueError(f"its mode {key}={str(said)[:20]!r} is none that hardware here has: {', '.join(kind)}")
        found.append(kind(said))
    return found[0], found[1]  # type: ignore[return-value]  # one of each


def element_types(config: Mapping[str, Any], arrays: Mapping[str, Array], rank: int, where: str) -> ElementTypes:
    """The types of a layer over tensors of `rank` axes, the batch not counted. Raises ModelError that names `where`."""
    import numpy as np

    for name in VARIABLES:
        values = np.asarray(arrays[name])
        if not np.array_equal(values, np.rint(values)) or (np.abs(values) > _MOST).any():
            raise ModelError(f"{where}: {name} holds values that are no whole numbers up to {_MOST}", hint=_AGAIN)
    signed, bits, integers = (np.asarray(arrays[name]) for name in VARIABLES)
    if not np.isin(signed, (0, 1)).all() or (bits < 0).any():
        raise ModelError(f"{where}: keep_negative is to be 0 or 1, and bits not below 0", hint=_AGAIN)
    try:
        rounding, overflow = modes(config)
        return ElementTypes.of_batch(signed, bits, integers, rank, rounding=rounding, overflow=overflow)
    except ValueError as problem:
        raise ModelError(f"{where}: {problem}", hint=_AGAIN) from problem


_AGAIN = "save the proxy model again with HGQ: HGQ.to_proxy_model(model, …).save('model.h5')"


def live_types(layer: Any) -> ElementTypes:
    """The types of a live layer. Raises ModelError."""
    arrays = {name: getattr(layer, name).numpy() for name in VARIABLES}
    rank = len(layer.input_shape) - 1
    return element_types({"RND": layer.RND, "SAT": layer.SAT}, arrays, rank, f"layer '{layer.name}'")


def live(name: str, config: Mapping[str, Any], arrays: Mapping[str, Array], where: str) -> Any:
    """HGQ's own layer of that name. Raises ToolError where HGQ is not installed, ModelError."""
    import numpy as np

    missing = [item for item in VARIABLES if item not in arrays]
    if missing:
        raise ModelError(f"{where}: {missing[0]} is missing", hint="are architecture and weights of the same model?")
    # Its shape is the layer's to judge, once it is called.
    element_types(config, arrays, max(np.ndim(arrays["bits"]), 1), where)
    try:
        from HGQ.proxy.fixed_point_quantizer import FixedPointQuantizer
    except ImportError as error:
        raise ToolError(
            f"{where}: a quantizer of HGQ, which is not installed here", hint="uv run --extra hgq1 …"
        ) from error
    bits = [np.asarray(arrays[item]).astype(np.int8) for item in VARIABLES]
    said = {key: config[key] for key in ("RND", "SAT") if key in config}
    return FixedPointQuantizer(*bits, **said, name=name)


def in_float64(layer: Any) -> Any:
    """A layer of Keras that computes with float64 what HGQ's own computes with float32."""
    import numpy as np
    import tensorflow as tf
    from tensorflow import keras

    signed, bits, integers = (getattr(layer, name).numpy().astype(np.float64) for name in VARIABLES)
    rounding, overflow = modes({"RND": layer.RND, "SAT": layer.SAT})
    scale = 2.0 ** (bits - integers)
    high = 2.0 ** (bits - signed) - 1
    low = -(high + 1) * signed

    def compute(x: Any) -> Any:
        whole = _rounded(tf, x * scale, rounding)
        match overflow:
            case Overflow.WRAP:
                cut = tf.math.floormod(whole - low, high - low + 1) + low
            case Overflow.SAT_ZERO:
                cut = tf.where((whole < low) | (whole > high), tf.zeros_like(whole), whole)
            case _:
                cut = tf.clip_by_value(whole, -high * signed if overflow is Overflow.SAT_SYM else low, high)
        return cut / scale * (bits != 0)

    return keras.layers.Activation(compute, name=layer.name, dtype="float64")


def _rounded(tf: Any, x: Any, rounding: Rounding) -> Any:
    match rounding:
        case Rounding.TRN:
            return tf.floor(x)
        case Rounding.TRN_ZERO:
            return tf.sign(x) * tf.floor(tf.abs(x))
        case Rounding.RND:
            return tf.floor(x + 0.5)
        case Rounding.RND_MIN_INF:
            return -tf.floor(-x + 0.5)
        case Rounding.RND_ZERO:
            return -tf.sign(x) * tf.floor(-tf.abs(x) + 0.5)
        case Rounding.RND_INF:
            return tf.sign(x) * tf.floor(tf.abs(x) + 0.5)
        case Rounding.RND_CONV:
            return tf.round(x)


def type_of_input(types: Sequence[ElementTypes]) -> FixedType | None:
    """The narrowest type that all of the quantizers tell apart what comes in by; None where they know of nothing.

    One that rounds to the nearest looks at one more bit than it keeps.
    """
    finer = [
        FixedType(width=type_.width + 1, integer=type_.integer, signed=type_.signed)
        if type_.rounding in _HALVES
        else type_.grid
        for item in types
        for type_ in item.given
    ]
    if not finer:
        return None
    import numpy as np

    return ElementTypes(types=tuple(finer), index=np.zeros((), dtype=np.int64)).enclosing
