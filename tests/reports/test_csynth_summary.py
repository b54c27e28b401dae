"""Vitis's synthesis summary, `csynth.rpt`."""

from pathlib import Path

import pytest

from hlsflow.foundation.errors import ReportError
from hlsflow.reports.figures import Latency, Resources
from hlsflow.reports.hls.csynth_summary import parse

SAMPLES = Path(__file__).parents[1] / "data" / "reports"
TEXT_2024 = (SAMPLES / "vitis_hls_2024_1/csynth.rpt").read_text()
TEXT_2025 = (SAMPLES / "vitis_hls_2025_2/csynth.rpt").read_text()


@pytest.mark.parametrize(("text", "version"), [(TEXT_2024, "2024.1"), (TEXT_2025, "2025.2")])
def test_both_layouts_state_the_same(text, version):
    report = parse(text)
    assert (report.provenance.tool_version, report.module, report.pipeline) == (version, "digits", "dataflow")
    assert report.resources == Resources(lut=27194, ff=1721, dsp=334, bram_18k=4, uram=0)
    assert report.latency == Latency(latency_max_cycles=20, interval_max_cycles=7)
    assert report.clock.slack_ns == 0.39
    assert (report.clock.target_ns, report.clock.achieved_ns) == (None, None)


def test_modules_and_loops_keep_their_place():
    report = parse(TEXT_2024)
    assert [module.path for module in report.modules] == [
        "digits",
        "digits/dense_latency_config2",
        "digits/relu_config3_s",
        "digits/stall_s",
    ]
    (loop,) = report.loops
    assert loop.path == "digits/dense_latency_config2/Product"
    assert (loop.latency.latency_max_cycles, loop.iteration_latency_max_cycles, loop.trip_count_max) == (66, 3, 64)
    assert loop.initiation_interval_cycles == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "title: no line"),
        (
            TEXT_2024.replace("+ Performance & Resource Estimates", "+ Area"),
            "'Performance & Resource Estimates' is missing",
        ),
        (
            TEXT_2024.replace("|    LUT     ", "|    L?T     ").replace("|     LUT     |", "|     L?T     |"),
            "no column",
        ),
        (TEXT_2024.replace("|+ digits*", "|- digits*"), "is no module or loop"),
        (TEXT_2024.replace("== Synthesis Summary Report of 'digits'", "== Synthesis Summary Report of 'x'"), "top 'x'"),
        (TEXT_2024.replace("27194 (11%)", "27194 (11%("), "is no count"),
    ],
)
def test_what_is_missing_or_not_understood_is_named(text, message):
    with pytest.raises(ReportError) as error:
        parse(text)
    assert message in str(error.value)


def test_a_wrong_number_is_another_value():
    assert parse(TEXT_2024.replace("27194 (11%)", "27193 (11%)")) != parse(TEXT_2024)
