"""Constraints for nextpnr: pins, their standards and the clock, in the file format of each family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hlsflow.devices.wiring import Pin


@dataclass(frozen=True, kw_only=True, slots=True)
class Chip:
    """The ports of a design on the pins of a part, and its clock: `clock` is the port's name, `period_ns` its period.

    Without `pins` every port gets any pin: then the design is a core, and what is measured is the core.
    """

    clock: str
    period_ns: float
    pins: Mapping[str, Pin] | None = None


def lpf(chip: Chip) -> str:
    """Lattice's preferences, for ECP5."""
    lines = [f'FREQUENCY PORT "{chip.clock}" {1000 / chip.period_ns:.3f} MHZ;']
    for port, pin in (chip.pins or {}).items():
        lines.append(f'LOCATE COMP "{port}" SITE "{pin.site}";')
        pull = f" PULLMODE={_pull(pin)}" if port == "reset" else ""
        lines.append(f'IOBUF PORT "{port}" IO_TYPE={pin.standard}{pull};')
    return "\n".join(lines) + "\n"


def pcf(chip: Chip) -> str:
    """IceStorm's constraints; its pins have one standard."""
    lines = [f"set_frequency {chip.clock} {1000 / chip.period_ns:.3f}"]
    for port, pin in (chip.pins or {}).items():
        pull = "-pullup yes " if port == "reset" and pin.active == "low" else ""
        lines.append(f"set_io {pull}{port} {pin.site}")
    return "\n".join(lines) + "\n"


def cst(chip: Chip) -> str:
    """Gowin's physical constraints. The clock is an option of nextpnr's there."""
    lines = []
    for port, pin in (chip.pins or {}).items():
        lines.append(f'IO_LOC "{port}" {pin.site};')
        pull = f" PULL_MODE={_pull(pin)}" if port == "reset" else ""
        lines.append(f'IO_PORT "{port}" IO_TYPE={pin.standard}{pull};')
    return "\n".join(lines) + "\n"


def _pull(pin: Pin) -> str:
    """What holds a button's line while nobody presses it."""
    return "UP" if pin.active == "low" else "DOWN"
