"""Sums of products in the emulator against the C++ written out: each product cast to the accumulator, then added."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hls_projects import assign, bits, codes, project, real, run
from hypothesis import given, settings
from hypothesis import strategies as st

from hlsflow.emulation.emulator import make_emulator
from hlsflow.foundation.errors import UnsupportedError
from hlsflow.network.fixed_point import FixedType, Overflow, Rounding, parse_type

DATA, WEIGHT, BIAS = parse_type("fixed<4,2>"), parse_type("fixed<4,3>"), parse_type("fixed<6,3>")
# Per accumulator what it does to these sums, which reach +-2 * 4 * 3 with 3 fractional bits.
ACCUMS = (
    "fixed<12,8> fixed<9,6> fixed<6,3> fixed<6,3,TRN,SAT> fixed<6,3,RND,SAT_SYM> fixed<6,3,TRN,SAT_ZERO> fixed<7,6> "
    "fixed<8,6,RND_CONV,SAT> fixed<7,6,TRN_ZERO> fixed<5,4,RND,SAT> ufixed<7,4> fixed<14,8>"
).split()
RESULTS = ["fixed<12,8>", "fixed<5,3,RND_CONV,SAT>", "ufixed<6,3,TRN,SAT>"]


def accumulated(xs, weights, bias, accum: FixedType, result: FixedType, order) -> int:
    """The result of one output: `acc = bias; for i in order: acc += (accum_t)(x[i] * w[i]); res = acc`."""
    total = real(assign(Fraction(bias), accum), accum)
    for index in order:
        term = real(assign(xs[index] * Fraction(weights[index]), accum), accum)
        total = real(assign(total + term, accum), accum)
    return assign(total, result)


def numbers(seed: int, type_: FixedType, shape: tuple[int, ...]) -> np.ndarray:
    """Random values of a type, its ends among them."""
    found = np.random.default_rng(seed).integers(type_.min_int, type_.max_int + 1, shape)
    found.flat[0], found.flat[-1] = type_.min_int, type_.max_int
    return found * type_.lsb


def config_of(accum: str, strategy: str = "latency", reuse: int = 1, **more) -> dict:
    return {
        "weight_t": str(WEIGHT), "bias_t": str(BIAS), "accum_t": accum, "product": "nnet::product::mult",
        "strategy": f"nnet::{strategy}", "reuse_factor": reuse,
    } | more  # fmt: skip


def dense(folder, data, weights, bias, accum, result, strategy="latency", reuse=1):
    n_in, n_out = weights.shape
    stored = weights.T if strategy == "resource" else weights
    return project(
        "dense", [data, result], config=config_of(accum, strategy, reuse, n_in=n_in, n_out=n_out),
        arguments=("x", "y", "w2", "b2"), folder=folder, weights={"w2": stored, "b2": bias},
    )  # fmt: skip


@pytest.mark.parametrize("accum", ACCUMS)
@pytest.mark.parametrize(("strategy", "reuse"), [("latency", 1), ("latency", 3), ("resource", 1), ("resource", 2),
                                                 ("resource", 3), ("resource", 6), ("resource", 12)])  # fmt: skip
def test_a_dense_layer_adds_as_the_hardware_does(strategy, reuse, accum, tmp_path):
    weights, bias = numbers(1, WEIGHT, (6, 3)), numbers(2, BIAS, (3,))
    x = (numbers(3, DATA, (20, 6)) / DATA.lsb).astype(int)
    x[0], x[1] = DATA.min_int, DATA.max_int
    # dense_resource_rf_leq_nin: every reuse_factor-th input in a cycle; else and in the latency strategy one by one.
    order = list(range(6))
    if strategy == "resource" and reuse < 6:
        order = [index for first in range(reuse) for index in range(first, 6, reuse)]
    for result in RESULTS:
        to = parse_type(result)
        expected = [
            [
                accumulated([real(c, DATA) for c in row], weights[:, out], bias[out], parse_type(accum), to, order)
                for out in range(3)
            ]
            for row in x
        ]
        assert run(dense(tmp_path, str(DATA), weights, bias, accum, result, strategy, reuse), x) == expected, result


ANY = st.builds(
    FixedType,
    width=st.integers(3, 9),
    integer=st.integers(1, 8),
    signed=st.booleans(),
    rounding=st.sampled_from(Rounding),
    overflow=st.sampled_from(Overflow),
)


@settings(max_examples=60)
@given(ANY, ANY, ANY, st.integers(0, 1000))
def test_a_dense_layer_with_types_of_any_kind(data, accum, result, seed):
    data = data.grid
    rng = np.random.default_rng(seed)
    weights, bias = numbers(seed, WEIGHT, (3, 2)), numbers(seed + 1, BIAS, (2,))
    x = rng.integers(data.min_int, data.max_int + 1, (12, 3))
    x[0], x[1] = data.min_int, data.max_int
    expected = [
        [
            accumulated([real(c, data) for c in row], weights[:, out], bias[out], accum, result, range(3))
            for out in (0, 1)
        ]
        for row in x
    ]
    with TemporaryDirectory() as folder:
        assert run(dense(Path(folder), str(data), weights, bias, str(accum), str(result)), x) == expected


@pytest.mark.parametrize(
    ("weights", "bias", "accum", "result"),
    [
        # The sum reaches the accumulator's end exactly, and one more: 3 * 2 + 1 = 7 of fixed<4,4>, 3 * 2 + 2 = 8.
        ([[2.0]], 1.0, "fixed<4,4>", "fixed<4,4>"),
        ([[2.0]], 2.0, "fixed<4,4>", "fixed<4,4>"),
        ([[2.0]], 2.0, "fixed<4,4,TRN,SAT>", "fixed<4,4>"),
        # below: -4 * 2 = -8, and -8 - 1
        ([[2.0]], 0.0, "fixed<4,4>", "fixed<4,4>"),
        ([[2.0]], -1.0, "fixed<4,4>", "fixed<4,4>"),
        ([[2.0]], -1.0, "fixed<4,4,TRN,SAT>", "fixed<4,4>"),
        # a total that fits after a partial sum that does not
        ([[2.0], [-2.0]], 2.0, "fixed<4,4,TRN,SAT>", "fixed<6,6>"),
        ([[2.0], [-2.0]], 2.0, "fixed<4,4>", "fixed<6,6>"),
        # a result that is narrower at one end alone
        ([[1.0]], 1.0, "fixed<6,6>", "fixed<3,3>"),
        ([[1.0]], 0.0, "fixed<6,6>", "fixed<3,3>"),
        ([[1.0]], -1.0, "fixed<6,6>", "fixed<3,3,TRN,SAT>"),
        ([[1.0]], 0.0, "fixed<6,6>", "ufixed<3,3,TRN,SAT>"),
        # the least sum comes from a negative weight and the greatest input: 3 * -2 - 3 = -9, while 8 - 3 = 5 fits
        ([[-2.0]], -3.0, "fixed<4,4>", "fixed<4,4>"),
        ([[-2.0]], -3.0, "fixed<4,4,TRN,SAT>", "fixed<4,4>"),
        ([[-2.0]], -3.0, "fixed<6,6>", "fixed<4,4>"),
        ([[-2.0]], 0.0, "fixed<4,4>", "fixed<4,4>"),
        ([[2.0], [-2.0]], -4.0, "fixed<5,5>", "fixed<5,5>"),
        # a finer accumulator and a finer result
        ([[1.0]], 0.5, "fixed<9,6>", "fixed<9,5>"),
        ([[1.0]], 0.5, "fixed<9,6>", "fixed<9,6>"),
    ],
)
def test_sums_at_the_very_ends_of_their_types(weights, bias, accum, result, tmp_path):
    data = parse_type("fixed<3,3>")
    weights = np.array(weights)
    made = project(
        "dense", [str(data), result],
        config=config_of(accum, n_in=len(weights), n_out=1) | {"weight_t": "fixed<4,4>", "bias_t": "fixed<6,4>"},
        arguments=("x", "y", "w2", "b2"), folder=tmp_path, weights={"w2": weights, "b2": [bias]},
    )  # fmt: skip
    x = list(product(codes(data), repeat=len(weights)))
    expected = [
        [accumulated(row, weights[:, 0], bias, parse_type(accum), parse_type(result), range(len(weights)))] for row in x
    ]
    assert run(made, np.array(x)) == expected


@pytest.mark.parametrize("bias", [0.0, 1.0, -1.0])
@pytest.mark.parametrize("accum", ["fixed<25,25>", "fixed<26,26>", "fixed<28,28>", "fixed<30,28,TRN,SAT>"])
def test_sums_beyond_float32_keep_their_last_bit(accum, bias, tmp_path):
    """4096 * 2048 * 2 = 2^24: with a bias of one the sum is odd, and float32 has even numbers alone up there."""
    data = "ufixed<13,13>"
    made = project(
        "dense", [data, accum],
        config=config_of(accum, n_in=2, n_out=1) | {"weight_t": "ufixed<12,12>", "bias_t": "fixed<4,4>"},
        arguments=("x", "y", "w2", "b2"), folder=tmp_path, weights={"w2": [[2048], [2048]], "b2": [bias]},
    )  # fmt: skip
    rows = [[4096, 4096], [4096, 4095], [8191, 8191]]
    expected = [[accumulated(row, [2048, 2048], bias, parse_type(accum), parse_type(accum), range(2))] for row in rows]
    assert run(made, rows) == expected


@pytest.mark.parametrize(
    ("accum", "result", "needed"),
    [
        # sums of 3 * (8 * 8) = 192 with the bias of 32 on the same grid: 9 bits, but the accumulator has 12
        ("fixed<12,8>", "fixed<12,8>", 12),
        ("fixed<9,6>", "fixed<9,6>", 9),
        # a result four bits finer
        ("fixed<12,8>", "fixed<20,12>", 16),
        # an accumulator two bits coarser than the products, which are computed first
        ("fixed<12,10>", "fixed<12,10>", 13),
    ],
)
def test_the_bits_that_a_sum_asks_for(accum, result, needed, tmp_path):
    weights = np.full((3, 1), -4.0)
    made = dense(tmp_path, str(DATA), weights, np.array([0.0]), accum, result)
    assert needed <= bits(made) <= needed + 1


# --- convolutions


def geometry(kind: str, size, channels, kernel, stride, out, pads, filters) -> dict:
    found = {
        "in_height": size[0], "in_width": size[1], "n_chan": channels, f"{kind}_height": kernel[0],
        f"{kind}_width": kernel[1], "stride_height": stride[0], "stride_width": stride[1], "out_height": out[0],
        "out_width": out[1], "pad_top": pads[0], "pad_left": pads[1], "n_filt": filters,
    }  # fmt: skip
    return found


def at(image, row: int, column: int, channel: int):
    """A value of an image (height, width, channels), zero outside."""
    height, width, _ = image.shape
    return image[row, column, channel] if 0 <= row < height and 0 <= column < width else 0


GEOMETRIES = [
    # (height, width), channels, kernel, stride, out, (top, left)
    ((4, 5), 2, (3, 2), (1, 1), (2, 4), (0, 0)),
    ((4, 4), 1, (3, 3), (1, 1), (4, 4), (1, 1)),
    ((5, 4), 2, (2, 3), (2, 2), (3, 2), (0, 0)),
    ((3, 5), 1, (2, 2), (2, 3), (2, 2), (0, 1)),
    ((1, 6), 3, (1, 3), (1, 2), (1, 3), (0, 1)),
]


@pytest.mark.parametrize("accum", ["fixed<14,10>", "fixed<6,3,TRN,SAT>"])
@pytest.mark.parametrize("strategy", ["latency", "resource"])
@pytest.mark.parametrize("case", GEOMETRIES, ids=str)
def test_a_convolution_is_the_sum_over_its_window(case, strategy, accum, tmp_path):
    size, channels, kernel, stride, out, pads = case
    filters, n_in = 3, kernel[0] * kernel[1] * channels
    reuse = 2
    weights, bias = numbers(4, WEIGHT, (*kernel, channels, filters)), numbers(5, BIAS, (filters,))
    flat = weights.reshape(n_in, filters)
    config = geometry("filt", size, channels, kernel, stride, out, pads, filters)
    made = project(
        "conv_2d_cl", [str(DATA), "fixed<12,8>"],
        config={"strategy": f"nnet::{strategy}", "mult_config": "config1_mult"} | config,
        mult={key: value for key, value in config_of(accum, strategy, reuse).items() if key != "strategy"},
        arguments=("x", "y", "w2", "b2"), folder=tmp_path,
        weights={"w2": flat.T if strategy == "resource" else flat, "b2": bias},
    )  # fmt: skip
    images = (numbers(6, DATA, (3, *size, channels)) / DATA.lsb).astype(int)
    order = list(range(n_in))
    if strategy == "resource" and reuse < n_in:
        order = [index for first in range(reuse) for index in range(first, n_in, reuse)]
    expected = []
    for image in images:
        values = []
        for row, column in product(range(out[0]), range(out[1])):
            window = [
                real(at(image, row * stride[0] + i - pads[0], column * stride[1] + j - pads[1], channel), DATA)
                for i, j, channel in product(range(kernel[0]), range(kernel[1]), range(channels))
            ]
            values += [
                accumulated(window, flat[:, f], bias[f], parse_type(accum), parse_type("fixed<12,8>"), order)
                for f in range(filters)
            ]
        expected.append(values)
    assert run(made, images.reshape(3, -1)) == expected


def test_a_one_dimensional_convolution_has_height_one(tmp_path):
    weights = np.array([[1.0, -2.0], [0.5, 3.0], [-1.0, 1.0]])
    made = project(
        "conv_1d_cl", [str(DATA), "fixed<14,9>"],
        config={"in_width": 5, "n_chan": 1, "filt_width": 3, "stride_width": 2, "out_width": 3, "pad_left": 1,
                "n_filt": 2, "strategy": "nnet::latency", "mult_config": "config1_mult"},
        mult=config_of("fixed<14,9>"), arguments=("x", "y", "w2", "b2"), folder=tmp_path,
        weights={"w2": weights, "b2": [0.5, -1.0]},
    )  # fmt: skip
    row = [-8, 7, 3, -5, 1]
    padded = [0, *row, 0]
    expected = []
    for start in (0, 2, 4):
        for out in (0, 1):
            total = sum(Fraction(padded[start + i], 4) * Fraction(weights[i, out]) for i in range(3))
            expected.append(assign(total + Fraction([0.5, -1.0][out]), parse_type("fixed<14,9>")))
    assert run(made, [row]) == [expected]


@pytest.mark.parametrize("accum", ["fixed<14,10>", "fixed<16,10>"])
@pytest.mark.parametrize("case", GEOMETRIES, ids=str)
def test_a_depthwise_convolution_keeps_its_channels_apart(case, accum, tmp_path):
    size, channels, kernel, stride, out, pads = case
    weights, bias = numbers(7, WEIGHT, (kernel[0] * kernel[1], channels)), numbers(8, BIAS, (channels,))
    config = geometry("filt", size, channels, kernel, stride, out, pads, channels)
    made = project(
        "depthwise_conv_2d_cl", [str(DATA), "fixed<9,6,RND_CONV,SAT>"], config={"mult_config": "config1_mult"} | config,
        mult=config_of(accum), arguments=("x", "y", "w2", "b2"), folder=tmp_path,
        weights={"w2": weights, "b2": bias},
    )  # fmt: skip
    images = (numbers(9, DATA, (3, *size, channels)) / DATA.lsb).astype(int)
    expected = []
    for image in images:
        values = []
        for row, column, channel in product(range(out[0]), range(out[1]), range(channels)):
            total = Fraction(bias[channel])
            for position, (i, j) in enumerate(product(range(kernel[0]), range(kernel[1]))):
                code = at(image, row * stride[0] + i - pads[0], column * stride[1] + j - pads[1], channel)
                total += real(code, DATA) * Fraction(weights[position, channel])
            values.append(assign(total, parse_type("fixed<9,6,RND_CONV,SAT>")))
        expected.append(values)
    assert run(made, images.reshape(3, -1)) == expected


@pytest.mark.parametrize("bias", [0, -1, 2])
@pytest.mark.parametrize(
    "accum",
    # 4 * 2 * 3 = 24 at most: one that holds it, some that wrap, some that round, and what saturates on the way.
    ["fixed<7,7>", "fixed<4,4>", "ufixed<6,6>", "fixed<6,7>", "fixed<6,8,RND_CONV,WRAP>", "fixed<4,4,TRN,SAT>",
     "fixed<3,4,RND,SAT_SYM>"],
)  # fmt: skip
@pytest.mark.parametrize(("strategy", "reuse"), [("latency", 1), ("resource", 1), ("resource", 2), ("resource", 3)])
def test_a_depthwise_accumulator_loses_bits_as_the_hardware_s_does(strategy, reuse, accum, bias, tmp_path):
    weights, result = [[2], [-1], [3]], "fixed<8,8>"
    made = project(
        "depthwise_conv_1d_cl", ["fixed<3,3>", result],
        config={"in_width": 3, "n_chan": 1, "filt_width": 3, "stride_width": 1, "out_width": 1, "pad_left": 0,
                "n_filt": 1, "mult_config": "config1_mult"},
        mult=config_of(accum) | {"weight_t": "fixed<4,4>", "bias_t": "fixed<4,4>", "reuse_factor": reuse,
                                 "strategy": f"nnet::{strategy}"},
        arguments=("x", "y", "w2", "b2"), folder=tmp_path, weights={"w2": weights, "b2": [bias]},
    )  # fmt: skip
    order = {1: [0, 1, 2], 2: [0, 2, 1], 3: [0, 1, 2]}[reuse]
    rows = list(product(range(-4, 4), repeat=3))
    column = [weight for (weight,) in weights]
    kinds = parse_type(accum), parse_type(result)
    assert run(made, rows) == [[accumulated(row, column, bias, *kinds, order)] for row in rows]


# --- what is refused


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"product": "nnet::product::weight_exponential"}, "does not cover nnet::product::weight_exponential"),
        ({"strategy": "nnet::distributed_arithmetic"}, "does not cover the strategy distributed_arithmetic"),
        ({"n_in": 4}, "w2.txt holds 6 values where 8 are due"),
        ({"n_out": 3, "n_in": 2}, "b2.txt holds 2 values where 3 are due"),
    ],
)
def test_what_is_not_covered_is_refused_and_named(changes, words, tmp_path):
    config = config_of("fixed<12,8>", n_in=3, n_out=2) | changes
    made = project(
        "dense", [str(DATA), "fixed<12,8>"], config=config, arguments=("x", "y", "w2", "b2"), folder=tmp_path,
        weights={"w2": np.ones((3, 2)), "b2": np.ones(2)},
    )  # fmt: skip
    with pytest.raises(UnsupportedError, match=words.replace(".", r"\.")):
        make_emulator(made)
