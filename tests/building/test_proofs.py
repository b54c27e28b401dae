"""What is proved of pooling, padding, scales, slopes and merges, attacked by brute force in exact arithmetic."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proof_networks import Chain, Float32, Rational, evaluate, random_images

from hlsflow.emulation.emulator import make_emulator
from hlsflow.foundation.errors import UnsupportedError
from hlsflow.frontends.calibrate import is_open, opened_by
from hlsflow.frontends.witness import witness_float
from hlsflow.hls.config import HlsConfig
from hlsflow.hls.convert import convert
from hlsflow.hls.effective import verify
from hlsflow.hls.lint import lint
from hlsflow.hls.project import read_project
from hlsflow.network.fixed_point import parse_type
from hlsflow.network.graph import ROUNDED, Network
from hlsflow.network.ranges import resolve


def emulated(network: Network, layers, folder, inputs, names, config=None) -> dict[str, np.ndarray]:
    """Real values, as Fractions, of named nodes by the emulator of the converted project."""
    config = config or HlsConfig()
    convert(network, layers, config, folder)
    project = read_project(folder)
    verify(project, layers, config)
    ports = dict(zip(network.outputs, project.outputs, strict=True))
    # hls4ml leaves out a quantizer behind one of the same type, so that an output has no call of its own.
    traced = [name for name in names if name in project.traced]
    found = make_emulator(project).run([inputs], layers=traced)
    found |= {name: found[ports[name].name] for name in names if name not in traced}
    types = {layer.node.name: layer.result for layer in layers}
    scaled = {}
    for name in names:
        lsb = Fraction(2) ** -types[name].fraction
        values = np.vectorize(lambda integer, lsb=lsb: int(integer) * lsb, otypes=[object])(found[name])
        scaled[name] = values.reshape(len(inputs), *network[name].shape)
    return scaled


# --- padded maxima ---------------------------------------------------------------------------------------------------

RELU8 = "ufixed<8,4,RND_CONV,SAT>"


def float_relu() -> Chain:
    return Chain((6, 6, 2), "fixed<8,3>").activation("act", "relu")


def zero_padding() -> Chain:
    return Chain((4, 4, 2), "fixed<8,3>").activation("act", "relu", RELU8).pad("zeros")


def up_sampling() -> Chain:
    return Chain((3, 3, 2), "fixed<8,3>").activation("act", "relu", RELU8).upsample("up")


def pooled_before() -> Chain:
    return Chain((6, 6, 2), "fixed<8,3>").activation("act", "relu", RELU8).pool("first", "Max", 2)


def concatenated() -> Chain:
    chain = Chain((4, 4, 2), "fixed<8,3>").activation("act", "relu", RELU8).activation("other", "relu")
    return chain.concatenate("both", "act")


def unsigned_input() -> Chain:
    return Chain((6, 6, 1), "ufixed<8,0>")


UNSIGNED = {
    "float_relu": (float_relu, "act", "fixed<8,3>"),
    "zero_padding": (zero_padding, "act", "fixed<9,5,RND_CONV,SAT>"),
    "up_sampling": (up_sampling, "act", "fixed<9,5,RND_CONV,SAT>"),
    "pooled_before": (pooled_before, "first", "fixed<9,5>"),
    "concatenated": (concatenated, "both", "fixed<8,4>"),
}


def padded(chain: Chain) -> Network:
    return chain.pool("pool", "Max", 3, same=True, stride=2).network()


def cutting_quantizer() -> Chain:
    """A quantizer that cuts negative values at zero: with a sign it would pass them on."""
    return Chain((6, 6, 2), "fixed<8,3>").activation("act", "linear", RELU8)


@pytest.mark.parametrize("name", UNSIGNED)
def test_values_that_a_maximum_pads_get_a_sign_and_are_exact(name, tmp_path):
    build, maker, signed = UNSIGNED[name]
    network = padded(build())
    linted = lint(network, HlsConfig())
    assert not linted.complaints
    assert {layer.node.name: str(layer.result) for layer in linted.layers}[maker] == signed
    x = random_images(network, 200, 1)
    found = emulated(network, linted.layers, tmp_path, x, ["pool"], HlsConfig())
    assert np.array_equal(found["pool"], evaluate(network, x, Rational)["pool"])


@pytest.mark.parametrize("backend", ["Vitis", "Vivado"])
@pytest.mark.parametrize(
    ("build", "way_out"),
    [
        (unsigned_input, "a signed type in the configuration: layers.x_in.precision.result: fixed<9,1>"),
        (cutting_quantizer, "a signed quantizer, or quantized_relu"),
    ],
)
def test_where_a_sign_would_change_values_or_a_port_the_maximum_is_refused(build, way_out, backend):
    with pytest.raises(UnsupportedError) as caught:
        lint(padded(build()), HlsConfig(backend=backend))
    text = str(caught.value)
    assert "layer 'pool': hls4ml pads a maximum over an unsigned type (ufixed<" in text
    assert f"with its sign bit, which is half its range; instead: padding='valid', or {way_out}" in text


def test_the_way_out_of_an_input_is_exact(tmp_path):
    network = padded(unsigned_input())
    config = HlsConfig.model_validate({"layers": {"x_in": {"precision": {"result": "fixed<9,1>"}}}})
    linted = lint(network, config)
    assert not linted.complaints
    x = random_images(network, 200, 1)
    found = emulated(network, linted.layers, tmp_path, x, ["pool"], config)
    assert np.array_equal(found["pool"], evaluate(network, x, Rational)["pool"])


def test_a_configuration_that_makes_the_input_unsigned_is_refused_too():
    network = padded(Chain((6, 6, 2), "fixed<8,3>").activation("act", "linear", "fixed<8,4,RND_CONV,SAT>"))
    assert not lint(network, HlsConfig()).complaints
    config = HlsConfig.model_validate({"layers": {"act": {"precision": {"result": "ufixed<8,4,RND_CONV,SAT>"}}}})
    with pytest.raises(UnsupportedError, match=r"pads a maximum over an unsigned type \(ufixed<8,4,RND_CONV,SAT>\)"):
        lint(network, config)


SIGNED = ["fixed<8,4,RND_CONV,SAT>", "fixed<5,3,RND_CONV,SAT>", "fixed<1,1,RND_CONV,SAT>"]


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["Vitis", "Vivado"])
@pytest.mark.parametrize("result", SIGNED)
def test_a_padded_maximum_over_signed_values_is_exact_in_c_simulation(
    backend, result, request, tmp_path, shared_run, programs
):
    from hlsflow.hls.csim import simulate

    def linted(backend, result):
        network = padded(Chain((6, 6, 2), "fixed<8,3>").activation("act", "linear", result))
        config = HlsConfig(backend=backend)
        return network, lint(network, config).layers, config

    def projects_of(case):
        name = f"padded-maximum/{case['backend']}-{SIGNED.index(case['result'])}"
        made = shared_run.once(name, lambda folder: convert(*linted(**case), folder / "hls"))
        return [read_project(made / "hls")]

    network, layers, _ = linted(backend, result)
    (project,) = projects_of({"backend": backend, "result": result})
    x = random_images(network, 200, 1)
    program = programs.of(request.node, projects_of)[project.root]
    (found,) = simulate(program, project, [x], folder=tmp_path, workers=1).values()
    expected = evaluate(network, x, Rational)["pool"].reshape(len(x), -1)
    fraction = Fraction(2) ** layers[-1].result.fraction
    assert np.array_equal(found, (expected * fraction).astype(np.int64))


# --- means -----------------------------------------------------------------------------------------------------------


def averaged(size: int, result: str, input_type: str = "ufixed<4,1>", shape=(6, 6, 2)) -> Chain:
    return Chain(shape, input_type).pool("mean", "Average", size).activation("after", "linear", result)


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
@pytest.mark.parametrize(
    ("size", "result", "input_type"),
    [
        (3, "ufixed<20,1,RND_CONV,SAT>", "ufixed<4,1>"),
        (3, "ufixed<8,1,RND_CONV,SAT>", "ufixed<4,1>"),
        (3, "fixed<24,3,RND_CONV,SAT>", "fixed<6,3>"),
        (3, "fixed<3,3,RND_CONV,SAT>", "fixed<6,3>"),
        (2, "fixed<20,3,RND_CONV,SAT>", "fixed<6,3>"),
    ],
)
def test_the_quantizer_behind_a_mean_gives_what_it_gives_for_the_true_mean(size, result, input_type, io_type, tmp_path):
    network = averaged(size, result, input_type).network()
    config = HlsConfig(io_type=io_type)
    linted = lint(network, config)
    assert not [item for item in linted.complaints if item.code != "keras-rounds"]
    x = random_images(network, 300, 2)
    found = emulated(network, linted.layers, tmp_path, x, ["after"], config)
    assert np.array_equal(found["after"], evaluate(network, x, Rational)["after"])


def test_the_guard_bits_follow_the_finest_reader_and_its_configured_type():
    network = averaged(3, "ufixed<8,1,RND_CONV,SAT>").network()
    mean = resolve(network, {})[1]
    # 3 fractional bits of the input, 4 for a ninth, 8 of guard: the quantizer's 7 are 4 finer than the input's.
    assert mean.types["accum"].fraction == 3 + 4 + 8
    assert mean.proof.endswith(
        "cut off 12 bits below the input's grid, too far down to change a rounding of its readers"
    )
    finer = resolve(network, {"after": {"result": parse_type("ufixed<20,1,RND_CONV,SAT>")}})[1]
    assert finer.types["accum"].fraction == 3 + 4 + (19 - 3 + 1)


def test_the_finest_reader_is_found_behind_moves_and_maxima():
    chain = Chain((6, 6, 2), "ufixed<4,1>").pool("mean", "Average", 3).pool("max", "Max", 2).activation("relu", "relu")
    network = chain.flatten("flat").activation("after", "linear", "ufixed<20,1,RND_CONV,SAT>").network()
    assert resolve(network, {})[1].types["accum"].fraction == 3 + 4 + 17


@pytest.mark.parametrize(
    ("readers", "who"),
    [
        (lambda chain: chain.flatten("flat").dense("fc", np.full((8, 2), 0.5)), "'fc'"),
        (lambda chain: chain.scale("norm", np.array([0.5, 0.5]), np.zeros(2)), "'norm'"),
        (lambda chain: chain, "the output"),
        (lambda chain: chain.pool("again", "Average", 2), "'again'"),
    ],
)
def test_a_mean_that_something_computes_with_unrounded_is_refused_where_the_gate_is_exact(readers, who):
    network = readers(Chain((6, 6, 2), "ufixed<4,1>").pool("mean", "Average", 3)).network()
    with pytest.raises(UnsupportedError) as caught:
        lint(network, HlsConfig())
    assert f"layer 'mean': a mean that does not end in binary is cut off 12 bits below the input's grid, and {who}" in (
        str(caught.value)
    )
    bounded = HlsConfig.model_validate({"gate": {"kind": "bounded", "max_abs_error": 0.1}})
    linted = lint(network, bounded)
    assert "mean-rounds" in [item.code for item in linted.complaints]
    assert "too far down" not in linted.layers[1].proof


def test_a_mean_of_a_power_of_two_of_values_may_be_read_by_anything():
    network = Chain((4, 4, 2), "ufixed<4,1>").pool("mean", "Average", 2).network()
    layers = lint(network, HlsConfig()).layers
    assert layers[1].proof.endswith("the division is exact") and layers[1].keras_exact


def test_what_keras_rounds_is_refused_where_the_gate_is_exact():
    network = Chain((4,), "fixed<6,3>").activation("a", "relu", attributes={ROUNDED: "a slope of 0.3"}).network()
    with pytest.raises(UnsupportedError, match=r"layer 'a': a slope of 0.3; instead: .* or `gate: bounded`"):
        lint(network, HlsConfig())
    assert lint(network, HlsConfig.model_validate({"gate": {"kind": "bounded", "max_abs_error": 0.1}})).layers
    assert is_open(network) and opened_by(network) == ["layer 'a': a slope of 0.3"]
    assert witness_float(network) == "float32"


def test_a_narrower_accumulator_of_a_mean_takes_the_proof_back():
    network = averaged(3, "ufixed<8,1,RND_CONV,SAT>").network()
    mean = resolve(network, {"mean": {"accum": parse_type("ufixed<12,1>")}})[1]
    assert "too far down" not in mean.proof and "but accum: ufixed<12,1>" in mean.proof
    assert mean.interval.bounds[1] * mean.result.lsb > 1.9


# --- what Keras computes exactly -------------------------------------------------------------------------------------


def keras_exact(chain: Chain) -> dict[str, bool]:
    return {layer.node.name: layer.keras_exact for layer in resolve(chain.network(), {})}


def test_a_sum_of_a_mean_beyond_float32_is_not_exact():
    # 256 values of 20 bits: 28 bits.
    wide = Chain((16, 16, 1), "fixed<20,4>").pool("mean", "Average", 16)
    assert not keras_exact(wide)["mean"]
    assert keras_exact(Chain((16, 16, 1), "fixed<17,4>").pool("mean", "Average", 16))["mean"]
    x = random_images(wide.network(), 300, 3)
    exact, found = (evaluate(wide.network(), x, numbers)["mean"] for numbers in (Rational, Float32))
    assert any(Fraction(float(a)) != b for a, b in zip(found.ravel(), exact.ravel(), strict=True))


def test_the_product_of_a_scale_counts_and_not_its_sum_alone():
    # The review's case: the sum is small, the product is not.
    chain = Chain((1,), "ufixed<8,8>").scale("norm", np.array([131071.0]), np.array([-16711552.0]))
    assert not keras_exact(chain)["norm"]
    small = Chain((1,), "ufixed<8,8>").scale("norm", np.array([65535.0]), np.array([-8388480.0]))
    assert keras_exact(small)["norm"]


def test_a_fused_batch_normalization_computes_in_other_steps():
    chain = Chain((1,), "ufixed<8,8>").scale("norm", np.array([2.0]), np.array([1.0]))
    assert keras_exact(chain)["norm"]
    chain.nodes[-1] = type(chain.last)(
        **{name: getattr(chain.last, name) for name in chain.last.__slots__} | {"attributes": {"fused": True}}
    )
    assert not keras_exact(chain)["norm"]


def test_a_quantizer_does_not_make_a_rounded_value_exact_again():
    chain = Chain((16, 16, 1), "fixed<20,4>").pool("mean", "Average", 16)
    chain.activation("after", "linear", "fixed<8,4,RND_CONV,SAT>")
    assert not keras_exact(chain)["after"]


def test_a_quantizer_far_outside_of_its_range_misses_by_an_ulp():
    # QKeras gives x + (q - x): 2**23 and a fraction of 2**-10 are 33 bits apart.
    far = Chain((1,), "fixed<24,24>").activation("q", "linear", "fixed<14,4,RND_CONV,SAT>")
    assert not keras_exact(far)["q"]
    near = Chain((1,), "fixed<14,14>").activation("q", "linear", "fixed<14,4,RND_CONV,SAT>")
    assert keras_exact(near)["q"]


def test_an_input_wider_than_float32_is_not_exact():
    assert not keras_exact(Chain((1,), "fixed<26,4>"))["x_in"] and keras_exact(Chain((1,), "fixed<25,4>"))["x_in"]


def test_what_keras_computes_does_not_change_with_the_hardware_s_types():
    chain = Chain((16, 16, 1), "fixed<20,4>").pool("mean", "Average", 16)
    chain.activation("after", "linear", "fixed<8,4,RND_CONV,SAT>")
    narrow = {"x_in": {"result": parse_type("fixed<8,4>")}, "mean": {"accum": parse_type("fixed<16,8>")}}
    assert [layer.keras_exact for layer in resolve(chain.network(), narrow)] == [True, False, False]


@pytest.mark.parametrize(
    ("chain", "exact"),
    [
        (Chain((1,), "fixed<16,4>").leaky("slope", 513 / 1024), False),
        (Chain((1,), "fixed<16,4>").leaky("slope", 2**-8), True),
        (Chain((1,), "ufixed<16,4>").leaky("slope", float(np.float32(0.1))), True),
        (Chain((1,), "fixed<16,4>").prelu("slope", np.array([511 / 512])), True),
        (Chain((1,), "fixed<16,4>").prelu("slope", np.array([1023 / 1024])), False),
        (Chain((1,), "fixed<12,4>").activation("a", "relu").merge("slope", "multiply", "a"), True),
        (Chain((1,), "fixed<14,4>").activation("a", "relu").merge("slope", "multiply", "a"), False),
        (Chain((1,), "fixed<25,4>").merge("slope", "add", "x_in"), False),
        (Chain((1,), "fixed<25,4>").merge("slope", "maximum", "x_in"), True),
        (Chain((1,), "fixed<20,-4>").activation("slope", "hard_sigmoid", "ufixed<8,0,RND_CONV,SAT>"), False),
        (Chain((1,), "fixed<20,4>").activation("slope", "hard_sigmoid", "ufixed<8,0,RND_CONV,SAT>"), True),
        (Chain((1,), "fixed<8,4>").activation("slope", "binary_tanh", "fixed<2,2>"), True),
        (Chain((1,), "fixed<8,4>").activation("slope", "binary_tanh", "fixed<2,2>", attributes={"soft": True}), False),
        (Chain((1,), "fixed<8,4>").activation("slope", "relu", attributes={"wide": True}), False),
    ],
    ids=lambda value: str(value) if isinstance(value, bool) else value.last.function or str(value.last.op),
)  # fmt: skip
def test_products_slopes_and_merges_beyond_float32(chain, exact):
    assert keras_exact(chain)["slope"] is exact


# --- what is said to be proved ---------------------------------------------------------------------------------------


def every_rule() -> Chain:
    chain = Chain((4, 4, 2), "fixed<8,3>").scale("norm", np.array([0.5, 0.75]), np.array([0.25, 1.0]))
    chain.prelu("slopes", np.full((4, 4, 2), 0.25)).leaky("leaky", 0.125)
    chain.activation("linear", "linear", "fixed<9,4,RND_CONV,SAT>")
    chain.activation("positive", "relu").pool("max", "Max", 2).pool("mean", "Average", 2)
    chain.activation("hard", "hard_sigmoid", "ufixed<8,0,RND_CONV,SAT>").merge("twice", "add", "hard")
    return chain.concatenate("both", "hard").flatten("flat").dense("fc", np.full((4, 3), 0.375), np.full(3, 0.25))


# Words that claim something of a type, and that a type of the user's own may take back.
CLAIMS = ("hold it", "as the quantizer does", "the division is exact", "one type holds both", "too far down")
NARROW = {
    "norm": ("result", "fixed<3,1>"), "slopes": ("result", "fixed<3,1>"), "leaky": ("result", "fixed<3,1>"),
    "linear": ("result", "fixed<3,2,TRN,SAT>"), "positive": ("result", "ufixed<2,1>"), "max": ("accum", "ufixed<2,1>"),
    "mean": ("accum", "ufixed<2,1>"), "hard": ("result", "ufixed<2,0,TRN,SAT>"), "twice": ("result", "ufixed<2,0>"),
    "both": ("result", "ufixed<2,0>"), "fc": ("accum", "ufixed<3,0>"), "x_in": ("result", "fixed<4,1>"),
}  # fmt: skip


@pytest.mark.parametrize("name", NARROW)
def test_no_proof_names_a_type_that_was_narrowed_since(name):
    network = every_rule().network()
    role, type_ = NARROW[name]
    (layer,) = [item for item in resolve(network, {name: {role: parse_type(type_)}}) if item.node.name == name]
    assert f"; but {role}: {type_} " in layer.proof
    assert not [claim for claim in CLAIMS if claim in layer.proof.partition("; but")[0]], layer.proof
    (derived,) = [item for item in resolve(network, {}) if item.node.name == name]
    assert "but" not in derived.proof


def test_the_proofs_of_derived_types_claim_what_they_always_did():
    said = " ".join(layer.proof for layer in resolve(every_rule().network(), {}))
    assert [claim for claim in CLAIMS if claim not in said] == ["too far down"]


def test_a_proof_names_the_width_that_is_there_and_not_the_derived_one():
    (layer,) = [
        item
        for item in resolve(every_rule().network(), {"fc": {"accum": parse_type("fixed<40,12>")}})
        if item.node.name == "fc"
    ]
    assert layer.proof.endswith(": 40 bits with 28 fractional ones hold it")


def test_weights_that_a_type_changes_are_said_in_the_proof():
    (layer,) = [
        item
        for item in resolve(every_rule().network(), {"fc": {"weight": parse_type("ufixed<2,0>")}})
        if item.node.name == "fc"
    ]
    assert "; but weight: ufixed<2,0> changes 12 of 12 values of the weight" in layer.proof


@pytest.mark.parametrize(
    ("type_", "codes"),
    [
        ("fixed<10,5,RND_CONV,SAT>", ["result-saturates?"]),
        ("fixed<9,4,RND_CONV,SAT_SYM>", []),
        ("fixed<9,4,RND,SAT>", ["quantizer-differs"]),
        ("fixed<9,4,RND_CONV,WRAP>", []),
    ],
)
def test_another_way_to_write_the_quantizer_is_none(type_, codes):
    # The input stays within the quantizer's range, so that only the rounding can make a difference.
    chain = Chain((1,), "fixed<10,3>").activation("q", "linear", "fixed<9,4,RND_CONV,SAT>")
    layer = resolve(chain.network(), {"q": {"result": parse_type(type_)}})[-1]
    assert [finding.code for finding in layer.findings] == [code for code in codes if not code.endswith("?")]


# --- everything, at random -------------------------------------------------------------------------------------------


@st.composite
def chains(draw) -> Chain:
    """An image of a few pixels through up to six layers."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    bits = draw(st.integers(2, 14))
    sign = draw(st.sampled_from(("", "u")))
    shape = (draw(st.integers(2, 5)), draw(st.integers(2, 5)), draw(st.integers(1, 2)))
    chain = Chain(shape, f"{sign}fixed<{bits},{draw(st.integers(-2, 4))}>")
    for index in range(draw(st.integers(1, 6))):
        _extend(chain, draw, rng, index)
    return chain


