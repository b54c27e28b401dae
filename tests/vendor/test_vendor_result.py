"""What a stage of the vendor's tools gave, judged by its reports alone: each kind of report that must not be taken."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from report_samples import CONFIG, SAMPLES, VITIS, VIVADO

from hlsflow.foundation.errors import ReportError, ToolError
from hlsflow.vendor.command import COMPLETED, VendorStage
from hlsflow.vendor.project import RTL_RESULTS_FILE
from hlsflow.vendor.result import StageResult, judge, load_result, result_path, rtl_results, save_result

TOP = "digits"
REPORTS = "digits_prj/solution1/syn/report"


@dataclass
class Stage:
    """A project with the reports of a synthesized design, and the log of the stage that wrote them."""

    folder: Path
    project: Path
    log: Path

    def judge(self, stage: VendorStage, top: str = TOP):
        return judge(stage, self.project, top, self.log, kept=self.folder / "kept", shown="build/x/project")

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.project / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


@pytest.fixture
def stage(tmp_path) -> Stage:
    project = tmp_path / "project"
    shutil.copytree(VITIS, project / REPORTS)
    shutil.copy(VITIS / "csynth.xml", project / REPORTS / "digits_csynth.xml")
    (project / "hls4ml_config.yml").write_text(CONFIG)
    log = tmp_path / "tool.log"
    log.write_text("\n".join(COMPLETED.values()) + "\n")
    return Stage(folder=tmp_path, project=project, log=log)


def test_the_figures_are_the_report_s_and_the_reports_are_kept(stage):
    figures, remarks, packed = stage.judge(VendorStage.CSYNTH)
    whole, *modules = figures
    assert (whole.stage, whole.part, whole.module) == ("csynth", "xczu7ev-ffvc1156-2-e", None)
    assert (whole.latency_min_cycles, whole.clock_target_ns, whole.clock_achieved_ns, whole.slack_ns) == (
        20, 10.0, 6.914, 0.39
    )  # fmt: skip
    assert whole.lut_available == 230400 and whole.source_file == f"build/x/project/{REPORTS}/csynth.xml"
    assert modules and all(module.module and module.source_file == whole.source_file for module in modules)
    assert packed is None and remarks == []
    kept = stage.folder / "kept" / REPORTS / "csynth.xml"
    assert kept.read_bytes() == (stage.project / REPORTS / "csynth.xml").read_bytes()


@pytest.mark.parametrize("kind", [VendorStage.CSYNTH, VendorStage.COSIM, VendorStage.EXPORT])
def test_a_stage_whose_log_does_not_say_that_it_is_through_gives_nothing(stage, kind):
    stage.log.write_text(stage.log.read_text().replace(COMPLETED[kind], ""))
    with pytest.raises(ToolError, match=f"{kind}: the tool ended before the stage was through"):
        stage.judge(kind)
    stage.log.unlink()
    with pytest.raises(ToolError, match="the tool ended before"):
        stage.judge(kind)


def test_a_report_of_another_clock_or_part_is_of_another_project(stage):
    (stage.project / "hls4ml_config.yml").write_text(CONFIG.replace("ClockPeriod: 10", "ClockPeriod: 5"))
    with pytest.raises(ReportError, match="csynth: the report is not of this project"):
        stage.judge(VendorStage.CSYNTH)
    (stage.project / "hls4ml_config.yml").write_text(CONFIG.replace("xczu7ev-ffvc1156-2-e", "xc7z020-clg400-1"))
    with pytest.raises(ReportError, match="csynth: the report is not of this project"):
        stage.judge(VendorStage.CSYNTH)


def test_reports_that_contradict_each_other_are_not_taken(stage):
    """One number edited in one of the reports of a run: csynth.xml says 7 LUT, csynth.rpt what the tool found."""
    lut = (stage.project / REPORTS / "csynth.xml").read_text().split("<LUT>")[1].split("</LUT>")[0]
    for name in ("csynth.xml", "digits_csynth.xml"):
        stage.edit(f"{REPORTS}/{name}", f"<LUT>{lut}</LUT>", "<LUT>7</LUT>")
    with pytest.raises(ReportError, match=rf"the report is not of this project: .*lut {lut}, not 7"):
        stage.judge(VendorStage.CSYNTH)


def test_a_report_that_is_cut_off_is_named(stage):
    path = stage.project / REPORTS / "csynth.xml"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ReportError, match=r"csynth: .*csynth\.xml: "):
        stage.judge(VendorStage.CSYNTH)


def test_no_report_no_figure(stage):
    shutil.rmtree(stage.project / REPORTS)
    with pytest.raises(ToolError, match=r"csynth: no report at .*solution1/syn/report"):
        stage.judge(VendorStage.CSYNTH)
    (stage.project / REPORTS).mkdir()
    with pytest.raises(ToolError, match="csynth: no report of 'digits'"):
        stage.judge(VendorStage.CSYNTH)


def with_cosim(stage: Stage, verdict: str = "Pass") -> None:
    folder = stage.project / "digits_prj/solution1/sim/report"
    folder.mkdir(parents=True)
    text = (SAMPLES / "simulation/vitis/digits_cosim.rpt").read_text()
    (folder / "digits_cosim.rpt").write_text(text.replace("Pass", verdict))


def test_a_co_simulation_needs_its_verdict_and_the_rtl_s_outputs(stage):
    with_cosim(stage)
    with pytest.raises(ToolError, match=f"the RTL's outputs are missing: no {RTL_RESULTS_FILE}"):
        stage.judge(VendorStage.COSIM)
    with pytest.raises(ToolError, match="the RTL's outputs are missing"):
        rtl_results(stage.project, TOP)
    elsewhere = stage.project / "digits_prj/solution1/sim/wrapc/rtl_cosim_results.log"
    elsewhere.parent.mkdir(parents=True)
    elsewhere.write_text("1\n")
    assert rtl_results(stage.project, TOP) == elsewhere
    named = stage.project / RTL_RESULTS_FILE
    named.parent.mkdir()
    named.write_text("1\n")
    assert rtl_results(stage.project, TOP) == named
    (whole, *_), _, _ = stage.judge(VendorStage.COSIM)
    assert whole.stage == "cosim" and whole.latency_max_cycles is not None


def test_a_failed_co_simulation_is_no_result(stage):
    with_cosim(stage, "Fail")
    (stage.project / "tb_data").mkdir()
    (stage.project / RTL_RESULTS_FILE).write_text("1\n")
    with pytest.raises(ToolError, match="cosim: the tool's verdict is 'Fail'"):
        stage.judge(VendorStage.COSIM)


def test_an_export_is_there_and_not_empty(stage):
    with pytest.raises(ToolError, match=r"export: no packed IP below .*solution1/impl"):
        stage.judge(VendorStage.EXPORT)
    packed = stage.project / "digits_prj/solution1/impl/export.zip"
    packed.parent.mkdir(parents=True)
    packed.write_bytes(b"")
    with pytest.raises(ToolError, match="export: no packed IP"):
        stage.judge(VendorStage.EXPORT)
    packed.write_bytes(b"PK")
    assert stage.judge(VendorStage.EXPORT) == ([], [], "digits_prj/solution1/impl/export.zip")


def test_logic_synthesis_is_read_from_vivado_s_report(stage):
    with pytest.raises(ToolError, match=r"vsynth: no report at .*vivado_synth\.rpt"):
        stage.judge(VendorStage.VSYNTH)
    text = (VIVADO / "digits_utilization_placed.rpt").read_text().replace("Fully Placed", "Synthesized")
    (stage.project / "vivado_synth.rpt").write_text(text)
    (whole, *_), _, _ = stage.judge(VendorStage.VSYNTH)
    assert whole.stage == "logic-synthesis" and whole.lut is not None
    # A report of placement is none of logic synthesis.
    (stage.project / "vivado_synth.rpt").write_text((VIVADO / "digits_utilization_placed.rpt").read_text())
    with pytest.raises(ToolError, match="vsynth: no report of 'digits'"):
        stage.judge(VendorStage.VSYNTH)


# --- results that are kept


RESULT = StageResult(
    stage=VendorStage.CSYNTH, design="d" * 64, bench=None, tool="vitis_hls", tool_version="2024.1", origin="here",
    seconds=1.5, figures=[], remarks=["a remark"],
)  # fmt: skip


def test_a_result_is_that_of_its_design_and_its_stage_alone(tmp_path):
    save_result(tmp_path, RESULT)
    assert load_result(tmp_path, VendorStage.CSYNTH, "d" * 64) == RESULT
    assert load_result(tmp_path, VendorStage.CSYNTH, "e" * 64) is None
    assert load_result(tmp_path, VendorStage.COSIM, "d" * 64) is None
    shutil.copy(result_path(tmp_path, VendorStage.CSYNTH), result_path(tmp_path, VendorStage.COSIM))
    assert load_result(tmp_path, VendorStage.COSIM, "d" * 64) is None


@pytest.mark.parametrize("damage", ["", "{", "{}", "[]", '{"stage": "csynth"}', "\x00"])
def test_a_damaged_result_is_none(damage, tmp_path):
    save_result(tmp_path, RESULT)
    path = result_path(tmp_path, VendorStage.CSYNTH)
    path.write_text(damage)
    assert load_result(tmp_path, VendorStage.CSYNTH, "d" * 64) is None
