"""Whether a design fits a device: said before the work that would show it, with the boards that would hold it."""

from __future__ import annotations

from collections.abc import Mapping

from hlsflow.devices.targets import RAM_BLOCK_BITS, RESOURCE_WORDS, Target, boards_that_hold, lacking
from hlsflow.foundation.errors import UnsupportedError
from hlsflow.opentools.yosys_stat import Cells
from hlsflow.rtl.design import RtlDesign

# `row_rom.v` has memories of more rows in block RAM.
SHALLOW_ROWS = 64


def memory_bits(design: RtlDesign) -> int:
    """Bits of the memories that must be in block RAM, at least: rows times the widest row's bits."""
    deep = [rows for rows in (text.split() for text in design.memories.values()) if len(rows) > SHALLOW_ROWS]
    return sum(len(rows) * max(int(row, 16).bit_length() for row in rows) for rows in deep)


def check_memories(design: RtlDesign, target: Target) -> None:
    """Raises UnsupportedError where the weights alone are more than the block RAM of a target."""
    _check(design.top, {"ram_bits": memory_bits(design)}, target, "its weights")


def check_cells(name: str, cells: Cells, target: Target) -> None:
    """Raises UnsupportedError where Yosys counts more than a target has. A packer saves little on such devices."""
    needs = {
        "lut": cells.lut,
        "ff": cells.ff,
        "dsp": cells.dsp,
        "ram_bits": cells.bram_18k * RAM_BLOCK_BITS[target.family],
    }
    _check(name, needs, target, "Yosys counts")


def _check(name: str, needs: Mapping[str, int], target: Target, what: str) -> None:
    missing = lacking(target, needs)
    if not missing:
        return
    words = [f"{need:,} {RESOURCE_WORDS[key]} of {there:,}" for key, (need, there) in missing.items()]
    others = boards_that_hold(needs)
    hint = f"boards that hold it: {', '.join(others)}" if others else "no board of the open path holds it"
    raise UnsupportedError(
        f"{name} does not fit {target.name}: {what} {', '.join(words)}",
        hint=f"{hint}; or give layers higher reuse factors (--architecture folded)",
    )
