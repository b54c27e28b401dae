"""What goes through the test bench of co-simulation, and what must come out: the first samples of the gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hlsflow.foundation.errors import ToolError
from hlsflow.hls.project import HlsProject, destinations
from hlsflow.vendor.cosim import Expected
from hlsflow.vendor.project import Bench

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hlsflow.building.plan import Plan
    from hlsflow.foundation.arrays import Array

# Enough for the interval between two samples to be counted, few enough for a slow RTL simulation.
DEFAULT_SAMPLES = 16


def bench_of(plan: Plan, project: HlsProject, samples: int) -> tuple[Bench, tuple[Expected, ...]]:
    """The bench with the first `samples` of the gate, and what every output port gave for them before.

    Raises ToolError where the results of the C simulation are not beside the project.
    """
    import numpy as np

    folder = project.root.parent
    try:
        csim = dict(np.load(folder / "csim" / "outputs.npz"))
        reference = dict(np.load(folder / "reference" / "outputs.npz"))
    except (OSError, ValueError) as error:
        raise ToolError(f"{folder}: no results of the C simulation: {error}", hint="build the model again") from error
    inputs = plan.samples.load().taken(slice(samples)).inputs[0]
    ports = tuple(
        Expected(
            port=port.name,
            fraction=project.type_of(port.type_name).fraction,
            csim=csim[port.name].reshape(len(csim[port.name]), -1)[:samples],
            keras=_keras(project, port.name, reference, samples),
        )
        for port in project.outputs
    )
    expected = np.concatenate([port.csim * 2.0**-port.fraction for port in ports], axis=1)
    return Bench(inputs=inputs.reshape(len(inputs), -1).astype(np.float64), expected=expected), ports


def _keras(project: HlsProject, port: str, reference: Mapping[str | None, Array], samples: int) -> Array | None:
    layer = next((call.layer for call in project.calls if port in destinations(call)), None)
    values = reference.get(layer)
    return None if values is None else values.reshape(len(values), -1)[:samples]
