"""The catalogue of devices: its capacities against what real reports state, and every spelling of a part."""

from __future__ import annotations

import csv
import re

import pytest

from hlsflow.devices.boards import boards, find_board
from hlsflow.devices.catalogue import OTHER_MAKERS, devices, find_part
from hlsflow.foundation.errors import ConfigError
from hlsflow.foundation.part_name import part_of, spelled


def test_there_are_enough_parts_each_with_its_document():
    assert len(devices()) >= 40
    source = re.compile(r"AMD DS\d{3}|Lattice FPGA-DS-\d{5}|Gowin DS\d{3}")
    assert all(source.fullmatch(device.source) for device in devices().values())
    # A slice of Gowin's has eight LUTs and six flip-flops.
    assert all(4 * device.ff >= 3 * device.lut and device.lut > 0 for device in devices().values())


@pytest.mark.parametrize(
    ("spelling", "device", "speed"),
    [
        ("xc7z020clg400-1", "xc7z020", "1"),
        ("xc7z020-clg400-1", "xc7z020", "1"),
        ("7z020clg400-1", "xc7z020", "1"),
        ("xc7z007sclg225-1", "xc7z007s", "1"),
        ("xc7z007s-clg225-2", "xc7z007s", "2"),
        ("xcvu9pflgb2104-2", "xcvu9p", "2"),
        ("xcu250figd2104-2L", "xcu250", "2L"),
        ("xczu7ev-ffvc1156-2-e", "xczu7ev", "2"),
        ("xcvu13p-fhga2104", "xcvu13p", None),
        ("xck26-sfvc784-2LV-c", "xck26", "2LV"),
        ("7a200tlffg1156-2L", "xc7a200t", "2L"),
        ("xc7a35ticsg324-1L", "xc7a35t", "1L"),
        ("XC7Z020", "xc7z020", None),
    ],
)
def test_spellings(spelling, device, speed):
    part = find_part(spelling)
    assert (part.device.name, part.speed_grade) == (device, speed)


@pytest.mark.parametrize(
    ("spelling", "ours"),
    [
        ("7z020clg400-1", "xc7z020clg400-1"),
        ("xc7z020-clg400-1", "xc7z020clg400-1"),
        ("XC7Z020CLG400-1", "xc7z020clg400-1"),
        ("7a200tlffg1156-2L", "xc7a200tlffg1156-2L"),
        ("xa7z020clg400-1i", "xa7z020clg400-1I"),
        ("xcvu9pflgb2104-2", "xcvu9p-flgb2104-2"),
        ("xczu3egsbva484-1-e", "xczu3eg-sbva484-1-e"),
        ("xcvc1902-vsva2197-2mp-e-S", "xcvc1902-vsva2197-2MP-e-s"),
        # what is no part of AMD's is left as it is
        ("GW1NR-LV9QN88PC6/I5", "GW1NR-LV9QN88PC6/I5"), ("ICE40UP5K-SG48", "ICE40UP5K-SG48"),
        ("LFE5U-85F", "LFE5U-85F"), ("10AX115S2F45I1SG", "10AX115S2F45I1SG"), ("banana", "banana"), ("", ""),
    ],
)  # fmt: skip
def test_one_spelling_of_each_part(spelling, ours):
    assert spelled(spelling) == ours == spelled(ours)
    assert part_of(spelling).may_be(part_of(ours))


def test_the_parts_of_boards_and_reports_are_spelled_in_our_way_or_told_apart():
    parts = [board.part.name for board in boards().values() if board.part.device.family not in OTHER_MAKERS]
    assert [part for part in parts if spelled(part) != part or not part_of(part).is_plausible] == []
    assert [name for name in ("banana", "xc7z020clg400-1-2-3", "x", "") if part_of(name).is_plausible] == []


@pytest.mark.parametrize("name", ["u250", "Alveo U250", "PYNQ_Z2", "ultra96v2", "kv260"])
def test_boards_are_found_however_they_are_written(name):
    assert find_board(name)[0] in boards()


def test_an_unknown_part_names_the_nearest():
    with pytest.raises(ConfigError, match=r"no part 'xc7z021clg400-1' in the catalogue(.|\n)*did you mean 'xc7z02"):
        find_part("xc7z021clg400-1")


def test_capacities_are_what_the_tools_report(collected_reports):
    checked = set()
    with (collected_reports / "INDEX.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            stated = re.search(r"avail ([^;]*)", row["notes"])
            if row["part"]:
                device = find_part(row["part"]).device
                for word in stated.group(1).split() if stated else ():
                    name, value = word.split("=")
                    assert device.capacity({"DSP48E": "dsp"}.get(name, name.lower())) == int(value), (row["part"], word)
                    checked.add(device.name)
    assert len(checked) >= 15
    unsaid = {name for name in checked if not (devices()[name].confirmed_by or "").startswith("tool report of ")}
    assert unsaid == set()


def test_what_no_report_states_is_marked():
    assert devices()["xc7z020"].confirmed_by == "tool report of fastmachinelearning/hls4ml"
    assert devices()["xc7z010"].confirmed_by is None
