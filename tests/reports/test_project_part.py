"""Where the part of a stranger's project is found, in which order, and that two files that disagree are named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from estimate_designs import dense_project, matrix

from hlsflow.__main__ import main
from hlsflow.foundation.errors import ConfigError
from hlsflow.reports.project_config import configs_in
from hlsflow.reports.project_part import part_of_project

REPORTS = Path(__file__).parents[1] / "data" / "reports"
XPR = '<Project>\n<Option Name="Id" Val="1"/>\n<Option Name="Part" Val="{part}"/>\n</Project>'


@pytest.fixture
def silent(tmp_path) -> Path:
    """A project whose configuration names no part."""
    return dense_project(tmp_path / "project", [matrix(16, 8)], Part="null")


def with_file(root: Path, name: str, part: str) -> Path:
    """A project's file that names a part; a report is one that a tool wrote, for xc7z020clg400-1."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".rpt":
        text = (REPORTS / "vivado_hls_2018_3" / "digits_csynth.rpt").read_text()
        path.write_text(text.replace(_part_of_report(text), part))
    elif path.suffix == ".xpr":
        path.write_text(XPR.format(part=part))
    else:
        path.write_text(f'variable part "{part}"\nset clock_period 5\n')
    # A process reads a folder's configuration once.
    configs_in.cache_clear()
    return path


def _part_of_report(text: str) -> str:
    return next(line.split()[-1] for line in text.splitlines() if "Target device" in line)


FILES = ["project.tcl", "net_prj/solution1/syn/report/net_csynth.rpt", "net_vivado/project_1.xpr"]


@pytest.mark.parametrize("name", FILES)
def test_a_part_is_found_in_each_of_its_places_and_the_place_is_said(silent, capsys, name):
    assert main(["estimate", str(silent)]) == 7
    assert "--part" in capsys.readouterr().err
    path = with_file(silent, name, "xczu7ev-ffvc1156-2-e")
    assert main(["estimate", str(silent)]) == 0
    out = capsys.readouterr().out
    assert "xczu7ev-ffvc1156-2-e, 5 ns" in out and f"Part xczu7ev-ffvc1156-2-e: from {path}." in out
    assert main(["estimate", str(silent), "--json"]) == 0
    assert f"part xczu7ev-ffvc1156-2-e is from {path}" in json.loads(capsys.readouterr().out)[0]["notes"]


def test_they_are_asked_in_this_order(silent):
    for number in reversed(range(len(FILES))):
        path = with_file(silent, FILES[number], ("xc7z020clg400-1", "xc7z020-clg400-1", "7z020clg400-1")[number])
        assert part_of_project(silent).source_file == str(path)
    (silent / "hls4ml_config.yml").write_text("Backend: Vivado\nPart: xc7z020clg400-1\n")
    configs_in.cache_clear()
    assert part_of_project(silent).source_file == str(silent / "hls4ml_config.yml")


@pytest.mark.parametrize(("one", "other"), [(FILES[0], FILES[1]), (FILES[0], FILES[2]), (FILES[1], FILES[2])])
def test_two_files_that_disagree_are_both_named_unless_the_part_is_given(silent, capsys, one, other):
    first = with_file(silent, one, "xc7z020clg400-1")
    second = with_file(silent, other, "xcu250-figd2104-2L-e")
    assert main(["estimate", str(silent)]) == 3
    said = capsys.readouterr().err
    assert f"{first} says part xc7z020clg400-1, but {second} says xcu250-figd2104-2L-e" in said and "--part" in said
    assert main(["estimate", str(silent), "--part", "pynq-z2"]) == 0


def test_a_part_that_no_catalogue_has_is_said_with_its_file(silent):
    path = with_file(silent, "project.tcl", "xc9z999")
    with pytest.raises(ConfigError, match=rf"{path}: no part 'xc9z999' in the catalogue"):
        part_of_project(silent)


def test_what_is_no_vivado_project_says_nothing(silent):
    (silent / "a.xpr").mkdir()
    (silent / "b.xpr").write_bytes(b"\xff\xfe\x00")
    (silent / "loop").symlink_to(silent)
    assert part_of_project(silent) is None
