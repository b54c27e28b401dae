"""No CSV of ours holds a formula, whoever wrote its cells; and every writer of CSV goes through one helper."""

from __future__ import annotations

import csv
import io
import re
import runpy
from pathlib import Path

import pytest
from comparison_records import compared, figure, record

from hlsflow.comparison.csv_rows import csv_text as comparison_csv
from hlsflow.exploring.row import Row
from hlsflow.exploring.table import csv_text as sweep_csv
from hlsflow.foundation.csv_text import cell, csv_text

FLOWS = Path(__file__).resolve().parents[2] / "flows" / "hlsflow"
LINK = '=HYPERLINK("http://evil")'
FORMULAS = [
    LINK, "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "\r=1", "\n=1", " =1", "-x", "--1", "\uff1d1+1", "+",
]  # fmt: skip


def cells(text: str) -> list[str]:
    return [value for row in csv.reader(io.StringIO(text, newline="")) for value in row]


def formulas(text: str) -> list[str]:
    """The cells that a spreadsheet would compute."""
    return [value for value in cells(text) if value.lstrip()[:1] in tuple("=+@") or re.match(r"-(?![\d.])", value)]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_becomes_a_text(text):
    shown = text.replace("\r", "\n")
    assert cell(text) == f"'{shown}"
    assert cells(csv_text([{"a": text}], ["a"])) == ["a", f"'{shown}"]


def test_a_carriage_return_begins_no_row():
    assert cells(csv_text([{"a": "b\r=1\r\n=2"}], ["a"])) == ["a", "b\n=1\n=2"]


@pytest.mark.parametrize(
    "value", [-1, -0.5, 3.0, True, None, "-1", "-1.5e-3", "+7", "-.5", "", "qap8", "a=b", "3 - 2", "(-1)", "'=1"]
)
def test_everything_else_stays_what_it_is(value):
    assert cell(value) is value


def test_a_header_is_no_formula_either():
    assert csv_text([{"=1": 1}], ["=1"]) == "'=1\n1\n"


def test_a_table_keeps_its_form():
    text = csv_text([{"a": 1, "b": None}, {"b": 'x,"y'}], ["a", "b"])
    assert text == 'a,b\n1,\n,"x,""y"\n'
    with pytest.raises(ValueError, match="no column"):
        csv_text([{"c": 1}], ["a"])


def test_the_comparison_holds_none():
    """Title, tool and part are free texts of somebody's record."""
    hostile = record(figures=(figure(tool=LINK, part="@SUM(1)", source_file="+x"),)).model_copy(update={"title": LINK})
    text = comparison_csv(compared(hostile))
    assert text.count("HYPERLINK") == 2 and formulas(text) == []


def test_the_table_of_a_sweep_holds_none():
    row = Row(point="p", title=LINK, kind="train", family="f", parameters={"=a": "@b"}, columns={}, error="-x")
    text = sweep_csv([row])
    assert "HYPERLINK" in text and "'=a" in cells(text) and formulas(text) == []


def test_the_rows_of_parse_hold_none(tmp_path, capsys):
    from hlsflow.__main__ import main

    template = runpy.run_path(str(Path(__file__).parents[1] / "stand_ins" / "stand_in.py"))["CSYNTH_XML"]
    text = template.format(version="2099.1", part="@part", top="=top", clock=10.0, lut=7, ff=8, dsp=0, bram=0)
    (tmp_path / "=1_csynth.xml").write_text(text)
    assert main(["parse", "--csv", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "=top" in text and formulas(text) == []


def test_no_other_module_writes_csv():
    writers = re.compile(r"csv\.(DictWriter|writer)\b")
    found = [path.relative_to(FLOWS).as_posix() for path in FLOWS.rglob("*.py") if writers.search(path.read_text())]
    assert found == ["foundation/csv_text.py"]
