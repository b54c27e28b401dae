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

from hlsflow.errors import ToolError
from hlsflow.synthesis.estimate import Estimate, estimate, figure_records
from hlsflow.synthesis.estimate_cost import TARGETS, fifo_blocks
from hlsflow.synthesis.estimate_design import Design, Stream
from hlsflow.synthesis.estimate_model import shipped_model
from hlsflow.synthesis.estimate_read import design_of, target_of
from hlsflow.synthesis.estimate_source import read_source


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
        ({"strategy": "resource", "reuse": 8}, {}, "strategy is resource, calibrated: latency"),
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


CPP = Path(__file__).parents[1] / "build" / "qap8" / "hls"


@pytest.mark.skipif(not (CPP / "firmware").is_dir(), reason="qap8 is not built")
def test_the_cpp_of_a_built_project_reads_like_its_network():
    design, result = estimated(CPP)
    assert [layer.name for layer in design.layers if layer.multiplies] == ["fc1", "fc2", "fc3", "logits"]
    assert design.layers[0].weights.shape == (784, 100)
    assert not design.doubts
    assert result.values["lut"] > 1000


def test_modules_import_lightly():
    code = (
        "import sys, hlsflow.synthesis.estimate_stage as s; print([m for m in ('numpy', 'scipy') if m in sys.modules])"
    )
    flows = Path(__file__).parents[1] / "flows"
    result = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(flows)}, capture_output=True, text=True
    )
    assert result.stdout.strip() == "[]", result.stderr
