"""What onnxruntime and qonnx compute, and the hardware: operator by operator, in every backend and io type."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from onnx_models.constructs import BOUNDED, CONSTRUCTS, EXACT
from onnx_models.making import live
from onnx_models.projects import random_inputs

from hlsflow.emulation.emulator import make_emulator
from hlsflow.foundation.errors import UnsupportedError
from hlsflow.frontends.registry import FRONT_ENDS
from hlsflow.frontends.witness import reference_outputs
from hlsflow.hls.config import HlsConfig
from hlsflow.hls.convert import convert
from hlsflow.hls.csim import simulate
from hlsflow.hls.effective import verify
from hlsflow.hls.lint import lint
from hlsflow.hls.project import HlsProject, read_project
from hlsflow.network.fixed_point import parse_type
from hlsflow.network.ranges import resolve
from hlsflow.network.unbuildable import refusals_of_exactness, refusals_of_io_type, refusals_of_types

if FRONT_ENDS["onnx"].needs.missing:
    pytest.skip("no onnx, onnxruntime or qonnx: uv run --extra onnx pytest", allow_module_level=True)

SAMPLES = 200
BACKENDS = ("Vitis", "Vivado")
IO_TYPES = ("io_parallel", "io_stream")
BITS, CLOSE = 16, 2.0**-6
# Of those that the C simulation looks at; the emulator does at all.
SIMULATED = [item for index, item in enumerate(CONSTRUCTS) if index % 4 == 0]


def projects_of(shared_run, construct) -> list[HlsProject]:
    slug = re.sub(r"[^A-Za-z0-9.]+", "_", construct.name)
    folder = shared_run.once(f"onnx/{CONSTRUCTS.index(construct)}-{slug}", partial(make, construct))
    return [read_project(path) for path in sorted(folder.glob("*/hls"))]


def measured_types(model, network, inputs):
    from hlsflow.frontends.calibrate import before_tables, is_open, rounded_types
    from hlsflow.frontends.witness import comparable_nodes

    assert is_open(network)
    names = dict.fromkeys((*comparable_nodes(network), *network.gate_outputs, *before_tables(network)))
    return rounded_types(network, model.outputs(network, inputs, list(names)), weights=BITS, values=BITS)


def make(construct, folder: Path) -> None:
    """Converts a construct for each backend and io type, with the inputs and the framework's values."""
    model = live(construct.build())
    network = model.network(parse_type("fixed<8,3>"))
    inputs = random_inputs(network, SAMPLES)
    if construct.expected == EXACT:
        assert not refusals_of_exactness(network)
    given = measured_types(model, network, inputs) if construct.expected == BOUNDED else {}
    layers = {io_type: resolve(network, given, io_type) for io_type in IO_TYPES}
    types = {layer.node.name: layer.result for layer in layers["io_parallel"]}
    outputs = reference_outputs(model, network, inputs, network.gate_outputs)
    expected = {name: outputs[name] / types[name].lsb for name in network.gate_outputs}
    np.savez(folder / "inputs.npz", *inputs)
    np.savez(folder / "expected.npz", **expected)
    (folder / "types.json").write_text(json.dumps({name: str(types[name]) for name in expected}))
    for io_type in IO_TYPES:
        if io_type == "io_stream" and construct.streams is not True:
            with pytest.raises(UnsupportedError, match=str(construct.streams)):
                lint(network, HlsConfig(io_type=io_type))
            continue
        assert not refusals_of_io_type(network, io_type)
        assert not refusals_of_types(layers[io_type], exact=construct.expected == EXACT)
        for backend in BACKENDS:
            config = HlsConfig(backend=backend, io_type=io_type)
            home = folder / f"{backend}-{io_type}" / "hls"
            convert(network, layers[io_type], config, home)
            verify(read_project(home), layers[io_type], config)


def kept(project: HlsProject) -> tuple[list[np.ndarray], dict[str, np.ndarray], dict]:
    folder = project.root.parents[1]
    with np.load(folder / "inputs.npz") as inputs, np.load(folder / "expected.npz") as expected:
        types = json.loads((folder / "types.json").read_text())
        return (
            [inputs[name] for name in inputs.files],
            {name: expected[name] for name in expected.files},
            {name: parse_type(text) for name, text in types.items()},
        )


def assert_as_the_framework(construct, found, expected, where):
    assert np.abs(expected).max() > 0, where
    if construct.expected == EXACT:
        assert np.array_equal(found, expected), where
    else:
        assert np.abs(found - expected).max() <= CLOSE * np.abs(expected).max(), where


@pytest.mark.parametrize("construct", CONSTRUCTS, ids=lambda item: item.name)
def test_the_converted_project_equals_the_framework(construct, shared_run):
    projects = projects_of(shared_run, construct)
    assert len(projects) == (4 if construct.streams is True else 2)
    for project in projects:
        inputs, expected, _ = kept(project)
        found = make_emulator(project).run(inputs, layers=list(expected))
        for name, values in expected.items():
            assert_as_the_framework(construct, found[name], values, (project.root.parent.name, name))


@pytest.mark.slow
@pytest.mark.parametrize("construct", SIMULATED, ids=lambda item: item.name)
def test_the_c_simulation_equals_the_framework(construct, request, shared_run, programs, tmp_path):
    projects = projects_of(shared_run, construct)
    compiled = programs.of(request.node, lambda case: projects_of(shared_run, case["construct"]), each=4)
    for project in projects:
        variant = project.root.parent.name
        inputs, expected, types = kept(project)
        inputs = [values[::4] for values in inputs]
        found = simulate(compiled[project.root], project, inputs, layers=types, folder=tmp_path / variant, workers=1)
        for name, values in expected.items():
            assert_as_the_framework(construct, found[name], values[::4], (variant, name))
