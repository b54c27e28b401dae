"""A sparse layer as Verilog: the parameters of `dense_sparse.v` and the rows of its memories."""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd
from typing import TYPE_CHECKING

from hlsflow.rtl.layers import ProductLayer
from hlsflow.rtl.requantize import signed_bits
from hlsflow.rtl.rows import hexadecimal, index_bits, pack
from hlsflow.rtl.sparse.plan import SparsePlan, nonzeros

if TYPE_CHECKING:
    import numpy as np

# Stored inputs of a bank up to so many bits are in memories of LUTs.
SMALL_BITS = 2048

LIBRARY = ("dense_sparse.v", "sparse_lanes.v", "multiply.v", "row_rom.v", "fifo.v", "collect.v", "drain.v")


def describe(layer: ProductLayer, plan: SparsePlan) -> str:
    """What the plan is, in words."""
    shape, count = plan.shape, nonzeros(layer)
    return (
        f"sparse, {count:,} weights not zero: {shape.lanes} multipliers ({shape.banks} inputs a beat x {shape.groups} "
        f"lanes, {shape.slots} outputs a lane), {plan.period:,} cycles a frame "
        f"({count / (plan.period * shape.lanes):.0%} of them busy)"
    )


def stored_bits(layer: ProductLayer, plan: SparsePlan) -> int:
    """Two frames of the inputs of a bank."""
    return (2 << index_bits(_beats(layer, plan))) * layer.data.width


def weight_width(layer: ProductLayer) -> int:
    """Bits of the narrowest signed weight that holds all of the layer."""
    return signed_bits(int(layer.weights.min()), int(layer.weights.max()))


def low_bit(layer: ProductLayer) -> bool:
    """Whether the weights are ternary or binary: then a product is an adder of LUTs, not a DSP block."""
    return weight_width(layer) <= 2


def sum_width(layer: ProductLayer, banks: int) -> int:
    """Bits of a sum of some products of an output and a bank: its reach, or what the accumulator keeps of it."""
    import numpy as np

    low, high = _reach(layer, banks, np.minimum), _reach(layer, banks, np.maximum)
    return max(1, min(signed_bits(low, high), layer.accum.width - layer.shift))


def _reach(layer: ProductLayer, banks: int, end: np.ufunc) -> int:
    """The least or the most that products of one output and bank can sum up to, whichever of them are added."""
    ends = end(end(layer.weights * layer.data.min_int, layer.weights * layer.data.max_int), 0)
    return int(end.reduce([end.reduce(ends[bank::banks].sum(axis=0)) for bank in range(banks)]))


