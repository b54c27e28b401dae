"""Rows of memories: integers side by side, as the hexadecimal digits that `$readmemh` reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def index_bits(size: int) -> int:
    """Bits of a counter of `size` states, at least one."""
    return max(1, (size - 1).bit_length())


def packed(values: np.ndarray, width: int) -> str:
    """Integers side by side, the first in the lowest bits, in two's complement; hexadecimal digits."""
    return packed_word(values.tolist(), width)


def packed_word(values: Sequence[int], width: int) -> str:
    """As `packed`, of whole numbers of Python."""
    return hexadecimal(pack(values, width), width * len(values))


def pack(values: Sequence[int], width: int) -> int:
    """Integers side by side as one number, the first in the lowest bits."""
    mask = (1 << width) - 1
    row = 0
    for value in reversed(values):
        row = row << width | value & mask
    return row


def hexadecimal(row: int, width: int) -> str:
    """The digits of a row of so many bits."""
    return f"{row:0{-(-width // 4)}x}"
