import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from tool_fixtures import dataset_folder

from hlsflow.datasets.dataset import load_dataset
from hlsflow.foundation.array_file import pack_arrays
from hlsflow.foundation.errors import ModelError
from hlsflow.foundation.steps import file_digest
from hlsflow.models.recipe import Recipe, load_recipe
from hlsflow.models.weights import load_trained, load_weights, save_weights, weights_of
from hlsflow.models.zoo import build_model, preprocess
from hlsflow.training.record import is_trained, load_record

MODELS = Path(__file__).resolve().parents[2] / "models"
SHIPPED = sorted(path.parent.name for path in MODELS.glob("*/recipe.yaml"))


@pytest.fixture(scope="module")
def model():
    content = load_recipe(MODELS / "digits6").model_dump(mode="json")
    content |= {"name": "tiny", "architecture": {"name": "mlp", "units": [4, 10]}}
    return build_model(Recipe.model_validate(content))


def test_weights_round_trip(model, tmp_path):
    saved = weights_of(model)
    save_weights(model, tmp_path / "weights.npz")
    model.set_weights([array * 0 for array in model.get_weights()])
    load_weights(model, tmp_path / "weights.npz")
    assert list(saved) == ["fc1/kernel", "fc1/bias", "logits/kernel", "logits/bias"]
    for key, array in weights_of(model).items():
        np.testing.assert_array_equal(array, saved[key])
    assert np.any(saved["fc1/kernel"] != 0)


def test_equal_weights_give_an_equal_file(model, tmp_path):
    save_weights(model, tmp_path / "a.npz")
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    arrays = weights_of(model)
    assert pack_arrays(arrays) == pack_arrays(arrays) == (tmp_path / "a.npz").read_bytes()
    assert pack_arrays({**arrays, "fc1/bias": arrays["fc1/bias"] + 1}) != pack_arrays(arrays)
    with np.load(tmp_path / "a.npz") as read_by_numpy:
        np.testing.assert_array_equal(read_by_numpy["fc1/kernel"], arrays["fc1/kernel"])


HOW = "train it again: hlsflow train --model tiny --force"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fc1/kernel": np.zeros((63, 4), np.float32)},
         "layer 'fc1': kernel has shape (63, 4), the architecture expects (64, 4)"),
        ({"logits/bias": None}, "layer 'logits': bias is missing"),
        ({"fc2/kernel": np.zeros((4, 4), np.float32)}, "layer 'fc2': kernel is not in the architecture"),
        ({"fc1/bias": np.zeros(4)}, "layer 'fc1': bias is float64, expected float32"),
        ({"fc1/bias": np.array([0, np.nan, 0, np.inf], np.float32)},
         "layer 'fc1': bias holds 2 values that are NaN or infinite"),
    ],
)  # fmt: skip
def test_weights_that_do_not_fit_are_refused_and_the_model_is_left_alone(model, tmp_path, change, message):
    before = weights_of(model)
    other = {key: array + 1 for key, array in before.items()} | change
    path = tmp_path / "weights.npz"
    path.write_bytes(pack_arrays({key: array for key, array in other.items() if array is not None}))
    with pytest.raises(ModelError) as caught:
        load_weights(model, path)
    assert str(caught.value) == f"{path}: {message}\n  {HOW}"
    for key, array in weights_of(model).items():
        np.testing.assert_array_equal(array, before[key])


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("exploded",)


def pickled() -> bytes:
    content = io.BytesIO()
    np.savez(content, **{"fc1/kernel": np.array([Bomb()], dtype=object)})
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is no .npz archive, or it is cut off"),
        (b"not a zip", "it is no .npz archive, or it is cut off"),
        (pickled(), "Object arrays cannot be loaded when allow_pickle=False"),
        (pack_arrays({"fc1/kernel": np.zeros((64, 4), np.float32)})[:60], "it is no .npz archive, or it is cut off"),
    ],
    ids=["empty", "text", "pickle", "cut off"],
)
def test_a_corrupt_file_is_named_and_never_run(model, tmp_path, monkeypatch, content, reason):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "tiny" / "weights.npz"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        load_weights(model, path)
    assert caught.value.message == f"cannot read the weights {path}: {reason}"
    assert caught.value.hint == "restore the file, or train it again: hlsflow train --model tiny --force"
    assert not (tmp_path / "exploded").exists()


def test_every_altered_byte_of_the_arrays_is_noticed(model, tmp_path):
    save_weights(model, tmp_path / "weights.npz")
    content = (tmp_path / "weights.npz").read_bytes()
    for place in range(60, len(content) // 2, 97):
        altered = bytearray(content)
        altered[place] ^= 0x55
        (tmp_path / "weights.npz").write_bytes(altered)
        with pytest.raises(ModelError):
            load_weights(model, tmp_path / "weights.npz")


def test_missing_weights_are_named_with_the_way_to_get_them(tmp_path):
    folder = tmp_path / "digits6"
    folder.mkdir()
    (folder / "recipe.yaml").write_text((MODELS / "digits6" / "recipe.yaml").read_text())
    with pytest.raises(ModelError) as caught:
        load_trained(folder)
    assert str(caught.value) == f"no weights at {folder}/weights.npz\n  train the model: hlsflow train --model digits6"


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_model_is_what_its_recipe_and_record_say(name):
    folder = MODELS / name
    record = load_record(folder)
    assert is_trained(load_recipe(folder), folder)
    assert record.weights_sha256 == file_digest(folder / "weights.npz")
    _, model = load_trained(folder)
    assert sum(array.size for array in weights_of(model).values()) == record.parameters
    pruning = load_recipe(folder).compression.pruning
    for layer in record.layers:
        kernel = model.get_layer(layer.layer).get_weights()[0]
        assert layer.kernel_zeros == pytest.approx(np.mean(kernel == 0), abs=1e-6)
        if pruning is not None:
            assert layer.kernel_zeros == pytest.approx(pruning.final_sparsity, abs=0.005)
        if layer.kernel_zeros_quantized is not None:
            assert layer.kernel_zeros_quantized >= layer.kernel_zeros


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_model_reaches_its_recorded_test_accuracy(name):
    recipe, model = load_trained(MODELS / name)
    # scikit-learn's digits are no file.
    dataset = load_dataset(recipe.dataset, None if recipe.dataset == "digits" else dataset_folder(recipe.dataset))
    predicted = model.predict(preprocess(recipe, dataset.x_test), batch_size=1000, verbose=0).argmax(axis=1)
    # Another processor may round a float model's sums differently: one sample in a thousand at most.
    measured = np.mean(predicted == dataset.y_test)
    assert measured == pytest.approx(load_record(MODELS / name).accuracy.test, abs=0.001)


def test_the_tuned_model_is_as_good_as_the_float_one():
    tuned, reference = load_record(MODELS / "qap8_tuned").accuracy.test, load_record(MODELS / "float").accuracy.test
    assert tuned >= 0.97
    assert tuned >= reference - 0.005
