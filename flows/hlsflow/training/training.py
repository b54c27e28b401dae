"""Training as a recipe says: seeded, resumable after any epoch, and the same bits whether interrupted or not."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hlsflow.compression.distillation import class_accuracy, distillation_loss, teacher_scores
from hlsflow.compression.pruning import check_sparsity, pruning_callbacks, pruning_wrapper, strip_pruning
from hlsflow.datasets.dataset import Dataset, select_classes
from hlsflow.foundation import interrupts
from hlsflow.foundation.array_file import pack_arrays
from hlsflow.foundation.errors import ModelError
from hlsflow.foundation.log import Log
from hlsflow.foundation.steps import file_digest
from hlsflow.frontends.keras.files.found import WEIGHTS_FILE
from hlsflow.frontends.keras.runtime import interruptible, prepare_tensorflow
from hlsflow.frontends.keras.sparsity import measure_sparsity
from hlsflow.models.recipe import Recipe
from hlsflow.models.weights import assign_weights, weights_of
from hlsflow.models.zoo import build_model, preprocess
from hlsflow.training.checkpoint import METRICS, Checkpoint, load_checkpoint, save_checkpoint
from hlsflow.training.dropout import step_dropout
from hlsflow.training.record import History, Samples, Split, TrainingRecord, versions

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
    initial: Mapping[str, np.ndarray] | None = None,
    teacher_dir: Path | None = None,
    facts: Mapping[str, float | int | str] = {},
    after_epoch: Callable[[int], None] = lambda finished: None,
) -> Trained:
    """Trains a recipe's model, going on from `checkpoint` where it is of this recipe and data.

    `initial` are weights (`<layer>/<variable>`) to start from instead of the recipe's initializer; `teacher_dir` is
    the model folder of a distillation's teacher; `facts` go into the record.

    Each epoch is a function of the state before it: the order of the samples and the dropout masks come from seed and
    step, never from a hidden state. So an interrupted training ends with the same bits on the same machine.
    `after_epoch` is called once the checkpoint of an epoch is written. Raises ModelError where the training fails
    (a loss that is not finite, a sparsity that is not reached) and StorageError.
    """
    prepare_tensorflow(verbose=log.verbose)
    from tensorflow import keras

    assert recipe.training is not None, "a model that is not trained is measured alone"
    keras.utils.set_random_seed(recipe.seed)
    dataset = select_classes(dataset, recipe.classes)
    parts = _split(recipe, dataset)
    targets = _targets(recipe, dataset, parts, teacher_dir)
    x_train, y_train = targets["train"]
    steps_per_epoch = -(-len(x_train) // recipe.training.batch_size)
    optimizer = keras.optimizers.Adam(_learning_rate(recipe, steps_per_epoch))
    model = build_model(
        recipe,
        wrap=pruning_wrapper(recipe, steps_per_epoch),
        make_dropout=step_dropout(recipe.seed, optimizer.iterations),
    )
    if initial is not None:
        assign_weights(model, initial, f"the weights that {recipe.name} starts from")
    fitted = _compiled(recipe, model, optimizer, dataset.classes)
    optimizer.build(model.trainable_variables)
    variables = [*model.variables, *optimizer.variables]
    inputs = _inputs(recipe, dataset, initial, teacher_dir)
    history = _resume(checkpoint, inputs, variables, log)

    callbacks = [*pruning_callbacks(recipe), interruptible()]
    epochs = recipe.training.epochs
    for epoch in range(len(history), epochs):
        started = time.monotonic()
        order = np.random.default_rng((recipe.seed, epoch)).permutation(len(x_train))
        logs = fitted.fit(
            x_train[order],
            y_train[order],
            batch_size=recipe.training.batch_size,
            shuffle=False,
            validation_data=targets["validation"],
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
        interrupts.check()

    plain = build_model(recipe)
    strip_pruning(model, plain)
    check_sparsity(recipe, plain)
    return _measured(recipe, dataset, plain, parts, history, teacher_dir, facts)


def measure(
    recipe: Recipe, dataset: Dataset, arrays: Mapping[str, np.ndarray], *, facts: Mapping[str, float | int | str] = {}
) -> Trained:
    """The outcome of a model that has its weights already. Raises ModelError where they do not fit the recipe."""
    prepare_tensorflow()
    dataset = select_classes(dataset, recipe.classes)
    model = build_model(recipe)
    assign_weights(model, arrays, f"the weights of {recipe.name}")
    nothing = np.empty((0, len(METRICS)))
    return _measured(recipe, dataset, model, _split(recipe, dataset), nothing, None, facts)


def _inputs(
    recipe: Recipe, dataset: Dataset, initial: Mapping[str, np.ndarray] | None, teacher_dir: Path | None
) -> str:  # fmt: skip
    """The digest of all that decides a training, so that no other one goes on from its checkpoint."""
    parts = [recipe.sha256(), dataset.sha256]
    if initial is not None:
        parts.append(hashlib.sha256(pack_arrays(dict(initial), compresslevel=1)).hexdigest())
    if teacher_dir is not None:
        parts.append(file_digest(teacher_dir / WEIGHTS_FILE))
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()


def _compiled(recipe: Recipe, model: keras.Model, optimizer: Any, classes: int) -> keras.Model:
    """What is fitted: the model itself or, to learn from a teacher, its logits."""
    from tensorflow import keras

    distillation = recipe.compression.distillation
    if distillation is None:
        model.compile(optimizer=optimizer, loss=recipe.training.loss, metrics=["accuracy"])
        return model
    # The logits lie before the softmax, whose scores would have lost the small ones.
    student = keras.Model(model.input, model.layers[-2].output)
    loss = distillation_loss(distillation, classes)
    student.compile(optimizer=optimizer, loss=loss, metrics=[class_accuracy(classes)])
    return student


def _targets(
    recipe: Recipe, dataset: Dataset, parts: dict[str, tuple[np.ndarray, np.ndarray]], teacher_dir: Path | None
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The parts to train and validate on, with the teacher's scores beside the classes where there is a teacher."""
    if recipe.compression.distillation is None:
        return parts
    assert teacher_dir is not None, "a distillation has a teacher"
    scores = teacher_scores(recipe, teacher_dir, dataset)
    first = len(parts["train"][0])
    taught = {"train": scores[:first], "validation": scores[first:]}
    return {part: (parts[part][0], np.hstack([parts[part][1], taught[part]])) for part in taught}


def _split(recipe: Recipe, dataset: Dataset) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Inputs and one-hot targets (float32) of each part. Validation is the end of the training set, as in Keras."""
    first = int(len(dataset.x_train) * (1 - recipe.validation_share))
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


def _measured(
    recipe: Recipe,
    dataset: Dataset,
    model: keras.Model,
    parts: dict[str, tuple[np.ndarray, np.ndarray]],
    history: np.ndarray,
    teacher_dir: Path | None,
    facts: Mapping[str, float | int | str],
) -> Trained:
    """The outcome of a training, measured on the stripped model with its final weights."""
    losses, accuracies = {}, {}
    for part, (x, targets) in parts.items():
        scores = model.predict(x, batch_size=EVALUATION_BATCH, verbose=0, callbacks=[interruptible()])
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
        teacher_weights_sha256=None if teacher_dir is None else file_digest(teacher_dir / WEIGHTS_FILE),
        facts=dict(facts),
    )
    # `scores` are those of the last part, the test set.
    return Trained(model=model, weights=weights, record=record, predicted=scores.argmax(axis=1))
