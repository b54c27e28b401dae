"""TensorFlow Lite beside the hardware: a trained model converted by TensorFlow's own converter, and measured."""

from __future__ import annotations

import gzip
import importlib.metadata
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from hlsflow.datasets.dataset import Dataset, select_classes
from hlsflow.foundation.errors import ModelError, UsageError
from hlsflow.foundation.workspace import write_bytes
from hlsflow.models.recipe import Part
from hlsflow.models.source import Source

if TYPE_CHECKING:
    import keras

    from hlsflow.models.model import Model

Figures = dict[str, float | int | str]

KINDS = ("float", "dynamic_range", "float16", "full_integer", "qat", "dense_dynamic_int8")
# Those that train, or that compute a chain of the zoo's layers.
OF_RECIPES = ("qat", "dense_dynamic_int8")
MODEL_FILE = "model.tflite"
# Of `dense_dynamic_int8`, which is no TensorFlow Lite model.
ARRAYS_FILE = "model.npz"
# Training images from which the converter takes the ranges of activations.
REPRESENTATIVE_IMAGES = 500
EPOCHS = 2
FINE_TUNING_BATCH = 64


class Parameters(Part):
    """How a model is converted.

    - `float`: float32 weights and arithmetic. `float16`: float16 weights.
    - `dynamic_range`: int8 weights (of the larger layers), activations quantized at run time by TensorFlow Lite.
    - `full_integer`: int8 weights, activations, input and output; ranges from training images.
    - `qat`: tfmot's `quantize_model` of a float source, fine-tuned for `epochs` (default 2) at `learning_rate`
      (default 1e-4), then full integer.
    - `dense_dynamic_int8`: hlsflow's own computation, not TensorFlow Lite's (see `dynamic_int8`), in batches of
      `batch_size` (default 100), whose size decides the activations' scales.
    """

    kind: Literal["float", "dynamic_range", "float16", "full_integer", "qat", "dense_dynamic_int8"]
    epochs: int | None = Field(default=None, ge=1, le=1000)
    learning_rate: float | None = Field(default=None, gt=0.0, le=1.0)
    batch_size: int | None = Field(default=None, ge=1, le=65536)

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        for key, kind in (("epochs", "qat"), ("learning_rate", "qat"), ("batch_size", "dense_dynamic_int8")):
            if getattr(self, key) is not None and self.kind != kind:
                raise ValueError(f"{key}: goes with kind {kind}, not with {self.kind}")
        return self


def make_tflite(source: Source, parameters: Parameters, dataset: Dataset, folder: Path) -> Figures:
    """Writes `<folder>/model.tflite` and gives what was measured of it on the whole test set.

    `accuracy`, `same_class_share` (of images with the source's class) and the `int8_…_share`s are shares 0..1;
    `max_abs_score_error` is against the source's scores in Keras. `cpu_latency_us` is of one image on one thread of
    the processor that `cpu` names; it and `cpu` alone differ from run to run and machine to machine.
    `dense_dynamic_int8` writes `<folder>/model.npz` and has no latency: numpy's would say nothing.

    Raises ModelError where the model cannot be converted so, and StorageError.
    """
    if parameters.kind == "qat" and source.recipe.compression.quantization is not None:
        raise ModelError(
            f"{source.recipe.name}: kind qat starts from a model without quantizers, and this one has QKeras'",
            hint="convert its float source as qat, or this model as full_integer",
        )
    from hlsflow.frontends.keras.runtime import prepare_tensorflow
    from hlsflow.models.zoo import preprocess

    prepare_tensorflow()
    dataset = select_classes(dataset, source.recipe.classes)
    x = preprocess(source.recipe, dataset.x_test)
    if parameters.kind == "dense_dynamic_int8":
        scores, content, facts = _dynamic_int8(source, parameters.batch_size or 100, x)
        file = folder / ARRAYS_FILE
    else:
        images = preprocess(source.recipe, dataset.x_train[:REPRESENTATIVE_IMAGES])
        model = (
            _fine_tuned(source, parameters, dataset)
            if parameters.kind == "qat"
            else source.plain(rounded=parameters.kind != "full_integer")
        )
        content = _convert(model, source.recipe.name, parameters.kind, images)
        scores, facts = _measured(content, x)
        file = folder / MODEL_FILE
    write_bytes(file, content)
    return _figures(scores, _keras_scores(source.model, x), dataset.y_test, content, facts)


