"""What Keras 3 saves is rebuilt in Keras 3, layer by layer, and computes what the model computed that was saved."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
from constructs import CONSTRUCTS, randomized

from hlsflow.foundation.errors import ModelError, UnsupportedError
from hlsflow.frontends.keras.files.architecture import Architecture
from hlsflow.frontends.keras.files.keras_model import found_of_model, keras_model
from hlsflow.frontends.keras.files.reader import written_by
from hlsflow.frontends.keras.front_end import KERAS, KERAS_3
from hlsflow.frontends.registry import front_end_of

SAVED = (
    "act:quantized_relu(8,4)",
    "act:quantized_bits(8,4,alpha=1)",
    "act:ternary(alpha=1)",
    "ker:quantized_bits(6,1)",
    "ker:quantized_po2(4)",
    "convbn fold",
    "qbn default",
    "conv bn",
    "dw",
    "dw1d",
    "sep2d mult2",
    "concat of 3",
    "two inputs",
    "leakyrelu",
    "prelu",
    "conv qavgpool by a factor",
    "add of 3 with activations of their own",
    "upsample",
    "softmax at the end",
)
BY_NAME = {item.name: item for item in CONSTRUCTS}


def outputs_of(model, inputs):
    found = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    return [np.asarray(item) for item in (found if isinstance(found, list | tuple) else [found])]


def values_for(model):
    rng = np.random.default_rng(3)
    return [(rng.integers(-128, 128, (20, *item.shape[1:])) / 32).astype(np.float32) for item in model.inputs]


def rebuilt(found):
    """The model that the front end opens from a folder's plain values."""
    architecture = Architecture.from_json(found.architecture.to_json(), "architecture.json")
    return keras_model(architecture, found.weights)


def assert_same(model, other):
    inputs = values_for(model)
    for ours, theirs in zip(outputs_of(other, inputs), outputs_of(model, inputs), strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("name", SAVED)
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_saved_model_computes_as_before(tmp_path, name, suffix):
    model = randomized(BY_NAME[name].build())
    path = tmp_path / f"m{suffix}"
    model.save(path)
    assert written_by(path) == 3 and front_end_of(path) is KERAS_3
    found = KERAS_3.read(path)
    assert found.keras_3 and found.notes == ()
    assert_same(model, rebuilt(found))


@pytest.mark.parametrize("name", [*SAVED, "relu clipped inside", "leaky relu clipped inside"])
def test_a_live_model_computes_as_before(name):
    model = randomized(BY_NAME[name].build())
    found = found_of_model(model)
    assert found.keras_3 and found.origin.format.startswith("Keras 3.")
    assert_same(model, rebuilt(found))


def test_scales_by_the_data_are_left_to_the_keras_that_computes_them(tmp_path):
    model = randomized(BY_NAME["ker:quantized_bits(6,1)"].build())
    model.save(tmp_path / "m.keras")
    assert_same(model, rebuilt(KERAS_3.read(tmp_path / "m.keras")))
    with pytest.raises(UnsupportedError, match="QKeras for Keras 3 computes otherwise"):
        KERAS.read(tmp_path / "m.keras")


def test_keras_2_says_that_its_witness_is_another_one(tmp_path):
    model = randomized(BY_NAME["convbn fold"].build())
    model.save(tmp_path / "m.keras")
    first, second = KERAS.read(tmp_path / "m.keras").notes
    assert "uv run --no-group keras2 --group keras3 hlsflow build --model m.keras" in first
    assert second.startswith("'c1': QKeras for Keras 3 divides by a root")


def test_the_rebuilt_convolution_with_a_norm_is_folded_as_qkeras_for_keras_3_folds():
    from hlsflow.frontends.keras.constants import folded_weights

    model = randomized(BY_NAME["convbn fold"].build())
    arrays, _ = folded_weights(model.get_layer("c1"))
    x = values_for(model)[0]
    import tensorflow as tf

    expected = tf.nn.conv2d(x, arrays["weight"].astype(np.float32), 1, "VALID") + arrays["bias"].astype(np.float32)
    assert np.array_equal(np.asarray(expected), np.asarray(model.get_layer("c1")(x, training=False)))


def test_an_operation_without_a_layer_is_refused(keras):
    from hlsflow.frontends.keras.network import network_of
    from hlsflow.network.fixed_point import parse_type

    x = keras.Input((4,), name="x")
    model = keras.Model(x, keras.layers.Dense(2, name="d")(keras.ops.tanh(x) + 1.0))
    with pytest.raises(UnsupportedError, match="is an operation on tensors, and no layer"):
        network_of(model, parse_type("fixed<8,3>"))
    with pytest.raises(UnsupportedError, match="an operation on tensors, and no layer"):
        found_of_model(model)


def test_a_name_that_keras_3_does_not_take_is_refused():
    said = {
        "format": 1,
        "name": "m",
        "inputs": ["a/b"],
        "outputs": ["d"],
        "layers": [
            {"name": "a/b", "class": "InputLayer", "library": "keras", "config": {"shape": [4]}, "inputs": []},
            {"name": "d", "class": "Flatten", "library": "keras", "config": {}, "inputs": ["a/b"]},
        ],
    }
    with pytest.raises(ModelError, match="the input 'a/b' cannot be made"):
        keras_model(Architecture.from_json(json.dumps(said), "m"), {})


def test_weights_of_another_shape_are_refused_before_they_are_made(tmp_path):
    import h5py

    model = randomized(BY_NAME["act:quantized_relu(8,4)"].build())
    model.save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    content = io.BytesIO(parts["model.weights.h5"])
    with h5py.File(content, "r+") as file:
        del file["layers/q_dense/vars/0"]
        file["layers/q_dense/vars/0"] = np.zeros((3, 12), np.float32)
    parts["model.weights.h5"] = content.getvalue()
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    with pytest.raises(ModelError, match=r"d1': kernel has the shape \(3, 12\), its layer expects \(16, 12\)"):
        rebuilt(KERAS_3.read(tmp_path / "m.keras"))
