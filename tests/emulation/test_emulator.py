"""The emulator against hls4ml's C++ on accumulators and results of every kind: rounding, wrapping, saturating."""

from __future__ import annotations

import numpy as np
import pytest
from networks import random_inputs, small_network

from hlsflow.emulation.emulator import make_emulator
from hlsflow.foundation.errors import UnsupportedError
from hlsflow.hls.config import HlsConfig, LayerConfig
from hlsflow.hls.convert import convert
from hlsflow.hls.csim import simulate
from hlsflow.hls.project import read_project
from hlsflow.network.fixed_point import parse_type
from hlsflow.network.ranges import resolve

CASES = {
    "exact": {},
    "narrow, wraps": {"fc1": {"accum": "fixed<9,3>"}},
    "narrow, saturates": {"fc1": {"accum": "fixed<9,3,TRN,SAT>"}},
    "coarse, truncates": {"fc1": {"accum": "fixed<14,10>"}},
    "coarse, rounds": {"fc1": {"accum": "fixed<14,10,RND>"}},
    "coarse, rounds to even, saturates symmetrically": {"fc1": {"accum": "fixed<7,4,RND_CONV,SAT_SYM>"}},
    "coarse, truncates to zero": {"fc1": {"accum": "fixed<14,10,TRN_ZERO>"}},
    "result rounds away": {"fc1": {"result": "fixed<9,6,RND_INF,SAT>"}},
    "result rounds to zero": {"fc1": {"result": "fixed<9,6,RND_ZERO,SAT_ZERO>"}},
    "result rounds down": {"fc1": {"result": "fixed<9,6,RND_MIN_INF>"}},
    "activation wraps": {"relu1": {"result": "ufixed<4,1>"}},
    "weights narrow": {"fc1": {"weight": "fixed<3,2>"}},
    "wide": {"fc1": {"accum": "fixed<40,14>", "result": "fixed<40,14>"}},
}
STRATEGIES = {
    "latency": HlsConfig(),
    "resource": HlsConfig(strategy="resource", reuse_factor=4, layers={"fc2": LayerConfig(reuse_factor=8)}),
    "stream": HlsConfig(io_type="io_stream", backend="Vivado"),
}


def resolved(case):
    network = small_network(sizes=(12, 8, 5))
    given = {layer: {role: parse_type(text) for role, text in types.items()} for layer, types in CASES[case].items()}
    return network, resolve(network, given)


def project_of(case, strategy, folder):
    network, layers = resolved(case)
    convert(network, layers, STRATEGIES[strategy], folder / "hls")
    return network, layers, read_project(folder / "hls")


@pytest.mark.slow
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("case", CASES)
def test_every_value_equals_the_c_simulation(case, strategy, request, tmp_path, shared_run, programs):
    def projects_of(params):
        name = f"emulator/{list(CASES).index(params['case'])}-{params['strategy']}"
        made = shared_run.once(name, lambda folder: project_of(params["case"], params["strategy"], folder))
        return [read_project(made / "hls")]

    network, layers = resolved(case)
    (project,) = projects_of({"case": case, "strategy": strategy})
    inputs = random_inputs(network, 500)
    program = programs.of(request.node, projects_of)[project.root]
    traced = {layer.node.name: layer.result for layer in layers if layer.node.name in project.traced}
    hardware = simulate(program, project, inputs, layers=traced, folder=tmp_path)
    emulated = make_emulator(project).run(inputs, layers=traced)
    assert set(hardware) == set(emulated)
    for name, values in hardware.items():
        assert np.array_equal(values, emulated[name]), name


def test_a_narrow_accumulator_changes_the_outputs(tmp_path):
    """The comparison above would pass if narrowing did nothing at all."""
    network, _, project = project_of("narrow, wraps", "latency", tmp_path / "narrow")
    _, _, exact = project_of("exact", "latency", tmp_path / "exact")
    inputs = random_inputs(network, 500)
    narrow = make_emulator(project).run(inputs, layers=["relu1"])["relu1"]
    assert not np.array_equal(narrow, make_emulator(exact).run(inputs, layers=["relu1"])["relu1"])


def test_the_dtype_is_the_smallest_that_is_exact(tmp_path):
    _, _, project = project_of("exact", "latency", tmp_path / "exact")
    assert make_emulator(project).dtype == "float32"
    _, _, project = project_of("wide", "latency", tmp_path / "wide")
    assert make_emulator(project).dtype == "float64"


def test_batches_do_not_matter(tmp_path):
    network, _, project = project_of("exact", "latency", tmp_path)
    inputs = random_inputs(network, 101)
    emulator = make_emulator(project)
    whole, parts = emulator.run(inputs), emulator.run(inputs, batch=7)
    assert all(np.array_equal(whole[name], parts[name]) for name in whole)


def test_integers_are_multiples_of_the_lsb(tmp_path):
    network, _, project = project_of("exact", "latency", tmp_path)
    inputs = random_inputs(network, 50)
    emulator = make_emulator(project)
    real = emulator.run(inputs)
    for dtype in (np.uint8, np.int64):
        found = emulator.run([(inputs[0] * 256).astype(dtype)])
        assert all(np.array_equal(real[name], found[name]) for name in real)
    with pytest.raises(ValueError, match="leaves the range of its type ufixed<8,0>"):
        emulator.run([np.full((1, 12), 256)])


def test_an_input_off_the_grid_is_refused(tmp_path):
    _, _, project = project_of("exact", "latency", tmp_path)
    emulator = make_emulator(project)
    with pytest.raises(ValueError, match="not multiples of"):
        emulator.run([np.full((1, 12), 1 / 255)])
    with pytest.raises(ValueError, match="leaves the range of its type ufixed<8,0>"):
        emulator.run([np.full((1, 12), 1.0)])


def test_a_function_that_is_not_covered_is_refused_and_named(tmp_path):
    project_of("exact", "latency", tmp_path)
    (source,) = (tmp_path / "hls" / "firmware").glob("*.cpp")
    source.write_text(source.read_text().replace("nnet::relu<", "nnet::thresholded_relu<"))
    with pytest.raises(UnsupportedError, match=r"the emulator does not cover nnet::thresholded_relu \(layer 'relu1'\)"):
        make_emulator(read_project(tmp_path / "hls"))
