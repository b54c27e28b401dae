"""Bits on the way to a layer's values: by hand, no less than the emulator counts, and refused where no double has them.

"No less" is asked of a project, since the emulator knows nothing of the network.
"""

from __future__ import annotations

import numpy as np
import pytest
from proof_networks import Chain

from hlsflow.emulation.emulator import make_emulator
from hlsflow.foundation.errors import UnsupportedError
from hlsflow.hls.config import HlsConfig
from hlsflow.hls.convert import convert
from hlsflow.hls.lint import lint
from hlsflow.hls.project import read_project
from hlsflow.network.fixed_point import parse_type
from hlsflow.network.ranges import resolve
from hlsflow.network.room import bits_on_the_way


def bits(chain: Chain, given=None) -> list[int]:
    """Of every layer of a chain, the input left out."""
    types = {name: {role: parse_type(text) for role, text in roles.items()} for name, roles in (given or {}).items()}
    layers = resolve(chain.network(), types)
    done = {layer.node.name: layer for layer in layers}
    return [bits_on_the_way(layer, [done[name] for name in layer.node.inputs]) for layer in layers[1:]]


WEIGHT = np.array([[3.0], [-5.0]])


@pytest.mark.parametrize(
    ("chain", "expected"),
    [
        # 3 * -128 - 5 * 127 = -1019, and 10 bits with a sign more.
        (Chain((2,), "fixed<8,8>").dense("fc", WEIGHT), [11]),
        # The same 1021 * 2**2 for a bias of 1/4.
        (Chain((2,), "fixed<8,8>").dense("fc", WEIGHT, np.array([0.25])), [13]),
        # A relu of 12 bits onto a grid of 6 fractional ones more.
        (Chain((2,), "fixed<12,12>").activation("r", "relu", "ufixed<8,2>"), [18]),
        (Chain((2,), "ufixed<12,12>").activation("s", "binary_tanh", "fixed<2,2>"), [13]),
        # (1 + x) / 2 on a grid of one bit more, and two to spare.
        (Chain((2,), "fixed<4,0>").activation("h", "hard_tanh", "fixed<4,1>"), [7]),
        (Chain((2,), "fixed<8,8>").leaky("l", 0.25), [8 + 2]),
        # 255 * 255 is below 2**16, and a sign.
        (Chain((2,), "ufixed<8,8>").activation("r", "relu").merge("m", "multiply", "r"), [9, 17]),
        (Chain((2,), "ufixed<8,8>").activation("r", "relu").merge("m", "add", "r"), [9, 10]),
        # The mean of four values of 8 bits, which are kept with two bits more.
        (Chain((2, 2, 1), "fixed<8,8>").pool("p", "Average", 2), [8 + 2 + 2]),
        (Chain((2,), "fixed<8,8>").scale("bn", np.array([3.0, 0.5]), np.array([0.0, 1.0])), [11]),
    ],
)
def test_bits_by_hand(chain, expected):
    assert bits(chain) == expected


def test_an_accumulator_that_rounds_takes_the_products_one_by_one():
    given = {"fc": {"accum": "fixed<20,18>"}}
    # 20 bits on the products' grid of 8 + 0 fractional bits, 6 more than the accumulator's two.
    assert bits(Chain((2,), "fixed<16,8>").dense("fc", WEIGHT), given) == [26]


def many() -> Chain:
    """One of each kind of layer."""
    rng = np.random.default_rng(4)
    chain = Chain((4, 4, 2), "fixed<8,3>").scale("bn", np.array([0.5, 0.75]), np.array([0.25, 1.0]))
    chain.prelu("slopes", rng.integers(1, 8, (4, 4, 2)) / 8).leaky("leaky", 0.125).pad("zeros").upsample("up")
    chain.pool("mean", "Average", 2).pool("most", "Max", 2).merge("twice", "add", "most")
    chain.merge("square", "multiply", "most").merge("half", "average", "square").concatenate("both", "half")
    chain.activation("hard", "hard_sigmoid", "ufixed<8,0,RND_CONV,SAT>").activation("r", "relu", "ufixed<9,1>")
    chain.flatten("flat").dense("fc", rng.integers(-16, 16, (36, 3)) / 8, rng.integers(1, 8, 3) / 4)
    return chain.activation("last", "binary_tanh", "fixed<2,2>")


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
def test_the_emulator_counts_no_more(io_type, tmp_path):
    network, config = many().network(), HlsConfig(io_type=io_type)
    layers = lint(network, config).layers
    done = {layer.node.name: layer for layer in layers}
    convert(network, layers, config, tmp_path)
    counted = {node.name: step.bits for step, node in make_emulator(read_project(tmp_path)).steps}
    compared = set(counted) & set(done)
    assert len(compared) >= 12
    for name in compared:
        layer = done[name]
        assert counted[name] <= bits_on_the_way(layer, [done[read] for read in layer.node.inputs]), name


def test_what_no_double_holds_is_refused_with_its_layer():
    def refused(fraction: int) -> None:
        result = parse_type(f"ufixed<{fraction},0,RND_CONV,SAT>")
        lint(Chain((2,), "fixed<40,40>").activation("fine", "relu", str(result)).network(), HlsConfig())

    refused(13)
    with pytest.raises(
        UnsupportedError, match="layer 'fine': its values take 54 bits on the way, more than 53 are not"
    ):
        refused(14)
