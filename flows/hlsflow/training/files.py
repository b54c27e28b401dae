"""The files of a trained model: pictures and weights first, the record last, so that a record vouches for all."""

from __future__ import annotations

from pathlib import Path

from hlsflow.datasets.dataset import Dataset, select_classes
from hlsflow.foundation.workspace import write_bytes, write_text
from hlsflow.frontends.keras.files.found import WEIGHTS_FILE
from hlsflow.models.recipe import Recipe
from hlsflow.training import pictures
from hlsflow.training.record import RECORD_FILE
from hlsflow.training.training import Trained


def write_training(recipe: Recipe, trained: Trained, dataset: Dataset, model_dir: Path) -> tuple[str, ...]:
    """Writes all files of a training and gives their names. Raises StorageError."""
    classes = select_classes(dataset, recipe.classes).y_test
    files = {"curves.png": pictures.curves(trained.record)} if trained.record.history.loss else {}
    names = pictures.class_names(dataset.name, recipe.classes)
    files |= {
        "confusion.png": pictures.confusion(trained.record, classes, trained.predicted, names),
        "weights.png": pictures.weight_histograms(trained.record, trained.model),
        WEIGHTS_FILE: trained.weights,
    }
    for name, content in files.items():
        write_bytes(model_dir / name, content)
    write_text(model_dir / RECORD_FILE, trained.record.to_json())
    return (*files, RECORD_FILE)
