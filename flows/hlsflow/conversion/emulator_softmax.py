"""hls4ml's softmax, table by table: an approximation in hardware, emulated to the bit (nnet_activation.h, 1.3.0)."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, expm1
from typing import TYPE_CHECKING

from hlsflow.conversion.emulator_step import Step, type_bits
from hlsflow.conversion.fixed_point import FixedType, apply_overflow, cast
from hlsflow.conversion.project import Call, Config, HlsProject
from hlsflow.errors import UnsupportedError

if TYPE_CHECKING:
    import numpy as np


def address_bits(table_size: int) -> int:
    """Address bits of a table as `nnet::ceillog2` counts them."""
    return 1 if table_size <= 2 else 1 + address_bits((table_size + 1) // 2)


def _table(values: np.ndarray, type_: FixedType) -> np.ndarray:
    """Real values assigned to a type: integers of it. Values are rounded where they lie, not on some grid first."""
    import numpy as np

    # Twelve bits more than the type has: far finer than any tie of a transcendental number.
    fine = np.rint(np.clip(values, -(2.0**30), 2.0**30) * 2.0 ** (type_.fraction + 12))
    return cast(fine, type_.fraction + 12, type_)


def exp_table(index: FixedType, size: int, table: FixedType, scale: float) -> np.ndarray:
    """exp(-x) over the top bits of an unsigned index type, as integers of the table's type."""
    import numpy as np

    positions = np.arange(size) * 2.0 ** (index.width - address_bits(size)) * index.lsb
    return _table(np.exp(-(positions * scale)).astype(np.float32).astype(np.float64), table)


def invert_table(index: FixedType, size: int, table: FixedType) -> np.ndarray:
    """1/x over the top bits of an index type, as integers of the table's type; the entry of x = 0 is never read."""
    import numpy as np

    positions = np.arange(size) * 2.0 ** (index.width - address_bits(size)) * index.lsb
    inverse = (1.0 / np.maximum(positions, index.lsb)).astype(np.float32).astype(np.float64)
    return _table(inverse, table)


def softmax(project: HlsProject, call: Call) -> Step:
    """The step of one softmax over all values of a sample."""
    config = project.configs[call.template[-1]]
    if config.integer("n_slice") != config.integer("n_in"):
        raise UnsupportedError(f"the emulator covers a softmax over one vector alone (layer '{call.layer}')")
    implementation = config.values["implementation"].rsplit("::", 1)[-1]
    match implementation:
        case "stable":
            return _stable(project, call, config)
        case "argmax":
            return _argmax(project, call)
    raise UnsupportedError(f"the emulator does not cover the softmax implementation {implementation}")


def _stable(project: HlsProject, call: Call, config: Config) -> Step:
    import numpy as np

    data, result = project.type_of(call.template[0]), project.type_of(call.template[1])
    norm, accum, inv_inp, exp_t, inv_t = (
        project.layer_type(config, role)
        for role in ("inp_norm_t", "accum_t", "inv_inp_t", "exp_table_t", "inv_table_t")
    )
    sizes = config.integer("exp_table_size"), config.integer("inv_table_size")
    scale = float(config.values["exp_scale"])
    n_in = config.integer("n_in")
    exps = cast(exp_table(norm, sizes[0], exp_t, scale), exp_t.fraction, accum)
    inverses = invert_table(inv_inp, sizes[1], inv_t)
    if n_in * float(exps.max()) > accum.max_int:
        raise UnsupportedError(f"the emulator does not cover a softmax sum that overflows (layer '{call.layer}')")
    drop = norm.width - address_bits(sizes[0]), inv_inp.width - address_bits(sizes[1])

    def run(xs):
        x = xs[0].astype(np.float64)
        distance = cast(x.max(axis=1, keepdims=True) - x, data.fraction, norm)
        e = exps[distance.astype(np.int64) >> drop[0]]
        total = cast(e.sum(axis=1, keepdims=True), accum.fraction, inv_inp)
        inverse = inverses[total.astype(np.int64) >> drop[1]]
        return (cast(e * inverse, accum.fraction + inv_t.fraction, result).astype(xs[0].dtype),)

    # The tables are computed in float64 whatever the rest uses; only its ends must fit the common dtype.
    bits = max(type_bits(data), type_bits(result))
    return Step(inputs=call.arguments[:1], outputs=call.arguments[1:2], function=run, bits=bits)


def _argmax(project: HlsProject, call: Call) -> Step:
    import numpy as np

    data, result = project.type_of(call.template[0]), project.type_of(call.template[1])
    one = float(apply_overflow(np.array([2.0**result.fraction]), result)[0])

    def run(xs):
        found = np.zeros_like(xs[0])
        found[np.arange(len(found)), xs[0].argmax(axis=1)] = one
        return (found,)

    bits = max(type_bits(data), type_bits(result))
    return Step(inputs=call.arguments[:1], outputs=call.arguments[1:2], function=run, bits=bits)


def error_bound(classes: int, logits: FixedType, types: Mapping[str, FixedType], table_sizes: tuple[int, int]) -> float:
    """The largest difference of the stable softmax to the true one, for any logits. `types` are those of its roles.

    The index into the exponentials drops up to `step` of a distance, so each e_i becomes e_i * r_i with r_i in
    [1, exp(step)], and p_i moves by a factor in [exp(-step), exp(step)]: by less than exp(step) - 1. On top of that
    each exponential is off by at most `a` (half the table's LSB, the tail beyond its range), and their sum, which is at
    least 1, by `s`: n * a, half an LSB of the index into the inverses and what that drops. Together
    |p' - p| <= exp(step) - 1 + (a + s) / (1 - s) + half an LSB each of the inverse and the result.
    """
    norm, inv_inp = types["inp_norm"], types["inv_inp"]
    step = _dropped(norm, logits.lsb, table_sizes[0])
    tail = exp(-(norm.max_int * norm.lsb))
    a = types["exp_table"].lsb / 2 + tail + max(0.0, types["accum"].lsb - types["exp_table"].lsb)
    s = classes * a + inv_inp.lsb / 2 + _dropped(inv_inp, inv_inp.lsb, table_sizes[1])
    return expm1(step) + (a + s) / (1 - s) + types["inv_table"].lsb / 2 + types["result"].lsb / 2


def _dropped(index: FixedType, source_lsb: float, table_size: int) -> float:
    """How much of a value its place in a table leaves out: bits below the index type, and below the address."""
    step = index.lsb * 2.0 ** max(0, index.width - address_bits(table_size))
    return step - source_lsb if step > source_lsb else 0.0
