"""What the open path refuses by the network alone is what it cannot read from the converted project, and no more."""

from __future__ import annotations

import io
import shutil
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from networks import activation_node, random_inputs, small_network
from planned_constructs import EXACT_CONSTRUCTS, planned

from hlsflow.building.pipeline import build
from hlsflow.building.plan import BuildRequest
from hlsflow.building.tools import open as open_stage
from hlsflow.emulation.emulator import make_emulator
from hlsflow.foundation.errors import ConfigError, ToolError, UnsupportedError
from hlsflow.foundation.log import Log
from hlsflow.hls.config import HlsConfig
from hlsflow.hls.integer_network import read_integer_network
from hlsflow.hls.integer_nodes import Argmax, Lookup, Matrix, Node, Padding, Pooling, Softmax
from hlsflow.hls.project import read_project
from hlsflow.network.fixed_point import parse_type, to_integers
from hlsflow.network.graph import Network
from hlsflow.network.ranges import resolve
from hlsflow.opentools.check import check_supported, planned_nodes
from hlsflow.opentools.design import Architecture
from hlsflow.rtl.chain import read_chain

ROOT = Path(__file__).resolve().parents[2]
# Some of what there is hardware for, so that refusing everything would fail.
READ = {
    "conv", "conv same s2", "conv maxpool", "conv maxpool same", "conv avgpool", "conv1d", "conv 1x1", "zeropad",
    "reshape", "softmax at the end", "in-quant+dense", "dense on 3d",
}  # fmt: skip


def refused(function, *arguments) -> str:
    """The message of an UnsupportedError, empty where none is raised."""
    try:
        function(*arguments)
    except UnsupportedError as error:
        return str(error)
    return ""


@pytest.mark.slow
@pytest.mark.parametrize("construct", EXACT_CONSTRUCTS, ids=lambda item: item.name)
def test_the_check_refuses_what_cannot_be_read_and_no_more(construct, shared_run):
    for network, layers, config, root in planned(shared_run, construct):
        inputs = random_inputs(network, 50)
        project = read_project(root)
        early = refused(check_supported, network, layers, config, Architecture.AUTO)
        late = refused(read_chain, project)
        assert bool(early) == bool(late), (early, late)
        assert not (late and construct.name in READ), late
        if not late:
            read = read_chain(project)
            integers = to_integers(inputs[0].reshape(len(inputs[0]), -1), read.input_type.fraction)
            expected = make_emulator(project).run(inputs, layers=[read.output])[read.output]
            np.testing.assert_array_equal(read.run(integers), expected)


def said(node: Node, io_type: str) -> dict[str, object]:
    """What a node computes, without the names of its variables and the modes of its input's type.

    hls4ml pads a stream by a call of its own, so that a convolution's window is another one there.
    """
    own = {item.name: getattr(node, item.name) for item in fields(node) if item.name not in WIRES}
    own |= {key: own[key].grid for key in ("data", "result") if key in own}
    if io_type == "io_stream" and isinstance(node, Matrix):
        del own["window"]
    return {"class": type(node)} | {
        key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in own.items()
    }


WIRES = {item.name for item in fields(Node)}
COMPUTE = (Matrix, Pooling, Padding, Softmax, Argmax, Lookup)


@pytest.mark.slow
@pytest.mark.parametrize("construct", EXACT_CONSTRUCTS, ids=lambda item: item.name)
def test_the_planned_nodes_are_those_that_are_read_back(construct, shared_run):
    for network, layers, config, root in planned(shared_run, construct):
        read = [node for node in read_integer_network(read_project(root)).nodes if not node.name.startswith("zp")]
        plan = planned_nodes(network, layers, config)
        plan, read = ([node for node in found if isinstance(node, COMPUTE)] for found in (plan, read))
        assert [said(node, config.io_type) for node in plan] == [said(node, config.io_type) for node in read]


def typed(network: Network):
    return network, resolve(network, {}), HlsConfig()


def test_every_layer_without_hardware_is_named():
    net = small_network(sizes=(6, 5, 4))
    bent = activation_node("bent", "fc1", 5, "hard_tanh", "fixed<6,1>")
    again = activation_node("again", "fc1", 5, "hard_sigmoid", "ufixed<6,0>")
    nodes = (*net.nodes[:2], bent, again, *net.nodes[2:])
    with pytest.raises(UnsupportedError) as caught:
        check_supported(*typed(Network(nodes=nodes, inputs=net.inputs, outputs=net.outputs)), Architecture.AUTO)
    said = str(caught.value)
    assert "'fc1' is read by 3 layers: it covers networks without branches" in said
    assert "no hardware for hard_tanh (layer 'bent')" in said
    assert "no hardware for hard_sigmoid (layer 'again')" in said
    assert "it covers dense layers, convolutions, max pooling" in said


def test_an_accumulator_that_rounds_is_refused():
    net = small_network(sizes=(6, 5, 4))
    layers = resolve(net, {"fc1": {"accum": parse_type("fixed<12,8>")}})
    with pytest.raises(UnsupportedError, match=r"the accumulator fixed<12,8> of 'fc1' rounds every product"):
        check_supported(net, layers, HlsConfig(), Architecture.AUTO)


def test_a_network_of_dense_layers_passes():
    for architecture in Architecture:
        check_supported(*typed(small_network()), architecture)


@pytest.fixture
def workspace_of_digits(tmp_path):
    from hlsflow.foundation.workspace import Workspace

    for folder in ("models", "hls_configs"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return Workspace(root=tmp_path)


def request(**options) -> BuildRequest:
    return BuildRequest(model="digits6", synth="open", synth_options=options)


def test_an_impossible_request_stops_before_the_model_is_loaded(workspace_of_digits, monkeypatch):
    monkeypatch.setattr("hlsflow.building.pipeline.load_network_step", lambda *_: pytest.fail("it went on"))
    log = Log(stream=io.StringIO())
    with pytest.raises(ConfigError, match="no board or part 'pynq-z3' for open synthesis"):
        build(workspace_of_digits, request(device="pynq-z3"), log)
    # A stand-in that is never run: a machine without Verilator is told of that first.
    monkeypatch.setattr(open_stage, "find_verilator", object)
    monkeypatch.setattr(open_stage, "find_yosys", lambda: None)
    with pytest.raises(ToolError, match=r"Yosys was not found\n  install it: uv sync --extra open"):
        build(workspace_of_digits, request(), log)


@pytest.mark.slow
def test_a_network_without_hardware_stops_before_keras_runs_it(workspace_of_digits, monkeypatch):
    """The softmax of digits6 as a branch: the network is changed where it is loaded."""
    from dataclasses import replace

    from hlsflow.building import pipeline

    load = pipeline.load_network_step

    def bent(*arguments):
        network = load(*arguments)
        nodes = [
            replace(node, function="hard_tanh", declared={"result": parse_type("fixed<6,1>")})
            if node.name == "relu1"
            else node
            for node in network.nodes
        ]
        return replace(network, nodes=tuple(nodes))

    monkeypatch.setattr(pipeline, "load_network_step", bent)
    log = Log(stream=io.StringIO())
    with pytest.raises(UnsupportedError, match=r"no hardware for hard_tanh \(layer 'relu1'\)"):
        build(workspace_of_digits, request(), log)
    steps = [path.name for path in (workspace_of_digits.build / "digits6").iterdir() if path.is_dir()]
    assert steps == ["network"]
    assert not workspace_of_digits.reports.exists()
