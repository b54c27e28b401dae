"""The digest that a project's top function carries: the same everywhere, and another one for every other design."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from networks import small_network

from hlsflow.hls.config import Gate, HlsConfig, LayerConfig
from hlsflow.hls.convert import convert, hls4ml_config, identity_of
from hlsflow.hls.project import read_project
from hlsflow.network import identity
from hlsflow.network.file import load_network, save_network
from hlsflow.network.fixed_point import parse_type
from hlsflow.network.identity import design_identity, project_name
from hlsflow.network.ranges import resolve

# Of the design in the test below: wherever it is computed, whenever.
GOLDEN = "hlsflow_9ca0c0190a8c"


def name_of(network=None, config=None, given=None) -> str:
    network = network or small_network()
    return project_name(identity_of(network, resolve(network, given or {}), config or HlsConfig()))


def with_arrays(network, layer: str, **changes):
    nodes = tuple(
        replace(node, arrays={**node.arrays, **{role: change(node.arrays[role]) for role, change in changes.items()}})
        if node.name == layer
        else node
        for node in network.nodes
    )
    return replace(network, nodes=nodes)


def test_the_name_is_the_same_on_every_machine(monkeypatch):
    monkeypatch.setattr(identity, "version", lambda package: "1.3.0")
    network = small_network(sizes=(3, 2))
    layers = [
        replace(layer, types={"result": parse_type("fixed<8,4>")}, arrays={"weight": np.arange(6).reshape(3, 2)})
        for layer in resolve(network, {})
    ]
    assert project_name(design_identity(network, layers, {"Part": "xc7z020clg400-1", "ClockPeriod": 10.0})) == GOLDEN


def test_another_process_folder_and_hash_seed_give_the_same_name(tmp_path):
    code = "from test_identity import name_of; print(name_of())"
    found = set()
    for seed, folder in (("1", tmp_path), ("2", Path("/"))):
        environ = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path), "TZ": f"UTC{seed}"}
        done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=environ, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        found.add(done.stdout.strip())
    assert found == {name_of()}


def test_a_network_that_was_kept_in_a_file_has_the_same_name(tmp_path):
    save_network(small_network(), tmp_path)
    assert name_of(load_network(tmp_path)) == name_of()


def test_the_order_in_which_things_are_said_is_no_part_of_it():
    layers = {"fc1": LayerConfig(reuse_factor=4), "fc2": LayerConfig(reuse_factor=8)}
    turned = dict(reversed(layers.items()))
    assert name_of(config=HlsConfig(layers=layers)) == name_of(config=HlsConfig(layers=turned))
    # what the gate accepts changes no hardware
    assert name_of(config=HlsConfig(gate=Gate(kind="bounded", max_abs_error=0.5))) == name_of()


OTHERS = {
    "backend": lambda: name_of(config=HlsConfig(backend="Vivado")),
    "part": lambda: name_of(config=HlsConfig(part="xc7z010clg400-1")),
    "clock": lambda: name_of(config=HlsConfig(clock_period_ns=5.0)),
    "uncertainty": lambda: name_of(config=HlsConfig(clock_uncertainty_percent=13.0)),
    "io type": lambda: name_of(config=HlsConfig(io_type="io_stream")),
    "strategy": lambda: name_of(config=HlsConfig(strategy="resource")),
    "strategy of a layer": lambda: name_of(config=HlsConfig(layers={"fc1": LayerConfig(strategy="resource")})),
    "reuse factor": lambda: name_of(config=HlsConfig(reuse_factor=2)),
    "reuse factor of a layer": lambda: name_of(config=HlsConfig(layers={"fc2": LayerConfig(reuse_factor=4)})),
    "a type": lambda: name_of(given={"fc1": {"result": parse_type("fixed<24,12>")}}),
    "a rounding": lambda: name_of(given={"fc1": {"result": parse_type("fixed<24,12,RND>")}}),
    "one weight by one step": lambda: name_of(with_arrays(small_network(), "fc1", weight=_one_step)),
    "one bias by one step": lambda: name_of(with_arrays(small_network(), "fc2", bias=_one_step)),
    "weights in another order": lambda: name_of(with_arrays(small_network(), "fc1", weight=lambda a: a[::-1].copy())),
    "an attribute that hls4ml reads": lambda: name_of(
        _with_entry(small_network(), "fc1", data_format="channels_first")
    ),
    "a shape": lambda: name_of(small_network(sizes=(12, 8, 6))),
}


def _one_step(array: np.ndarray) -> np.ndarray:
    found = array.copy()
    lsb = parse_type("fixed<6,2>").lsb
    found.flat[0] += lsb if found.flat[0] < 1 else -lsb
    return found


def _with_entry(network, layer: str, **more):
    nodes = tuple(replace(node, entry={**node.entry, **more}) if node.name == layer else node for node in network.nodes)
    return replace(network, nodes=nodes)


@pytest.mark.parametrize("what", OTHERS)
def test_whatever_changes_the_hardware_changes_the_name(what):
    assert OTHERS[what]() != name_of()


def test_all_those_names_differ_from_each_other():
    names = [make() for make in OTHERS.values()]
    assert len(set(names)) == len(names)


def test_another_version_of_hls4ml_gives_another_name(monkeypatch):
    before = name_of()
    monkeypatch.setattr(identity, "version", lambda package: "0.0.1")
    assert name_of() != before


def test_the_folder_is_no_part_of_the_name():
    network = small_network()
    layers = resolve(network, {})
    here, there = (hls4ml_config(network, layers, HlsConfig(), Path(path)) for path in ("/a", "/b/c"))
    assert here["ProjectName"] == there["ProjectName"] == name_of()
    assert (here["OutputDir"], there["OutputDir"]) == ("/a", "/b/c")


@pytest.mark.slow
def test_the_project_that_hls4ml_writes_carries_it(tmp_path):
    network = small_network()
    layers = resolve(network, {})
    convert(network, layers, HlsConfig(), tmp_path / "hls")
    assert read_project(tmp_path / "hls").top == name_of()
    assert "myproject" not in "".join(path.name for path in (tmp_path / "hls").rglob("*"))
    for name in ("project.tcl", "build_lib.sh", "hls4ml_config.yml"):
        assert "myproject" not in (tmp_path / "hls" / name).read_text(), name
