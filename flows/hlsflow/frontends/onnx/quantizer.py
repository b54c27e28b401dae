"""The settings of QONNX' quantizers, and what they give of constants: by qonnx' own functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import frexp
from typing import TYPE_CHECKING, Any

from hlsflow.frontends.onnx.graph import Step
from hlsflow.network.fixed_point import FixedType, Overflow, Rounding
from hlsflow.network.quantizers import NotExact

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

# float32, in which the framework divides and rounds, tells no more bits apart.
MOST_BITS = 24
ROUNDINGS = {
    "ROUND": Rounding.RND_CONV,
    "HALF_EVEN": Rounding.RND_CONV,
    "FLOOR": Rounding.TRN,
    "DOWN": Rounding.TRN_ZERO,
    "HALF_UP": Rounding.RND_INF,
    "HALF_DOWN": Rounding.RND_ZERO,
}
_ON_CONSTANTS = frozenset((*ROUNDINGS, "CEIL", "UP"))


def exponent_of(scale: Array) -> int | None:
    """The exponent of a single power of two, None for any other scale."""
    if scale.size != 1 or float(scale.ravel()[0]) <= 0:
        return None
    mantissa, exponent = frexp(float(scale.ravel()[0]))
    return exponent - 1 if mantissa == 0.5 else None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Quantizer:
    """round(x / scale + zero) held in [low, high], then minus zero, times the scale. `bits` of 1 with a sign give -1
    and 1. `after` says that the zero point is added to what is rounded, as QuantizeLinear does."""

    scale: Array
    zero: Array
    bits: int
    signed: bool
    narrow: bool
    rounding: str
    after: bool = False

    @property
    def is_sign(self) -> bool:
        return self.bits == 1 and self.signed

    @property
    def low(self) -> int:
        return -(1 << (self.bits - 1)) + self.narrow if self.signed else 0

    @property
    def high(self) -> int:
        return (1 << (self.bits - 1)) - 1 if self.signed else (1 << self.bits) - 1 - self.narrow

    @property
    def exponent(self) -> int | None:
        """That of the scale, where it is one power of two and nothing is added."""
        return None if self.zero.any() else exponent_of(self.scale)

    def type(self, fraction: int) -> FixedType:
        """The type of its values, with the rounding of an activation."""
        return FixedType(
            width=self.bits,
            integer=self.bits - fraction,
            signed=self.signed,
            rounding=ROUNDINGS[self.rounding],
            overflow=Overflow.SAT_SYM if self.narrow and self.signed else Overflow.SAT,
        )

    def type_of_weights(self) -> FixedType | None:
        """The type that holds weights on its grid, None where the scale is no power of two for all of them."""
        if self.exponent is None:
            return None
        if self.is_sign:
            return FixedType(width=2, integer=2 + self.exponent, signed=True)
        return FixedType(width=self.bits, integer=self.bits + self.exponent, signed=self.signed)

    def integers(self, values: Array) -> Array:
        """What it makes of constants, in units of the scale, as qonnx computes it in float32: float64 integers."""
        import numpy as np

        if self.is_sign:
            return np.where(values / self.scale.astype(values.dtype) + self.zero >= 0, 1.0, -1.0)
        from qonnx.custom_op.general.intquant import int_quant

        single = np.float32
        scale, zero = self.scale.astype(single), self.zero.astype(single)
        given = values.astype(single)
        real = int_quant(given, scale, zero, np.float32(self.bits), self.signed, self.narrow, self.rounding)
        return np.rint(real.astype(np.float64) / self.scale)


def bipolar(scale: Array) -> Quantizer:
    """That of a BipolarQuant: the sign, which is 1 at zero, times a scale."""
    import numpy as np

    return Quantizer(scale=scale, zero=np.zeros(()), bits=1, signed=True, narrow=False, rounding="ROUND")


def quantizer_of(step: Step, constants: Mapping[str, Array], *, of_constant: bool = False) -> Quantizer:
    """The settings of a Quant or BipolarQuant. Raises NotExact."""
    import numpy as np

    found = [_constant(step, constants, index) for index in range(1, len(step.inputs))]
    scale = found[0].astype(np.float64) if found else np.ones(())
    if not (scale > 0).all():
        raise NotExact("its scale is not above zero", "a scale above zero")
    if step.op == "BipolarQuant":
        return bipolar(scale)
    if len(found) != 3:
        raise NotExact(f"a Quant of {len(step.inputs)} inputs", "its value, scale, zero point and bit width")
    zero, bits = found[1].astype(np.float64), found[2].astype(np.float64)
    if (zero % 1).any():
        raise NotExact("its zero point is no whole number", "a zero point of 0, 1, …")
    if bits.size != 1 or float(bits.ravel()[0]) % 1 or not 1 <= float(bits.ravel()[0]) <= MOST_BITS:
        raise NotExact(f"a width of {bits.ravel()[:3]} bits", f"one whole number of bits, 1 to {MOST_BITS}")
    rounding = str(step.attributes.get("rounding_mode", "ROUND")).upper()
    if rounding not in (_ON_CONSTANTS if of_constant else ROUNDINGS):
        raise NotExact(f"it rounds by '{rounding}', which ap_fixed does not", "ROUND, FLOOR, DOWN or HALF_UP")
    narrow, signed = bool(step.attributes.get("narrow", 1)), bool(step.attributes.get("signed", 1))
    width = int(bits.ravel()[0])
    if narrow and width == 1 and not signed:
        raise NotExact("one bit without a sign, and narrow, is 0 alone", "narrow=0")
    return Quantizer(scale=scale, zero=zero, bits=width, signed=signed, narrow=narrow, rounding=rounding)


def _constant(step: Step, constants: Mapping[str, Array], index: int) -> Array:
    name = step.inputs[index]
    if name not in constants:
        what = ("value", "scale", "zero point", "bit width", "bit width")[min(index, 4)]
        raise NotExact(f"its {what} is computed from values", "a scale, zero point and bit width that are constants")
    return constants[name]


_INTEGERS = {"int8": (8, True), "uint8": (8, False), "int16": (16, True), "uint16": (16, False)}


def linear_quantizer(step: Step, constants: Mapping[str, Any], rank: int) -> Quantizer:
    """The settings of a QuantizeLinear, over a tensor of so many axes. Raises NotExact."""
    import numpy as np

    scale, zero, kind = _linear(step, constants, rank)
    bits, signed = _INTEGERS.get(kind, (0, False))
    if not bits:
        raise NotExact(f"it rounds to {kind}", "int8, uint8, int16 or uint16")
    return Quantizer(
        scale=scale, zero=zero.astype(np.float64), bits=bits, signed=signed, narrow=False, rounding="ROUND", after=True
    )


def linear_scale(step: Step, constants: Mapping[str, Any], rank: int) -> tuple[Array, Array]:
    """Scale and zero point of a DequantizeLinear. Raises NotExact."""
    return _linear(step, constants, rank)[:2]


def _linear(step: Step, constants: Mapping[str, Any], rank: int) -> tuple[Array, Array, str]:
    import numpy as np

    scale = _constant(step, constants, 1).astype(np.float64)
    zero = _constant(step, constants, 2) if len(step.inputs) > 2 and step.inputs[2] else np.zeros((), np.uint8)
    kind = str(zero.dtype)
    if step.attributes.get("block_size"):
        raise NotExact("it has a scale for each block of values", "one scale, or one for each channel")
    if not (scale > 0).all():
        raise NotExact("its scale is not above zero", "a scale above zero")
    if scale.ndim == 1 and scale.size > 1:
        axis = int(step.attributes.get("axis", 1)) % rank
        shape = tuple(-1 if place == axis else 1 for place in range(rank))
        scale, zero = scale.reshape(shape), (zero.reshape(shape) if zero.size > 1 else zero)
    return scale, zero.astype(np.float64), kind
