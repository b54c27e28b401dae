"""`<top>_csynth.rpt` of Vivado HLS and Vitis HLS."""

from pathlib import Path

import pytest

from hlsflow.foundation.errors import ReportError
from hlsflow.reports.figures import Clock, Latency, Resources, Stage
from hlsflow.reports.hls.csynth_rpt import parse

SAMPLES = Path(__file__).parents[1] / "data" / "reports"
VIVADO_2018 = (SAMPLES / "vivado_hls_2018_3/digits_csynth.rpt").read_text()
VIVADO_2020 = (SAMPLES / "vivado_hls_2020_1/digits_axi_csynth.rpt").read_text()
VITIS_2024 = (SAMPLES / "vitis_hls_2024_1/digits_csynth.rpt").read_text()


def test_everything_that_the_report_states_of_its_module():
    report = parse(VITIS_2024)
    assert report.module == "digits"
    assert report.date == "Wed May 08 11:12:13 2024"
    assert report.flow_target == "Vivado IP Flow Target"
    assert report.pipeline == "dataflow"
    assert report.provenance.stage == Stage.CSYNTH
    assert (report.provenance.tool, report.provenance.tool_version) == ("vitis_hls", "2024.1")
    assert report.provenance.part == "xczu7ev-ffvc1156-2-e"
    assert report.clock == Clock(name="ap_clk", target_ns=10.0, achieved_ns=6.914, uncertainty_ns=2.7)
    assert report.latency == Latency(
        latency_min_cycles=20, latency_max_cycles=20, interval_min_cycles=7, interval_max_cycles=7
    )
    assert report.resources == Resources(
        lut=27194,
        ff=1721,
        dsp=334,
        bram_18k=4,
        uram=0,
        lut_available=230400,
        ff_available=460800,
        dsp_available=1728,
        bram_18k_available=624,
        uram_available=96,
    )


def test_the_figures_of_every_instance():
    dense, relu = parse(VITIS_2024).modules
    assert (dense.name, dense.instance, dense.path) == ("dense_latency_config2", "dense_U0", "digits/dense_U0")
    assert dense.resources == Resources(lut=24253, ff=1025, dsp=334, bram_18k=4, uram=0)
    assert (dense.latency.latency_max_cycles, dense.pipeline) == (2, "no")
    assert (relu.resources.lut, relu.latency.interval_max_cycles) == (2470, 0)


def test_the_figures_of_every_loop_with_its_place():
    outer, inner, tail = parse(VIVADO_2020).loops
    assert [loop.path for loop in (outer, inner, tail)] == [
        "digits_axi/Outer",
        "digits_axi/Outer/Inner",
        "digits_axi/Tail",
    ]
    assert (outer.iteration_latency_min_cycles, outer.iteration_latency_max_cycles) == (16, 32)
    assert (inner.trip_count_min, inner.trip_count_max) == (7, 15)
    assert (inner.initiation_interval_cycles, inner.initiation_interval_target_cycles) == (2, 1)
    assert (tail.latency.latency_max_cycles, tail.trip_count_max) == (None, None)
    assert tail.pipelined == "yes"


def test_an_instance_without_latency_keeps_its_resources():
    row = next(line for line in VITIS_2024.splitlines() if "relu_U0 " in line and "0 ns" in line)
    relu = parse(VITIS_2024.replace(row + "\n", "")).modules[1]
    assert relu.latency is None
    assert relu.resources.lut == 2470


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "title: no line"),
        (
            VITIS_2024.replace("== Performance Estimates", "== Performance"),
            "section 'Performance Estimates' is missing",
        ),
        (VITIS_2024.replace("== Utilization Estimates", "== Area"), "section 'Utilization Estimates' is missing"),
        (VITIS_2024.replace("+ Timing: ", "+ Clocks: "), "'Performance Estimates / Timing' is missing"),
        (VITIS_2024.replace("* Version:        2024.1", "* Version:        ?"), "no tool version"),
        (VITIS_2024.replace("* Target device:", "* Device:"), "no target device"),
        (VITIS_2024.replace("|Available        |", "|Has              |"), "no row 'Available'"),
        (VITIS_2024.replace("|   LUT  | URAM|", "|   L?T  | URAM|"), "no column for lut"),
        (VITIS_2024.replace("|       20|       20|", "|       2O|       20|"), "'2O' is no count"),
    ],
)
def test_what_is_missing_or_not_understood_is_named(text, message):
    with pytest.raises(ReportError) as error:
        parse(text)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("|   27194|    0|", "|   27195|    0|", "the total 27195 is not the sum 27194"),
        ("|  24253|    0|", "|  24353|    0|", "the total 26723 is not the sum 26823"),
        ("|  230400|   96|", "|  330400|   96|", "27194 of 330400 is 8.23 %, not 11 %"),
        ("|       20|       20|  0.200 us|", "|       20|       90|  0.200 us|", "90 cycles do not take 200 ns"),
    ],
)
def test_a_wrong_number_that_the_report_itself_contradicts_is_refused(right, wrong, message):
    assert right in VITIS_2024
    with pytest.raises(ReportError) as error:
        parse(VITIS_2024.replace(right, wrong))
    assert message in str(error.value)


def test_a_wrong_number_is_another_value():
    assert parse(VITIS_2024.replace("6.914 ns", "6.915 ns")) != parse(VITIS_2024)
