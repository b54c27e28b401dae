"""Knowledge distillation: a teacher's softened scores as a second target of the training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hlsflow.datasets.dataset import Dataset
from hlsflow.foundation.errors import ModelError
from hlsflow.frontends.keras.runtime import interruptible
from hlsflow.models.recipe import Distillation, Recipe
from hlsflow.models.weights import load_trained
from hlsflow.models.zoo import preprocess

BATCH = 1000


def teacher_scores(recipe: Recipe, teacher_dir: Path, dataset: Dataset) -> np.ndarray:
    """The teacher's softened scores, float32 (training samples, classes), for every image of the training set.

    Raises ModelError where the teacher tells other classes apart than the student.
    """
    from tensorflow import keras

    distillation = recipe.compression.distillation
    assert distillation is not None
    teacher_recipe, teacher = load_trained(teacher_dir)
    if (teacher_recipe.dataset, teacher_recipe.classes) != (recipe.dataset, recipe.classes):
        raise ModelError(
            f"{recipe.name}: its teacher {teacher_recipe.name} was trained on {_what(teacher_recipe)}, "
            f"not on {_what(recipe)}",
            hint="name a teacher of the same dataset and classes in compression.distillation.teacher",
        )
    logits = keras.Model(teacher.input, teacher.get_layer("logits").output)
    pixels = preprocess(teacher_recipe, dataset.x_train)
    raw = logits.predict(pixels, batch_size=BATCH, verbose=0, callbacks=[interruptible()])
    return _softmax(raw.astype(np.float64) / distillation.temperature).astype(np.float32)


def distillation_loss(distillation: Distillation, classes: int) -> Any:
    """The loss of targets (n, 2 * classes), one-hot classes beside the teacher's scores, and the student's logits.

    The divergence is multiplied by the temperature's square, which keeps its gradient in proportion (section 2 of
    arXiv:1503.02531).
    """
    import tensorflow as tf
    from tensorflow import keras

    temperature, alpha = distillation.temperature, distillation.alpha

    def loss(targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        hard, soft = targets[:, :classes], targets[:, classes:]
        own = keras.losses.categorical_crossentropy(hard, logits, from_logits=True)
        taught = keras.losses.kl_divergence(soft, tf.nn.softmax(logits / temperature))
        return alpha * own + (1.0 - alpha) * temperature**2 * taught

    return loss


def class_accuracy(classes: int) -> Any:
    """Keras' accuracy, of the one-hot half of the targets."""
    from tensorflow import keras

    def accuracy(targets: Any, logits: Any) -> Any:
        return keras.metrics.categorical_accuracy(targets[:, :classes], logits)

    return accuracy


def _softmax(values: np.ndarray) -> np.ndarray:
    raised = np.exp(values - values.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def _what(recipe: Recipe) -> str:
    return recipe.dataset if recipe.classes is None else f"{recipe.dataset} {list(recipe.classes)}"
