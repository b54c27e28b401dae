import gzip
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hlsflow.compression.derivation import derive, parse_method
from hlsflow.compression.post_training_quantization import quantized
from hlsflow.datasets.dataset import load_dataset
from hlsflow.foundation.errors import ConfigError, ModelError
from hlsflow.foundation.log import Log
from hlsflow.models.recipe import Recipe
from hlsflow.models.source import Source
from hlsflow.models.weight_grids import (
    best_half_range,
    cast_to_int8,
    fit_int8,
    on_grid,
    pack_bits,
    put_on_int8,
    width,
)

HALF_RANGES = (0.5, 0.8, 1.0, 1.2, 1.5, 1.7, 2.0)
WEIGHTS = arrays(np.float32, st.tuples(st.integers(1, 40), st.integers(1, 4)), elements=st.floats(-4, 4, width=32))

CONTENT = {
    "name": "tiny",
    "title": "A small network for tests",
    "dataset": "digits",
    "seed": 3,
    "input": {"scale_exponent": -8, "type": "ufixed<8,0>"},
    "architecture": {"name": "mlp", "units": [12, 8, 10], "kernel_initializer": "he_normal"},
    "training": {"learning_rate": 1e-2, "batch_size": 32, "epochs": 4, "validation_split": 0.2},
}
MLP = Recipe.model_validate(CONTENT)
RANKED = Recipe.model_validate(CONTENT | {"architecture": {"name": "mlp", "units": [12, 8, 10], "ranks": {"fc2": 3}}})
CNN = Recipe.model_validate(
    CONTENT
    | {"architecture": {"name": "cnn", "convolutions": [{"filters": 4, "kernel": 3, "pool": 2}], "units": [6, 10]}}
)


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


def drawn(recipe: Recipe) -> Source:
    """A network with the weights that its initializer gives, and biases that are not zero."""
    from hlsflow.models.weights import weights_of
    from hlsflow.models.zoo import build_model

    generator = np.random.default_rng(1)
    weights = {
        key: generator.normal(0, 0.1, array.shape).astype(np.float32) if key.endswith("bias") else array
        for key, array in weights_of(build_model(recipe)).items()
    }
    return Source(recipe=recipe, weights=weights, weights_sha256="0" * 64)


def made(source, digits, **parameters):
    method = {"name": "post_training_quantization", **parameters}
    return derive(source, method, "derived", digits, title="derived", training=None)


@given(weights=WEIGHTS, half_range=st.sampled_from(HALF_RANGES), bits=st.sampled_from((2, 4, 8, 12, 16)))
def test_the_grid_is_that_of_the_formula(weights, half_range, bits):
    delta = 2 * half_range / 2**bits
    w = weights.astype(np.float64)
    expected = np.clip(delta * np.round(w / delta), -half_range, half_range - delta)
    np.testing.assert_allclose(delta * on_grid(weights, half_range, bits), expected, rtol=1e-12, atol=1e-15)


@settings(deadline=None, max_examples=25)
@given(weights=WEIGHTS, bits=st.sampled_from((2, 4, 8)))
def test_no_half_range_of_the_grid_is_better_than_the_best_one(weights, bits):
    def error(q: float) -> float:
        return float(np.square(on_grid(weights, q, bits) * (2 * q / 2**bits) - weights).sum())

    best = best_half_range(weights, bits)
    largest = float(np.abs(weights).max())
    # Beyond twice the largest weight is outside the search, and never better where that has two bits or more.
    for q in HALF_RANGES:
        if 0.01 * largest <= q <= 2 * largest:
            # The search has steps of half a thousandth; between two of them the error is a parabola.
            assert error(best) <= error(q) + weights.size * largest**2 * 1e-3


def test_the_best_half_range_of_weights_on_a_grid_is_that_grid():
    weights = 0.3 * np.arange(-8, 8) / 8
    assert best_half_range(weights, 4) == pytest.approx(0.3)
    # A thousand small weights and a large one: the large one is given up.
    weights = np.append(np.tile(weights, 1000), 3.0)
    assert best_half_range(weights, 4) == pytest.approx(0.3, rel=0.05)
    assert best_half_range(np.zeros(5), 8) == 1.0


