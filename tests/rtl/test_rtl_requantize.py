"""Every rounding and overflow mode in Verilog, over every value of a type, against the definition in `fixed_point`."""

from __future__ import annotations

import re
import subprocess
from itertools import product

import numpy as np
import pytest
from casts import cast_one
from rtl_networks import fixed, run_design
from tool_fixtures import needs_icarus, needs_verilator

from hlsflow.network.fixed_point import FixedType, Overflow, Rounding, cast
from hlsflow.opentools.verilator import Traffic
from hlsflow.rtl.design import RtlDesign, StreamPort
from hlsflow.rtl.layers import Cast
from hlsflow.rtl.requantize import requantize_module, signed_bits

# A name, the type of the value, the casts one after the other.
SIGNED, UNSIGNED = fixed(9, 5), fixed(8, 4, signed=False)


def _targets() -> list[FixedType]:
    found = []
    for rounding, overflow, signed in product(Rounding, Overflow, (True, False)):
        # Three bits cut off and a range that is left on both sides; a single bit; more bits than there are; none.
        for width, integer in ((4, 3), (6, 3), (3, 10), (16, 6)):
            found.append(FixedType(width=width, integer=integer, signed=signed, rounding=rounding, overflow=overflow))
    return found


def _chains(source: FixedType) -> list[tuple[Cast, ...]]:
    chains = [
        (Cast(name="c", relu=relu, source=source, target=target),) for target in _targets() for relu in (False, True)
    ]
    middle = fixed(7, 4, rounding="RND_CONV", overflow="SAT")
    last = fixed(4, 3, signed=False, rounding="RND", overflow="SAT")
    chains.append(
        (
            Cast(name="a", relu=False, source=source, target=middle),
            Cast(name="b", relu=True, source=middle, target=last),
        )
    )
    return chains


@needs_verilator
@pytest.mark.parametrize("source", [SIGNED, UNSIGNED], ids=str)
def test_every_mode_over_every_value(source, tmp_path):
    chains = _chains(source)
    lanes = len(chains)
    sources = {f"r{index}.v": requantize_module(f"r{index}", source, chain) for index, chain in enumerate(chains)}
    body = []
    for index, chain in enumerate(chains):
        target = chain[-1].target
        sign = f"w{index}[{target.width - 1}]" if target.signed else "1'b0"
        body.append(
            f"wire [{target.width - 1}:0] w{index}; r{index} i{index} (.value(s_axis_tdata[{source.width - 1}:0]), "
            f".result(w{index}));\n"
            f"assign m_axis_tdata[{index * 16} +: 16] = {{{{16{{{sign}}}}}, w{index}}};"
        )
    port = StreamPort(type=source, size=1, lanes=1)
    # Signed lanes of 17 bits would be needed for an unsigned 16-bit value; none here is that wide.
    sink = StreamPort(type=fixed(16, 16), size=lanes, lanes=lanes)
    sources["top.v"] = (
        f"module top (input wire aclk, aresetn, s_axis_tvalid, s_axis_tlast, m_axis_tready,\n"
        f"input wire [{port.data_bits - 1}:0] s_axis_tdata, output wire s_axis_tready, m_axis_tvalid, m_axis_tlast,\n"
        f"output wire [{sink.data_bits - 1}:0] m_axis_tdata, output wire frame_error);\n"
        "assign s_axis_tready = m_axis_tready, m_axis_tvalid = s_axis_tvalid, m_axis_tlast = s_axis_tlast;\n"
        "assign frame_error = 1'b0;\n" + "\n".join(body) + "\nendmodule\n"
    )
    design = RtlDesign(
        top="top", architecture="test", source=port, sink=sink, output="r", sources=sources, memories={}, modules={}
    )
    values = np.arange(source.min_int, source.max_int + 1)[:, None]
    ((outputs, _),) = run_design(design, values, tmp_path, Traffic())
    for index, chain in enumerate(chains):
        expected = values[:, 0]
        for step in chain:
            positive = expected.clip(min=0) if step.relu else expected
            expected = cast(positive, step.source.fraction, step.target)
        # An unsigned value of 16 bits comes back as a signed one.
        wrapped = ((expected + (1 << 15)) & 0xFFFF) - (1 << 15)
        np.testing.assert_array_equal(outputs[:, index], wrapped, err_msg=" then ".join(str(step) for step in chain))


@pytest.mark.parametrize(
    ("low", "high", "bits"), [(0, 0, 1), (0, 1, 2), (-1, 0, 1), (-2, 1, 2), (-3, 1, 3), (0, 255, 9)]
)
def test_signed_bits(low, high, bits):
    assert signed_bits(low, high) == bits


