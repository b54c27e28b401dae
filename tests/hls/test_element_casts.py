"""The layer that hls4ml is taught: its C++ read back, and held against the definition of every mode."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from networks import cast_network, element_types, expected, random_inputs

from hlsflow.emulation.emulator import make_emulator
from hlsflow.foundation.errors import ToolError, UnsupportedError
from hlsflow.hls.config import HlsConfig
from hlsflow.hls.convert import convert
from hlsflow.hls.csim import compile_csim, find_compiler, simulate
from hlsflow.hls.effective import verify
from hlsflow.hls.integer_network import read_integer_network
from hlsflow.hls.integer_nodes import ElementCast
from hlsflow.hls.project import HlsProject, read_project
from hlsflow.network.fixed_point import Overflow, Rounding
from hlsflow.network.ranges import resolve
from hlsflow.rtl.chain import read_chain
from hlsflow.rtl.coverage import problems

IO_TYPES = ("io_parallel", "io_stream")


def project_of(folder: Path, network, config: HlsConfig) -> HlsProject:
    layers = resolve(network, {}, config.io_type)
    convert(network, layers, config, folder)
    project = read_project(folder)
    verify(project, layers, config)
    return project


@pytest.mark.parametrize("io_type", IO_TYPES)
def test_the_project_has_each_elements_type(tmp_path, io_type):
    types = element_types((1, 5), Rounding.RND, Overflow.SAT)
    project = project_of(tmp_path, cast_network((3, 5), types), HlsConfig(io_type=io_type))
    (node,) = read_integer_network(project).nodes
    assert isinstance(node, ElementCast)
    assert list(node.types) == types.over((1, 5)) * (1 if io_type == "io_stream" else 3)
    assert None in node.types


@pytest.mark.parametrize("io_type", IO_TYPES)
def test_a_changed_type_is_no_planned_one(tmp_path, io_type):
    config = HlsConfig(io_type=io_type)
    network = cast_network((4,), element_types((4,)))
    project_of(tmp_path, network, config)
    generated = tmp_path / "firmware" / "nnet_utils" / "nnet_code_gen.h"
    text = generated.read_text()
    assert text.count("out[0] = 0;") == 1
    generated.write_text(text.replace("out[0] = 0;", "out[0] = ap_fixed<2,1,AP_TRN,AP_WRAP>(inp[0]);"))
    with pytest.raises(ToolError, match="layer 'q': the types of single elements in the C\\+\\+ are not the planned"):
        verify(read_project(tmp_path), resolve(network, {}, io_type), config)


@pytest.mark.parametrize(("rounding", "overflow"), list(product(Rounding, Overflow)))
def test_the_emulator_has_what_each_mode_is_defined_to_give(tmp_path, rounding, overflow):
    types = element_types((2, 12), rounding, overflow)
    network = cast_network((2, 12), types)
    emulator = make_emulator(project_of(tmp_path, network, HlsConfig()))
    (inputs,) = random_inputs(network, 200)
    (port,) = emulator.network.outputs
    found = emulator.run([inputs])[port.name] * port.type.lsb
    assert np.array_equal(found, expected(inputs, types).reshape(200, -1))


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["Vitis", "Vivado"])
@pytest.mark.parametrize("io_type", IO_TYPES)
@pytest.mark.parametrize(
    "modes",
    [
        [(rounding, Overflow.WRAP) for rounding in Rounding],
        [(rounding, overflow) for rounding in (Rounding.TRN, Rounding.RND) for overflow in list(Overflow)[1:]],
    ],
    ids=["rounding", "overflow"],
)
def test_the_c_simulation_has_too(tmp_path, backend, io_type, modes):
    casts = [element_types((1, 24), *mode, seed=seed) for seed, mode in enumerate(modes)]
    network = cast_network((2, 24), *casts)
    project = project_of(tmp_path / "hls", network, HlsConfig(backend=backend, io_type=io_type))
    compile_csim(project, tmp_path / "program", find_compiler())
    (inputs,) = random_inputs(network, 200)
    found = simulate(tmp_path / "program" / "csim", project, [inputs], layers={}, folder=tmp_path / "run", workers=1)
    assert len(project.outputs) == len(casts)
    for port, types in zip(project.outputs, casts, strict=True):
        values = found[port.name] * project.type_of(port.type_name).lsb
        assert np.array_equal(values.reshape(200, -1), expected(inputs, types).reshape(200, -1)), port


def test_our_rtl_says_that_it_has_none(tmp_path):
    project = project_of(tmp_path, cast_network((4,), element_types((4,))), HlsConfig())
    nodes = read_integer_network(project).nodes
    said = [problem.text for problem in problems(nodes, ["x_in"], ["q"])]
    assert "no hardware for nnet::element_cast_q (layer 'q')" in said
    with pytest.raises(UnsupportedError, match="open RTL: "):
        read_chain(project)
