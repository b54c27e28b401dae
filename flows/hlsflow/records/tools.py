"""The tools that give figures of a design: their names, and the stages that each of them gives figures of.

A new tool is a line here, a module of `hlsflow.building.tools` that does its work, and a line in the registry there.
"""

from __future__ import annotations

from dataclasses import dataclass

# Stages whose reports state part and clock of the very design that they are of.
VENDOR_STAGES = ("csynth", "cosim", "logic-synthesis", "placed", "post-route")
# Stages of RTL of our own, which is another design than the one that HLS makes of the same network.
# `board-route` is a board's whole design placed and routed, `board-sim` such a design simulated, serial line and all,
# and `board` nothing but hardware.
BOARD_ROUTE = "board-route"
OPEN_STAGES = ("rtl-sim", "open-synthesis", "open-route", BOARD_ROUTE)
BOARD_STAGES = ("board-sim", "board")
OWN_RTL_STAGES = (*OPEN_STAGES, *BOARD_STAGES)


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolKind:
    """A tool as `--synth` and the record's `stages` name it, and the stages of its figures, in a record's order.

    `vendor`: AMD's, whose work is kept by design and version, and can be done on another machine. `synthesizes`: it can
    be asked for by `--synth`.
    """

    name: str
    gives: tuple[str, ...]
    vendor: bool = False
    synthesizes: bool = True


ESTIMATE, BOARD = "estimate", "board"
TOOL_KINDS = (
    ToolKind(name=ESTIMATE, gives=("analytic",), synthesizes=False),
    ToolKind(name="vitis", gives=VENDOR_STAGES, vendor=True),
    ToolKind(name="vivado", gives=VENDOR_STAGES, vendor=True),
    ToolKind(name="open", gives=OPEN_STAGES),
    ToolKind(name=BOARD, gives=BOARD_STAGES, synthesizes=False),
)
# Every build is estimated; a board is run by `hlsflow board`; the others are asked for.
SYNTHESIZERS = tuple(kind.name for kind in TOOL_KINDS if kind.synthesizes)
VENDOR_TOOLS = tuple(kind.name for kind in TOOL_KINDS if kind.vendor)
