"""A record comes back from its file as it went in; a damaged one is an error that names the place."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from comparison_records import record as made_up

from hlsflow.foundation.errors import ReportError
from hlsflow.records.record import BuildRecord, read_record
from hlsflow.records.report import exactness, markdown

ROOT = Path(__file__).resolve().parents[2]


def git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


# What is committed, not what lies in the folder: that may be what a user built.
SHIPPED = [path for path in git("ls-tree", "-r", "--name-only", "HEAD", "reports/").split() if
           path.endswith("/build.json")]  # fmt: skip


def shipped(path: str) -> str:
    return git("show", f"HEAD:{path}")


def record() -> BuildRecord:
    """A made-up record, exact on 10,000 samples."""
    return made_up("small")


@pytest.mark.parametrize("path", SHIPPED)
def test_the_shipped_records_round_trip_and_match_their_reports(path):
    text = shipped(path)
    found = BuildRecord.from_json(text, path)
    assert found.to_json() == text
    assert shipped(path.replace("build.json", "report.md")) == markdown(found)
    assert found.name == path.split("/")[1]
    # Only so can a build on another machine add to it.
    assert found.design is not None and found.reference is not None


@pytest.mark.skipif(not SHIPPED, reason="no git checkout: what was committed is not known")
def test_every_shipped_quantized_model_is_exact_on_real_mnist():
    names = {path.split("/")[1] for path in SHIPPED}
    assert {"qat8", "qap8", "qap8_tuned", "qat8_linear", "qap8_linear"} <= names
    for path in SHIPPED:
        found = BuildRecord.from_json(shipped(path), path)
        if found.trained is not None and found.trained.dataset == "mnist":
            assert (found.samples.dataset, found.samples.count, found.samples.substitute) == ("mnist", 10_000, False)
        assert found.passed
        assert found.emulator is not None and found.emulator.mismatching_values == 0
        if found.gate.kind == "exact":
            assert found.exact


def test_the_float_that_keras_computed_in_is_said_where_it_is_not_the_usual_one():
    usual = record()
    assert usual.keras_float == "float32" and '"keras_float":' not in usual.to_json()
    wide = usual.model_copy(update={"keras_float": "float64"})
    assert BuildRecord.from_json(wide.to_json(), "x") == wide
    assert "integers differ from Keras (10,000 samples)" in exactness(usual)
    assert "integers differ from Keras in float64 (10,000 samples)" in exactness(wide)
    assert "against Keras in float64, since float32 would round" in markdown(wide)
    assert "float64" not in markdown(usual)


def test_one_wrong_integer_is_said():
    content = json.loads(record().to_json())
    content["agreement"][0] |= {"mismatching_values": 1, "mismatching_samples": 1, "max_error_lsb": 2.0}
    content["gate"] |= {"passed": False, "max_abs_error": 0.015625, "failures": ["one differs"]}
    wrong = BuildRecord.from_json(json.dumps(content), "x")
    assert exactness(wrong).startswith("1 of 100,000 integers of 'logits' differ, by up to 2 LSB of fixed<")
    assert "**Gate: FAILED.**" in markdown(wrong)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda text: text[: len(text) // 2], "the whole file: Invalid JSON"),
        (lambda text: text.replace('"part"', '"prat"'), "configuration.part: Field required"),
        (
            lambda text: text.replace('"passed": true', '"passed": "yes"'),
            "gate.passed: Input should be a valid boolean",
        ),
        (lambda text: "", "the whole file: Invalid JSON"),
        (lambda text: "[]", "the whole file: Input should be an object"),
    ],
)
def test_a_damaged_record_names_the_place(change, complaint):
    with pytest.raises(ReportError) as caught:
        BuildRecord.from_json(change(record().to_json()), "reports/x/build.json")
    assert f"reports/x/build.json: {complaint}" in str(caught.value)
    assert "build the model again" in str(caught.value)


def test_a_missing_record_says_what_to_do(tmp_path):
    with pytest.raises(ReportError, match="build the model first"):
        read_record(tmp_path / "build.json")


def test_unknown_figures_are_not_measured():
    empty = record().model_copy(update={"figures": [], "stages": {}})
    assert "Not measured: no estimate and no synthesis was run on this project." in markdown(empty)
