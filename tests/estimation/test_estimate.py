"""Estimates: what must hold of any, the domain, the records, and the readers of both forms of a project."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from estimate_designs import dense_project, matrix

from hlsflow.devices.catalogue import find_part
from hlsflow.estimation.cost import TARGETS, design_cost, fifo_blocks
from hlsflow.estimation.design import Design, Kind, Layer, Stream, Target
from hlsflow.estimation.estimate import Estimate, estimate, figure_records
from hlsflow.estimation.model import shipped_model
from hlsflow.estimation.read import design_of, target_of
from hlsflow.estimation.source import read_source
from hlsflow.foundation.errors import ToolError
from hlsflow.hls.source import Call, read_element_types
from hlsflow.network.fixed_point import parse_type


def estimated(folder: Path, **target) -> tuple[Design, Estimate]:
    source = read_source(folder)
    design = design_of(source, target_of(source, **target))
    return design, estimate(design, shipped_model())


def test_the_layers_sum_to_the_total(tmp_path):
    _, result = estimated(dense_project(tmp_path, [matrix(16, 8), matrix(8, 4, 1)]))
    for name in TARGETS[:4]:
        assert sum(layer.values[name] for layer in result.layers) == pytest.approx(result.values[name])


def test_every_interval_holds_its_estimate(tmp_path):
    _, result = estimated(dense_project(tmp_path, [matrix(16, 8)]))
    for name in TARGETS:
        low, high = result.ranges[name]
        assert low <= result.values[name] <= high


def test_zeros_save(tmp_path):
    full = matrix(16, 8)
    sparse = np.where(np.arange(full.size).reshape(full.shape) % 2, full, 0)
    _, dense = estimated(dense_project(tmp_path / "a", [full]))
    _, pruned = estimated(dense_project(tmp_path / "b", [sparse]))
    assert pruned.values["lut"] < 0.7 * dense.values["lut"]
    assert pruned.values["dsp"] <= dense.values["dsp"]


def test_powers_of_two_need_no_multiplier(tmp_path):
    _, result = estimated(dense_project(tmp_path, [np.full((16, 8), 16)]), multiplier_binding="dsp")
    assert result.values["dsp"] == 0


def test_binding_moves_multiplications(tmp_path):
    folder = dense_project(tmp_path, [matrix(16, 8)])
    _, dsp = estimated(folder, multiplier_binding="dsp")
    _, fabric = estimated(folder, multiplier_binding="fabric")
    assert dsp.values["dsp"] > 0 == fabric.values["dsp"]
    assert fabric.values["lut"] > dsp.values["lut"]


def test_dead_code_goes_across_layers(tmp_path):
    first, second = matrix(16, 8), matrix(8, 4, 1)
    second[:4] = 0
    _, whole = estimated(dense_project(tmp_path / "a", [first, matrix(8, 4, 1)]))
    design, half = estimated(dense_project(tmp_path / "b", [first, second]))
    assert design.layers[0].live_outputs == 4
    assert half.layers[0].values["lut"] < 0.6 * whole.layers[0].values["lut"]


def test_constants_go_across_layers(tmp_path):
    first, second = matrix(16, 8), matrix(8, 4, 1)
    first[:, 3] = 0
    folder = dense_project(tmp_path / "a", [first, second])
    # An output without a product is its bias: neither it nor what is made of it takes any logic.
    design, result = estimated(folder)
    assert design.layers[0].live.tolist() == [True] * 3 + [False] + [True] * 4
    assert design.layers[2].input_bits.tolist() == [8] * 3 + [0] + [8] * 4
    without = second.copy()
    without[3] = 0
    _, same = estimated(dense_project(tmp_path / "b", [first, without]))
    assert result.values["lut"] == pytest.approx(same.values["lut"])
    _, full = estimated(dense_project(tmp_path / "c", [matrix(16, 8), second]))
    assert result.values["lut"] < 0.9 * full.values["lut"]


def test_the_generated_widths_of_a_quantizer_are_read(tmp_path):
    text = """
