from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tiny_models import outputs, source

from hlsflow.compression import activation_pruning, magnitude_pruning, structured_pruning
from hlsflow.compression.derivation import derive, parse_method
from hlsflow.datasets.dataset import Dataset, load_dataset
from hlsflow.foundation.errors import ConfigError, ModelError
from hlsflow.models.layer_names import hidden_layers
from hlsflow.models.source import Source
from hlsflow.training.training import measure

CONVOLUTIONS = [{"filters": 4, "kernel": 3, "pool": 2}, {"filters": 3, "kernel": 2}]


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset("digits")


# Magnitude

kernels = arrays(
    np.float32,
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    elements=st.floats(-1, 1, width=32) | st.sampled_from([0.0, 0.5, -0.5]),
)


@given(kernels, st.sampled_from([0, 10, 30, 50, 99.5]))
def test_a_share_of_the_weights_is_pruned_and_no_larger_one_before_a_smaller(kernel, percent):
    pruned = magnitude_pruning.prune(kernel, magnitude_pruning.Parameters(percent=percent))
    gone = np.ones(kernel.size, bool)
    count = round(kernel.size * percent / 100)
    # Weights that were zero before are the smallest, so the first to count.
    assert np.count_nonzero(pruned == 0) == max(count, np.count_nonzero(kernel == 0))
    gone = (pruned != kernel).ravel()
    kept = ~gone & (kernel != 0).ravel()
    if gone.any() and kept.any():
        assert np.abs(kernel.ravel()[gone]).max() <= np.abs(kernel.ravel()[kept]).min()
    np.testing.assert_array_equal(pruned.ravel()[kept], kernel.ravel()[kept])
    assert pruned.dtype == np.float32


def test_a_threshold_prunes_what_is_below_it_and_not_what_is_at_it():
    kernel = np.array([[0.25, -0.125, 0.0625], [-0.25, 0.5, -0.0]], np.float32)
    pruned = magnitude_pruning.prune(kernel, magnitude_pruning.Parameters(threshold=0.25))
    np.testing.assert_array_equal(pruned, [[0.25, 0, 0], [-0.25, 0.5, 0]])
    # The source's own array is another model's: it stays as it is.
    assert kernel[0, 1] == -0.125


@given(kernels)
def test_csr_bytes_are_those_of_scipy(kernel):
    sparse = scipy.sparse.csr_matrix(kernel)
    assert sparse.indices.dtype == sparse.indptr.dtype == np.int32
    expected = sparse.data.nbytes + sparse.indices.nbytes + sparse.indptr.nbytes
    assert magnitude_pruning.csr_bytes(kernel, index_bytes=4) == expected
    # Up to 81 values in up to nine columns: bytes hold every index and every pointer.
    narrow = sparse.data.nbytes + sparse.indices.astype("u1").nbytes + sparse.indptr.astype("u1").nbytes
    assert magnitude_pruning.csr_bytes(kernel) == narrow


@pytest.mark.parametrize(
    ("shape", "index", "pointer"),
    [((1, 256), 1, 2), ((1, 255), 1, 1), ((2, 257), 2, 2), ((300, 300), 2, 4), ((1, 65537), 4, 4)],
)
def test_indices_are_as_narrow_as_hold_them(shape, index, pointer):
    kernel = np.ones(shape, np.float32)
    assert magnitude_pruning.csr_bytes(kernel) == kernel.size * (4 + index) + (shape[0] + 1) * pointer


def test_a_convolution_is_pruned_by_its_kernel_and_sized_by_its_rows(digits):
    tiny = source((10,), convolutions=CONVOLUTIONS)
    made = magnitude_pruning.derive(tiny, magnitude_pruning.Parameters(percent=50), digits)
    assert made.recipe == tiny.recipe
    for key, array in made.weights.items():
        if key.endswith("/bias"):
            assert array is tiny.weights[key]
        else:
            assert np.mean(array == 0) == 0.5
    kernel = made.weights["conv2/kernel"]
    assert kernel.shape == (2, 2, 4, 3)
    sparse = scipy.sparse.csr_matrix(kernel.reshape(16, 3))
    assert magnitude_pruning.csr_bytes(kernel) == sparse.data.nbytes + sparse.nnz + 17


