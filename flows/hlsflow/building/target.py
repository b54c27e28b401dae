"""What a configuration is derived for. Light, since the command line shows its values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What the hardware is to be, a PYNQ-Z2 by default.

    `io_type` None lets the size of the network decide. Where a network has no quantizers, `bits` is the width of its
    types, None as few as `bound` allows: the largest error of an output, in its own unit, None for a usual one.
    """

    backend: str = "Vitis"
    io_type: str | None = None
    part: str = "xc7z020clg400-1"
    clock_period_ns: float = 10.0
    bits: int | None = None
    bound: float | None = None