@settings(deadline=None, max_examples=40)
@given(weights=WEIGHTS, per=st.sampled_from(("tensor", "channel")))
def test_int8_codes_stand_for_what_is_put_on_the_hardware_grid(weights, per):
    of = put_on_int8(weights, per)
    assert of.codes.min() >= -128 and of.codes.max() <= 127 and np.all(np.abs(of.zero_points) <= 128)
    np.testing.assert_allclose(of.values, of.scales * (of.codes - of.zero_points), rtol=1e-12)
    assert np.all(of.values[weights == 0] == 0)
    assert width(of.integers) <= of.bits <= 16
    # Per channel: a power of two between all scales, so that the constants share a grid.
    assert not np.any(np.log2(of.scales / of.scales.min()) % 1)


@settings(deadline=None, max_examples=40)
@given(weights=WEIGHTS)
@example(weights=np.full((1, 1), np.float32(1e-45)))
def test_a_tuned_range_is_no_worse_than_the_whole_one(weights):
    # In float64: a 127th of the least float32 is none in float32.
    exact = weights.astype(np.float64)
    largest = float(np.abs(exact).max())
    symmetric = np.rint(exact / (largest / 127)) * (largest / 127) if largest else exact
    error = float(np.square(put_on_int8(weights, "tensor").values - weights).sum())
    # The same range without its last code, and the zero on a code: no more than a half code's shift.
    assert error <= float(np.square(symmetric - exact).sum()) + weights.size * (largest / 127) ** 2 / 4


def test_a_zero_point_serves_weights_of_one_sign():
    weights = np.linspace(0, 1, 256).reshape(-1, 1).astype(np.float32)
    codes, scale, zero = fit_int8(weights, "tensor")
    assert zero.tolist() == [-128] and scale[0] == pytest.approx(1 / 255)
    np.testing.assert_array_equal(codes[:, 0], np.arange(-128, 128))


def test_a_channel_of_small_weights_has_a_scale_of_its_own():
    generator = np.random.default_rng(0)
    weights = generator.normal(0, 1, (500, 3)) * [1, 1 / 60, 0]
    _, scales, _ = fit_int8(weights, "channel")
    assert scales[0] / scales[1] in (32, 64) and scales[2] == scales[0]
    tensor, channel = (put_on_int8(weights, per) for per in ("tensor", "channel"))
    small = [np.square(of.values[:, 1] - weights[:, 1]).mean() for of in (tensor, channel)]
    assert small[1] < small[0] / 100
    assert not np.any(put_on_int8(np.zeros((4, 2)), "channel").values)


