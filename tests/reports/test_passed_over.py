"""Vivado's reports without figures of ours, and the registry of formats that tells them."""

from __future__ import annotations

from pathlib import Path

import pytest

from hlsflow.__main__ import main
from hlsflow.foundation.errors import ReportError
from hlsflow.reports import kinds
from hlsflow.reports.discover import discover
from hlsflow.reports.figures import Stage
from hlsflow.reports.kinds import FORMATS, parse, recognise
from hlsflow.reports.vivado import passed_over, utilization

VIVADO = Path(__file__).parents[1] / "data" / "reports" / "vivado"
PLACED = (VIVADO / "digits_utilization_placed.rpt").read_text()
ROUTE_STATUS = """\
Design Route Status
                                               :      # nets :
   ------------------------------------------- : ----------- :
   # of logical nets.......................... :       49183 :
"""


def vivado_report(command: str, title: str) -> str:
    """A report of Vivado's with its real head."""
    rule = "-" * 100
    return (
        "Copyright 1986-2020 Xilinx, Inc. All Rights Reserved.\n"
        f"{rule}\n| Tool Version : Vivado v.2020.2 (lin64) Build 3064766 Wed Nov 18 09:12:47 MST 2020\n"
        f"| Date         : Thu May  9 08:07:06 2024\n| Command      : {command}\n| Design       : digits\n"
        f"| Device       : 7z020-clg400\n{rule}\n\n{title}\n\nTable of Contents\n-----------------\n1. Summary\n"
    )


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        (
            "digits_clock_utilization_routed.rpt",
            vivado_report("report_clock_utilization -file c_routed.rpt", "Clock Utilization Report"),
            "clock utilization",
        ),
        ("c.rpt", vivado_report("report_control_sets -verbose -file c.rpt", "Control Set Information"), "control sets"),
        ("d.rpt", vivado_report("report_drc -file d.rpt -pb d.pb -rpx d.rpx", "Report DRC"), "drc"),
        ("m.rpt", vivado_report("report_methodology -file m.rpt", "Report Methodology"), "methodology"),
        ("i.rpt", vivado_report("report_io -file i.rpt", "IO Information"), "io"),
        ("b.rpt", vivado_report("report_bus_skew -warn_on_violation -file b.rpt", "Bus Skew Report"), "bus skew"),
        ("p.rpt", vivado_report("report_power_opt -file p.rpt", "Power Optimization Report"), "power opt"),
        (
            "r.rpt",
            vivado_report("report_incremental_reuse -file r.rpt", "Incremental Implementation Information"),
            "incremental reuse",
        ),
        ("digits_route_status.rpt", ROUTE_STATUS, "route status"),
        (
            "digits_utilization_slr.rpt",
            vivado_report("report_utilization -slr -file slr.rpt", "Utilization Design Information"),
            "utilization -slr",
        ),
        # half of a design is not the design, although the tables are the same
        (
            "digits_utilization_half.rpt",
            PLACED.replace("report_utilization", "report_utilization -cells [get_cells half]", 1),
            "utilization -cells",
        ),
        ("t.rpt", vivado_report("report_timing -from [get_ports x] -file t.rpt", "Timing Report"), "timing -from"),
    ],
)  # fmt: skip
def test_a_report_without_figures_is_counted_and_named(tmp_path, capsys, name, text, what):
    (tmp_path / name).write_text(text)
    for path in (tmp_path, tmp_path / name):
        found = discover([path])
        assert [(report.source_file, report.what) for report in found.passed_over] == [
            ((tmp_path / name).as_posix(), what)
        ]
        assert (found.runs, found.failures, found.other_files) == ((), (), 0)
    assert main(["parse", str(tmp_path)]) == 0
    assert f"1 report without figures passed over: 1 {what}" in capsys.readouterr().out
    assert main(["parse", "--all", str(tmp_path)]) == 0
    assert f"no figures: {tmp_path / name}: {what}" in capsys.readouterr().out


def test_a_report_of_ours_that_lost_its_title_is_damaged_and_not_passed_over(tmp_path):
    text = PLACED.replace("Utilization Design Information", "Information")
    assert recognise(text) is None
    (tmp_path / "digits_utilization_placed.rpt").write_text(text)
    found = discover([tmp_path])
    assert (len(found.failures), found.passed_over) == (1, ())


def test_a_head_that_is_cut_off_is_an_error():
    text = vivado_report("report_drc -file d.rpt", "Report DRC")
    with pytest.raises(ReportError, match="head: cut off"):
        parse(text[: text.index("| Design ")])


def test_figures_of_a_design_that_was_optimised_after_routing():
    report = parse(PLACED.replace("Fully Placed", "Physopt postRoute"))
    assert (report.kind, report.provenance.stage) == (utilization.KIND, Stage.POST_ROUTE)
    assert parse(PLACED.replace("Fully Placed", "Physopt postPlace")).provenance.stage == Stage.PLACED


def test_the_registry_has_every_format_of_the_package_once():
    folder = Path(kinds.__file__).parent
    with_format = {path.stem for path in folder.rglob("*.py") if "\nFORMAT = ReportFormat(" in path.read_text()}
    assert {each.parse.__module__.rpartition(".")[2] for each in FORMATS} == with_format
    assert len({each.kind for each in FORMATS}) == len(FORMATS) == len(with_format)


def test_every_sample_is_of_the_kind_of_its_format():
    for path in sorted(path for path in VIVADO.parent.rglob("*") if path.is_file()):
        text = path.read_text()
        found = recognise(text)
        assert found is not None and parse(text).kind == found.kind != passed_over.KIND


def test_the_head_line_counts_contradictions_of_what_it_shows(tmp_path, capsys):
    samples = VIVADO.parent / "vitis_hls_2024_1"
    folder = tmp_path / "digits_prj/solution1/syn/report"
    folder.mkdir(parents=True)
    text = (samples / "digits_csynth.rpt").read_text()
    for name in ("digits", "one", "two"):
        (folder / f"{name}_csynth.rpt").write_text(text.replace("Report for 'digits'", f"Report for '{name}'"))
    (tmp_path / "hls4ml_config.yml").write_text("ProjectName: digits\nClockPeriod: 5\n")
    assert main(["parse", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "1 run shown · 1 of them contradicted by what lies beside them · 2 submodules not shown" in shown
    assert "of those not shown, 2 contradicted" in shown
    assert main(["parse", "--all", str(tmp_path)]) == 0
    assert "3 runs shown · 3 of them contradicted by what lies beside them" in capsys.readouterr().out
