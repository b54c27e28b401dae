"""hls4ml's tables of functions of single values: their entries, what they give, and how far off that can be.

A table of n entries that spans [-reach, reach) has the function of (i - n/2) * 2*reach/n as its entry i. A value reads
the entry of its multiple of that step, cut off towards zero, and beyond the ends the first or the last one. One of
negative values alone has the function of -i * reach/n, and values that are not negative pass, times a factor
(nnet_activation.h and nnet_activation_stream.h, 1.3.0).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import ceil, floor, log10
from typing import TYPE_CHECKING

from hlsflow.network.fixed_point import FixedType, Overflow, Rounding, cast, parse_type, round_shift
from hlsflow.network.graph import Node
from hlsflow.network.softmax_tables import rounded_to
from hlsflow.network.table_functions import TABLE_FUNCTIONS, TableFunction

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

# Address bits of the largest table that is derived.
ADDRESS_BITS = 12
# hls4ml holds the multiple of the step in an int.
_INT_BITS = 32
# What float32 may be off by itself near one: Keras' functions, and those of a C library that makes the entries.
FLOAT32_SLACK = 8 * 2.0**-24
# The type of the factor of a selu, but in a stream: there it is that of the values.
_FACTOR = parse_type("ufixed<16,1>")


def table_size(function: str, data: FixedType) -> int:
    """Entries of the table for values of a type: one for each of them, up to 4096."""
    return min(_span(TABLE_FUNCTIONS[function]) << max(data.fraction, 0), 1 << ADDRESS_BITS)


def _span(shape: TableFunction) -> int:
    return shape.reach * (2 if shape.factor is None else 1)


def result_type(function: str, data: FixedType) -> FixedType:
    """The type that is derived for what a table gives for values of a type: it never saturates."""
    shape = TABLE_FUNCTIONS[function]
    if shape.factor is None:
        return shape.result
    whole = max(shape.result.integer, data.integer + int(not data.signed) + int(shape.factor > 1))
    return FixedType(
        width=shape.result.fraction + whole, integer=whole, signed=True, rounding=Rounding.RND, overflow=Overflow.SAT
    )


def table_of(node: Node, data: FixedType, types: Mapping[str, FixedType]) -> ValueTable:
    """The table of a node, whose size is known, for values of a type."""
    return ValueTable(
        function=node.function,
        data=data,
        size=node.attributes["table_size"],
        table=types["table"],
        result=types["result"],
        streamed=node.attributes["streamed"],
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class ValueTable:
    """The table of a function for values of a type, `size` entries of another, and the type of what it gives.

    `streamed`: hls4ml's function for streams is called, which multiplies by another factor.
    """

    function: str
    data: FixedType
    size: int
    table: FixedType
    result: FixedType
    streamed: bool = False

    @property
    def shape(self) -> TableFunction:
        return TABLE_FUNCTIONS[self.function]

    @property
    def is_even(self) -> bool:
        """Whether the step is a power of two and no value loses bits before it is divided by it, as else it might."""
        return self.size >= _span(self.shape) and not self.size & (self.size - 1)

    @property
    def overflows(self) -> bool:
        """Whether a value is so large that hls4ml's int does not hold its multiple of the step."""
        return self._multiple(float(-self.data.min_int or self.data.max_int)) >= 2.0 ** (_INT_BITS - 1)

    @property
    def factor(self) -> tuple[float, FixedType]:
        """What values that are not negative are multiplied by: the integer, and its type."""
        import numpy as np

        factor = self.shape.factor
        assert factor is not None, self.function
        type_ = parse_type("ufixed<1,1>") if factor == 1 else self.data if self.streamed else _FACTOR
        return float(rounded_to(np.array([factor]), type_)[0]), type_

    @property
    def passes_wrongly(self) -> bool:
        """Whether the factor has lost its whole part in a type that does not hold it."""
        if self.shape.factor is None:
            return False
        integer, type_ = self.factor
        return integer * type_.lsb < 1

    @property
    def beyond(self) -> float:
        """How much further the function goes for values beyond the ends of the table."""
        import numpy as np

        values = np.array([self.data.min_int, self.data.max_int]) * self.data.lsb
        ends = np.clip(values, -self.shape.reach, self.shape.reach if self.shape.factor is None else None)
        return float(np.abs(self.shape.true(values) - self.shape.true(ends)).max())

    @property
    def bits(self) -> int:
        """Bits of the largest integer that arises between a value and its result."""
        if self.shape.factor is None:
            return self.result.width + 1
        return self.data.width + self.factor[1].width + max(0, self.result.fraction - self._fraction) + 1

    @property
    def _fraction(self) -> int:
        """Fractional bits of what passes, times its factor."""
        return self.data.fraction + self.factor[1].fraction

    def _multiple(self, value: float) -> float:
        return value * self.data.lsb * self.size / _span(self.shape)

    def indices(self, values: Array) -> Array:
        """Which entries the integers of the data's type read, int64; any one for those that pass beside the table."""
        import numpy as np

        steps = np.trunc(values.astype(np.float64) * self._multiple(1.0))
        first = steps + self.size // 2 if self.shape.factor is None else -steps
        return np.clip(first, 0, self.size - 1).astype(np.int64)

    def entries(self, *, off: float = 0.0) -> Array:
        """The entries as integers of the table's type, float64; those of values that are `off` by so much."""
        import numpy as np

        return rounded_to(_in_float(self.function, self.size).astype(np.float64) + off, self.table)

    def run(self, values: Array) -> Array:
        """What is given for integers of the data's type, as integers of the result's, float64."""
        import numpy as np

        read = cast(self.entries(), self.table.fraction, self.result)[self.indices(values)]
        if self.shape.factor is None:
            return read
        return np.where(values >= 0, self._passed(values), read)

    def _passed(self, values: Array) -> Array:
        import numpy as np

        return cast(values.astype(np.float64) * self.factor[0], self._fraction, self.result)

    def error_bound(self) -> float:
        """The largest difference of what the hardware gives to the function of the same value, for any value.

        Each entry stands for the values of its cell, and since the function never falls, it is farthest from it at an
        end of the cell. Entries may be those of another C library, whose function differs in the last bits, and so the
        truth may be Keras'.
        """
        import numpy as np

        low, high = self._cells()
        reached = low <= high
        true = self.shape.true
        most = float(np.abs(_in_float(self.function, self.size)).max())
        worst = 0.0
        for off in (-FLOAT32_SLACK * max(1.0, most), 0.0, FLOAT32_SLACK * max(1.0, most)):
            given = cast(self.entries(off=off), self.table.fraction, self.result) * self.result.lsb
            for end in (low, high):
                worst = max(worst, float(np.abs(given - true(end * self.data.lsb))[reached].max(initial=0.0)))
        if self.shape.factor is not None:
            worst = max(worst, self._bound_of_passing())
            most = max(most, self.shape.factor * self.data.max_int * self.data.lsb)
        return worst + FLOAT32_SLACK * max(1.0, most)

    def _cells(self) -> tuple[Array, Array]:
        """The least and the greatest integer of the data's type that read each entry; the least is above where there is
        none."""
        import numpy as np

        step = 1 / self._multiple(1.0)
        number = np.arange(self.size) - self.size // 2 if self.shape.factor is None else -np.arange(self.size)
        # A multiple of the step that is cut off towards zero: beyond zero the cell lies on its outer side.
        low = np.where(number > 0, np.ceil(number * step), np.floor((number - 1) * step) + 1)
        high = np.where(number < 0, np.floor(number * step), np.ceil((number + 1) * step) - 1)
        if self.shape.factor is None:
            low[0], high[-1] = self.data.min_int, self.data.max_int
        else:
            low[-1], high[0] = self.data.min_int, -1
        return np.maximum(low, self.data.min_int), np.minimum(high, self.data.max_int)

    def _bound_of_passing(self) -> float:
        """The largest difference for values that are not negative and pass beside a table."""
        import numpy as np

        assert self.shape.factor is not None
        integer, type_ = self.factor
        largest, result = float(self.data.max_int), self.result
        last = largest * self.data.lsb
        drop = self._fraction - result.fraction
        rounding = 0.0 if drop <= 0 else result.lsb
        # Of what moves before it, a type as planned says no rounding: the factor is cut off at worst.
        cut = rounded_to(np.array([self.shape.factor]), type_.grid)[0]
        worst = float(abs(cut * type_.lsb - self.shape.factor)) * last + rounding
        if round_shift(np.array([largest * integer]), drop, result.rounding)[0] <= result.max_int:
            return worst
        if result.overflow in (Overflow.SAT, Overflow.SAT_SYM):
            return max(worst, self.shape.factor * last - result.max_int * result.lsb)
        # Whatever is given: any value of the type.
        return max(result.max_int, -result.min_int) * result.lsb + self.shape.factor * last


@cache
def _in_float(function: str, size: int) -> Array:
    """The values of a table's entries before they are rounded to its type, float32."""
    import numpy as np

    shape = TABLE_FUNCTIONS[function]
    number = np.arange(size)
    at = (number - size / 2 if shape.factor is None else -number) * (_span(shape) / size)
    return shape.in_float(at.astype(np.float32))


def bound_text(bound: float) -> str:
    """A bound as text of two digits that is not below it."""
    unit = 10.0 ** (floor(log10(bound)) - 1)
    return f"{ceil(bound / unit) * unit:.2g}"
