"""A step of the emulator: one `nnet::` call made ready to run on arrays of integers, and what all makers share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hlsflow.hls.integer_layers import constants_of
from hlsflow.hls.project import HlsProject
from hlsflow.hls.source import Call, Config
from hlsflow.network.fixed_point import FixedType

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

Arrays = Sequence["Array"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One call made ready: `function` maps input arrays (samples, values) to output arrays of integers.

    `bits` is the magnitude of the largest integer that arises on the way, sign included.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    function: Callable[[Arrays], Arrays]
    bits: int


StepMaker = Callable[[HlsProject, Call], Step]


def magnitude_bits(low: float, high: float) -> int:
    """Bits of a signed integer that holds every value of [low, high]."""
    return 1 + max(int(abs(low)), int(abs(high)), 1).bit_length()


def type_bits(type_: FixedType, fraction: int | None = None) -> int:
    """Bits that the values of a type take on a grid of `fraction` fractional bits, if that is finer."""
    extra = 0 if fraction is None else max(0, fraction - type_.fraction)
    return type_.width + int(not type_.signed) + extra


def unary(call: Call, function: Callable[[Array], Array], bits: int) -> Step:
    return Step(
        inputs=(call.arguments[0],), outputs=(call.arguments[1],), function=lambda xs: (function(xs[0]),), bits=bits
    )


def types_of(project: HlsProject, call: Call, *indices: int) -> list[FixedType]:
    return [project.type_of(call.template[index]) for index in indices]


def config_of(project: HlsProject, call: Call) -> Config:
    return project.configs[call.template[-1]]


def weights_of(project: HlsProject, name: str, type_: FixedType, size: int) -> Array:
    import numpy as np

    return constants_of(project, name, type_, size).astype(np.float64)
