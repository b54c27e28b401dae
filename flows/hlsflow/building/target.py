"""What a configuration is derived for. Light, since the command line shows its values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What the hardware is to be, a PYNQ-Z2 by default. `bits` is the width of types where there are no quantizers."""

    backend: str = "Vitis"
    io_type: str = "io_parallel"
    part: str = "xc7z020clg400-1"
    clock_period_ns: float = 10.0
    bits: int = 16
