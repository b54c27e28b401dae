"""The functions of single values that hls4ml has tables of, by its names: their shapes, and how its C++ computes them.

Of sigmoid, tanh, softplus and softsign the whole function is a table on [-reach, reach). Of elu and selu the negative
side is one on (-reach, 0], and what is not negative passes, times a factor (nnet_activation.h, 1.3.0).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hlsflow.network.fixed_point import FixedType, parse_type

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

SELU_SCALE = 1.0507009873554804934193349852946
SELU_ALPHA = 1.6732632423543772848170429916717


@dataclass(frozen=True, kw_only=True, slots=True)
class TableFunction:
    """A function that never falls. `true` gives float64 for float64, `in_float` what C++ computes of float32.

    `factor` is what values that are not negative are multiplied by beside the table, None where the table has them too.
    `table` and `result` are the types that are derived; a result beside a table has more whole bits where they pass.
    """

    reach: int
    table: FixedType
    result: FixedType
    true: Callable[[Array], Array]
    in_float: Callable[[Array], Array]
    factor: float | None = None


def _sigmoid(x: Array) -> Array:
    import numpy as np

    # Of the two forms the one whose exponential is at most one.
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small))


def _sigmoid_in_float(x: Array) -> Array:
    import numpy as np

    return (1.0 / (np.float32(1) + _exp_in_float(-x)).astype(np.float64)).astype(np.float32)


def _tanh(x: Array) -> Array:
    import numpy as np

    return np.tanh(x)


def _tanh_in_float(x: Array) -> Array:
    return _of_c("tanhf", x)


def _softplus(x: Array) -> Array:
    import numpy as np

    return np.logaddexp(0.0, x)


def _softplus_in_float(x: Array) -> Array:
    import numpy as np

    return np.log(_exp_in_float(x).astype(np.float64) + 1.0).astype(np.float32)


def _softsign(x: Array) -> Array:
    import numpy as np

    return x / (np.abs(x) + 1)


def _softsign_in_float(x: Array) -> Array:
    import numpy as np

    return (x.astype(np.float64) / (np.abs(x).astype(np.float64) + 1.0)).astype(np.float32)


def _elu(x: Array) -> Array:
    import numpy as np

    return np.where(x >= 0, x, np.expm1(np.minimum(x, 0)))


def _elu_in_float(x: Array) -> Array:
    import numpy as np

    return (_exp_in_float(x).astype(np.float64) - 1.0).astype(np.float32)


def _selu(x: Array) -> Array:
    import numpy as np

    return SELU_SCALE * np.where(x >= 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0)))


def _selu_in_float(x: Array) -> Array:
    import numpy as np

    return (SELU_SCALE * (SELU_ALPHA * (_exp_in_float(x).astype(np.float64) - 1.0))).astype(np.float32)


def _exp_in_float(x: Array) -> Array:
    return _of_c("expf", x)


def _of_c(name: str, x: Array) -> Array:
    """The C library's own function, as the C simulation calls it: numpy's, or a rounded one, has other last bits."""
    import numpy as np

    function = getattr(ctypes.CDLL(None), name)
    function.argtypes, function.restype = [ctypes.c_float], ctypes.c_float
    return np.array([function(float(value)) for value in x], dtype=np.float32)


TABLE_FUNCTIONS: Mapping[str, TableFunction] = {
    "sigmoid": TableFunction(
        reach=8, true=_sigmoid, in_float=_sigmoid_in_float,
        table=parse_type("ufixed<18,1,RND,SAT>"), result=parse_type("ufixed<16,1,RND,SAT>"),
    ),
    "tanh": TableFunction(
        reach=4, true=_tanh, in_float=_tanh_in_float,
        table=parse_type("fixed<19,2,RND,SAT>"), result=parse_type("fixed<17,2,RND,SAT>"),
    ),
    "softplus": TableFunction(
        reach=8, true=_softplus, in_float=_softplus_in_float,
        table=parse_type("ufixed<18,4,RND,SAT>"), result=parse_type("ufixed<16,4,RND,SAT>"),
    ),
    "softsign": TableFunction(
        reach=8, true=_softsign, in_float=_softsign_in_float,
        table=parse_type("fixed<18,1,RND,SAT>"), result=parse_type("fixed<16,1,RND,SAT>"),
    ),
    "elu": TableFunction(
        reach=8, true=_elu, in_float=_elu_in_float, factor=1.0,
        table=parse_type("fixed<18,1,RND,SAT>"), result=parse_type("fixed<16,1,RND,SAT>"),
    ),
    "selu": TableFunction(
        reach=8, true=_selu, in_float=_selu_in_float, factor=SELU_SCALE,
        table=parse_type("fixed<19,2,RND,SAT>"), result=parse_type("fixed<17,2,RND,SAT>"),
    ),
}  # fmt: skip

# Functions that are x times a function of x, by the tables that give it one behind the other.
GATED: Mapping[str, tuple[str, ...]] = {"swish": ("sigmoid",), "silu": ("sigmoid",), "mish": ("softplus", "tanh")}


def softmax(logits: Array, classes: int) -> Array:
    """The softmax of each vector of real logits, float64 (samples, values): so many values are one vector."""
    import numpy as np

    vectors = logits.reshape(-1, classes)
    exponentials = np.exp(vectors - vectors.max(axis=1, keepdims=True))
    return (exponentials / exponentials.sum(axis=1, keepdims=True)).reshape(logits.shape)
