"""What `export_design` writes: the plain report, the sectioned one, and XML."""

from pathlib import Path

import pytest

from hlsflow.foundation.errors import ReportError
from hlsflow.reports.figures import Clock, Resources, Stage
from hlsflow.reports.hls import export_rpt, export_xml

SAMPLES = Path(__file__).parents[1] / "data" / "reports" / "vivado"
PLAIN = (SAMPLES / "digits_export.rpt").read_text()
SYNTHESIS = (SAMPLES / "export_syn.rpt").read_text()
ROUTED = (SAMPLES / "export_impl.rpt").read_text()
XML = (SAMPLES / "export_syn.xml").read_text()


def test_the_plain_report_after_routing():
    report = export_rpt.parse(PLAIN)
    assert report.provenance.stage == Stage.POST_ROUTE
    assert (report.provenance.tool_version, report.provenance.part) == ("2018.2", "xcvu9p-flgb2104-2-i")
    assert report.resources == Resources(lut=21345, ff=19627, dsp=952, bram_18k=21, uram=0)
    assert report.clock == Clock(target_ns=5.0, achieved_ns=5.037)


def test_the_plain_report_after_synthesis_alone():
    text = PLAIN.replace("Post-Implementation", "Post-Synthesis").replace("Timing not met", "Timing met")
    report = export_rpt.parse(text.replace("CP achieved post-implementation:    5.037\n", ""))
    assert report.provenance.stage == Stage.LOGIC_SYNTHESIS
    assert report.clock.achieved_ns == 3.384


@pytest.mark.parametrize(
    ("text", "stage", "achieved_ns"),
    [(SYNTHESIS, Stage.LOGIC_SYNTHESIS, 6.572), (ROUTED, Stage.POST_ROUTE, 7.966)],
)
def test_the_sectioned_report(text, stage, achieved_ns):
    report = export_rpt.parse(text)
    assert report.provenance.stage == stage
    assert report.clock == Clock(target_ns=10.0, achieved_ns=achieved_ns)
    assert report.resources == Resources(lut=4262, ff=4308, dsp=40, bram_18k=46, uram=0)
    top, local, weights, dense = report.modules
    assert (top.resources, top.depth) == (report.resources, 0)
    assert local.resources == Resources(lut=12, ff=103, dsp=0, bram_18k=0, uram=0)
    assert weights.resources is None
    assert (dense.path, dense.depth) == ("inst/dense_U0", 1)


def test_2022_2_names_the_period_of_a_synthesized_design_post_route():
    report = export_rpt.parse(SYNTHESIS.replace("| Post-Synthesis |", "| Post-Route     |"))
    assert report.provenance.stage == Stage.LOGIC_SYNTHESIS
    assert report.clock.achieved_ns == 6.572


def test_the_xml():
    report = export_xml.parse(XML)
    assert report.provenance.stage == Stage.LOGIC_SYNTHESIS
    assert (report.module, report.provenance.part) == ("digits", None)
    assert report.clock == Clock(
        name="ap_clk", target_ns=10.0, achieved_ns=6.572, slack_ns=3.428, total_negative_slack_ns=0.0
    )
    assert (report.resources.bram_18k, report.resources.bram_18k_available) == (46, 280)
    assert report.modules[1].resources == Resources(lut=4250, ff=4205, dsp=0, bram_18k=0, uram=0)


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (export_rpt.parse, "", "no 'Implementation tool'"),
        (
            export_rpt.parse,
            PLAIN.replace("#=== Post-Implementation Resource usage", "#=== Usage"),
            "'Resource usage' is missing",
        ),
        (export_rpt.parse, PLAIN.replace("Timing not met\n", ""), "no verdict at its end"),
        (export_rpt.parse, PLAIN.replace("Timing not met", "Timing met"), "5.037 ns for 5 ns, but 'timing was met'"),
        (export_rpt.parse, PLAIN.replace("LUT:", "ALM:"), "no 'LUT'"),
        (export_rpt.parse, ROUTED.replace("| Post-Route     |", "| Post-Place     |"), "no row 'Post-Route'"),
        (
            export_rpt.parse,
            SYNTHESIS.replace("== RTL Synthesis Resources", "== Parts"),
            "'RTL Synthesis Resources' is missing",
        ),
        (export_xml.parse, XML.replace("synth<", "dream<"), "unknown run 'dream'"),
        (export_xml.parse, XML.replace(">6.572<", ">7.572<"), "10 - 7.572 is not the slack 3.428"),
        (export_xml.parse, XML.replace("<LUT>4262</LUT>", ""), "element Resources/LUT is missing"),
        (export_xml.parse, "<profile/>", "no <profile> of an export"),
    ],
)
def test_what_is_missing_or_contradictory_is_named(parse, text, message):
    with pytest.raises(ReportError) as error:
        parse(text)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("parse", "text", "right", "wrong"),
    [
        (export_rpt.parse, PLAIN, "21345", "21344"),
        (export_rpt.parse, ROUTED, "7.966", "7.967"),
        (export_xml.parse, XML, "<FF>4308</FF>", "<FF>4309</FF>"),
    ],
)
def test_a_wrong_number_is_another_value(parse, text, right, wrong):
    assert parse(text.replace(right, wrong)) != parse(text)
