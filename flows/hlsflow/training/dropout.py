"""Dropout whose mask is a function of seed, layer and training step, so that a resumed training repeats it exactly."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any


def step_dropout(seed: int, step: Any) -> Callable[[float, str], Any]:
    """A maker of dropout layers (rate, name) for `build_model`; `step` is the optimizer's step counter (int64).

    Keras' own dropout draws from a hidden state that no checkpoint holds. The layers have no weights.
    """
    import tensorflow as tf
    from tensorflow import keras

    class StepDropout(keras.layers.Dropout):
        def call(self, inputs: tf.Tensor, training: Any = None) -> tf.Tensor:
            def dropped() -> tf.Tensor:
                key = tf.stack([tf.constant(seed ^ zlib.crc32(self.name.encode()), tf.int64), tf.cast(step, tf.int64)])
                return tf.nn.experimental.stateless_dropout(inputs, self.rate, seed=key, rng_alg="philox")

            return keras.backend.in_train_phase(dropped, inputs, training=training)

    return lambda rate, name: StepDropout(rate, name=name)
