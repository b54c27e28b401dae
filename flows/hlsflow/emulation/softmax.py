"""hls4ml's softmax, table by table: an approximation in hardware, emulated to the bit (nnet_activation.h, 1.3.0)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hlsflow.emulation.step import Step, type_bits, unary
from hlsflow.foundation.errors import UnsupportedError
from hlsflow.hls.integer_nodes import Argmax, Slices, Softmax
from hlsflow.network.fixed_point import apply_overflow, cast
from hlsflow.network.softmax_bound import error_bound
from hlsflow.network.softmax_tables import address_bits, exp_table, invert_table

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

__all__ = ["address_bits", "argmax", "error_bound", "softmax"]


def softmax(node: Softmax) -> Step:
    """The step of a softmax of each vector along the last axis."""
    import numpy as np

    _check_slices(node)
    if node.tables is None:
        raise UnsupportedError(f"the emulator does not cover the softmax implementation {node.implementation}")
    data, result, types = node.data, node.result, node.tables
    norm, accum, inv_inp, inv_t = types.inp_norm, types.accum, types.inv_inp, types.inv_table
    exp_entries = exp_table(norm, types.exp_table_size, types.exp_table, types.exp_scale)
    exps = cast(exp_entries, types.exp_table.fraction, accum)
    inverses = invert_table(inv_inp, types.inv_table_size, inv_t)
    if node.slice * float(exps.max()) > accum.max_int:
        raise UnsupportedError(f"the emulator does not cover a softmax sum that overflows (layer '{node.name}')")
    drop = norm.width - address_bits(types.exp_table_size), inv_inp.width - address_bits(types.inv_table_size)
    # The smallest sum is that of the maximum alone, whose exponential is the table's first.
    least = int(cast(exps[:1], accum.fraction, inv_inp)[0])
    if least >> drop[1] == 0:
        raise UnsupportedError(f"the emulator does not cover a softmax that can read 1/0 (layer '{node.name}')")

    def run(values: Array) -> Array:
        x = values.astype(np.float64).reshape(-1, node.slice)
        distance = cast(x.max(axis=1, keepdims=True) - x, data.fraction, norm)
        e = exps[distance.astype(np.int64) >> drop[0]]
        total = cast(e.sum(axis=1, keepdims=True), accum.fraction, inv_inp)
        inverse = inverses[total.astype(np.int64) >> drop[1]]
        found = cast(e * inverse, accum.fraction + inv_t.fraction, result)
        return found.reshape(values.shape).astype(values.dtype)

    # The tables are computed in float64 whatever the rest uses; only its ends must fit the common dtype.
    return unary(run, max(type_bits(data), type_bits(result)))


def argmax(node: Argmax) -> Step:
    import numpy as np

    _check_slices(node)
    data, result = node.data, node.result
    one = float(apply_overflow(np.array([2.0**result.fraction]), result)[0])

    def run(values: Array) -> Array:
        x = values.reshape(-1, node.slice)
        found = np.zeros_like(x)
        found[np.arange(len(found)), x.argmax(axis=1)] = one
        return found.reshape(values.shape)

    return unary(run, max(type_bits(data), type_bits(result)))


def _check_slices(node: Slices) -> None:
    if not node.last:
        raise UnsupportedError(f"the emulator covers a softmax over the last axis alone (layer '{node.name}')")
