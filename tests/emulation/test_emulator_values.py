"""Functions of single values in the emulator, on every value of a type, against their definition."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hls_projects import assign, bits, codes, project, real, run
from hypothesis import given, settings
from hypothesis import strategies as st

from hlsflow.emulation.emulator import make_emulator
from hlsflow.foundation.errors import UnsupportedError
from hlsflow.network.fixed_point import parse_type

DATA = ["fixed<5,3>", "ufixed<4,2>", "fixed<4,6>", "fixed<3,3>", "fixed<4,0>"]
RESULTS = [
    "fixed<9,5>",
    "ufixed<4,2,RND_CONV,SAT>",
    "fixed<4,3,RND,SAT_SYM>",
    "fixed<3,2,TRN_ZERO>",
    "ufixed<2,-1,RND>",
]
HALF = {"slope": "0.5", "shift": "0.5"}


def clip(value: Fraction) -> Fraction:
    return min(max(value / 2 + Fraction(1, 2), Fraction(0)), Fraction(1))


UNARY = {
    "relu": lambda x: max(x, Fraction(0)),
    "linear": lambda x: x,
    "hard_sigmoid": clip,
    "hard_tanh": lambda x: 2 * clip(x) - 1,
    "binary_tanh": lambda x: Fraction(1 if x >= 0 else -1),
}


@pytest.mark.parametrize("result", RESULTS)
@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("function", UNARY)
def test_a_function_of_one_value(function, data, result):
    source, target = parse_type(data), parse_type(result)
    found = run(project(function, [data, result], config=HALF), [list(codes(source))])
    assert found == [[assign(UNARY[function](real(code, source)), target) for code in codes(source)]]


@pytest.mark.parametrize(("slope", "shift"), [("0.2", "0.5"), ("0.5", "0.25"), ("0.25", "0.25")])
def test_another_slope_or_shift_is_refused(slope, shift):
    with pytest.raises(UnsupportedError, match=r"slope and shift 0\.5 alone \(layer 'layer'\)"):
        make_emulator(project("hard_sigmoid", ["fixed<5,3>"] * 2, config={"slope": slope, "shift": shift}))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("data", ["fixed<5,3>", "fixed<6,3>", "ufixed<4,2>", "fixed<4,4>"])
def test_ternary_tanh(data, stream):
    """nnet_activation.h: `2 * x` compared with 1 and -1, in the type of x; the stream version does not double."""
    source, target = parse_type(data), parse_type("fixed<2,2>")
    found = run(project("ternary_tanh", [data, "fixed<2,2>"], stream=stream), [list(codes(source))])
    expected = []
    for code in codes(source):
        compared = real(code, source) if stream else real(assign(2 * real(code, source), source), source)
        expected.append(assign(Fraction(1 if compared > 1 else 0 if compared > -1 else -1), target))
    assert found == [expected]


@pytest.mark.parametrize("result", RESULTS)
@pytest.mark.parametrize("slope", ["0.25", "-1.5", "0", "2.75"])
def test_leaky_relu(slope, result):
    source, param, target = parse_type("fixed<5,3>"), parse_type("fixed<6,3>"), parse_type(result)
    made = project("leaky_relu", ["fixed<5,3>", "fixed<6,3>", result], arguments=("x", slope, "y"))
    expected = []
    for code in codes(source):
        x = real(code, source)
        expected.append(assign(x if x > 0 else x * Fraction(slope), target))
    assert run(made, [list(codes(source))]) == [expected]
    assert param.fraction == 3


def test_prelu_has_a_slope_for_every_value(tmp_path):
    source, target = parse_type("fixed<5,3>"), parse_type("fixed<8,5,RND_CONV,SAT>")
    slopes = [Fraction(1, 4), Fraction(-3, 2), Fraction(0)]
    made = project(
        "prelu", ["fixed<5,3>", "fixed<4,2>", "fixed<8,5,RND_CONV,SAT>"], config={"n_in": 3},
        arguments=("x", "a2", "y"), folder=tmp_path, weights={"a2": slopes},
    )  # fmt: skip
    rows = [[code, -code - 1, code] for code in codes(source)]
    expected = [
        [
            assign(x if x > 0 else x * slope, target)
            for x, slope in zip([real(c, source) for c in row], slopes, strict=True)
        ]
        for row in rows
    ]
    assert run(made, rows) == expected


@pytest.mark.parametrize("bias", [[0, 0], [Fraction(3, 16), -2]])
@pytest.mark.parametrize("result", RESULTS)
@pytest.mark.parametrize("filters", [-1, 2])
def test_normalize(filters, result, bias, tmp_path):
    source, target = parse_type("fixed<5,3>"), parse_type(result)
    scale = [Fraction(3, 4), Fraction(-5, 4)]
    made = project(
        "normalize", ["fixed<5,3>", result],
        config={"n_in": 2 if filters == -1 else 4, "n_filt": filters, "scale_t": "fixed<5,3>", "bias_t": "fixed<8,4>"},
        arguments=("x", "y", "s1", "b1"), folder=tmp_path, weights={"s1": scale, "b1": bias},
    )  # fmt: skip
    rows = [[code, -code - 1] * (1 if filters == -1 else 2) for code in codes(source)]
    expected = [
        [assign(real(c, source) * scale[i % 2] + bias[i % 2], target) for i, c in enumerate(row)] for row in rows
    ]
    assert run(made, rows) == expected


MERGES = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "average": lambda a, b: (a + b) / 2,
    "multiply": lambda a, b: a * b,
    "maximum": max,
    "minimum": min,
}


@pytest.mark.parametrize("result", RESULTS)
@pytest.mark.parametrize("types", [("fixed<4,2>", "ufixed<4,1>"), ("fixed<4,1>", "fixed<3,5>"), ("ufixed<3,3>",) * 2])
@pytest.mark.parametrize("function", MERGES)
def test_two_tensors(function, types, result):
    first, second = map(parse_type, types)
    pairs = [(a, b) for a in codes(first) for b in codes(second)]
    made = project(function, [*types, result], inputs=2)
    expected = [assign(MERGES[function](real(a, first), real(b, second)), parse_type(result)) for a, b in pairs]
    assert run(made, [[a for a, _ in pairs]], [[b for _, b in pairs]]) == [expected]


# --- how wide the numbers are: a float that is too narrow would round them


WIDE = ["fixed<23,12>", "fixed<24,12>", "fixed<26,13>", "ufixed<23,12>", "ufixed<24,9>", "fixed<12,6>"]


@pytest.mark.parametrize("function", ["hard_tanh", "hard_sigmoid"])
@pytest.mark.parametrize("data", ["fixed<24,0>", "fixed<23,-2>", "fixed<22,-4>", "ufixed<23,0>", "fixed<24,2>"])
@pytest.mark.parametrize("result", ["fixed<24,1>", "fixed<30,2>", "fixed<8,1,RND_CONV,SAT>"])
def test_a_small_value_beside_one_half_keeps_its_last_bit(function, data, result):
    """x/2 + 1/2 takes as many bits as lie between 1 and the last bit of x, however few x itself has."""
    source, target = parse_type(data), parse_type(result)
    row = [source.min_int, source.max_int, source.max_int - 1, 1, 3, 0]
    expected = [assign(UNARY[function](real(code, source)), target) for code in row]
    assert run(project(function, [data, result], config=HALF), [row]) == [expected]


@settings(max_examples=40)
@given(st.sampled_from(["relu", "linear", "hard_tanh"]), st.sampled_from(WIDE), st.sampled_from(WIDE), st.data())
def test_wide_values_are_exact_in_the_float_that_is_chosen(function, data, result, draw):
    source, target = parse_type(data), parse_type(result)
    edge = st.integers(source.min_int, source.max_int)
    row = [source.min_int, source.max_int, source.max_int - 1, *draw.draw(st.lists(edge, max_size=4))]
    expected = [assign(UNARY[function](real(code, source)), target) for code in row]
    assert run(project(function, [data, result], config=HALF), [row]) == [expected]


@settings(max_examples=40)
@given(st.sampled_from(list(MERGES)), st.sampled_from(WIDE), st.sampled_from(WIDE), st.sampled_from(WIDE))
def test_wide_pairs_are_exact_in_the_float_that_is_chosen(function, one, other, result):
    first, second = parse_type(one), parse_type(other)
    pairs = [(a, b) for a in (first.min_int, first.max_int - 1, 1) for b in (second.max_int, second.min_int + 1, 1)]
    expected = [assign(MERGES[function](real(a, first), real(b, second)), parse_type(result)) for a, b in pairs]
    made = project(function, [one, other, result], inputs=2)
    assert run(made, [[a for a, _ in pairs]], [[b for _, b in pairs]]) == [expected]


@pytest.mark.parametrize(
    ("function", "types", "needed"),
    [
        # the value itself; of an unsigned one a bit for the sign that a float carries; bits of a finer result
        ("relu", ["fixed<8,4>", "fixed<6,4>"], 8),
        ("relu", ["ufixed<8,4>", "fixed<6,4>"], 9),
        ("linear", ["fixed<8,4>", "fixed<20,10>"], 14),
        # 128 * 128 has 15 bits, and a sign; 128 * 255 too, on a grid finer by two; a bit for a sum, a grid of the finer
        ("multiply", ["fixed<8,4>", "fixed<8,4>", "fixed<8,4>"], 16),
        ("multiply", ["fixed<8,4>", "ufixed<8,4>", "fixed<14,4>"], 18),
        ("add", ["fixed<8,4>", "fixed<8,4>", "fixed<8,4>"], 9),
        ("add", ["fixed<8,4>", "fixed<8,6>", "fixed<8,4>"], 11),
        ("subtract", ["fixed<8,6>", "fixed<8,4>", "fixed<8,2>"], 13),
        ("average", ["fixed<8,4>", "fixed<8,4>", "fixed<12,6>"], 10),
    ],
)
def test_the_bits_that_a_function_asks_for(function, types, needed):
    assert bits(project(function, types, inputs=len(types) - 1)) == needed


@pytest.mark.parametrize(
    ("data", "scale", "bias", "result", "needed"),
    [
        # on a grid of 2^-6: -128 * 12 and 127 * 12 need 12 bits, 127 * 12 + 512 does too, and -128 * 12 - 512 one more
        ("fixed<8,6>", 0.75, 0.0, "fixed<12,8>", 12),
        ("fixed<8,6>", -0.75, 0.0, "fixed<12,8>", 12),
        ("fixed<8,6>", 0.75, 8.0, "fixed<12,8>", 12),
        ("fixed<8,6>", 0.75, -8.0, "fixed<12,8>", 13),
        # a result that is four bits finer
        ("fixed<8,6>", 0.75, 0.0, "fixed<18,8>", 16),
        # 255 * 12 has no sign of its own, nor has 255 * 12 + 512; 127 * 12 + 512 is below 2048
        ("ufixed<8,6>", 0.75, 0.0, "fixed<12,8>", 13),
        ("ufixed<8,6>", -0.75, 0.0, "fixed<12,8>", 13),
        ("ufixed<8,6>", 0.75, 8.0, "fixed<12,8>", 13),
        ("ufixed<7,5>", 0.75, 0.0, "fixed<12,8>", 12),
        ("ufixed<7,5>", 0.75, 8.0, "fixed<12,8>", 12),
        # never less than the value itself
        ("fixed<8,6>", 0.0, 0.0, "fixed<12,8>", 8),
    ],
)
def test_the_bits_that_a_scale_asks_for(data, scale, bias, result, needed, tmp_path):
    """Data with 2 fractional bits, a scale with 4: sums on a grid of 2^-6."""
    made = project(
        "normalize", [data, result],
        config={"n_in": 1, "n_filt": -1, "scale_t": "fixed<8,4>", "bias_t": "fixed<8,5>"},
        arguments=("x", "y", "s1", "b1"), folder=tmp_path, weights={"s1": [scale], "b1": [bias]},
    )  # fmt: skip
    assert bits(made) == needed


@pytest.mark.parametrize(
    ("types", "needed"),
    [(["fixed<8,4>", "fixed<6,3>", "fixed<8,4>"], 14), (["ufixed<8,4>", "fixed<6,3>", "fixed<8,4>"], 15),
     (["fixed<12,4>", "fixed<12,3>", "fixed<8,4>"], 24), (["fixed<9,4>", "fixed<3,2>", "fixed<8,4>"], 12),
     (["fixed<8,4>", "fixed<2,1>", "fixed<20,4>"], 20)],
)  # fmt: skip
def test_the_bits_that_a_slope_asks_for(types, needed):
    assert bits(project("leaky_relu", types, arguments=("x", "0.5", "y"))) == needed


@pytest.mark.parametrize("bias", [-8.0, 0.0, 7.9375])
@pytest.mark.parametrize("scale", [-7.9375, -0.0625, 7.9375])
@pytest.mark.parametrize("data", ["fixed<17,9>", "ufixed<16,9>", "fixed<18,9>", "fixed<22,11>"])
def test_a_wide_scaled_value_keeps_its_last_bit(data, scale, bias, tmp_path):
    source, result = parse_type(data), "fixed<30,16>"
    made = project(
        "normalize", [data, result], config={"n_in": 1, "n_filt": -1, "scale_t": "fixed<8,4>", "bias_t": "fixed<8,4>"},
        arguments=("x", "y", "s1", "b1"), folder=tmp_path, weights={"s1": [scale], "b1": [bias]},
    )  # fmt: skip
    rows = [[code] for code in (source.min_int, source.max_int, source.max_int - 2, source.min_int // 3)]
    expected = [[assign(real(row[0], source) * Fraction(scale) + Fraction(bias), parse_type(result))] for row in rows]
    assert run(made, rows) == expected


@pytest.mark.parametrize("slope", ["1.96875", "-2", "0.03125"])
@pytest.mark.parametrize(
    ("data", "result"),
    [
        ("fixed<18,9>", "fixed<25,13>"),
        ("fixed<20,9>", "fixed<30,10>"),
        ("fixed<24,12>", "fixed<24,12,RND,SAT>"),
        ("fixed<10,9>", "fixed<30,9>"),
    ],
)
def test_a_wide_leaky_value_keeps_its_last_bit(data, result, slope):
    source, target = parse_type(data), parse_type(result)
    row = [source.min_int, source.min_int + 1, source.min_int // 3, -1, source.max_int, source.max_int // 3]
    expected = [assign(x if x > 0 else x * Fraction(slope), target) for x in (real(code, source) for code in row)]
    made = project("leaky_relu", [data, "fixed<7,2>", result], arguments=("x", slope, "y"))
    assert run(made, [row]) == [expected]


@pytest.mark.parametrize("function", ["binary_tanh", "ternary_tanh"])
@pytest.mark.parametrize("data", ["fixed<22,12>", "fixed<23,12>", "fixed<24,12>", "ufixed<24,12>"])
def test_a_sign_of_a_wide_value(function, data):
    source = parse_type(data)
    row = [source.min_int, source.max_int, 2 ** (source.fraction - 1), 2 ** (source.fraction - 1) + 1, 1, 0]
    found = run(project(function, [data, "fixed<2,2>"]), [row])[0]
    expected = []
    for code in row:
        doubled = real(assign(2 * real(code, source), source), source)
        ternary = 1 if doubled > 1 else 0 if doubled > -1 else -1
        expected.append(ternary if function == "ternary_tanh" else 1 if code >= 0 else -1)
    assert found == expected


@pytest.mark.parametrize(
    ("data", "dtype"), [("fixed<23,12>", "float32"), ("fixed<24,12>", "float32"), ("fixed<25,12>", "float64")]
)
def test_float32_holds_24_bits_and_no_more(data, dtype):
    assert make_emulator(project("linear", [data, data])).dtype == dtype


@pytest.mark.parametrize("width", [26, 27, 28])
def test_a_sum_beyond_float32_keeps_its_last_bit(width):
    """2^(width-2) + 1 is odd, and above 2^24 float32 has even numbers alone."""
    text = f"fixed<{width},{width}>"
    made = project("add", [text, text, text], inputs=2)
    assert run(made, [[2 ** (width - 2), 2**24]], [[1, 1]]) == [[2 ** (width - 2) + 1, 2**24 + 1]]


def test_what_no_double_holds_is_refused():
    with pytest.raises(UnsupportedError, match=r"cannot hold layer 'layer': it needs 5\d bits, float64 has 53"):
        make_emulator(project("multiply", ["fixed<28,14>"] * 3, inputs=2))
    assert make_emulator(project("multiply", ["fixed<26,13>"] * 3, inputs=2)).dtype == "float64"


@pytest.mark.parametrize(
    "text",
    [
        "fixed<8,5>",
        "ufixed<8,3>",
        "fixed<7,4>",
        "ufixed<16,9>",
        "fixed<16,16>",
        "ufixed<3,3>",
        "fixed<10,6>",
        "fixed<9,5>",
        "ufixed<10,4>",
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.int8, np.uint8, np.uint16])
def test_inputs_are_read_as_their_type_or_refused(text, dtype):
    type_ = parse_type(text)
    emulator = make_emulator(project("linear", [text, text]))
    whole = np.dtype(dtype).kind in "iu"
    held = codes(type_)
    if whole:
        limits = np.iinfo(dtype)
        held = range(max(held.start, limits.min), min(held.stop, limits.max + 1))
    values = np.array([[held.start, held.stop - 1, 1]])
    given_ = values.astype(dtype) if whole else (values * type_.lsb).astype(dtype)
    assert emulator.run([given_])["y"].tolist() == values.tolist()
    for outside in (type_.min_int - 1, type_.max_int + 1):
        if whole and not limits.min <= outside <= limits.max:
            continue
        wrong = np.array([[0, outside]])
        with pytest.raises(ValueError, match="leaves the range of its type"):
            emulator.run([wrong.astype(dtype) if whole else (wrong * type_.lsb).astype(dtype)])
    if not whole:
        with pytest.raises(ValueError, match=r"not multiples of|not exact in its type"):
            emulator.run([np.array([[type_.lsb / 2]], dtype=dtype)])


def test_no_samples_give_no_outputs_and_no_complaint():
    emulator = make_emulator(project("linear", ["fixed<8,4>"] * 2))
    for dtype in (np.float32, np.int64, np.float64):
        assert emulator.run([np.zeros((1, 0), dtype=dtype)])["y"].shape == (1, 0)


def test_layers_are_given_out_by_name_whatever_the_batch():
    made = project("add", ["fixed<4,4>", "fixed<4,4>", "fixed<6,6>"], inputs=2)
    emulator = make_emulator(made)
    inputs = [np.arange(-7, 7)[:, None], np.arange(-7, 7)[::-1, None] * 1]
    calls = []
    found = emulator.run(inputs, layers=["layer"], batch=5, progress=lambda done, of: calls.append((done, of)))
    assert set(found) == {"y", "layer"} and found["layer"].tolist() == found["y"].tolist() == [[-1]] * 14
    assert found["layer"].dtype == np.int64 and calls == [(5, 14), (10, 14), (14, 14)]
    assert set(emulator.run(inputs)) == {"y"}


def test_a_value_is_known_by_its_other_names_too():
    """`auto& flat = x;` is how hls4ml writes a reshape, of an input and of a result alike."""
    made = project("linear", ["fixed<4,4>", "fixed<6,6>"], arguments=("flat", "sum"))
    ports = (replace(made.outputs[0], name="out"),)
    made = replace(made, aliases={"other": "elsewhere", "flat": "x", "out": "sum"}, outputs=ports)
    assert make_emulator(made).run([np.array([[1, -8, 7]])])["out"].tolist() == [[1, -8, 7]]


def test_another_name_stays_that_of_its_value_when_later_ones_come():
    made = project("linear", ["fixed<4,4>", "fixed<6,6>"], arguments=("x", "a"))
    (first,) = made.calls
    later = replace(first, function="relu", arguments=("a", "b"), template=("t1_t", "t1_t", "config1"), layer="relu")
    ports = (replace(made.outputs[0], name="kept"), replace(made.outputs[0], name="b"))
    made = replace(made, calls=(first, later), aliases={"kept": "a"}, outputs=ports)
    found = make_emulator(made).run([np.array([[1, -8, 7]])])
    assert found["kept"].tolist() == [[1, -8, 7]] and found["b"].tolist() == [[1, 0, 7]]
