"""Every rounding and overflow mode in Verilog, over every value of a type, against the definition in `fixed_point`."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from rtl_networks import fixed, needs_verilator, run_design

from hlsflow.conversion.fixed_point import FixedType, Overflow, Rounding, cast
from hlsflow.synthesis.rtl.design import RtlDesign, StreamPort
from hlsflow.synthesis.rtl.layers import Cast
from hlsflow.synthesis.rtl.requantize import requantize_module, signed_bits
from hlsflow.synthesis.verilator import Traffic

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
