"""The quantizers that a recipe may name, in QKeras notation, as exact fixed-point types."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import log2

from hlsflow.foundation.errors import did_you_mean

NAMES = ("quantized_bits", "quantized_relu", "ternary", "binary")
# What may stand where: a weight needs a sign, an activation of its own type.
WEIGHTS = ("quantized_bits", "ternary", "binary")
# Of one sign, or of three values: their grid is the scale.
SIGNS = ("ternary", "binary")
_CALL = re.compile(r"(?P<name>[A-Za-z_]\w*)\((?P<arguments>[^()]*)\)")
_ARGUMENT = re.compile(r"(?:(?P<key>[a-z_]+)=)?(?P<value>-?\d+(?:\.\d+)?|True|False)")
_NAMED = {
    "quantized_bits": ("symmetric", "alpha"),
    "quantized_relu": (),
    "ternary": ("alpha", "threshold"),
    "binary": ("alpha",),
}
# The range of scales of signs, powers of two, and the thresholds of `ternary`.
_SCALE_EXPONENTS = (-8, 8)
_MOST_THRESHOLD = 256.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantizer:
    """A QKeras quantizer whose values are multiples of `step`, a power of two, in [`minimum`, `maximum`].

    `quantized_bits` and `quantized_relu` round half to even onto the grid and saturate at both ends. `ternary` gives
    -step, 0 or step, nothing within `threshold` of zero (None: QKeras' 0.33); `binary` -step or step, and step at zero.
    `bits` counts the sign; `integer` does not, as in QKeras.
    """

    name: str
    bits: int
    integer: int
    symmetric: bool = False
    threshold: float | None = None

    @property
    def signed(self) -> bool:
        return self.name != "quantized_relu"

    @property
    def step(self) -> float:
        # One bit holds no step besides the sign: the two values of `binary` are a step away from zero.
        return 2.0 ** (self.integer - max(self.bits, 2) + self.signed)

    @property
    def maximum(self) -> float:
        return 2.0**self.integer - self.step

    @property
    def minimum(self) -> float:
        if not self.signed:
            return 0.0
        return -self.maximum if self.symmetric else -(2.0**self.integer)

    def __str__(self) -> str:
        """QKeras notation, complete: `quantized_bits(8,4,alpha=1)`, `ternary(alpha=0.5,threshold=0.25)`."""
        if self.name in SIGNS:
            threshold = "" if self.threshold is None else f",threshold={self.threshold:.12g}"
            return f"{self.name}(alpha={self.step:.12g}{threshold})"
        extra = (",symmetric=True" if self.symmetric else "") + (",alpha=1" if self.signed else "")
        return f"{self.name}({self.bits},{self.integer}{extra})"


def parse_quantizer(text: str) -> Quantizer:
    """The quantizer that a recipe names, such as `quantized_bits(8,4,alpha=1)` or `ternary(alpha=1,threshold=0.5)`.

    The text is matched, never evaluated. Raises ValueError that says what is wrong with it.
    """
    call = _CALL.fullmatch(re.sub(r"\s", "", text))
    if call is None:
        raise ValueError(f"'{text}' is not a quantizer such as 'quantized_bits(8,4,alpha=1)' or 'quantized_relu(8,4)'")
    name = call["name"]
    if name not in NAMES:
        raise ValueError(f"unknown quantizer '{name}'; {did_you_mean(name, NAMES)}")
    positional, named = _arguments(text, call["arguments"])
    allowed = _NAMED[name]
    for key in named:
        if key not in allowed:
            raise ValueError(f"'{text}': unknown argument '{key}'; {did_you_mean(key, allowed)}")
    if name in SIGNS:
        return _sign(text, name, positional, named)
    if len(positional) != 2:
        raise ValueError(f"'{text}': give exactly two numbers, bits and integer bits")
    bits, integer = positional
    signed = name == "quantized_bits"
    if not 2 <= bits <= 32:
        raise ValueError(f"'{text}': bits must be 2 to 32")
    if not -8 <= integer <= bits - signed:
        raise ValueError(f"'{text}': integer bits must be -8 to {bits - signed}")
    if signed and named.get("alpha") not in ("1", "1.0"):
        raise ValueError(
            f"'{text}': write alpha=1; without it QKeras may scale by a factor that the fixed-point type cannot hold"
        )
    if named.get("symmetric", "False") not in ("True", "False", "0", "1"):
        raise ValueError(f"'{text}': symmetric must be True or False")
    return Quantizer(name=name, bits=bits, integer=integer, symmetric=named.get("symmetric") in ("True", "1"))


def parse_for_role(text: str, role: str) -> Quantizer:
    """The quantizer that a recipe names for a `kernel`, a `bias` or an `activation`.

    Raises ValueError also where it can be read but does not belong there.
    """
    quantizer = parse_quantizer(text)
    if role != "activation" and quantizer.name not in WEIGHTS:
        raise ValueError(f"'{text}' has no negative values, a {role} needs some: e.g. quantized_bits(8,0,alpha=1)")
    if role == "activation" and quantizer.name in SIGNS and quantizer.step != 1:
        raise ValueError(f"'{text}': write alpha=1; hls4ml ignores the scale of an activation")
    return quantizer


def _sign(text: str, name: str, positional: list[int], named: dict[str, str]) -> Quantizer:
    if positional:
        raise ValueError(f"'{text}': give every number by its name, e.g. {name}(alpha=1)")
    alpha = 0.0 if named.get("alpha") in (None, "True", "False") else float(named["alpha"])
    least, most = _SCALE_EXPONENTS
    if alpha <= 0 or log2(alpha) % 1 or not least <= log2(alpha) <= most:
        raise ValueError(f"'{text}': write alpha=1 or another power of two, from {2.0**least} to {2.0**most:g}")
    threshold = named.get("threshold")
    if threshold is not None and (threshold in ("True", "False") or not 0 < float(threshold) <= _MOST_THRESHOLD):
        raise ValueError(f"'{text}': threshold must be above 0 and at most {_MOST_THRESHOLD:g}")
    return Quantizer(
        name=name,
        bits=2 if name == "ternary" else 1,
        integer=int(log2(alpha)) + 1,
        symmetric=True,
        threshold=None if threshold is None else float(threshold),
    )


def _arguments(text: str, arguments: str) -> tuple[list[int], dict[str, str]]:
    """The positional numbers and the named values of a call."""
    positional: list[int] = []
    named: dict[str, str] = {}
    for argument in arguments.split(",") if arguments else []:
        match = _ARGUMENT.fullmatch(argument)
        if match is None or (match["key"] is None and "." in match["value"]):
            raise ValueError(f"'{text}': cannot read the argument '{argument}'")
        key, value = match["key"], match["value"]
        if key is None and (named or value in ("True", "False")):
            raise ValueError(f"'{text}': give '{argument}' by its name")
        if key is None:
            positional.append(int(value))
        elif key in named:
            raise ValueError(f"'{text}': '{key}' stands twice")
        else:
            named[key] = value
    return positional, named
