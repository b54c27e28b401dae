"""The step `reference`: what Keras gives for the samples, the gate's first witness."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsflow.building.session import Session
from hlsflow.datasets.verification_samples import SampleSet
from hlsflow.foundation.workspace import storage_errors

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array
    from hlsflow.foundation.log import Step


def write_reference(session: Session, samples: SampleSet, folder: Path, step: Step) -> str:
    """Writes the outputs of Keras that the gate compares and the samples' classes, and says how accurate they are."""
    import numpy as np

    pixels, classes = samples.load()
    network = session.network()
    names = list(dict.fromkeys((*network.gate_outputs, *network.outputs)))
    outputs = layer_outputs(
        session, pixels, names, progress=lambda done, total: step.progress(done, total, "samples")
    )  # fmt: skip
    with storage_errors(folder):
        np.savez(folder / "outputs.npz", **outputs)
        np.save(folder / "classes.npy", classes)
    accuracy = float(np.mean(outputs[network.gate_outputs[0]].argmax(axis=1) == classes))
    return f"{len(pixels):,} samples of {samples.dataset}, accuracy {accuracy:.4f}"


def layer_outputs(session: Session, pixels: Array, names: list[str], **more: Any) -> dict[str, Array]:
    """Outputs of layers, float64, for uint8 pixels."""
    from hlsflow.frontends.reference import reference_outputs
    from hlsflow.models.zoo import preprocess

    return reference_outputs(session.model, session.network(), [preprocess(session.recipe, pixels)], names, **more)
