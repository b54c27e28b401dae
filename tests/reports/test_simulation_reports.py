"""Power, co-simulation, C simulation and the tools' logs."""

from pathlib import Path

import pytest

from hlsflow.foundation.errors import ReportError
from hlsflow.reports import tool_log
from hlsflow.reports.figures import Latency, Stage
from hlsflow.reports.hls import cosim, csim_log
from hlsflow.reports.kinds import recognise
from hlsflow.reports.report import Power, Simulation
from hlsflow.reports.vivado import power

SAMPLES = Path(__file__).parents[1] / "data" / "reports"
POWER = (SAMPLES / "vivado/digits_power_routed.rpt").read_text()
VIVADO_COSIM = (SAMPLES / "simulation/digits_cosim.rpt").read_text()
VITIS_COSIM = (SAMPLES / "simulation/vitis/digits_cosim.rpt").read_text()
CSIM = (SAMPLES / "simulation/digits_csim.log").read_text()
LOG = (SAMPLES / "simulation/vitis_hls.log").read_text()


def test_power_with_its_confidence():
    report = power.parse(POWER)
    assert report.power == Power(total_w=6.786, dynamic_w=0.943, static_w=5.843, confidence="Low")
    assert report.provenance.stage == Stage.POST_ROUTE


def test_power_of_a_part_that_gets_too_hot():
    hot = POWER.replace("| 6.786        |", "| 6.786 (hot!) |")
    assert power.parse(hot).power.total_w == 6.786


def test_cosim_of_vivado_hls():
    report = cosim.parse(VIVADO_COSIM)
    assert report.provenance.tool == "vivado_hls"
    assert report.latency == Latency(latency_min_cycles=10, latency_max_cycles=15)
    assert report.simulation == Simulation(passed=True, status="Pass", language="Verilog", latency_average_cycles=12)


def test_cosim_of_vitis_hls():
    report = cosim.parse(VITIS_COSIM)
    assert report.provenance.tool == "vitis_hls"
    assert report.latency == Latency(
        latency_min_cycles=76, latency_max_cycles=221, interval_min_cycles=77, interval_max_cycles=216
    )
    assert report.simulation.total_execution_cycles == 162128


def test_cosim_that_was_not_run_has_no_verdict():
    report = cosim.parse(VITIS_COSIM.replace("      Pass|", "        NA|"))
    assert (report.simulation.passed, report.simulation.language) == (None, None)


def test_csim_that_passed_and_csim_that_failed():
    assert csim_log.parse(CSIM).simulation.passed is True
    failed = CSIM.replace("INFO: [SIM 1] CSim done with 0 errors.", "ERROR: [SIM 211-100] CSim failed with errors.")
    assert csim_log.parse(failed).simulation.passed is False
    assert csim_log.parse(CSIM.replace("with 0 errors", "with 2 errors")).simulation.passed is False


@pytest.mark.parametrize(
    "line",
    [
        "../../../../digits_test.cpp:12:10: fatal error: nnet_missing.h: No such file or directory",
        "/tools/Xilinx/Vivado/2020.1/tps/lnx64/binutils-2.26/bin/ld: cannot find crt1.o: No such file or directory",
        "make: *** [csim.mk:86: obj/digits_test.o] Error 1",
    ],
)
def test_a_csim_that_does_not_compile_has_failed_and_is_not_cut_off(line):
    begin = CSIM[: CSIM.index("INFO: [SIM 1]")]
    report = csim_log.parse(f"{begin}{line}\n")
    assert report.simulation == Simulation(passed=False, status=f"the test bench does not compile: {line}")
    with pytest.raises(ReportError, match="no verdict"):
        csim_log.parse(begin)


def test_a_bench_that_speaks_of_errors_and_passes_has_passed():
    text = CSIM.replace("INFO: [SIM 1]", "error: 0 of 10 samples\nINFO: [SIM 1]")
    assert csim_log.parse(text).simulation.passed is True


