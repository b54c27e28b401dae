"""TensorFlow set up for training: silent unless asked, on one thread, the same numbers in every run."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hlsflow.foundation import interrupts

if TYPE_CHECKING:
    import keras

THREADS = 1


def prepare_environment() -> None:
    """Sets what TensorFlow reads when it is imported, by us or by a library that we call: silent, and always the same.

    What the user has set stays.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # oneDNN picks its kernels, and so its rounding, by the processor.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")


def prepare_tensorflow(*, verbose: bool = False, any_keras: bool = False) -> None:
    """Imports TensorFlow with its logs silenced (unless `verbose`) and on one thread.

    One thread: a sum that two threads share is rounded differently from run to run, and a network of this size
    gains nothing from a second one. Where TensorFlow already runs, its threads stay as they are. Raises ToolError, with
    the command that brings it, where it is not installed with Keras 2, or with `any_keras` where it is with neither.
    """
    from hlsflow.frontends.installed import check_installed
    from hlsflow.frontends.keras.needs import KERAS_2, KERAS_3

    if not any_keras or KERAS_3.missing:
        check_installed(KERAS_2)
    if verbose:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "0")
    else:
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
        # tfmot and qkeras use interfaces that Keras 2.15 calls deprecated.
        warnings.filterwarnings("ignore", module=r"(keras|qkeras|tensorflow_model_optimization)\b")
    prepare_environment()
    with contextlib.nullcontext() if verbose or "tensorflow" in sys.modules else _without_greetings():
        import tensorflow as tf

    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(THREADS)
        tf.config.threading.set_inter_op_parallelism_threads(THREADS)


# Of processors and GPUs, which TensorFlow from 2.16 on writes before it looks at the level that it is told.
_GREETINGS = re.compile(rb"WARNING: All log messages before absl|I0000 .*\b(port|cudart_stub|cpu_feature_guard)\.cc")


@contextlib.contextmanager
def _without_greetings() -> Iterator[None]:
    """Holds back what the process writes to stderr inside, and passes on all but TensorFlow's greetings."""
    sys.stderr.flush()
    stderr = os.dup(2)
    try:
        with tempfile.TemporaryFile() as caught:
            os.dup2(caught.fileno(), 2)
            try:
                yield
            finally:
                os.dup2(stderr, 2)
                caught.seek(0)
                for line in caught:
                    if not _GREETINGS.match(line):
                        os.write(2, line)
    finally:
        os.close(stderr)


def interruptible() -> keras.callbacks.Callback:
    """The callback that each `fit` and `predict` gets: between two batches it raises Interrupted where that is due."""
    from tensorflow import keras

    class Look(keras.callbacks.Callback):  # type: ignore[misc]  # Keras states no types
        # Otherwise Keras would turn each batch's metrics into numbers for it, and wait for them.
        _supports_tf_logs = True

        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            interrupts.check()

        def on_test_batch_end(self, batch: int, logs: object = None) -> None:
            interrupts.check()

        def on_predict_batch_end(self, batch: int, logs: object = None) -> None:
            interrupts.check()

    return Look()
