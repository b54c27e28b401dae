"""`hlsflow add FILE` and `hlsflow build --model FILE`: what a person types, and what they read."""

from __future__ import annotations

import numpy as np
import pytest
from model_files import dense, entrance, functional, layer, weights_of, write_h5

from hlsflow.__main__ import main
from hlsflow.building.configure import drop_derived
from hlsflow.foundation.log import Log
from hlsflow.foundation.workspace import Workspace
from hlsflow.hls.config_seal import sealed


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("hlsflow.foundation.workspace.checkout", lambda: None)
    monkeypatch.delenv("HLSFLOW_WORKSPACE", raising=False)
    return write_h5(tmp_path / "net.h5", functional(entrance(), dense("d", "x")), weights_of("d"))


def test_a_file_is_added_and_the_next_command_named(file, capsys):
    assert main(["add", "net.h5", "--input-type", "ufixed<8,0>"]) == 0
    said = capsys.readouterr().out
    for line in (
        "added net.h5 as 'net'", "read as      Keras 2.15.0 model (HDF5)", "input        x: ufixed<8,0>: asked for",
        "samples      generated frames, so no accuracy is claimed", "task         regression",
        "next: hlsflow build --model net",
    ):  # fmt: skip
        assert line in said
    assert (file.parent / "models" / "net" / "model.yaml").is_file(), "the current folder has become a workspace"
    assert main(["add", "net.h5"]) == 0 and "net.h5 is added already, unchanged" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["add", "none.h5"], 5, "error: no file none.h5"),
        (["add", "net.h5", "--labels", "y.npy"], 2, "error: --labels without --data"),
        (["add", "net.h5", "--name", "a b"], 2, "error: --name a b: a name has letters"),
        (["add", "net.h5", "--data", "none.npy"], 6, "error: no file none.npy"),
        (["build", "--model", "none.h5"], 5, "error: no file none.h5"),
        (["build", "--model", "nobody", "--workspace", "."], 2, " is no workspace: it has no folder models/"),
        (["build", "--model", "./net.h5", "--input-type", "fixed<1"], 2, "error: --input-type fixed<1: "),
    ],
)
def test_what_is_wrong_is_one_sentence(file, capsys, words, code, said):
    assert main(words) == code
    err = capsys.readouterr().err
    assert said in err.splitlines()[0]
    assert "Traceback" not in err


@pytest.mark.parametrize("option", ["--data", "--labels", "--input-type", "--task"])
def test_what_is_said_of_a_file_is_not_said_of_a_name(file, capsys, option):
    assert main(["add", "net.h5"]) == 0
    value = "regression" if option == "--task" else "y.npy"
    assert main(["build", "--model", "net", option, value]) == 2
    assert f"{option} goes with a model file\n  what 'net' is verified on: hlsflow add FILE" in capsys.readouterr().err


def test_a_layer_that_is_refused_leaves_nothing(file, tmp_path, capsys):
    write_h5(tmp_path / "code.h5", functional(entrance(), layer("Lambda", "l", "x", function="f")), {})
    assert main(["build", "--model", "code.h5"]) == 4
    assert "layer 'l': a Lambda layer is code, and code of a file is never run" in capsys.readouterr().err
    assert not list((tmp_path / "models").iterdir())


def test_a_message_is_no_command_to_the_terminal(file, tmp_path, capsys):
    write_h5(tmp_path / "evil.h5", functional(entrance(), layer("Odd\x1b]0;title\x07", "l", "x")), {})
    assert main(["add", "evil.h5"]) == 4
    assert main(["add", "no\x1b[2Jne.h5"]) == 5
    err = capsys.readouterr().err
    assert "\x1b" not in err and "\x07" not in err and "no file no?[2Jne.h5" in err


@pytest.mark.parametrize(
    ("text", "stays"),
    [(sealed("backend: Vitis\n", "build"), False), (sealed("backend: Vitis\n", "build") + "# mine\n", True),
     ("backend: Vitis\n", True), (sealed("backend: Vitis\n", "fit"), True)],
)  # fmt: skip
def test_a_configuration_goes_with_its_model_unless_a_person_edited_it(tmp_path, capsys, text, stays):
    workspace = Workspace(root=tmp_path)
    workspace.hls_configs.mkdir()
    path = workspace.hls_configs / "net.yaml"
    path.write_text(text)
    drop_derived(workspace, "net", Log())
    assert path.exists() == stays
    said = capsys.readouterr().err
    assert ("hlsflow config net --force` derives another" in said) == stays


@pytest.mark.slow
def test_a_file_becomes_a_report_and_the_second_build_does_nothing(tmp_path, monkeypatch, capsys):
    from hlsflow.frontends.keras.runtime import prepare_tensorflow

    prepare_tensorflow()
    import qkeras
    from tensorflow import keras

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("hlsflow.foundation.workspace.checkout", lambda: None)
    keras.utils.set_random_seed(8)
    x = keras.Input((6,))
    kinds = {"kernel_quantizer": "quantized_bits(6,0,alpha=1)", "bias_quantizer": "quantized_bits(6,0,alpha=1)"}
    y = qkeras.QActivation("quantized_relu(6,2)")(qkeras.QDense(8, **kinds)(x))
    model = keras.Model(x, qkeras.QDense(3, activation="softmax", **kinds)(keras.layers.Dropout(0.5)(y)))
    model.save("mine.h5")
    samples = np.random.default_rng(0).integers(0, 256, (80, 6)) / 256
    np.savez("data.npz", x=samples, y=model.predict(samples, verbose=0).argmax(axis=1))
    words = ["build", "--model", "mine.h5", "--data", "data.npz"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "exact: 0 of 240 output integers differ from Keras (80 samples)" in said
    assert "accuracy     Keras 100.00 %, C simulation 100.00 %" in said
    assert main(words) == 0
    assert "nothing changed since the last build" in capsys.readouterr().err
    keras.Model(x, qkeras.QDense(3, **kinds)(x)).save("mine.h5")
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert "was derived for the model as it was: removed" in err and "task         regression" not in err
    assert "exact: 0 of 240 output integers differ" in out
