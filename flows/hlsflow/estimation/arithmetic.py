"""What HLS makes of products with constants and of their sums: multipliers, shift-and-add, adder trees, stages.

HLS knows every weight of the latency strategy. A product with 0 vanishes, one with a power of two is wiring, one whose
constant has two digits in canonical signed digits (CSD) is one adder, and more digits make a multiplication, one for
every distinct constant of an input, for equal products are shared (UG902, "expression balancing" and "operator
sharing"; observed in the reports' expression and instance tables). The products of an output are summed in a balanced
tree, which is cut by registers where its delay exceeds the clock (ASAP scheduling with operator chaining).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from hlsflow.estimation.design import Layer

# Expression balancing gives up on arrays beyond this many elements (project.tcl: maximum_size): the sum of a larger
# layer is a chain, one adder after the other.
BALANCED_LIMIT = 4096


def csd_digits(values: np.ndarray) -> np.ndarray:
    """The number of non-zero digits of integers in canonical signed digits, elementwise: popcount(n xor 3n)."""
    import numpy as np

    magnitude = np.abs(values).astype(np.uint64)
    bits = magnitude ^ (3 * magnitude)
    count = np.zeros(values.shape, dtype=np.int64)
    while np.any(bits):
        count += (bits & np.uint64(1)).astype(np.int64)
        bits >>= np.uint64(1)
    return count


@dataclass(frozen=True, kw_only=True, slots=True)
class Constants:
    """What the constants of a matrix come to, its dead outputs left out. Widths in bits.

    `multiplications` are the distinct products of an input with a constant of three digits and more; `wide` those that
    automatic binding gives to a DSP block; `fabric_bits` and `narrow_bits` the sums of their operands' width products,
    of all and of those that are not wide; `operands` counts the pairs of their signed operands' widths. `shift_adds`
    are the adders of the other constants. `distinct` counts all distinct products. For every output, `terms` is what it
    sums (bias included), `multiplied` and `added` how many of these are multiplications and shift-and-adds,
    `product_width` their mean width, and `sum_width` the width that the sum needs and the accumulator has.
    """

    live_inputs: int
    multiplications: int
    wide: int
    fabric_bits: float
    narrow_bits: float
    operands: Mapping[tuple[int, int], int]
    shift_adds: int
    shift_add_bits: float
    distinct: int
    terms: np.ndarray
    multiplied: np.ndarray
    added: np.ndarray
    product_width: np.ndarray
    sum_width: np.ndarray

    def blocks_each(self, generation: str) -> float:
        """DSP blocks of a multiplication, in the mean of all: each is as wide as its own constant."""
        blocks = sum(dsp_blocks(*pair, generation) * count for pair, count in self.operands.items())
        return blocks / max(1, sum(self.operands.values()))

    @property
    def adders(self) -> int:
        """Adders of the sums."""
        return int((self.terms - 1).clip(0).sum())

    @property
    def adder_bits(self) -> float:
        """Their widths, summed: HLS computes every sum as wide as its result needs."""
        return float(((self.terms - 1).clip(0) * self.sum_width).sum())


# With automatic binding a product goes to fabric where both operands are narrow (observed in the instance tables of
# 2018.3 to 2024.1: 9x7 and 10x5 in fabric, 11x7, 12x8 and 16x5 in a block).
FABRIC_BITS = 10
# … or where one of them is this narrow (single layers of wa-hls4ml: 16x2 and 16x4 in fabric, 16x6 in a block).
# Constants of three digits have at least five bits.
SMALL_BITS = 4

# A constant with this many digits is multiplied by, one with fewer is added up.
_MULTIPLIED_DIGITS = 3
_NEVER = 64


def constants_of(layer: Layer) -> Constants:
    """The constants of a layer that HLS unrolls.

    Distributed arithmetic (da4ml) multiplies nothing: every digit is an adder. What it shares between outputs is not
    modelled, so that its LUT are an upper end.
    """
    import numpy as np

    assert layer.weights is not None and layer.weight is not None
    matrix = layer.weights if layer.live is None else layer.weights[:, layer.live]
    accum = layer.accum or layer.y
    x_bits = np.full(matrix.shape[0], layer.x.width)
    if layer.input_bits is not None:
        matrix, x_bits = matrix[layer.input_bits > 0], layer.input_bits[layer.input_bits > 0]
    # What is below the accumulator's LSB is cut off before the sum.
    cut = max(0, layer.x.fraction + layer.weight.fraction - accum.fraction)
    row, distinct = _distinct_by_row(matrix)
    of_input = x_bits[row]
    digits, bits = csd_digits(distinct), _odd_bits(distinct)
    least = _NEVER if layer.strategy == "distributed_arithmetic" else _MULTIPLIED_DIGITS
    multiplied = digits >= least
    wide = multiplied & (np.maximum(bits, of_input) > FABRIC_BITS)
    # A digit more is an adder more. So is the sign of a sum; a negative power of two is subtracted where it is added.
    adders = np.where(multiplied, 0, digits - 1 + ((distinct < 0) & (digits > 1)))
    weight_digits = csd_digits(matrix)
    magnitude = np.abs(matrix).astype(np.float64)
    count = np.count_nonzero(matrix, axis=0)
    width = x_bits[:, None] + np.log2(np.maximum(1, magnitude)) - cut
    product_width = np.where(count > 0, (width * (matrix != 0)).sum(axis=0) / np.maximum(1, count), 0)
    reach = np.log2(np.maximum(1.0, (magnitude * 2.0 ** x_bits[:, None]).sum(axis=0))) + 1 - cut
    biases = layer.biases if layer.biases is not None and layer.biases.size == layer.n_out else np.zeros(layer.n_out)
    return Constants(
        live_inputs=int(np.count_nonzero(np.any(matrix != 0, axis=1))),
        multiplications=int(multiplied.sum()),
        wide=int(wide.sum()),
        fabric_bits=float((bits * multiplied * of_input).sum()),
        narrow_bits=float((bits * (multiplied & ~wide) * of_input).sum()),
        operands=Counter(zip(of_input[multiplied].tolist(), (bits + (distinct > 0))[multiplied].tolist(), strict=True)),
        shift_adds=int(adders.sum()),
        shift_add_bits=float((adders * (of_input + np.log2(np.maximum(1, np.abs(distinct))))).sum()),
        distinct=int(distinct.size),
        terms=count + ((biases if layer.live is None else biases[layer.live]) != 0),
        multiplied=(weight_digits >= least).sum(axis=0),
        added=((weight_digits < least) & ((weight_digits > 1) | ((weight_digits == 1) & (matrix < 0)))).sum(axis=0),
        product_width=np.minimum(np.maximum(product_width, 1), accum.width),
        sum_width=np.minimum(accum.width, np.ceil(np.maximum(reach, 1))),
    )


def diagonal(constants: Constants, n: int) -> Constants:
    """The constants of a column as those of a diagonal matrix: each of n outputs sums its own product and its bias."""
    import numpy as np

    return replace(
        constants, terms=np.full(n, 2), multiplied=np.full(n, constants.multiplications / max(1, n)),
        added=np.zeros(n), product_width=np.full(n, float(constants.product_width.mean())),
        sum_width=np.full(n, float(constants.sum_width.mean())),
    )  # fmt: skip


def _distinct_by_row(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(row, constant) of the distinct non-zero constants of every row: equal products are computed once."""
    import numpy as np

    rows = np.broadcast_to(np.arange(matrix.shape[0])[:, None], matrix.shape)
    span = int(np.abs(matrix).max(initial=0)) * 2 + 1
    keys = np.unique(rows.astype(np.int64) * span + matrix + span // 2)
    values = keys % span - span // 2
    return (keys // span)[values != 0], values[values != 0]


def _odd_bits(values: np.ndarray) -> np.ndarray:
    """The width of integers, sign included where negative, after their trailing zeros are dropped."""
    import numpy as np

    if not values.size:
        return values
    magnitude = np.abs(values)
    odd = magnitude // (magnitude & -magnitude)
    return np.ceil(np.log2(odd + 1)).astype(np.int64) + (values < 0)


# Operand widths that one DSP block takes: DSP48E1 (UG479), DSP48E2 (UG579), DSP58 (AM004).
DSP_OPERANDS = {"7-series": (25, 18), "ultrascale": (27, 18), "ultrascale+": (27, 18), "versal": (27, 24)}


def dsp_blocks(a_bits: int, b_bits: int, generation: str) -> int:
    """DSP blocks of one multiplication of signed operands."""
    wide, narrow = DSP_OPERANDS[generation]
    return min(
        ceil(max(1, a - 1) / (wide - 1)) * ceil(max(1, b - 1) / (narrow - 1))
        for a, b in ((a_bits, b_bits), (b_bits, a_bits))
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Delays:
    """Operator delays in ns: a level of an adder tree, a link of a chain of adders, a multiplication; and the stages of
    a multiplication in a DSP block that is pipelined."""

    add_ns: float
    chain_ns: float
    multiply_ns: float
    dsp_stages: int = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """Sums in time: the pipeline's stages, and the register bits on the cuts between them (`chained`: of a chain)."""

    stages: int
    register_bits: float
    chained: bool


def schedule(constants: Constants, delays: Delays, usable_ns: float, *, on_dsp: bool, chain: bool) -> Schedule:
    """The products and sums of a layer in cycles of `usable_ns`.

    HLS balances a sum by arrival times, so that terms arriving at a_i (in additions) end at L = log2(sum 2**a_i), the
    depth of an optimal tree (Huffman), and 2**(L - l) values are alive at level l. `per_cycle` additions fit a cycle;
    every value alive at its end is a register. A chain, for sums beyond what HLS balances, adds one value at a time,
    and a cut holds the sum and the product that is next.
    """
    import numpy as np

    per_cycle = max(1.0, usable_ns / delays.add_ns)
    pipelined = on_dsp and delays.multiply_ns > usable_ns
    product_level = per_cycle * delays.dsp_stages if pipelined else min(delays.multiply_ns / delays.add_ns, per_cycle)
    terms = constants.terms.astype(np.float64)
    if not terms.size or terms.max() < 1:
        return Schedule(stages=1, register_bits=0.0, chained=False)
    if chain:
        own = np.ceil(terms * delays.chain_ns / usable_ns)
        depth = int(own.max()) + (1 if constants.multiplications else 0)
        return Schedule(
            stages=depth,
            register_bits=float((own * (constants.sum_width + constants.product_width)).sum()),
            chained=True,
        )
    plain = terms - constants.multiplied - constants.added
    weight = plain + 2.0 * constants.added + 2.0**product_level * constants.multiplied
    level = np.log2(np.maximum(1.0, weight))
    stages = max(1, ceil(float(level.max()) / per_cycle - 1e-9))
    registers = 0.0
    for cut in range(1, stages):
        at = cut * per_cycle
        # A product in a DSP block is held by the block's own registers.
        inside = constants.multiplied if pipelined and at < product_level else 0
        alive = np.where(level > at, np.minimum(terms - inside, 2.0 ** (level - at)), 0.0)
        width = np.minimum(constants.sum_width, constants.product_width + at)
        registers += float((alive * width).sum())
    return Schedule(stages=stages, register_bits=registers, chained=False)
