"""Moves, pooling and windows in the emulator against their definition, value by value."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hls_projects import assign, codes, project, real, run

from hlsflow.emulation.emulator import make_emulator
from hlsflow.foundation.errors import UnsupportedError
from hlsflow.hls.window import Window
from hlsflow.network.fixed_point import parse_type

DATA = parse_type("fixed<5,3>")
RESULTS = ["fixed<5,3>", "fixed<4,3,RND_CONV,SAT>", "fixed<9,4>"]


def images(*shape: int, type_=DATA, seed: int = 1) -> np.ndarray:
    found = np.random.default_rng(seed).integers(type_.min_int, type_.max_int + 1, shape)
    found.flat[0], found.flat[-1] = type_.min_int, type_.max_int
    return found


def assigned(values, result: str, type_=DATA) -> list[int]:
    return [assign(real(value, type_), parse_type(result)) for value in np.ravel(values)]


@pytest.mark.parametrize("result", RESULTS)
def test_zero_padding(result):
    x = images(2, 2, 3, 2)
    pads = {"pad_top": 1, "pad_bottom": 2, "pad_left": 3, "pad_right": 1}
    made = project("zeropad2d_cl", [str(DATA), result], config={"in_height": 2, "in_width": 3, "n_chan": 2} | pads)
    expected = np.zeros((2, 5, 7, 2), dtype=int)
    expected[:, 1:3, 3:6] = x
    assert run(made, x.reshape(2, -1)) == [assigned(image, result) for image in expected]


def test_zero_padding_of_a_row():
    made = project("zeropad1d_cl", [str(DATA)] * 2, config={"in_width": 2, "n_chan": 2, "pad_left": 1, "pad_right": 2})
    assert run(made, [[1, 2, 3, 4]]) == [[0, 0, 1, 2, 3, 4, 0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("size", "new"),
    [
        ((2, 3), (4, 6)),
        ((2, 2), (6, 4)),
        ((3, 1), (3, 5)),
        ((4, 4), (2, 2)),
        ((1, 2), (1, 6)),
        ((2, 1), (6, 1)),
        ((3, 3), (7, 8)),
    ],
)
def test_resizing_repeats_the_nearest(size, new):
    x = images(2, *size, 2)
    config = {"height": size[0], "width": size[1], "n_chan": 2, "new_height": new[0], "new_width": new[1]}
    expected = [
        [int(image[row * size[0] // new[0], column * size[1] // new[1], channel])
         for row, column, channel in product(range(new[0]), range(new[1]), range(2))]
        for image in x
    ]  # fmt: skip
    assert run(project("resize_nearest", [str(DATA)] * 2, config=config), x.reshape(2, -1)) == expected


@pytest.mark.parametrize("result", RESULTS)
@pytest.mark.parametrize("perm", [(1, 0, 2), (2, 0, 1), (0, 2, 1)])
def test_a_transpose(perm, result):
    x = images(2, 2, 3, 4)
    config = {"from_shape": "2, 3, 4", "perm": ", ".join(map(str, perm))}
    expected = []
    for image in x:
        shape = [image.shape[axis] for axis in perm]
        moved = np.zeros(shape, dtype=int)
        for index in product(*map(range, shape)):
            source = [0, 0, 0]
            for position, axis in zip(index, perm, strict=True):
                source[axis] = position
            moved[index] = image[tuple(source)]
        expected.append(assigned(moved, result))
    assert run(project("transpose", [str(DATA), result], config=config), x.reshape(2, -1)) == expected


@pytest.mark.parametrize("result", RESULTS)
@pytest.mark.parametrize("copies", [("copy", "y"), ("copy", "other", "y")])
def test_a_cloned_stream_is_there_as_often_as_it_is_read(copies, result):
    made = project("clone_stream", [str(DATA), result], arguments=("x", *copies))
    x = images(1, 32)
    assert run(made, x) == [assigned(x, result)]
    (step, node) = make_emulator(made).steps[0]
    assert node.outputs == copies
    found = [values.tolist() for values in step.function([x.astype(np.float64)])]
    assert found == [[assigned(x, result)]] * len(copies)


@pytest.mark.parametrize("result", RESULTS)
@pytest.mark.parametrize("axis", [None, -1, 2])
def test_concatenation_along_the_last_axis(axis, result):
    other = parse_type("ufixed<4,1>")
    a, b = images(2, 3, 2), images(2, 3, 1, type_=other)
    config = {"n_elem1_0": 3, "n_elem1_1": 2, "n_elem2_0": 3, "n_elem2_1": 1} | ({} if axis is None else {"axis": axis})
    made = project("concatenate2d", [str(DATA), str(other), result], config=config, inputs=2)
    expected = []
    for first, second in zip(a, b, strict=True):
        rows = [assigned(first[row], result) + assigned(second[row], result, other) for row in range(3)]
        expected.append([value for row in rows for value in row])
    assert run(made, a.reshape(2, -1), b.reshape(2, -1)) == expected


@pytest.mark.parametrize("result", RESULTS)
@pytest.mark.parametrize(("axis", "rank"), [(1, 2), (-2, 2), (1, 3), (-3, 3), (2, 3), (-2, 3)])
def test_concatenation_along_another_axis(axis, rank, result):
    place = axis - 1 if axis > 0 else axis + rank
    shape = (3, 2, 4)[-rank:]
    longer = tuple(size + (index == place) for index, size in enumerate(shape))
    a, b = images(2, *shape), images(2, *longer)
    sizes = {
        f"n_elem{number}_{index}": size for number, of in ((1, shape), (2, longer)) for index, size in enumerate(of)
    }
    made = project(f"concatenate{rank}d", [str(DATA)] * 2 + [result], config={**sizes, "axis": axis}, inputs=2)
    expected = [assigned(np.concatenate([x, y], axis=place), result) for x, y in zip(a, b, strict=True)]
    assert run(made, a.reshape(2, -1), b.reshape(2, -1)) == expected


# --- pooling


POOLS = [
    # (height, width), kernel, stride, out, (top, left)
    ((4, 4), (2, 2), (2, 2), (2, 2), (0, 0)),
    ((5, 4), (3, 2), (2, 1), (2, 3), (0, 0)),
    ((5, 5), (2, 2), (2, 2), (3, 3), (0, 0)),
    ((4, 4), (3, 3), (2, 2), (2, 2), (1, 1)),
    ((3, 5), (3, 3), (1, 1), (3, 5), (1, 1)),
]


def pool_config(kind: str, case, accum: str, channels: int = 2) -> dict:
    size, kernel, stride, out, pads = case
    return {
        "in_height": size[0], "in_width": size[1], "n_filt": channels, "pool_height": kernel[0],
        "pool_width": kernel[1], "stride_height": stride[0], "stride_width": stride[1], "out_height": out[0],
        "out_width": out[1], "pad_top": pads[0], "pad_left": pads[1], "pool_op": f"nnet::{kind}", "accum_t": accum,
    }  # fmt: skip


def windows(image: np.ndarray, case) -> list[list[list[int]]]:
    """The real values under each window, by output position and channel."""
    size, kernel, stride, out, pads = case
    found = []
    for row, column in product(range(out[0]), range(out[1])):
        top, left = row * stride[0] - pads[0], column * stride[1] - pads[1]
        rows = range(max(0, top), min(size[0], top + kernel[0]))
        columns = range(max(0, left), min(size[1], left + kernel[1]))
        for channel in range(image.shape[-1]):
            found.append([int(image[i, j, channel]) for i, j in product(rows, columns)])
    return found


@pytest.mark.parametrize("result", RESULTS)
@pytest.mark.parametrize("case", POOLS, ids=str)
def test_a_maximum_is_that_of_the_values_under_its_window(case, result):
    x = images(3, *case[0], 2)
    # All negative, so that a zero of padding would win.
    x[1] = -1 - np.abs(x[1]) // 2
    expected = [[assign(real(max(values), DATA), parse_type(result)) for values in windows(image, case)] for image in x]
    made = project("pooling2d_cl", [str(DATA), result], config=pool_config("Max", case, str(DATA)))
    assert run(made, x.reshape(3, -1)) == expected


def test_a_padded_maximum_of_an_unsigned_type_starts_at_half_the_range():
    """nnet_pooling.h: the pad value has the highest bit set alone, which for unsigned data is no least value."""
    case = ((2, 2), (2, 2), (2, 2), (2, 2), (1, 1))
    made = project("pooling2d_cl", ["ufixed<4,4>"] * 2, config=pool_config("Max", case, "ufixed<4,4>", 1))
    assert run(made, [[1, 2, 3, 9]]) == [[8, 8, 8, 9]]


@pytest.mark.parametrize("accum", ["fixed<4,3>", "fixed<4,2>"])
def test_a_maximum_passes_through_its_accumulator(accum):
    case = ((2, 2), (2, 2), (2, 2), (1, 1), (0, 0))
    made = project("pooling2d_cl", [str(DATA), "fixed<8,4>"], config=pool_config("Max", case, accum, 1))
    for code in codes(DATA):
        kept = real(assign(real(code, DATA), parse_type(accum)), parse_type(accum))
        assert run(made, [[code, code, DATA.min_int, code]]) == [[assign(kept, parse_type("fixed<8,4>"))]]


@pytest.mark.parametrize("result", ["fixed<9,3>", "fixed<5,3,RND_CONV,SAT>", "fixed<12,4>"])
@pytest.mark.parametrize("accum", ["fixed<9,7>", "fixed<12,7>", "fixed<18,9>"])
@pytest.mark.parametrize("case", POOLS, ids=str)
def test_an_average_divides_by_the_values_under_its_window_and_cuts_toward_zero(case, accum, result):
    x, type_ = images(3, *case[0], 2), parse_type(accum)
    made = project("pooling2d_cl", [str(DATA), result], config=pool_config("Average", case, accum))
    expected = []
    for image in x:
        values = []
        for window in windows(image, case):
            # The accumulator's integer, divided as C++ does it.
            whole = int(sum(real(value, DATA) for value in window) * 2**type_.fraction)
            quotient = abs(whole) // len(window) * (1 if whole >= 0 else -1)
            values.append(assign(real(quotient, type_), parse_type(result)))
        expected.append(values)
    assert run(made, x.reshape(3, -1)) == expected


@pytest.mark.parametrize(
    ("size", "accum", "refused"),
    [
        # 5 bits, and two more for four values; a coarser grid
        ((2, 2), "fixed<7,5>", False), ((2, 2), "fixed<6,4,TRN,SAT>", True), ((2, 2), "fixed<8,7>", True),
        ((1, 2), "fixed<6,4>", False), ((1, 3), "fixed<6,4,TRN,SAT>", True), ((1, 3), "fixed<7,5>", False),
        ((3, 3), "fixed<8,6,TRN,SAT>", True), ((3, 3), "fixed<9,7>", False), ((1, 1), "fixed<5,3>", False),
    ],
)  # fmt: skip
def test_an_average_s_accumulator_that_rounds_or_saturates_is_refused(size, accum, refused):
    made = project("pooling2d_cl", [str(DATA), "fixed<9,3>"],
                   config=pool_config("Average", (size, size, (1, 1), (1, 1), (0, 0)), accum, 1))  # fmt: skip
    if refused:
        with pytest.raises(UnsupportedError, match=r"average's accumulator that loses bits \('layer'\)"):
            make_emulator(made)
    else:
        worst = run(made, [[DATA.min_int] * (size[0] * size[1])])
        assert worst == [[assign(real(DATA.min_int, DATA), parse_type("fixed<9,3>"))]]


@pytest.mark.parametrize("accum", ["fixed<6,4>", "fixed<5,3>", "ufixed<6,4>"])
def test_an_average_s_accumulator_wraps_before_it_is_divided(accum):
    made = project("pooling2d_cl", [str(DATA), "fixed<9,3>"],
                   config=pool_config("Average", ((1, 3), (1, 3), (1, 1), (1, 1), (0, 0)), accum, 1))  # fmt: skip
    rows = [[DATA.min_int] * 3, [DATA.max_int] * 3, [DATA.max_int, 1, 1]]
    type_ = parse_type(accum)
    totals = [assign(sum(real(code, DATA) for code in row), type_) for row in rows]
    # ap_fixed divides the integers and cuts toward zero.
    means = [(abs(total) // 3) * (1 if total >= 0 else -1) for total in totals]
    assert run(made, rows) == [[assign(real(mean, type_), parse_type("fixed<9,3>"))] for mean in means]


@pytest.mark.parametrize("kind", ["Max", "Average"])
@pytest.mark.parametrize("two_d", [True, False])
def test_global_pooling_covers_everything(kind, two_d):
    x = images(3, 6, 2)
    config = {"n_filt": 2, "pool_op": f"nnet::{kind}", "accum_t": "fixed<14,6>"}
    config |= {"in_height": 2, "in_width": 3} if two_d else {"n_in": 6}
    made = project(f"global_pooling{2 if two_d else 1}d_cl", [str(DATA), "fixed<14,6>"], config=config)
    expected = []
    for image in x:
        values = []
        for channel in range(2):
            column = [real(value, DATA) for value in image[:, channel]]
            if kind == "Max":
                values.append(int(max(column) * 256))
            else:
                whole = int(sum(column) * 256)
                values.append(abs(whole) // 6 * (1 if whole >= 0 else -1))
        expected.append(values)
    assert run(made, x.reshape(3, -1)) == expected


# --- the window itself


@pytest.mark.parametrize("case", POOLS, ids=str)
def test_patches_are_the_windows_with_padding_outside(case):
    size, kernel, stride, out, pads = case
    window = Window(
        in_height=size[0], in_width=size[1], channels=2, height=kernel[0], width=kernel[1], stride_height=stride[0],
        stride_width=stride[1], out_height=out[0], out_width=out[1], pad_top=pads[0], pad_left=pads[1],
    )  # fmt: skip
    x = images(2, *size, 2)
    found = window.patches(x.reshape(2, -1), -99)
    assert found.shape == (2, *out, *kernel, 2)
    for n, row, column, i, j, channel in product(range(2), *map(range, out), *map(range, kernel), range(2)):
        y, z = row * stride[0] + i - pads[0], column * stride[1] + j - pads[1]
        inside = 0 <= y < size[0] and 0 <= z < size[1]
        assert found[n, row, column, i, j, channel] == (x[n, y, z, channel] if inside else -99)


def test_a_mean_of_three_is_cut_and_not_rounded():
    case = ((1, 3), (1, 3), (1, 1), (1, 1), (0, 0))
    made = project("pooling2d_cl", ["fixed<5,5>", "fixed<8,5>"], config=pool_config("Average", case, "fixed<10,7>", 1))
    for total, row in ((2, [1, 1, 0]), (-2, [-1, -1, 0]), (5, [2, 2, 1]), (-5, [-2, -2, -1])):
        cut = abs(total * 8) // 3 * (1 if total > 0 else -1)
        assert run(made, [row]) == [[cut]]
        assert abs(Fraction(cut, 8)) <= abs(Fraction(total, 3))