@given(bits=st.integers(2, 16), data=st.data())
def test_packed_integers_can_be_unpacked(bits, data):
    half = 2 ** (bits - 1)
    integers = np.array(data.draw(st.lists(st.integers(-half, half - 1), min_size=1, max_size=50)), np.int64)
    packed = pack_bits(integers, bits)
    assert len(packed) == -(-len(integers) * bits // 8)
    number = np.unpackbits(np.frombuffer(packed, np.uint8))[: len(integers) * bits].reshape(-1, bits)
    unsigned = (number.astype(np.int64) << np.arange(bits - 1, -1, -1)).sum(axis=1)
    np.testing.assert_array_equal(np.where(unsigned >= half, unsigned - 2 * half, unsigned), integers)


def test_a_naive_cast_loses_nearly_every_weight():
    of = cast_to_int8(np.array([[0.99, -0.99], [1.7, -300.0]], np.float32))
    np.testing.assert_array_equal(of.values, [[0, 0], [1, -128]])


@pytest.mark.parametrize(
    ("recipe", "half_range"), [(MLP, 1.7), (RANKED, "best"), (CNN, 0.8)], ids=["mlp", "ranked", "cnn"]
)
def test_the_hardware_grid_changes_the_logits_by_one_factor_alone(digits, recipe, half_range):
    source = drawn(recipe)
    found = made(source, digits, kind="grid", half_range=half_range, bits=8)
    plain = dict(source.weights)
    for layer in recipe.architecture.weight_names():
        q = found.facts[f"half_range_{layer}"]
        if half_range == "best":
            q = best_half_range(source.weights[f"{layer}/kernel"], 8)
        plain[f"{layer}/kernel"] = (on_grid(plain[f"{layer}/kernel"], q, 8) * (2 * q / 2**8)).astype(np.float32)
        # What the hardware holds is the same kernel but for a factor near 1, and on its own quantizer's grid.
        held = found.weights[f"{layer}/kernel"]
        factor = np.unique((plain[f"{layer}/kernel"] / np.where(held == 0, np.nan, held)).round(6))
        assert 0.7 < np.nanmin(factor) <= np.nanmax(factor) < 1.42 and np.nanmax(factor) - np.nanmin(factor) < 1e-5
    quantization = found.recipe.compression.quantization
    for key, held in found.weights.items():
        layer, role = key.split("/")
        np.testing.assert_array_equal(quantized(held.astype(np.float64), str(quantization.of(layer, role))), held)
    pixels = digits.x_test
    course = replace(source, weights=plain).layer_outputs(pixels, ["logits"])["logits"]
    hardware = replace(source, recipe=found.recipe, weights=found.weights).layer_outputs(pixels, ["logits"])["logits"]
    # 16-bit biases and activations are the rest of the difference.
    np.testing.assert_allclose(hardware * found.facts["logits_factor"], course, atol=2e-3 * np.abs(course).max())
    assert np.mean(course.argmax(axis=1) == digits.y_test) == pytest.approx(
        found.facts["accuracy_float_activations"], abs=1e-6
    )


def test_a_power_of_two_needs_no_factor(digits):
    source = drawn(MLP)
    found = made(source, digits, kind="grid", half_range=0.5, bits=4)
    assert found.facts["logits_factor"] == 1
    for layer in ("fc1", "fc2", "logits"):
        kernel = source.weights[f"{layer}/kernel"]
        np.testing.assert_array_equal(
            found.weights[f"{layer}/kernel"], np.clip(np.round(kernel / 0.0625) * 0.0625, -0.5, 0.4375)
        )
        assert str(found.recipe.compression.quantization.of(layer, "kernel")) == "quantized_bits(4,-1,alpha=1)"


def test_the_facts_are_counted_from_the_weights(digits):
    source = drawn(MLP)
    found = made(source, digits, kind="grid", half_range=1.5, bits=2, activation_bits=6)
    kernels = [source.weights[f"{layer}/kernel"] for layer in ("fc1", "fc2", "logits")]
    rounded = [0.75 * np.clip(np.round(kernel / 0.75), -2, 1) for kernel in kernels]
    flat, held = np.concatenate([k.ravel() for k in kernels]), np.concatenate([k.ravel() for k in rounded])
    assert found.facts["kernel_zeros"] == pytest.approx(np.mean(held == 0), abs=1e-6)
    assert found.facts["mean_squared_error"] == pytest.approx(np.mean((held - flat) ** 2), rel=1e-5)
    # Each layer: two bits a weight, two bytes a bias, a scale of four and a zero-point of one byte.
    weights, biases = (64 * 12, 12 * 8, 8 * 10), (12, 8, 10)
    assert found.facts["packed_bytes"] == sum(n // 4 + 2 * b + 5 for n, b in zip(weights, biases, strict=True))
    assert found.facts["packed_gzip_bytes"] < found.facts["packed_bytes"] + len(gzip.compress(b""))
    assert str(found.recipe.compression.quantization.of("fc1", "activation")).startswith("quantized_relu(6,")
    assert found.pictures["quantization.png"].startswith(b"\x89PNG")


def test_float16_rounds_and_keeps_floating_point(digits):
    source = drawn(MLP)
    found = made(source, digits, kind="float16")
    for key, array in source.weights.items():
        np.testing.assert_array_equal(found.weights[key], array.astype(np.float16).astype(np.float32))
    assert found.recipe.compression.quantization is None
    assert found.facts["packed_bytes"] == 2 * sum(array.size for array in source.weights.values())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "grid", "bits": 4}, "half_range: missing; kind grid needs half_range and bits"),
        ({"kind": "grid", "bits": 4, "half_range": 0.001}, "half_range: 0.001 is not within 1/256 to 256, nor 'best'"),
        ({"kind": "int8"}, "per: missing; kind int8 needs per"),
        ({"kind": "float16", "bits": 4}, "bits: kind float16 has none; leave it out"),
        ({"kind": "float16", "activation_bits": 8},
         "activation_bits: kind float16 keeps floating-point activations; leave it out"),
    ],
)  # fmt: skip
def test_parameters_that_do_not_go_together_are_refused(values, message):
    with pytest.raises(ConfigError) as caught:
        parse_method({"name": "post_training_quantization", **values}, "sweep.yaml")
    assert str(caught.value) == f"sweep.yaml: method post_training_quantization: {message}"


