"""The step `csim`: what the compiled project gives for the samples, the gate's second witness."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hlsflow.foundation.workspace import storage_errors
from hlsflow.hls.lint import Linted
from hlsflow.hls.project import HlsProject, read_project
from hlsflow.models.model import Samples
from hlsflow.network.graph import Network

if TYPE_CHECKING:
    from hlsflow.foundation.log import Step


def traced_outputs(network: Network, project: HlsProject) -> list[str]:
    """The gate's outputs that the project traces: all but those that only move values, which are ports."""
    return [name for name in network.gate_outputs if name in project.traced]


def simulate_samples(
    samples: Samples, network: Network, linted: Linted, hls: Path, program: Path, folder: Path,
    step: Step,
) -> str:  # fmt: skip
    """Writes the outputs of the simulation as integers, and says how fast it was."""
    import numpy as np

    from hlsflow.hls.csim import simulate

    project = read_project(hls)
    frames = samples.load()
    types = {layer.node.name: layer.result for layer in linted.layers}
    outputs = simulate(
        program / "csim",
        project,
        frames.inputs,
        layers={name: types[name] for name in traced_outputs(network, project)},
        folder=folder,
        progress=lambda done, total: step.progress(done, total, "samples"),
    )
    with storage_errors(folder):
        np.savez(folder / "outputs.npz", **outputs)
    return f"{len(frames):,} samples, {len(frames) / step.seconds:,.0f} a second"
