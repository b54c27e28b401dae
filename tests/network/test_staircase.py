"""Short constants in place of a batch normalization's own: held against every integer of the range, one by one."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hlsflow.network.fixed_point import fraction_of, parse_type
from hlsflow.network.graph import Node, Op
from hlsflow.network.staircase import Constants, Staircase, staircase
from hlsflow.network.steps import Steps, steps_of

QUANTIZERS = (
    ("relu", "ufixed<{},{},RND_CONV,SAT>"),
    ("linear", "fixed<{},{},RND_CONV,SAT>"),
    ("linear", "fixed<{},{},RND_CONV,SAT_SYM>"),
    ("hard_sigmoid", "ufixed<{},0,RND_CONV,SAT>"),
    ("binary_tanh", "fixed<2,2>"),
    ("leaky_relu", "fixed<{},{},RND_CONV,SAT>"),
)
SLOPE = 0.25


def quantizer(function: str, result: str) -> Node:
    return Node(
        name="q",
        op=Op.ACTIVATION,
        inputs=("x",),
        shape=(1,),
        function=function,
        declared={"result": parse_type(result)},
        arrays={"param": np.array([SLOPE])} if function == "leaky_relu" else {},
    )


def above(threshold: float) -> Node:
    return Node(name="q", op=Op.SCALE, inputs=("x",), shape=(1,), attributes={"above": threshold})


def ternary(threshold: float) -> Node:
    return Node(name="q", op=Op.SCALE, inputs=("x",), shape=(1,), attributes={"threshold": threshold})


def quantized(node: Node, value: Fraction) -> int:
    """What a quantizer makes of a real number, as the number of its code, in exact arithmetic."""
    if "threshold" in node.attributes:
        threshold = Fraction(float(np.float32(node.attributes["threshold"])))
        return 0 if abs(value) < threshold else (value > 0) - (value < 0)
    if "above" in node.attributes:
        return 1 if value > Fraction(node.attributes["above"]) else -1
    if node.function == "leaky_relu":
        value = value if value > 0 else value * Fraction(SLOPE)
    if node.function == "binary_tanh":
        return 1 if value >= 0 else -1
    if node.function == "hard_sigmoid":
        value = min(max(value / 2 + Fraction(1, 2), Fraction(0)), Fraction(1))
    type_ = node.declared["result"]
    least = -type_.max_int if str(type_.overflow) == "SAT_SYM" else type_.min_int
    # Python rounds half to even.
    return min(max(round(value * 2**type_.fraction), least), type_.max_int)


def outputs(node: Node, stairs_fraction: int, integers: range, scale: float, bias: float) -> list[int]:
    slope = Fraction(scale) / 2**stairs_fraction
    return [quantized(node, slope * n + Fraction(bias)) for n in integers]


dyadic = st.builds(lambda whole, bits: whole * 2.0**-bits, st.integers(-40, 40), st.integers(0, 6))
float32 = st.floats(-30, 30, width=32, allow_subnormal=False)


@st.composite
def cases(draw):
    if draw(st.booleans()):
        function, form = draw(st.sampled_from(QUANTIZERS))
        node = quantizer(function, form.format(draw(st.integers(2, 7)), draw(st.integers(-1, 3))))
    elif draw(st.booleans()):
        node = above(draw(st.sampled_from([0.0, 0.75, -1.5])))
    else:
        node = ternary(draw(st.sampled_from([0.33, 0.5, 0.25, 0.0])))
    channels = draw(st.integers(1, 4))
    constants = draw(st.sampled_from([dyadic, float32]))
    scale, bias = (np.array(draw(st.lists(constants, min_size=channels, max_size=channels))) for _ in range(2))
    low = np.array(draw(st.lists(st.integers(-200, 200), min_size=channels, max_size=channels)), dtype=float)
    length = np.array(draw(st.lists(st.integers(0, 250), min_size=channels, max_size=channels)))
    return node, scale, bias, low, low + length, draw(st.integers(-1, 6))


def stairs_of(node: Node, scale, bias, low, high, fraction) -> Staircase:
    steps = steps_of(node)
    assert steps is not None
    found = staircase(scale=scale, bias=bias, low=low, high=high, fraction=fraction, steps=steps)
    assert found is not None
    return found


@settings(max_examples=300, deadline=None)
@given(cases(), st.data())
def test_the_shortest_constants_give_every_output_and_no_others_are_called_equal(case, data):
    node, scale, bias, low, high, fraction = case
    stairs = stairs_of(*case)
    found = stairs.narrowest()
    assert found is not None and stairs.holds(found)
    expected = [
        outputs(node, fraction, range(int(a), int(b) + 1), s, o)
        for a, b, s, o in zip(low, high, scale, bias, strict=True)
    ]
    # A float64 sum that rounds is the reference itself, and may differ from the rational one next to a tie.
    exact = all(
        Fraction(float(n) * s * 2.0**-fraction + o) == Fraction(s) * int(n) / Fraction(2) ** fraction + Fraction(o)
        for a, b, s, o in zip(low, high, scale, bias, strict=True)
        for n in range(int(a), int(b) + 1)
    )
    if exact:
        for channel, codes in enumerate(expected):
            inputs = range(int(low[channel]), int(high[channel]) + 1)
            assert outputs(node, fraction, inputs, found.scale[channel], found.bias[channel]) == codes
        # The check itself: constants next to the found ones are called equal exactly where they are.
        other = Constants(
            scale=np.abs(found.scale + data.draw(st.integers(-2, 2)) * 2.0 ** -fraction_of(found.scale))
            * np.where(scale < 0, -1, 1),
            bias=found.bias + data.draw(st.integers(-2, 2)) * 2.0 ** -fraction_of(found.bias),
        )
        same = all(
            outputs(node, fraction, range(int(low[c]), int(high[c]) + 1), other.scale[c], other.bias[c]) == codes
            for c, codes in enumerate(expected)
        )
        assert stairs.holds(other) is same


def eight_bits(channels: int, seed: int, fraction: int = 10) -> Staircase:
    rng = np.random.default_rng(seed)
    scale = rng.normal(0, 1, channels).astype(np.float32).astype(np.float64)
    bias = rng.normal(0, 1, channels).astype(np.float32).astype(np.float64)
    reach = np.full(channels, 20000.0)
    return stairs_of(quantizer("relu", "ufixed<8,3,RND_CONV,SAT>"), scale, bias, -reach, reach, fraction)


@pytest.mark.parametrize("seed", range(8))
def test_no_scale_of_a_bit_less_holds(seed):
    stairs = eight_bits(16, seed)
    found = stairs.narrowest()
    bits = fraction_of(found.scale)
    assert stairs.holds(found) and bits < fraction_of(stairs.scale)
    shorter = 2.0 ** (bits - 1)
    cut = np.rint(found.scale * shorter) / shorter
    assert not stairs.holds(Constants(scale=cut, bias=found.bias))
    # Nor does any other, with any bias: some channel has no bias for either scale next to its own.
    grid = 2.0 ** -(bits - 1)
    least = np.floor(np.abs(stairs.scale) / grid) * grid
    impossible = [
        channel
        for channel in range(len(found.scale))
        if not any(_some_bias(stairs, channel, Fraction(float(s))) for s in (least[channel], least[channel] + grid))
    ]
    assert impossible


def _some_bias(stairs: Staircase, channel: int, scale: Fraction) -> bool:
    """Whether some bias, of any number of bits, leaves every step of a channel in place: by Fractions."""
    lower, upper = [], []
    slope = scale / 2**stairs.fraction
    for at, inclusive, first in zip(stairs.steps.at, stairs.steps.inclusive, stairs.first[channel], strict=True):
        at, first = Fraction(float(at)), int(first)
        if first <= stairs.high[channel]:
            lower.append((at - slope * first, not inclusive))
        if first > stairs.low[channel]:
            upper.append((at - slope * (first - 1), bool(inclusive)))
    # Excluded ends count as a little more, or less.
    least = max(lower, default=(Fraction(-(10**9)), False))
    most = min(upper, key=lambda end: (end[0], not end[1]), default=(Fraction(10**9), False))
    return least[0] < most[0] or (least[0] == most[0] and not least[1] and not most[1])


def test_a_channel_whose_outputs_are_all_alike_needs_no_scale():
    node = quantizer("relu", "ufixed<8,3,RND_CONV,SAT>")
    stairs = stairs_of(
        node, np.array([31.6, -3.0, 0.0, 0.3]), np.array([-900.0, 90.0, 1.30078125, 0.1]), np.full(4, -20.0),
        np.full(4, 20.0), 0,
    )  # fmt: skip
    found = stairs.narrowest()
    assert list(found.scale[:3]) == [0, 0, 0] and found.scale[3] > 0
    assert [quantized(node, Fraction(float(value))) for value in found.bias[:3]] == [0, 255, 42]


def test_the_sum_of_float64_is_what_counts_where_it_rounds():
    # 1 + 2**-60 is 1 in float64: the tie at 1 belongs to the even code 2 of halves, above.
    node = quantizer("relu", "ufixed<4,3,RND_CONV,SAT>")
    stairs = stairs_of(node, np.array([1.0]), np.array([-0.25 - 2.0**-60]), np.array([0.0]), np.array([7.0]), 0)
    expected = [round((n - 0.25 - 2.0**-60) * 2) for n in range(8)]
    found = stairs.narrowest()
    assert outputs(node, 0, range(8), found.scale[0], found.bias[0]) == expected


def test_wide_layers_are_quick():
    from time import perf_counter

    started = perf_counter()
    for seed in range(10):
        assert eight_bits(128, seed, 12).narrowest() is not None
    assert perf_counter() - started < 2


def test_too_many_steps_are_none():
    node = quantizer("linear", "fixed<20,4,RND_CONV,SAT>")
    steps = steps_of(node)
    many = {"scale": np.full(64, 0.3), "bias": np.zeros(64), "low": np.full(64, -1e6), "high": np.full(64, 1e6)}
    assert staircase(**many, fraction=16, steps=steps) is None
    few = {key: values[:1] for key, values in many.items()}
    assert staircase(**few, fraction=16, steps=Steps(at=steps.at[:9], inclusive=steps.inclusive[:9])) is not None
