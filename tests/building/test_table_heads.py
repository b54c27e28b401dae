"""A file of a model with tables, built: what is exact, what is within a bound, and what the record says of tables."""

from __future__ import annotations

import io

import numpy as np
import pytest

from hlsflow.building.configure import ensure_config
from hlsflow.building.pipeline import build
from hlsflow.building.plan import BuildRequest
from hlsflow.foundation.errors import DataError
from hlsflow.foundation.log import Log
from hlsflow.foundation.workspace import Workspace
from hlsflow.models.adding import Wishes, add_file
from hlsflow.records.report import markdown


@pytest.fixture
def built(tmp_path):
    """Saves a model, adds the file with samples and targets, derives its configuration and builds it."""

    def make(model, x: np.ndarray, y: np.ndarray | None = None):
        workspace, log = Workspace(root=tmp_path), Log(stream=io.StringIO())
        for folder in (workspace.models, workspace.hls_configs):
            folder.mkdir(parents=True)
        model.save(tmp_path / "mine.h5")
        np.save(tmp_path / "x.npy", x)
        given = {"data": tmp_path / "x.npy"}
        if y is not None:
            np.save(tmp_path / "y.npy", y)
            given["labels"] = tmp_path / "y.npy"
        name = add_file(workspace, tmp_path / "mine.h5", Wishes(), **given).card.name
        ensure_config(workspace, name, log)
        return build(workspace, BuildRequest(model=name), log).record

    return make


def samples() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (200, 6)) / 256


@pytest.mark.slow
def test_a_tanh_of_quantized_values_is_exact_at_its_input_and_its_errors_are_of_its_outputs(built):
    from hlsflow.frontends.keras.runtime import prepare_tensorflow

    prepare_tensorflow()
    import qkeras
    from tensorflow import keras

    quantizers = {"kernel_quantizer": "quantized_bits(6,1,alpha=1)", "bias_quantizer": "quantized_bits(6,1,alpha=1)"}
    x = keras.Input((6,))
    model = keras.Model(x, qkeras.QDense(3, activation="tanh", **quantizers)(x))
    targets = model.predict(samples(), verbose=0) + 0.25
    record = built(model, samples(), targets)
    (table,) = record.tables
    assert record.exact and table.function == "tanh" and record.emulator.mismatching_values == 0
    assert 0 < table.max_abs_error <= table.bound < 0.002
    # Of the outputs and not of the values before the tanh: a quarter, but for what the table is off.
    assert record.errors_keras.mean_abs == pytest.approx(0.25, abs=1e-6)
    assert abs(record.errors_csim.mean_abs - 0.25) <= table.bound
    assert "The tanh '" in markdown(record)


@pytest.mark.slow
def test_a_float_network_with_a_sigmoid_of_its_own_layer_is_held_to_a_bound_at_the_logits(built):
    from hlsflow.frontends.keras.runtime import prepare_tensorflow

    prepare_tensorflow()
    from tensorflow import keras

    keras.utils.set_random_seed(5)
    x = keras.Input((6,))
    model = keras.Model(x, keras.layers.Dense(1, activation="sigmoid")(keras.layers.Dense(8, activation="relu")(x)))
    labels = (model.predict(samples(), verbose=0) > 0.5).astype(int)
    record = built(model, samples(), labels)
    (table,) = record.tables
    assert record.gate.kind == "bounded" and record.gate.passed and record.accuracy_keras == 1.0
    assert 0 < table.table_error <= table.bound and record.emulator.mismatching_values == 0
    # Keras' logits are others, so that the distance to Keras' may be more than the table's own.
    assert table.max_abs_error <= table.bound + record.gate.max_abs_error / 4


