"""Training as a recipe says: seeded, resumable after any epoch, and the same bits whether interrupted or not."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hlsflow.compression.checkpoint import METRICS, Checkpoint, load_checkpoint, save_checkpoint
from hlsflow.compression.dropout import step_dropout
from hlsflow.compression.pruning import check_sparsity, pruning_callbacks, pruning_wrapper, strip_pruning
from hlsflow.compression.recipe import Recipe
from hlsflow.compression.runtime import prepare_tensorflow
from hlsflow.compression.sparsity import measure_sparsity
from hlsflow.compression.training_record import History, Samples, Split, TrainingRecord, versions
from hlsflow.compression.weights import pack_arrays, weights_of
from hlsflow.compression.zoo import build_model, preprocess
from hlsflow.datasets import Dataset
from hlsflow.errors import ModelError
from hlsflow.log import Log

if TYPE_CHECKING:
    import keras

EVALUATION_BATCH = 1000
# Lines of progress in a training of many epochs.
EPOCH_LINES = 16


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Trained:
    """A trained model without pruning wrappers, the bytes of its weights file, its record, and its test predictions."""

    model: keras.Model
    weights: bytes
    record: TrainingRecord
    predicted: np.ndarray


def train(
    recipe: Recipe,
    dataset: Dataset,
    *,
    checkpoint: Path,
    log: Log,
    after_epoch: Callable[[int], None] = lambda finished: None,
) -> Trained:
    """Trains a recipe's model, going on from `checkpoint` where it is of this recipe and data.

    Each epoch is a function of the state before it: the order of the samples and the dropout masks come from seed and
    step, never from a hidden state. So an interrupted training ends with the same bits on the same machine.
    `after_epoch` is called once the checkpoint of an epoch is written. Raises ModelError where the training fails
    (a loss that is not finite, a sparsity that is not reached) and StorageError.
    """
    prepare_tensorflow(verbose=log.verbose)
    from tensorflow import keras

    keras.utils.set_random_seed(recipe.seed)
    parts = _split(recipe, dataset)
    x_train, y_train = parts["train"]
    steps_per_epoch = -(-len(x_train) // recipe.training.batch_size)
    optimizer = keras.optimizers.Adam(_learning_rate(recipe, steps_per_epoch))
    model = build_model(
        recipe,
        wrap_dense=pruning_wrapper(recipe, steps_per_epoch),
        make_dropout=step_dropout(recipe.seed, optimizer.iterations),
    )
    model.compile(optimizer=optimizer, loss=recipe.training.loss, metrics=["accuracy"])
    optimizer.build(model.trainable_variables)
    variables = [*model.variables, *optimizer.variables]
    inputs = hashlib.sha256(f"{recipe.sha256()} {dataset.sha256}".encode()).hexdigest()
    history = _resume(checkpoint, inputs, variables, log)

    callbacks = pruning_callbacks(recipe)
    epochs = recipe.training.epochs
    for epoch in range(len(history), epochs):
        started = time.monotonic()
        order = np.random.default_rng((recipe.seed, epoch)).permutation(len(x_train))
        logs = model.fit(
            x_train[order],
            y_train[order],
            batch_size=recipe.training.batch_size,
            shuffle=False,
            validation_data=parts["validation"],
            validation_batch_size=EVALUATION_BATCH,
            callbacks=[*callbacks, *_progress(log, f"epoch {epoch + 1:>3}/{epochs}", steps_per_epoch)],
            verbose=0,
        ).history
        row = np.array([[logs[metric][0] for metric in METRICS]])
        if not np.isfinite(row).all():
            raise ModelError(
                f"{recipe.name}: the loss is {row[0, 0]} in epoch {epoch + 1}",
                hint="lower training.learning_rate in the recipe",
            )
        history = np.concatenate([history, row])
        state = Checkpoint(inputs=inputs, history=history, variables=tuple(np.array(v.numpy()) for v in variables))
        save_checkpoint(checkpoint, state)
        if (epoch + 1) % -(-epochs // EPOCH_LINES) == 0 or epoch + 1 == epochs:
            log.line(_epoch_line(epoch + 1, epochs, row[0], time.monotonic() - started))
        after_epoch(epoch + 1)

    plain = build_model(recipe)
    strip_pruning(model, plain)
    check_sparsity(recipe, plain)
    return _measure(recipe, dataset, plain, parts, history)


def _split(recipe: Recipe, dataset: Dataset) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Inputs and one-hot targets (float32) of each part. Validation is the end of the training set, as in Keras."""
    first = int(len(dataset.x_train) * (1 - recipe.training.validation_split))
    if not 0 < first < len(dataset.x_train):
        raise ModelError(
            f"{recipe.name}: validation_split leaves {first} of {len(dataset.x_train)} samples to train on",
            hint="change training.validation_split in the recipe",
        )
    x, targets = preprocess(recipe, dataset.x_train), np.eye(dataset.classes, dtype=np.float32)[dataset.y_train]
    test = preprocess(recipe, dataset.x_test), np.eye(dataset.classes, dtype=np.float32)[dataset.y_test]
    return {"train": (x[:first], targets[:first]), "validation": (x[first:], targets[first:]), "test": test}


