"""Small models of HGQ 2, trained for a few steps or with widths drawn at random, for tests where it is installed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

# By channel: what a stream can have.
BY_CHANNEL = {"homogeneous_axis": None, "heterogeneous_axis": (-1,)}
BY_ELEMENT = {"homogeneous_axis": (0,), "heterogeneous_axis": None}


def _made(build: Callable[[Any, Any], tuple[Any, Any]], axes: dict[str, Any], overflow: str, **more: Any) -> Any:
    import hgq.layers
    import keras
    from hgq.config import QuantizerConfigScope

    keras.utils.set_random_seed(1)
    said = {"default_q_type": "kif", "overflow_mode": overflow, **axes, **more}
    with QuantizerConfigScope(place="datalane", **said):
        inputs, outputs = build(keras, hgq.layers)
    return keras.Model(inputs, outputs, name="made")


def _dense(keras, q):
    x = keras.Input((12,), name="x")
    y = q.QDense(10, activation="relu", name="d1")(x)
    y = q.QDense(8, name="d2", enable_oq=True)(y)
    return x, q.QDense(4, name="out")(keras.layers.ReLU(name="r")(y))


def _merged(keras, q):
    x = keras.Input((10,), name="x")
    a, b = q.QBatchNormDense(6, activation="relu", name="a")(x), q.QDense(6, name="b")(x)
    y = q.QAdd(name="add")([a, b])
    y = q.QMultiply(name="times", enable_oq=True)([y, b])
    y = q.QMaximum(name="most")([y, q.QSubtract(name="less")([a, b])])
    return x, q.QBatchNormalization(name="norm", enable_oq=True)(y)


def _image(keras, q):
    x = keras.Input((8, 6, 2), name="x")
    y = q.QConv2D(4, 3, activation="relu", padding="same", strides=(2, 1), name="c1")(x)
    y = q.QMaxPooling2D((2, 2), name="p1")(y)
    y = q.QEinsumDense("bhwc,cd->bhwd", (2, 3, 5), bias_axes="d", name="e1")(y)
    y = q.QAveragePooling2D((2, 1), name="p2")(y)
    y = keras.layers.Dropout(0.5)(y)
    return x, q.QDense(3, name="out")(keras.layers.Flatten(name="flat")(y))


def _series(keras, q):
    x = keras.Input((12, 2), name="x")
    y = q.Quantizer(place="datalane", name="first")(x)
    y = q.QConv1D(3, 3, name="c1")(y)
    y = q.QUnaryFunctionLUT("relu", name="relu", enable_oq=True)(y)
    y = keras.layers.Reshape((5, 6), name="shape")(y)
    y = q.QDense(4, name="d1")(y)
    return x, q.QGlobalMaxPooling1D(name="most", enable_iq=False)(y)


def _two_inputs(keras, q):
    a, b = keras.Input((6,), name="a"), keras.Input((6,), name="b")
    return [a, b], q.QDense(3, name="out")(q.QAdd(name="add")([a, b]))


BUILDS = {"dense": _dense, "merged": _merged, "image": _image, "series": _series, "two_inputs": _two_inputs}


# Of which the outputs differ: most draws leave that network next to nothing.
_SEEDS = {"series": 5}


def model(name: str, axes: dict[str, Any] = BY_ELEMENT, overflow: str = "WRAP", **more: Any) -> Any:
    """A model whose quantizers of values have widths that differ, with zeros among them, and that overflow."""
    found = _made(BUILDS[name], axes, overflow, **more)
    drawn(found, _SEEDS.get(name, 0))
    return found


def drawn(model: Any, seed: int = 0) -> None:
    """Draws weights and the widths of all quantizers: none is what it began with, and many are too narrow."""
    rng = np.random.default_rng(seed)
    for layer in model._flatten_layers():
        kind = type(layer).__name__
        if kind.startswith("FixedPointQuantizer"):
            weight = bool(layer._is_weight)
            low, high = (1, 4) if weight else (-2, 7)
            shape = tuple(layer._i.shape)
            layer._i.assign(rng.integers(0, 3, shape).astype(np.float32) + rng.uniform(-0.3, 0.3, shape))
            if kind.endswith("KIF"):
                layer._f.assign(rng.integers(low, high, shape) - rng.integers(0, 2, shape))
            else:
                layer._b.assign(rng.integers(low + 1, high + 2, shape).astype(np.float32))
            if not weight:
                layer._k.assign(rng.integers(0, 2, shape).astype(np.uint8))
        for name, low, high in (
            ("_kernel", -1, 1), ("bias", -1, 1), ("bn_gamma", 0.5, 2), ("bn_beta", -1, 1), ("moving_mean", -1, 1),
            ("moving_variance", 0.5, 2),
        ):  # fmt: skip
            variable = getattr(layer, name, None)
            if variable is not None and hasattr(variable, "assign"):
                variable.assign(rng.uniform(low, high, variable.shape))


def trained(axes: dict[str, Any] = BY_CHANNEL, beta: float = 1e-4, rate: float = 3e-2, epochs: int = 40) -> Any:
    """A model after some steps of training that HGQ's own loss shapes."""
    import keras

    found = _made(_dense, axes, "WRAP")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(512, 12)).astype(np.float32)
    # Half of the inputs say nothing, and so lose their bits.
    y = (x[:, :6] @ rng.normal(size=(6, 4))).astype(np.float32)
    for layer in found.layers:
        if getattr(layer, "_beta", None) is not None:
            layer._beta.assign(beta)
    found.compile(keras.optimizers.Adam(rate), "mse")
    found.fit(x, y, epochs=epochs, batch_size=64, verbose=0)
    return found


def saved(model: Any, folder: Path) -> Path:
    path = folder / "made.keras"
    model.save(path)
    return path
