"""Constraints of each family, nextpnr's report of each family, and what does not fit a device."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from rtl_networks import network

from hlsflow.boards.design import board_design
from hlsflow.devices.targets import boards_that_hold, find_target
from hlsflow.devices.wiring import wirings
from hlsflow.foundation.errors import UnsupportedError
from hlsflow.opentools import nextpnr, yosys
from hlsflow.opentools.capacity import check_cells, check_memories, memory_bits
from hlsflow.opentools.constraints import Chip, cst, lpf, pcf
from hlsflow.opentools.design import Architecture, OpenOptions, choose, make_design
from hlsflow.opentools.figures import route_figure
from hlsflow.opentools.tools import OpenTool, find_packer, find_router, find_yosys
from hlsflow.opentools.yosys_stat import Cells
from hlsflow.rtl.folded import folded_design

NET = network((6, 5, 3), (6, 5))


def chip(name: str) -> Chip:
    wiring = wirings()[name]
    return Chip(clock="clk", period_ns=wiring.period_ns, pins=wiring.ports())


def test_constraints_of_a_core_are_its_clock():
    assert lpf(Chip(clock="aclk", period_ns=10.0)) == 'FREQUENCY PORT "aclk" 100.000 MHZ;\n'
    assert pcf(Chip(clock="aclk", period_ns=50.0)) == "set_frequency aclk 20.000\n"


def test_constraints_of_a_board_are_its_pins():
    lines = lpf(chip("ulx3s-85f")).splitlines()
    assert lines[0] == 'FREQUENCY PORT "clk" 25.000 MHZ;'
    assert 'LOCATE COMP "tx" SITE "L4";' in lines
    assert 'IOBUF PORT "reset" IO_TYPE=LVCMOS33 PULLMODE=DOWN;' in lines
    assert pcf(chip("icebreaker")).splitlines() == [
        "set_frequency clk 12.000", "set_io clk 35", "set_io -pullup yes reset 10", "set_io rx 6", "set_io tx 9",
        "set_io led 37",
    ]  # fmt: skip
    lines = cst(chip("tang-nano-9k")).splitlines()
    assert 'IO_LOC "clk" 52;' in lines and 'IO_PORT "led" IO_TYPE=LVCMOS18;' in lines
    assert 'IO_PORT "reset" IO_TYPE=LVCMOS18 PULL_MODE=UP;' in lines


@pytest.mark.parametrize(
    ("device", "used", "figures"),
    [
        ("ulx3s-85f", {"TRELLIS_COMB": 70, "TRELLIS_FF": 60, "MULT18X18D": 5, "DP16KD": 4}, (70, 60, 5, 4)),
        ("icebreaker", {"ICESTORM_LC": 70, "ICESTORM_DSP": 5, "ICESTORM_RAM": 4}, (70, None, 5, 4)),
        # Two products of nine bits are a multiplier of eighteen; a memory of 16 words takes six LUTs.
        ("tang-nano-9k", {"LUT4": 50, "ALU": 8, "RAM16SDP4": 2, "DFF": 60, "MULT9X9": 9, "BSRAM": 4}, (70, 60, 5, 4)),
    ],
)
def test_what_nextpnr_placed(device, used, figures):
    report = {
        "fmax": {"clk": {"achieved": 50.0, "constraint": 12}},
        "utilization": {kind: {"available": 9000, "used": count} for kind, count in used.items()},
    }
    routed = nextpnr.parse_report(json.dumps(report), "nextpnr.json")
    figure = route_figure(OpenTool(name="nextpnr", command=(), version="1"), find_target(device), routed, "f", 40.0, [])
    assert (figure.lut, figure.ff, figure.dsp, figure.bram_18k) == figures
    assert (figure.ff_available is None) == (figure.ff is None)
    assert (figure.clock_achieved_ns, figure.slack_ns) == (20.0, 20.0)


@pytest.mark.parametrize(
    ("kinds", "figures"),
    [
        ({"SB_LUT4": 10, "SB_CARRY": 4, "SB_DFFESR": 3, "SB_DFF": 2, "SB_MAC16": 2, "SB_RAM40_4K": 3}, (10, 5, 2, 3)),
        (
            {"LUT4": 4, "LUT2": 1, "ALU": 2, "RAM16SDP4": 1, "DFFRE": 3, "DFF": 1, "DFFSE": 1, "MULT9X9": 3, "SPX9": 2},
            (13, 5, 2, 2),
        ),
    ],
)
def test_what_yosys_counted(kinds, figures):
    cells = Cells(kinds=kinds)
    assert (cells.lut, cells.ff, cells.dsp, cells.bram_18k) == figures


def test_what_does_not_fit_is_refused_with_what_would_hold_it():
    target = find_target("icebreaker")
    check_cells("net", Cells(kinds={"SB_LUT4": 5280, "SB_RAM40_4K": 30}), target)
    with pytest.raises(
        UnsupportedError,
        match=r"net does not fit ICE40UP5K-SG48: Yosys counts 9,000 LUT of 5,280, 131,072 bits of block RAM of "
        r"122,880\n  boards that hold it: tang-nano-20k, ulx3s-12f, ulx3s-25f, ulx3s-45f, ulx3s-85f; or give layers",
    ):
        check_cells("net", Cells(kinds={"SB_LUT4": 9000, "SB_RAM40_4K": 32}), target)
    with pytest.raises(UnsupportedError, match="no board of the open path holds it"):
        check_cells("net", Cells(kinds={"SB_LUT4": 90_000}), target)


def test_weights_that_are_more_than_the_block_ram_are_refused_before_synthesis():
    design = folded_design(network((300, 80, 3), (2400, 24), seed=2), "net")
    deep = [rows.split() for rows in design.memories.values() if len(rows.split()) > 64]
    assert memory_bits(design) == sum(len(rows) * max(int(row, 16) for row in rows).bit_length() for rows in deep) > 0
    target = find_target("icebreaker")
    check_memories(design, target)
    with pytest.raises(UnsupportedError, match=r"does not fit \S+: its weights [\d,]+ bits of block RAM of 4,096\n"):
        check_memories(design, replace(target, bram_18k=1))


def test_boards_that_hold_are_the_smallest_first():
    assert boards_that_hold({"lut": 5_000})[0] == "icebreaker"
    assert boards_that_hold({"lut": 80_000}) == ["ulx3s-85f"]
    assert boards_that_hold({"dsp": 200}) == []


def test_a_small_device_folds_what_a_large_one_unrolls():
    large = network((64, 32, 10), (64, 32))
    assert choose(large, OpenOptions(), find_target("ecp5-85f"))[0] is Architecture.UNROLLED
    architecture, why = choose(large, OpenOptions(), find_target("ICE40UP5K-SG48"))
    assert architecture is Architecture.FOLDED and why.endswith("too many adders for 5,280 LUT")
    architecture, why = choose(large, OpenOptions(), find_target("ulx3s-85f"))
    assert (architecture, why) == (Architecture.FOLDED, "the serial line of ulx3s-85f is slower than either")
    assert make_design(large, "net", find_target("icebreaker"), OpenOptions()).architecture == "folded"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["icebreaker", "tang-nano-9k", "tang-nano-20k", "ulx3s-12f"])
def test_a_tiny_network_becomes_a_bitstream_whose_clock_is_met(tmp_path, yosys, name):
    target = find_target(name)
    tools = find_router(target.family), find_packer(target.family)
    if None in tools:
        pytest.skip(f"need nextpnr and a packer of {target.family} | uv sync --extra open --extra board")
    router, packer = tools
    design = board_design(folded_design(NET, "net"), target.wiring)
    synthesis = yosys_of(design, target, tmp_path)
    check_cells("net", synthesis.stat.whole, target)
    routed = nextpnr.place_and_route(target, tmp_path, router, chip(name))
    assert routed.clock_mhz * 1e6 > target.wiring.clock_hz
    bitstream = nextpnr.pack(target, tmp_path, packer)
    assert bitstream == nextpnr.bitstream_of(target, tmp_path)
    assert bitstream.stat().st_size > 10_000


def yosys_of(design, target, folder):
    return yosys.synthesize(design, target.family, folder, find_yosys(), pads=True)
