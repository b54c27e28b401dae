"""The types of an added model's inputs: as asked for, as its own quantizer says, or as the data needs them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil, log2
from typing import TYPE_CHECKING

from hlsflow.foundation.errors import UsageError, did_you_mean
from hlsflow.models.card import InputCard, input_type
from hlsflow.network.fixed_point import FixedType, parse_type

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

# Data that needs no more bits than these is held exactly; other data is rounded to so many.
MOST_BITS = 16
# hls4ml's own default.
DEFAULT = "fixed<16,6>"
_MOST_FRACTION = 24


def asked_types(said: str | None, names: tuple[str, ...]) -> dict[str, FixedType]:
    """`--input-type TYPE` for all inputs, or `NAME=TYPE` for some. Raises UsageError."""
    found: dict[str, FixedType] = {}
    for part in _split(said or ""):
        name, equals, text = part.rpartition("=")
        name = name.strip()
        if equals and name not in names:
            raise UsageError(f"--input-type: no input '{name}'", hint=did_you_mean(name, names))
        try:
            type_ = input_type(text.strip())
        except ValueError as error:
            hint = "such as ufixed<8,0> or fixed<16,6>"
            raise UsageError(f"--input-type {text.strip()}: {error}", hint=hint) from error
        found.update({name: type_} if equals else dict.fromkeys(names, type_))
    return found


def _split(text: str) -> list[str]:
    """The parts between commas that stand outside of angle brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "<") - (letter == ">")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part for part in parts if part.strip()]


def input_cards(
    names: Iterable[str], own_types: Mapping[str, FixedType], asked: Mapping[str, FixedType], data: Mapping[str, Array]
) -> tuple[InputCard, ...]:
    """The type of each input, and why it is that one. `own_types` are those that the model quantizes them to itself,
    `data` arrays by input; each has those that there are."""
    found = []
    for name in names:
        own = own_types.get(name)
        if name in asked:
            type_, because = asked[name], "asked for"
        elif own is not None:
            type_, because = own, "the model quantizes its input so itself"
        elif name in data:
            type_, because = type_of_data(data[name])
        else:
            type_, because = (
                parse_type(DEFAULT),
                "hls4ml's default: no quantizer, no data and no --input-type says more",
            )
        found.append(InputCard(name=name, type=str(type_.grid), because=because))
    return tuple(found)


def type_of_data(values: Array) -> tuple[FixedType, str]:
    """The narrowest type that holds all values where it has at most 16 bits, else 16 bits that hold their range.

    Values are between -2**47 and 2**47: `given_data` refuses others.
    """
    import numpy as np

    signed = bool((values < 0).any())
    largest = float(np.abs(values).max(initial=0.0))
    for fraction in range(_MOST_FRACTION):
        scaled = np.ldexp(values.astype(np.float64), fraction)
        if (scaled == np.rint(scaled)).all():
            low, high = int(scaled.min(initial=0)), int(scaled.max(initial=0))
            width = max(1, max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0) + signed)
            if width <= MOST_BITS:
                type_ = FixedType(width=width, integer=width - fraction, signed=signed)
                return type_, f"it holds every value of the data, which are multiples of {2.0**-fraction:g}"
            break
    integer = (ceil(log2(largest)) if largest > 0 else 0) + signed
    if largest > 0 and log2(largest) == integer - signed:
        integer += 1
    type_ = FixedType(width=MOST_BITS, integer=integer, signed=signed)
    return type_, f"{MOST_BITS} bits over the range of the data, up to {largest:.4g}"
