"""The catalogue of devices: its capacities against what real reports state, and every spelling of a part."""

from __future__ import annotations

import csv
import re

import pytest

from hlsflow.devices.catalogue import devices, find_part
from hlsflow.foundation.errors import ConfigError


def test_there_are_enough_parts_each_with_its_document():
    assert len(devices()) >= 40
    assert all(re.fullmatch(r"AMD DS\d{3}|Lattice FPGA-DS-\d{5}", device.source) for device in devices().values())
    assert all(device.ff >= device.lut and device.lut > 0 for device in devices().values())


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
