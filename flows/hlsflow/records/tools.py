"""The tools that give figures of a design: their names, and the stages that each of them gives figures of.

A new tool is a line here, a module of `hlsflow.building.tools` that does its work, and a line in the registry there.
"""

from __future__ import annotations

from dataclasses import dataclass

# Stages whose reports state part and clock of the very design that they are of.
VENDOR_STAGES = ("csynth", "cosim", "logic-synthesis", "placed", "post-route")
# Stages of RTL of our own, which is another design than the one that HLS makes of the same network.
OWN_RTL_STAGES = ("rtl-sim", "open-synthesis", "open-route")


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolKind:
    """A tool as `--synth` and the record's `stages` name it, and the stages of its figures, in a record's order.

    `vendor`: AMD's, whose work is kept by design and version, and can be done on another machine.
    """

    name: str
    gives: tuple[str, ...]
    vendor: bool = False


ESTIMATE = "estimate"
TOOL_KINDS = (
    ToolKind(name=ESTIMATE, gives=("analytic",)),
    ToolKind(name="vitis", gives=VENDOR_STAGES, vendor=True),
    ToolKind(name="vivado", gives=VENDOR_STAGES, vendor=True),
    ToolKind(name="open", gives=OWN_RTL_STAGES),
)
# Every build is estimated; the others are asked for.
SYNTHESIZERS = tuple(kind.name for kind in TOOL_KINDS if kind.name != ESTIMATE)
VENDOR_TOOLS = tuple(kind.name for kind in TOOL_KINDS if kind.vendor)
