"""The bound on the softmax holds, and is not far from what happens."""

from __future__ import annotations

import numpy as np
import pytest
from networks import small_network

from hlsflow.conversion.convert import convert
from hlsflow.conversion.csim import simulate
from hlsflow.conversion.emulator import make_emulator
from hlsflow.conversion.emulator_softmax import address_bits, error_bound
from hlsflow.conversion.fixed_point import parse_type
from hlsflow.conversion.hls_config import HlsConfig, LayerConfig
from hlsflow.conversion.network import Network, Node, Op
from hlsflow.conversion.project import read_project
from hlsflow.conversion.ranges import resolve, softmax_table_sizes


def network_with_softmax(classes: int) -> Network:
    network = small_network(sizes=(classes, classes), weight_type="fixed<6,3>")
    entry = {
        "name": "probabilities", "class_name": "Softmax", "activation": "softmax", "inputs": ["fc1"], "axis": -1,
        "data_format": "channels_last",
    }  # fmt: skip
    softmax = Node(name="probabilities", op=Op.SOFTMAX, inputs=("fc1",), shape=(classes,), entry=entry, keras_layer="p")
    return Network(nodes=(*network.nodes, softmax), inputs=network.inputs, outputs=("probabilities",))


def true_softmax(logits: np.ndarray) -> np.ndarray:
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("classes", [2, 5, 10, 40])
def test_the_error_stays_below_the_bound(classes, tmp_path):
    network = network_with_softmax(classes)
    layers = resolve(network, {})
    convert(network, layers, HlsConfig(), tmp_path)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (4000, classes)) / 256
    # Near ties, where the sum of exponentials is largest.
    x[:1000] = x[:1000, :1]
    found = make_emulator(read_project(tmp_path)).run([x], layers=["fc1", "probabilities"])
    logits = found["fc1"] * layers[-2].result.lsb
    error = np.abs(found["probabilities"] * layers[-1].result.lsb - true_softmax(logits)).max()
    bound = error_bound(classes, layers[-2].result, layers[-1].types, softmax_table_sizes(layers[-1]))
    assert error <= bound
    assert bound < 12 * max(error, 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("implementation", ["stable", "argmax"])
def test_equal_to_the_c_simulation(implementation, tmp_path, quick_compile):
    network = network_with_softmax(10)
    layers = resolve(network, {})
    config = HlsConfig(layers={"probabilities": LayerConfig(implementation=implementation)})
    convert(network, layers, config, tmp_path / "hls")
    project = read_project(tmp_path / "hls")
    x = np.random.default_rng(0).integers(0, 256, (1500, 10)) / 256
    hardware = simulate(quick_compile(project, tmp_path / "c", "Vitis"), project, [x], folder=tmp_path / "c")
    emulated = make_emulator(project).run([x])
    assert all(np.array_equal(hardware[name], emulated[name]) for name in hardware)


def test_address_bits_as_the_header_counts_them():
    assert [address_bits(size) for size in (2, 3, 4, 5, 1024, 4096, 4097)] == [1, 2, 2, 3, 10, 12, 13]


def test_a_skipped_softmax_leaves_the_logits(tmp_path):
    network = network_with_softmax(5)
    layers = resolve(network, {})
    convert(network, layers, HlsConfig(layers={"probabilities": LayerConfig(skip=True)}), tmp_path)
    project = read_project(tmp_path)
    assert [call.layer for call in project.calls] == ["fc1"]
    assert project.type_of(project.outputs[0].type_name) == layers[-2].result


def test_the_bound_grows_with_what_is_cut_off():
    network = network_with_softmax(10)
    layers = resolve(network, {"probabilities": {"inv_inp": parse_type("ufixed<8,4,RND,SAT>")}})
    sizes = softmax_table_sizes(layers[-1])
    coarse = error_bound(10, layers[-2].result, layers[-1].types, sizes)
    fine_layers = resolve(network, {})
    fine = error_bound(10, fine_layers[-2].result, fine_layers[-1].types, softmax_table_sizes(fine_layers[-1]))
    assert coarse > 4 * fine
