"""The tools by name. Each is imported when it is asked for: a build that estimates alone loads no synthesizer."""

from __future__ import annotations

from hlsflow.building.tools.tool import Tool
from hlsflow.records.tools import BOARD, TOOL_KINDS

# A board is no tool that a build runs: `hlsflow.building.on_board` does, and leaves its figures as a tool would.
NAMES = tuple(kind.name for kind in TOOL_KINDS if kind.name != BOARD)


def tool_of(name: str) -> Tool:
    """The tool of a name in NAMES. Raises KeyError for another one."""
    match name:
        case "estimate":
            from hlsflow.building.tools.estimate import ESTIMATE

            return ESTIMATE
        case "vitis":
            from hlsflow.building.tools.vendor import VITIS

            return VITIS
        case "vivado":
            from hlsflow.building.tools.vendor import VIVADO

            return VIVADO
        case "open":
            from hlsflow.building.tools.open import OPEN

            return OPEN
    raise KeyError(name)
