"""The calibration: reproducible from its table, held-out, shrunk, and honest about what it reaches."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from hlsflow.synthesis.estimate_accuracy import accuracy, accuracy_markdown, smape_percent
from hlsflow.synthesis.estimate_docs import estimation_markdown
from hlsflow.synthesis.estimate_fit import fit_model, fit_weights
from hlsflow.synthesis.estimate_model import MODEL_FILE, UNITS, model_text, read_model
from hlsflow.synthesis.estimate_table import TABLE_FILE, collected_designs, read_table, table_text

ROOT = Path(__file__).parents[1]
REPORTS = Path(os.environ.get("HLSFLOW_REPORTS", ROOT.parent / "shared" / "reports"))


@pytest.fixture(scope="module")
def fitted():
    return fit_model(read_table())


def test_the_shipped_constants_are_what_the_table_gives(fitted):
    assert MODEL_FILE.read_text() == model_text(fitted[0])


def test_the_docs_are_generated_from_the_same(fitted):
    assert (ROOT / "docs" / "estimation.md").read_text() == estimation_markdown(*fitted)


def test_the_table_round_trips():
    assert table_text(read_table()) == TABLE_FILE.read_text()


def test_the_model_round_trips(fitted, tmp_path):
    path = tmp_path / "model.json"
    path.write_text(model_text(fitted[0]))
    assert model_text(read_model(path)) == model_text(fitted[0])


@pytest.mark.skipif(not (REPORTS / "PAIRS.csv").is_file(), reason=f"no collected reports at {REPORTS}")
def test_the_table_is_what_the_reports_give():
    assert table_text([row for _, row in collected_designs(REPORTS)]) == TABLE_FILE.read_text()


# The targets of the project on designs it has not seen; leave-one-repository-out is our measure of that.
@pytest.mark.parametrize(
    ("group", "target", "most"),
    [
        ("parallel", "lut", 12), ("parallel", "ff", 30), ("parallel", "dsp", 5), ("parallel", "bram_18k", 10),
        ("parallel", "latency_cycles", 15), ("parallel", "interval_cycles", 3),
        ("stream", "lut", 35), ("stream", "dsp", 20), ("stream", "latency_cycles", 20),
    ],
)  # fmt: skip
def test_held_out_error(fitted, group, target, most):
    found = accuracy(target, [p for p in fitted[1] if p.row.group == group])
    assert found.smape_percent <= most
    assert found.coverage >= 0.7


def test_no_repository_is_estimated_by_a_fit_that_saw_it(fitted):
    rows = read_table()
    repository = "astitwlathe+example-hls4ml"
    changed = [
        replace(row, measured={name: value * 3 for name, value in row.measured.items()})
        if row.repository == repository
        else row
        for row in rows
    ]
    before = {p.row.source: p.values for p in fitted[1] if p.row.repository == repository}
    after = {p.row.source: p.values for p in fit_model(changed)[1] if p.row.repository == repository}
    assert before == after


def test_without_designs_the_constants_are_the_units():
    assert fit_weights([]) == {target: dict(units) for target, units in UNITS.items()}


def test_smape():
    assert smape_percent([0, 10, 30], [0, 10, 10]) == pytest.approx(100 / 3)


def test_the_accuracy_table_says_what_is_not_modelled(fitted):
    text = accuracy_markdown(fitted[1])
    assert "with layers that are not modelled (LSTM, GRU, attention)" in text
    assert "Vitis HLS from 2022" in text