def words(layer: ProductLayer, plan: SparsePlan) -> int:
    """Words of `buses` sums that a frame gives."""
    return -(-layer.n_out // plan.shape.buses)


def merged(layer: ProductLayer, buses: int, lanes_out: int) -> int | None:
    """How many words of `buses` sums are one, so that the next layer's lanes divide it; None where they cannot."""
    count = -(-layer.n_out // buses)
    if count == 1:
        return 1
    found = lanes_out // gcd(buses, lanes_out)
    return found if count % found == 0 else None


def queue_bits(layer: ProductLayer, plan: SparsePlan) -> int:
    """The queue holds a frame's sums, and a quarter of the next one's, or what is under way, while they leave."""
    count = words(layer, plan)
    return (count + max(-(-count // 4), min(count, 6)) - 1).bit_length()


def parameters(module: str, layer: ProductLayer, plan: SparsePlan, lanes_out: int) -> dict[str, object]:
    """The parameters of `dense_sparse.v`."""
    shape, count = plan.shape, words(layer, plan)
    together = merged(layer, shape.buses, lanes_out)
    if together is None:
        raise ValueError(f"layer '{layer.name}': {count} words of {shape.buses} sums do not make {lanes_out} lanes")
    return {
        "BEATS": _beats(layer, plan), "BANKS": shape.banks, "GROUPS": shape.groups, "SLOTS": shape.slots,
        "BUSES": shape.buses, "WINDOW": plan.window, "PERIOD": plan.period, "LEAD": plan.lead,
        "LAST_OPENING": sum(plan.openings), "WORDS": count, "MERGED": together,
        "Q_FINAL": layer.n_out - (count - together) * shape.buses,
        "QUEUE_BITS": queue_bits(layer, plan), "P_OUT": lanes_out, "X_WIDTH": layer.data.width,
        "X_SIGNED": int(layer.data.signed), "W_WIDTH": weight_width(layer), "SUM_WIDTH": sum_width(layer, shape.banks),
        "SHIFT": layer.shift, "ACC_WIDTH": layer.accum.width, 
        "SMALL": int(stored_bits(layer, plan) <= SMALL_BITS),
        "USE_DSP": int(not low_bit(layer)), "STEPS": f'"{module}_steps.mem"',
        "ENTRIES": f'"{module}_entries.mem"', "LEAVING": f'"{module}_leaving.mem"',
    }  # fmt: skip


def memories(module: str, layer: ProductLayer, plan: SparsePlan) -> dict[str, str]:
    """The memory files of a layer."""
    found = {"steps": step_rows(layer, plan), "entries": entry_rows(layer, plan), "leaving": leaving_rows(layer, plan)}
    return {f"{module}_{name}.mem": "\n".join(rows) + "\n" for name, rows in found.items()}


def _beats(layer: ProductLayer, plan: SparsePlan) -> int:
    return -(-layer.n_in // plan.shape.banks)


def step_rows(layer: ProductLayer, plan: SparsePlan) -> list[str]:
    """{opening, {onward, place, weight} of every lane} of every step; then a step in which nothing is done."""
    place, weight = index_bits(plan.window), weight_width(layer)
    lane = 1 + place + weight
    width = 1 + lane * plan.shape.lanes
    opens = set(_starts(plan.openings))
    found = []
    for step in range(plan.period):
        rows = [own[step] for own in plan.rows]
        codes = [row.onward << (lane - 1) | row.place << weight | row.weight % (1 << weight) for row in rows]
        found.append(hexadecimal(pack(codes, lane) | (step in opens) << (width - 1), width))
    return [*found, hexadecimal(0, width)]


def _starts(openings: tuple[int, ...]) -> Iterator[int]:
    start = 0
    for steps in openings:
        yield start
        start += steps


def entry_rows(layer: ProductLayer, plan: SparsePlan) -> list[str]:
    """{a beat enters, its place, its number} of every step."""
    address, place = index_bits(_beats(layer, plan)), index_bits(plan.window)
    width = 1 + place + address
    rows = [0] * plan.period
    for entry, (step, beat) in enumerate(zip(plan.entries, plan.order, strict=True)):
        rows[step] = 1 << (width - 1) | entry % plan.window << address | beat
    return [hexadecimal(row, width) for row in rows]


def leaving_rows(layer: ProductLayer, plan: SparsePlan) -> list[str]:
    """{which of its lanes has the output, of each bank and bus; the biases of the word's outputs} of every word."""
    import numpy as np

    shape = plan.shape
    choice = index_bits(shape.held)
    lane_of = np.zeros((shape.banks, shape.slots * shape.groups), dtype=np.int64)
    for bank, lane, slot in np.argwhere(plan.outputs >= 0):
        lane_of[bank, plan.outputs[bank, lane, slot]] = lane % shape.held
    count = words(layer, plan)
    bias = np.zeros(count * shape.buses, dtype=np.int64)
    bias[: layer.n_out] = layer.bias
    width = shape.buses * (layer.accum.width + shape.banks * choice)
    found = []
    for word in range(count):
        own = slice(word * shape.buses, (word + 1) * shape.buses)
        choices = pack(lane_of[:, own].ravel().tolist(), choice)
        biases = pack(bias[own].tolist(), layer.accum.width)
        found.append(hexadecimal(choices << (shape.buses * layer.accum.width) | biases, width))
    return found