def test_a_log_states_tool_part_clock_top_and_what_was_completed():
    report = tool_log.parse(LOG)
    assert (report.provenance.tool, report.provenance.tool_version) == ("vitis_hls", "2024.1")
    assert (report.provenance.part, report.module, report.clock.target_ns) == ("xczu7ev-ffvc1156-2-e", "digits", 10.0)
    assert report.log.completed_steps == ("csynth_design", "C/RTL SYNTHESIS")
    assert (len(report.log.errors), report.log.warning_count, report.log.ended_by_kill) == (2, 1, False)


def test_a_log_of_a_tool_that_was_killed():
    line = '/tools/Vivado/2020.1/bin/rdiArgs.sh: line 286:  6531 Killed                  "$RDI_PROG" "$@"\n'
    assert tool_log.parse(LOG + line).log.ended_by_kill is True


@pytest.mark.parametrize(
    ("line", "tool", "version"),
    [
        (
            "****** Vivado(TM) HLS - High-Level Synthesis from C, C++ and SystemC v2019.2 (64-bit)",
            "vivado_hls",
            "2019.2",
        ),
        ("Vivado(TM) HLS - High-Level Synthesis from C, C++ and SystemC v2019.1 (64-bit)", "vivado_hls", "2019.1"),
        ("****** Vitis HLS - High-Level Synthesis from C, C++ and OpenCL v2023.2.2 (64-bit)", "vitis_hls", "2023.2.2"),
        ("****** Vivado v2023.1 (64-bit)", "vivado", "2023.1"),
        ("# Vivado v2022.1 (64-bit)", "vivado", "2022.1"),
        ("****** vitis-run v2024.2 (64-bit)\n  **** HLS Build v2024.2 5238294", "vitis-run", "2024.2"),
        ("  **** HLS Build v2025.1 6135595", "vitis_hls", "2025.1"),
        ("****** v++ v2023.1 (64-bit)", "v++", "2023.1"),
        # what a wrapper script says before the tool has the word
        ("\n" * 42 + "****** Vivado v2023.1 (64-bit)", "vivado", "2023.1"),
        (
            "INFO: [HLS 200-10] Running 'C:/Xilinx/Vitis_HLS/2020.2/bin/unwrapped/win64.o/vitis_hls.exe'",
            "vitis_hls",
            "2020.2",
        ),
        (
            "@I [HLS-10] Running 'C:/Xilinx/Vivado_HLS/2014.1/bin/unwrapped/win64.o/vivado_hls.exe'",
            "vivado_hls",
            "2014.1",
        ),
    ],
)
def test_every_way_in_which_a_tool_introduces_itself(line, tool, version):
    assert recognise(line + "\n") is tool_log.FORMAT
    provenance = tool_log.parse(line + "\n").provenance
    assert (provenance.tool, provenance.tool_version) == (tool, version)


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (
            power.parse,
            POWER.replace("| Dynamic (W)              |", "| Moving (W)               |"),
            "no row 'Dynamic (W)'",
        ),
        (power.parse, POWER.replace("| 0.943 ", "| 0.493 "), "the total is not the sum"),
        (power.parse, POWER[: POWER.index("| Dynamic")], "the table is cut off"),
        (cosim.parse, VIVADO_COSIM.replace("Report time", "Report date"), "no line 'Report time'"),
        (cosim.parse, VIVADO_COSIM.replace("      Pass|", "     Maybe|"), "unknown status 'Maybe'"),
        (cosim.parse, VIVADO_COSIM.replace("             12|", "             99|"), "is not between 10 and 15"),
        (csim_log.parse, CSIM[: CSIM.index("INFO: [SIM 1]")], "no verdict of C simulation"),
        (tool_log.parse, "hello\n", "no banner"),
    ],
)
def test_what_is_missing_or_contradictory_is_named(parse, text, message):
    with pytest.raises(ReportError) as error:
        parse(text)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("parse", "text", "right", "wrong"),
    [
        (power.parse, POWER, "Low", "Med"),
        (cosim.parse, VITIS_COSIM, "162128", "162129"),
        (csim_log.parse, CSIM, "0 errors", "1 errors"),
        (tool_log.parse, LOG, "period of 10ns", "period of 11ns"),
    ],
)
def test_a_wrong_number_is_another_value(parse, text, right, wrong):
    assert parse(text.replace(right, wrong)) != parse(text)