@pytest.mark.slow
def test_tables_in_the_middle_are_bounded_and_witnessed(built):
    from hlsflow.frontends.keras.runtime import prepare_tensorflow

    prepare_tensorflow()
    import qkeras
    from tensorflow import keras

    quantizers = {"kernel_quantizer": "quantized_bits(6,1,alpha=1)", "bias_quantizer": "quantized_bits(6,1,alpha=1)"}
    keras.utils.set_random_seed(7)
    x = keras.Input((6,))
    y = qkeras.QDense(5, activation="sigmoid", name="first", **quantizers)(x)
    y = keras.layers.Activation("softmax", name="shares")(qkeras.QDense(4, activation="tanh", **quantizers)(y))
    model = keras.Model(x, qkeras.QDense(2, activation="tanh", name="last", **quantizers)(y))
    record = built(model, samples(), model.predict(samples(), verbose=0))
    assert record.gate.kind == "bounded" and record.gate.passed and record.emulator.mismatching_values == 0
    assert 0 < record.gate.max_abs_error <= record.gate.allowed_abs_error < 0.05
    (table,) = record.tables
    assert table.output == "last_tanh" and 0 < table.table_error <= table.bound < 0.01
    # Quantized layers are exact: what differs first is the first table.
    assert record.agreement[0].first_difference.layer == "first_sigmoid"
    assert "a sigmoid by a table of 4096 entries: close, off by 0.00" in markdown(record)


@pytest.mark.slow
def test_an_output_that_another_layer_reads_is_compared_before_its_table(built):
    from hlsflow.frontends.keras.runtime import prepare_tensorflow

    prepare_tensorflow()
    from tensorflow import keras

    keras.utils.set_random_seed(8)
    x = keras.Input((6,))
    first = keras.layers.Dense(3, activation="sigmoid", name="first")(x)
    model = keras.Model(x, [first, keras.layers.Dense(2, activation="tanh", name="second")(first)])
    record = built(model, samples(), (model.predict(samples(), verbose=0)[0] > 0.5).astype(int))
    assert [item.output for item in record.agreement] == ["first", "second"]
    assert record.gate.passed and record.gate.max_abs_error < 0.01 and record.emulator.mismatching_values == 0
    assert [item.output for item in record.tables] == ["first_sigmoid", "second_tanh"]


@pytest.mark.slow
def test_every_other_table_builds_in_the_middle_and_at_the_end(built):
    from hlsflow.frontends.keras.runtime import prepare_tensorflow

    prepare_tensorflow()
    from tensorflow import keras

    keras.utils.set_random_seed(9)
    x = keras.Input((6,))
    y = keras.layers.Dense(5, activation="softplus", name="first")(x)
    y = keras.layers.Activation("softsign", name="between")(y)
    y = keras.layers.ELU(name="elu")(keras.layers.Dense(4, name="second")(y))
    y = keras.layers.Dense(4, activation="selu", name="third")(y)
    ends = [keras.layers.Dense(2, activation=name, name=f"of_{name}")(y) for name in ("selu", "elu", "softplus")]
    model = keras.Model(x, ends)
    record = built(model, samples(), model.predict(samples(), verbose=0)[0])
    assert record.gate.kind == "bounded" and record.gate.passed and record.emulator.mismatching_values == 0
    assert 0 < record.gate.max_abs_error <= record.gate.allowed_abs_error < 0.1
    assert [item.function for item in record.tables] == ["selu", "elu", "softplus"]
    assert all(0 < item.table_error <= item.bound < 0.01 for item in record.tables)


def softmax_of_rows():
    """A quantized model with a softmax of each of three vectors of four classes."""
    from hlsflow.frontends.keras.runtime import prepare_tensorflow

    prepare_tensorflow()
    import qkeras
    from tensorflow import keras

    quantizers = {"kernel_quantizer": "quantized_bits(6,1,alpha=1)", "bias_quantizer": "quantized_bits(6,1,alpha=1)"}
    keras.utils.set_random_seed(6)
    x = keras.Input((6,))
    y = qkeras.QDense(4, activation="softmax", **quantizers)(keras.layers.Reshape((3, 2))(x))
    return keras.Model(x, y)


@pytest.mark.slow
def test_a_softmax_of_each_of_several_vectors_is_exact_at_its_logits(built):
    record = built(softmax_of_rows(), samples())
    assert record.exact and record.emulator.mismatching_values == 0 and record.softmax.argmax_agreement > 0.99
    assert 0 < record.softmax.table_error <= record.softmax.max_abs_error <= record.softmax.bound < 0.01


@pytest.mark.slow
def test_a_label_of_a_sample_is_none_of_its_vectors(built):
    with pytest.raises(DataError, match="a label is one class of a sample, and the model tells classes apart in 3 p"):
        built(softmax_of_rows(), samples(), np.arange(200) % 4)
