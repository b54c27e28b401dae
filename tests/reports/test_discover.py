"""What is found below a path, what belongs together, and what contradicts it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from report_samples import CONFIG, SAMPLES, VITIS, VIVADO

from hlsflow.foundation.errors import ReportError, UsageError
from hlsflow.reports import project_config
from hlsflow.reports.discover import discover
from hlsflow.reports.figures import Stage
from hlsflow.reports.hls import csynth_rpt, csynth_summary, csynth_xml
from hlsflow.reports.kinds import decode, is_meant_as_report, read, recognise
from hlsflow.reports.run import NoteKind, Role


@pytest.fixture
def project(tmp_path):
    """An hls4ml project after C synthesis, co-simulation and logic synthesis."""
    root = tmp_path / "my-project"
    report = root / "digits_prj/solution1/syn/report"
    shutil.copytree(VITIS, report)
    shutil.copy(VITIS / "csynth.xml", report / "digits_csynth.xml")
    simulation = root / "digits_prj/solution1/sim/report"
    simulation.mkdir(parents=True)
    shutil.copy(SAMPLES / "simulation/vitis/digits_cosim.rpt", simulation)
    shutil.copy(SAMPLES / "simulation/vitis_hls.log", root)
    (root / "vivado_synth.rpt").write_text(
        (VIVADO / "digits_utilization_placed.rpt").read_text().replace("Fully Placed", "Synthesized")
    )
    (root / "hls4ml_config.yml").write_text(CONFIG)
    return root


def kinds_of_notes(run):
    return [note.kind for note in run.notes]


def test_one_run_of_csynth_leaves_one_run(project):
    csynth, logic, simulated = discover([project]).runs
    assert csynth.provenance.stage == Stage.CSYNTH
    assert len(csynth.source_files) == 4
    assert set(csynth.kinds) == {csynth_xml.KIND, csynth_rpt.KIND, csynth_summary.KIND}
    assert csynth.latency.latency_min_cycles == 20
    assert (csynth.clock.target_ns, csynth.clock.achieved_ns, csynth.clock.slack_ns) == (10.0, 6.914, 0.39)
    assert csynth.resources.lut_available == 230400
    assert [module.name for module in csynth.modules][:2] == ["digits", "dense_latency_config2"]
    assert (logic.provenance.stage, logic.role) == (Stage.LOGIC_SYNTHESIS, Role.TOP)
    assert (simulated.module, simulated.simulation.passed) == ("digits", True)
    assert not any(run.notes for run in (csynth, logic, simulated))


def test_the_project_is_the_folder_of_its_configuration(project):
    assert {run.project for run in discover([project]).runs} == {project.as_posix()}
    assert {run.project for run in discover([project.parent]).runs} == {project.as_posix()}


def test_paths_are_shown_as_they_were_given(project, monkeypatch):
    monkeypatch.chdir(project.parent)
    (run, *_) = discover(["my-project"]).runs
    assert run.project == "my-project"
    assert run.provenance.source_file == "my-project/digits_prj/solution1/syn/report/csynth.xml"


def test_logs_and_files_of_other_kinds_are_no_runs(project):
    (project / "vivado_drc.rpt").write_text("Report DRC\n")
    (project / "component.xml").write_text("<component/>")
    autopilot = project / "digits_prj/solution1/.autopilot/db"
    autopilot.mkdir(parents=True)
    shutil.copy(VITIS / "digits_csynth.rpt", autopilot / "digits.verbose.rpt")
    found = discover([project])
    assert (len(found.runs), found.other_files, found.failures) == (3, 2, ())
    (log,) = found.logs
    assert (log.tool_version, log.error_count, log.completed_steps[-1]) == ("2024.1", 2, "C/RTL SYNTHESIS")


def test_the_log_of_a_run_since_2025_is_found_in_a_tree(tmp_path):
    (tmp_path / "hls_run_csim.log").write_text(
        "  **** HLS Build v2025.1 6135595\nINFO: [HLS 200-1611] Setting target device to 'xc7z020-clg400-1'\n"
    )
    (log,) = discover([tmp_path]).logs
    assert (log.tool, log.tool_version, log.part, log.top) == ("vitis_hls", "2025.1", "xc7z020clg400-1", None)


@pytest.mark.parametrize(
    ("old", "new", "kind", "text"),
    [
        ("xczu7ev-ffvc1156-2-e", "xcu250-figd2104-2L-e", NoteKind.PART_DISAGREES, "but hls4ml_config.yml says xcu250"),
        ("ClockPeriod: 10", "ClockPeriod: 5", NoteKind.CLOCK_DISAGREES, "clock 10 ns, but hls4ml_config.yml says 5 ns"),
        (
            "ProjectName: digits",
            "ProjectName: jets",
            NoteKind.TOP_DISAGREES,
            "top digits, but hls4ml_config.yml says jets",
        ),
    ],
)
def test_a_report_that_the_configuration_contradicts_is_stale(project, old, new, kind, text):
    (project / "hls4ml_config.yml").write_text(CONFIG.replace(old, new))
    csynth = discover([project]).runs[0]
    assert kinds_of_notes(csynth) == [kind]
    assert text in csynth.notes[0].text
    assert csynth.is_stale


def test_a_right_configuration_is_no_contradiction(project):
    assert not any(run.is_stale for run in discover([project]).runs)


def test_modules_of_layers_that_the_parameters_do_not_have(project):
    (project / "firmware").mkdir()
    (project / "firmware/parameters.h").write_text("struct config2 : nnet::dense_config {\nstruct config7 {\n")
    csynth = discover([project]).runs[0]
    assert kinds_of_notes(csynth) == [NoteKind.PARAMETERS_DISAGREE]
    assert "modules of the layers 3, which" in csynth.notes[0].text


def test_two_reports_of_one_module_that_contradict_each_other_are_two_runs(project):
    text = (VITIS / "digits_csynth.rpt").read_text()
    later = text.replace("6.914", "7.123")
    (project / "digits_prj/solution1/syn/report/digits_csynth.rpt").write_text(later)
    first, second, *_ = discover([project]).runs
    assert not first.notes
    assert kinds_of_notes(second) == [NoteKind.REPORTS_DISAGREE]
    assert second.notes[0].text == "not the run of csynth.xml beside it: achieved period 7.123 ns, not 6.914 ns"
    assert (first.clock.achieved_ns, second.clock.achieved_ns) == (6.914, 7.123)


def test_logic_synthesis_older_than_c_synthesis_belongs_to_another_design(project):
    report = project / "vivado_synth.rpt"
    report.write_text(report.read_text().replace("Thu May 09 08:07:06 2024", "Tue May 07 08:07:06 2024"))
    logic = discover([project]).runs[1]
    assert kinds_of_notes(logic) == [NoteKind.OLDER_THAN_CSYNTH]
    assert "before the C synthesis beside it (2024-05-08 11:12)" in logic.notes[0].text


def test_a_copy_of_a_project_is_a_duplicate_and_not_stale(project):
    shutil.copytree(project, project.parent / "second")
    runs = discover([project.parent]).runs
    copies = [run for run in runs if run.project.endswith("second")]
    assert all(kinds_of_notes(run) == [NoteKind.DUPLICATE] for run in copies)
    assert not any(run.is_stale for run in runs)


def test_a_submodule_with_a_report_of_its_own(project):
    text = (VITIS / "digits_csynth.rpt").read_text().replace("Report for 'digits'", "Report for 'relu_config3_s'")
    (project / "digits_prj/solution1/syn/report/relu_config3_s_csynth.rpt").write_text(text)
    roles = {run.module: run.role for run in discover([project]).runs if run.provenance.stage == Stage.CSYNTH}
    assert roles == {"digits": Role.TOP, "relu_config3_s": Role.SUBMODULE}


def test_reports_of_vivado_are_joined_by_name_and_stage(tmp_path):
    for name in ("digits_timing.rpt", "digits_util_hier.rpt", "digits_power_routed.rpt"):
        shutil.copy(VIVADO / name, tmp_path)
    shutil.copy(VIVADO / "digits_utilization_placed.rpt", tmp_path)
    power = tmp_path / "digits_power_routed.rpt"
    power.write_text(power.read_text().replace("Vivado v.2020.2", "Vivado v.2019.2"))
    placed, routed = [run for run in discover([tmp_path]).runs if run.provenance.part != "xcvu13p-fhga2104"]
    assert (placed.provenance.stage, routed.provenance.stage) == (Stage.PLACED, Stage.POST_ROUTE)
    assert len(routed.source_files) == 2
    assert (routed.power.total_w, routed.resources.lut) == (6.786, 16890)


def test_reports_of_another_part_are_not_joined(tmp_path):
    for name in ("digits_timing.rpt", "digits_util_hier.rpt"):
        shutil.copy(VIVADO / name, tmp_path)
    assert len(discover([tmp_path]).runs) == 2


def test_exports_of_one_flow_are_one_run(tmp_path):
    for name in ("export_syn.rpt", "export_syn.xml"):
        shutil.copy(VIVADO / name, tmp_path)
    shutil.copy(VIVADO / "export_impl.rpt", tmp_path)
    synthesized, routed = discover([tmp_path]).runs
    assert (len(synthesized.source_files), synthesized.provenance.part) == (2, "xc7z020clg484-1")
    assert routed.provenance.stage == Stage.POST_ROUTE


def test_an_unreadable_report_is_named_and_the_others_are_kept(project):
    damaged = project / "digits_prj/solution1/syn/report/digits_csynth.rpt"
    damaged.write_text(damaged.read_text()[:2000])
    empty = project / "jets_prj/solution1/syn/report/csynth.xml"
    empty.parent.mkdir(parents=True)
    empty.touch()
    found = discover([project])
    assert [failure.message for failure in found.failures] == [
        "section 'Utilization Estimates' is missing (is the file cut off?)",
        "empty file",
    ]
    assert len(found.runs) == 3


def test_a_file_that_is_named_is_meant_to_be_a_report(tmp_path):
    (tmp_path / "notes.log").write_text("nothing\n")
    assert discover([tmp_path]).failures == ()
    (failure,) = discover([tmp_path / "notes.log"]).failures
    assert failure.message == "no report of Vivado, Vivado HLS or Vitis HLS"


def test_the_configuration_beside_a_single_file_counts(project):
    (project / "hls4ml_config.yml").write_text(CONFIG.replace("ClockPeriod: 10", "ClockPeriod: 5"))
    (run,) = discover([project / "digits_prj/solution1/syn/report/digits_csynth.rpt"]).runs
    assert kinds_of_notes(run) == [NoteKind.CLOCK_DISAGREES]


def test_a_path_that_does_not_exist(tmp_path):
    with pytest.raises(UsageError, match=r"no such file or folder: .*nowhere"):
        discover([tmp_path / "nowhere"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read(project):
    report = project / "vivado_synth.rpt"
    report.chmod(0)
    (failure,) = discover([project]).failures
    assert failure.message == "cannot be read: Permission denied"


def test_several_processes_find_the_same(project):
    assert discover([project], processes=2) == discover([project], processes=1)


def test_a_report_is_told_by_its_content_and_not_by_its_name(tmp_path):
    for path in sorted(path for path in SAMPLES.rglob("*") if path.is_file()):
        other = tmp_path / "renamed.rpt"
        shutil.copy(path, other)
        assert read(other).kind == read(path).kind
    assert recognise("Copyright 1986-2022 Xilinx\n") is None
    assert is_meant_as_report(Path("a/myproject_csynth.rpt"))
    assert not is_meant_as_report(Path("a/component.xml"))


def test_a_missing_file_is_a_report_error(tmp_path):
    with pytest.raises(ReportError, match="cannot be read: No such file"):
        read(tmp_path / "csynth.xml")


@pytest.mark.parametrize(
    ("name", "text", "stated"),
    [
        (
            "hls4ml_config.yml",
            "Backend: Vivado\nXilinxPart: xcku115-flvb2104-2-i\nClockPeriod: '5'\nProjectName: a\n",
            ("xcku115-flvb2104-2-i", 5.0, "a"),
        ),
        ("hls4ml_config.yml", "Part: null\nBoard: pynq-z2\n", (None, None, None)),
        ("hls4ml_config.yml", "{ not yaml", (None, None, None)),
        (
            "project.tcl",
            'variable project_name\nset project_name "a"\nset part "xcvu13p-flga2577-2-e"\nset clock_period 2.5\n',
            ("xcvu13p-flga2577-2-e", 2.5, "a"),
        ),
        (
            "build_prj.tcl",
            "set_top $project_name\nset_top a\nset_part {xc7z020clg400-1}\ncreate_clock -period 5 -name default\n",
            ("xc7z020clg400-1", 5.0, "a"),
        ),
        (
            "hls_config.cfg",
            "part=xck26-sfvc784-2LV-c\n[hls]\nclock=200MHz\nsyn.top=a\n",
            ("xck26-sfvc784-2LV-c", 5.0, "a"),
        ),
        ("vitis_hls.log", "nothing\n", (None, None, None)),
    ],
)
def test_what_every_kind_of_configuration_asks_for(name, text, stated):
    found = project_config.READERS[name](text)
    assert (found.get("part"), found.get("clock_target_ns"), found.get("top")) == stated


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_every_encoding_is_read(encoding):
    text = "größe\nzwei\n"
    assert decode(text.replace("\n", "\r\n").encode(encoding)) == text
