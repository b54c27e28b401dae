"""Each trap that hls4ml passes over in silence (NUMERICS.md) is an error or a named warning here."""

from __future__ import annotations

import pytest
from networks import small_network

from hlsflow.foundation.errors import ConfigError
from hlsflow.hls.config import HlsConfig
from hlsflow.hls.lint import (
    Severity,
    exact_reuse_factors,
    legal_reuse_factors,
    lint,
    parallel_multiplications,
)


def complaints(changes, network=None):
    return lint(network or small_network(), HlsConfig.model_validate(changes)).complaints


@pytest.mark.parametrize(
    ("changes", "severity", "line"),
    [
        (
            {"layers": {"fc11": {"reuse_factor": 1}}},
            "error",
            "layers.fc11: the model has no layer 'fc11'; did you mean 'fc1'? [unknown-layer]",
        ),
        (
            {"layers": {"fc1": {"precision": {"weights": "int<6>"}}}},
            "error",
            "layers.fc1.precision.weights: dense has no such type; did you mean 'weight'? [unknown-precision]",
        ),
        (
            {"layers": {"relu1": {"precision": {"accum": "int<6>"}}}},
            "error",
            "layers.relu1.precision.accum: activation has no such type; known: result [unknown-precision]",
        ),
        (
            {"layers": {"relu1": {"reuse_factor": 4}}},
            "error",
            "layers.relu1.reuse_factor: activation has no reuse_factor; hls4ml ignores it [misplaced-key]",
        ),
        (
            {"layers": {"fc1": {"implementation": "argmax"}}},
            "error",
            "layers.fc1.implementation: dense has no implementation; hls4ml ignores it [misplaced-key]",
        ),
        (
            {"layers": {"fc1": {"strategy": "resource", "reuse_factor": 5}}},
            "error",
            "layers.fc1.reuse_factor: 5 is not legal for 12x8 in the resource strategy, hls4ml would take 4; "
            "legal: 1 2 3 4 6 12 24 48 96 [reuse-factor]",
        ),
        (
            {"layers": {"fc1": {"reuse_factor": 97}}},
            "error",
            "layers.fc1.reuse_factor: 97 is more than the 96 multiplications [reuse-factor]",
        ),
    ],
)
def test_the_complaint_names_the_key_and_the_fix(changes, severity, line):
    found = [(str(item.severity), str(item)) for item in complaints(changes)]
    assert found == [(severity, line)]


def test_an_exact_configuration_has_no_complaint():
    assert complaints({}) == ()


def test_a_type_that_can_overflow_is_a_warning_with_the_range_that_proves_it():
    found = complaints({"layers": {"fc1": {"precision": {"accum": "fixed<16,4>"}}}})
    assert [(item.severity, item.code, item.path) for item in found] == [
        (Severity.WARNING, "accum-overflow", "layers.fc1.precision.accum")
    ]
    assert "the sum reaches [" in found[0].message


def test_a_layer_too_large_to_unroll_is_named_with_a_way_out():
    network = small_network(sizes=(784, 100))
    found = complaints({}, network)
    assert [item.code for item in found] == ["unroll-limit"]
    assert found[0].message == (
        "78,400 products at once in the latency strategy, more than the 4,096 that HLS unrolls: it simulates, but does "
        "not synthesize; strategy: resource with reuse_factor: 28 or more does"
    )
    assert not complaints({"layers": {"fc1": {"strategy": "resource", "reuse_factor": 28}}}, network)


def test_all_errors_are_raised_at_once():
    linted = lint(
        small_network(), HlsConfig.model_validate({"layers": {"fc11": {}, "fc1": {"precision": {"acc": "int<6>"}}}})
    )
    with pytest.raises(ConfigError) as caught:
        linted.raise_errors("m.yaml")
    assert str(caught.value).count("m.yaml: layers.") == 2


@pytest.mark.parametrize(
    ("n_in", "n_out", "first"),
    [
        (784, 100, [1, 2, 4, 7, 8, 14, 16, 28, 49, 56, 98, 112, 196, 392, 784, 1568]),
        (100, 50, [1, 2, 4, 5, 10, 20, 25, 50, 100]),
    ],
)
def test_legal_reuse_factors_as_measured(n_in, n_out, first):
    assert legal_reuse_factors(n_in, n_out)[: len(first)] == first


@pytest.mark.parametrize(("n_in", "n_out"), [(12, 8), (16, 5), (7, 3), (1, 9), (30, 1), (64, 32)])
def test_legal_reuse_factors_equal_hls4ml_s_own(n_in, n_out):
    from hls4ml.backends import get_backend

    assert legal_reuse_factors(n_in, n_out) == get_backend("Vitis").get_valid_reuse_factors(n_in, n_out)


def test_a_parallel_convolution_takes_no_reuse_factor_above_its_inputs():
    assert exact_reuse_factors(9, 12, convolution=True, io_type="io_parallel") == [1, 3, 9]
    streamed = exact_reuse_factors(9, 12, convolution=True, io_type="io_stream")
    dense = exact_reuse_factors(9, 12, convolution=False, io_type="io_parallel")
    assert streamed == dense == legal_reuse_factors(9, 12)
    assert max(streamed) == 108


def test_multiplications_at_once():
    assert parallel_multiplications(784, 100, 784) == 100
    assert parallel_multiplications(7, 3, 2) == 11
