"""Networks of every trained kind, from training to C simulation: exact up to 16 bits, within a bound beyond."""

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest

from hlsflow.building.agreement import in_lsb
from hlsflow.building.configure import configure
from hlsflow.building.pipeline import build
from hlsflow.building.plan import BuildRequest
from hlsflow.building.rounding import rounded_up
from hlsflow.building.target import Target
from hlsflow.datasets.dataset import load_dataset
from hlsflow.emulation.emulator import make_emulator
from hlsflow.foundation.log import Log
from hlsflow.foundation.workspace import Workspace
from hlsflow.frontends.keras.live import KerasModel
from hlsflow.frontends.keras.network import network_of
from hlsflow.frontends.keras.outputs import keras_outputs
from hlsflow.frontends.witness import reference_outputs, witness_float
from hlsflow.hls.config import HlsConfig
from hlsflow.hls.convert import convert
from hlsflow.hls.lint import lint
from hlsflow.hls.project import read_project
from hlsflow.models.recipe import Recipe, load_recipe
from hlsflow.models.zoo import build_model, preprocess
from hlsflow.network.fixed_point import parse_type
from hlsflow.training.making import make_trained

MODELS = Path(__file__).resolve().parents[2] / "models"
MLP = {"name": "mlp", "units": [12, 10], "kernel_initializer": "lecun_uniform"}
CNN = {"name": "cnn", "convolutions": [{"filters": 3, "kernel": 3, "pool": 2}], "units": [10]}


def recipe(
    architecture, kernel, activation, *, bias="quantized_bits(8,0,alpha=1)", sparsity=None, layers=None
) -> Recipe:
    content = load_recipe(MODELS / "digits6").model_dump(mode="json", exclude_defaults=True)
    content |= {"name": "tiny", "architecture": architecture, "compression": {}}
    content["training"] |= {"epochs": 1, "validation_split": 0.25}
    if kernel is not None:
        content["compression"]["quantization"] = {
            "kernel": kernel, "bias": bias, "activation": activation, "layers": layers or {}
        }  # fmt: skip
    if sparsity is not None:
        content["compression"]["pruning"] = {"final_sparsity": sparsity, "frequency_steps": 2}
    return Recipe.model_validate(content)


SIXTEEN = ("quantized_bits(16,1,alpha=1)", "quantized_relu(16,4)")
MANY_BITS = {"kernel": SIXTEEN[0], "activation": SIXTEEN[1], "bias": "quantized_bits(16,1,alpha=1)"}


def test_a_network_of_16_bits_is_compared_in_float64_and_equal_to_the_last_bit(tmp_path):
    """And float32 would not be: the outputs are sums of 40 bits."""
    from tensorflow import keras

    ours = recipe(CNN, **MANY_BITS)
    model = build_model(ours)
    input_type = parse_type(ours.input.type)
    network = network_of(model, input_type)
    assert witness_float(network) == "float64"

    config = HlsConfig.model_validate({"backend": "Vitis", "io_type": "io_stream", "part": "xc7z020clg400-1"})
    linted = lint(network, config)
    # Nothing is said about Keras' float32, since it is not what the hardware is compared with.
    assert "keras-rounds" not in [complaint.code for complaint in linted.complaints]
    convert(network, linted.layers, config, tmp_path / "hls")
    x = preprocess(ours, load_dataset("digits").x_test[:50])
    found = make_emulator(read_project(tmp_path / "hls")).run([x], layers=["logits"])["logits"]

    type_ = next(layer.result for layer in linted.layers if layer.node.name == "logits")
    expected = reference_outputs(KerasModel(model=model), network, [x], ["logits"])["logits"]
    np.testing.assert_array_equal(in_lsb("logits", expected, type_), found)
    rounded = keras_outputs(model, network, [x], ["logits"])["logits"]
    assert np.any(in_lsb("logits", rounded, type_) != found)
    np.testing.assert_allclose(rounded, expected, atol=1e-3)
    assert keras.backend.floatx() == "float32"


@pytest.mark.parametrize(
    ("architecture", "kernel", "activation", "expected"),
    [
        (CNN, "quantized_bits(8,0,alpha=1)", "quantized_relu(8,4)", "float32"),
        (MLP, "ternary(alpha=0.125,threshold=0.06)", "quantized_relu(8,4)", "float32"),
        (MLP, *SIXTEEN, "float64"),
        # No quantizers, or some that float32 cannot hold: a bound, whatever float.
        (MLP, None, None, "float32"),
        (MLP, "quantized_bits(32,1,alpha=1)", "quantized_relu(32,4)", "float32"),
        # Sums of more than the 53 bits that float64 holds.
        ({**MLP, "units": [256, 10]}, "quantized_bits(24,-4,alpha=1)", "quantized_relu(24,1)", "float32"),
    ],
)
def test_float64_is_taken_where_float32_rounds_and_float64_does_not(architecture, kernel, activation, expected):
    ours = recipe(architecture, kernel, activation)
    assert witness_float(network_of(build_model(ours), parse_type(ours.input.type))) == expected