def test_the_sizes_of_a_whole_network():
    tiny = source()
    sizes = {
        percent: magnitude_pruning.derive(tiny, magnitude_pruning.Parameters(percent=percent), None).facts
        for percent in (0, 30, 90)
    }
    parameters = sum(array.size for array in tiny.weights.values())
    assert [facts["dense_bytes"] for facts in sizes.values()] == [4 * parameters] * 3
    assert [facts["zero_share"] for facts in sizes.values()] == pytest.approx([0, 0.3, 0.9], abs=0.001)
    assert sizes[0]["gzip_bytes"] > sizes[30]["gzip_bytes"] > sizes[90]["gzip_bytes"]
    # Where nothing is zero, indices make it larger, not smaller.
    assert sizes[0]["csr_bytes"] > sizes[0]["dense_bytes"] > sizes[90]["csr_bytes"]
    biases = 4 * sum(array.size for key, array in tiny.weights.items() if key.endswith("/bias"))
    zero = {key: np.zeros_like(array) for key, array in tiny.weights.items()}
    assert magnitude_pruning.sizes(zero)["csr_bytes"] == biases + sum(
        array.shape[0] + 1 for array in zero.values() if array.ndim == 2
    )


# Structure


@pytest.mark.parametrize("neurons", [1, 2, 7, 20, 100, 4000])
@pytest.mark.parametrize("ratio", [0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.999])
def test_the_share_that_stays_is_rounded_up(neurons, ratio):
    tiny = source((neurons, 10))
    made = structured_pruning.Parameters(ratio=ratio)
    kept = structured_pruning.strongest(structured_pruning.incoming_norms(tiny, "fc1"), made.ratio)
    exact = neurons * (1 - Fraction(str(ratio)))
    assert exact <= len(kept) < exact + 1
    assert len(kept) >= 1


def test_the_neurons_with_the_least_norm_leave_and_the_others_keep_their_order(digits):
    tiny = source((6, 10))
    scale = np.array([0.5, 3, 0.1, 2, 9, 0.2], np.float32)
    kernel = tiny.weights["fc1/kernel"]
    kernel = kernel / np.linalg.norm(kernel, axis=0) * scale
    # A large bias does not save a neuron.
    bias = np.array([9, 0, 9, 0, 0, 9], np.float32)
    weights = {**tiny.weights, "fc1/kernel": kernel.astype(np.float32), "fc1/bias": bias}
    strong = Source(recipe=tiny.recipe, weights=weights, weights_sha256="0" * 64)
    np.testing.assert_allclose(structured_pruning.incoming_norms(strong, "fc1"), scale, rtol=1e-6)
    made = structured_pruning.derive(strong, structured_pruning.Parameters(ratio=0.5), digits)
    assert made.recipe.architecture.units == (3, 10)
    np.testing.assert_array_equal(made.weights["fc1/kernel"], weights["fc1/kernel"][:, [1, 3, 4]])
    np.testing.assert_array_equal(made.weights["fc1/bias"], [0, 0, 0])
    np.testing.assert_array_equal(made.weights["logits/kernel"], weights["logits/kernel"][[1, 3, 4]])
    np.testing.assert_array_equal(made.weights["logits/bias"], weights["logits/bias"])
    facts = made.facts
    assert (facts["fc1_kept"], facts["kept_neurons"]) == (3, 3)
    assert (facts["parameters_before"], facts["parameters_after"]) == (64 * 6 + 6 + 70, 64 * 3 + 3 + 40)
    assert facts["float32_bytes_after"] == 4 * facts["parameters_after"]
    assert 0 < facts["keras_us_per_image"] < 1e5
    assert "1 thread, median of 7 batches of 359" in facts["keras_measured_on"]


