"""What a training gave, as `models/<name>/training.json`."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from hlsflow.foundation.errors import ModelError
from hlsflow.foundation.steps import file_digest
from hlsflow.frontends.keras.files.found import WEIGHTS_FILE
from hlsflow.frontends.keras.sparsity import LayerSparsity
from hlsflow.models.recipe import Recipe

RECORD_FILE = "training.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Samples:
    """How many images each part of the dataset has: the trained part, the validation part, the test set."""

    train: int
    validation: int
    test: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """A figure for each part of the dataset."""

    train: float
    validation: float
    test: float


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """One value for each epoch. `loss` and `accuracy` are means over the epoch, with dropout and changing weights."""

    loss: tuple[float, ...]
    accuracy: tuple[float, ...]
    validation_loss: tuple[float, ...]
    validation_accuracy: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingRecord:
    """A training's outcome. Accuracies are shares 0..1 of the final weights, quantized as in inference.

    A model that was made out of another one and not trained has an empty history; `facts` are figures of its method.
    """

    model: str
    recipe_sha256: str
    weights_sha256: str
    dataset: str
    dataset_sha256: str
    dataset_source: str
    seed: int
    parameters: int
    samples: Samples
    accuracy: Split
    loss: Split
    history: History
    layers: tuple[LayerSparsity, ...]
    versions: dict[str, str]
    teacher_weights_sha256: str | None = None
    facts: dict[str, int | float | str] = field(default_factory=dict)

    def to_json(self) -> str:
        """The record as indented JSON; equal records give equal text. What a plain training has not is left out."""
        values = asdict(self)
        for key in ("teacher_weights_sha256", "facts"):
            if not values[key]:
                del values[key]
        return json.dumps(values, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> TrainingRecord:
        """The record that `to_json` wrote. Raises pydantic's ValidationError (a ValueError)."""
        return TypeAdapter(cls).validate_json(text)


def load_record(model_dir: str | os.PathLike[str]) -> TrainingRecord:
    """The training record of a model folder. Raises ModelError where it is missing or no record."""
    path = Path(model_dir) / RECORD_FILE
    how = f"train the model: hlsflow train --model {path.resolve().parent.name} --force"
    try:
        return TrainingRecord.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(f"no training record at {path}", hint=how) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"cannot read {path}: {error}", hint=how) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ModelError(f"{path}: {f'{place}: ' if place else ''}{first['msg']}", hint=how) from error


def is_trained(recipe: Recipe, model_dir: Path) -> bool:
    """Whether a model folder holds the whole outcome of training this very recipe. Imports no TensorFlow."""
    weights = model_dir / WEIGHTS_FILE
    if not weights.is_file() or not (model_dir / RECORD_FILE).is_file():
        return False
    try:
        record = load_record(model_dir)
    except ModelError:
        return False
    return record.recipe_sha256 == recipe.sha256() and record.weights_sha256 == file_digest(weights)


def versions() -> dict[str, str]:
    """The versions of what decides a training's numbers."""
    packages = ("keras", "numpy", "qkeras", "tensorflow-cpu", "tensorflow-model-optimization")
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in packages}
