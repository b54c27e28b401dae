"""How a board is wired where that matters to us: oscillator, button, serial line, LED, and the name of its programmer.

`data/wiring.toml` holds it with the public documents that it was read from. Pins are the part's names of them.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import Literal

from hlsflow.devices.catalogue import DATA

Level = Literal["low", "high"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """A pin, its standard of input and output (`LVCMOS33`), and the level at which a button or an LED is active."""

    site: str
    standard: str = "LVCMOS33"
    active: Level = "high"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wiring:
    """A board's wiring. `receive` and `transmit` are of the FPGA; `loader` is openFPGALoader's name of the board.

    The clock in Hz; the serial line's rate in bits a second, which the board's USB bridge keeps.
    """

    board: str
    clock_hz: int
    baud: int
    clock: Pin
    reset: Pin
    receive: Pin
    transmit: Pin
    led: Pin
    loader: str
    source: str

    @property
    def cycles_per_bit(self) -> int:
        """Cycles of the clock in a bit of the serial line, rounded."""
        return round(self.clock_hz / self.baud)

    @property
    def period_ns(self) -> float:
        """Of the board's clock."""
        return 1e9 / self.clock_hz

    def ports(self) -> dict[str, Pin]:
        """The ports of a board design with their pins."""
        return {
            "clk": self.clock, "reset": self.reset, "rx": self.receive, "tx": self.transmit, "led": self.led,
        }  # fmt: skip


@cache
def wirings() -> dict[str, Wiring]:
    """The wiring of every board that has one, by the board's name."""
    data = tomllib.loads((DATA / "wiring.toml").read_text())
    found = {}
    for entry in data["wiring"]:
        for board in entry["boards"]:
            found[board] = Wiring(
                board=board,
                clock_hz=entry["clock_hz"],
                baud=entry["baud"],
                clock=Pin(**entry["clock"]),
                reset=Pin(**entry["reset"]),
                receive=Pin(**entry["receive"]),
                transmit=Pin(**entry["transmit"]),
                led=Pin(**entry["led"]),
                loader=entry["loader"],
                source=entry["source"],
            )
    return found
