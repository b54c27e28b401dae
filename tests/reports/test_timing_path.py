"""Vivado's `report_timing`: the worst path alone."""

from pathlib import Path

import pytest

from hlsflow.foundation.errors import ReportError
from hlsflow.reports.figures import Clock, Stage
from hlsflow.reports.vivado.timing_path import parse

TEXT = (Path(__file__).parents[1] / "data" / "reports" / "vivado/digits_timing_synth.rpt").read_text()


def test_the_worst_path_states_the_period_achieved():
    report = parse(TEXT)
    assert report.clock == Clock(name="ap_clk", target_ns=5.0, achieved_ns=3.384, slack_ns=1.616)
    assert (report.provenance.stage, report.module) == (Stage.LOGIC_SYNTHESIS, "digits")


def test_a_path_over_several_periods_states_none():
    clock = parse(TEXT.replace("Requirement:            5.000ns", "Requirement:            10.000ns")).clock
    assert (clock.slack_ns, clock.achieved_ns) == (1.616, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TEXT.replace("Slack (MET)", "Slack (inf)"), "no path"),
        (TEXT[: TEXT.index("arrival time   ")], "the first path is cut off"),
        (TEXT.replace("  Path Type:              Setup (Max at Slow Process Corner)\n", ""), "no type"),
        (
            TEXT.replace(
                "slack                                  1.616", "slack                                  1.661"
            ),
            "damaged",
        ),
        (
            TEXT.replace("period=5.000ns", "period=5.000ns", 1).replace("period=5.000ns", "period=4.000ns", 1),
            "2 periods of one clock",
        ),
    ],
)
def test_what_is_missing_or_contradictory_is_named(text, message):
    with pytest.raises(ReportError) as error:
        parse(text)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"Path Type:              Setup (Max": "Path Type:              Hold (Min"}, "path of the type 'Hold (Min"),
        ({"Setup (Max at Slow Process Corner)": "Max at Slow Process Corner"}, "path of the type 'Max at"),
        ({"(ap_clk rise@5.000ns - ap_clk rise@0.000ns)": "(MaxDelay Path 5.000ns)"}, "maximum-delay path"),
        (
            {"period=5.000ns})\n  Path Group": "period=4.000ns})\n  Path Group", "- ap_clk rise@0": "- other rise@0"},
            "path between two clocks",
        ),
        ({"Slack (MET) :             1.616ns  (required time - arrival time)": "Slack:                    inf"},
         "unconstrained path"),
    ],
)  # fmt: skip
def test_a_path_that_tells_no_clock_period_is_passed_over(changes, what):
    text = TEXT
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    report = parse(text)
    assert report.passed_over.startswith(f"timing of a{'n' if what[0] == 'u' else ''} {what}")
    assert report.clock is None


def test_a_wrong_number_is_another_value():
    assert parse(TEXT.replace("1.616", "1.617")) != parse(TEXT)
