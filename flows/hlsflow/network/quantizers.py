"""What the QKeras quantizers compute, as fixed-point types; and which of them no hardware type equals.

Read off QKeras 0.9.0, `qkeras/quantizers.py` (`__call__` of each class): all round half to even and saturate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log2
from typing import Any

from hlsflow.network.fixed_point import FixedType, Overflow, Rounding

# Float32 holds every number of so many bits: a wider quantizer has more values than Keras can tell apart.
WIDEST_BITS = 24


@dataclass(frozen=True, kw_only=True, slots=True)
class ActivationQuantizer:
    """An activation that the hardware computes exactly: hls4ml's function and the type of its result."""

    function: str
    result: FixedType


class NotExact(Exception):
    """A quantizer that no policy makes exact; the message says why, `way_out` what to write instead."""

    def __init__(self, reason: str, way_out: str) -> None:
        super().__init__(reason)
        self.way_out = way_out


def quantizer_type(*, bits: int, integer: int, keep_negative: bool = True, symmetric: bool = False) -> FixedType:
    """The type of `quantized_bits(bits, integer)`: QKeras counts the sign bit in `bits` but not in `integer`."""
    return FixedType(
        width=bits,
        integer=integer + int(keep_negative),
        signed=keep_negative,
        rounding=Rounding.RND_CONV,
        overflow=Overflow.SAT_SYM if symmetric and keep_negative else Overflow.SAT,
    )


def kernel_type(quantizer: Mapping[str, Any] | None) -> FixedType | None:
    """The type that a kernel or bias quantizer declares, or None where only the quantized values tell.

    `quantizer` is a QKeras configuration with `class_name` and `config`. A data-dependent scale (`alpha='auto'`, the
    default of kernels) and powers of two have no fixed grid of their own, and one wider than float32 is none.
    """
    if quantizer is None:
        return None
    config = quantizer["config"]
    alpha = config.get("alpha")
    if not isinstance(alpha, (int, float)):
        return None
    if quantizer["class_name"] in ("binary", "ternary") and alpha > 0 and not log2(alpha) % 1:
        # -alpha, 0 and alpha: two bits, the lesser of which is alpha.
        return FixedType(width=2, integer=2 + int(log2(alpha)), signed=True)
    if quantizer["class_name"] != "quantized_bits" or float(alpha) != 1.0:
        return None
    if config["bits"] - config["keep_negative"] < 1 or config["bits"] > WIDEST_BITS:
        return None
    return quantizer_type(
        bits=config["bits"],
        integer=config["integer"],
        keep_negative=bool(config["keep_negative"]),
        # The symmetry is in the weights already; a stored constant needs no saturation mode.
    ).grid


def configuration_of(quantizer: Any) -> dict[str, Any]:
    """The configuration of a QKeras quantizer, with what the `get_config` of `quantized_relu` leaves out of it."""
    clips = getattr(quantizer, "is_quantized_clip", None)
    return {**quantizer.get_config(), **({} if clips is None else {"is_quantized_clip": clips})}


def activation_quantizer(class_name: str, config: Mapping[str, Any]) -> ActivationQuantizer:
    """The exact hardware activation of a QKeras activation quantizer. Raises NotExact."""
    maker = _ACTIVATIONS.get(class_name)
    if maker is None:
        raise NotExact(
            f"hls4ml does not convert the activation '{class_name}'",
            "use quantized_relu, quantized_bits, quantized_tanh, quantized_sigmoid, ternary or binary",
        )
    if config.get("use_stochastic_rounding"):
        raise NotExact("stochastic rounding has no hardware counterpart", "use_stochastic_rounding=False")
    if config.get("qnoise_factor", 1.0) != 1.0:
        raise NotExact("qnoise_factor below 1 mixes in the unquantized value", "qnoise_factor=1.0")
    return maker(config)


