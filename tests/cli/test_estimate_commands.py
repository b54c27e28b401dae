"""`hlsflow estimate`, `calibrate` and `fit` as a user runs them, and a network's design against its project's."""

from __future__ import annotations

import json

import pytest
from comparison_records import record as made_up
from estimate_designs import dense_project, matrix

from hlsflow.__main__ import main


def test_estimate_of_a_folder(tmp_path, capsys):
    folder = dense_project(tmp_path, [matrix(16, 8), matrix(8, 4)])
    assert main(["estimate", str(folder), "--part", "zcu104", "--tool-version", "2023.2"]) == 0
    text = capsys.readouterr().out
    assert "Estimate (nothing measured) for C synthesis by Vitis HLS 2023.2: xczu7ev-ffvc1156-2-e" in text
    assert "80 %" in text


def test_estimate_as_json_is_analytic(tmp_path, capsys):
    assert main(["estimate", str(dense_project(tmp_path, [matrix(16, 8)])), "--json"]) == 0
    records = json.loads(capsys.readouterr().out)
    assert {record["stage"] for record in records} == {"analytic"}
    assert records[0]["ranges"]["lut"]


def test_estimate_of_nothing(capsys):
    assert main(["estimate", "no-such-model"]) == 2
    assert "no built model 'no-such-model'" in capsys.readouterr().err


def test_calibrate_shows_the_accuracy(capsys):
    assert main(["calibrate"]) == 0
    assert "dense, io_parallel: LUT" in capsys.readouterr().out


def test_calibrate_own_without_a_synthesis(workspace, capsys):
    assert main(["calibrate", "--own", "--workspace", str(workspace.root)]) == 2
    assert "no finished synthesis" in capsys.readouterr().err


@pytest.fixture
def synthesized(workspace):
    """A workspace with one build whose csynth figures are made up for the test."""
    record = json.loads(made_up("own").to_json())
    figure = {
        "stage": "csynth", "tool": "Vitis HLS", "tool_version": "2023.2", "part": "xc7z020clg400-1",
        "source_file": "stand-in", "lut": 4000, "ff": 2000, "dsp": 40, "bram_18k": 0, "latency_max_cycles": 9,
        "interval_max_cycles": 1,
    }  # fmt: skip
    record["figures"] = [figure]
    folder = workspace.reports / "own"
    folder.mkdir(parents=True)
    (folder / "build.json").write_text(json.dumps(record))
    dense_project(workspace.build / "own" / "hls", [matrix(16, 8), matrix(8, 4)])
    return workspace


def test_calibrate_own_shows_the_effect_before_it_is_used(synthesized, capsys):
    model = synthesized.root / "estimate_model.json"
    assert main(["calibrate", "--own", "--workspace", str(synthesized.root)]) == 0
    text = capsys.readouterr().out
    assert "nothing was changed" in text
    assert "before -> after" in text
    assert not model.exists()
    assert main(["calibrate", "--own", "--use", "--workspace", str(synthesized.root)]) == 0
    assert json.loads(model.read_text())["own_designs"] == 1


def test_a_synthesis_of_another_design_than_what_is_built_is_no_row(synthesized, capsys):
    path = synthesized.reports / "own" / "build.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "design": "d" * 64}))
    assert main(["calibrate", "--own", "--workspace", str(synthesized.root)]) == 2
    said = capsys.readouterr()
    assert "own" in said.err + said.out and "no finished synthesis" in said.err


@pytest.mark.slow
def test_fit_writes_an_editable_configuration_that_loads(workspace, capsys, monkeypatch):
    """It loads Keras: some ten seconds."""
    monkeypatch.setenv("HLSFLOW_WORKSPACE", str(workspace.root))
    assert main(["fit", "digits6", "pynq-z2", "--confidence", "0.9"]) == 0
    out = capsys.readouterr().out
    assert "one notch faster" in out and "it fits with 90% confidence" in out

    from hlsflow.hls.config import load_hls_config

    path = workspace.hls_configs / "digits6.pynq-z2-confidence90.yaml"
    assert "by `hlsflow fit digits6 pynq-z2 --goal latency --confidence 0.9`" in path.read_text()
    fitted = load_hls_config(path)
    base = load_hls_config(workspace.hls_configs / "digits6.yaml")
    assert fitted.part == "xc7z020clg400-1"
    assert {name: layer.precision for name, layer in fitted.layers.items()} == {
        name: layer.precision for name, layer in base.layers.items()
    }
    # What was promised is what the configuration makes, estimated as a whole.
    from hlsflow.estimation.estimate import estimate
    from hlsflow.estimation.model import shipped_model
    from hlsflow.estimation.network import design_of_layers
    from hlsflow.hls.lint import lint
    from hlsflow.network.file import load_network

    layers = lint(load_network(workspace.build / "digits6" / "network"), fitted).layers
    whole = estimate(design_of_layers("digits6", layers, fitted), shipped_model()).values
    assert f"total: LUT {whole['lut']:,.0f} (" in out and f"latency {whole['latency_cycles']:,.0f} cycles" in out
    # The network is there by now: a device that is too small is said without what does not help.
    assert main(["fit", "digits6", "arty-a7-35t"]) == 4
    said = capsys.readouterr().err
    assert "does not fit xc7a35t" in said and "a larger device: --fit " in said and "no reuse factor reduces" in said


def test_fit_names_an_unknown_board(workspace, capsys):
    assert main(["fit", "qap8", "pinq-z2", "--workspace", str(workspace.root)]) == 3
    assert "did you mean 'pynq-z2'?" in capsys.readouterr().err


@pytest.mark.parametrize("model", ["qap8", "digits6"])
def test_a_network_is_estimated_like_the_project_made_of_it(model, converted):
    from hlsflow.estimation.estimate import estimate
    from hlsflow.estimation.model import shipped_model
    from hlsflow.estimation.network import design_of_layers
    from hlsflow.estimation.read import design_of, target_of
    from hlsflow.estimation.source import read_source
    from hlsflow.hls.config import load_hls_config
    from hlsflow.hls.lint import lint
    from hlsflow.network.file import load_network

    built = converted.build / model
    config = load_hls_config(converted.root / "hls_configs" / f"{model}.yaml")
    linted = lint(load_network(built / "network"), config)
    network = estimate(design_of_layers(model, linted.layers, config), shipped_model())
    source = read_source(built / "hls")
    project = estimate(design_of(source, target_of(source)), shipped_model())
    assert network.values == project.values
