"""The frames that RTL is verified on: every sample of the test set, with the integers that C simulation gave for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hlsflow.foundation.errors import ToolError
from hlsflow.hls.project import read_project
from hlsflow.network.fixed_point import to_integers
from hlsflow.rtl.chain import Chain

if TYPE_CHECKING:
    from hlsflow.building.plan import Plan
    from hlsflow.foundation.arrays import Array


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Vectors:
    """Inputs (n, n_in) and expected outputs (n, n_out), int64 in LSBs of their types; `source` says whose outputs."""

    inputs: Array
    outputs: Array
    source: str


def read_vectors(plan: Plan, hls: Path, chain: Chain) -> Vectors:
    """The samples of a build, and what its C simulation gave for them.

    Raises ToolError where the integer network itself disagrees with C simulation: then its reading of the project is
    wrong.
    """
    import numpy as np

    given = plan.samples.load().inputs[0]
    inputs = to_integers(given.reshape(len(given), -1), chain.input_type.fraction)
    path = hls.parent / "csim" / "outputs.npz"
    own = chain.run(inputs)
    with np.load(path) as kept:
        outputs = _of_layer(kept, chain, read_project(hls).outputs[0].name, own.shape)
    if outputs is None:
        return Vectors(inputs=inputs, outputs=own, source="the integer network (C simulation traced no such layer)")
    if not np.array_equal(outputs, own):
        raise ToolError(
            f"the integer network of {hls} differs from C simulation in {int((outputs != own).sum()):,} values",
            hint="this is a fault of hlsflow's RTL path, please report it",
        )
    return Vectors(inputs=inputs, outputs=outputs, source="C simulation")


def _of_layer(kept: Mapping[str, Array], chain: Chain, port: str, shape: tuple[int, ...]) -> Array | None:
    """C simulation's values of the network's output: traced by the layer's name, or those of the port."""
    # Where a softmax is left out, its values are the port's.
    names = [chain.output] if chain.left_out else [chain.output, port]
    return next((kept[name].reshape(shape) for name in names if name in kept), None)
