"""hls4ml's softmax, table by table: an approximation in hardware, emulated to the bit (nnet_activation.h, 1.3.0)."""

from __future__ import annotations

from hlsflow.emulation.step import Arrays, Step, type_bits
from hlsflow.foundation.errors import UnsupportedError
from hlsflow.hls.project import Call, Config, HlsProject
from hlsflow.network.fixed_point import apply_overflow, cast
from hlsflow.network.softmax_bound import error_bound
from hlsflow.network.softmax_tables import address_bits, exp_table, invert_table

__all__ = ["address_bits", "error_bound", "softmax"]


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
    # The smallest sum is that of the maximum alone, whose exponential is the table's first.
    least = int(cast(exps[:1], accum.fraction, inv_inp)[0])
    if least >> drop[1] == 0:
        raise UnsupportedError(f"the emulator does not cover a softmax that can read 1/0 (layer '{call.layer}')")

    def run(xs: Arrays) -> Arrays:
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

    def run(xs: Arrays) -> Arrays:
        found = np.zeros_like(xs[0])
        found[np.arange(len(found)), xs[0].argmax(axis=1)] = one
        return (found,)

    bits = max(type_bits(data), type_bits(result))
    return Step(inputs=call.arguments[:1], outputs=call.arguments[1:2], function=run, bits=bits)