def test_a_quantized_model_is_refused(digits):
    source = drawn(MLP)
    found = made(source, digits, kind="int8", per="tensor")
    again = Source(recipe=found.recipe, weights=found.weights, weights_sha256="0" * 64)
    with pytest.raises(ModelError) as caught:
        made(again, digits, kind="float16")
    assert caught.value.message == "derived has quantizers already, so its weights are on a grid"


@pytest.mark.slow
def test_quantized_networks_are_built_with_no_mismatch(tmp_path, digits):
    from hlsflow.building.configure import configure
    from hlsflow.building.pipeline import build
    from hlsflow.building.plan import BuildRequest
    from hlsflow.building.target import Target
    from hlsflow.foundation.workspace import Workspace
    from hlsflow.training.making import make_derived, make_trained

    workspace, log = Workspace(root=tmp_path), Log(stream=io.StringIO())
    workspace.hls_configs.mkdir()
    float_accuracy = make_trained(MLP, digits, workspace.models / "tiny", tmp_path / "c.npz", log).accuracy.test
    target = Target(
        backend="Vitis", io_type="io_parallel", part="xc7z020clg400-1", clock_period_ns=10.0, bits=16
    )  # fmt: skip
    methods = {
        "grid16": {"kind": "grid", "half_range": "best", "bits": 16},
        "channels": {"kind": "int8", "per": "channel", "activation_bits": 8},
        "cast": {"kind": "int8_cast"},
    }
    accuracies = {}
    for name, parameters in methods.items():
        method = {"name": "post_training_quantization", **parameters}
        make_derived(
            workspace.models / "tiny", method, digits, workspace.models / name, tmp_path / "c.npz", log, title=name
        )
        (workspace.hls_configs / f"{name}.yaml").write_text(configure(workspace, name, target, None, log))
        record = build(workspace, BuildRequest(model=name), log).record
        assert record.gate.kind == "exact" and record.gate.passed
        assert [item.mismatching_values for item in record.agreement] == [0]
        accuracies[name] = record.accuracy_csim
    assert accuracies["grid16"] > float_accuracy - 0.01 and accuracies["channels"] > float_accuracy - 0.02
    assert accuracies["cast"] < 0.5


def test_the_shipped_sweep_has_every_point_of_the_grid():
    from hlsflow.exploring.spec import load_spec

    sweep = load_spec(Path(__file__).resolve().parents[2] / "sweeps" / "post_training_quantization.yaml")
    grid = set()
    for point in sweep.points:
        if point.kind == "compress":
            _, parameters = parse_method(point.body["method"], point.name)
            grid.add((parameters.kind, parameters.half_range, parameters.bits, parameters.per))
    assert {("grid", q, bits, None) for q in (*HALF_RANGES, "best") for bits in (2, 4, 8, 12, 16)} <= grid
    assert {("float16", None, None, None), ("int8_cast", None, None, None)} <= grid
    assert {("int8", None, None, "tensor"), ("int8", None, None, "channel")} <= grid
