"""Every construct of the measured table: equal on every output in both backends and io types, refused with a reason, or
close where nothing equals it.

The quick test holds the emulator of the converted project against Keras; the slow one holds hls4ml's own C++ against
both. Under Keras 3, with the witness that it is:

    uv run --no-group keras2 --group keras3 pytest tests/building/test_constructs.py tests/frontends/keras3
"""

from __future__ import annotations

import csv
import json
import os
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from constructs import BOUNDED, CONSTRUCTS, EXACT, INPUT_TYPE, KERAS, randomized
from networks import random_inputs
from tool_fixtures import SHARED, needed

from hlsflow.emulation.emulator import make_emulator
from hlsflow.foundation.errors import UnsupportedError
from hlsflow.hls.config import HlsConfig
from hlsflow.hls.convert import convert
from hlsflow.hls.csim import simulate
from hlsflow.hls.effective import verify
from hlsflow.hls.lint import lint
from hlsflow.hls.project import HlsProject, read_project
from hlsflow.network.fixed_point import FixedType, parse_type
from hlsflow.network.ranges import resolve
from hlsflow.network.unbuildable import refusals_of_io_type

SAMPLES = 300
BACKENDS = ("Vitis", "Vivado")
IO_TYPES = ("io_parallel", "io_stream")
CONVERTED = [item for item in CONSTRUCTS if item.expected in (EXACT, BOUNDED)]
# Bits of the constants and values of what is only close, and how far off it may be, as a share of the largest output: a
# step or two of the quantizer behind it, which takes the other side of what was a tie.
BITS, CLOSE = 16, 2.0**-6


@pytest.fixture(scope="module", autouse=True)
def tensorflow():
    from hlsflow.frontends.keras.runtime import prepare_tensorflow

    prepare_tensorflow(any_keras=True)


def projects_of(shared_run, construct) -> list[HlsProject]:
    """The converted projects of a construct, one for each backend and io type that it has, made once in a run."""
    slug = re.sub(r"[^A-Za-z0-9.]+", "_", construct.name)
    folder = shared_run.once(f"constructs/{CONVERTED.index(construct)}-{slug}", partial(make, construct))
    return [read_project(path) for path in sorted(folder.glob("*/hls"))]


def make(construct, folder: Path) -> None:
    """Converts a construct for each backend and io type, with inputs and Keras' values in LSBs by gate output.

    Whether every io type is refused or accepted as the table has it, and every project is what was asked for, is
    asserted here.
    """
    from hlsflow.building.agreement import in_lsb
    from hlsflow.frontends.keras.live import KerasModel
    from hlsflow.frontends.keras.network import network_of
    from hlsflow.frontends.witness import reference_outputs

    model = randomized(construct.build())
    network = network_of(model, parse_type(INPUT_TYPE))
    inputs = random_inputs(network, SAMPLES)
    given = measured_types(model, network, inputs) if construct.expected == BOUNDED else {}
    layers = {io_type: resolve(network, given, io_type) for io_type in IO_TYPES}
    types = {layer.node.name: layer.result for layer in layers["io_parallel"]}
    outputs = reference_outputs(KerasModel(model=model), network, inputs, network.gate_outputs)
    expected = {name: in_lsb(name, outputs[name], types[name]) for name in network.gate_outputs}
    if construct.expected == BOUNDED:
        expected = {name: outputs[name] / types[name].lsb for name in network.gate_outputs}
    np.savez(folder / "inputs.npz", *inputs)
    np.savez(folder / "expected.npz", **expected)
    (folder / "types.json").write_text(json.dumps({name: str(types[name]) for name in expected}))
    for io_type in IO_TYPES:
        if refused_in(network, io_type, construct):
            continue
        for backend in BACKENDS:
            config = HlsConfig(backend=backend, io_type=io_type)
            home = folder / f"{backend}-{io_type}" / "hls"
            convert(network, layers[io_type], config, home)
            verify(read_project(home), layers[io_type], config)


def measured_types(model, network, inputs):
    """Types of `BITS` bits for what no types equal."""
    from hlsflow.frontends.calibrate import before_tables, is_open, rounded_types
    from hlsflow.frontends.keras.outputs import keras_outputs
    from hlsflow.frontends.witness import comparable_nodes

    assert is_open(network)
    names = dict.fromkeys((*comparable_nodes(network), *network.gate_outputs, *before_tables(network)))
    return rounded_types(network, keras_outputs(model, network, inputs, list(names)), weights=BITS, values=BITS)


def assert_as_keras(construct, found, expected, where):
    """That integers are Keras', or close to them where nothing equals them."""
    if construct.expected == EXACT:
        assert np.array_equal(found, expected), where
    else:
        assert np.abs(found - expected).max() <= CLOSE * np.abs(expected).max(), where


def refused_in(network, io_type: str, construct) -> bool:
    """Whether the io type is refused, and then for the stated reason."""
    if io_type == "io_stream" and construct.streams is not True:
        assert any(construct.streams in item.reason for item in refusals_of_io_type(network, io_type))
        with pytest.raises(UnsupportedError, match=construct.streams):
            lint(network, HlsConfig(io_type=io_type))
        return True
    assert not refusals_of_io_type(network, io_type)
    return False


