"""The softmax's bound holds for every vector of logits of small types, all of them tried, and is near the worst one."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from hlsflow.network.fixed_point import cast, parse_type
from hlsflow.network.softmax_bound import FLOAT32_ERROR, error_bound, why_unbounded

# 128 entries for 7 bits of distances, 64 entries for the upper 6 bits of sums.
TYPES = {
    "inp_norm": "ufixed<7,4,RND,SAT>", "exp_table": "ufixed<12,1,RND,SAT>", "accum": "ufixed<16,4>",
    "inv_inp": "ufixed<8,3,RND,SAT>", "inv_table": "ufixed<12,1,RND,SAT>", "result": "ufixed<10,0,RND,SAT>",
}  # fmt: skip


def worst_of_all(classes: int, logits, types, sizes) -> float:
    """The largest error over every vector of logits, by hls4ml's definition of its stable softmax, one at a time."""
    norm, table, accum, inv_inp, inv_table, result = (types[role] for role in TYPES)
    drops = norm.width - (sizes[0] - 1).bit_length(), inv_inp.width - (sizes[1] - 1).bit_length()

    def fixed(value: float, type_) -> float:
        return float(cast(np.array([value * 2.0**60]), 60, type_)[0]) * type_.lsb

    worst = 0.0
    entries: dict[float, float] = {}
    inverses: dict[float, float] = {}
    for x in product(np.arange(logits.min_int, logits.max_int + 1) * logits.lsb, repeat=classes):
        e = []
        for distance in (max(x) - each for each in x):
            if distance not in entries:
                cell = int(fixed(distance, norm) / norm.lsb) >> drops[0]
                entry = np.float32(np.exp(-(cell << drops[0]) * norm.lsb))
                entries[distance] = fixed(fixed(float(entry), table), accum)
            e.append(entries[distance])
        total = sum(e)
        if total not in inverses:
            cell = int(fixed(total, inv_inp) / inv_inp.lsb) >> drops[1]
            inverses[total] = fixed(float(np.float32(1 / ((cell << drops[1]) * inv_inp.lsb))), inv_table)
        true = np.exp(np.array(x) - max(x))
        true /= true.sum()
        for entry, probability in zip(e, true, strict=True):
            worst = max(worst, abs(_given(entry * inverses[total], result) - probability))
    return worst


def _given(value: float, result, known={}) -> float:  # noqa: B006 - a cache
    key = value, result
    if key not in known:
        known[key] = float(cast(np.array([value * 2.0**40]), 40, result)[0]) * result.lsb
    return known[key]


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    ("given", "sizes", "times"),
    [
        ({}, (128, 64), 1.1),
        ({"inp_norm": "ufixed<6,2,RND,SAT>"}, (64, 64), 1.1),
        ({"inv_inp": "ufixed<6,3,TRN,SAT>"}, (128, 64), 1.12),
        ({"inv_inp": "ufixed<6,1,RND,SAT>"}, (128, 64), 1.1),
        ({"exp_table": "ufixed<6,0,RND,SAT>"}, (128, 64), 1.5),
        ({"inv_table": "ufixed<5,1,RND,SAT>"}, (128, 64), 1.1),
        ({"result": "ufixed<4,0,TRN,SAT>"}, (128, 64), 1.1),
        ({"exp_table": "ufixed<5,1,TRN,SAT>"}, (128, 64), 2.0),
        # Of wide cells of distances the bound counts both ends, and these logits have a distance at one of them.
        ({"inp_norm": "ufixed<6,4,TRN,SAT>"}, (64, 64), 2.2),
        ({"inp_norm": "ufixed<5,4,RND_CONV,SAT>"}, (32, 64), 5.2),
        ({}, (32, 256), 24.0),
    ],
)  # fmt: skip
def test_no_vector_of_logits_leaves_the_bound_and_the_worst_is_near_it(classes, given, sizes, times):
    types = {role: parse_type(text) for role, text in {**TYPES, **given}.items()}
    logits = parse_type("fixed<4,3>" if classes == 3 else "fixed<6,3>")
    bound, worst = error_bound(classes, logits, types, sizes), worst_of_all(classes, logits, types, sizes)
    assert why_unbounded(classes, logits, types, sizes) is None
    assert worst <= bound <= times * worst


def test_of_one_class_nothing_is_off_but_what_float32_rounds():
    types = {role: parse_type(text) for role, text in {**TYPES, "result": "ufixed<11,1,RND,SAT>"}.items()}
    # exp(0) is an entry, and so is 1/1.
    assert error_bound(1, parse_type("fixed<6,3>"), types, (128, 64)) == pytest.approx(5 * FLOAT32_ERROR, rel=1e-6)


def test_of_one_class_all_that_its_result_cannot_hold_is_off():
    types = {role: parse_type(text) for role, text in {**TYPES, "result": "ufixed<4,0,TRN,SAT>"}.items()}
    # The probability is 1, and 15/16 the largest number.
    found = error_bound(1, parse_type("fixed<6,3>"), types, (128, 64))
    assert found == pytest.approx(1 / 16 + 5 * FLOAT32_ERROR, rel=1e-6)


@pytest.mark.parametrize(("bits", "said"), [(52, None), (53, "the products need more than 53 bits")])
def test_products_that_float64_does_not_hold_have_no_bound(bits, said):
    """An exponential and an inverse of 1 each, as an integer of the result's bits: 2**bits."""
    types = {role: parse_type(text) for role, text in {**TYPES, "result": f"ufixed<{bits},0,TRN,SAT>"}.items()}
    logits = parse_type("fixed<6,3>")
    assert why_unbounded(2, logits, types, (128, 64)) == said
    assert (error_bound(2, logits, types, (128, 64)) is None) == (said is not None)
