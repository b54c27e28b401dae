"""The tables of hls4ml's softmax: exponentials of distances to the maximum, and inverses of their sum."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hlsflow.network.fixed_point import FixedType, cast

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

# Every float32 is a whole number of so many fractional bits and more, or below any last bit.
_FINER = 64


def address_bits(table_size: int) -> int:
    """Address bits of a table as `nnet::ceillog2` counts them."""
    return 1 if table_size <= 2 else 1 + address_bits((table_size + 1) // 2)


def rounded_to(values: Array, type_: FixedType) -> Array:
    """Real values assigned to a type: integers of it, rounded where the values lie and not on some grid first."""
    # A shift of floats only scales them, so that a value between the integers of a grid is rounded as it is.
    return cast(values * 2.0 ** (type_.fraction + _FINER), type_.fraction + _FINER, type_)


def exp_table(index: FixedType, size: int, table: FixedType, scale: float) -> Array:
    """exp(-x) over the top bits of an unsigned index type, as integers of the table's type."""
    import numpy as np

    positions = np.arange(size) * 2.0 ** (index.width - address_bits(size)) * index.lsb
    return rounded_to(np.exp(-(positions * scale)).astype(np.float32).astype(np.float64), table)


def invert_table(index: FixedType, size: int, table: FixedType) -> Array:
    """1/x over the top bits of an index type, as integers of the table's type; the entry of x = 0 is never read."""
    import numpy as np

    positions = np.arange(size) * 2.0 ** (index.width - address_bits(size)) * index.lsb
    inverse = (1.0 / np.maximum(positions, index.lsb)).astype(np.float32).astype(np.float64)
    return rounded_to(inverse, table)
