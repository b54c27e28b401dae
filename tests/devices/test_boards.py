"""The catalogue of boards: every name that a board has, and what is said of a name that no board has."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from hlsflow.__main__ import main
from hlsflow.devices.boards import boards, find_amd_board, find_board
from hlsflow.devices.targets import find_target
from hlsflow.foundation.errors import ConfigError


def test_every_board_has_a_part_of_the_catalogue_with_a_speed_grade():
    for name, board in boards().items():
        assert find_board(name) == (name, board.part)
        assert board.part.speed_grade is not None, name


def test_no_two_boards_share_a_name():
    owner: dict[str, str] = {}
    for name, board in boards().items():
        for spelling in board.spellings:
            assert owner.setdefault(spelling, name) == name


@pytest.mark.parametrize(
    ("written", "board"),
    [
        ("u250", "alveo-u250"), ("Alveo U250", "alveo-u250"), ("PYNQ_Z2", "pynq-z2"), ("ultra96v2", "ultra96-v2"),
        ("kv260", "kv260"), ("Kria KV260", "kv260"), ("arty-a7-35t", "arty-a7-35"), ("Arty A7-35T", "arty-a7-35"),
        ("Digilent Arty A7-35T", "arty-a7-35"), ("arty a7-100T", "arty-a7-100"), ("Cmod A7-35T", "cmod-a7-35"),
        ("Nexys A7-100T", "nexys-a7-100"), ("Basys 3", "basys3"), ("ULX3S-85F", "ulx3s-85f"),
        ("digilentinc.com:arty-a7-35:part0:1.0", "arty-a7-35"),
        ("tul.com.tw:pynq-z2:part0:1.0", "pynq-z2"), ("xilinx.com:zcu104:part0:1.1", "zcu104"),
        ("RFSoC 4x2", "rfsoc4x2"), ("LFE5U-85F", "ecp5-85f"),
    ],
)  # fmt: skip
def test_a_board_is_found_however_it_is_written(written, board):
    assert find_board(written)[0] == board


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("pynq", "'pynq' may be pynq-z1, pynq-z2 or pynq-zu\n  name one of them; all boards: hlsflow boards"),
        ("ulx3s", "'ulx3s' may be ulx3s-12f, ulx3s-25f, ulx3s-45f or ulx3s-85f\n  name one"),
        ("arty-s7", "'arty-s7' may be arty-s7-25 or arty-s7-50\n"),
        ("zcu", "'zcu' may be zcu102, zcu104, zcu106 or zcu111\n"),
        ("pinq-z2", "no board or part 'pinq-z2'\n  did you mean 'pynq-z2'?"),
        ("pynq-z9", "no board or part 'pynq-z9'\n  did you mean 'pynq-z1', 'pynq-z2' or 'pynq-zu'?"),
        ("ulx3s-85", "no board or part 'ulx3s-85'\n  did you mean 'ulx3s-85f'?"),
        ("a7-35t", "no board or part 'a7-35t'\n  did you mean 'arty-a7-35' or 'cmod-a7-35'?"),
        ("qqqq", "no board or part 'qqqq'\n  all boards: hlsflow boards"),
        ("xc7z021clg400-1", "no part 'xc7z021clg400-1' in the catalogue of devices\n  did you mean 'xc7z02"),
    ],
)
def test_a_name_that_is_no_boards(written, message):
    with pytest.raises(ConfigError) as error:
        find_board(written)
    assert str(error.value).startswith(message)


def test_a_part_is_its_own_name():
    assert find_board("xc7z020clg400-1")[0] == "xc7z020"
    board, part = find_board("lfe5u-85f-6cabga381")
    assert (board, part.name, part.package) == ("lfe5u-85f", "LFE5U-85F-6CABGA381", "CABGA381")
    assert find_target("LFE5U-85F-6CABGA381") == replace(find_target("ulx3s-85f"), wiring=None)
    for spelling, device, package, speed in (
        ("gw1nr-lv9qn88pc6/i5", "gw1nr-9", "QN88P", "C6/I5"),
        ("GW2AR-LV18QN88C8/I7", "gw2ar-18", "QN88", "C8/I7"),
        ("ice40up5k-sg48", "ice40up5k", "SG48", ""),
    ):
        board, part = find_board(spelling)
        assert (board, part.name, part.package, part.speed_grade) == (device, spelling.upper(), package, speed)
    with pytest.raises(ConfigError, match="no part 'GW1NR-LV4QN88PC6/I5' in the catalogue"):
        find_board("GW1NR-LV4QN88PC6/I5")


def test_every_board_is_synthesized_by_something_and_the_open_path_takes_what_it_is_said_to():
    for name, board in boards().items():
        assert board.synthesized_by
        if "open" in board.synthesized_by:
            target = find_target(name)
            assert (target.name, target.lut) == (board.part.name, board.part.device.lut)
        else:
            with pytest.raises(ConfigError, match="Yosys has no cells of versal"):
                find_target(name)


@pytest.mark.parametrize("command", [["fit", "digits6"], ["estimate", "digits6", "--part"]])
def test_hls_refuses_a_board_of_another_maker(workspace, capsys, tmp_path, command):
    with pytest.raises(ConfigError, match=r"LFE5U-85F-6CABGA381 is no part of AMD's(.|\n)*--synth open --device ulx3s"):
        find_amd_board("ulx3s-85f")
    if command[0] == "fit":
        assert main([*command, "ulx3s-85f", "--workspace", str(workspace.root)]) == 3
        assert "no part of AMD's" in capsys.readouterr().err


def test_the_list_has_every_board_with_its_names_and_tools(capsys):
    assert main(["boards"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in lines[1 : 1 + len(boards())]} == set(boards())
    row = next(line for line in lines if line.startswith("arty-a7-35 "))
    assert re.search(r"Digilent +Arty A7-35T +xc7a35ticsg324-1L +20,800 +41,600 +90 +100 +0 +vitis, vivado, open$", row)
    assert main(["boards", "ulx3s", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [item["board"] for item in found] == ["ulx3s-12f", "ulx3s-25f", "ulx3s-45f", "ulx3s-85f"]
    assert found[-1]["lut"] == 83640 and found[-1]["synthesized_by"] == ["open"]
    assert main(["boards", "nonsense"]) == 3
