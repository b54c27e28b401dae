"""Models that Keras makes and saves in every way it has: what is read is the same model, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from hlsflow.frontends.keras.files.keras_model import found_of_model, keras_model
from hlsflow.frontends.keras.files.reader import read_model_file
from hlsflow.frontends.keras.runtime import prepare_tensorflow

BITS = "quantized_bits(6,0,alpha=1)"


@pytest.fixture(autouse=True)
def walked(monkeypatch):
    """Files that these tests write are whole: no process need walk them first."""
    monkeypatch.setattr("hlsflow.frontends.keras.files.reader._check_walk", lambda data, path: None)


def sequential(keras, layers):
    return keras.Sequential(
        [
            layers.Input((6,)),
            layers.GaussianNoise(0.1),
            layers.Dense(5, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.Dense(3, activation="softmax"),
        ]
    )


def shared(keras, layers):
    a, b, twice = layers.Input((4,), name="a"), layers.Input((4,), name="b"), layers.Dense(4, name="twice")
    x, y = twice(a), twice(b)
    z = layers.Concatenate()([layers.Add()([x, y]), twice(x)])
    return keras.Model([b, a], [layers.Dense(2)(z), layers.Subtract()([y, x]), y])


def nested(keras, layers):
    """A model of two outputs called twice, a Sequential within, and a model that has a layer of its own name."""
    x = layers.Input((4,))
    core = keras.Model(x, [layers.Dense(4, activation="tanh", name="core")(x), layers.Dense(3)(x)], name="core")
    inner = keras.Sequential([layers.Dense(4), layers.ReLU(), layers.Dropout(0.2), layers.Dense(4)], name="inner")
    x = layers.Input((4,))
    (first, second), (third, fourth) = core(x), core(inner(x))
    return keras.Model(x, [layers.Concatenate()([second, third, fourth, inner(first)]), first])


def deferred(keras, layers):
    model = keras.Sequential([layers.Dense(5, activation="relu"), keras.Sequential([layers.Dense(2)])])
    model.build((None, 6))
    return model


def deeper(keras, layers):
    def block(name):
        x = layers.Input((4,))
        return keras.Model(x, layers.Dense(4, name=f"{name}_d")(layers.BatchNormalization()(x)), name=name)

    x = layers.Input((4,))
    whole = keras.Model(x, block("second")(layers.ReLU()(block("first")(x))), name="whole")
    x = layers.Input((4,))
    return keras.Model(x, layers.Dense(2, name="dense")(whole(x)))


def images(keras, layers):
    x = entrance = layers.Input((12, 12, 3))
    for item in (
        layers.Rescaling(1 / 255.0), layers.RandomFlip(), layers.RandomRotation(0.1), layers.ZeroPadding2D(1),
        layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False), layers.BatchNormalization(scale=False),
        layers.LeakyReLU(0.2), layers.SpatialDropout2D(0.1), layers.DepthwiseConv2D(3, depth_multiplier=2),
        layers.ReLU(6.0), layers.SeparableConv2D(5, 3), layers.MaxPooling2D(2), layers.UpSampling2D(4),
        layers.AveragePooling2D(2), layers.Conv2DTranspose(3, 2), layers.PReLU(shared_axes=[1, 2]),
        layers.Cropping2D(1), layers.GlobalAveragePooling2D(), layers.ELU(), layers.Softmax(),
    ):  # fmt: skip
        x = item(x)
    return keras.Model(entrance, x)


def series(keras, layers):
    x = entrance = layers.Input((16, 3))
    for item in (
        layers.ZeroPadding1D(1), layers.Conv1D(4, 3, padding="causal", dilation_rate=2, activation="elu"),
        layers.SeparableConv1D(4, 3), layers.DepthwiseConv1D(2), layers.MaxPooling1D(2), layers.UpSampling1D(2),
        layers.LayerNormalization(), layers.Permute((2, 1)), layers.Reshape((-1, 2)), layers.Cropping1D(1),
    ):  # fmt: skip
        x = item(x)
    both = [layers.GlobalMaxPooling1D()(x), layers.GlobalAveragePooling1D()(x)]
    merged = [item(both) for item in (layers.Multiply(), layers.Average(), layers.Maximum(), layers.Minimum())]
    x = layers.Flatten()(layers.RepeatVector(2)(layers.Concatenate(axis=1)([*merged, layers.Dot(1)(both)])))
    return keras.Model(entrance, layers.Dense(2, activation="sigmoid")(x))


def recurrent(keras, layers):
    x = entrance = layers.Input((5, 3))
    for item in (
        layers.Masking(0.0), layers.LSTM(4, return_sequences=True), layers.GRU(3, return_sequences=True),
        layers.GRU(3, reset_after=False, return_sequences=True), layers.SimpleRNN(3, go_backwards=True),
    ):  # fmt: skip
        x = item(x)
    return keras.Model(entrance, x)


def activations(keras, layers):
    import tensorflow as tf

    x = entrance = layers.Input((4,))
    for said in (layers.LeakyReLU(0.3), keras.activations.gelu, tf.nn.relu6, "hard_sigmoid", "swish"):
        x = layers.Dense(4, activation=said)(x)
    return keras.Model(entrance, layers.Activation(tf.nn.relu6)(layers.Activation(layers.ReLU(4.0))(x)))


def dictionaries(keras, layers):
    late, early = layers.Input((3,), name="late"), layers.Input((4,), name="early")
    outputs = {"zebra": layers.Dense(2)(late), "ape": layers.Dense(3)(early)}
    return keras.Model({"late": late, "early": early}, outputs)


def slashes(keras, layers):
    x = layers.Input((4,), name="in/put")
    return keras.Model(x, layers.Dropout(0.1)(layers.Dense(3, name="a/b")(x), training=False))


def quantized(keras, layers):
    import qkeras

    kinds = {"bias_quantizer": BITS}
    x = entrance = layers.Input((8, 8, 2))
    for item in (
        qkeras.QActivation("quantized_bits(8,0,alpha=1)"),
        qkeras.QConv2D(4, 3, kernel_quantizer=qkeras.quantized_bits(6, 0, alpha=1), **kinds),
        qkeras.QBatchNormalization(), qkeras.QActivation(qkeras.quantized_relu(6, 2)),
        qkeras.QDepthwiseConv2D(3, depthwise_quantizer=BITS, **kinds), layers.MaxPooling2D(2), layers.Flatten(),
        qkeras.QDense(5, kernel_quantizer="ternary(alpha=1)", activation="quantized_tanh(6)", **kinds),
        qkeras.QDense(5, kernel_quantizer=qkeras.quantized_po2(4, 1), use_bias=False), qkeras.QActivation("binary"),
        qkeras.QDense(5, activation="quantized_hswish(6,2)", kernel_quantizer=BITS, **kinds),
        qkeras.QDense(5, activation=qkeras.quantizers.hard_tanh, kernel_quantizer=BITS, **kinds),
        qkeras.QDense(5, kernel_quantizer=qkeras.quantized_bits(4, 0, 1, alpha="auto_po2"), **kinds),
    ):  # fmt: skip
        x = item(x)
    return keras.Model(entrance, layers.Activation("softmax")(x))


def folded(keras, layers):
    import qkeras

    x = entrance = layers.Input((8, 8, 2))
    for item in (
        qkeras.QConv2DBatchnorm(3, 3, kernel_quantizer=BITS, bias_quantizer=BITS),
        qkeras.QActivation("quantized_relu(6)"),
        qkeras.QDepthwiseConv2DBatchnorm(3, depthwise_quantizer=BITS, bias_quantizer=BITS),
        qkeras.QSeparableConv2D(
            3, 2, depthwise_quantizer=BITS, pointwise_quantizer=BITS, bias_quantizer=BITS
        ),
        qkeras.QGlobalAveragePooling2D(),
    ):  # fmt: skip
        x = item(x)
    return keras.Model(entrance, x)


def pruned(keras, layers):
    """With the masks of a step of training, whose optimizer's state is in the file, too."""
    from tensorflow_model_optimization.sparsity import keras as sparsity

    model = keras.Sequential([layers.Dense(8, activation="relu", input_shape=(6,)), layers.Dropout(0.1)])
    model.add(layers.BatchNormalization())
    model.add(layers.Dense(3))
    schedule = sparsity.ConstantSparsity(0.5, begin_step=0, frequency=1)
    model = sparsity.prune_low_magnitude(model, pruning_schedule=schedule)
    model.compile("adam", "mse")
    step = [sparsity.UpdatePruningStep()]
    model.fit(np.zeros((8, 6)), np.zeros((8, 3)), verbose=0, callbacks=step)
    return model


