"""The step `compress`: a model derived from another by a compression method."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsflow.foundation.workspace import storage_errors

if TYPE_CHECKING:
    from hlsflow.datasets.dataset import Dataset
    from hlsflow.foundation.log import Log
    from hlsflow.models.recipe import Training

# What vouches for the files in the model's folder.
RESULT_FILE = "weights_sha256"


def derive_model(
    source: Path,
    method: Mapping[str, Any],
    dataset: Callable[[], Dataset],
    model_dir: Path,
    checkpoint: Path,
    log: Log,
    *,
    title: str,
    training: Training | None,
    folder: Path,
) -> str:
    """Makes the model's folder, writes the digest of its weights into the step's, and says how accurate it is.

    `dataset` loads the data.
    """
    from hlsflow.training.making import make_derived

    record = make_derived(source, method, dataset(), model_dir, checkpoint, log, title=title, training=training)
    with storage_errors(folder):
        (folder / RESULT_FILE).write_text(record.weights_sha256)
    return f"accuracy {record.accuracy.test:.4f}"
