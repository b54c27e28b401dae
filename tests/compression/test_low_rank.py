from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_models import outputs, source

from hlsflow.compression import low_rank
from hlsflow.compression.derivation import derive, parse_method
from hlsflow.compression.low_rank import Parameters, cheapest_product, factorize
from hlsflow.datasets.dataset import load_dataset
from hlsflow.foundation.errors import ConfigError, ModelError, UnsupportedError
from hlsflow.training.training import measure

TINY = source((12, 8, 10))


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**31), st.data())
def test_the_factors_are_the_nearest_of_their_rank_and_equally_large(inputs, outputs_, seed, data):
    kernel = np.random.default_rng(seed).normal(0, 1, (inputs, outputs_)).astype(np.float32)
    rank = data.draw(st.integers(1, min(kernel.shape)))
    left, right = factorize(kernel, rank)
    assert (left.shape, right.shape) == ((inputs, rank), (rank, outputs_))
    assert left.dtype == right.dtype == np.float32
    singular = np.linalg.svd(kernel.astype(float), compute_uv=False)
    error = np.linalg.norm(kernel - left.astype(float) @ right)
    # Eckart and Young: what is lost are the other singular values.
    assert error == pytest.approx(np.sqrt((singular[rank:] ** 2).sum()), abs=1e-5)
    np.testing.assert_allclose(np.linalg.norm(left, axis=0) ** 2, singular[:rank], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(right, axis=1) ** 2, singular[:rank], rtol=1e-4, atol=1e-6)


def test_full_rank_reproduces_the_outputs_and_a_low_one_does_not():
    digits = load_dataset("digits")
    expected = outputs(TINY.recipe, TINY.weights, digits.x_test[:50])
    whole = low_rank.derive(TINY, Parameters(rank=8, layers=("fc2", "logits")), digits)
    assert whole.recipe.architecture.ranks == {"fc2": 8, "logits": 8}
    np.testing.assert_allclose(outputs(whole.recipe, whole.weights, digits.x_test[:50]), expected, atol=1e-5)
    assert whole.facts["relative_error"] == pytest.approx(0, abs=1e-6)
    low = low_rank.derive(TINY, Parameters(rank=1), digits)
    assert low.recipe.architecture.ranks == {"fc1": 1, "fc2": 1, "logits": 1}
    assert np.abs(outputs(low.recipe, low.weights, digits.x_test[:50]) - expected).max() > 0.01


def test_the_facts_are_those_of_the_factors():
    made = low_rank.derive(TINY, Parameters(rank=5), None)
    facts, weights = made.facts, made.weights
    assert made.recipe.architecture.units == (12, 8, 10)
    assert sorted(key for key in weights if key.startswith("fc2")) == ["fc2/bias", "fc2/kernel", "fc2_left/kernel"]
    errors, norms = [], []
    for layer in ("fc1", "fc2", "logits"):
        kernel = TINY.weights[f"{layer}/kernel"].astype(float)
        error = np.linalg.norm(kernel - weights[f"{layer}_left/kernel"].astype(float) @ weights[f"{layer}/kernel"])
        assert facts[f"{layer}_relative_error"] == pytest.approx(error / np.linalg.norm(kernel), abs=1e-6)
        errors.append(error)
        norms.append(np.linalg.norm(kernel))
    assert facts["relative_error"] == pytest.approx(np.linalg.norm(errors) / np.linalg.norm(norms), abs=1e-6)
    assert facts["parameters_before"] == 64 * 12 + 12 * 8 + 8 * 10 + 30
    assert facts["parameters_after"] == 5 * (64 + 12 + 12 + 8 + 8 + 10) + 30
    # One image: the factors from the left, as the hardware has them.
    assert facts["multiplications_before"] == 64 * 12 + 12 * 8 + 8 * 10
    assert facts["multiplications"] == 5 * (64 + 12 + 12 + 8 + 8 + 10)
    assert facts["order"] == "((x fc1_left) fc1), ((x fc2_left) fc2), ((x logits_left) logits)"


def test_for_many_images_it_is_cheaper_to_multiply_small_factors_out_first():
    made = low_rank.derive(TINY, Parameters(rank=7, layers=("fc2",), batch=1000), None)
    # 1000 * 7 * (12 + 8) is more than 12 * 7 * 8 + 1000 * 12 * 8.
    assert made.facts["order"] == "(x (fc2_left fc2))"
    assert made.facts["multiplications"] == 1000 * 64 * 12 + 12 * 7 * 8 + 1000 * 12 * 8 + 1000 * 8 * 10
    assert made.facts["multiplications_before"] == 1000 * (64 * 12 + 12 * 8 + 8 * 10)


