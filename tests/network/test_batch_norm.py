"""Where a batch normalization's constants are shortened, and where its own stay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from proof_networks import Chain

from hlsflow.foundation.errors import UnsupportedError
from hlsflow.network.batch_norm import SHORTENED, unlike_keras
from hlsflow.network.fixed_point import fraction_of
from hlsflow.network.graph import Network
from hlsflow.network.ranges import resolve
from hlsflow.network.steps import quantizers_behind

SCALE = np.array([0.3, -0.7], dtype=np.float32).astype(np.float64)
BIAS = np.array([0.1, 1.3], dtype=np.float32).astype(np.float64)
RELU8 = "ufixed<8,3,RND_CONV,SAT>"


def normalized(shape=(4, 4, 2)) -> Chain:
    return Chain(shape, "fixed<8,3>").scale("norm", SCALE, BIAS)


def types_of(chain: Chain, given=None):
    return {layer.node.name: layer for layer in resolve(chain.network(), given or {})}


def shortened(chain: Chain) -> bool:
    return SHORTENED in types_of(chain)["norm"].node.attributes


QUANTIZED = {
    "directly": lambda: normalized().activation("q", "relu", RELU8),
    "relu": lambda: normalized().activation("r", "relu").activation("q", "linear", "fixed<8,3,RND_CONV,SAT>"),
    "max pool": lambda: normalized().pool("pool", "Max", 2).activation("q", "relu", RELU8),
    "mean of four": lambda: normalized().pool("pool", "Average", 2).activation("q", "relu", RELU8),
    "padding": lambda: normalized().pad("zeros").activation("q", "relu", RELU8),
    "up-sampling": lambda: normalized().upsample("up").activation("q", "relu", RELU8),
}
NOT_QUANTIZED = {
    "nothing": lambda: normalized(),
    "relu": lambda: normalized().activation("r", "relu"),
    "leaky relu": lambda: normalized().leaky("l", 0.25).activation("q", "relu", RELU8),
    "mean of nine": lambda: normalized().pool("pool", "Average", 3).activation("q", "relu", RELU8),
    "mean behind a relu": lambda: (
        normalized().activation("r", "relu").pool("pool", "Average", 2).activation("q", "relu", RELU8)
    ),
    "mean of padding": lambda: normalized().pad("zeros").pool("pool", "Average", 2).activation("q", "relu", RELU8),
}


@pytest.mark.parametrize("name", QUANTIZED)
def test_constants_are_shortened_where_quantizers_alone_read_them(name):
    chain = QUANTIZED[name]()
    layers = types_of(chain)
    norm = layers["norm"]
    assert shortened(chain) and "none of the" in norm.proof and "'q'" in norm.proof
    assert fraction_of(norm.node.arrays["scale"]) < fraction_of(SCALE)
    # What Keras computes is another number, up to the quantizer.
    assert not norm.keras_exact and not layers["q"].keras_exact
    unlike = unlike_keras([layer.node for layer in layers.values()])
    assert unlike == set(layers) - {"x_in", "q"}


@pytest.mark.parametrize("name", NOT_QUANTIZED)
def test_its_own_constants_stay_where_something_else_reads_it(name):
    chain = NOT_QUANTIZED[name]()
    try:
        assert not shortened(chain)
    except UnsupportedError as refused:
        assert "bits to be exact" in str(refused)
    assert not unlike_keras(chain.network().nodes)


def test_what_float32_computes_exactly_keeps_its_constants():
    chain = Chain((2,), "fixed<8,3>").scale("norm", np.array([0.75, -1.5]), np.array([0.125, 1.0]))
    chain.activation("q", "relu", RELU8)
    assert not shortened(chain) and types_of(chain)["q"].keras_exact


def test_an_output_has_its_own_values_whoever_else_reads_it():
    network = normalized().activation("q", "relu", RELU8).network()
    assert quantizers_behind(network, "norm") is not None
    assert quantizers_behind(replace(network, outputs=("norm", "q")), "norm") is None


def test_the_file_of_the_network_keeps_keras_constants():
    chain = normalized().activation("q", "relu", RELU8)
    assert np.array_equal(chain.network()["norm"].arrays["scale"], SCALE)


def test_a_narrower_type_of_the_user_s_own_is_said_to_change_the_constants():
    chain = normalized().activation("q", "relu", RELU8)
    derived = types_of(chain)["norm"].types["scale"]
    narrow = replace(derived, width=derived.width - 1, integer=derived.integer)
    codes = [finding.code for finding in types_of(chain, {"norm": {"scale": narrow}})["norm"].findings]
    assert "weights-change" in codes
    assert not types_of(chain, {"norm": {"scale": derived}})["norm"].findings


def test_the_hint_says_what_to_put_behind_it():
    rng = np.random.default_rng(3)
    chain = Chain((2,), "fixed<31,8>").scale("norm", rng.normal(0, 1, 2) * [1, 2.0**-20], rng.normal(0, 1, 2))
    with pytest.raises(UnsupportedError) as refused:
        resolve(Network(nodes=chain.network().nodes, inputs=("x_in",), outputs=("norm",)), {})
    assert "right behind it" in str(refused.value)
