"""The commands that take a model of `models/` on one that was added from a file."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from hlsflow.__main__ import main


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A folder with a float classifier and a quantized one, and labelled samples, added to a workspace."""
    from hlsflow.frontends.keras.runtime import prepare_tensorflow

    prepare_tensorflow()
    import qkeras
    from tensorflow import keras

    at = tmp_path_factory.mktemp("added")
    (at / "models").mkdir()
    (at / "hls_configs").mkdir()
    keras.utils.set_random_seed(4)
    bits = {"kernel_quantizer": "quantized_bits(4,0,alpha=1)", "bias_quantizer": "quantized_bits(6,2,alpha=1)"}
    x = keras.Input((6,), name="x")
    y = keras.layers.Dense(8, activation="relu", name="h")(x)
    keras.Model(x, keras.layers.Dense(3, activation="softmax", name="y")(y)).save(at / "floating.h5")
    y = qkeras.QActivation("quantized_relu(5,2)", name="r")(qkeras.QDense(8, name="h", **bits)(x))
    keras.Model(x, qkeras.QDense(3, name="y", **bits)(y)).save(at / "quantized.h5")
    samples = np.random.default_rng(3).integers(0, 256, (300, 6)) / 256
    np.savez(at / "data.npz", x=samples, y=(samples[:, 0] * 3).astype(int))
    for name in ("floating", "quantized"):
        words = ["add", str(at / f"{name}.h5"), "--data", str(at / "data.npz"), "--workspace", str(at)]
        assert main([*words, "--task", "classification"]) == 0
    return at


@pytest.fixture
def workspace(template, tmp_path):
    import shutil

    shutil.copytree(template, tmp_path / "w")
    return tmp_path / "w"


@pytest.fixture
def run(workspace, capsys):
    """Runs a command in the workspace: its exit code, what it wrote and what it complained of."""

    def run_(*words):
        capsys.readouterr()
        code = main([*map(str, words), "--workspace", str(workspace)])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return SimpleNamespace(code=code, out=captured.out, err=captured.err)

    return run_


def weights(workspace, name):
    with np.load(workspace / "models" / name / "weights.npz") as archive:
        return {key: archive[key] for key in archive.files}


# --- weights


@pytest.mark.parametrize("format_", ["npz", "safetensors"])
def test_weights_go_out_and_come_back_the_same(run, workspace, format_):
    before, file = (workspace / "models" / "floating" / "weights.npz").read_bytes(), workspace / f"w.{format_}"
    assert run("weights", "export", "floating", file).code == 0
    found = run("weights", "import", "floating", file)
    assert (found.code, found.out) == (0, f"floating has the weights of {file}, which it had already\n")
    assert (workspace / "models" / "floating" / "weights.npz").read_bytes() == before


def test_integers_are_those_that_the_quantizers_give(run, workspace):
    file = workspace / "w.npz"
    assert run("weights", "export", "quantized", file, "--integers").code == 0
    with np.load(file) as archive:
        kernel, scale = archive["h/kernel"], archive["h/kernel_scale"]
        said = json.loads(archive["metadata.json"])
    assert kernel.dtype == np.int8 and float(scale) == 2.0**-3
    np.testing.assert_array_equal(kernel, np.clip(np.rint(weights(workspace, "quantized")["h/kernel"] * 8), -8, 7))
    assert said["types"]["h/kernel"].startswith("quantized_bits(4,0") and "recipe_sha256" not in said
    found = run("weights", "import", "quantized", file)
    assert "`hlsflow build --model quantized` measures it" in found.out
    np.testing.assert_array_equal(weights(workspace, "quantized")["h/kernel"], kernel / np.float32(8))


def test_a_model_without_quantizers_has_no_integers(run, workspace):
    found = run("weights", "export", "floating", workspace / "w.npz", "--integers")
    assert found.code == 5 and "error: floating has no quantizers" in found.err


def test_imported_weights_are_another_network(run, workspace):
    """Its derived configuration goes, and the card says where they are from."""
    file = workspace / "w.npz"
    run("config", "floating")
    run("weights", "export", "floating", file)
    changed = {key: array / 2 for key, array in weights(workspace, "floating").items()}
    np.savez(file, **changed)
    found = run("weights", "import", "floating", file)
    assert found.code == 0
    np.testing.assert_array_equal(weights(workspace, "floating")["h/kernel"], changed["h/kernel"])
    card = yaml.safe_load((workspace / "models" / "floating" / "model.yaml").read_text())
    assert card["notes"][-1].startswith("weights of w.npz (SHA-256 ")
    assert (workspace / "models" / "floating" / "samples.npz").is_file()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"h/bias": None}, "layer 'h': bias is missing"),
        ({"z/kernel": np.ones(2, np.float32)}, "layer 'z': kernel is not in the architecture"),
        ({"h/bias": np.ones(2, np.float32)}, "layer 'h': bias has shape (2,), the architecture expects (8,)"),
        ({"h/bias": np.full(8, np.nan, np.float32)}, "layer 'h': bias holds 8 values that are NaN or infinite"),
    ],
)  # fmt: skip
def test_weights_that_do_not_fit_change_nothing(run, workspace, change, said):
    folder, file = workspace / "models" / "floating", workspace / "w.npz"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    arrays = {**weights(workspace, "floating"), **change}
    np.savez(file, **{key: array for key, array in arrays.items() if array is not None})
    found = run("weights", "import", "floating", file)
    assert found.code == 5 and f"{file}: {said}" in found.err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_weights_of_another_model_are_refused(run, workspace):
    file = workspace / "w.npz"
    run("weights", "export", "quantized", file)
    found = run("weights", "import", "floating", file)
    assert found.code == 5
    assert f"{file} holds weights of 'quantized' by architecture " in found.err and "not of floating" in found.err
    # Their shapes are the same.
    assert run("weights", "import", "floating", file, "--force").code == 0