def test_only_layers_with_a_higher_rank_are_factorized_unless_they_are_named():
    assert low_rank.derive(TINY, Parameters(rank=8), None).recipe.architecture.ranks == {"fc1": 8}
    assert low_rank.derive(TINY, Parameters(rank=8, layers=("fc2",)), None).recipe.architecture.ranks == {"fc2": 8}


def test_a_factorized_network_is_factorized_further():
    once = source((12, 8, 10), ranks={"fc1": 6})
    kernel = low_rank.dense_kernel(once, "fc1")
    made = low_rank.derive(once, Parameters(rank=3, layers=("fc1",)), None)
    assert made.recipe.architecture.ranks == {"fc1": 3}
    assert made.weights["fc1_left/kernel"].shape == (64, 3)
    singular = np.linalg.svd(kernel, compute_uv=False)
    expected = np.sqrt((singular[3:] ** 2).sum() / (singular**2).sum())
    assert made.facts["relative_error"] == pytest.approx(expected, abs=1e-5)
    # Its rank is 6, whatever its shape: 7 would only cost.
    with pytest.raises(ModelError, match="tiny: layer 'fc1' has rank 6 at most, not 7"):
        low_rank.derive(once, Parameters(rank=7, layers=("fc1",)), None)


def test_the_textbooks_matrix_chain():
    # Cormen, Leiserson, Rivest and Stein, Introduction to Algorithms, figure 14.5.
    sizes = (30, 35, 15, 5, 10, 20, 25)
    names = [f"A{index}" for index in range(1, 7)]
    product = cheapest_product(list(pairwise(sizes)), names)
    assert product == (15125, "((A1 (A2 A3)) ((A4 A5) A6))")


@given(st.lists(st.integers(1, 30), min_size=2, max_size=7))
def test_no_order_is_cheaper(sizes):
    def counts(first: int, last: int) -> list[int]:
        if last - first == 1:
            return [0]
        return [
            left + right + sizes[first] * sizes[middle] * sizes[last]
            for middle in range(first + 1, last)
            for left in counts(first, middle)
            for right in counts(middle, last)
        ]

    shapes = list(pairwise(sizes))
    found = cheapest_product(shapes, [str(index) for index in range(len(shapes))])
    assert found.multiplications == min(counts(0, len(sizes) - 1))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"rank": 12}, "tiny: no layer has a rank above 12\n  choose a rank below 12"),
        ({"rank": 9, "layers": ["fc1", "fc2"]}, "tiny: layer 'fc2' has rank 8 at most, not 9"),
        ({"rank": 2, "layers": ["fc3"]}, "tiny: no dense layer 'fc3'; did you mean 'fc2'?"),
    ],
)
def test_a_rank_that_no_layer_has_is_refused(parameters, message):
    with pytest.raises(ModelError) as caught:
        low_rank.derive(TINY, Parameters.model_validate(parameters), None)
    assert str(caught.value) == message


def test_a_quantized_network_is_refused():
    with pytest.raises(UnsupportedError) as caught:
        low_rank.derive(source(quantized=True), Parameters(rank=2), None)
    assert str(caught.value) == (
        "tiny is quantized: the factors of its kernels are on no grid of its quantizers\n"
        "  factorize the float model, then quantize what comes out"
    )


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ({"name": "low_rank"}, "x: method low_rank: rank: missing"),
        (
            {"name": "low_rank", "rank": 0},
            "x: method low_rank: rank: input should be greater than or equal to 1, not 0",
        ),
        ({"name": "low_rank", "rank": 2.5}, "x: method low_rank: rank: input should be a valid integer, not 2.5"),
    ],
)
def test_a_mistake_in_the_parameters_is_named(method, message):
    with pytest.raises(ConfigError) as caught:
        parse_method(method, "x")
    assert str(caught.value) == message


def test_what_is_made_is_a_model_of_its_own():
    digits = load_dataset("digits")
    made = derive(TINY, {"name": "low_rank", "rank": 4}, "smaller", digits, title="Smaller", training=None)
    assert made.recipe.architecture.ranks == {"fc1": 4, "fc2": 4, "logits": 4}
    trained = measure(made.recipe, digits, made.weights, facts=made.facts)
    assert trained.record.parameters == made.facts["parameters_after"]
    assert [layer.layer for layer in trained.record.layers][:2] == ["fc1_left", "fc1"]