def _dyadic(rng: np.random.Generator, shape, bits: int) -> np.ndarray:
    return rng.integers(-(1 << bits), (1 << bits) + 1, shape) / 2.0 ** rng.integers(0, bits + 2)


def _extend(chain: Chain, draw, rng: np.random.Generator, index: int) -> None:
    height, width, channels = chain.last.shape
    alike = [node.name for node in chain.nodes if node.shape == chain.last.shape]
    beside = [node.name for node in chain.nodes if node.shape[:2] == (height, width)]
    name = f"n{index}"
    kind = draw(st.sampled_from(("relu", "quantizer", "pad", "scale", "leaky", "prelu", "merge", "concatenate",
                                 "hard", "max", "average", "max", "average")))  # fmt: skip
    quantizer = (
        f"{draw(st.sampled_from(('', 'u')))}fixed<{draw(st.integers(2, 12))},{draw(st.integers(-1, 6))},RND_CONV,SAT>"
    )
    size = draw(st.integers(1, 3))
    if kind in ("max", "average"):
        if size > min(height, width):
            return
        same = draw(st.booleans())
        stride = draw(st.integers(1, 3))
        chain.pool(name, "Max" if kind == "max" else "Average", size, same=same, stride=stride)
    elif kind == "relu":
        chain.activation(name, "relu", draw(st.sampled_from((None, quantizer.replace("ufixed", "fixed")))))
    elif kind == "quantizer":
        chain.activation(name, "linear", quantizer)
    elif kind == "hard":
        chain.activation(name, "hard_sigmoid", f"ufixed<{draw(st.integers(1, 8))},0,RND_CONV,SAT>")
    elif kind == "pad":
        chain.pad(name)
    elif kind == "scale":
        chain.scale(name, _dyadic(rng, channels, 4), _dyadic(rng, channels, 6))
    elif kind == "leaky":
        chain.leaky(name, float(rng.integers(0, 9)) / 8)
    elif kind == "prelu":
        chain.prelu(name, _dyadic(rng, chain.last.shape, 3))
    elif kind == "merge":
        function = draw(st.sampled_from(("add", "subtract", "average", "maximum", "minimum", "multiply")))
        chain.merge(name, function, draw(st.sampled_from(alike)))
    elif len(chain.nodes) > 1 and channels < 4:
        chain.concatenate(name, draw(st.sampled_from(beside)))


