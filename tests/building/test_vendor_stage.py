"""Synthesis by AMD's tools, with stand-ins on PATH: the right script, the whole result, nothing twice."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace

import pytest
from vendor_fixtures import (
    MODEL,
    ROOT,
    STAND_IN_VERSION,
    built,
    built_once,
    calls,
    install,
    installs,
    quiet,
    request,
    tools_alive,
)

from hlsflow.__main__ import main
from hlsflow.building.pipeline import build
from hlsflow.building.plan import BuildRequest
from hlsflow.building.stages import StageFailed
from hlsflow.foundation.errors import ToolError
from hlsflow.records.record import read_record
from hlsflow.vendor.run import last_phase

__all__ = ["built", "built_once", "installs"]


def whole(record, stage):
    return next(figure for figure in record.figures if figure.stage == stage and figure.module is None)


def test_every_stage_is_run_parsed_and_recorded(built, installs, tmp_path):
    log = quiet()
    result = build(built, request("csynth", "cosim", "vsynth", "export"), log)
    record = result.record
    assert calls(tmp_path) == ["csynth", "cosim", "vsynth", "export"]
    assert (
        record.stages["vitis"]
        == f"done: csynth, cosim, vsynth, export by vitis-run {STAND_IN_VERSION}, vivado {STAND_IN_VERSION}"
    )
    csynth, logic, cosim = (whole(record, stage) for stage in ("csynth", "logic-synthesis", "cosim"))
    assert (csynth.lut, csynth.lut_available, csynth.clock_achieved_ns, csynth.latency_max_cycles) == (
        1234,
        53200,
        7.654,
        21,
    )
    # the program that was run, although its reports say Vitis HLS
    tools = {(figure.stage, figure.tool) for figure in record.figures if figure.stage in ("csynth", "cosim")}
    assert tools == {("csynth", "vitis-run"), ("cosim", "vitis-run")}
    assert (logic.lut, logic.bram_18k, logic.tool, logic.tool_version) == (1234, 9, "vivado", STAND_IN_VERSION)
    assert (cosim.latency_max_cycles, cosim.lut) == (21, None)
    assert cosim.notes[0].startswith("16 samples through the RTL: 160 integers of layer10_out equal to C simulation")
    assert csynth.source_file.startswith(f"build/{MODEL}/synthesis-vitis/") and csynth.part == "xc7z020clg400-1"
    assert read_record(result.record_path) == record
    assert build(built, request("csynth", "cosim", "vsynth", "export"), quiet()).unchanged
    # figures that are there stay in the record, whatever is asked for next
    assert build(built, BuildRequest(model=MODEL), quiet()).record.figures == record.figures
    assert len(calls(tmp_path)) == 4
    assert not tools_alive(built.root)


def test_one_more_stage_begins_where_the_last_ended(built, installs, tmp_path):
    build(built, request("csynth"), quiet())
    record = build(built, request("csynth", "vsynth"), quiet()).record
    assert calls(tmp_path) == ["csynth", "vsynth"]
    assert {figure.stage for figure in record.figures} >= {"csynth", "logic-synthesis"}


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("csynth=licence", "found no licence for Synthesis"),
        ("csynth=partition", "array mult.V would be split into 6912 registers, more than the 4096"),
        ("csynth=killed", "killed from outside"),
        ("csynth=silent", "ended before the stage was through"),
        ("csynth=no-report", "no report at"),
        ("csynth=truncated", "csynth.xml"),
        ("csynth=other-part", "is not of this project"),
        ("csynth=unheard-of", "The moon is in the wrong house"),
    ],
)
def test_a_failure_is_explained_and_gives_no_figure(built, installs, monkeypatch, fault, words):
    monkeypatch.setenv("STAND_IN_FAULTS", fault)
    with pytest.raises(StageFailed) as caught:
        build(built, request("csynth"), quiet())
    assert words in str(caught.value) and "tool.log" in str(caught.value)
    assert "config_array_partition" not in str(caught.value)
    record = read_record(built.reports / MODEL / "build.json")
    assert record.stages["vitis"].startswith("failed: csynth: ")
    assert not [figure for figure in record.figures if figure.stage == "csynth"]
    monkeypatch.delenv("STAND_IN_FAULTS")
    assert whole(build(built, request("csynth"), quiet()).record, "csynth").lut == 1234


def test_a_failing_stage_loses_none_before_it(built, installs, tmp_path, monkeypatch):
    monkeypatch.setenv("STAND_IN_FAULTS", "cosim=oom-line")
    with pytest.raises(StageFailed, match="memory ran out"):
        build(built, request("csynth", "cosim"), quiet())
    record = read_record(built.reports / MODEL / "build.json")
    assert whole(record, "csynth").lut == 1234
    assert record.stages["vitis"].startswith("failed: cosim: ") and "done: csynth" in record.stages["vitis"]
    monkeypatch.delenv("STAND_IN_FAULTS")
    build(built, request("csynth", "cosim"), quiet())
    assert calls(tmp_path) == ["csynth", "cosim", "cosim"]


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        ("wrong", 8, "the RTL differs from C simulation in 1 of 160 values"),
        ("cut-off", 9, "15 lines, but 16 are due"),
        ("no-outputs", 7, "the RTL's outputs are missing"),
        ("fail", 7, "the tool's verdict is 'Fail'"),
    ],
)
def test_outputs_of_the_rtl_are_compared_as_integers(built, installs, monkeypatch, fault, code, words):
    monkeypatch.setenv("STAND_IN_FAULTS", f"cosim={fault}")
    with pytest.raises(StageFailed, match=words) as caught:
        build(built, request("csynth", "cosim"), quiet())
    assert caught.value.exit_code == code
    record = read_record(built.reports / MODEL / "build.json")
    assert not [figure for figure in record.figures if figure.stage == "cosim"]


def test_a_tool_that_hangs_after_its_result_has_done_its_work(built, installs, monkeypatch):
    monkeypatch.setenv("STAND_IN_FAULTS", "csynth=hang-after")
    record = build(built, request("csynth", timeout_s=1.0), quiet()).record
    assert "it did not end by itself" in whole(record, "csynth").notes[-1]
    assert not tools_alive(built.root)


@pytest.mark.parametrize("fault", ["hang", "stubborn"])
def test_a_timeout_ends_the_whole_tree(built, installs, monkeypatch, fault):
    monkeypatch.setenv("STAND_IN_FAULTS", f"csynth={fault}")
    with pytest.raises(StageFailed, match="no end after 1 s"):
        build(built, request("csynth", timeout_s=1.0), quiet())
    assert not tools_alive(built.root)


def test_more_memory_than_allowed_ends_it_with_a_reason(built, installs, monkeypatch):
    monkeypatch.setenv("STAND_IN_FAULTS", "csynth=greedy")
    with pytest.raises(StageFailed, match=r"took 0\.\d GiB, more than the 0\.2 GiB that it may have"):
        build(built, request("csynth", memory_bytes=200 << 20), quiet())
    assert not tools_alive(built.root)


def test_replay_does_the_same_by_hand(built, installs, tmp_path):
    build(built, request("csynth"), quiet())
    (replay,) = built.build.glob(f"{MODEL}/synthesis-vitis/*/runs/csynth-001/replay.sh")
    text = replay.read_text()
    assert "--mode hls --tcl build_prj.tcl" in text and "synth      1" in text
    subprocess.run(["sh", str(replay)], check=True, capture_output=True)
    assert calls(tmp_path) == ["csynth", "csynth"]


def test_a_missing_tool_is_an_error_where_it_was_asked_for(built, tmp_path, monkeypatch):
    monkeypatch.setenv("HLSFLOW_XILINX", str(tmp_path / "nothing"))
    with pytest.raises(
        ToolError,
        match=r"(?s)--synth vitis: vitis-run or vitis_hls was not found \(searched PATH.*hlsflow pack digits6",
    ):
        build(built, request("csynth"), quiet())
    # and a state where it was not: the build itself goes on
    assert not build(built, BuildRequest(model=MODEL), quiet()).record.stages.get("vitis")


def test_a_missing_tool_is_said_at_once(built, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HLSFLOW_XILINX", str(tmp_path / "nothing"))
    monkeypatch.setattr("hlsflow.building.pipeline.build", lambda *_: pytest.fail("it went on"))
    assert main(["build", "--model", MODEL, "--synth", "vitis", "--workspace", str(built.root)]) == 7
    assert "hlsflow pack digits6" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--stages", "csynth"], "--stages goes with --synth vitis or --synth vivado"),
        (["--synth", "vitis", "--stages", "sim"], "--stages: no stage 'sim'"),
        (["--synth", "vitis", "--synth-timeout-min", "0"], "--synth-timeout-min 0: more than 0"),
    ],
)
def test_options_that_cannot_be_meant(built, installs, capsys, words, said):
    assert main(["build", "--model", MODEL, *words, "--workspace", str(built.root)]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.slow
def test_the_older_generation_is_told_on_its_command_line(built, installs, tmp_path):
    install(installs, "Vivado", "2020.1", "vivado_hls", "vivado")
    old = replace(request("csynth", "cosim", "vsynth", tool="vivado"), changes={"backend": "Vivado"})
    record = build(built, old, quiet()).record
    assert record.stages["vivado"] == "done: csynth, cosim, vsynth by vivado_hls 2020.1, vivado 2020.1"
    assert calls(tmp_path) == ["csynth", "cosim", "vsynth"]
    assert "-f build_prj.tcl reset=1 csim=0 synth=1 cosim=0" in (tmp_path / "calls.txt").read_text()


@pytest.mark.parametrize(
    ("line", "phase"),
    [
        ("INFO: [HLS 200-10] Checking synthesizability ...", "Checking synthesizability"),
        ("INFO: [HLS 200-42] -- Implementing module 'dense_config2' ", "dense_config2"),
        ("INFO: [COSIM 212-302] Starting C TB testing ... ", "Starting C TB testing"),
        ("// RTL Simulation : 3 / 16 [n/a] @ 125000", "RTL Simulation : 3 / 16"),
        ("Start RTL Component Statistics ", "Start RTL Component Statistics"),
        ("***** VIVADO SYNTHESIS *****", "VIVADO SYNTHESIS"),
        ("INFO: [Common 17-83] Releasing license: Synthesis", None),
    ],
)  # fmt: skip
def test_the_phase_that_a_log_tells(line, phase):
    assert last_phase(f"{line}\nWARNING: nothing\n") == phase


def test_a_project_of_the_other_tool_is_refused(built, installs):
    install(installs, "Vivado", "2020.1", "vivado_hls")
    with pytest.raises(ToolError, match=r"(?s)the project is for Vitis HLS .*--synth vitis"):
        build(built, request("csynth", tool="vivado"), quiet())


def test_without_vivado_logic_synthesis_is_refused_and_csynth_kept(built, installs, monkeypatch):
    shutil.rmtree(installs / "Vivado")
    with pytest.raises(StageFailed, match="vsynth: vivado was not found"):
        build(built, request("csynth", "vsynth"), quiet())
    assert whole(read_record(built.reports / MODEL / "build.json"), "csynth").lut == 1234


def test_remarks_of_a_successful_run_reach_the_figures(built, installs, monkeypatch):
    monkeypatch.setenv("STAND_IN_FAULTS", "csynth=slow-clock")
    notes = whole(build(built, request("csynth"), quiet()).record, "csynth").notes
    assert notes == ["C synthesis estimates a clock of 11.2 ns, above the target less its uncertainty"]


def test_no_figure_of_a_stand_in_is_in_the_repositorys_reports():
    for path in (ROOT / "reports").rglob("*"):
        if path.is_file():
            text = path.read_text(errors="replace")
            assert STAND_IN_VERSION not in text and "STAND-IN" not in text, path


def test_fixtures_never_use_the_repository(built):
    assert not built.root.is_relative_to(ROOT) and os.fspath(built.reports) != os.fspath(ROOT / "reports")
    assert json.loads((built.reports / MODEL / "build.json").read_text())["model"] == MODEL