def _learning_rate(recipe: Recipe, steps_per_epoch: int) -> Any:
    """The rate, or its schedule: a half cosine from the recipe's rate to zero over all steps."""
    from tensorflow import keras

    training = recipe.training
    if training.learning_rate_decay == "constant":
        return training.learning_rate
    return keras.optimizers.schedules.CosineDecay(training.learning_rate, steps_per_epoch * training.epochs)


def _resume(path: Path, inputs: str, variables: list[Any], log: Log) -> np.ndarray:
    """Sets the variables to those of a fitting checkpoint and gives its history, else an empty one (0, 4)."""
    nothing = np.empty((0, len(METRICS)))
    if not path.is_file():
        return nothing
    found = load_checkpoint(path)
    if found is None:
        log.warn(f"the checkpoint {path} cannot be read: training starts anew")
        return nothing
    if found.inputs != inputs:
        log.line("  the checkpoint is of another recipe or other data: training starts anew")
        return nothing
    if [array.shape for array in found.variables] != [tuple(variable.shape) for variable in variables]:
        log.warn(f"the checkpoint {path} does not fit this version: training starts anew")
        return nothing
    for variable, array in zip(variables, found.variables, strict=True):
        variable.assign(array)
    log.line(f"  going on after epoch {found.epochs} of an interrupted training")
    return found.history


def _progress(log: Log, epoch: str, steps_per_epoch: int) -> list[Any]:
    """A callback that shows the steps of the running epoch on a terminal."""
    if log.quiet or not log.stream.isatty():
        return []
    from tensorflow import keras

    def show(batch: int, logs: Any) -> None:
        if batch % 25 == 0:
            log.live(f"  {epoch}  step {batch + 1:,}/{steps_per_epoch:,}")

    return [keras.callbacks.LambdaCallback(on_train_batch_end=show)]


def _epoch_line(epoch: int, epochs: int, row: np.ndarray, seconds: float) -> str:
    loss, accuracy, _, validation_accuracy = row
    return (
        f"  epoch {epoch:>3}/{epochs}  loss {loss:6.4f}  accuracy {accuracy:7.2%}  "
        f"validation {validation_accuracy:7.2%}  {seconds:6.1f} s"
    )


def _measure(
    recipe: Recipe,
    dataset: Dataset,
    model: keras.Model,
    parts: dict[str, tuple[np.ndarray, np.ndarray]],
    history: np.ndarray,
) -> Trained:
    """The outcome of a training, measured on the stripped model with its final weights."""
    losses, accuracies = {}, {}
    for part, (x, targets) in parts.items():
        scores = model.predict(x, batch_size=EVALUATION_BATCH, verbose=0)
        classes = targets.argmax(axis=1)
        accuracies[part] = round(float(np.mean(scores.argmax(axis=1) == classes)), 6)
        # As Keras clips, so that a score of 0 has a finite loss.
        losses[part] = round(float(-np.log(np.maximum(scores[np.arange(len(scores)), classes], 1e-7)).mean()), 6)
    weights = pack_arrays(weights_of(model))
    columns = [tuple(round(float(value), 6) for value in column) for column in history.T]
    record = TrainingRecord(
        model=recipe.name,
        recipe_sha256=recipe.sha256(),
        weights_sha256=hashlib.sha256(weights).hexdigest(),
        dataset=dataset.name,
        dataset_sha256=dataset.sha256,
        dataset_source=dataset.source,
        seed=recipe.seed,
        parameters=int(model.count_params()),
        samples=Samples(**{part: len(x) for part, (x, _) in parts.items()}),
        accuracy=Split(**accuracies),
        loss=Split(**losses),
        history=History(
            **dict(zip(("loss", "accuracy", "validation_loss", "validation_accuracy"), columns, strict=True))
        ),
        layers=measure_sparsity(model),
        versions=versions(),
    )
    # `scores` are those of the last part, the test set.
    return Trained(model=model, weights=weights, record=record, predicted=scores.argmax(axis=1))
