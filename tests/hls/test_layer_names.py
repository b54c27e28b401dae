"""Layer names in C++: any text has one, no two alike, and the readers of a project give the user's back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import random_inputs, small_network

from hlsflow.emulation.emulator import make_emulator
from hlsflow.foundation.errors import ToolError
from hlsflow.hls.config import HlsConfig
from hlsflow.hls.convert import convert
from hlsflow.hls.csim import compile_csim, simulate
from hlsflow.hls.effective import verify
from hlsflow.hls.lint import lint
from hlsflow.hls.names import NAMES_FILE, cpp_names, is_usable, read_names, users_name
from hlsflow.hls.project import read_project

ODD = {"x_in": "input", "fc1": "my layer/1", "relu1": "activation", "fc2": "pool_0", "softmax": "größe"}


def renamed(network, names):
    """The network with other names of its nodes."""

    def of(name):
        return names.get(name, name)

    nodes = []
    for node in network.nodes:
        entry = {**node.entry, "name": of(node.name)}
        if "inputs" in entry:
            entry["inputs"] = [of(name) for name in entry["inputs"]]
        nodes.append(replace(node, name=of(node.name), inputs=tuple(map(of, node.inputs)), entry=entry))
    return replace(
        network, nodes=tuple(nodes), inputs=tuple(map(of, network.inputs)), outputs=tuple(map(of, network.outputs))
    )


@given(
    st.lists(st.text(min_size=1, max_size=12) | st.sampled_from(["fc1", "input", "user_a", "a!", "a?"]), unique=True)
)
def test_every_list_of_names_has_names_in_cpp(names):
    found = cpp_names(names)
    assert list(found) == names
    assert len(set(found.values())) == len(names)
    assert all(is_usable(cpp) for cpp in found.values())
    assert all(found[name] == name for name in names if is_usable(name))


@pytest.mark.parametrize(
    "name", ["input", "activation", "pool_0", "in_x", "layer2_out", "2d", "a b", "", "class", "_x"]
)
def test_what_hls4ml_or_cpp_use_themselves_is_no_name(name):
    assert not is_usable(name)


def test_a_layer_in_front_is_named_after_the_users():
    assert users_name("zp1d_user_a", {"user_a": "a!"}) == "zp1d_a!"
    assert users_name("user_b", {"user_a": "a!"}) == "user_b"


def project_of(tmp_path, io_type="io_parallel"):
    network = renamed(small_network(sizes=(6, 5, 4)), ODD)
    config = HlsConfig(io_type=io_type)
    layers = lint(network, config).layers
    convert(network, layers, config, tmp_path / "hls")
    return network, layers, config, read_project(tmp_path / "hls")


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
def test_a_project_is_read_back_under_the_users_names(tmp_path, io_type):
    network, layers, config, project = project_of(tmp_path, io_type)
    verify(project, layers, config)
    assert {"my layer/1", "pool_0"} <= {call.layer for call in project.calls}
    assert set(read_names(project.root).values()) == {node.name for node in network.nodes} & set(ODD.values())
    assert "my layer" not in (project.root / "firmware" / f"{project.top}.cpp").read_text()


def test_the_values_are_those_of_plain_names(tmp_path):
    *_, project = project_of(tmp_path)
    plain = small_network(sizes=(6, 5, 4))
    convert(plain, lint(plain, HlsConfig()).layers, HlsConfig(), tmp_path / "plain")
    (inputs,) = random_inputs(plain, 50)
    ours = make_emulator(project).run([inputs], layers=["my layer/1", "pool_0"])
    theirs = make_emulator(read_project(tmp_path / "plain")).run([inputs], layers=["fc1", "fc2"])
    assert np.array_equal(ours["my layer/1"], theirs["fc1"]) and np.array_equal(ours["pool_0"], theirs["fc2"])
    assert not (tmp_path / "plain" / NAMES_FILE).exists()


@pytest.mark.slow
def test_the_c_simulation_traces_under_the_users_names(tmp_path, compiler):
    network, layers, _, project = project_of(tmp_path)
    program = compile_csim(project, tmp_path / "csim", compiler)
    (inputs,) = random_inputs(network, 50)
    types = {layer.node.name: layer.result for layer in layers if layer.node.name in project.traced}
    assert "my layer/1" in types
    found = simulate(program, project, [inputs], layers=types, folder=tmp_path / "run", workers=1)
    emulated = make_emulator(project).run([inputs], layers=list(types))
    for name, values in emulated.items():
        assert np.array_equal(found[name], values), name


def test_a_damaged_file_of_names_is_an_error_that_names_it(tmp_path):
    *_, project = project_of(tmp_path)
    (project.root / NAMES_FILE).write_text("[1,")
    with pytest.raises(ToolError, match=NAMES_FILE):
        read_project(project.root)