def test_half_to_even_reads_as_its_definition():
    text = requantize_module(
        "r",
        SIGNED,
        (Cast(name="q", relu=False, source=SIGNED, target=fixed(6, 4, rounding="RND_CONV", overflow="SAT")),),
    )
    assert "wire half1 = x0[1];" in text
    assert "wire rest1 = |x0[0:0];" in text
    assert "wire up1 = half1 && (rest1 || odd1);" in text
    assert "floor1 + {{7{1'b0}}, up1};" in text
    assert "// saturate to [-32, 31]" in text


# --- the same by another simulator, with the definition in rational numbers: a second a run

# Wide and narrow, a single bit, all bits left or right of the point.
SOURCES = [fixed(6, 3), fixed(5, 2, signed=False), fixed(1, 1), fixed(1, 0, signed=False), fixed(4, 7), fixed(5, -2)]


def simulated(folder, source: FixedType, chains) -> list[list[int]]:
    """Per chain its result (as a signed number, where its type is) for every value of the source's type."""
    text = "".join(requantize_module(f"r{index}", source, chain) for index, chain in enumerate(chains))
    wires, prints = [], []
    for index, chain in enumerate(chains):
        target = chain[-1].target if chain else source
        wires.append(
            f"wire {'signed ' if target.signed else ''}[{target.width - 1}:0] w{index}; "
            f"r{index} i{index} (.value(value[{source.width - 1}:0]), .result(w{index}));"
        )
        prints.append(f'$write("%0d ", w{index});')
    text += (
        "module bench; integer value;\n" + "\n".join(wires) + "\n"
        f"initial for (value = {source.min_int}; value <= {source.max_int}; value = value + 1) begin\n#1;\n"
        + "\n".join(prints)
        + '\n$write("\\n"); end\nendmodule\n'
    )
    (folder / "bench.v").write_text(text)
    subprocess.run(["iverilog", "-g2005", "-o", folder / "bench", folder / "bench.v"], check=True, capture_output=True)
    output = subprocess.run(["vvp", folder / "bench"], check=True, capture_output=True, text=True).stdout
    rows = [[int(word) for word in line.split()] for line in output.splitlines()]
    return [list(column) for column in zip(*rows, strict=True)]


@needs_icarus
@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_every_mode_equals_its_definition(source, tmp_path):
    sizes = [(4, 3), (6, 3), (3, 10), (9, 6), (1, 1), (1, source.integer), (source.width, source.integer), (2, -3)]
    # One place off the source's ends: a range left on one side alone, and one that is just held.
    sizes += [(source.width + 1, source.integer + 1), (source.width - 1, source.integer - 1)]
    chains = [
        (Cast(name="c", relu=relu, source=source, target=FixedType(width=width, integer=integer, signed=signed,
                                                                   rounding=rounding, overflow=overflow)),)
        for (width, integer), signed, relu, rounding, overflow in product(
            dict.fromkeys(size for size in sizes if size[0] > 0), (True, False), (False, True), Rounding, Overflow
        )
    ]  # fmt: skip
    values = range(source.min_int, source.max_int + 1)
    for (step,), found in zip(chains, simulated(tmp_path, source, chains), strict=True):
        expected = [cast_one(max(0, value) if step.relu else value, source.fraction, step.target) for value in values]
        assert found == expected, (step.relu, str(step.target))


@needs_icarus
def test_casts_follow_each_other_with_the_bounds_of_the_one_before(tmp_path):
    """What the second must do depends on what the first leaves: every pair of kinds of overflow, ReLU between."""
    source = fixed(6, 4)
    chains = []
    for first, second, signs, relus in product(Overflow, Overflow, product((True, False), repeat=2),
                                               product((False, True), repeat=2)):  # fmt: skip
        middle = FixedType(width=4, integer=3, signed=signs[0], rounding=Rounding.RND, overflow=first)
        last = FixedType(width=3, integer=3, signed=signs[1], rounding=Rounding.RND_CONV, overflow=second)
        chains.append((Cast(name="a", relu=relus[0], source=source, target=middle),
                       Cast(name="b", relu=relus[1], source=middle, target=last)))  # fmt: skip
    for chain, found in zip(chains, simulated(tmp_path, source, chains), strict=True):
        expected = []
        for value in range(source.min_int, source.max_int + 1):
            for step in chain:
                value = cast_one(max(0, value) if step.relu else value, step.source.fraction, step.target)
            expected.append(value)
        assert found == expected, [str(step.target) for step in chain]


@needs_icarus
def test_no_cast_passes_the_value_on(tmp_path):
    for source in SOURCES:
        assert simulated(tmp_path, source, [()]) == [list(range(source.min_int, source.max_int + 1))]


def test_a_module_says_what_it_does():
    chain = (Cast(name="fc1", relu=False, source=SIGNED, target=fixed(7, 4)),
             Cast(name="relu1", relu=True, source=fixed(7, 4), target=fixed(4, 3, signed=False)))  # fmt: skip
    lines = requantize_module("q", SIGNED, chain).splitlines()
    assert lines[:6] == [
        "// fixed<9,5>",
        "//   -> fc1: fixed<7,4>",
        "//   -> relu1: max(0, x) as ufixed<4,3>",
        "module q (",
        "    input  wire [8:0] value,",
        "    output wire [3:0] result",
    ]