def same_values(found: np.ndarray, exact: np.ndarray) -> bool:
    return all(Fraction(float(a)) == b for a, b in zip(found.ravel(), exact.ravel(), strict=True))


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(chains(), st.integers(0, 1000))
def test_no_value_leaves_its_interval_and_what_is_called_exact_in_float32_is(chain, seed):
    network = chain.network()
    try:
        layers = resolve(network, {})
    except UnsupportedError:
        return
    x = random_images(network, 12, seed)
    exact, keras = evaluate(network, x, Rational), evaluate(network, x, Float32)
    # A scale whose constants were shortened gives other values, which its readers cannot tell from its own.
    hardware = evaluate(replace(network, nodes=tuple(layer.node for layer in layers)), x, Rational)
    for layer in layers:
        name = layer.node.name
        if layer.keras_exact:
            assert same_values(keras[name], exact[name]), name
        values = hardware[name] * Fraction(2) ** layer.interval.fraction
        assert (values >= layer.interval.low).all() and (values <= layer.interval.high).all(), name


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(chains(), st.integers(0, 1000))
def test_what_is_neither_refused_nor_complained_of_is_exact_in_hardware(tmp_path_factory, chain, seed):
    network = chain.network()
    if all(node.function == "linear" for node in network.nodes[1:]):
        # hls4ml may leave all of it out.
        return
    try:
        linted = lint(network, HlsConfig())
    except UnsupportedError:
        return
    assert not [item for item in linted.complaints if item.code != "keras-rounds"]
    x = random_images(network, 60, seed)
    try:
        found = emulated(network, linted.layers, tmp_path_factory.mktemp("hls"), x, [chain.last.name])
    except UnsupportedError as problem:
        assert "emulator" in str(problem)
        return
    assert np.array_equal(found[chain.last.name], evaluate(network, x, Rational)[chain.last.name])
