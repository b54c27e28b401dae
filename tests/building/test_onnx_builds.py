"""One command from a file of ONNX to a gated project, and one sentence where what reads it is not installed."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from hlsflow.__main__ import main
from hlsflow.frontends.onnx.front_end import ONNX

# A ModelProto: an IR version, then a graph.
HEAD = bytes((0x08, 8, 0x3A, 0))


def test_without_its_packages_a_file_of_onnx_ends_in_the_one_command(tmp_path, monkeypatch, capsys):
    path = tmp_path / "m.onnx"
    path.write_bytes(HEAD)
    monkeypatch.setitem(sys.modules, "qonnx", None)
    words = ["build", "--model", str(path), "--workspace", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["hlsflow", *words])
    assert main(words) == 7
    said = capsys.readouterr().err
    assert "this needs ONNX, and there is no " in said and "no qonnx here" in said
    assert f"uv run --extra onnx hlsflow build --model {path}" in said


needed = pytest.mark.skipif(bool(ONNX.needs.missing), reason="no onnx, onnxruntime or qonnx: uv run --extra onnx")


@needed
@pytest.mark.slow
def test_a_quantized_image_model_is_exact_and_its_report_names_qonnx(tmp_path, capsys):
    from onnx_models.making import Maker

    maker = Maker((2, 6, 5))
    y = maker.conv(maker.quant("x0", 0.0731, 6), 2, 4, 3, 3, weight=maker.weights(4, 2, 3, 3, scale=0.043))
    y = maker.relu_quant(maker.norm(y, 4), 0.0913, 4)
    y = maker.dense(maker.node("Flatten", y), 48, 3)
    (tmp_path / "m.onnx").write_bytes(maker.model(maker.quant(y, 0.25, 6)).SerializeToString())
    rng = np.random.default_rng(0)
    frames = rng.integers(-64, 64, (200, 2, 6, 5)) / 32
    np.savez(tmp_path / "d.npz", x=frames, y=rng.integers(0, 3, 200))
    words = ["--data", str(tmp_path / "d.npz"), "--task", "classification", "--workspace", str(tmp_path)]
    assert main(["build", "--model", str(tmp_path / "m.onnx"), *words]) == 0
    capsys.readouterr()
    record = json.loads((tmp_path / "reports" / "m" / "build.json").read_text())
    assert record["framework"] == "qonnx" and record["gate"]["kind"] == "exact" and record["gate"]["passed"]
    assert record["samples"]["count"] == 200
    text = (tmp_path / "reports" / "m" / "report.md").read_text()
    assert "0 of 600 output integers differ from qonnx in float64 (200 samples)" in text
    assert "against qonnx in float64" in text and "Keras" not in text
    assert "| qonnx |" in text


@needed
def test_what_needs_layers_of_keras_says_so(tmp_path, capsys):
    from onnx_models.making import Maker

    maker = Maker((8,))
    (tmp_path / "m.onnx").write_bytes(maker.model(maker.dense("x0", 8, 3)).SerializeToString())
    (tmp_path / "models").mkdir()
    assert main(["add", str(tmp_path / "m.onnx"), "--workspace", str(tmp_path)]) == 0
    assert main(["weights", "export", "m", str(tmp_path / "w.safetensors"), "--workspace", str(tmp_path)]) == 2
    assert "'m' is a model of ONNX, whose weights are in its own file" in capsys.readouterr().err