template<typename input_t, typename output_t>
void q_in(input_t *inp, output_t *out) {
    #pragma HLS INLINE

    out[0] = ap_fixed<5,2,AP_RND,AP_WRAP>(inp[0]);
    out[1] = 0;
    out[2] = ap_ufixed<3,1,AP_RND,AP_WRAP>(inp[2]);
}
"""
    types = read_element_types(text)
    assert types == {"q_in": ("ap_fixed<5,2,AP_RND,AP_WRAP>", "0", "ap_ufixed<3,1,AP_RND,AP_WRAP>")}
    assert replace(read_source(dense_project(tmp_path, [matrix(3, 8)])), element_types=types).element_bits == {
        "q_in": (5, 0, 3)
    }
    # A gap is no list of all elements, and neither is one that reads another's value.
    assert read_element_types(text.replace("out[1] = 0;", "")) == {}
    assert read_element_types(text.replace("inp[2]", "inp[1]")) == {}


def test_generated_widths_make_a_layer_smaller_and_leave_no_doubt(tmp_path):
    source = read_source(dense_project(tmp_path, [matrix(3, 8)]))
    call = Call(function="q_in", template=("input_t", "input_t"), arguments=("x", "q"))
    dense = replace(source.calls[0], arguments=("q", *source.calls[0].arguments[1:]))
    quantized = replace(source, calls=(call, dense), element_types={"q_in": ("ap_fixed<5,2>", "0", "ap_ufixed<3,1>")})
    design = design_of(quantized, target_of(quantized))
    assert design.doubts == ()
    assert design.layers[1].input_bits.tolist() == [5, 0, 3]
    plain = design_of(source, target_of(source))
    model = shipped_model()
    assert estimate(design, model).values["lut"] < 0.7 * estimate(plain, model).values["lut"]


def test_with_all_products_at_once_the_strategy_does_not_matter(tmp_path):
    _, latency = estimated(dense_project(tmp_path / "a", [matrix(16, 8)]))
    _, resource = estimated(dense_project(tmp_path / "b", [matrix(16, 8)], strategy="resource"))
    assert resource.values == latency.values


@pytest.mark.parametrize(
    ("version", "lut", "ff", "dsp", "latency", "interval"),
    [((2020, 1), 86819, 52870, 740, 52, 49), ((2024, 1), 75413, 33150, 792, 52, 53)],
)
def test_a_convolution_of_io_parallel_like_hls4mls_synthesis_test(version, lut, ff, dsp, latency, interval):
    """fastmachinelearning/hls4ml, test_keras_api: Conv2D, 32 filters of 4x4, stride 4, 28x28x3; normal weights."""
    word = parse_type("ap_fixed<16,6>")
    weights = np.floor(np.random.default_rng(0).normal(0, 0.05, (48, 32)) * 1024).astype(int)
    layer = Layer(
        name="conv", function="conv_2d_cl", kind=Kind.CONV, inputs=("x",), output="y", x=word, y=word, n_in=48,
        n_out=32, positions=49, in_positions=784, kernel=16, row_width=28, kernel_height=4, channels=3,
        strategy="resource", weight=word, accum=word, weights=weights,
    )  # fmt: skip
    target = Target(
        part=find_part("xcu250-figd2104-2L-e"), clock_period_ns=5.0, clock_uncertainty_percent=12.5, backend="Vitis",
        tool_version=version, io_stream=False,
    )  # fmt: skip
    design = Design(
        name="conv2d", target=target, layers=(layer,), streams=(), input_bits=16, input_size=2352, dataflow=True
    )
    values = estimate(design, shipped_model()).values
    assert values["lut"] == pytest.approx(lut, rel=0.2)
    assert values["ff"] == pytest.approx(ff, rel=0.2)
    assert values["dsp"] == pytest.approx(dsp, rel=0.1)
    assert values["latency_cycles"] == pytest.approx(latency, rel=0.1)
    assert values["interval_cycles"] == pytest.approx(interval, rel=0.1)


# Real designs of uw-acme/HLS4ML_VS_MANUAL (Vivado HLS 2019.2): the whole less its recurrent module, by their reports.
@pytest.mark.parametrize(
    ("name", "lut", "ff", "latency"),
    [
        ("ftag", 122749 - 102555, 14906 - 11222, 667 - 571),
        ("quickdraw", 1218611 - 573313, 155795 - 82278, 4411 - 4301),
        ("toptagging", 82840 - 67743, 15194 - 8589, 878 - 821),
    ],
)
def test_what_stands_around_a_recurrent_module(name, lut, ff, latency, collected_reports):
    files = collected_reports / "uw-acme+HLS4ML_VS_MANUAL/documents/Benchmarks/RNN"
    folder = files / name / "hls" / f"{name}_gru_hls4ml_prj"
    _, result = estimated(folder, part="xcu250-figd2104-2L-e", tool_version="2019.2", clock_period_ns=5.0)
    assert result.values["lut"] == pytest.approx(lut, rel=0.1)
    assert result.values["ff"] == pytest.approx(ff, rel=0.2)
    assert result.values["latency_cycles"] == pytest.approx(latency, rel=0.1)


def test_channels_stand_between_the_layers_of_a_dataflow(tmp_path):
    design, _ = estimated(dense_project(tmp_path, [matrix(16, 8), matrix(8, 4, 1)]))
    pipelined, flowing = (design_cost(replace(design, dataflow=flag)).top for flag in (False, True))
    assert pipelined.lut["channel"] == 0
    # 8 sums of 16 bits, 8 outputs of the ReLU of 8 bits; the last layer's outputs are ports.
    assert flowing.lut["channel"] == 8 * (16 + 25) + 8 * (8 + 25)
    assert flowing.ff["channel"] == 16 * 6


def test_an_array_that_is_not_partitioned_is_outside_the_domain(tmp_path):
    folder = dense_project(tmp_path, [matrix(1, 4100)])
    reason = "an array of 4,100 values stays in a memory"
    assert any(reason in text for text in estimated(folder, tool_version="2020.1")[1].outside)
    assert not any(reason in text for text in estimated(folder, tool_version="2023.2")[1].outside)


def test_resource_strategy_counts_multipliers_and_reads_the_transposed_weights(tmp_path):
    weights = matrix(16, 8)
    folder = dense_project(tmp_path, [weights], strategy="resource", reuse=16)
    design, result = estimated(folder, multiplier_binding="dsp")
    assert result.values["dsp"] == 16 * 8 / 16
    assert result.values["interval_cycles"] == 16
    assert np.array_equal(design.layers[0].weights, weights)


def test_a_faster_clock_takes_more_registers_and_cycles(tmp_path):
    folder = dense_project(tmp_path, [matrix(64, 8)])
    _, slow = estimated(folder, clock_period_ns=25.0)
    _, fast = estimated(folder, clock_period_ns=3.3)
    assert fast.values["ff"] > 2 * slow.values["ff"]
    assert fast.values["latency_cycles"] > slow.values["latency_cycles"]


def test_in_domain_like_the_calibrated_ones(tmp_path):
    _, result = estimated(dense_project(tmp_path, [matrix(16, 8), matrix(8, 4)]), tool_version="2021.1")
    assert result.in_domain, result.outside


@pytest.mark.parametrize(
    ("options", "target", "reason"),
    [
        ({"strategy": "resource", "reuse": 8}, {}, "tool is vitis-2022, calibrated: vivado"),
        ({}, {"tool_version": "2025.1"}, "tool_version is 2025.1"),
        ({}, {"clock_period_ns": 100.0}, "clock_period_ns is 100"),
        ({}, {"part": "xcku115-flvb2104-2-i"}, "device is ultrascale, calibrated: 7-series, ultrascale+"),
    ],
)
def test_outside_the_domain_says_why(tmp_path, options, target, reason):
    _, result = estimated(dense_project(tmp_path, [matrix(16, 8)], **options), **target)
    assert not result.in_domain
    assert any(reason in text for text in result.outside)


def test_missing_weights_are_said(tmp_path):
    folder = dense_project(tmp_path, [matrix(16, 8)])
    (folder / "weights.npz").unlink()
    _, result = estimated(folder)
    assert "the weights of layer 'config1' are not there: taken as dense and random" in result.outside


def test_records_are_analytic_with_ranges_and_domain(tmp_path):
    design, result = estimated(dense_project(tmp_path, [matrix(16, 8)]))
    total, *layers = figure_records(result, design)
    assert (total.stage, total.tool, total.module) == ("analytic", "hlsflow estimate", None)
    assert total.ranges["lut"][0] <= total.lut <= total.ranges["lut"][1]
    assert total.in_domain is result.in_domain
    assert total.dsp_available == 220
    assert {record.module for record in layers} == {"config1", "(top)"}
    assert all(record.stage == "analytic" and record.source_file is None for record in layers)


def test_a_part_or_clock_can_be_replaced_but_must_be_known(tmp_path):
    folder = dense_project(tmp_path, [matrix(4, 4)], Part="null")
    with pytest.raises(ToolError, match="does not say which part"):
        estimated(folder)
    design, _ = estimated(folder, part="xc7z007s")
    assert design.target.part.device.name == "xc7z007s"


@pytest.mark.parametrize(
    ("depth", "elements", "packed", "blocks"),
    [(676, 4, False, 4), (36, 4, False, 4), (23, 32, False, 0), (576, 16, False, 16), (676, 4, True, 4)],
)
def test_fifo_blocks_as_in_real_reports(depth, elements, packed, blocks):
    assert fifo_blocks(Stream(name="s", depth=depth, bits=16 * elements, elements=elements), packed=packed) == blocks


def test_a_folder_that_is_no_project_is_refused(tmp_path):
    with pytest.raises(ToolError, match="is no hls4ml project"):
        read_source(tmp_path)


def test_expressions_of_old_projects(tmp_path):
    source = read_source(dense_project(tmp_path, [matrix(4, 4)]))
    source = replace(source, sizes={"N_IN": "7", "N_OUT": "N_IN*2"})
    assert source.integer("N_OUT*3 + 1") == 43
    assert source.integer("DIV_ROUNDUP(N_IN * 4, 3)") == 10
    assert source.integer("sizeof(x)") is None


def test_the_cpp_of_a_built_project_reads_like_its_network(converted):
    design, result = estimated(converted.build / "qap8" / "hls")
    assert [layer.name for layer in design.layers if layer.multiplies] == ["fc1", "fc2", "fc3", "logits"]
    assert design.layers[0].weights.shape == (784, 100)
    assert not design.doubts
    assert result.values["lut"] > 1000


def test_modules_import_lightly():
    code = (
        "import sys, hlsflow.building.tools.estimate as s; print([m for m in ('numpy', 'scipy') if m in sys.modules])"
    )
    flows = Path(__file__).parents[2] / "flows"
    result = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(flows)}, capture_output=True, text=True
    )
    assert result.stdout.strip() == "[]", result.stderr
