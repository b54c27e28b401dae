"""Yosys' `stat -json` and `sta` as figures.

    {"modules": {"\\\\layer_fc1": {"num_cells_by_type": {"LUT5": 2086, "FDRE": 2131, …}}}, "design": {…}}

Counts are of the mapped netlist before any packing: a vendor's packer puts two small LUTs into one, so gives fewer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from hlsflow.foundation.errors import ReportError

# LUTs that a cell takes besides LUT1 … LUT6: memories and shift registers (UG474 table 2-3, UG574), ECP5's carry
# slices and memories of two LUTs each, Gowin's ALUs and its memories (UG288: RAM16SDP4 takes six, ROM16 one).
_LUTS = {
    "SRL16E": 1, "SRLC16E": 1, "SRLC32E": 1, "RAM16X1D": 2, "RAM32X1D": 2, "RAM64X1D": 2, "RAM128X1D": 4, "RAM32M": 4,
    "RAM64M": 4, "RAM32M16": 8, "RAM64M8": 8, "RAM128X1S": 2, "RAM256X1S": 4, "RAM256X1D": 8, "RAM32X1S": 1,
    "RAM64X1S": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 4, "SB_LUT4": 1,
    "ALU": 1, "RAM16S1": 4, "RAM16S2": 4, "RAM16S4": 4, "RAM16SDP1": 6, "RAM16SDP2": 6, "RAM16SDP4": 6, "ROM16": 1,
}  # fmt: skip
_FLIP_FLOP = re.compile(r"(FD[RSCP]E(_1)?|LDCE|TRELLIS_FF|SB_DFF\w*|DFFN?[SRPC]?E?)")
# In halves of Gowin's multipliers, which take two products of nine bits or one of eighteen.
_DSP_HALVES = {
    "DSP48E1": 2, "DSP48E2": 2, "MULT18X18D": 2, "ALU54B": 2, "SB_MAC16": 2, "MULT9X9": 1, "MULT18X18": 2,
    "MULT36X36": 8, "MULTADDALU18X18": 4,
}  # fmt: skip
_BRAMS = {
    "RAMB18E1": 1, "RAMB18E2": 1, "RAMB36E1": 2, "RAMB36E2": 2, "DP16KD": 1, "PDPW16KD": 1, "SB_RAM40_4K": 1,
    "SP": 1, "SPX9": 1, "SDPB": 1, "SDPX9B": 1, "DPB": 1, "DPX9B": 1, "pROM": 1, "pROMX9": 1,
}  # fmt: skip
_LUT = re.compile(r"^LUT\d$")
_KINDS = re.compile(
    r"^(LUT\d|SRL.*|RAM.*|CARRY\d|MUXF\d|INV|CCU2C|PFUMX|L6MUX21|TRELLIS_DPR16X4|DP16KD|SB_(LUT4|CARRY|MAC16|RAM40_4K)"
    r"|ALU|MUX2_LUT\d|MULT\w+|SPX?9?|SDP\w+|DPX?9?B|pROM\w*)$"
)
_PATH = re.compile(r"Latest arrival time in '([^']+)' is (\d+):")
_POINT = re.compile(r"^\s+(\d+) (\S+) \((.*)\)$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Cells:
    """The cells of a module or of the whole design, by kind, with the figures that they make up."""

    kinds: Mapping[str, int]

    @property
    def lut(self) -> int:
        """LUT cells of any size, LUTs used as memory or shift register, and those of ECP5's carry; no inverters."""
        return sum(count * (1 if _LUT.match(kind) else _LUTS.get(kind, 0)) for kind, count in self.kinds.items())

    @property
    def ff(self) -> int:
        return sum(count for kind, count in self.kinds.items() if _FLIP_FLOP.fullmatch(kind))

    @property
    def dsp(self) -> int:
        """DSP blocks, or multipliers of 18 bits where a block holds several."""
        return -(-sum(count * _DSP_HALVES.get(kind, 0) for kind, count in self.kinds.items()) // 2)

    @property
    def bram_18k(self) -> int:
        """Halves of 18 Kb; for ECP5 blocks of 16 Kb, for iCE40 of 4 Kb."""
        return sum(count * _BRAMS.get(kind, 0) for kind, count in self.kinds.items())

    @property
    def uram(self) -> int:
        return self.kinds.get("URAM288", 0)

    def __str__(self) -> str:
        """LUTs, carries, multiplexers, memories by kind: `LUT2 133, LUT5 3427, CARRY4 30`."""
        return ", ".join(f"{kind} {count:,}" for kind, count in sorted(self.kinds.items()) if _KINDS.match(kind))


@dataclass(frozen=True, kw_only=True, slots=True)
class Stat:
    """What `stat` counted: the whole design, and every module that kept its boundary, by name."""

    whole: Cells
    modules: Mapping[str, Cells]


@dataclass(frozen=True, kw_only=True, slots=True)
class LongestPath:
    """`sta`: the longest path by the delays of cells alone, in ns, and the cells on it, last first."""

    delay_ns: float
    points: tuple[str, ...]


def parse_stat(text: str, source: str) -> Stat:
    """The counts in the output of `stat -json`. Raises ReportError where it is no such output."""
    try:
        data = json.loads(text)
        modules = {
            name.lstrip("\\"): Cells(kinds=dict(module["num_cells_by_type"]))
            for name, module in data["modules"].items()
        }
        whole = Cells(kinds=dict(data["design"]["num_cells_by_type"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReportError(f"{source}: no output of Yosys' stat -json: {error!r}") from error
    return Stat(whole=whole, modules=modules)


def parse_sta(text: str, source: str) -> LongestPath:
    """The longest path in the output of `sta`. Raises ReportError where it states none."""
    match = _PATH.search(text)
    if match is None:
        raise ReportError(f"{source}: no line 'Latest arrival time in …' of Yosys' sta")
    points = []
    for line in text[match.end() :].splitlines():
        point = _POINT.match(line)
        if point is not None:
            points.append(f"{int(point[1]) / 1000:.3f} ns {point[3]}")
        elif line.startswith("Arrival histogram"):
            break
    return LongestPath(delay_ns=int(match[2]) / 1000, points=tuple(points))