def make_tflite_of_added(model: Model, parameters: Parameters, folder: Path) -> Figures:
    """The same of a model that was added, on its own samples; representative ones are those that none is measured on.

    Shares of classes are given where the model tells classes apart, accuracies where its samples have labels. Raises
    UsageError for a kind that trains, or needs a recipe, ModelError where the model cannot be converted so.
    """
    if parameters.kind in OF_RECIPES:
        raise UsageError(
            f"--kind {parameters.kind} takes a model of a recipe, and '{model.name}' was added from a file",
            hint=f"choose another kind: {', '.join(kind for kind in KINDS if kind not in OF_RECIPES)}",
        )
    from hlsflow.frontends.keras.plain_layers import plain_layers
    from hlsflow.frontends.keras.runtime import prepare_tensorflow
    from hlsflow.models.model import keras_of

    prepare_tensorflow()
    live = keras_of(model, "hlsflow tflite")
    if len(live.inputs) > 1 or len(live.outputs) > 1:
        raise ModelError(
            f"{model.name} has {len(live.inputs)} inputs and {len(live.outputs)} outputs: hlsflow measures TensorFlow "
            "Lite models of one each"
        )
    frames = model.samples(None, None, folder / "memory").load()
    x = frames.inputs[0].astype(np.float32)
    images = model.calibration(None, REPRESENTATIVE_IMAGES)[0].inputs[0].astype(np.float32)
    plain = plain_layers(live, rounded=parameters.kind != "full_integer")
    content = _convert(plain, model.name, parameters.kind, images)
    scores, facts = _measured(content, x)
    write_bytes(folder / MODEL_FILE, content)
    expected = _keras_scores(live, x)
    if model.task == "regression":
        return _figures(scores, expected, None, content, facts, classes=False)
    if model.task == "binary":
        # As scores of two classes: below and above one half, of what a sigmoid gives.
        truth = None if frames.truth is None else (frames.truth.reshape(len(x), -1)[:, 0] > 0).astype(int)
        two = [np.concatenate([1 - values, values], axis=1) for values in (scores, expected)]
        return _figures(two[0], two[1], truth if scores.shape[1] == 1 else None, content, facts)
    return _figures(scores, expected, frames.truth, content, facts)


def _keras_scores(model: keras.Model, x: np.ndarray) -> np.ndarray:
    from hlsflow.frontends.keras.runtime import interruptible

    found = model.predict(x, batch_size=1000, verbose=0, callbacks=[interruptible()])
    return np.asarray(found).reshape(len(x), -1)


def _figures(
    scores: np.ndarray, expected: np.ndarray, truth: np.ndarray | None, content: bytes, facts: Figures, *,
    classes: bool = True,
) -> Figures:  # fmt: skip
    """Scores (n, classes) against Keras' and, where they are known, the true classes (n,)."""
    found, keras = scores.argmax(axis=1), expected.argmax(axis=1)
    figures: Figures = {}
    if truth is not None:
        figures |= {
            "accuracy": round(float(np.mean(found == truth)), 6),
            "source_accuracy": round(float(np.mean(keras == truth)), 6),
        }
    return {
        **figures,
        **({"same_class_share": round(float(np.mean(found == keras)), 6)} if classes else {}),
        "max_abs_score_error": round(float(np.abs(scores - expected).max()), 6),
        "file_bytes": len(content),
        "gzip_bytes": len(gzip.compress(content, 9, mtime=0)),
        **facts,
        "tensorflow": importlib.metadata.version("tensorflow-cpu"),
    }


def _convert(model: keras.Model, name: str, kind: str, images: np.ndarray) -> bytes:
    """The bytes of the TensorFlow Lite model of one of Keras' own layers; `images` (n, *shape) tell the ranges.

    Of a network with quantizers, the weights that they gave are baked in as float32. Its activations are rounded to
    their grids too, but for `full_integer`, where TensorFlow Lite chooses the grids. Raises ModelError where this model
    cannot be converted so.
    """
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if kind != "float":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if kind == "full_integer":
        converter.representative_dataset = lambda: _one_by_one(images)
        # Anything that has no int8 kernel is an error, never float32 in silence. (A `qat` model brings its ranges
        # along, and with this option the converter would insist on a representative dataset.)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    if kind in ("full_integer", "qat"):
        converter.inference_input_type = tf.int8
        converter.inference_output_type = tf.int8
    return _converted(converter, name, kind)


