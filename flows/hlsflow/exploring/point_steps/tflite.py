"""The step `tflite`: a TensorFlow Lite model and its own figures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from hlsflow.foundation.workspace import storage_errors

if TYPE_CHECKING:
    from hlsflow.compression.tflite import Parameters
    from hlsflow.datasets.dataset import Dataset

RESULT_FILE = "figures.json"


def convert_tflite(source: Path, parameters: Parameters, dataset: Callable[[], Dataset], folder: Path) -> str:
    """Writes the model and its figures, and says how accurate it is. `dataset` loads the data."""
    from hlsflow.compression.tflite import make_tflite
    from hlsflow.models.source import load_source

    data = dataset()
    figures = make_tflite(load_source(source), parameters, data, folder)
    with storage_errors(folder):
        (folder / RESULT_FILE).write_text(json.dumps(figures, indent=1))
    return f"accuracy {figures['accuracy']:.4f}"
