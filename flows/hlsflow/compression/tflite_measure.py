"""A TensorFlow Lite model measured on this machine: its scores, its latency, and which of its tensors are int8."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from hlsflow.foundation.interrupts import boundaries

# Latency is the median over all single-image invocations of so many passes over so many images.
LATENCY_PASSES = 5
LATENCY_IMAGES = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Int8Shares:
    """Shares 0..1: of the file's tensors, and of the values of its constants (weights, biases), that are int8."""

    tensors: float
    constants: float


@contextlib.contextmanager
def captured_output() -> Iterator[None]:
    """Keeps off the terminal what TensorFlow Lite's C++ writes to file descriptors 1 and 2 whatever its log level."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as sink:
        try:
            os.dup2(sink.fileno(), 1)
            os.dup2(sink.fileno(), 2)
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, copy in enumerate(kept, start=1):
                os.dup2(copy, number)
                os.close(copy)


def make_interpreter(content: bytes) -> Any:
    """TensorFlow Lite's interpreter of a model's bytes, on one thread, for one image at a time."""
    import tensorflow as tf

    with captured_output():
        interpreter = tf.lite.Interpreter(model_content=content, num_threads=1)
        interpreter.allocate_tensors()
    return interpreter


def tflite_scores(interpreter: Any, x: np.ndarray) -> np.ndarray:
    """The scores, float32 (n, classes), of images `x`, float32 (n, *sample shape), one invocation for each.

    An int8 model is given its input on the grid that it names, and its int8 scores are turned back by theirs.
    """
    (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()
    images = _as_input(x, taken)
    scores = np.empty((len(x), given["shape"][-1]), given["dtype"])
    for index in boundaries(range(len(x))):
        interpreter.set_tensor(taken["index"], images[index : index + 1])
        interpreter.invoke()
        scores[index] = interpreter.get_tensor(given["index"])[0]
    scale, zero_point = given["quantization"]
    if given["dtype"] is np.float32:
        return scores
    return ((scores.astype(np.int32) - zero_point) * np.float32(scale)).astype(np.float32)


def tflite_latency_us(interpreter: Any, x: np.ndarray) -> float:
    """The median time of one `invoke` in microseconds, with the call from Python, on one thread of this machine."""
    (taken,) = interpreter.get_input_details()
    images = _as_input(x[:LATENCY_IMAGES], taken)
    times = []
    for _ in range(LATENCY_PASSES):
        for index in boundaries(range(len(images))):
            interpreter.set_tensor(taken["index"], images[index : index + 1])
            started = time.perf_counter_ns()
            interpreter.invoke()
            times.append(time.perf_counter_ns() - started)
    return float(np.median(times)) / 1000


def int8_shares(content: bytes) -> Int8Shares:
    """How much of a model is int8, read from the file and not from the interpreter, whose kernels add tensors."""
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.Model.GetRootAsModel(content, 0)
    tensors: list[bool] = []
    constants: list[tuple[int, bool]] = []
    for number in range(model.SubgraphsLength()):
        graph = model.Subgraphs(number)
        for index in range(graph.TensorsLength()):
            tensor = graph.Tensors(index)
            is_int8 = tensor.Type() == schema.TensorType.INT8
            tensors.append(is_int8)
            if model.Buffers(tensor.Buffer()).DataLength():
                shape = [tensor.Shape(axis) for axis in range(tensor.ShapeLength())]
                constants.append((prod(shape), is_int8))
    values = sum(count for count, _ in constants)
    return Int8Shares(
        tensors=sum(tensors) / len(tensors),
        constants=sum(count for count, is_int8 in constants if is_int8) / values,
    )


def _as_input(x: np.ndarray, taken: dict[str, Any]) -> np.ndarray:
    """Images in the type that the model's input has."""
    if taken["dtype"] is np.float32:
        return x
    scale, zero_point = taken["quantization"]
    limits = np.iinfo(taken["dtype"])
    return np.clip(np.rint(x / np.float32(scale)) + zero_point, limits.min, limits.max).astype(taken["dtype"])
