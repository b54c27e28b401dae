"""Vivado's utilization reports, flat and hierarchical."""

from pathlib import Path

import pytest

from hlsflow.foundation.errors import ReportError
from hlsflow.reports.figures import Resources, Stage
from hlsflow.reports.vivado import utilization, utilization_hierarchical

SAMPLES = Path(__file__).parents[1] / "data" / "reports"
SYNTHESIZED = (SAMPLES / "vivado/vivado_synth.rpt").read_text()
PLACED = (SAMPLES / "vivado/digits_utilization_placed.rpt").read_text()
HIERARCHICAL = (SAMPLES / "vivado/digits_util_hier.rpt").read_text()


def test_a_synthesized_design_on_a_part_without_uram():
    report = utilization.parse(SYNTHESIZED)
    assert report.provenance.stage == Stage.LOGIC_SYNTHESIS
    assert (report.provenance.tool, report.provenance.tool_version) == ("vivado", "2020.1")
    assert (report.module, report.provenance.part) == ("digits", "7z020clg400-1")
    assert report.resources == Resources(
        lut=18210,
        ff=9250,
        dsp=24,
        bram_18k=33,
        lut_available=53200,
        ff_available=106400,
        dsp_available=220,
        bram_18k_available=280,
        bram_36k_tiles=16.5,
    )


def test_a_placed_design_with_sections_of_other_numbers():
    report = utilization.parse(PLACED)
    assert report.provenance.stage == Stage.PLACED
    assert (report.resources.lut, report.resources.ff, report.resources.dsp) == (17011, 9100, 1728)
    assert (report.resources.bram_18k, report.resources.uram) == (3, 2)


def test_the_hierarchy_with_bram_of_both_sizes_added():
    report = utilization_hierarchical.parse(HIERARCHICAL)
    assert report.provenance.stage == Stage.POST_ROUTE
    assert report.resources == Resources(lut=16890, ff=9000, dsp=334, bram_18k=5, uram=0, bram_36k_tiles=2.5)
    assert [(module.path, module.depth) for module in report.modules] == [
        ("digits", 0),
        ("digits/(digits)", 1),
        ("digits/dense_U0", 1),
        ("digits/dense_U0/mul_U1", 2),
        ("digits/relu_U0", 1),
    ]
    assert report.modules[2].name == "dense_latency_config2_s"


def test_black_boxes_are_named_since_they_are_not_counted():
    empty = "| Ref Name | Used |\n+----------+------+\n"
    text = SYNTHESIZED.replace(empty, empty + "| my_core  |    1 |\n+----------+------+\n")
    assert utilization.parse(text).black_boxes == ("my_core",)
    assert utilization.parse(SYNTHESIZED).black_boxes == ()
    with pytest.raises(ReportError, match="section 'Black Boxes' is missing"):
        utilization.parse(SYNTHESIZED[: SYNTHESIZED.rindex("8. Black Boxes")])
    with pytest.raises(ReportError, match="Black Boxes: the table is cut off"):
        utilization.parse(text[: text.index("| my_core")])


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (utilization.parse, "", "head: no line"),
        (utilization.parse, SYNTHESIZED.replace("Vivado v.2020.1", "Quartus 20.1"), "is no version of Vivado"),
        (utilization.parse, SYNTHESIZED.replace("| Design       : digits\n", ""), "head: no 'design'"),
        (utilization.parse, SYNTHESIZED.replace("State : Synthesized", "State : Elaborated"), "unknown design state"),
        (utilization.parse, SYNTHESIZED.replace("| Slice LUTs* ", "| Slice ALMs* "), "no row '(CLB|Slice) LUTs"),
        (utilization.parse, SYNTHESIZED.replace("| 16.5 |", "|16.51 |"), "is no number of halves"),
        (utilization_hierarchical.parse, HIERARCHICAL.replace("by Hierarchy", "by Design"), "is missing"),
        (utilization_hierarchical.parse, HIERARCHICAL.replace("Total LUTs", "Total ALMs"), "no column 'Total LUTs'"),
    ],
)
def test_what_is_missing_or_not_understood_is_named(parse, text, message):
    with pytest.raises(ReportError) as error:
        parse(text)
    assert message in str(error.value)


def test_a_wrong_number_that_the_report_itself_contradicts_is_refused():
    with pytest.raises(ReportError) as error:
        utilization.parse(SYNTHESIZED.replace("| 18210 |", "| 81210 |"))
    assert "81210 of 53200 is 152.65 %, not 34.23 %" in str(error.value)


@pytest.mark.parametrize(
    ("parse", "text", "right", "wrong"),
    [
        (utilization.parse, SYNTHESIZED, "| 18210 |", "| 18211 |"),
        (utilization_hierarchical.parse, HIERARCHICAL, "16890(7.33%)", "16891(7.33%)"),
    ],
)
def test_a_wrong_number_is_another_value(parse, text, right, wrong):
    assert right in text
    assert parse(text.replace(right, wrong)) != parse(text)
