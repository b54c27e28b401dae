import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest

from hlsflow.datasets.dataset import Dataset, load_dataset
from hlsflow.foundation.array_file import pack_arrays
from hlsflow.foundation.errors import ModelError
from hlsflow.foundation.log import Log
from hlsflow.models.recipe import Recipe, load_recipe
from hlsflow.models.weights import weights_of
from hlsflow.models.zoo import build_model, preprocess
from hlsflow.training import training
from hlsflow.training.checkpoint import load_checkpoint, save_checkpoint
from hlsflow.training.record import TrainingRecord, is_trained, load_record
from hlsflow.training.training import train

MODELS = Path(__file__).resolve().parents[2] / "models"
EPOCHS = 3


def recipe(**changes) -> Recipe:
    """A small network with all that a training may have: quantizers, pruning, dropout and a falling rate."""
    content = load_recipe(MODELS / "digits6").model_dump(mode="json")
    content["name"] = "tiny"
    content["architecture"] = {"name": "mlp", "units": [12, 10], "dropout": 0.2}
    content["compression"]["pruning"] |= {"final_sparsity": 0.5, "end_epoch": None, "frequency_steps": 2}
    content["training"] |= {"epochs": EPOCHS, "validation_split": 0.25}
    return Recipe.model_validate({**content, **changes})


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    digits = load_dataset("digits")
    return dataclasses.replace(digits, x_train=digits.x_train[:400], y_train=digits.y_train[:400])


@pytest.fixture(scope="module")
def trained(dataset, tmp_path_factory):
    return train(recipe(), dataset, checkpoint=tmp_path_factory.mktemp("whole") / "c.npz", log=Log(quiet=True))


class Stop(Exception):
    pass


def stop_after(epoch):
    def after_epoch(finished):
        if finished == epoch:
            raise Stop

    return after_epoch


@pytest.mark.slow
@pytest.mark.parametrize("stopped_after", [1, 2])
def test_an_interrupted_training_ends_with_the_same_bits(dataset, trained, tmp_path, stopped_after):
    checkpoint = tmp_path / "checkpoint.npz"
    with pytest.raises(Stop):
        train(recipe(), dataset, checkpoint=checkpoint, log=Log(quiet=True), after_epoch=stop_after(stopped_after))
    epochs = []
    resumed = train(recipe(), dataset, checkpoint=checkpoint, log=Log(quiet=True), after_epoch=epochs.append)
    assert epochs == list(range(stopped_after + 1, EPOCHS + 1))
    assert resumed.weights == trained.weights
    assert resumed.record == trained.record


@pytest.mark.slow
def test_another_seed_gives_other_weights(dataset, trained, tmp_path):
    other = train(recipe(seed=2), dataset, checkpoint=tmp_path / "c.npz", log=Log(quiet=True))
    assert other.weights != trained.weights


@pytest.mark.slow
def test_a_checkpoint_of_another_recipe_is_ignored_and_that_is_said(dataset, trained, tmp_path):
    checkpoint = tmp_path / "checkpoint.npz"
    with pytest.raises(Stop):
        train(recipe(seed=2), dataset, checkpoint=checkpoint, log=Log(quiet=True), after_epoch=stop_after(1))
    stream = io.StringIO()
    again = train(recipe(), dataset, checkpoint=checkpoint, log=Log(stream=stream))
    assert stream.getvalue().startswith("  the checkpoint is of another recipe or other data: training starts anew\n")
    assert again.weights == trained.weights


@pytest.mark.slow
def test_a_corrupt_checkpoint_is_ignored_and_that_is_said(dataset, trained, tmp_path):
    checkpoint = tmp_path / "checkpoint.npz"
    checkpoint.write_bytes(b"PK\x03\x04 cut off")
    stream = io.StringIO()
    again = train(recipe(), dataset, checkpoint=checkpoint, log=Log(stream=stream))
    assert stream.getvalue().startswith(f"warning: the checkpoint {checkpoint} cannot be read: training starts anew\n")
    assert again.weights == trained.weights


@pytest.mark.slow
def test_pruned_weights_are_zero_and_stay_zero_when_quantized(trained):
    assert [layer.name for layer in trained.model.layers] == [
        layer.name for layer in build_model(recipe()).layers
    ]  # stripped: no wrapper is left
    for layer in trained.record.layers:
        kernel = trained.model.get_layer(layer.layer).get_weights()[0]
        assert np.mean(kernel == 0) == pytest.approx(0.5, abs=0.01)
        assert layer.kernel_zeros == pytest.approx(0.5, abs=0.01)
        assert layer.kernel_zeros_quantized >= layer.kernel_zeros