def compiled(keras, layers):
    """With a loss, a metric and an optimizer's state that nobody else has."""
    import tensorflow as tf

    class Loss(keras.losses.Loss):
        def call(self, truth, said):
            return tf.reduce_mean((truth - said) ** 2)

    def metric(truth, said):
        return tf.reduce_mean(truth)

    model = sequential(keras, layers)
    model.compile(keras.optimizers.Adam(), Loss(), metrics=[metric])
    model.fit(np.ones((8, 6)), np.ones((8, 3)), verbose=0)
    return model


def randomized(model):
    """Weights that differ from each other; of a pruned or trained model those that it has."""
    rng = np.random.default_rng(1)
    if model.optimizer is None:
        for variable in model.weights:
            positive = any(word in variable.name for word in ("variance", "gamma"))
            if variable.dtype == "float32":
                values = rng.uniform(0.5, 2, variable.shape) if positive else rng.normal(size=variable.shape)
                variable.assign(0.6 * values)
    return model


def outputs_of(model, frames):
    import tensorflow as tf

    given = [frames[name] for name in [item.name for item in model.inputs]]
    structured = isinstance(model.input, dict)
    outputs = model(frames if structured else given if len(given) > 1 else given[0], training=False)
    return [item.numpy() for item in tf.nest.flatten(outputs)]


