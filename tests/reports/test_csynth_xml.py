"""`csynth.xml` of Vivado HLS and Vitis HLS."""

from pathlib import Path

import pytest

from hlsflow.foundation.errors import ReportError
from hlsflow.reports.figures import Resources
from hlsflow.reports.hls import csynth_rpt
from hlsflow.reports.hls.csynth_xml import parse

SAMPLES = Path(__file__).parents[1] / "data" / "reports"
VIVADO_2018 = (SAMPLES / "vivado_hls_2018_3/csynth.xml").read_text()
VITIS_2024 = (SAMPLES / "vitis_hls_2024_1/csynth.xml").read_text()


@pytest.mark.parametrize(("xml", "rpt"), [("csynth.xml", "digits_csynth.rpt")])
@pytest.mark.parametrize("folder", ["vivado_hls_2018_3", "vitis_hls_2024_1"])
def test_it_states_the_same_as_the_text_report_of_its_run(folder, xml, rpt):
    ours = parse((SAMPLES / folder / xml).read_text())
    theirs = csynth_rpt.parse((SAMPLES / folder / rpt).read_text())
    assert ours.provenance == theirs.provenance
    assert ours.resources == theirs.resources
    assert ours.latency == theirs.latency
    assert ours.module == theirs.module
    assert (ours.clock.target_ns, ours.clock.achieved_ns) == (theirs.clock.target_ns, theirs.clock.achieved_ns)


def test_the_figures_of_every_module_and_loop():
    report = parse(VITIS_2024)
    (module,) = report.modules
    assert module.name == "dense_latency_config2"
    assert module.resources == Resources(lut=24253, ff=1025, dsp=334, bram_18k=4, uram=0)
    assert (module.latency.interval_min_cycles, module.latency.interval_max_cycles) == (2, None)
    assert module.clock.achieved_ns == 6.914
    (loop,) = report.loops
    assert loop.path == "dense_latency_config2/Product"
    assert (loop.trip_count_min, loop.trip_count_max) == (1, 64)
    assert (loop.latency.latency_min_cycles, loop.latency.latency_max_cycles) == (3, 66)
    assert loop.initiation_interval_cycles == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (VITIS_2024[: len(VITIS_2024) // 2], "is the file cut off?"),
        ("<profile></profile>", "no <profile> of C synthesis"),
        ("<project/>", "element <project>"),
        (VITIS_2024.replace("<LUT>27194</LUT>", ""), "element Resources/LUT is missing"),
        (VITIS_2024.replace("<LUT>27194</LUT>", "<LUT>many</LUT>"), "'many' is no count"),
        (VITIS_2024.replace("<Version>2024.1</Version>", "<Version/>"), "ReportVersion/Version is empty"),
        (VIVADO_2018.replace("<Interval-max>33</Interval-max>", "<Interval-max>-1</Interval-max>"), "'-1' is no count"),
        (
            '<!DOCTYPE p [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><profile>&b;</profile>',
            "refused, it declares entities",
        ),
    ],
)
def test_what_is_missing_or_not_understood_is_named(text, message):
    with pytest.raises(ReportError) as error:
        parse(text)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("<Worst-caseLatency>20<", "<Worst-caseLatency>80<", "80 cycles do not take 200 ns"),
        ("<UTIL_DSP>19</UTIL_DSP>", "<UTIL_DSP>91</UTIL_DSP>", "334 of 1728 is 19.33 %, not 91 %"),
    ],
)
def test_a_wrong_number_that_the_file_itself_contradicts_is_refused(right, wrong, message):
    with pytest.raises(ReportError) as error:
        parse(VITIS_2024.replace(right, wrong))
    assert message in str(error.value)


def test_a_wrong_number_is_another_value():
    assert parse(VITIS_2024.replace(">6.914<", ">6.915<")) != parse(VITIS_2024)
