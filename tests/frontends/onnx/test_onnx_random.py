"""Random networks: the converted project gives what qonnx gives, or the refusal says why there is none."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest
from onnx_models.drawing import drawn
from onnx_models.making import live
from onnx_models.projects import random_inputs

from hlsflow.emulation.emulator import make_emulator
from hlsflow.foundation.errors import UnsupportedError
from hlsflow.frontends.calibrate import is_open
from hlsflow.frontends.registry import FRONT_ENDS
from hlsflow.frontends.witness import comparable_nodes, reference_outputs
from hlsflow.hls.config import HlsConfig
from hlsflow.hls.convert import convert
from hlsflow.hls.csim import simulate
from hlsflow.hls.project import read_project
from hlsflow.network.batch_norm import unlike_keras
from hlsflow.network.fixed_point import parse_type
from hlsflow.network.ranges import resolve
from hlsflow.network.unbuildable import refusals_of_io_type, refusals_of_types

if FRONT_ENDS["onnx"].needs.missing:
    pytest.skip("no onnx, onnxruntime or qonnx: uv run --extra onnx pytest", allow_module_level=True)

SEEDS = range(24)
SIMULATED = range(0, 24, 3)
SAMPLES = 120


def make(seed: int, folder) -> None:
    """The project of a random model with its inputs and what qonnx gives for them; no project where it is refused."""
    model = live(drawn(seed))
    try:
        network = model.network(parse_type("fixed<7,3>"))
        assert not is_open(network)
        io_type = ("io_parallel", "io_stream")[seed % 2]
        if refusals_of_io_type(network, io_type):
            io_type = "io_parallel"
        layers = resolve(network, {}, io_type)
    except UnsupportedError as error:
        (folder / "refused.txt").write_text(str(error))
        return
    refused = [*refusals_of_io_type(network, io_type), *refusals_of_types(layers, exact=True)]
    if refused:
        (folder / "refused.txt").write_text(refused[0].reason)
        return
    config = HlsConfig(backend=("Vitis", "Vivado")[seed // 2 % 2], io_type=io_type)
    convert(network, layers, config, folder / "hls")
    inputs = random_inputs(network, SAMPLES)
    unlike = unlike_keras([layer.node for layer in layers])
    names = [name for name in dict.fromkeys((*comparable_nodes(network), *network.gate_outputs)) if name not in unlike]
    outputs = reference_outputs(model, network, inputs, names)
    lsb = {layer.node.name: layer.result.lsb for layer in layers}
    project = read_project(folder / "hls")
    types = {layer.node.name: str(layer.result) for layer in layers}
    traced = {name: types[name] for name in names if name in project.traced or name in network.gate_outputs}
    (folder / "types.json").write_text(json.dumps(traced))
    np.savez(folder / "inputs.npz", *inputs)
    np.savez(folder / "expected.npz", **{name: outputs[name] / lsb[name] for name in names})


def of_seed(shared_run, seed: int):
    folder = shared_run.once(f"onnx-random/{seed}", partial(make, seed))
    if (folder / "refused.txt").is_file():
        return None, (folder / "refused.txt").read_text(), {}
    with np.load(folder / "inputs.npz") as inputs, np.load(folder / "expected.npz") as expected:
        return (
            read_project(folder / "hls"),
            [inputs[name] for name in inputs.files],
            {name: expected[name] for name in expected.files},
        )


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_network_equals_qonnx_layer_by_layer(seed, shared_run):
    project, inputs, expected = of_seed(shared_run, seed)
    if project is None:
        assert "layer '" in inputs or "mean" in inputs
        return
    found = make_emulator(project).run(inputs, layers=list(expected))
    for name, values in expected.items():
        assert np.array_equal(found[name], values), name


def test_most_random_networks_are_converted(shared_run):
    refused = [seed for seed in SEEDS if of_seed(shared_run, seed)[0] is None]
    assert len(refused) <= len(SEEDS) // 4, [of_seed(shared_run, seed)[1] for seed in refused]


@pytest.mark.slow
@pytest.mark.parametrize("seed", SIMULATED)
def test_the_c_simulation_of_a_random_network_equals_qonnx(seed, request, shared_run, programs, tmp_path):
    project, inputs, expected = of_seed(shared_run, seed)
    if project is None:
        pytest.skip(f"refused: {inputs}")
    compiled = programs.of(request.node, lambda case: [item] if (item := of_seed(shared_run, case["seed"])[0]) else [])
    types = {
        name: parse_type(text) for name, text in json.loads((project.root.parent / "types.json").read_text()).items()
    }
    assert types
    frames = [values[::3] for values in inputs]
    found = simulate(compiled[project.root], project, frames, layers=types, folder=tmp_path, workers=1)
    for name in types:
        assert np.array_equal(found[name], expected[name][::3]), name