@pytest.mark.slow
def test_the_record_says_what_the_model_does(dataset, trained):
    record = trained.record
    scores = trained.model.predict(preprocess(recipe(), dataset.x_test), verbose=0)
    assert record.accuracy.test == pytest.approx(np.mean(scores.argmax(axis=1) == dataset.y_test), abs=1e-6)
    np.testing.assert_array_equal(trained.predicted, scores.argmax(axis=1))
    assert (record.samples.train, record.samples.validation, record.samples.test) == (300, 100, len(dataset.x_test))
    assert len(record.history.loss) == len(record.history.validation_accuracy) == EPOCHS
    assert record.history.loss[-1] < record.history.loss[0]
    # The history's last validation accuracy was measured on the same weights by Keras itself.
    assert record.history.validation_accuracy[-1] == pytest.approx(record.accuracy.validation, abs=1e-6)
    assert record.history.validation_loss[-1] == pytest.approx(record.loss.validation, rel=1e-4)
    assert record.weights_sha256 and trained.weights == pack_arrays(weights_of(trained.model))


@pytest.mark.slow
def test_a_sparsity_that_is_not_reached_is_an_error(dataset, tmp_path):
    content = recipe().model_dump(mode="json")
    content["compression"]["pruning"]["frequency_steps"] = 20
    with pytest.raises(ModelError) as caught:
        train(Recipe.model_validate(content), dataset, checkpoint=tmp_path / "c.npz", log=Log(quiet=True))
    assert caught.value.message.startswith("layer 'fc1': ")
    assert caught.value.message.endswith(" of the weights are zero, the recipe asks for 50.0%")


@pytest.mark.slow
def test_a_loss_that_is_not_finite_is_an_error_and_keeps_no_checkpoint(dataset, tmp_path, monkeypatch):
    # Of the targets: whether a ReLU passes a NaN on is up to the processor's instructions.
    split = training._split

    def spoilt(*args):
        return {name: (x, targets * np.float32(np.nan)) for name, (x, targets) in split(*args).items()}

    monkeypatch.setattr(training, "_split", spoilt)
    with pytest.raises(ModelError) as caught:
        train(recipe(compression={}), dataset, checkpoint=tmp_path / "c.npz", log=Log(quiet=True))
    assert str(caught.value) == ("tiny: the loss is nan in epoch 1\n  lower training.learning_rate in the recipe")
    assert not (tmp_path / "c.npz").exists()


def test_a_validation_split_that_leaves_nothing_is_an_error(dataset):
    few = dataclasses.replace(dataset, x_train=dataset.x_train[:1], y_train=dataset.y_train[:1])
    with pytest.raises(ModelError) as caught:
        training._split(recipe(), few)
    assert caught.value.message == "tiny: validation_split leaves 0 of 1 samples to train on"


def test_validation_is_the_end_of_the_training_set(dataset):
    parts = training._split(recipe(), dataset)
    np.testing.assert_array_equal(parts["validation"][0] * 256, dataset.x_train[300:])
    np.testing.assert_array_equal(parts["train"][1].argmax(axis=1), dataset.y_train[:300])


def test_a_checkpoint_round_trips_and_a_broken_one_is_none(tmp_path):
    from hlsflow.training.checkpoint import Checkpoint

    state = Checkpoint(
        inputs="ab", history=np.ones((2, 4)), variables=(np.float32([1, 2]), np.array(7, np.int64), np.zeros((2, 3)))
    )
    save_checkpoint(tmp_path / "c.npz", state)
    found = load_checkpoint(tmp_path / "c.npz")
    assert (found.inputs, found.epochs) == ("ab", 2)
    for ours, theirs in zip(state.variables, found.variables, strict=True):
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        np.testing.assert_array_equal(ours, theirs)
    (tmp_path / "c.npz").write_bytes((tmp_path / "c.npz").read_bytes()[:-30])
    assert load_checkpoint(tmp_path / "c.npz") is None


@pytest.mark.parametrize("name", sorted(path.parent.name for path in MODELS.glob("*/training.json")))
def test_a_record_round_trips_through_its_type(name):
    text = (MODELS / name / "training.json").read_text()
    assert TrainingRecord.from_json(text).to_json() == text


def test_a_record_that_is_none_is_named(tmp_path):
    folder = tmp_path / "tiny"
    folder.mkdir()
    how = "train the model: hlsflow train --model tiny --force"
    with pytest.raises(ModelError) as caught:
        load_record(folder)
    assert str(caught.value) == f"no training record at {folder}/training.json\n  {how}"
    (folder / "training.json").write_text('{"model": 3}')
    with pytest.raises(ModelError) as caught:
        load_record(folder)
    assert str(caught.value) == f"{folder}/training.json: model: Input should be a valid string\n  {how}"


def test_a_changed_recipe_or_other_weights_count_as_not_trained(tmp_path):
    source, folder = MODELS / "digits6", tmp_path / "digits6"
    folder.mkdir()
    for name in ("recipe.yaml", "weights.npz", "training.json"):
        (folder / name).write_bytes((source / name).read_bytes())
    ours = load_recipe(folder)
    assert is_trained(ours, folder)
    assert not is_trained(ours.model_copy(update={"seed": ours.seed + 1}), folder)
    (folder / "weights.npz").write_bytes(b"other")
    assert not is_trained(ours, folder)
    (folder / "weights.npz").unlink()
    assert not is_trained(ours, folder)