def test_a_type_that_holds_every_value_costs_no_logic():
    """Neither rounded nor saturated: the value goes through, however the target would treat others."""
    wide = fixed(12, 8, rounding="RND", overflow="SAT")
    text = requantize_module("q", SIGNED, (Cast(name="c", relu=False, source=SIGNED, target=wide),))
    assert "?" not in text and "up1" not in text and text.count("wire signed") == 1


def widths(source: FixedType, relu: bool, target: FixedType) -> list[tuple[str, int]]:
    """(name, bits) of every wire that holds the value."""
    text = requantize_module("q", source, (Cast(name="c", relu=relu, source=source, target=target),))
    return [(name, int(high) + 1) for high, name in re.findall(r"wire signed \[(\d+):0\] (\w+) =", text)]


@pytest.mark.parametrize(
    ("source", "relu", "target", "expected"),
    [
        # -256..255, cut off two places below: -64..63; rounded it may reach 64, which takes a bit more
        (SIGNED, False, fixed(7, 5), [("x0", 9), ("floor1", 7)]),
        (SIGNED, False, fixed(7, 5, rounding="RND", overflow="SAT"),
         [("x0", 9), ("floor1", 8), ("rounded1", 8), ("kept1", 7)]),
        (SIGNED, False, fixed(7, 5, rounding="TRN_ZERO"), [("x0", 9), ("floor1", 8), ("rounded1", 8), ("wrapped1", 7)]),
        # saturated to -16..15, wrapped to 0..31, to zero outside
        (SIGNED, False, fixed(5, 3, overflow="SAT"), [("x0", 9), ("floor1", 7), ("kept1", 5)]),
        (SIGNED, False, fixed(5, 3, signed=False), [("x0", 9), ("floor1", 7), ("wrapped1", 6)]),
        # only -1 and 0 are left
        (SIGNED, False, fixed(1, 1, overflow="SAT_ZERO"), [("x0", 9), ("floor1", 5), ("kept1", 1)]),
        # a ReLU leaves 0..255, one that has nothing to do is none
        (SIGNED, True, fixed(8, 4, signed=False), [("x0", 9), ("positive1", 9)]),
        (UNSIGNED, True, fixed(8, 4, signed=False), [("x0", 9)]),
        # four bits finer
        (SIGNED, False, fixed(13, 5), [("x0", 9), ("scaled1", 13)]),
        # all bits and more are cut off: copies of the sign are needed up to the first of them
        (SIGNED, False, fixed(3, 7), [("x0", 9), ("floor1", 1)]),
        (SIGNED, False, fixed(3, 8), [("x0", 9), ("wide1", 10), ("floor1", 1)]),
        (SIGNED, False, fixed(3, 9, rounding="RND"), [("x0", 9), ("wide1", 11), ("floor1", 2), ("rounded1", 2)]),
        # a wrap onto more bits than the value has: only the sign makes it one
        (fixed(3, 3), False, fixed(6, 6, signed=False), [("x0", 3), ("extended1", 6), ("wrapped1", 7)]),
    ],
)  # fmt: skip
def test_no_wire_is_wider_than_its_values(source, relu, target, expected):
    assert widths(source, relu, target) == expected


@pytest.mark.parametrize(
    ("source", "relu", "target", "comparisons"),
    [
        (SIGNED, False, fixed(8, 4, overflow="SAT"), 2),
        # below zero there is nothing, or nothing any more
        (UNSIGNED, False, fixed(7, 3, overflow="SAT"), 1),
        (SIGNED, True, fixed(7, 3, signed=False, overflow="SAT"), 1),
        # the least value is just held, the greatest is not; and the other way round
        (SIGNED, False, fixed(8, 5, signed=False, overflow="SAT_ZERO"), 1),
        (SIGNED, False, fixed(9, 5, overflow="SAT_SYM"), 1),
        (SIGNED, False, fixed(9, 5, overflow="SAT"), 0),
    ],
)
def test_only_the_end_that_can_be_left_is_compared(source, relu, target, comparisons):
    text = requantize_module("q", source, (Cast(name="c", relu=relu, source=source, target=target),))
    kept = [line for line in text.splitlines() if " kept1 " in line]
    assert sum(line.count("?") for line in kept) == comparisons


@pytest.mark.parametrize(("source", "bits"), [(SIGNED, 9), (UNSIGNED, 8), (fixed(6, 3), 6), (fixed(1, 1), 1)])
def test_the_ports_are_as_wide_as_their_types(source, bits):
    for width in (4, 5, 12):
        target = fixed(width, 3)
        text = requantize_module("q", source, (Cast(name="c", relu=False, source=source, target=target),))
        assert f"input  wire [{bits - 1}:0] value," in text and f"output wire [{width - 1}:0] result\n" in text
