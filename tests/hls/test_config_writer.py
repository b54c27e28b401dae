"""`hlsflow config`: complete, exact, and read back as what it says."""

from __future__ import annotations

import numpy as np
from networks import dense_node, input_node, small_network

from hlsflow.frontends.calibrate import is_open, rounded_types
from hlsflow.hls.config import Gate, HlsConfig, load_hls_config
from hlsflow.hls.config_writer import multiplier_choice, write_config
from hlsflow.hls.lint import lint, parallel_multiplications
from hlsflow.network.graph import MOVES, Network, Node, Op


def written(network, config, tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text(write_config("m", config, lint(network, config).layers))
    return path


def test_the_file_holds_every_type_and_changes_none(tmp_path):
    network = small_network()
    before = lint(network, HlsConfig()).layers
    config = load_hls_config(written(network, HlsConfig(), tmp_path))
    linted = lint(network, config)
    assert linted.complaints == ()
    for layer, other in zip(before, linted.layers, strict=True):
        assert dict(layer.types) == dict(other.types)
        if layer.node.op not in MOVES:
            assert set(config.layer(layer.node.name).precision) == set(layer.types)


def test_each_line_says_where_its_type_came_from(tmp_path):
    text = written(small_network(), HlsConfig(), tmp_path).read_text()
    assert "      result: ufixed<6,3,RND_CONV,SAT>  # quantizer\n" in text
    assert "# interval\n" in text and "# recipe\n" in text
    assert "the sum stays in [" in text
    assert max(map(len, text.splitlines())) <= 120


def test_a_large_network_shares_multipliers_and_a_small_one_does_not():
    assert multiplier_choice(small_network()) == {}
    chosen = multiplier_choice(small_network(sizes=(784, 100, 10)))
    assert {name: (said.strategy, said.reuse_factor) for name, said in chosen.items()} == {
        "fc1": ("resource", 784),
        "fc2": ("resource", 100),
    }
    assert parallel_multiplications(784, 100, 784) == 100


def test_a_depthwise_convolution_is_never_told_to_share_multipliers():
    """In io_parallel hls4ml cannot, and the strategy of a network that is shared is the resource strategy."""
    network = small_network(sizes=(784, 100))
    depthwise = Node(name="dw", op=Op.DEPTHWISE, inputs=("fc1",), shape=(4, 4, 2))
    both = Network(nodes=(*network.nodes, depthwise), inputs=network.inputs, outputs=("dw",))
    assert (multiplier_choice(both)["dw"].strategy, multiplier_choice(both)["dw"].reuse_factor) == ("latency", 1)


def test_a_bounded_gate_is_written_and_read(tmp_path):
    config = HlsConfig(gate=Gate(kind="bounded", max_abs_error=0.25))
    assert load_hls_config(written(small_network(), config, tmp_path)).gate == config.gate


def test_rounded_types_hold_what_was_measured():
    network = small_network()
    assert not is_open(network)
    outputs = {"fc2": np.array([[-3.2, 0.1, 5.9]])}
    types = rounded_types(network, outputs, weights=12, values=12)
    assert str(types["fc2"]["result"]) == "fixed<12,5,RND_CONV,SAT>"


def test_a_product_of_a_product_is_rounded_in_between():
    # Else each factor of a factorized layer would add its own bits to the sum.
    left, right = dense_node("fc1_left", "x_in", np.ones((4, 2))), dense_node("fc1", "fc1_left", np.ones((2, 3)))
    network = Network(nodes=(input_node(4), left, right), inputs=("x_in",), outputs=("fc1",))
    outputs = {name: np.array([[1.5, -0.25]]) for name in ("fc1_left", "fc1")}
    types = rounded_types(network, outputs, weights=12, values=12)
    assert (types["fc1_left"]["result"].width, types["fc1"]["result"].width) == (12, 12)
