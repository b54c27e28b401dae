from pathlib import Path

import pytest

from hlsflow.exploring.models import SweepModels, merged
from hlsflow.exploring.spec import load_spec
from hlsflow.foundation.errors import ConfigError
from hlsflow.foundation.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
HEAD = "name: grid\ntitle: A grid\n"


def written(tmp_path, text, name="grid"):
    path = tmp_path / f"{name}.yaml"
    path.write_text(text)
    return path


def models_of(tmp_path, text):
    sweep = load_spec(written(tmp_path, HEAD + text))
    return SweepModels(sweep=sweep, own=Workspace(root=tmp_path / "own"), shipped=Workspace(root=ROOT))


def test_a_family_is_the_product_of_its_lists_times_its_sets(tmp_path):
    text = """points:
  - name: p_${bits}_${share}_${kind}
    title: "${bits} bits, ${share}"
    for: {bits: [4, 8], share: [0.1, 0.5]}
    each: [{kind: a}, {kind: b}]
    train: {like: qap8, seed: "${bits}", compression: {pruning: {final_sparsity: "${share}"}}}
    columns: {method: "QAP ${kind}"}
"""
    sweep = load_spec(written(tmp_path, HEAD + text))
    assert len(sweep.points) == 8
    first, last = sweep.points[0], sweep.points[-1]
    assert (first.name, first.title, first.columns) == ("p_4_0p1_a", "4 bits, 0.1", {"method": "QAP a"})
    assert last.parameters == {"bits": 8, "share": 0.5, "kind": "b"}
    # A text that is nothing but the parameter takes its type.
    assert last.body["seed"] == 8
    assert last.body["compression"]["pruning"]["final_sparsity"] == 0.5


def test_a_recipe_takes_over_what_it_does_not_say(tmp_path):
    text = """points:
  - name: a
    train: {like: qap8, seed: 7, compression: {pruning: null}}
  - name: b
    train: {like: a, training: {epochs: 2}}
"""
    models = models_of(tmp_path, text)
    models.check()
    recipe = models.recipe(models.sweep.point("b"))
    assert (recipe.name, recipe.seed, recipe.training.epochs) == ("b", 7, 2)
    assert recipe.compression.pruning is None
    assert str(recipe.compression.quantization.of("fc1", "kernel")) == "quantized_bits(8,4,alpha=1)"


def test_merging_lays_changes_over_and_takes_nulls_away():
    base = {"a": {"x": 1, "y": 2}, "b": 3}
    assert merged(base, {"a": {"y": None, "z": {"w": None, "v": 4}}, "b": {"c": 5}}) == {
        "a": {"x": 1, "z": {"v": 4}},
        "b": {"c": 5},
    }
    assert base == {"a": {"x": 1, "y": 2}, "b": 3}


def test_a_point_waits_for_its_source_and_its_teacher(tmp_path):
    text = """points:
  - name: student
    train: {like: float, compression: {distillation: {teacher: big, temperature: 10, alpha: 0.1}}}
  - name: big
    train: {like: float, architecture: {units: [300, 10]}}
  - name: small
    compress: {source: student, method: {name: magnitude_pruning, percent: 30}}
"""
    models = models_of(tmp_path, text)
    models.check()
    assert [point.needs for point in models.sweep.points] == [("big",), (), ("student",)]
    assert models.folder("big") == models.own.models / "big"
    assert models.folder("float") == ROOT / "models" / "float"
    assert models.dataset_of("small") == "mnist"


@pytest.mark.parametrize(
    "text, message",
    [
        ("points: [{name: a}]", "points.0: say one of model, train, compress, tflite; found none"),
        ("points: [{name: a, model: float, train: {}}]", "found model, train"),
        ("points: [{name: 'a b', model: float}]", "'a b' is no name"),
        ("points: [{name: 'a${bit}', model: float, for: {bits: [1]}}]", "${bit}: no such parameter; did you mean"),
        ("points: [{name: a, model: float, for: {bits: [1, 2]}}]", "two are named 'a'"),
        ("points: [{name: a, model: float, for: {bits: []}}]", "for.bits"),
        ("points: [{name: a, model: float, hardware: false}]", "note: say why this point has no hardware"),
        ("points: [{name: a, model: float, target: {io_typ: io_stream}}]", "target: io_typ: unknown key; did you mean"),
        ("points: [{name: a, modl: float}]", "modl: unknown key; did you mean 'model'?"),
        ("points: []", "points"),
        ("points: [{name: a, model: float}]\nplots: [{file: a.png, title: t, x: a, y: b, points: [c]}]", "family 'c'"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_file_is_named(tmp_path, text, message):
    path = written(tmp_path, HEAD + text)
    with pytest.raises(ConfigError) as caught:
        load_spec(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


def test_the_name_is_the_file_s(tmp_path):
    with pytest.raises(ConfigError, match="'grid' is not the file's name 'other'"):
        load_spec(written(tmp_path, HEAD + "points: [{name: a, model: float}]", "other"))


@pytest.mark.parametrize(
    "text, message",
    [
        ("points: [{name: a, model: flot}]", "no model 'flot' in this sweep or in models/; did you mean 'float'?"),
        ("points: [{name: a, train: {like: flot}}]", "train.like: no model 'flot'"),
        ("points: [{name: a, train: {like: b}}, {name: b, train: {like: a}}]", "a like b like a is a circle"),
        ("points: [{name: a, train: {like: float, sed: 1}}]", "train: sed: unknown key; did you mean 'seed'?"),
        ("points: [{name: a, compress: {source: float, method: {name: magnitude}}}]", "no method 'magnitude'"),
        ("points: [{name: a, compress: {source: float}}]", "compress: method: missing"),
        (
            "points: [{name: a, compress: {source: b, method: {name: low_rank, rank: 4}}},"
            " {name: b, compress: {source: a, method: {name: low_rank, rank: 4}}}]",
            "points a, b are made from one another in a circle",
        ),
    ],
)
def test_a_mistake_between_the_points_is_named_before_any_work(tmp_path, text, message):
    models = models_of(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        models.check()
    assert message in str(caught.value)
