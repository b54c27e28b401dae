"""Each trap that hls4ml passes over in silence (NUMERICS.md) is an error or a named warning here."""

from __future__ import annotations

import numpy as np
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
from hlsflow.network.fixed_point import parse_type
from hlsflow.network.graph import Network, Node, Op


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


def convolved(op: Op, shape=(4, 3), weight=(3, 2, 1), **more) -> Network:
    """A network of one layer that multiplies, over more than one position."""
    first = Node(name="x", op=Op.INPUT, inputs=(), shape=(6, 2), declared={"result": parse_type("fixed<6,3>")},
                 keras_layer="x")  # fmt: skip
    pads = {"pad_left": 0, "pad_right": 0, "pad_top": 0, "pad_bottom": 0, "stride_width": 1, "stride_height": 1}
    made = Node(name="c", op=op, inputs=("x",), shape=shape, arrays={"weight": np.ones(weight)}, keras_layer="c",
                attributes=pads, **more)  # fmt: skip
    return Network(nodes=(first, made), inputs=("x",), outputs=("c",))


@pytest.mark.parametrize(
    ("said", "io_type", "line"),
    [
        ({"strategy": "resource"}, "io_parallel",
         "layers.c.strategy: hls4ml has no resource strategy for a depthwise convolution in io_parallel: "
         "strategy: latency [strategy]"),
        ({"strategy": "resource", "reuse_factor": 4}, "io_stream",
         "layers.c.reuse_factor: 4 is not legal for a depthwise convolution of 3x2 in the resource strategy, hls4ml "
         "would take 3; legal: 1 2 3 6 12 [reuse-factor]"),
        ({"strategy": "resource", "reuse_factor": 3}, "io_stream", None),
        ({"strategy": "latency", "reuse_factor": 4}, "io_stream", None),
        ({"strategy": "latency", "reuse_factor": 4}, "io_parallel", None),
    ],
)  # fmt: skip
def test_a_depthwise_convolution_takes_what_hls4ml_does_with_it(said, io_type, line):
    network = convolved(Op.DEPTHWISE, shape=(4, 2))
    found = complaints({"io_type": io_type, "layers": {"c": said}}, network)
    assert [str(item) for item in found] == ([] if line is None else [line])


@pytest.mark.parametrize(("io_type", "refused"), [("io_parallel", True), ("io_stream", False)])
def test_a_dense_layer_over_positions_is_a_convolution_to_hls4ml(io_type, refused):
    """Whose parallel form sums wrongly from n_in on."""
    network = convolved(Op.DENSE, shape=(6, 3), weight=(2, 3))
    found = complaints({"io_type": io_type, "layers": {"c": {"strategy": "resource", "reuse_factor": 6}}}, network)
    assert [item.code for item in found] == (["reuse-factor"] if refused else [])
    assert not refused or "sums wrongly above 2; exact: 1 2, or io_stream" in found[0].message


def with_softmax(classes: int) -> Network:
    network = small_network(sizes=(2, classes))
    entry = {"name": "sm", "class_name": "Softmax", "inputs": ["fc1"]}
    node = Node(name="sm", op=Op.SOFTMAX, inputs=("fc1",), shape=(classes,), entry=entry, keras_layer="sm")
    return Network(nodes=(*network.nodes, node), inputs=network.inputs, outputs=("sm",))


def test_a_softmax_of_so_many_classes_that_its_table_gives_the_inverse_of_zero_is_refused():
    """The emulator cannot say what comes out, so nothing is to be built first."""
    found = [item for item in complaints({}, with_softmax(8192)) if item.severity is Severity.ERROR]
    assert [str(item) for item in found] == [
        "layers.sm: its tables cannot be read: the sum of the exponentials can be below the first cell of "
        "ufixed<12,14,RND,SAT>: 1/0 is read; skip: true or implementation: argmax [softmax-unreadable]"
    ]
    for changes in ({"skip": True}, {"implementation": "argmax"}):
        assert "softmax-unreadable" not in [
            item.code for item in complaints({"layers": {"sm": changes}}, with_softmax(8192))
        ]
    assert "softmax-unreadable" not in [item.code for item in complaints({}, with_softmax(8191))]


@pytest.mark.parametrize(("io_type", "outputs", "refused"), [("io_parallel", ("fc1", "sm"), True),
                                                            ("io_stream", ("fc1", "sm"), False),
                                                            ("io_parallel", ("sm",), False)])  # fmt: skip
def test_a_softmax_is_not_skipped_where_its_logits_are_an_output(io_type, outputs, refused):
    made = with_softmax(3)
    network = Network(nodes=made.nodes, inputs=made.inputs, outputs=outputs)
    found = complaints({"io_type": io_type, "layers": {"sm": {"skip": True}}}, network)
    line = (
        "layers.sm.skip: 'fc1' is an output already, and hls4ml has one port for both in io_parallel [softmax-skipped]"
    )
    assert [str(item) for item in found] == ([line] if refused else [])


def test_multiplications_at_once():
    assert parallel_multiplications(784, 100, 784) == 100
    assert parallel_multiplications(7, 3, 2) == 11
