"""Vivado's timing summary."""

from pathlib import Path

import pytest

from hlsflow.foundation.errors import ReportError
from hlsflow.reports.figures import Clock, Stage
from hlsflow.reports.vivado.timing_summary import parse

TEXT = (Path(__file__).parents[1] / "data" / "reports" / "vivado/digits_timing.rpt").read_text()
WNS_ROW = next(line for line in TEXT.splitlines() if line.startswith("     -0.155"))
INTRA_ROW = next(line for line in TEXT.splitlines() if line.startswith("ap_clk            -0.155"))


def test_the_achieved_period_is_that_of_the_clock_with_the_worst_slack():
    report = parse(TEXT)
    assert report.clock == Clock(
        name="ap_clk", target_ns=3.0, achieved_ns=3.155, slack_ns=-0.155, total_negative_slack_ns=-7.193
    )
    assert (report.module, report.provenance.part) == ("digits", "xcvu13p-fhga2104")


@pytest.mark.parametrize(
    ("mark", "stage"),
    [("routed", Stage.POST_ROUTE), ("estimated", Stage.PLACED), ("unplaced", Stage.LOGIC_SYNTHESIS)],
)
def test_the_stage_is_read_from_the_nets_where_the_head_does_not_state_it(mark, stage):
    assert parse(TEXT.replace("(fo=2, routed)", f"(fo=2, {mark})")).provenance.stage == stage


def test_a_head_that_states_the_stage_is_believed():
    text = TEXT.replace("| Speed File   :", "| Design State : Fully Placed\n| Speed File   :")
    assert parse(text[: text.index("Max Delay Paths")]).provenance.stage == Stage.PLACED


def test_a_design_without_constraints_has_no_slack_and_no_stage():
    text = TEXT.replace(WNS_ROW, WNS_ROW.replace("-0.155", "    NA").replace("-7.193", "    NA"), 1)
    text = text.replace("Timing constraints are not met.", "There are no user specified timing constraints.")
    report = parse(text.replace(INTRA_ROW + "\n", ""))
    assert (report.clock.slack_ns, report.clock.achieved_ns, report.provenance.stage) == (None, None, None)


def test_the_worst_path_between_two_clocks_is_no_period():
    other = INTRA_ROW.replace("-0.155", " 1.000").replace("-7.193", " 0.000")
    ruler = "----------    --------"
    rows = [number for number, line in enumerate(TEXT.splitlines()) if line.startswith(ruler)]
    lines = TEXT.replace(INTRA_ROW, other).splitlines()
    lines.insert(rows[0] + 1, "ap_clk        slow_clk".ljust(28) + "-0.155")
    report = parse("\n".join(lines))
    assert (report.clock.slack_ns, report.clock.achieved_ns) == (-0.155, None)


def test_a_clock_of_several_words_is_one_name():
    # Vivado 2024.1 writes it for paths from a port that no clock reaches.
    ruler = "----------    --------"
    lines = TEXT.splitlines()
    table = next(number for number, line in enumerate(lines) if line.startswith(ruler))
    wide = " " * (len("input port clock") - len("----------"))
    lines[table - 1] = f"From Clock{wide}    {lines[table - 1][14:]}"
    lines[table] = f"{'-' * 16}    {lines[table][14:]}"
    end = lines[table].index("-------  ", 28) + 7
    lines.insert(table + 1, f"input port clock    {'ap_clk':<8}{'0.744':>{end - 28}}")
    report = parse("\n".join(lines))
    assert report == parse(TEXT)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TEXT.replace("| Clock Summary\n", "| Clocks\n"), "section 'Clock Summary' is missing"),
        (TEXT.replace("| Intra Clock Table\n", ""), "section 'Intra Clock Table' is missing"),
        (TEXT.replace("3.000           333.333", "3.000           133.333"), "3.000 ns is not 133.333 MHz"),
        (TEXT.replace("{0.000 1.500}", "?"), "is no clock"),
        (TEXT.replace(WNS_ROW, WNS_ROW.replace("-0.155", "-0.955"), 1), "no clock has the WNS -0.955 ns"),
        (TEXT.replace("Timing constraints are not met.", "All user specified timing constraints are met."), "damaged"),
        (TEXT[: TEXT.index("         slack  ")], "the first path is cut off"),
        (TEXT[: TEXT.index("Max Delay Paths")], "no path, and so no stage"),
    ],
)
def test_what_is_missing_or_contradictory_is_named(text, message):
    with pytest.raises(ReportError) as error:
        parse(text)
    assert message in str(error.value)


def test_a_wrong_number_is_another_value():
    text = TEXT.replace(WNS_ROW, WNS_ROW.replace("-0.155", "-0.156"), 1)
    assert parse(text.replace(INTRA_ROW, INTRA_ROW.replace("-0.155", "-0.156"))) != parse(TEXT)
