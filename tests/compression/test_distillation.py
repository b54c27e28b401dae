"""Learning from a teacher, against formulas in numpy; and networks for some of the classes."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from hlsflow.compression.distillation import class_accuracy, distillation_loss, teacher_scores
from hlsflow.datasets.dataset import Dataset, load_dataset, select_classes
from hlsflow.foundation.errors import ModelError
from hlsflow.foundation.log import Log
from hlsflow.models.recipe import Distillation, Recipe, load_recipe
from hlsflow.models.weights import load_trained
from hlsflow.models.zoo import preprocess
from hlsflow.training.making import make_trained, recipe_text
from hlsflow.training.training import train

MODELS = Path(__file__).resolve().parents[2] / "models"


def recipe(name: str, **changes) -> Recipe:
    content = load_recipe(MODELS / "digits6").model_dump(mode="json")
    content |= {"name": name, "architecture": {"name": "mlp", "units": [12, 10]}, "compression": {}}
    content["training"] |= {"epochs": 1, "validation_split": 0.25}
    return Recipe.model_validate({**content, **changes})


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    digits = load_dataset("digits")
    return dataclasses.replace(digits, x_train=digits.x_train[:400], y_train=digits.y_train[:400])


def softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("temperature", "alpha"), [(10.0, 0.1), (1.0, 0.0), (3.0, 1.0)])
def test_the_loss_is_the_formulas(temperature, alpha):
    generator = np.random.default_rng(0)
    logits, taught = generator.normal(size=(2, 20, 4)) * 3
    hard = np.eye(4)[generator.integers(0, 4, 20)]
    soft = softmax(taught / temperature)
    cross_entropy = -(hard * np.log(softmax(logits))).sum(axis=1)
    divergence = (soft * np.log(soft / softmax(logits / temperature))).sum(axis=1)
    expected = alpha * cross_entropy + (1 - alpha) * temperature**2 * divergence

    loss = distillation_loss(Distillation(teacher="t", temperature=temperature, alpha=alpha), 4)
    found = loss(np.hstack([hard, soft]).astype(np.float32), logits.astype(np.float32))
    np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-4, atol=1e-4)
    accuracy = class_accuracy(4)(np.hstack([hard, soft]), logits)
    np.testing.assert_array_equal(np.asarray(accuracy), logits.argmax(axis=1) == hard.argmax(axis=1))


@pytest.fixture(scope="module")
def teacher_dir(dataset, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "teacher"
    make_trained(recipe("teacher"), dataset, folder, folder.parent / "c.npz", Log(quiet=True))
    return folder


@pytest.mark.slow
def test_the_teachers_scores_are_its_softened_softmax(dataset, teacher_dir):
    student = recipe("student", compression={"distillation": {"teacher": "teacher", "temperature": 4.0, "alpha": 0.5}})
    found = teacher_scores(student, teacher_dir, dataset)
    assert found.dtype == np.float32 and found.shape == (400, 10)
    _, model = load_trained(teacher_dir)
    scores = model.predict(preprocess(student, dataset.x_train), verbose=0).astype(np.float64)
    # softmax(logits / T) is softmax(logits) ** (1 / T), normalised.
    softened = scores**0.25
    np.testing.assert_allclose(found, softened / softened.sum(axis=1, keepdims=True), rtol=1e-4)


@pytest.mark.slow
def test_a_student_learns_from_its_teacher_alone(dataset, teacher_dir, tmp_path):
    """With alpha 0 the classes are not looked at: the student comes to agree with its teacher."""
    distillation = {"distillation": {"teacher": "teacher", "temperature": 2.0, "alpha": 0.0}}
    training = recipe("x").training.model_dump() | {"epochs": 12}
    student = recipe("student", compression=distillation, training=training)
    wrong = dataclasses.replace(dataset, y_train=np.zeros_like(dataset.y_train))
    trained = train(student, wrong, checkpoint=tmp_path / "c.npz", log=Log(quiet=True), teacher_dir=teacher_dir)
    _, teacher = load_trained(teacher_dir)
    taught = teacher.predict(preprocess(student, dataset.x_test), verbose=0).argmax(axis=1)
    assert np.mean(trained.predicted == taught) > 0.7
    assert trained.record.teacher_weights_sha256 is not None


@pytest.mark.slow
def test_a_teacher_of_other_classes_is_refused(dataset, teacher_dir):
    distillation = {"distillation": {"teacher": "teacher", "temperature": 2.0, "alpha": 0.0}}
    student = recipe(
        "student", classes=[6, 9], architecture={"name": "mlp", "units": [12, 2]}, compression=distillation
    )
    with pytest.raises(ModelError) as caught:
        teacher_scores(student, teacher_dir, dataset)
    assert str(caught.value) == (
        "student: its teacher teacher was trained on digits, not on digits [6, 9]\n"
        "  name a teacher of the same dataset and classes in compression.distillation.teacher"
    )


def test_some_classes_keep_their_images_in_the_recipes_order(dataset):
    chosen = select_classes(dataset, (7, 5))
    assert chosen.classes == 2
    assert set(chosen.y_train) == set(chosen.y_test) == {0, 1}
    for index, digit in enumerate((7, 5)):
        np.testing.assert_array_equal(chosen.x_test[chosen.y_test == index], dataset.x_test[dataset.y_test == digit])


@pytest.mark.slow
def test_a_network_of_two_classes_trains_and_is_measured_on_them_alone(dataset, tmp_path):
    training = recipe("x").training.model_dump() | {"epochs": 12, "learning_rate": 0.02}
    two = recipe("two", classes=[6, 9], architecture={"name": "mlp", "units": [6, 2]}, training=training)
    record = make_trained(two, dataset, tmp_path / "two", tmp_path / "c.npz", Log(quiet=True))
    assert record.samples.test == np.isin(dataset.y_test, (6, 9)).sum()
    assert record.accuracy.test > 0.9
    assert load_recipe(tmp_path / "two") == two
    assert (tmp_path / "two" / "recipe.yaml").read_text() == recipe_text(two)


@pytest.mark.slow
def test_a_student_can_be_quantized_and_pruned_at_once(dataset, teacher_dir, tmp_path):
    compression = {
        "quantization": {
            "kernel": "quantized_bits(6,0,alpha=1)",
            "bias": "quantized_bits(6,0,alpha=1)",
            "activation": "quantized_relu(6,2)",
        },
        "pruning": {"final_sparsity": 0.5, "frequency_steps": 2},
        "distillation": {"teacher": "teacher", "temperature": 4.0, "alpha": 0.1},
    }
    student = recipe("student", compression=compression)
    trained = train(student, dataset, checkpoint=tmp_path / "c.npz", log=Log(quiet=True), teacher_dir=teacher_dir)
    for layer in trained.record.layers:
        assert layer.kernel_zeros == pytest.approx(0.5, abs=0.01)
        assert layer.kernel_zeros_quantized >= layer.kernel_zeros
    # The loss of the record is the cross-entropy, whatever was trained with.
    scores = trained.model.predict(preprocess(student, dataset.x_test), verbose=0)
    of_class = scores[np.arange(len(scores)), dataset.y_test]
    assert trained.record.loss.test == pytest.approx(-np.log(of_class).mean(), rel=1e-4)
