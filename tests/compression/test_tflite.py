import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hlsflow.__main__ import main
from hlsflow.compression.dynamic_int8 import ACTIVATION_MAXIMUM, dynamic_dense, quantize_batch, quantize_dense
from hlsflow.compression.tflite import ARRAYS_FILE, MODEL_FILE, Parameters, make_tflite
from hlsflow.datasets.dataset import load_dataset
from hlsflow.foundation.array_file import read_arrays
from hlsflow.foundation.errors import ConfigError, ModelError
from hlsflow.foundation.strict_yaml import validate
from hlsflow.models.recipe import Recipe
from hlsflow.models.source import Source

QUANTIZATION = {
    "kernel": "quantized_bits(6,0,alpha=1)",
    "bias": "quantized_bits(6,0,alpha=1)",
    "activation": "quantized_relu(4,1)",
}
MLP = {"name": "mlp", "units": [12, 10], "dropout": 0.1}
CNN = {"name": "cnn", "convolutions": [{"filters": 4, "kernel": 3, "pool": 2}], "units": [10]}
LOW_RANK = {"name": "mlp", "units": [12, 10], "ranks": {"fc1": 3}}
TFLITE_KEYS = {
    "accuracy", "source_accuracy", "same_class_share", "max_abs_score_error", "file_bytes", "gzip_bytes",
    "int8_tensors_share", "int8_constants_share", "cpu_latency_us", "cpu", "tensorflow",
}  # fmt: skip
# What differs from run to run.
OF_THE_MACHINE = ("cpu_latency_us", "cpu")


def source_of(architecture, quantization=None, **more) -> Source:
    """A network with weights from a fixed seed: what is converted need not be good at anything."""
    from hlsflow.frontends.keras.runtime import prepare_tensorflow
    from hlsflow.models.weights import weights_of
    from hlsflow.models.zoo import build_model

    prepare_tensorflow()
    values = {
        "name": "tiny",
        "title": "A small network for tests",
        "dataset": "digits",
        "seed": 1,
        "input": {"scale_exponent": -8, "type": "ufixed<8,0>"},
        "architecture": architecture,
        "training": {"learning_rate": 1e-2, "batch_size": 32, "epochs": 1, "validation_split": 0.2},
        **more,
    }
    if quantization is not None:
        values["compression"] = {"quantization": quantization}
    recipe = validate(Recipe, values, "the test")
    generator = np.random.default_rng(0)
    weights = {
        key: generator.normal(0, 0.4, array.shape).astype(np.float32)
        for key, array in weights_of(build_model(recipe)).items()
    }
    return Source(recipe=recipe, weights=weights, weights_sha256="0" * 64)


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


@pytest.fixture(scope="module")
def mlp():
    return source_of(MLP)


@pytest.mark.parametrize(
    "architecture, quantization",
    [(MLP, None), (CNN, None), (CNN, QUANTIZATION), (LOW_RANK, QUANTIZATION)],
    ids=["mlp", "cnn", "quantized cnn", "quantized low rank"],
)
def test_float_is_what_keras_computes(architecture, quantization, digits, tmp_path):
    figures = make_tflite(source_of(architecture, quantization), Parameters(kind="float"), digits, tmp_path)
    assert figures["max_abs_score_error"] <= 1e-5
    assert figures["accuracy"] == figures["source_accuracy"]
    assert figures["int8_constants_share"] == 0


def test_the_figures_are_of_the_file_that_is_written(mlp, digits, tmp_path):
    import gzip

    figures = make_tflite(mlp, Parameters(kind="dynamic_range"), digits, tmp_path)
    assert figures.keys() == TFLITE_KEYS
    content = (tmp_path / MODEL_FILE).read_bytes()
    # Bytes 4 to 8 of a flatbuffer name its kind.
    assert content[4:8] == b"TFL3"
    assert figures["file_bytes"] == len(content)
    assert figures["gzip_bytes"] == len(gzip.compress(content, 9, mtime=0))
    assert figures["cpu_latency_us"] > 0
    assert "1 thread" in figures["cpu"]