# --- train


def test_training_takes_place_where_the_model_is_from(run):
    found = run("train", "floating")
    assert found.code == 2
    assert "error: floating was added from a file" in found.err and "only a recipe says how to train" in found.err
    assert "hlsflow add FILE --name floating --force" in found.err


# --- tflite


@pytest.mark.parametrize("kind", ["float", "dynamic_range", "float16", "full_integer"])
def test_an_added_model_becomes_a_tensorflow_lite_model(run, workspace, kind):
    found = run("tflite", "quantized", "--kind", kind, "--out", workspace / "m.tflite")
    assert found.code == 0, found.err
    assert "of the samples)" in found.out and "CPU latency" in found.out
    assert (workspace / "m.tflite").read_bytes()[4:8] == b"TFL3"


def test_in_floating_point_it_computes_as_keras_does(run):
    found = json.loads(run("tflite", "quantized", "--kind", "float", "--json").out)
    assert found["max_abs_score_error"] == 0 and found["accuracy"] == found["source_accuracy"]
    found = json.loads(run("tflite", "floating", "--kind", "float", "--json").out)
    assert found["max_abs_score_error"] < 1e-5 and found["same_class_share"] == 1


@pytest.mark.parametrize("kind", ["qat", "dense_dynamic_int8"])
def test_kinds_that_need_a_recipe_are_refused(run, kind):
    found = run("tflite", "floating", "--kind", kind)
    assert found.code == 2 and f"error: --kind {kind} takes a model of a recipe" in found.err


# --- compress


def test_pruned_weights_are_a_model_of_their_own(run, workspace):
    found = run("compress", "floating", "sparse", "--method", "magnitude_pruning", "--set", "percent=50")
    assert found.code == 0, found.err
    assert "sparse: floating by magnitude_pruning percent=50" in found.out and "zero_share" in found.out
    made, before = weights(workspace, "sparse"), weights(workspace, "floating")
    assert [float(np.mean(made[f"{layer}/kernel"] == 0)) for layer in "hy"] == [0.5, 0.5]
    np.testing.assert_array_equal(made["h/bias"], before["h/bias"])
    card = yaml.safe_load((workspace / "models" / "sparse" / "model.yaml").read_text())
    assert card["origin"] == {
        "file": "floating",
        "sha256": None,
        "format": "hlsflow compress: magnitude_pruning percent=50",
    }
    assert card["samples"]["count"] == 300 and (workspace / "models" / "sparse" / "samples.npz").is_file()
    again = run("compress", "floating", "sparse", "--method", "magnitude_pruning", "--set", "percent=75")
    assert again.code == 3 and "--force makes it anew" in again.err
    assert (
        run("compress", "floating", "sparse", "--method", "magnitude_pruning", "--set", "percent=75", "--force").code
        == 0
    )
    assert np.mean(weights(workspace, "sparse")["h/kernel"] == 0) == 0.75


def test_weights_on_a_grid_are_a_model_of_their_own(run, workspace):
    words = ("--method", "post_training_quantization", "--set", "kind=grid", "--set", "half_range=1", "--set", "bits=4")
    assert run("compress", "floating", "coarse", *words).code == 0
    kernel = weights(workspace, "coarse")["h/kernel"]
    assert np.array_equal(kernel * 8, np.rint(kernel * 8)) and np.abs(kernel).max() <= 1
    run("config", "coarse")
    found = run("lint", "coarse")
    assert found.code == 0, found.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("floating", "low_rank", "rank=2"), "low_rank takes a model of a recipe"),
        (("floating", "structured_pruning", "ratio=0.5"), "of an added model: magnitude_pruning, post"),
        (("quantized", "post_training_quantization", "kind=float16"), "quantized has quantizers already (layer 'h')"),
        (("floating", "post_training_quantization", "kind=int8_cast", "activation_bits=8"), "activation_bits: which"),
    ],
)  # fmt: skip
def test_a_method_that_does_not_apply_says_why(run, workspace, words, said):
    source, method, *settings = words
    found = run(
        "compress", source, "made", "--method", method, *(word for item in settings for word in ("--set", item))
    )
    assert found.code in (2, 3, 5) and said in found.err
    assert not (workspace / "models" / "made").exists()


def test_there_is_no_data_to_fine_tune_on(run):
    found = run("compress", "floating", "made", "--method", "magnitude_pruning", "--set", "percent=9", "--fine-tune", 2)
    assert found.code == 2 and "the data that it was trained on is not here" in found.err


@pytest.mark.slow
def test_a_compressed_model_goes_the_whole_way(run, workspace):
    run("compress", "floating", "sparse", "--method", "magnitude_pruning", "--set", "percent=50")
    found = run("build", "--model", "sparse")
    assert found.code == 0, found.err
    assert "gate         PASS" in found.out and "% zero" in found.out