def given_and_expected(project: HlsProject) -> tuple[list[np.ndarray], dict[str, np.ndarray], dict[str, FixedType]]:
    """What `make` kept beside a project: inputs, and values and types by gate output."""
    folder = project.root.parents[1]
    with np.load(folder / "inputs.npz") as inputs, np.load(folder / "expected.npz") as expected:
        types = json.loads((folder / "types.json").read_text())
        return (
            [inputs[name] for name in inputs.files],
            {name: expected[name] for name in expected.files},
            {name: parse_type(text) for name, text in types.items()},
        )


def variants(construct) -> set[str]:
    """The backends and io types that a construct is converted for."""
    io_types = IO_TYPES if construct.streams is True else IO_TYPES[:1]
    return {f"{backend}-{io_type}" for backend in BACKENDS for io_type in io_types}


@pytest.mark.parametrize("construct", CONVERTED, ids=lambda item: item.name)
def test_the_converted_project_equals_keras(construct, shared_run):
    projects = projects_of(shared_run, construct)
    assert {project.root.parent.name for project in projects} == variants(construct)
    for project in projects:
        inputs, expected, _ = given_and_expected(project)
        found = make_emulator(project).run(inputs, layers=list(expected))
        for name, values in expected.items():
            assert_as_keras(construct, found[name], values, (project.root.parent.name, name))


@pytest.mark.slow
@pytest.mark.parametrize("construct", CONVERTED, ids=lambda item: item.name)
def test_the_c_simulation_equals_keras_and_the_emulator(construct, request, shared_run, programs, tmp_path):
    projects = projects_of(shared_run, construct)
    assert {project.root.parent.name for project in projects} == variants(construct)
    compiled = programs.of(request.node, lambda case: projects_of(shared_run, case["construct"]), each=4)
    for project in projects:
        variant = project.root.parent.name
        inputs, expected, types = given_and_expected(project)
        program = compiled[project.root]
        # Every third of the samples that the emulator was held to Keras on: C++ without optimization is slow.
        inputs = [values[::3] for values in inputs]
        found = simulate(program, project, inputs, layers=types, folder=tmp_path / variant, workers=1)
        for name, values in expected.items():
            assert_as_keras(construct, found[name], values[::3], (variant, name))
        if construct.expected == EXACT:
            # The emulator's values are Keras' by the quick test: these are the same.
            continue
        emulated = make_emulator(project).run(inputs, layers=list(expected))
        for name, values in found.items():
            assert np.array_equal(emulated[name], values), (variant, name)


@pytest.mark.parametrize(
    "construct", [item for item in CONSTRUCTS if item.expected == BOUNDED], ids=lambda item: item.name
)
def test_nothing_equals_what_is_only_close(construct):
    """A layer that Keras itself rounds is refused by an exact gate, and so are tables; weights off every grid are seen
    in no types."""
    from hlsflow.frontends.keras.network import network_of

    network = network_of(randomized(construct.build()), parse_type(INPUT_TYPE))
    if network.rounded or network.inner_tables:
        with pytest.raises(UnsupportedError, match=r"so Keras itself rounds|exact only to its resolution"):
            lint(network, HlsConfig())
    else:
        assert construct.name.startswith("ker:")


@pytest.mark.parametrize(
    "construct",
    [item for item in CONSTRUCTS if item.expected not in (EXACT, BOUNDED, KERAS)],
    ids=lambda item: item.name,
)
def test_a_construct_that_no_policy_makes_exact_is_refused_with_a_way_out(construct):
    from hlsflow.frontends.keras.network import network_of

    model = construct.build()
    with pytest.raises(UnsupportedError) as caught:
        lint(network_of(model, parse_type(INPUT_TYPE)), HlsConfig())
    assert construct.expected in str(caught.value)
    assert "layer '" in str(caught.value)


@pytest.mark.parametrize(
    "construct", [item for item in CONSTRUCTS if item.expected == KERAS], ids=lambda item: item.name
)
def test_what_qkeras_itself_cannot_build_never_reaches_us(construct):
    with pytest.raises(Exception):  # noqa: B017 - whatever QKeras 0.9 raises under this TensorFlow
        model = randomized(construct.build())
        model(np.zeros((1, *model.input_shape[1:]), dtype=np.float32))


def test_every_row_of_the_measured_table_is_a_construct():
    path = Path(os.environ.get("HLSFLOW_FIDELITY") or SHARED / "fidelity.csv")
    needed(path.is_file(), "fidelity.csv, the table of what hls4ml converts exactly", "HLSFLOW_FIDELITY=FILE")
    with path.open(newline="") as stream:
        measured = {row["construct"] for row in csv.DictReader(stream)}
    # Renamed here: its window has to overlap the border to be padded at all.
    renamed = {"conv avgpool3 same": "conv avgpool same"}
    known = {item.name for item in CONSTRUCTS}
    assert {renamed.get(name, name) for name in measured} <= known