def masked(tiny: Source, kept: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The whole network with the other neurons silent: a ReLU of no weights and no bias is zero."""
    weights = {key: array.copy() for key, array in tiny.weights.items()}
    for layer, indices in kept.items():
        gone = np.setdiff1d(np.arange(weights[f"{layer}/bias"].size), indices)
        weights[f"{layer}/kernel"][..., gone] = 0
        weights[f"{layer}/bias"][gone] = 0
    return weights


NETWORKS = {
    "mlp": source((12, 8, 10)),
    "factorized": source((12, 8, 10), ranks={"fc1": 5, "fc2": 3, "logits": 4}),
    "quantized": source((12, 8, 10), quantized=True),
    "cnn": source((6, 10), convolutions=CONVOLUTIONS),
    "quantized cnn": source((10,), convolutions=CONVOLUTIONS, quantized=True),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("ratio", [0.3, 0.8])
def test_the_pruned_network_is_the_whole_one_with_those_neurons_masked(name, ratio, digits):
    tiny = NETWORKS[name]
    kept = {
        layer: structured_pruning.strongest(structured_pruning.incoming_norms(tiny, layer), ratio)
        for layer in hidden_layers(tiny.recipe)
    }
    recipe, weights = structured_pruning.keep_neurons(tiny.recipe, tiny.weights, kept)
    assert sum(array.size for array in weights.values()) < sum(array.size for array in tiny.weights.values())
    pixels = digits.x_test[:50]
    expected = outputs(tiny.recipe, masked(tiny, kept), pixels)
    assert np.ptp(expected, axis=0).max() > 0.01, "the networks must answer differently to different images"
    np.testing.assert_allclose(outputs(recipe, weights, pixels), expected, atol=1e-6)
    # And they are not what the whole network says, or the comparison would say nothing.
    assert np.abs(outputs(tiny.recipe, tiny.weights, pixels) - expected).max() > 0.01


@pytest.mark.parametrize("name", ["mlp", "factorized", "cnn"])
def test_neurons_that_nothing_listens_to_leave_without_a_trace(name, digits):
    tiny = NETWORKS[name]
    layers = hidden_layers(tiny.recipe)
    names = tiny.recipe.architecture.weight_names()
    weights = {key: array.copy() for key, array in tiny.weights.items()}
    kept = {}
    for layer in layers:
        neurons = weights[f"{layer}/bias"].size
        kept[layer] = np.arange(1, neurons, 2)
        behind = weights[f"{names[names.index(layer) + 1]}/kernel"]
        # Every second channel at every position.
        behind.reshape(-1, neurons, behind.shape[-1])[:, ::2] = 0
    recipe, smaller = structured_pruning.keep_neurons(tiny.recipe, weights, kept)
    pixels = digits.x_test[:50]
    np.testing.assert_allclose(
        outputs(recipe, smaller, pixels), outputs(tiny.recipe, weights, pixels), atol=1e-6
    )  # fmt: skip


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_any_choice_of_neurons_gives_the_masked_network(data):
    """As above for any choice, in plain numpy."""
    tiny = NETWORKS["mlp"]
    kept = {
        layer: np.array(sorted(data.draw(st.sets(st.integers(0, neurons - 1), min_size=1))))
        for layer, neurons in (("fc1", 12), ("fc2", 8))
    }
    recipe, weights = structured_pruning.keep_neurons(tiny.recipe, tiny.weights, kept)
    assert recipe.architecture.units == (len(kept["fc1"]), len(kept["fc2"]), 10)
    x = np.random.default_rng(1).uniform(0, 1, (5, 64))
    np.testing.assert_allclose(numpy_logits(weights, x), numpy_logits(masked(tiny, kept), x), rtol=1e-9, atol=1e-12)


def numpy_logits(weights, x: np.ndarray) -> np.ndarray:
    for layer in ("fc1", "fc2"):
        x = np.maximum(x @ weights[f"{layer}/kernel"].astype(float) + weights[f"{layer}/bias"], 0)
    return x @ weights["logits/kernel"].astype(float) + weights["logits/bias"]


def test_a_factorized_layer_has_the_norms_of_the_product():
    tiny = NETWORKS["factorized"]
    product = tiny.weights["fc2_left/kernel"].astype(float) @ tiny.weights["fc2/kernel"]
    np.testing.assert_allclose(structured_pruning.incoming_norms(tiny, "fc2"), np.linalg.norm(product, axis=0))


def test_a_quantized_layer_has_the_norms_of_its_quantized_weights():
    tiny = source((3, 10), quantized=True)
    kernel = np.zeros((64, 3), np.float32)
    kernel[:, 0] = 0.03  # all below half a step of 1/16: silent in inference, though large together
    kernel[0, 1] = 0.07
    kernel[0, 2] = -5.0
    weights = {**tiny.weights, "fc1/kernel": kernel}
    coarse = Source(recipe=tiny.recipe, weights=weights, weights_sha256="0" * 64)
    np.testing.assert_array_equal(structured_pruning.incoming_norms(coarse, "fc1"), [0, 1 / 16, 2])


def test_the_dropout_of_a_fine_tuning_can_be_given(digits):
    tiny = source((12, 10))
    dropout = {
        given: structured_pruning.derive(
            tiny, structured_pruning.Parameters(ratio=0.5, dropout=given), digits
        ).recipe.architecture.dropout
        for given in (None, 0.25)
    }
    assert dropout == {None: tiny.recipe.architecture.dropout, 0.25: 0.25}


def test_single_layers_are_pruned_where_they_are_named(digits):
    tiny = NETWORKS["cnn"]
    made = structured_pruning.derive(tiny, structured_pruning.Parameters(ratio=0.5, layers=("fc1",)), digits)
    assert [convolution.filters for convolution in made.recipe.architecture.convolutions] == [4, 3]
    assert made.recipe.architecture.units == (3, 10)


@pytest.mark.parametrize(
    ("network", "layers", "message"),
    [
        ("mlp", ("fc3",), "tiny: no hidden layer 'fc3'; did you mean 'fc2'?"),
        ("cnn", ("logits",), "tiny: no hidden layer 'logits'; known: conv1, conv2, fc1"),
    ],
)
def test_layers_that_are_not_hidden_are_refused(network, layers, message):
    for method, parameters in (
        (structured_pruning, structured_pruning.Parameters(ratio=0.5, layers=layers)),
        (activation_pruning, activation_pruning.Parameters(threshold=0.5, layers=layers)),
    ):
        with pytest.raises(ModelError) as caught:
            method.derive(NETWORKS[network], parameters, None)
        assert str(caught.value) == message


def test_a_network_without_hidden_layers_is_refused():
    with pytest.raises(ModelError, match="tiny has no hidden layer: its only neurons are its classes"):
        structured_pruning.derive(source((10,)), structured_pruning.Parameters(ratio=0.5), None)


# Activation


def test_means_are_those_of_the_training_images(digits):
    means = activation_pruning.mean_activations(NETWORKS["mlp"], digits, ("fc1", "fc2"))
    weights = NETWORKS["mlp"].weights
    x = digits.x_train.reshape(-1, 64) / 256
    first = np.maximum(x @ weights["fc1/kernel"] + weights["fc1/bias"], 0)
    second = np.maximum(first @ weights["fc2/kernel"] + weights["fc2/bias"], 0)
    np.testing.assert_allclose(means["fc1"], first.mean(axis=0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(means["fc2"], second.mean(axis=0), rtol=1e-4, atol=1e-6)


def test_means_are_of_the_classes_that_the_network_knows_and_of_all_parts(digits, monkeypatch):
    tiny = source((12, 8, 2), classes=[6, 9])
    known = np.isin(digits.y_train, [6, 9])
    x = digits.x_train[known].reshape(-1, 64) / 256
    first = np.maximum(x @ tiny.weights["fc1/kernel"] + tiny.weights["fc1/bias"], 0)
    # Several parts of which the last is smaller.
    monkeypatch.setattr(activation_pruning, "IMAGES", 100)
    assert known.sum() % 100 > 0
    means = activation_pruning.mean_activations(tiny, digits, ("fc1",))
    np.testing.assert_allclose(means["fc1"], first.mean(axis=0), rtol=1e-4, atol=1e-6)


def test_a_filters_mean_is_over_its_positions(digits):
    tiny = NETWORKS["cnn"]
    found = tiny.layer_outputs(digits.x_train, ["conv1_relu"])["conv1_relu"]
    assert found.shape[1:] == (6, 6, 4)
    means = activation_pruning.mean_activations(tiny, digits, ("conv1",))
    np.testing.assert_allclose(means["conv1"], found.mean(axis=(0, 1, 2)), rtol=1e-4)


def test_neurons_below_the_threshold_leave_and_the_most_active_one_stays(digits):
    tiny = NETWORKS["mlp"]
    means = activation_pruning.mean_activations(tiny, digits, ("fc1", "fc2"))
    threshold = float(np.median(means["fc1"]))
    made = activation_pruning.derive(tiny, activation_pruning.Parameters(threshold=threshold), digits)
    indices = np.flatnonzero(means["fc1"] >= threshold)
    assert 0 < len(indices) < 12
    np.testing.assert_array_equal(made.weights["fc1/bias"], tiny.weights["fc1/bias"][indices])
    assert made.facts["fc1_kept"] == len(indices)
    assert made.facts["kept_neurons"] == made.facts["fc1_kept"] + made.facts["fc2_kept"]
    last = activation_pruning.derive(tiny, activation_pruning.Parameters(threshold=1e9), digits)
    assert last.recipe.architecture.units == (1, 1, 10)
    np.testing.assert_array_equal(last.weights["fc1/bias"], tiny.weights["fc1/bias"][[means["fc1"].argmax()]])


def test_dead_neurons_leave_without_a_trace(digits):
    tiny = NETWORKS["mlp"]
    bias = tiny.weights["fc1/bias"].copy()
    bias[[0, 5]] = -100
    weights = {**tiny.weights, "fc1/bias": bias}
    dying = Source(recipe=tiny.recipe, weights=weights, weights_sha256="0" * 64)
    parameters = activation_pruning.Parameters(threshold=1e-12, layers=("fc1",))
    made = activation_pruning.derive(dying, parameters, digits)
    assert made.facts["fc1_kept"] <= 10
    np.testing.assert_allclose(
        outputs(made.recipe, made.weights, digits.x_train[:50]),
        outputs(tiny.recipe, weights, digits.x_train[:50]),
        atol=1e-6,
    )


# All of them


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ({"name": "magnitude_prunning", "percent": 10},
         "x: method.name: no method 'magnitude_prunning'; did you mean 'magnitude_pruning'?"),
        ({"name": "magnitude_pruning"}, "x: method magnitude_pruning: give one of the two, percent or threshold"),
        ({"name": "magnitude_pruning", "percent": 10, "threshold": 0.1},
         "x: method magnitude_pruning: give one of the two, percent or threshold"),
        ({"name": "magnitude_pruning", "percent": 100},
         "x: method magnitude_pruning: percent: input should be less than 100, not 100"),
        ({"name": "magnitude_pruning", "threshold": -0.1},
         "x: method magnitude_pruning: threshold: input should be greater than or equal to 0, not -0.1"),
        ({"name": "structured_pruning"}, "x: method structured_pruning: ratio: missing"),
        ({"name": "structured_pruning", "ratio": 1},
         "x: method structured_pruning: ratio: input should be less than 1, not 1"),
        ({"name": "structured_pruning", "ratio": "0.5"},
         "x: method structured_pruning: ratio: input should be a valid number, not '0.5'"),
        ({"name": "structured_pruning", "ratio": 0.5, "layers": []},
         "x: method structured_pruning: layers: tuple should have at least 1 item after validation, not 0, not []"),
        ({"name": "activation_pruning", "treshold": 0.1},
         "x: method activation_pruning: threshold: missing\n"
         "x: method activation_pruning: treshold: unknown key; did you mean 'threshold'?"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_parameters_is_named(method, message):
    with pytest.raises(ConfigError) as caught:
        parse_method(method, "x")
    assert str(caught.value) == message


@pytest.mark.parametrize("network", ["mlp", "quantized", "cnn"])
@pytest.mark.parametrize(
    "method",
    [
        {"name": "magnitude_pruning", "percent": 30},
        {"name": "structured_pruning", "ratio": 0.5},
        {"name": "activation_pruning", "threshold": 0.1},
    ],
    ids=lambda method: method["name"],
)
def test_what_is_made_is_a_model_of_its_own(network, method, digits):
    tiny = NETWORKS[network]
    made = derive(tiny, method, "smaller", digits, title="Smaller", training=None)
    assert (made.recipe.name, made.recipe.title, made.recipe.training) == ("smaller", "Smaller", None)
    assert made.recipe.derived.source == "tiny"
    assert made.recipe.derived.method == method
    assert made.recipe.compression.quantization == tiny.recipe.compression.quantization
    trained = measure(made.recipe, digits, made.weights, facts=made.facts)
    assert trained.record.facts == made.facts
    assert trained.record.parameters == sum(array.size for array in made.weights.values())