def test_full_integer_is_small_and_int8_from_input_to_output(mlp, digits, tmp_path):
    import tensorflow as tf

    plain = make_tflite(mlp, Parameters(kind="float"), digits, tmp_path / "float")
    figures = make_tflite(mlp, Parameters(kind="full_integer"), digits, tmp_path)
    assert figures["file_bytes"] < plain["file_bytes"]
    assert figures["int8_constants_share"] > 0.9
    assert figures["int8_tensors_share"] > plain["int8_tensors_share"]
    assert 0 < figures["max_abs_score_error"] < 0.2
    interpreter = tf.lite.Interpreter(str(tmp_path / MODEL_FILE))
    (taken,), (given_,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert taken["dtype"] is given_["dtype"] is np.int8


@pytest.mark.parametrize("kind", ["full_integer", "dense_dynamic_int8"])
def test_equal_inputs_give_equal_files_and_figures(kind, mlp, digits, tmp_path):
    first, second = (make_tflite(mlp, Parameters(kind=kind), digits, tmp_path / name) for name in "ab")
    for key in OF_THE_MACHINE:
        assert first.pop(key, None) == second.pop(key, None) or key == "cpu_latency_us"
    assert first == second
    name = ARRAYS_FILE if kind == "dense_dynamic_int8" else MODEL_FILE
    assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.slow
def test_qat_is_full_integer_and_trained_on_the_same_bits_each_time(digits, tmp_path):
    parameters = Parameters(kind="qat", epochs=3, learning_rate=1e-2)
    source = source_of(CNN)
    figures = make_tflite(source, parameters, digits, tmp_path / "a")
    assert figures["accuracy"] > figures["source_accuracy"] + 0.2
    assert figures["int8_constants_share"] > 0.9
    make_tflite(source, parameters, digits, tmp_path / "b")
    assert (tmp_path / "a" / MODEL_FILE).read_bytes() == (tmp_path / "b" / MODEL_FILE).read_bytes()


def test_nothing_reaches_the_terminal(mlp, digits, tmp_path, capfd):
    make_tflite(mlp, Parameters(kind="full_integer"), digits, tmp_path)
    assert capfd.readouterr() == ("", "")


def test_a_network_of_some_classes_is_measured_on_those_alone(digits, tmp_path):
    source = source_of({"name": "mlp", "units": [6, 2]}, classes=[6, 9])
    figures = make_tflite(source, Parameters(kind="float"), digits, tmp_path)
    among = np.isin(digits.y_test, (6, 9)).sum()
    assert figures["accuracy"] * among == pytest.approx(round(figures["accuracy"] * among), abs=1e-3)


def test_qat_of_a_network_with_quantizers_is_refused(digits, tmp_path):
    with pytest.raises(ModelError) as failure:
        make_tflite(source_of(MLP, QUANTIZATION), Parameters(kind="qat"), digits, tmp_path)
    assert str(failure.value) == (
        "tiny: kind qat starts from a model without quantizers, and this one has QKeras'\n"
        "  convert its float source as qat, or this model as full_integer"
    )


def test_activations_of_one_sign_are_refused(digits, tmp_path):
    source = source_of(MLP, {**QUANTIZATION, "activation": "binary(alpha=1)"})
    with pytest.raises(ModelError, match="layer 'relu1': plain Keras layers have no binary"):
        make_tflite(source, Parameters(kind="float"), digits, tmp_path)


@pytest.mark.parametrize(
    "values, message",
    [
        ({"kind": "int4"}, "kind: input should be 'float', 'dynamic_range', 'float16', 'full_integer', 'qat' or "
         "'dense_dynamic_int8', not 'int4'"),
        ({"kind": "float", "epochs": 3}, "epochs: goes with kind qat, not with float"),
        ({"kind": "qat", "batch_size": 3}, "batch_size: goes with kind dense_dynamic_int8, not with qat"),
        ({}, "kind: missing"),
    ],
)  # fmt: skip
def test_parameters_that_cannot_be_meant(values, message):
    with pytest.raises(ConfigError) as failure:
        validate(Parameters, values, "spec.yaml")
    assert str(failure.value) == f"spec.yaml: {message}"


def test_the_command_prints_the_figures_and_writes_the_file(tmp_path, digits, capsys):
    from hlsflow.foundation.array_file import pack_arrays
    from hlsflow.training.making import recipe_text

    source = source_of(MLP)
    folder = tmp_path / "models" / "tiny"
    folder.mkdir(parents=True)
    (folder / "recipe.yaml").write_text(recipe_text(source.recipe))
    (folder / "weights.npz").write_bytes(pack_arrays(dict(source.weights)))
    out = tmp_path / "mine.tflite"
    assert main(["tflite", "tiny", "--kind", "float16", "--out", str(out), "--workspace", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "tiny as float16" in shown
    assert f"{out.stat().st_size:,} bytes" in shown
    assert main(["tflite", "tiny", "--kind", "dense_dynamic_int8", "--json", "--workspace", str(tmp_path)]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["computed_by"] == "hlsflow in exact integers, not TensorFlow Lite"
    assert "cpu_latency_us" not in figures
    assert main(["tflite", "tiny", "--kind", "float32", "--workspace", str(tmp_path)]) == ConfigError.exit_code
    assert "the command line: kind: input should be" in capsys.readouterr().err


# --- dynamic int8 of Dense layers

values = st.floats(-100, 100, width=32)


@st.composite
def dense_and_batch(draw):
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    batch, inputs, outputs = (draw(st.integers(1, most)) for most in (6, 40, 8))
    scale, offset = draw(st.floats(1e-3, 1e3)), draw(st.floats(-2, 2))
    x = ((generator.normal(size=(batch, inputs)) + offset) * scale).astype(np.float32)
    kernel = (generator.normal(size=(inputs, outputs)) * draw(st.floats(1e-3, 10))).astype(np.float32)
    return x, kernel, generator.normal(size=outputs).astype(np.float32)


def test_dynamic_int8_is_of_dense_layers_alone(digits, tmp_path):
    figures = make_tflite(source_of(CNN), Parameters(kind="dense_dynamic_int8", batch_size=7), digits, tmp_path)
    arrays = read_arrays(tmp_path / ARRAYS_FILE)
    assert {key: array.dtype.name for key, array in arrays.items()} == {
        "conv1/kernel": "float32", "conv1/bias": "float32",
        "logits/kernel": "int8", "logits/kernel_scale": "float32", "logits/bias": "float32",
    }  # fmt: skip
    assert figures["file_bytes"] == (tmp_path / ARRAYS_FILE).stat().st_size
    assert figures["batch_size"] == 7
    assert figures["same_class_share"] > 0.9


@given(dense_and_batch())
@settings(deadline=None)
def test_dynamic_dense_is_a_product_of_integers_near_the_float_one(drawn):
    x, kernel, bias = drawn
    layer = quantize_dense(kernel, bias)
    found = dynamic_dense(x, layer)
    integers, scale, zero_point = quantize_batch(x)
    # The same integers without any floating point but the last step.
    sums = (integers.astype(object) - zero_point) @ layer.kernel.astype(object)
    factor = Fraction(float(scale)) * Fraction(float(layer.scale))
    exact = np.array([[float(total * factor) for total in row] for row in sums]) + bias
    np.testing.assert_allclose(found, exact, rtol=1e-6, atol=1e-6 * np.abs(bias).max())
    # Against the layer in float64: each factor is off by a step at most, half of one but at the ends of the range.
    step_x, step_w = float(scale), float(layer.scale)
    inputs = len(kernel)
    bound = inputs * (step_x * np.abs(kernel).max() + step_w * np.abs(x).max() + step_x * step_w) + 1e-4
    reference = x.astype(np.float64) @ kernel.astype(np.float64) + bias
    assert np.abs(found - reference).max() <= bound


@given(st.lists(values, min_size=1, max_size=30))
def test_a_batch_is_quantized_within_a_step_and_zero_exactly(numbers):
    x = np.array([numbers], np.float32)
    integers, scale, zero_point = quantize_batch(x)
    assert integers.min() >= 0
    assert integers.max() <= ACTIVATION_MAXIMUM
    assert np.abs((integers - zero_point) * float(scale) - x).max() <= float(scale)
    assert (((integers - zero_point) * scale)[x == 0] == 0).all()


def test_a_batch_of_zeros_stays_zero():
    integers, _, zero_point = quantize_batch(np.zeros((2, 3), np.float32))
    assert np.array_equal(integers, np.full((2, 3), zero_point))


def test_int8_weights_use_the_whole_range_and_keep_zero():
    layer = quantize_dense(np.array([[-1.275, 0.0, 1.275]], np.float32), np.zeros(3, np.float32))
    assert layer.kernel.tolist() == [[-128, 0, 127]]
    assert layer.scale == pytest.approx(0.01)
    nothing = quantize_dense(np.zeros((2, 2), np.float32), np.zeros(2, np.float32))
    assert not nothing.kernel.any()


def test_a_batch_has_one_scale_so_an_outlier_coarsens_its_companions():
    layer = quantize_dense(np.eye(1, dtype=np.float32), np.zeros(1, np.float32))
    alone = dynamic_dense(np.array([[0.3]], np.float32), layer)
    beside = dynamic_dense(np.array([[0.3], [1000.0]], np.float32), layer)
    assert alone[0, 0] == pytest.approx(0.3, rel=0.02)
    assert beside[0, 0] == 0
