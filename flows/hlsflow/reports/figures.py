"""What a hardware figure is: a count or a time with its stage, tool, part and file. `None` is never zero."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum


class Stage(StrEnum):
    """How far the design had come when a figure was taken. Figures of two stages are never compared."""

    ANALYTIC = "analytic"
    CSIM = "csim"
    CSYNTH = "csynth"
    LOGIC_SYNTHESIS = "logic-synthesis"
    OPEN_SYNTHESIS = "open-synthesis"
    OPEN_ROUTE = "open-route"
    BOARD_ROUTE = "board-route"
    PLACED = "placed"
    POST_ROUTE = "post-route"
    COSIM = "cosim"
    RTL_SIM = "rtl-sim"
    BOARD_SIM = "board-sim"
    BOARD = "board"


STAGE_ORDER = {stage: position for position, stage in enumerate(Stage)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Provenance:
    """Where a figure comes from. `part` is spelled as the file spells it; `stage` is None where no file states it."""

    stage: Stage | None
    tool: str | None = None
    tool_version: str | None = None
    part: str | None = None
    source_file: str | None = None


def compiler_of(tool: str) -> str:
    """What works when a program is run: `vitis-run` and `v++` start Vitis HLS, the name that its reports state.

    A record names the program that was run; figures of one compiler are compared, whatever started it.
    """
    return "vitis_hls" if tool in ("vitis-run", "v++") else tool


RESOURCE_NAMES = ("lut", "ff", "dsp", "bram_18k", "uram")


@dataclass(frozen=True, kw_only=True, slots=True)
class Resources:
    """Counts of LUT, FF, DSP, 18 Kb BRAM and URAM, and what the part has of each. None: the file does not state it.

    `bram_36k_tiles` keeps what Vivado printed where it counts 36 Kb tiles (`16.5`); `bram_18k` is twice that.
    """

    lut: int | None = None
    ff: int | None = None
    dsp: int | None = None
    bram_18k: int | None = None
    uram: int | None = None
    lut_available: int | None = None
    ff_available: int | None = None
    dsp_available: int | None = None
    bram_18k_available: int | None = None
    uram_available: int | None = None
    bram_36k_tiles: float | None = None

    @property
    def bram_conversion(self) -> str | None:
        """How `bram_18k` was derived, None where the tool itself counts 18 Kb blocks."""
        return None if self.bram_36k_tiles is None else f"{self.bram_36k_tiles:g} tiles of 36 Kb x 2"

    def utilisation_percent(self, resource: str) -> float | None:
        """The share of the part's `resource` (a name of RESOURCE_NAMES) in per cent, None where it is not known."""
        used, available = getattr(self, resource), getattr(self, f"{resource}_available")
        return None if used is None or not available else 100.0 * used / available

    @property
    def states_anything(self) -> bool:
        """Whether any count is known."""
        return any(getattr(self, field.name) is not None for field in fields(self))


@dataclass(frozen=True, kw_only=True, slots=True)
class Latency:
    """Latency and initiation interval in clock cycles. None: unknown to the tool, or not stated."""

    latency_min_cycles: int | None = None
    latency_max_cycles: int | None = None
    interval_min_cycles: int | None = None
    interval_max_cycles: int | None = None

    def at(self, clock_period_ns: float | None) -> tuple[float | None, float | None]:
        """(least, greatest) latency in ns with a clock of that period, None where either is unknown."""
        if clock_period_ns is None:
            return None, None
        least, greatest = self.latency_min_cycles, self.latency_max_cycles
        return (
            None if least is None else least * clock_period_ns,
            None if greatest is None else greatest * clock_period_ns,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """A clock's periods in ns. `achieved_ns` is the tool's estimate after csynth and the measured one afterwards.

    `slack_ns` is what the tool printed (WNS, or the slack of the synthesis summary), never a difference of ours.
    """

    name: str | None = None
    target_ns: float | None = None
    achieved_ns: float | None = None
    uncertainty_ns: float | None = None
    slack_ns: float | None = None
    total_negative_slack_ns: float | None = None

    @property
    def meets_target(self) -> bool | None:
        """Whether the achieved period is within the target, None where either is unknown."""
        if self.target_ns is None or self.achieved_ns is None:
            return None
        return self.achieved_ns <= self.target_ns
