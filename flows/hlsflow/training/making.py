"""Making a model of a workspace, by training or out of another one, and writing its folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from hlsflow.compression.derivation import derive
from hlsflow.datasets.dataset import Dataset
from hlsflow.foundation.log import Log
from hlsflow.foundation.workspace import write_bytes, write_text
from hlsflow.models.recipe import RECIPE_FILE, Recipe, Training
from hlsflow.models.source import load_source
from hlsflow.training.files import write_training
from hlsflow.training.record import TrainingRecord
from hlsflow.training.training import Trained, measure, train


def recipe_text(recipe: Recipe) -> str:
    """A recipe as YAML that `load_recipe` reads back as the same recipe."""
    return yaml.safe_dump(recipe.model_dump(mode="json", exclude_defaults=True), sort_keys=False, width=120)


def make_trained(
    recipe: Recipe, dataset: Dataset, model_dir: Path, checkpoint: Path, log: Log, *, teacher_dir: Path | None = None
) -> TrainingRecord:
    """Trains a model and writes its folder, the recipe included where it is not there. Gives the record."""
    trained = train(recipe, dataset, checkpoint=checkpoint, log=log, teacher_dir=teacher_dir)
    _write(recipe, trained, dataset, model_dir, {})
    checkpoint.unlink(missing_ok=True)
    return trained.record


def make_derived(
    source_dir: Path,
    method: Mapping[str, Any],
    dataset: Dataset,
    model_dir: Path,
    checkpoint: Path,
    log: Log,
    *,
    title: str,
    training: Training | None = None,
) -> TrainingRecord:
    """Makes a model out of a trained one, trains it further where `training` is given, and writes its folder."""
    made = derive(load_source(source_dir), method, model_dir.name, dataset, title=title, training=training)
    if training is None:
        trained = measure(made.recipe, dataset, made.weights, facts=made.facts)
    else:
        trained = train(
            made.recipe, dataset, checkpoint=checkpoint, log=log, initial=made.weights, facts=made.facts
        )  # fmt: skip
    _write(made.recipe, trained, dataset, model_dir, made.pictures)
    checkpoint.unlink(missing_ok=True)
    return trained.record


def _write(
    recipe: Recipe, trained: Trained, dataset: Dataset, model_dir: Path, more_pictures: Mapping[str, bytes]
) -> None:
    model_dir.mkdir(parents=True, exist_ok=True)
    if not (model_dir / RECIPE_FILE).is_file() or recipe.derived is not None:
        write_text(model_dir / RECIPE_FILE, recipe_text(recipe))
    for name, content in more_pictures.items():
        write_bytes(model_dir / name, content)
    write_training(recipe, trained, dataset, model_dir)
