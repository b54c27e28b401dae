"""What the QKeras quantizers compute, as fixed-point types; and which of them no hardware type equals.

Read off QKeras 0.9.0, `qkeras/quantizers.py` (`__call__` of each class): all round half to even and saturate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import log2
from typing import Any

from hlsflow.network.fixed_point import FixedType, Overflow, Rounding

# Float32 holds every number of so many bits: a wider quantizer has more values than Keras can tell apart.
WIDEST_BITS = 24
# QKeras computes the greatest power of two of so many bits of exponent as a float of Python, 2**1023: there is none.
MOST_EXPONENT_BITS = 11


# A constant is exact in hardware and in float32 while it has few bits.
_SHORT_BITS = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class ActivationQuantizer:
    """An activation that the hardware computes exactly: hls4ml's `function`, the type of its result, and what becomes
    of that: it is held between `least` and `most`, then times `factor`, plus `offset`.

    `slope` is that of a leaky ReLU. The function reads a `table` where one is named: then it is only close. With a
    `gate` of a shift and a bound it reads x * min(max(x + shift, 0), bound) / bound. `soft`: float32 rounds on the way,
    whatever is read. `rounded` says why nothing equals it.
    """

    function: str
    result: FixedType
    table: str = ""
    gate: tuple[float, float] | None = None
    slope: float = 0.0
    least: float | None = None
    most: float | None = None
    factor: float = 1.0
    offset: float = 0.0
    soft: bool = False
    rounded: str = ""

    @property
    def is_plain_relu(self) -> bool:
        return self.function == "relu" and self.most is None


def is_short(value: float) -> bool:
    """Whether a constant is a short binary fraction: what Keras multiplies by it, it does not round."""
    return value * 2**_SHORT_BITS % 1 == 0


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


def exponents_beyond(class_name: str, bits: Any) -> str | None:
    """Why QKeras cannot compute a quantizer to powers of two, None where it can."""
    if class_name not in ("quantized_po2", "quantized_relu_po2") or not isinstance(bits, int | float):
        return None
    if bits <= MOST_EXPONENT_BITS:
        return None
    return f"has exponents of {bits:g} bits, and QKeras computes those of up to {MOST_EXPONENT_BITS}"


def configuration_of(quantizer: Any) -> dict[str, Any]:
    """The configuration of a QKeras quantizer, with what the `get_config` of `quantized_relu` leaves out of it."""
    clips = getattr(quantizer, "is_quantized_clip", None)
    return {**quantizer.get_config(), **({} if clips is None else {"is_quantized_clip": clips})}


def activation_quantizer(class_name: str, config: Mapping[str, Any]) -> ActivationQuantizer:
    """The exact hardware activation of a QKeras activation quantizer. Raises NotExact."""
    maker = _ACTIVATIONS.get(class_name)
    if class_name in ("quantized_po2", "quantized_relu_po2"):
        raise NotExact(
            f"'{class_name}' as an activation is a staircase to powers of two, which hls4ml has no function for",
            "quantized_relu or quantized_bits",
        )
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


def _scale(config: Mapping[str, Any]) -> float:
    alpha = config.get("alpha")
    if isinstance(alpha, str):
        raise NotExact(f"alpha='{alpha}' scales an activation by its own data", "alpha=1")
    if alpha is None:
        return 1.0
    if isinstance(alpha, (int, float)) and not alpha:
        raise NotExact("alpha=0 makes every value of an activation zero", "alpha=1")
    if not isinstance(alpha, (int, float)) or not is_short(alpha):
        raise NotExact(f"alpha={alpha} of an activation is no short binary fraction, so Keras itself rounds", "alpha=1")
    return float(alpha)


def _bits(config: Mapping[str, Any]) -> ActivationQuantizer:
    alpha = _scale(config)
    # QKeras gives x + (alpha * q - x): with alpha=1 the two are close.
    soft = alpha != 1
    keep_negative = bool(config["keep_negative"])
    if config["bits"] == keep_negative == 1:
        return ActivationQuantizer(function="binary_tanh", result=SIGN, factor=alpha, soft=soft)
    if config["bits"] - keep_negative < 1:
        raise NotExact(f"quantized_bits of {config['bits']} bits", "at least one bit")
    return ActivationQuantizer(
        function="linear",
        result=quantizer_type(
            bits=config["bits"],
            integer=config["integer"],
            keep_negative=keep_negative,
            symmetric=bool(config["symmetric"]),
        ),
        factor=alpha,
        soft=soft,
    )


def _relu(config: Mapping[str, Any]) -> ActivationQuantizer:
    bits, integer, slope = config["bits"], config["integer"], float(config.get("negative_slope") or 0)
    clips = config.get("is_quantized_clip", True)
    whole = 2.0**integer
    # QKeras clips at the upper bound only when is_quantized_clip is off; the quantizer's own range then still rules.
    bound = None if clips else config.get("relu_upper_bound")
    # Without either it gives x + (q - x) for an x however large.
    soft = not clips
    if config.get("use_sigmoid"):
        if slope or bits < 2:
            raise NotExact("use_sigmoid of one bit, or with a slope, rounds to steps of its own", "use_sigmoid=0")
        # Steps of two LSBs, the last one cut off: 2 * round(m * (x / 2**integer + 1) / 2) / m - 1.
        last = whole - whole * 2.0**-bits
        most = last if not bound else min(last, _short_bound(bound))
        return ActivationQuantizer(
            function="relu", result=_unsigned(bits=bits, integer=integer + 1), most=most, soft=True
        )
    unsigned = bits - (slope != 0)
    if unsigned < 1:
        raise NotExact(f"a leaky quantized_relu of {bits} bit", "at least two bits")
    last = whole - whole * 2.0**-unsigned
    most = _short_bound(bound) if bound and bound < last else None
    if not slope:
        return ActivationQuantizer(function="relu", result=_unsigned(bits=bits, integer=integer), most=most, soft=soft)
    if slope > 1 or not is_short(slope):
        raise NotExact(f"a leaky quantized_relu of slope {slope:g}: no test proves it", "a slope of 1, 0.5, 0.25, …")
    # Both sides are on one grid, and the negative one ends at -slope * 2**integer.
    return ActivationQuantizer(
        function="leaky_relu",
        result=quantizer_type(bits=bits, integer=integer),
        slope=slope,
        least=None if slope == 1 else -slope * whole,
        most=most,
        soft=soft,
    )


def _unsigned(*, bits: int, integer: int) -> FixedType:
    return quantizer_type(bits=bits, integer=integer, keep_negative=False)


def _short_bound(bound: float) -> float:
    if not is_short(bound):
        raise NotExact(f"relu_upper_bound={bound:g} is no short binary fraction, so Keras itself rounds", "e.g. 1.5")
    return float(bound)


def _tanh(config: Mapping[str, Any]) -> ActivationQuantizer:
    result = quantizer_type(bits=config["bits"], integer=0, symmetric=bool(config.get("symmetric")))
    if config.get("use_real_tanh"):
        return ActivationQuantizer(function="linear", table="tanh", result=result)
    return ActivationQuantizer(function="hard_tanh", result=result)


def _sigmoid(config: Mapping[str, Any]) -> ActivationQuantizer:
    real, result = config.get("use_real_sigmoid"), _unsigned(bits=config["bits"], integer=0)
    return ActivationQuantizer(
        function="linear" if real else "hard_sigmoid",
        table="sigmoid" if real else "",
        result=result,
        least=result.lsb if config.get("symmetric") else None,
    )


SIGN = FixedType(width=2, integer=2, signed=True)


def _ternary(config: Mapping[str, Any]) -> ActivationQuantizer:
    alpha = _scale(config)
    return ActivationQuantizer(function="ternary_tanh", result=SIGN, factor=alpha, soft=_is_soft(config))


def _binary(config: Mapping[str, Any]) -> ActivationQuantizer:
    alpha = _scale(config)
    factor, offset = (alpha / 2, alpha / 2) if config.get("use_01") else (alpha, 0.0)
    return ActivationQuantizer(function="binary_tanh", result=SIGN, factor=factor, offset=offset, soft=_is_soft(config))


def _is_soft(config: Mapping[str, Any]) -> bool:
    """With alpha=None QKeras adds the sign to a tanh and takes it off again, in float32; with another one than 1 to x,
    which may be far from it."""
    return config.get("alpha") != 1


def _hswish(config: Mapping[str, Any]) -> ActivationQuantizer:
    shift, bound = float(config["relu_shift"]), float(config["relu_upper_bound"])
    if not (is_short(shift) and is_short(bound)):
        raise NotExact("a shift and a bound of no short binary fraction: no test proves it", "whole numbers")
    divides = bound > 0 and not log2(bound) % 1
    why = f"1/{bound:g}, the factor of quantized_hswish, is no short binary fraction, so Keras itself rounds"
    return replace(
        _bits({**config, "keep_negative": True}), gate=(shift, bound), soft=True, rounded="" if divides else why
    )


_ACTIVATIONS = {
    "quantized_bits": _bits,
    "quantized_hswish": _hswish,
    "quantized_relu": _relu,
    "quantized_tanh": _tanh,
    "quantized_sigmoid": _sigmoid,
    "ternary": _ternary,
    "binary": _binary,
    # Of chance in training alone.
    "stochastic_ternary": _ternary,
    "stochastic_binary": _binary,
}
