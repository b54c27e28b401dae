"""The integer network read from a project's C++, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rtl_networks import fixed

from hlsflow.foundation.errors import UnsupportedError
from hlsflow.hls.project import HlsProject, Port
from hlsflow.hls.source import Call, Config
from hlsflow.rtl.chain import read_chain

WEIGHTS = np.array([[0.5, -1.0], [0.25, 1.75], [-2.0, 0.0]])
BIAS = np.array([0.125, -0.5])
RELU = fixed(4, 2, signed=False, rounding="RND_CONV", overflow="SAT")

DENSE = Call(
    function="dense", template=("input_t", "fc_t", "config2"), arguments=("x_in", "fc_out", "w2", "b2"), layer="fc"
)
ACTIVATION = Call(
    function="relu", template=("fc_t", "relu_t", "relu_config3"), arguments=("fc_out", "relu_out"), layer="relu"
)
SOFTMAX = Call(
    function="softmax", template=("relu_t", "result_t", "softmax_config4"), arguments=("relu_out", "y"), layer="softmax"
)


def project(
    root, calls=(DENSE, ACTIVATION, SOFTMAX), *, strategy="resource", accum=None, product="nnet::product::mult",
    softmax="stable",
):  # fmt: skip
    """A project of one dense layer, as hls4ml lays it out: the resource strategy stores its weights transposed."""
    folder = root / "firmware" / "weights"
    folder.mkdir(parents=True)
    stored = WEIGHTS.T if strategy == "resource" else WEIGHTS
    (folder / "w2.txt").write_text(", ".join(str(value) for value in stored.ravel()))
    (folder / "b2.txt").write_text(", ".join(str(value) for value in BIAS))
    config = {
        "n_in": "3", "n_out": "2", "reuse_factor": "3", "strategy": f"nnet::{strategy}", "product": product,
        "weight_t": "weight_t", "bias_t": "bias_t", "accum_t": "accum_t",
    }  # fmt: skip
    types = {
        "input_t": fixed(4, 2), "weight_t": fixed(4, 2), "bias_t": fixed(6, 3), "accum_t": accum or fixed(12, 6),
        "fc_t": fixed(12, 6), "table_t": fixed(18, 8), "relu_t": RELU, "result_t": fixed(16, 6),
    }  # fmt: skip
    return HlsProject(
        root=root, top="net", inputs=(Port(name="x", type_name="input_t", size=3),),
        outputs=(Port(name="y", type_name="result_t", size=2),), types=types, packed={},
        configs={
            "config2": Config(name="config2", values=config),
            "softmax_config4": Config(
                name="softmax_config4",
                values={
                    "implementation": f"nnet::softmax_implementation::{softmax}", "n_in": "2", "n_slice": "2",
                    "n_inner": "1", "exp_table_t": "table_t", "inv_table_t": "table_t", "inp_norm_t": "table_t",
                    "inv_inp_t": "table_t", "accum_t": "table_t", "exp_table_size": "1024",
                    "inv_table_size": "1024", "exp_scale": "1.0", "table_t": "table_t", "table_size": "1024",
                },
            ),
        }, calls=tuple(calls),
        aliases={"x_in": "x"}, traced={},
    )  # fmt: skip


@pytest.mark.parametrize("strategy", ["resource", "latency"])
def test_it_reads_weights_types_and_casts(tmp_path, strategy):
    network = read_chain(project(tmp_path, strategy=strategy))
    (layer,) = network.layers
    np.testing.assert_array_equal(layer.weights, WEIGHTS * 4)
    # The accumulator's grid is 2**-6, two bits finer than the products'.
    np.testing.assert_array_equal(layer.bias, BIAS * 64)
    assert layer.shift == 2
    assert [(cast.name, cast.relu) for cast in layer.casts] == [("fc", False), ("relu", True)]
    assert (network.output, network.left_out, network.output_type) == ("relu", ("softmax",), RELU)


def test_it_computes_what_the_numbers_say(tmp_path):
    network = read_chain(project(tmp_path))
    values = np.array([[3, -8, 7], [1, 1, 1], [-8, 7, -8]])
    real = np.maximum(values / 4 @ WEIGHTS + BIAS, 0)
    expected = np.clip(np.rint(real * 4), 0, 15)
    np.testing.assert_array_equal(network.run(values), expected)


@pytest.mark.parametrize("function", ["sigmoid", "tanh"])
def test_a_table_at_the_end_is_left_out(tmp_path, function):
    table = replace(SOFTMAX, function=function, layer="end")
    network = read_chain(project(tmp_path, calls=(DENSE, ACTIVATION, table)))
    assert (network.output, network.left_out, network.output_type) == ("relu", ("end",), RELU)


def test_an_argmax_is_part_of_the_network(tmp_path):
    network = read_chain(project(tmp_path, softmax="argmax"))
    assert (network.output, network.left_out, network.output_type) == ("softmax", (), fixed(16, 6))
    values = np.array([[3, -8, 7], [1, 1, 1], [-8, 7, -8]])
    logits = read_chain(project(tmp_path / "logits")).run(values)
    one = 1 << network.output_type.fraction
    np.testing.assert_array_equal(network.run(values), np.eye(2, dtype=int)[logits.argmax(axis=1)] * one)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"calls": (DENSE, replace(ACTIVATION, function="thresholded_relu"))},
            "open RTL: no hardware for nnet::thresholded_relu (layer 'relu')",
        ),
        ({"calls": (DENSE, replace(ACTIVATION, arguments=("x", "relu_out")))}, "open RTL: 'x' is read by 2 layers: it"),
        ({"calls": (ACTIVATION,)}, "open RTL: layer 'relu' reads 'fc_out', which no layer writes"),
        (
            {"calls": (DENSE, ACTIVATION, SOFTMAX, replace(ACTIVATION, layer="behind", arguments=("y", "z")))},
            "open RTL: layer 'behind' stands behind the softmax 'softmax'",
        ),
        ({"accum": fixed(10, 7)}, "open RTL: the accumulator fixed<10,7> of 'fc' rounds every product"),
        ({"accum": fixed(6, 2, overflow="SAT")}, "open RTL: the accumulator fixed<6,2,TRN,SAT> of 'fc' can saturate"),
        ({"accum": fixed(70, 60)}, "is wider than 62 bits"),
        (
            {"product": "nnet::product::weight_binary"},
            "open RTL: nnet::product::weight_binary is not covered (layer 'fc')",
        ),
        ({"strategy": "unrolled"}, "open RTL: strategy unrolled is not covered (layer 'fc')"),
    ],
)
def test_what_has_no_hardware_is_refused(tmp_path, change, message):
    with pytest.raises(UnsupportedError) as caught:
        read_chain(project(tmp_path, **change))
    assert message in str(caught.value)
    assert caught.value.exit_code == 4


def test_a_saturating_accumulator_that_never_saturates_is_covered(tmp_path):
    assert read_chain(project(tmp_path, accum=fixed(12, 6, overflow="SAT"))).layers[0].accum.width == 12