def saved(model, folder, forms):
    """(how, what was read of it) for every form of a file."""
    for suffix in ("h5", "keras"):
        if suffix in forms:
            model.save(folder / f"m.{suffix}")
            yield suffix, read_model_file(folder / f"m.{suffix}")
    (folder / "m.json").write_text(model.to_json())
    for weights in ("m_weights.h5", "m.weights.h5"):
        if weights in forms:
            model.save_weights(folder / weights)
            yield weights, read_model_file(folder / "m.json", folder / weights)
    if "live" in forms:
        yield "live", found_of_model(model)


def check(make, folder, forms):
    prepare_tensorflow()
    from tensorflow import keras

    keras.backend.clear_session()
    keras.utils.set_random_seed(5)
    model = randomized(make(keras, keras.layers))
    rng = np.random.default_rng(2)
    frames = {item.name: rng.normal(size=(4, *item.shape[1:])).astype(np.float32) for item in model.inputs}
    expected = outputs_of(model, frames)
    arrays = {(item.name.rpartition("/")[2], item.numpy().tobytes()) for item in model.weights}
    assert expected and all(np.ptp(item) > 0 for item in expected)
    for how, found in saved(model, folder, forms):
        ours = keras_model(found.architecture, found.weights)
        assert [item.name for item in ours.inputs] == [item.name for item in model.inputs], how
        outputs = outputs_of(ours, frames)
        assert len(outputs) == len(expected)
        for one, other in zip(outputs, expected, strict=True):
            assert np.array_equal(one, other), how
        for key, array in found.weights.items():
            assert (f"{key.rpartition('/')[2]}:0", array.tobytes()) in arrays, (how, key)
        yield how, found


ALL = ("h5", "keras", "m_weights.h5", "m.weights.h5", "live")


@pytest.mark.parametrize(
    ("make", "notes"),
    [
        (sequential, ("left out, since training alone knows them: 'gaussian_noise', 'dropout'",)),
        (shared, tuple(f"'twice_{n}' is a copy of 'twice', or another layer of that name in a model within"
                       for n in (2, 3))),
        (nested, None),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)  # fmt: skip
def test_the_usual_models_are_read_bit_for_bit(tmp_path, make, notes):
    for _, found in check(make, tmp_path, ("h5", "keras")):
        assert notes is None or found.notes == notes


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        sequential, shared, nested, deferred, images, series, activations, dictionaries, slashes, quantized,
        folded, compiled,
    ],
)  # fmt: skip
def test_every_model_is_read_from_every_form_bit_for_bit(tmp_path, make):
    assert [how for how, _ in check(make, tmp_path, ALL)] == list(ALL)


@pytest.mark.slow
def test_recurrent_models_are_read_bit_for_bit(tmp_path):
    forms = ("keras", "m_weights.h5")
    assert [how for how, _ in check(recurrent, tmp_path, forms)] == list(forms)


@pytest.mark.slow
def test_models_within_models_within_models_are_read_bit_for_bit(tmp_path):
    """Keras itself cannot save this one by the names of its weights."""
    forms = ("keras", "m.weights.h5", "live")
    assert [how for how, _ in check(deeper, tmp_path, forms)] == list(forms)


@pytest.mark.slow
def test_pruning_wrappers_come_off_and_their_zeros_stay(tmp_path):
    for how, found in check(pruned, tmp_path, ALL):
        for name in (item.name for item in found.architecture.layers if item.class_name == "Dense"):
            assert np.mean(found.weights[f"{name}/kernel"] == 0) == pytest.approx(0.5, abs=0.03)
        if how in ("h5", "m_weights.h5"):
            assert sum("was taken off: 50.0% of its kernel are zeros" in note for note in found.notes) == 2
