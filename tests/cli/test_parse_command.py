"""`hlsflow parse` as a person and as a program uses it."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hlsflow.__main__ import main
from hlsflow.reports.codec import from_data
from hlsflow.reports.run import Run

SAMPLES = Path(__file__).parents[1] / "data" / "reports"


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "tree" / "digits"
    shutil.copytree(SAMPLES / "vitis_hls_2024_1", root / "digits_prj/solution1/syn/report")
    shutil.copy(SAMPLES / "vivado/vivado_synth.rpt", root)
    shutil.copy(SAMPLES / "simulation/vitis_hls.log", root)
    (root / "digits_prj/solution1/sim/report").mkdir(parents=True)
    shutil.copy(SAMPLES / "simulation/vitis/digits_cosim.rpt", root / "digits_prj/solution1/sim/report")
    return root


def test_the_table_states_stage_tool_part_and_file_with_every_row(project, capsys):
    assert main(["parse", str(project)]) == 0
    shown = capsys.readouterr().out
    stages = [line for line in shown.splitlines() if line.startswith(("csynth:", "logic-synthesis:", "cosim:"))]
    assert stages == [
        "csynth: estimates of C synthesis",
        "logic-synthesis: counted by Vivado, not placed",
        "cosim: C/RTL co-simulation",
    ]
    assert "vitis_hls 2024.1 · xczu7ev-ffvc1156-2-e · digits_prj/solution1/syn/report/csynth.xml (+2)" in shown
    assert "vivado 2020.1 · xc7z020clg400-1 · vivado_synth.rpt" in shown
    assert "BRAM: 16.5 tiles of 36 Kb x 2" in shown
    assert "7 reports read · 3 runs shown" in shown


def test_the_values_of_a_row(project, capsys):
    main(["parse", str(project)])
    lines = capsys.readouterr().out.splitlines()
    (row,) = [line.split() for line in lines if " 27194 " in f"{line} "]
    assert row == ["10", "20", "200", "7", "27194", "1721", "334", "4", "0"]
    (shares,) = [line.split() for line in lines if "11.8%" in line and "6.914" in line]
    assert shares == ["6.914", "138.28", "11.8%", "0.4%", "19.3%", "0.6%", "0.0%"]


def test_an_unknown_is_a_dash(project, capsys):
    main(["parse", str(project)])
    (row,) = [line.split() for line in capsys.readouterr().out.splitlines() if "18210" in line]
    assert row == ["18210", "9250", "24", "33", "-"]


def test_two_stages_never_share_a_block(project, capsys):
    main(["parse", str(project)])
    blocks = capsys.readouterr().out.split("\n\n")
    assert not any("27194" in block and "18210" in block for block in blocks)


def test_modules(project, capsys):
    main(["parse", "--modules", str(project)])
    shown = capsys.readouterr().out
    assert "csynth: modules of digits" in shown
    (line,) = [line for line in shown.splitlines() if line.endswith("  dense_latency_config2")]
    assert line.split()[:5] == ["<=2", "<=2", "no", "24253", "1025"]
    assert any(line.endswith("loop Product") for line in shown.splitlines())


def test_duplicates_submodules_and_logs_are_shown_with_all(project, capsys):
    shutil.copytree(project, project.parent / "copy")
    report = project / "digits_prj/solution1/syn/report"
    text = (report / "digits_csynth.rpt").read_text().replace("Report for 'digits'", "Report for 'relu_config3_s'")
    (report / "relu_config3_s_csynth.rpt").write_text(text)
    main(["parse", str(project.parent)])
    shown = capsys.readouterr().out
    assert "the same as" not in shown
    assert "(submodule)" not in shown
    assert "1 submodule not shown (--all, or --modules for their figures)" in shown
    assert "duplicates not shown (--all)" in shown
    main(["parse", "--all", str(project.parent)])
    shown = capsys.readouterr().out
    assert "the same as" in shown
    assert "(submodule)" in shown
    assert "2 error lines, the first: ERROR: [HLS 200-101]" in shown


def test_json_states_every_run_and_goes_back_to_it(project, capsys):
    assert main(["parse", "--json", "--modules", str(project)]) == 0
    data = json.loads(capsys.readouterr().out)
    first = data["runs"][0]
    assert first["provenance"]["stage"] == "csynth"
    assert first["derived"]["latency_max_at_target_ns"] == 200.0
    assert first["derived"]["latency_max_at_achieved_ns"] == 138.28
    assert first["derived"]["lut_percent"] == 11.8
    assert data["runs"][1]["derived"]["bram_conversion"] == "16.5 tiles of 36 Kb x 2"
    derived = first.pop("derived")
    assert not derived["is_stale"]
    assert from_data(Run, first).resources.lut == 27194
    assert data["failures"] == []


def test_json_without_modules(project, capsys):
    main(["parse", "--json", str(project)])
    assert "modules" not in json.loads(capsys.readouterr().out)["runs"][0]


def test_csv_has_one_row_a_run(project, capsys):
    assert main(["parse", "--csv", str(project)]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["stage"] for row in rows] == ["csynth", "logic-synthesis", "cosim"]
    assert rows[0]["lut"] == "27194"
    assert rows[0]["clock_target_ns"] == "10.0"
    assert rows[0]["lut_percent"] == "11.8"
    assert rows[1]["uram"] == ""
    assert rows[2]["simulation"] == "Pass"
    assert all(row["source_file"] for row in rows)


def test_csv_with_modules(project, capsys):
    main(["parse", "--csv", "--modules", str(project)])
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    (dense,) = [row for row in rows if row["path"] == "digits/dense_latency_config2"]
    assert (dense["role"], dense["lut"], dense["stage"]) == ("module", "24253", "csynth")
    assert [row["trip_count_max"] for row in rows if row["role"] == "loop"] == ["64"]


def test_a_wrong_number_is_shown_as_it_is(project, capsys):
    report = project / "vivado_synth.rpt"
    report.write_text(report.read_text().replace("9250 |", "9251 |"))
    main(["parse", "--csv", str(project)])
    assert ",9251," in capsys.readouterr().out


def test_an_unreadable_file_is_listed_and_the_others_are_shown(project, capsys):
    damaged = project / "vivado_synth.rpt"
    damaged.write_text(damaged.read_text()[:1500])
    assert main(["parse", str(project)]) == 9
    captured = capsys.readouterr()
    assert "27194" in captured.out
    assert f"unreadable: {damaged}: " in captured.err
    assert "1 file is meant to be a report and cannot be read: exit code 9" in captured.err


@pytest.mark.parametrize("form", ["--json", "--csv"])
def test_an_unreadable_file_does_not_spoil_the_output_of_a_program(project, capsys, form):
    (project / "vivado_synth.rpt").write_text("| Tool Version\n")
    assert main(["parse", form, str(project)]) == 9
    captured = capsys.readouterr()
    assert "unreadable:" not in captured.out
    assert "27194" in captured.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["parse", "/nowhere/at/all"], "error: no such file or folder: /nowhere/at/all"),
        (["parse", str(SAMPLES), "--jobs", "0"], "error: --jobs 0: at least 1"),
    ],
)
def test_what_cannot_be_meant(words, message, capsys):
    assert main(words) == 2
    assert message in capsys.readouterr().err


def test_a_folder_without_reports(tmp_path, capsys):
    assert main(["parse", str(tmp_path)]) == 0
    assert "no report found" in capsys.readouterr().out


def test_help_says_what_is_parsed():
    done = subprocess.run(
        [sys.executable, "-m", "hlsflow", "parse", "--help"], capture_output=True, text=True, check=True
    )
    assert "a report, a project folder, or a tree of projects" in done.stdout


def test_a_thousand_files_are_parsed(project, tmp_path):
    tree = tmp_path / "many"
    for number in range(200):
        shutil.copytree(project / "digits_prj/solution1", tree / f"p{number}" / "digits_prj/solution1")
    files = sum(len(names) for _, _, names in os.walk(tree))
    assert files >= 1000
    done = subprocess.run(
        [sys.executable, "-m", "hlsflow", "parse", "--csv", str(tree)], capture_output=True, text=True
    )
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1 + 2 * 200


def test_an_interrupt_ends_it_at_once_and_without_a_traceback(project, tmp_path):
    for number in range(300):
        shutil.copytree(project, tmp_path / "many" / f"p{number}")
    process = subprocess.Popen(
        [sys.executable, "-m", "hlsflow", "parse", "--jobs", "2", str(tmp_path / "many")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    time.sleep(0.35)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    if process.returncode == 0:
        pytest.skip("it had ended before the interrupt")
    assert process.returncode == 130
    assert "Traceback" not in errors


def test_the_reader_of_the_output_may_go_away(project):
    process = subprocess.Popen(
        [sys.executable, "-m", "hlsflow", "parse", "--json", "--modules", str(project)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.close()
    assert "Traceback" not in process.stderr.read()
    process.wait(timeout=20)
