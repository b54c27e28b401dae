"""`hlsflow compare`: sources by name and path, outputs, and one clear error for each mistake."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from comparison_records import figure, record

from hlsflow.__main__ import main

DATA = Path(__file__).parents[1] / "data"
PROJECT_REPORT = """\


================================================================
== Vitis HLS Report for 'myproject'
================================================================
"""


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A workspace with two invented builds."""
    (tmp_path / "models").mkdir()
    (tmp_path / "hls_configs").mkdir()
    monkeypatch.chdir(tmp_path)
    for each in (record("small", bits=10, figures=(figure(),)), record("large", bits=99, accuracy=0.97)):
        path = tmp_path / "reports" / each.name / "build.json"
        path.parent.mkdir(parents=True)
        path.write_text(each.to_json())
    return tmp_path


def names_of(text: str) -> list[str]:
    return [row["design"]["name"] for row in json.loads(text)["rows"]]


def test_all_builds_are_written_to_reports(workspace, capsys):
    assert main(["compare"]) == 0
    assert sorted(path.name for path in (workspace / "reports").glob("comparison.*")) == [
        "comparison.csv",
        "comparison.html",
        "comparison.json",
        "comparison.md",
    ]
    assert "reports/small/build.json" in (workspace / "reports" / "comparison.json").read_text()
    output = capsys.readouterr()
    assert "large" in output.out and "wrote" in output.err
    assert main(["compare", "--check"]) == 0


def test_a_choice_of_builds_does_not_replace_the_comparison_of_all(workspace, capsys):
    assert main(["compare", "small"]) == 0
    assert not list((workspace / "reports").glob("comparison.*"))
    assert main(["compare", "small", "--output", "out"]) == 0
    assert names_of((workspace / "out" / "comparison.json").read_text()) == ["small"]


def test_json_alone_is_on_standard_output(workspace, capsys):
    assert main(["compare", "small", "large", "--json", "--baseline", "small", "--cost", "dsp"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["baseline"], said["cost"]) == ("small", "dsp")


def test_a_record_and_a_folder_of_records_by_path(workspace, capsys):
    assert main(["compare", "reports/small/build.json", "reports/large", "--json"]) == 0
    assert names_of(capsys.readouterr().out) == ["large", "small"]
    assert main(["compare", "reports", "--json"]) == 0
    assert names_of(capsys.readouterr().out) == ["large", "small"]


def test_parsed_reports_beside_a_build(workspace, capsys):
    (report,) = sorted(DATA.rglob("*csynth.xml"))[:1] or pytest.skip("no csynth.xml among the test data")
    assert main(["compare", "small", str(report), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    (project,) = [row for row in rows if row["design"]["kind"] == "project"]
    taken = project["measurements"][0]["measurement"]["figure"]
    assert taken["stage"] == "csynth" and taken["tool_version"] and taken["source_file"].endswith("csynth.xml")
    assert project["design"]["accuracy_csim"] is None
    assert project["design"]["name"] == Path(project["design"]["source_file"]).name
    assert project["reasons"][0]["text"] == "no accuracy: the reports of a tool do not state one"


def test_check_tells_what_is_out_of_date(workspace, capsys):
    main(["compare"])
    (workspace / "reports" / "comparison.csv").unlink()
    assert main(["compare", "--check"]) == 9
    message = capsys.readouterr().err
    assert (
        "out of date: " in message and "comparison.csv" in message and "comparison.md" not in message.split("out of")[1]
    )


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["smal"], 2, "did you mean 'small'?"),
        (["--baseline", "nothing"], 2, "--baseline nothing: not among what is compared"),
        (["small", "--baseline", "large"], 2, "--baseline large: not among what is compared"),
        (["empty"], 9, "empty: no report found"),
        (["broken.rpt"], 9, "broken.rpt: "),
    ],
)
def test_mistakes(workspace, capsys, words, code, message):
    (workspace / "empty").mkdir()
    (workspace / "broken.rpt").write_text(PROJECT_REPORT)
    assert main(["compare", *words]) == code
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error


@pytest.mark.parametrize("damage", ["{", '{"model": 3}', "[]", ""])
def test_a_damaged_record_is_named(workspace, capsys, damage):
    (workspace / "reports" / "small" / "build.json").write_text(damage)
    assert main(["compare"]) == 9
    assert "reports/small/build.json: " in capsys.readouterr().err


def test_no_build_at_all(workspace, capsys):
    for path in (workspace / "reports").glob("*/build.json"):
        path.unlink()
    assert main(["compare"]) == 2
    assert "no build to compare" in capsys.readouterr().err


def test_an_unwritable_folder_is_an_error(workspace, capsys):
    (workspace / "file").write_text("")
    assert main(["compare", "--output", "file/below"]) == 10
    assert "cannot write" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["build", "compare", "parse", "sweep", "train"])
def test_help_imports_nothing_that_takes_its_time(command):
    heavy = {"tensorflow", "keras", "numpy", "matplotlib", "scipy", "hls4ml", "qkeras"}
    code = (
        "import sys\nfrom hlsflow.__main__ import main\n"
        f"try:\n    main([{command!r}, '--help'])\nexcept SystemExit:\n    pass\n"
        f"print('heavy:', sorted(set(sys.modules) & {heavy!r}))"
    )
    flows = Path(__file__).parents[2] / "flows"
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=flows, capture_output=True, text=True)
    assert "heavy: []" in done.stdout


def test_projects_alone_are_compared_by_their_figures(workspace, capsys):
    assert main(["compare", str(DATA / "reports"), "--json"]) in (0, 9)
    said = json.loads(capsys.readouterr().out)
    rows = said["rows"]
    assert len(rows) > 2 and all(not row["reasons"] for row in rows)
    assert "vitis_hls_2024_1" in {row["design"]["name"] for row in rows}
    (base,) = [row for row in rows if row["is_baseline"]]
    assert base["design"]["name"] == said["baseline"]
    taken = [item["measurement"] for item in base["measurements"]]
    assert any(not item["contradictions"] for item in taken)