def _fixed_scale(config: Mapping[str, Any]) -> None:
    alpha = config.get("alpha")
    if isinstance(alpha, str):
        raise NotExact(f"alpha='{alpha}' scales an activation by its own data, which hls4ml ignores", "alpha=1")
    if alpha is not None and float(alpha) != 1.0:
        raise NotExact(f"alpha={alpha} on an activation is ignored by hls4ml", "alpha=1")


def _bits(config: Mapping[str, Any]) -> ActivationQuantizer:
    _fixed_scale(config)
    keep_negative = bool(config["keep_negative"])
    if config["bits"] - keep_negative < 1:
        raise NotExact(
            "quantized_bits of one bit is a sign function, which hls4ml truncates instead", "binary(alpha=1)"
        )
    return ActivationQuantizer(
        function="linear",
        result=quantizer_type(
            bits=config["bits"],
            integer=config["integer"],
            keep_negative=keep_negative,
            symmetric=bool(config["symmetric"]),
        ),
    )


def _relu(config: Mapping[str, Any]) -> ActivationQuantizer:
    if config.get("negative_slope"):
        raise NotExact(
            "a leaky quantized_relu quantizes its two sides on different grids, which hls4ml does not",
            "negative_slope=0, or quantized_bits after a LeakyReLU",
        )
    if config.get("use_sigmoid"):
        raise NotExact("quantized_relu with use_sigmoid is a hard sigmoid, which hls4ml ignores", "use_sigmoid=0")
    bits, integer = config["bits"], config["integer"]
    upper = config.get("relu_upper_bound")
    # QKeras clips at the upper bound only when is_quantized_clip is off; the quantizer's own range then still rules.
    if upper and not config.get("is_quantized_clip", True) and upper < 2.0**integer - 2.0 ** (integer - bits):
        raise NotExact(
            f"relu_upper_bound={upper} lies inside the range of {bits} bits, and hls4ml ignores it",
            "is_quantized_clip=True, or integer bits that end at the bound",
        )
    return ActivationQuantizer(
        function="relu",
        result=FixedType(width=bits, integer=integer, signed=False, rounding=Rounding.RND_CONV, overflow=Overflow.SAT),
    )


def _tanh(config: Mapping[str, Any]) -> ActivationQuantizer:
    if config.get("use_real_tanh"):
        raise NotExact("the real tanh is a table in hardware, exact only to its resolution", "use_real_tanh=False")
    return ActivationQuantizer(
        function="hard_tanh",
        result=quantizer_type(bits=config["bits"], integer=0, symmetric=bool(config.get("symmetric"))),
    )


def _sigmoid(config: Mapping[str, Any]) -> ActivationQuantizer:
    if config.get("use_real_sigmoid"):
        raise NotExact(
            "the real sigmoid is a table in hardware, exact only to its resolution", "use_real_sigmoid=False"
        )
    if config.get("symmetric"):
        raise NotExact("a symmetric quantized_sigmoid never gives 0; no fixed-point type does that", "symmetric=False")
    return ActivationQuantizer(
        function="hard_sigmoid",
        result=quantizer_type(bits=config["bits"], integer=0, keep_negative=False),
    )


_SIGN = FixedType(width=2, integer=2, signed=True)


def _ternary(config: Mapping[str, Any]) -> ActivationQuantizer:
    _fixed_scale(config)
    return ActivationQuantizer(function="ternary_tanh", result=_SIGN)


def _binary(config: Mapping[str, Any]) -> ActivationQuantizer:
    _fixed_scale(config)
    if config.get("use_01"):
        raise NotExact("binary(use_01=True) gives 0 and 1; hls4ml gives -1 and 1", "use_01=False")
    return ActivationQuantizer(function="binary_tanh", result=_SIGN)


_ACTIVATIONS = {
    "quantized_bits": _bits,
    "quantized_relu": _relu,
    "quantized_tanh": _tanh,
    "quantized_sigmoid": _sigmoid,
    "ternary": _ternary,
    "binary": _binary,
}
