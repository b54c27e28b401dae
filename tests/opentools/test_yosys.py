"""Yosys' counts and paths as figures, and a real run on a tiny network."""

from __future__ import annotations

import json

import pytest
from rtl_networks import network

from hlsflow.devices.targets import find_target
from hlsflow.foundation.errors import ReportError, ToolError
from hlsflow.opentools.figures import synthesis_figures
from hlsflow.opentools.tools import OpenTool
from hlsflow.opentools.yosys import script, synthesize
from hlsflow.opentools.yosys_stat import Cells, parse_sta, parse_stat
from hlsflow.rtl.folded import folded_design

STAT = json.dumps(
    {
        "modules": {
            "\\layer_fc1": {"num_cells_by_type": {"LUT5": 20, "FDRE": 7, "DSP48E1": 2, "RAMB18E1": 3, "CARRY4": 4}},
            "\\top": {"num_cells_by_type": {"LUT2": 1, "layer_fc1": 1}},
        },
        "design": {
            "num_cells_by_type": {
                "LUT5": 20, "LUT2": 1, "FDRE": 7, "FDSE": 1, "DSP48E1": 2, "RAMB18E1": 3, "RAMB36E1": 2, "INV": 9,
                "SRL16E": 2, "RAM32M": 1, "layer_fc1": 1,
            }
        },
    }
)  # fmt: skip

STA = """\
6. Executing STA pass (static timing analysis).
Latest arrival time in 'top' is 3455:
    3455 $auto$ff.cc:337:slice$17249 (FDSE.S)
           $abc$225736$aiger$o19597
    3051 $abc$225736$lut$aiger$o19597 (LUT2.I1->O)
           \\sum_data [20]
     303 $auto$ff.cc:337:slice$15133 (FDRE.C->Q)

Arrival histogram:
(  3560,   3382] |+
"""


def test_counts():
    stat = parse_stat(STAT, "stat.json")
    # LUTs: 21, two shift registers, a memory of four; inverters are none.
    assert (stat.whole.lut, stat.whole.ff, stat.whole.dsp, stat.whole.bram_18k) == (27, 8, 2, 7)
    layer = stat.modules["layer_fc1"]
    assert (layer.lut, layer.ff, layer.dsp, layer.bram_18k) == (20, 7, 2, 3)
    assert str(layer) == "CARRY4 4, LUT5 20, RAMB18E1 3"


def test_ecp5_counts():
    cells = Cells(kinds={"LUT4": 10, "CCU2C": 3, "TRELLIS_FF": 5, "MULT18X18D": 2, "DP16KD": 4})
    assert (cells.lut, cells.ff, cells.dsp, cells.bram_18k) == (16, 5, 2, 4)


def test_longest_path():
    path = parse_sta(STA, "sta.txt")
    assert path.delay_ns == 3.455
    assert path.points == ("3.455 ns FDSE.S", "3.051 ns LUT2.I1->O", "0.303 ns FDRE.C->Q")


@pytest.mark.parametrize("text", ["", "{}", '{"modules": {"a": 1}, "design": {}}', "[1]"])
def test_a_broken_stat_is_named(text):
    with pytest.raises(ReportError, match=r"stat\.json: no output of Yosys' stat -json"):
        parse_stat(text, "stat.json")


def test_a_missing_path_is_named():
    with pytest.raises(ReportError, match=r"sta\.txt: no line 'Latest arrival time in …'"):
        parse_sta("Warning: nothing", "sta.txt")


def test_the_script_counts_layers_before_it_flattens():
    lines = script(folded_design(network((3, 2), (3,)), "top"), "xc7").splitlines()
    assert "synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -top top" in lines
    assert lines.index("tee -q -o stat.json stat -json -top top") < lines.index("flatten")
    assert lines[-1] == "tee -q -o sta.txt sta"
    assert script(folded_design(network((3, 2), (3,)), "top"), "ecp5").splitlines()[-1] == "write_json netlist.json"


@pytest.mark.parametrize(
    ("device", "dsp"),
    [
        ("pynq-z2", 6),
        ("ulx3s-85f", 6),
        pytest.param("kv260", 6, marks=pytest.mark.slow),
        pytest.param("kcu105", 6, marks=pytest.mark.slow),
    ],
)
def test_a_tiny_network_is_synthesized(tmp_path, yosys, device, dsp):
    target = find_target(device)
    design = folded_design(network((5, 4, 2), (5, 4)), "top")
    tool = yosys
    synthesis = synthesize(design, target.family, tmp_path, tool)
    assert synthesis.stat.whole.dsp == dsp
    assert (synthesis.longest_path is not None) == (target.family == "xc7")
    figures = synthesis_figures(design, tool, target, synthesis, "stat.json", 10.0)
    assert [figure.module for figure in figures] == [None, "fc0", "fc1"]
    assert all(figure.stage == "open-synthesis" and figure.tool_version == tool.version for figure in figures)
    whole, *layers = figures
    # The top module has counters of its own.
    assert sum(layer.ff or 0 for layer in layers) < (whole.ff or 0)
    assert sum(layer.dsp or 0 for layer in layers) == dsp
    assert whole.dsp_available == target.dsp
    assert target.family in whole.notes[0] and tool.version in whole.notes[0]


def test_a_failing_yosys_is_reported(tmp_path):
    tool = OpenTool(name="Yosys", command=("/bin/false",), version="0")
    with pytest.raises(ToolError, match="Yosys for xc7: exit code 1"):
        synthesize(folded_design(network((3, 2), (3,)), "top"), "xc7", tmp_path, tool)
