"""Choices of the open path: target, architecture, reuse factors; tools found and missing; nextpnr's report."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from rtl_networks import network

from hlsflow.building.tools.open import check_equal
from hlsflow.devices.targets import find_target
from hlsflow.foundation.errors import ConfigError, MismatchError, ReportError, ToolError
from hlsflow.opentools import tools as open_tools
from hlsflow.opentools.design import (
    UNROLLED_DIGITS,
    Architecture,
    OpenOptions,
    choose,
    make_design,
    read_options,
    with_reuse_factors,
)
from hlsflow.opentools.nextpnr import parse_report
from hlsflow.rtl.adders import signed_digits

SMALL = network((16, 8, 4), (16, 8))


def test_targets():
    board = find_target("pynq-z2")
    assert (board.family, board.lut, board.ff, board.dsp, board.bram_18k) == ("xc7", 53_200, 106_400, 220, 280)
    assert find_target("xc7z020clg400-1").dsp == 220
    assert find_target("xcu250-figd2104-2L-e").family == "xcup"
    lattice = find_target("ULX3S-85F")
    assert (lattice.family, lattice.device, lattice.package, lattice.dsp) == ("ecp5", "lfe5u-85f", "CABGA381", 156)
    assert lattice.wiring is not None and find_target("ecp5-85f").wiring is None
    assert [find_target(name).family for name in ("tang-nano-9k", "tang-nano-20k", "icebreaker")] == [
        "gw1n", "gw2a", "ice40",
    ]  # fmt: skip


def test_an_unknown_target_gets_a_suggestion():
    with pytest.raises(
        ConfigError, match=r"no board or part 'ulx3s-85' for open synthesis\n  did you mean 'ulx3s-85f'\?"
    ):
        find_target("ulx3s-85")


def test_options():
    assert read_options({}) == OpenOptions()
    assert read_options({"architecture": "folded"}).architecture is Architecture.FOLDED
    with pytest.raises(ConfigError, match="no architecture 'fold'\n  did you mean 'folded'"):
        read_options({"architecture": "fold"})
    with pytest.raises(ConfigError, match="no option 'devise'\n  did you mean 'device'"):
        read_options({"devise": "pynq-z2"})


def test_signed_digits_are_those_of_the_canonical_form():
    # 0: none; 1, 7 = 8 - 1, -5 = -4 - 1, 6 = 8 - 2, 3 = 4 - 1
    assert signed_digits([np.array([[0, 1], [7, -5]]), np.array([[6, 3]])]) == 0 + 1 + 2 + 2 + 2 + 2


def test_architecture_by_size():
    assert choose(SMALL, OpenOptions())[0] is Architecture.UNROLLED
    large = replace(SMALL, layers=(replace(SMALL.layers[0], weights=np.full((100, 100), 1)),))
    assert signed_digits([large.layers[0].weights]) > UNROLLED_DIGITS
    assert choose(large, OpenOptions())[0] is Architecture.FOLDED
    assert choose(large, OpenOptions(architecture=Architecture.UNROLLED))[0] is Architecture.UNROLLED
    assert choose(SMALL, OpenOptions(reuse_factors={"fc0": 2}))[0] is Architecture.FOLDED


def test_reuse_factors_replace_the_configurations():
    changed = with_reuse_factors(SMALL, {"fc1": 16})
    assert [layer.reuse_factor for layer in changed.layers] == [16, 16]
    with pytest.raises(ConfigError, match="no layer 'fc2' takes a reuse factor"):
        with_reuse_factors(SMALL, {"fc2": 16})
    with pytest.raises(ConfigError, match="reuse factor 0 of layer 'fc1': at least 1"):
        with_reuse_factors(SMALL, {"fc1": 0})


def test_a_device_with_few_multipliers_raises_the_reuse_and_says_so():
    target = replace(find_target("pynq-z2"), dsp=9)
    design = make_design(SMALL, "net", target, OpenOptions(architecture=Architecture.FOLDED))
    assert design.notes[0] == "folded: asked for"
    assert design.notes[-1] == "fc1: reuse factor raised from 8 to 32, xc7z020clg400-1 has 9 multipliers"


def test_the_first_wrong_integer_is_named():
    design = make_design(SMALL, "net", find_target("pynq-z2"), OpenOptions(architecture=Architecture.FOLDED))
    expected = np.arange(8).reshape(2, 4)
    check_equal(design, expected, expected, "C simulation")
    wrong = expected.copy()
    wrong[1, 2] = 99
    with pytest.raises(
        MismatchError, match="differs from C simulation in 1 of 8 integers of 'fc1'; first: sample 1, value 2"
    ):
        check_equal(design, wrong, expected, "C simulation")


def test_every_tool_has_the_command_that_installs_it():
    states = open_tools.open_tools()
    assert [state.name for state in states] == [
        "Verilator", "Yosys", "nextpnr-ecp5", "ecppack", "nextpnr-ice40", "icepack", "nextpnr-himbaechel-gowin",
        "gowin_pack", "openFPGALoader", "da4ml",
    ]  # fmt: skip
    installs = ("sudo apt-get install ", "uv sync --extra open", "uv sync --extra board")
    assert all(state.install.startswith(installs) for state in states)


def test_a_missing_tool_is_an_error_with_its_command():
    with pytest.raises(
        ToolError, match=r"Verilator was not found\n  install it: sudo apt-get install verilator g\+\+ make"
    ):
        open_tools.needed(None, "Verilator")


def test_a_program_is_asked_for_its_version(tmp_path, monkeypatch):
    stand_in = tmp_path / "yosys"
    stand_in.write_text("#!/bin/sh\necho 'Yosys 0.23 (git sha1 7ce5011c24b)'\n")
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(open_tools, "package", lambda name: None)
    found = open_tools.find_yosys.__wrapped__()
    assert (found.version, found.command, found.webassembly) == ("0.23", (str(stand_in),), False)


def test_nextpnr_report():
    text = json.dumps(
        {
            "fmax": {"$glbnet$aclk": {"achieved": 90.63, "constraint": 100}},
            "utilization": {"DP16KD": {"available": 208, "used": 56}},
        }
    )
    routed = parse_report(text, "nextpnr.json")
    assert (routed.clock_mhz, routed.used) == (90.63, {"DP16KD": 56})
    for broken in ("", "{}", '{"fmax": {}, "utilization": {}}'):
        with pytest.raises(ReportError, match=r"nextpnr\.json: no report of nextpnr"):
            parse_report(broken, "nextpnr.json")


def test_sparse_is_asked_for_and_says_where_it_does_not_pay():
    net = network((392, 24, 10), (392, 24), zeros=0.8)
    options = read_options({"architecture": "sparse"})
    design = make_design(net, "net", find_target("pynq-z2"), options)
    assert design.architecture == "sparse" and "sparse: asked for" in design.notes
    assert any("weights not zero" in note for note in design.notes)
    full = replace(net.layers[0], weights=np.ones((392, 24), dtype=np.int64))
    dense = make_design(replace(net, layers=(full, net.layers[1])), "net", find_target("pynq-z2"), options)
    assert dense.architecture == "folded"
    assert dense.notes[0] == "folded: sparse was asked for, and no layer gains by it"
    assert choose(net, OpenOptions())[0] is not Architecture.SPARSE
