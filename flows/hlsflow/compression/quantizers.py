"""The quantizers that a recipe may name, in QKeras notation, as exact fixed-point types."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hlsflow.errors import did_you_mean

NAMES = ("quantized_bits", "quantized_relu")
_CALL = re.compile(r"(?P<name>[A-Za-z_]\w*)\((?P<arguments>[^()]*)\)")
_ARGUMENT = re.compile(r"(?:(?P<key>[a-z_]+)=)?(?P<value>-?\d+|True|False)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantizer:
    """A QKeras quantizer without a scale: rounds half to even onto a grid of `step` and saturates at both ends.

    `bits` counts the sign; `integer` does not, as in QKeras. Its values are the multiples of `step` in
    [`minimum`, `maximum`].
    """

    name: str
    bits: int
    integer: int
    symmetric: bool = False

    @property
    def signed(self) -> bool:
        return self.name == "quantized_bits"

    @property
    def step(self) -> float:
        return 2.0 ** (self.integer - self.bits + self.signed)

    @property
    def maximum(self) -> float:
        return 2.0**self.integer - self.step

    @property
    def minimum(self) -> float:
        if not self.signed:
            return 0.0
        return -self.maximum if self.symmetric else -(2.0**self.integer)

    def __str__(self) -> str:
        """QKeras notation, complete: `quantized_bits(8,4,alpha=1)`."""
        extra = (",symmetric=True" if self.symmetric else "") + (",alpha=1" if self.signed else "")
        return f"{self.name}({self.bits},{self.integer}{extra})"


def parse_quantizer(text: str) -> Quantizer:
    """The quantizer that a recipe names, such as `quantized_bits(8,4,alpha=1)` or `quantized_relu(8,4)`.

    The text is matched, never evaluated. Raises ValueError that says what is wrong with it.
    """
    call = _CALL.fullmatch(re.sub(r"\s", "", text))
    if call is None:
        raise ValueError(f"'{text}' is not a quantizer such as 'quantized_bits(8,4,alpha=1)' or 'quantized_relu(8,4)'")
    name = call["name"]
    if name not in NAMES:
        raise ValueError(f"unknown quantizer '{name}'; {did_you_mean(name, NAMES)}")
    positional, named = _arguments(text, call["arguments"])
    allowed = ("symmetric", "alpha") if name == "quantized_bits" else ()
    for key in named:
        if key not in allowed:
            raise ValueError(f"'{text}': unknown argument '{key}'; {did_you_mean(key, allowed)}")
    if len(positional) != 2:
        raise ValueError(f"'{text}': give exactly two numbers, bits and integer bits")
    bits, integer = positional
    signed = name == "quantized_bits"
    if not 2 <= bits <= 24:
        raise ValueError(f"'{text}': bits must be 2 to 24")
    if not -8 <= integer <= bits - signed:
        raise ValueError(f"'{text}': integer bits must be -8 to {bits - signed}")
    if signed and named.get("alpha") != "1":
        raise ValueError(
            f"'{text}': write alpha=1; without it QKeras may scale by a factor that the fixed-point type cannot hold"
        )
    if named.get("symmetric", "False") not in ("True", "False", "0", "1"):
        raise ValueError(f"'{text}': symmetric must be True or False")
    return Quantizer(name=name, bits=bits, integer=integer, symmetric=named.get("symmetric") in ("True", "1"))


def _arguments(text: str, arguments: str) -> tuple[list[int], dict[str, str]]:
    """The positional numbers and the named values of a call."""
    positional: list[int] = []
    named: dict[str, str] = {}
    for argument in arguments.split(","):
        match = _ARGUMENT.fullmatch(argument)
        if match is None:
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
