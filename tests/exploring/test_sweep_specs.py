"""Every sweep that is shipped can be meant: found out here in a second, not after hours of training."""

import itertools
from pathlib import Path

import pytest

from hlsflow.compression.derivation import parse_method
from hlsflow.compression.tflite import KINDS, Parameters
from hlsflow.exploring.models import SweepModels
from hlsflow.exploring.row import ESTIMATES, Row
from hlsflow.exploring.spec import load_spec
from hlsflow.foundation.errors import ConfigError
from hlsflow.foundation.strict_yaml import validate
from hlsflow.foundation.workspace import Workspace
from hlsflow.models.recipe import Recipe

ROOT = Path(__file__).resolve().parents[2]
SPECS = sorted((ROOT / "sweeps").glob("*.yaml"))
SHIPPED = Workspace(root=ROOT)
# What the course's table is made of.
DATASETS = ("mnist", "fashion_mnist", "cifar10")
# Methods and how many points each has at least; CIFAR-10, whose networks are the largest, does without 4 bits.
METHODS = {"float": 1, "pruned": 2, "PTQ": 1, "QAT": 1, "QAP": 2}


def models_of(path: Path, tmp_path: Path) -> SweepModels:
    return SweepModels(sweep=load_spec(path), own=Workspace(root=tmp_path), shipped=SHIPPED)


@pytest.fixture(params=SPECS, ids=lambda path: path.stem)
def models(request, tmp_path):
    return models_of(request.param, tmp_path)


def test_the_specifications_are_shipped():
    assert {"datasets", "tflite"} <= {path.stem for path in SPECS}


def test_everything_that_is_checked_before_a_run_is_right(models):
    models.check()


def test_names_are_of_one_point_each(models):
    names = [point.name for point in models.sweep.points]
    assert len(names) == len(set(names)) > 0
    # As long as a recipe's name may be.
    assert max(map(len, names)) <= 64


def test_sources_teachers_and_likes_are_models(models):
    known = {point.name for point in models.sweep.points} | set(SHIPPED.model_names())
    for point in models.sweep.points:
        named = [*point.needs]
        if point.kind == "model":
            named.append(point.body)
        if point.kind == "train" and "like" in point.body:
            named.append(point.body["like"])
        assert set(named) <= known, point.name
        assert point.name not in point.needs


def test_recipes_and_parameters_of_methods_are_read(models):
    for point in models.sweep.points:
        if point.kind == "train":
            recipe = models.recipe(point)
            # What is written into the model's folder says the same.
            assert validate(Recipe, recipe.model_dump(mode="json", exclude_defaults=True), point.name) == recipe
            assert recipe.name == point.name
        elif point.kind == "compress":
            parse_method(models.compression(point).method, point.name)
            models.training(point)
        elif point.kind == "tflite":
            validate(Parameters, {key: value for key, value in point.body.items() if key != "source"}, point.name)


def test_pictures_are_over_columns_that_some_row_has(models):
    for plot in models.sweep.spec.plots:
        points = [point for point in models.sweep.points if plot.points is None or point.family in plot.points]
        known = {*ESTIMATES, *Row.model_fields, "size_bytes"}
        known |= {name for point in points for name in (*point.parameters, *point.columns)}
        for column in (plot.x, plot.y, plot.series):
            assert column is None or column.startswith("facts.") or column in known, f"{plot.file}: {column}"


@pytest.mark.parametrize(
    "name, old, new, message",
    [
        ("tflite", "like: float", "like: flat", "no model 'flat'"),
        ("tflite", "kind: dense_dynamic_int8}", "kind: dense_int8}", "kind: input should be"),
        ("datasets", "source: ${dataset}_float", "source: ${dataset}_flot", "no model 'mnist_flot'"),
        ("datasets", "half_range: best", "half_rang: best", "half_rang: unknown key; did you mean 'half_range'?"),
        ("datasets", "quantized_relu(${bits},2)", "quantized_rel(${bits},2)", "unknown quantizer 'quantized_rel'"),
        ("datasets", "_qat_${bits}bit", "_qat", "two are named 'mnist_qat'"),
    ],
)
def test_a_mistake_in_one_of_them_is_found(name, old, new, message, tmp_path):
    text = (ROOT / "sweeps" / f"{name}.yaml").read_text()
    assert old in text
    path = tmp_path / f"{name}.yaml"
    path.write_text(text.replace(old, new))
    with pytest.raises(ConfigError) as failure:
        models_of(path, tmp_path).check()
    assert message in str(failure.value)


def test_the_table_of_datasets_has_every_method_on_every_dataset_with_all_columns(tmp_path):
    models = models_of(ROOT / "sweeps" / "datasets.yaml", tmp_path)
    found = {}
    for point in models.sweep.points:
        columns = {**point.columns, **point.parameters}
        assert {"dataset", "method", "bits", "sparsity"} <= columns.keys(), point.name
        assert models.dataset_of(point.name) == columns["dataset"], point.name
        assert point.hardware
        if point.kind == "train":
            compression = models.recipe(point).compression
            assert (compression.pruning.final_sparsity if compression.pruning else 0) == columns["sparsity"]
            bits = compression.quantization.of("fc1", "kernel").bits if compression.quantization else 32
            assert bits == columns["bits"]
        key = columns["dataset"], columns["method"]
        found[key] = found.get(key, 0) + 1
    assert set(found) == set(itertools.product(DATASETS, METHODS))
    assert all(count >= METHODS[method] for (_, method), count in found.items())


def test_tflite_has_every_kind_of_both_networks_beside_the_hardware(tmp_path):
    models = models_of(ROOT / "sweeps" / "tflite.yaml", tmp_path)
    kinds = {(point.body["source"], point.body["kind"]) for point in models.sweep.points if point.kind == "tflite"}
    assert kinds >= set(itertools.product(("float", "cnn"), KINDS))
    hardware = {point.name for point in models.sweep.points if point.kind != "tflite"}
    assert hardware == {"float", "pruned", "qat8", "qap8", "qap8_tuned", "cnn"}
    assert all(point.hardware for point in models.sweep.points if point.kind != "tflite")