def test_float64_takes_the_kernel_through_its_quantizer_though_the_bias_has_none():
    from qkeras import QDense
    from tensorflow import keras

    x_in = keras.Input((10,), name="x_in")
    layer = QDense(6, kernel_quantizer="quantized_bits(6,0,alpha=1)", bias_quantizer=None, name="fc")
    model = keras.Model(x_in, layer(x_in))
    rng = np.random.default_rng(3)
    layer.set_weights([rng.uniform(-1, 1, (10, 6)), rng.uniform(-1, 1, 6)])
    network = network_of(model, parse_type("fixed<9,3>"))
    assert witness_float(network) == "float64"
    x = rng.integers(-256, 256, (20, 10)) / 64
    kernel = np.clip(np.rint(layer.kernel.numpy() * 32), -32, 31) / 32
    found = reference_outputs(KerasModel(model=model), network, [x], ["fc"])["fc"]
    np.testing.assert_array_equal(found, x @ kernel + layer.bias.numpy().astype(np.float64))


def test_float64_gives_what_float32_gives_where_that_is_exact(monkeypatch):
    from hlsflow.frontends import witness

    for architecture, activation in (
        (CNN, "quantized_relu(6,2)"), (MLP, "quantized_bits(6,2,alpha=1)"), (MLP, "ternary(alpha=1,threshold=0.7)"),
        (MLP, "binary(alpha=1)"),
    ):  # fmt: skip
        ours = recipe(architecture, "quantized_bits(6,0,alpha=1)", activation)
        model = build_model(ours)
        network = network_of(model, parse_type(ours.input.type))
        names = [node.name for node in network.nodes if node.name != "softmax"][1:]
        x = preprocess(ours, load_dataset("digits").x_test[:40])
        expected = keras_outputs(model, network, [x], names)
        monkeypatch.setattr(witness, "witness_float", lambda network: "float64")
        found = reference_outputs(KerasModel(model=model), network, [x], names)
        monkeypatch.undo()
        for name in names:
            np.testing.assert_array_equal(found[name], expected[name], err_msg=f"{activation} {name}")


@pytest.mark.parametrize(
    ("value", "bound"), [(0.00148, 0.002), (0.002, 0.002), (0.0096, 0.01), (3.1, 4.0), (0.3, 0.3), (0.0, 0.0)]
)
def test_a_bound_is_never_rounded_down(value, bound):
    assert rounded_up(value) == bound


@pytest.fixture
def made(tmp_path):
    """Trains a recipe for an epoch on some digits, derives its configuration and builds it; gives both records."""

    def make(ours: Recipe, io_type: str = "io_parallel"):
        digits = load_dataset("digits")
        dataset = dataclasses.replace(digits, x_train=digits.x_train[:400], y_train=digits.y_train[:400])
        workspace, log = Workspace(root=tmp_path), Log(stream=io.StringIO())
        trained = make_trained(ours, dataset, workspace.models / ours.name, tmp_path / "c.npz", log)
        target = Target(backend="Vitis", io_type=io_type, part="xc7z020clg400-1", clock_period_ns=10.0, bits=16)
        workspace.hls_configs.mkdir(exist_ok=True)
        (workspace.hls_configs / f"{ours.name}.yaml").write_text(configure(workspace, ours.name, target, None, log))
        return trained, build(workspace, BuildRequest(model=ours.name, samples=100), log).record

    return make


def assert_exact(record, keras_float="float32"):
    assert record.gate.kind == "exact" and record.gate.passed
    assert record.agreement[0].values == 1000 and record.agreement[0].mismatching_values == 0
    assert record.emulator.mismatching_values == 0
    assert record.keras_float == keras_float


@pytest.mark.slow
def test_weights_of_two_and_of_three_values_build_exactly(made):
    """Ternary weights, half of them pruned, a binary layer, and a ternary activation."""
    signs = {"logits": {"kernel": "binary(alpha=0.25)"}, "fc1": {"activation": "ternary(alpha=1,threshold=0.5)"}}
    kernel = "ternary(alpha=0.125,threshold=0.06)"
    trained, record = made(recipe(MLP, kernel, "quantized_relu(8,3)", layers=signs))
    assert_exact(record)
    types = {layer.name: layer.types for layer in record.layers}
    assert (types["fc1"]["weight"], types["logits"]["weight"]) == ("fixed<2,-1>", "fixed<2,0>")
    assert 0 < trained.layers[0].kernel_zeros_quantized < 1 and trained.layers[1].kernel_zeros_quantized == 0


@pytest.mark.slow
@pytest.mark.parametrize("bits", [4, 16])
def test_a_pruned_quantized_cnn_is_a_stream_and_exact(made, bits):
    kernel, activation = f"quantized_bits({bits},-1,alpha=1)", f"quantized_relu({bits},2)"
    trained, record = made(recipe(CNN, kernel, activation, sparsity=0.5), "io_stream")
    assert_exact(record, "float64" if bits == 16 else "float32")
    assert record.configuration.io_type == "io_stream"
    assert [layer.layer for layer in trained.layers] == ["conv1", "logits"]
    for layer in trained.layers:
        assert layer.kernel_zeros == pytest.approx(0.5, abs=0.02)
        assert layer.kernel_zeros_quantized >= layer.kernel_zeros


@pytest.mark.slow
def test_32_bits_are_built_as_a_network_without_quantizers(made):
    ours = recipe(MLP, "quantized_bits(32,1,alpha=1)", "quantized_relu(32,5)", bias="quantized_bits(32,1,alpha=1)")
    _, record = made(ours)
    assert record.gate.kind == "bounded" and record.gate.passed
    assert record.gate.max_abs_error <= record.gate.allowed_abs_error < 0.01
    assert {layer.types["weight"].split("<")[1].split(",")[0] for layer in record.layers if layer.parameters} == {"16"}
