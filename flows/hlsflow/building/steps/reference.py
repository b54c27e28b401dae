"""The step `reference`: what the model's framework gives for the samples, the gate's first witness."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsflow.building.scores import accuracy, errors
from hlsflow.building.session import Session
from hlsflow.datasets.frames import Frames
from hlsflow.foundation.errors import DataError
from hlsflow.foundation.words import possessive
from hlsflow.foundation.workspace import storage_errors
from hlsflow.frontends.witness import reference_outputs, witness_float
from hlsflow.models.model import Samples

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array
    from hlsflow.foundation.log import Step
    from hlsflow.network.graph import Network

def write_reference(session: Session, samples: Samples, folder: Path, step: Step) -> str:
    """Writes the framework's outputs that the gate compares; says how accurate they are where the truth is known."""
    import numpy as np

    frames = samples.load()
    network = session.network()
    if frames.truth is not None and session.task == "classification":
        check_classes(network, samples.source)
    names = list(dict.fromkeys((*network.gate_outputs, *network.outputs)))
    outputs = layer_outputs(
        session, frames, names, progress=lambda done, total: step.progress(done, total, "samples")
    )  # fmt: skip
    with storage_errors(folder):
        np.savez(folder / "outputs.npz", **outputs)
    said = f"{len(frames):,} samples of {samples.dataset}" + _rounded(session, frames, outputs)
    found = outputs[network.gate_outputs[0]]
    right = accuracy(session.task, found, frames.truth)
    off = errors(session.task, outputs[network.outputs[0]], frames.truth)
    if off is not None:
        return f"{said}, mean error {off.mean_abs:g}"
    return said if right is None else f"{said}, accuracy {right:.4f}"


def check_classes(network: Network, source: str) -> None:
    """Raises DataError where outputs tell classes apart in several places, and labels say one of a whole sample."""
    places = prod(network[network.outputs[0]].shape[:-1])
    if places > 1:
        raise DataError(
            f"{source}: a label is one class of a sample, and the model tells classes apart in {places:,} places of it",
            hint="leave the labels out",
        )


def _rounded(session: Session, frames: Frames, outputs: Mapping[str, Array]) -> str:
    """On how many samples the framework's float32 gives other values than float64; nothing where that is not used."""
    import numpy as np

    network = session.network()
    if witness_float(network) == "float32":
        return ""
    own = session.live.outputs(network, frames.inputs, network.gate_outputs)
    differ = [(own[name] != outputs[name]).any(axis=1) for name in network.gate_outputs]
    whose = possessive(session.live.framework)
    return f" in float64, of which {whose} own float32 differs on {int(np.any(differ, axis=0).sum()):,}"


def layer_outputs(session: Session, frames: Frames, names: list[str], **more: Any) -> dict[str, Array]:
    """The framework's outputs of layers, float64 (n, values)."""
    return reference_outputs(session.live, session.network(), frames.inputs, names, **more)
