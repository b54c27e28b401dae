"""The proofs: no input leaves an interval, no derived type loses anything, and a narrower one is said to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import activation_node, dense_node, input_node, random_inputs, small_network

from hlsflow.foundation.errors import UnsupportedError
from hlsflow.network.fixed_point import parse_type, to_integers
from hlsflow.network.graph import Network, Node, Op
from hlsflow.network.ranges import resolve
from hlsflow.network.unbuildable import refusals_of_types


def exact_sums(network: Network, inputs: np.ndarray, name: str) -> np.ndarray:
    """x @ W + b of the layer behind the input, as Python computes it."""
    node = network[name]
    return inputs @ node.arrays["weight"] + node.arrays["bias"]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["ufixed<8,0>", "fixed<7,3>", "fixed<4,4>"]))
def test_no_input_leaves_the_interval_of_a_sum(seed, input_type):
    network = small_network(sizes=(9, 4), seed=seed, input_type=input_type)
    layer = resolve(network, {})[-1]
    type_ = parse_type(input_type)
    rng = np.random.default_rng(seed)
    x = rng.integers(type_.min_int, type_.max_int + 1, (200, 9)) * type_.lsb
    # The extremes of every output: each input at the end that its weight pushes up, or down.
    weight = network["fc1"].arrays["weight"]
    ends = np.where(weight.T > 0, type_.max_int, type_.min_int) * type_.lsb
    other_ends = np.where(weight.T > 0, type_.min_int, type_.max_int) * type_.lsb
    sums = exact_sums(network, np.concatenate([x, ends, other_ends]), "fc1")
    integers = to_integers(sums, layer.interval.fraction)
    assert (integers >= layer.interval.low).all() and (integers <= layer.interval.high).all()
    # The bounds are reached, so no narrower type would do.
    assert (integers.max(axis=0) == layer.interval.high).all() and (integers.min(axis=0) == layer.interval.low).all()


def test_the_derived_accumulator_is_the_narrowest_that_holds_every_partial_sum():
    weight = np.array([[1.0], [-1.0], [0.5]])
    network = Network(
        nodes=(input_node(3, "ufixed<2,2>"), dense_node("fc1", "x_in", weight, np.array([0.25]))),
        inputs=("x_in",),
        outputs=("fc1",),
    )
    layer = resolve(network, {})[-1]
    # 0..3 each: partial sums from -3 to 3 + 1.5 + 0.25 on a grid of 1/4.
    assert str(layer.types["accum"]) == "fixed<6,4>"
    assert layer.types["accum"].max_int * 0.25 >= 4.75 > parse_type("fixed<5,3>").max_int * 0.25
    assert layer.proof == (
        "the sum stays in [-2.75, 4.75] for any input, every partial sum in [-3, 4.75]: "
        "6 bits with 2 fractional ones hold it"
    )
    assert layer.keras_exact and not layer.findings


def test_where_each_type_came_from():
    layers = {
        layer.node.name: layer for layer in resolve(small_network(), {"fc1": {"accum": parse_type("fixed<20,9>")}})
    }
    assert layers["x_in"].sources == {"result": "recipe"}
    assert layers["fc1"].sources == {
        "weight": "quantizer", "bias": "quantizer", "accum": "configuration", "result": "interval"
    }  # fmt: skip
    assert layers["relu1"].sources == {"result": "quantizer"}
    derived = resolve(small_network(), {})[-1].types["accum"]
    again = resolve(small_network(), {"fc2": {"accum": derived}})[-1]
    assert again.sources["accum"] == "configuration, as the interval"


@pytest.mark.parametrize(
    ("layer", "role", "type_", "code", "words"),
    [
        ("fc1", "accum", "fixed<10,4>", "accum-overflow", "can overflow: the sum reaches ["),
        ("fc1", "accum", "fixed<20,14>", "accum-rounds", "drops bits of the sum, which is exact in"),
        ("fc1", "accum", "fixed<10,4,TRN,SAT>", "accum-saturates", "can saturate: the sum reaches ["),
        ("fc1", "weight", "fixed<4,2>", "weights-change", "values of the weight (exact: "),
        ("relu1", "result", "ufixed<6,3,RND,SAT>", "quantizer-differs", "is not what the quantizer does"),
        ("relu1", "result", "ufixed<5,3,RND_CONV,SAT>", "result-rounds", "drops bits of the activation"),
    ],
)
def test_a_type_that_loses_something_is_named_with_what_proves_it(layer, role, type_, code, words):
    layers = resolve(small_network(), {layer: {role: parse_type(type_)}})
    findings = [finding for item in layers for finding in item.findings]
    assert code in [finding.code for finding in findings]
    finding = next(item for item in findings if item.code == code)
    assert (finding.layer, finding.role) == (layer, role)
    assert words in finding.message and type_ in finding.message


def test_derived_types_never_have_findings():
    for seed in range(5):
        assert not [f for layer in resolve(small_network(seed=seed), {}) for f in layer.findings]


def test_a_value_that_no_double_carries_is_refused():
    weight = np.array([[2.0**-40 + 1.0]])
    network = Network(
        nodes=(
            input_node(1, "fixed<20,4>"),
            dense_node("fc1", "x_in", weight),
            activation_node("act", "fc1", 1, "relu", "ufixed<8,4,RND_CONV,SAT>"),
        ),
        inputs=("x_in",),
        outputs=("act",),
    )
    with pytest.raises(UnsupportedError, match=r"layer 'fc1': its accum needs 61 bits to be exact, more than 53"):
        resolve(network, {})


def test_a_saturating_quantizer_bounds_what_follows():
    layers = {layer.node.name: layer for layer in resolve(small_network(), {})}
    assert layers["relu1"].interval.bounds[1] <= parse_type("ufixed<6,3>").max_int
    assert layers["relu1"].interval.bounds[0] == 0


def behind(*, weight: float, result: str, source: str | None = None) -> Network:
    """x - dense - (quantizer) - quantizer, of one value."""
    nodes = [input_node(1, "fixed<3,-3>", "x"), dense_node("fc", "x", np.full((1, 1), weight))]
    if source is not None:
        nodes.append(activation_node("q", "fc", 1, "linear", source))
    nodes.append(activation_node("act", nodes[-1].name, 1, "relu", result))
    return Network(nodes=tuple(nodes), inputs=("x",), outputs=("act",))


def test_a_derived_type_has_the_bit_that_the_next_layer_rounds_at():
    """Else ap_fixed reads a bit that is not there, and the C simulation stops. A pruned layer has a type of one bit."""
    for weight in (0.0, 0.125):
        (_, found, _) = resolve(behind(weight=weight, result="ufixed<4,3,RND_CONV,SAT>"), {})
        assert found.result.fraction - 1 == found.result.width and found.sources["result"] == "interval"
        assert found.findings == ()
    (_, narrow, _) = resolve(behind(weight=4.0, result="ufixed<4,1,RND_CONV,SAT>"), {})
    assert narrow.result == narrow.types["accum"]


def test_what_a_quantizer_gives_is_never_widened():
    network = behind(weight=1.0, source="fixed<3,-2,RND_CONV,SAT>", result="ufixed<2,3,RND_CONV,SAT>")
    layers = {layer.node.name: layer for layer in resolve(network, {})}
    assert str(layers["q"].result) == "fixed<3,-2,RND_CONV,SAT>"
    (refused,) = refusals_of_types(list(layers.values()), exact=True)
    assert (refused.layer, refused.way_out) == ("act", "a quantizer with 2 or more fractional bits")
    assert "it rounds every value of fixed<3,-2,RND_CONV,SAT> to 0" in refused.reason


@pytest.mark.parametrize(("result", "refused"), [("fixed<4,3,RND_CONV,SAT>", True), ("fixed<6,3,RND_CONV,SAT>", False)])
def test_the_product_by_a_slope_has_the_bit_that_is_rounded_at_or_is_refused(result, refused):
    """ufixed<8,0> times ufixed<1,-3> is ufixed<9,-3>, whose first bit is two below the half of 1/2."""
    act = Node(name="act", op=Op.ACTIVATION, inputs=("x",), shape=(1,), function="leaky_relu", keras_layer="act",
               arrays={"param": np.array([0.0625])}, declared={"result": parse_type(result)})  # fmt: skip
    layers = resolve(Network(nodes=(input_node(1, "ufixed<8,0>", "x"), act), inputs=("x",), outputs=("act",)), {})
    said = [item.reason for item in refusals_of_types(layers, exact=True)]
    assert [reason.startswith("it rounds every value of ufixed<9,-3> to 0") for reason in said] == [True] * refused


@pytest.mark.parametrize("given", [{}, {"fc": {"result": parse_type("fixed<5,2,RND_CONV,SAT>")}}])
def test_an_output_is_never_of_the_very_type_that_its_values_come_in(given):
    """hls4ml would leave it out, and with it the name under which the gate looks for it."""
    kind = "fixed<5,2,RND_CONV,SAT>"
    nodes = [input_node(1, "fixed<3,1>", "x"), dense_node("fc", "x", np.full((1, 1), 0.5))]
    nodes += [activation_node("a", "fc", 1, "linear", kind), activation_node("b", "a", 1, "linear", kind)]
    for outputs in (("a", "b"), ("b",)):
        network = Network(nodes=tuple(nodes), inputs=("x",), outputs=outputs)
        layers = {layer.node.name: layer for layer in resolve(network, given)}
        for name in outputs:
            assert layers[name].result != layers[layers[name].node.inputs[0]].result
            assert layers[name].result.grid == parse_type(kind).grid and not layers[name].findings


def test_inputs_reach_their_extremes():
    x = random_inputs(small_network(), 5)[0]
    assert x.min() == 0 and x.max() == 255 / 256
