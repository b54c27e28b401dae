"""Carrying one point of a sweep through: the model, its configuration, its build, its row."""

from __future__ import annotations

import inspect
import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from hlsflow.building.pipeline import build, locked
from hlsflow.building.plan import BuildRequest
from hlsflow.datasets.dataset import Dataset, dataset_digest, load_dataset
from hlsflow.exploring.models import SweepModels
from hlsflow.exploring.point_steps import compress, config, tflite
from hlsflow.exploring.row import Row, hardware_of
from hlsflow.exploring.spec import SweepPoint, TargetSpec
from hlsflow.foundation.errors import HlsflowError, MismatchError, ModelError
from hlsflow.foundation.log import Log, Step
from hlsflow.foundation.steps import Steps, file_digest
from hlsflow.foundation.workspace import write_bytes, write_text
from hlsflow.frontends.keras.files.found import WEIGHTS_FILE
from hlsflow.keys.work import work_of
from hlsflow.models.recipe import RECIPE_FILE, Recipe, load_recipe
from hlsflow.records.evidence_files import own_record_path
from hlsflow.records.record import read_record
from hlsflow.training.record import RECORD_FILE, TrainingRecord, is_trained, load_record

_STEPS = "hlsflow.exploring.point_steps"
# The registry of methods: the text counts, and of the methods the chosen one.
_METHODS = "hlsflow.compression.methods"


def run_point(models: SweepModels, point: SweepPoint, data_dir: Path | None, log: Log) -> Row:
    """The row of a point, whose steps are done only where they are not done yet.

    Raises HlsflowError where the point fails. A gate that does not pass is a row that says so, not a failure.
    """
    folder = models.own.build / f"{point.name}@making"
    with locked(folder, log):
        steps = Steps(folder=folder, log=log)
        steps.clean()
        if point.kind == "tflite":
            return _tflite(models, point, data_dir, steps)
        record = _model(models, point, data_dir, steps)
        recipe = load_recipe(models.own.models / point.name)
        row = Row(
            **_identity(point),
            dataset=_dataset_text(recipe),
            dataset_source=record.dataset_source,
            accuracy=record.accuracy.test,
            parameter_count=record.parameters,
            weights_file_bytes=(models.own.models / point.name / WEIGHTS_FILE).stat().st_size,
            facts=record.facts,
            note=point.note,
        )
        if not point.hardware:
            return row
        _configuration(models, point.name, point.target, data_dir, steps)
    # `hlsflow build` locks the model's own folder.
    return row.model_copy(update=_hardware(models, point, data_dir, log))


def row_path(models: SweepModels, point: SweepPoint) -> Path:
    """Where the row of a point is kept."""
    return models.own.root / "rows" / f"{point.name}.json"


def failed_row(point: SweepPoint, reason: str) -> Row:
    """The row of a point that failed."""
    return Row(**_identity(point), note=point.note, error=reason)


def _identity(point: SweepPoint) -> dict[str, Any]:
    return {
        "point": point.name,
        "title": point.title,
        "family": point.family,
        "kind": point.kind,
        "parameters": dict(point.parameters),
        "columns": dict(point.columns),
    }


def _dataset_text(recipe: Recipe) -> str:
    return recipe.dataset if recipe.classes is None else f"{recipe.dataset} {' / '.join(map(str, recipe.classes))}"


def _text(function: Callable[..., Any]) -> str:
    """The source of what hands a step its inputs. Not of the module: a change of its rest shall train nothing anew."""
    return inspect.getsource(function)


@cache
def _dataset(name: str, data_dir: Path | None) -> Dataset:
    return load_dataset(name, data_dir)


def _digest_of_data(name: str, data_dir: Path | None) -> str | None:
    found = dataset_digest(name, data_dir)
    return None if found is None else found[0]


def _model(models: SweepModels, point: SweepPoint, data_dir: Path | None, steps: Steps) -> TrainingRecord:
    """The training record of a point's model, made where it is not there as the point asks for it."""
    model_dir = models.own.models / point.name
    checkpoint = steps.folder / "checkpoint.npz"
    if point.kind == "model":
        _copy(models.shipped.models / str(point.body), model_dir, point)
    elif point.kind == "train":
        _train(models, point, data_dir, model_dir, checkpoint, steps.log)
    else:
        _compress(models, point, data_dir, model_dir, checkpoint, steps)
    return load_record(model_dir)


def _copy(source: Path, model_dir: Path, point: SweepPoint) -> None:
    """A model of the checkout under the point's name, with its weights as they are."""
    from hlsflow.training.making import recipe_text

    recipe = load_recipe(source)
    if not (source / WEIGHTS_FILE).is_file():
        raise ModelError(f"no weights at {source / WEIGHTS_FILE}", hint=f"train it: hlsflow train {recipe.name}")
    for name in (WEIGHTS_FILE, RECORD_FILE):
        write_bytes(model_dir / name, (source / name).read_bytes())
    write_text(model_dir / RECIPE_FILE, recipe_text(recipe.model_copy(update={"name": point.name})))