def _one_by_one(images: np.ndarray) -> Iterator[list[np.ndarray]]:
    for index in range(len(images)):
        yield [images[index : index + 1]]


def _converted(converter: Any, name: str, kind: str) -> bytes:
    from tensorflow.lite.python.convert_phase import ConverterError

    from hlsflow.compression.tflite_measure import captured_output

    try:
        with warnings.catch_warnings(), captured_output():
            # A model without quantizers has no statistics of its input; the training images give them.
            warnings.filterwarnings("ignore", message="Statistics for quantized inputs")
            return bytes(converter.convert())
    except (ConverterError, ValueError, RuntimeError, NotImplementedError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(
            f"{name}: TensorFlow Lite cannot convert it as {kind}: {reason}",
            hint=f"choose another kind: {', '.join(KINDS)}",
        ) from error


def _fine_tuned(source: Source, parameters: Parameters, dataset: Dataset) -> keras.Model:
    """The source under tfmot's quantization-aware training, trained on, in an order and from a seed that are fixed."""
    import tensorflow_model_optimization as tfmot
    from tensorflow import keras

    from hlsflow.frontends.keras.runtime import interruptible
    from hlsflow.models.weights import assign_weights
    from hlsflow.models.zoo import build_model, preprocess

    recipe = source.recipe
    keras.utils.set_random_seed(recipe.seed)
    # Without dropout, whose masks Keras draws from a hidden state.
    model = build_model(
        recipe.model_copy(update={"architecture": recipe.architecture.model_copy(update={"dropout": 0.0})})
    )
    assign_weights(model, source.weights, f"the weights of {recipe.name}")
    # tfmot's own layer would be counted up in this process, and the file holds its name.
    keras.backend.reset_uids()
    quantized = tfmot.quantization.keras.quantize_model(model)
    quantized.compile(
        optimizer=keras.optimizers.Adam(parameters.learning_rate or 1e-4), loss="categorical_crossentropy"
    )
    first = int(len(dataset.x_train) * (1 - recipe.validation_share))
    x = preprocess(recipe, dataset.x_train[:first])
    targets = np.eye(dataset.classes, dtype=np.float32)[dataset.y_train[:first]]
    for epoch in range(parameters.epochs or EPOCHS):
        order = np.random.default_rng((recipe.seed, epoch)).permutation(first)
        quantized.fit(
            x[order],
            targets[order],
            batch_size=FINE_TUNING_BATCH,
            shuffle=False,
            verbose=0,
            callbacks=[interruptible()],
        )
    return quantized


def _measured(content: bytes, x: np.ndarray) -> tuple[np.ndarray, Figures]:
    """(scores, figures) of a TensorFlow Lite model for inputs `x`, float32 (n, *sample shape)."""
    from hlsflow.compression import tflite_measure
    from hlsflow.foundation.processor import cpu_name

    interpreter = tflite_measure.make_interpreter(content)
    shares = tflite_measure.int8_shares(content)
    scores = tflite_measure.tflite_scores(interpreter, x)
    return scores, {
        "int8_tensors_share": round(shares.tensors, 6),
        "int8_constants_share": round(shares.constants, 6),
        "cpu_latency_us": round(tflite_measure.tflite_latency_us(interpreter, x), 2),
        "cpu": f"{cpu_name()}, 1 thread, the machine that made this row",
    }


def _dynamic_int8(
    source: Source, batch_size: int, x: np.ndarray
) -> tuple[np.ndarray, bytes, Figures]:  # fmt: skip
    """(scores, file, figures) of the Dense layers' dynamic int8 quantization."""
    from hlsflow.compression.dynamic_int8 import dynamic_scores
    from hlsflow.foundation.array_file import pack_arrays

    scores, arrays = dynamic_scores(source, x, batch_size)
    int8 = [array.size for array in arrays.values() if array.dtype == np.int8]
    facts: Figures = {
        "int8_tensors_share": round(len(int8) / len(arrays), 6),
        "int8_constants_share": round(sum(int8) / sum(array.size for array in arrays.values()), 6),
        "batch_size": batch_size,
        "computed_by": "hlsflow in exact integers, not TensorFlow Lite",
    }
    # Stored without compression: `gzip_bytes` says what that gives.
    return scores, pack_arrays(arrays, compresslevel=0), facts
