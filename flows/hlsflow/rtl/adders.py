"""Constant matrix products as pipelines of shared adders, by da4ml (a dependency of the extra `open`, LGPL-3).

da4ml works on the integers themselves: inputs and weights have a step of 1. So its outputs are the sums in LSBs of the
accumulator, each in as few bits as its range needs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hlsflow.foundation.errors import ToolError, UnsupportedError
from hlsflow.rtl.layers import ProductLayer

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

# Up to here da4ml is done sooner interpreted (two seconds) than compiled by numba, which takes most of a minute at its
# first use on a machine. The designs of five networks of 34 to 4,096 weights were the same, byte for byte.
INTERPRETED_DIGITS = 1_000

# da4ml's library names lint warnings that Debian 12's Verilator does not know; no other module has a timescale.
_IGNORED = re.compile(r"[ \t]*/\*\s*verilator lint_\w+ \w+\s*\*/\n?|^`timescale.*\n", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """Where a sum stands in the packed outputs: `width` bits from `first` on, of weight 2**shift; width 0 is zero."""

    first: int
    width: int
    signed: bool
    shift: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Adders:
    """A pipeline. `input_widths` are the low bits that it reads of each input; `latency` is in cycles.

    `lut_estimate` and `ff_estimate` are da4ml's own.
    """

    sources: Mapping[str, str]
    module: str
    input_widths: tuple[int, ...]
    outputs: tuple[Output, ...]
    latency: int
    lut_estimate: int
    ff_estimate: int


def signed_digits(weights: Iterable[Array]) -> int:
    """Non-zero signed digits of integer weights: about the additions of an unrolled network before any is shared."""
    import numpy as np

    total = 0
    for matrix in weights:
        # The canonical form has a digit wherever 3w and w differ (Reitwiesner).
        magnitude = np.abs(matrix)
        total += sum(int(bits).bit_count() for bits in ((magnitude * 3) ^ magnitude).ravel())
    return total


def prepare_da4ml(digits: int) -> None:
    """Sets what numba reads at its import, for a network of so many signed digits. What the user has set stays."""
    # Halves the time to compile; da4ml's own work here is short.
    os.environ.setdefault("NUMBA_OPT", "1")
    if digits <= INTERPRETED_DIGITS:
        os.environ.setdefault("NUMBA_DISABLE_JIT", "1")


def adders_of(layer: ProductLayer, module: str, levels: int) -> Adders:
    """The pipeline of a layer's sums, bias included, with at most `levels` additions between two registers.

    Raises ToolError where da4ml is missing, UnsupportedError where every weight is zero.
    """
    try:
        from da4ml.cmvm.types import _minimal_kif
        from da4ml.codegen.rtl.verilog.pipeline import pipeline_logic_gen
        from da4ml.trace import FixedVariableArray, HWConfig, comb_trace
        from da4ml.trace.pipeline import to_pipeline
    except ImportError as error:
        raise ToolError(
            f"da4ml, which unrolls networks, was not found: {error}",
            hint="install it: uv sync --extra open, or take --architecture folded",
        ) from error
    import numpy as np

    if not layer.weights.any():
        raise UnsupportedError(f"open RTL: every weight of '{layer.name}' is zero: nothing to unroll")
    ones = np.ones(layer.n_in)
    inputs = FixedVariableArray.from_lhs(
        ones * layer.data.min_int,
        ones * layer.data.max_int,
        ones,
        hwconf=HWConfig(1, -1, -1),
        # The search over all decompositions takes minutes and found nothing better on the networks tried.
        solver_options={"search_all_decompose_dc": False},
    )
    weights = layer.weights.astype(np.float64) * 2.0**layer.shift
    logic = comb_trace(inputs, inputs @ weights + layer.bias.astype(np.float64))
    pipeline = to_pipeline(logic, levels, verbose=False)
    texts = pipeline_logic_gen(pipeline, module, timescale=None)
    outputs, first = [], 0
    for interval in pipeline.out_qint:
        signed, integers, fraction = (int(part) for part in _minimal_kif(interval))
        width = signed + integers + fraction
        outputs.append(Output(first=first, width=width, signed=bool(signed), shift=-fraction))
        first += width
    return Adders(
        sources={f"{name}.v": text for name, text in texts.items()} | _used_library(texts),
        module=module,
        input_widths=tuple(int(sum(_minimal_kif(interval))) for interval in pipeline.inp_qint),
        outputs=tuple(outputs),
        latency=len(pipeline.solutions) + 1,
        lut_estimate=round(pipeline.cost),
        ff_estimate=int(pipeline.reg_bits),
    )


def _used_library(texts: Mapping[str, str]) -> dict[str, str]:
    """The modules of da4ml's own library that the texts use, from the installed package."""
    import da4ml.codegen.rtl.verilog

    folder = Path(da4ml.codegen.rtl.verilog.__file__).parent / "source"
    used = {word for text in texts.values() for word in re.findall(r"\b(\w+) #\(", text)}
    return {path.name: _IGNORED.sub("", path.read_text()) for path in sorted(folder.glob("*.v")) if path.stem in used}