def _train(
    models: SweepModels, point: SweepPoint, data_dir: Path | None, model_dir: Path, checkpoint: Path, log: Log
) -> None:

    recipe = models.recipe(point)
    teacher_dir = models.folder(point.needs[0]) if point.needs else None
    if is_trained(recipe, model_dir) and _trained_on(model_dir, _digest_of_data(recipe.dataset, data_dir)):
        taught = load_record(model_dir).teacher_weights_sha256
        if teacher_dir is None or taught == file_digest(teacher_dir / WEIGHTS_FILE):
            return
    from hlsflow.training.making import make_trained, recipe_text

    write_text(model_dir / RECIPE_FILE, recipe_text(recipe))
    with log.step("training") as step:
        record = make_trained(
            recipe, _dataset(recipe.dataset, data_dir), model_dir, checkpoint, log, teacher_dir=teacher_dir
        )
        step.detail = f"accuracy {record.accuracy.test:.4f}"


def _trained_on(model_dir: Path, sha256: str | None) -> bool:
    return sha256 is None or load_record(model_dir).dataset_sha256 == sha256


def _compress(
    models: SweepModels,
    point: SweepPoint,
    data_dir: Path | None,
    model_dir: Path,
    checkpoint: Path,
    steps: Steps,
) -> None:
    from hlsflow.compression.methods import METHODS

    asked, training = models.compression(point), models.training(point)
    source = models.folder(asked.source)
    name = load_recipe(source).dataset
    method = METHODS[asked.method["name"]].module
    inputs = {
        "method": asked.method,
        "training": None if training is None else training.model_dump(mode="json"),
        "source": file_digest(source / WEIGHTS_FILE),
        "recipe": load_recipe(source).sha256(),
        "title": point.title,
        "data": _digest_of_data(name, data_dir),
        "asked": _text(_compress),
        "work": work_of(f"{_STEPS}.compress", method, ends=(_METHODS,)),
    }

    def make(folder: Path, step: Step) -> str:
        return compress.derive_model(
            source, asked.method, lambda: _dataset(name, data_dir), model_dir, checkpoint, steps.log,
            title=point.title, training=training, folder=folder,
        )  # fmt: skip

    kept = steps.folder / "compress" / compress.RESULT_FILE
    weights = model_dir / WEIGHTS_FILE
    if kept.is_file() and not (weights.is_file() and kept.read_text() == file_digest(weights)):
        shutil.rmtree(steps.folder / "compress")
    steps.run("compress", inputs, make)


def _configuration(
    models: SweepModels, name: str, target: TargetSpec, data_dir: Path | None, steps: Steps
) -> None:  # fmt: skip
    """The exact configuration of a model (or the measured one of a network without quantizers), derived and written."""
    model_dir = models.own.models / name
    recipe = load_recipe(model_dir)
    inputs = {
        "recipe": recipe.sha256(),
        "weights": file_digest(model_dir / WEIGHTS_FILE),
        "target": target.model_dump(mode="json"),
        "data": _digest_of_data(recipe.dataset, data_dir),
        "asked": _text(_configuration),
        "work": work_of(f"{_STEPS}.config"),
    }

    def derive(folder: Path, step: Step) -> str:
        return config.derive_configuration(models.own, name, target, data_dir, steps.log, folder)

    folder = steps.run("config", inputs, derive)
    write_text(models.own.hls_configs / f"{name}.yaml", (folder / config.RESULT_FILE).read_text())


def _hardware(models: SweepModels, point: SweepPoint, data_dir: Path | None, log: Log) -> dict[str, Any]:
    """The row's fields of a point's build. A mismatch is in them; every other failure is raised."""
    request = BuildRequest(model=point.name, data_dir=data_dir, samples=models.sweep.spec.samples)
    try:
        record = build(models.own, request, log).record
    except MismatchError:
        record = read_record(own_record_path(models.own.build / point.name))
    return hardware_of(record)


def _tflite(models: SweepModels, point: SweepPoint, data_dir: Path | None, steps: Steps) -> Row:
    """The row of a TensorFlow Lite model: its own figures, and no hardware."""
    from hlsflow.compression.tflite import Parameters
    from hlsflow.foundation.strict_yaml import validate

    source_dir = models.folder(point.needs[0])
    recipe = load_recipe(source_dir)
    values = {key: value for key, value in point.body.items() if key != "source"}
    parameters = validate(Parameters, values, f"{models.sweep.path}: point {point.name}: tflite")
    inputs = {
        "parameters": parameters.model_dump(mode="json"),
        "source": file_digest(source_dir / WEIGHTS_FILE),
        "recipe": recipe.sha256(),
        "data": _digest_of_data(recipe.dataset, data_dir),
        "asked": _text(_tflite),
        "work": work_of(f"{_STEPS}.tflite"),
    }

    def convert(folder: Path, step: Step) -> str:
        return tflite.convert_tflite(source_dir, parameters, lambda: _dataset(recipe.dataset, data_dir), folder)

    folder = steps.run("tflite", inputs, convert)
    figures = json.loads((folder / tflite.RESULT_FILE).read_text())
    data = dataset_digest(recipe.dataset, data_dir)
    return Row(
        **_identity(point),
        dataset=_dataset_text(recipe),
        dataset_source=None if data is None else data[1],
        accuracy=figures.pop("accuracy"),
        weights_file_bytes=figures.get("file_bytes"),
        facts=figures,
        note=point.note,
    )


def message_of(error: HlsflowError) -> str:
    """A failure in one line, for the table."""
    return str(error).split("\n", 1)[0]
