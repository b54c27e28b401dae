"""The comparison as Markdown, CSV and terminal text: nothing without its provenance, nothing invented."""

import csv
import io
from html import unescape

import pytest
from comparison_records import compared, figure, many, record

from hlsflow.comparison.csv_rows import csv_text
from hlsflow.comparison.markdown import markdown
from hlsflow.comparison.metrics import METRICS, figure_range, figure_value
from hlsflow.comparison.output import check, contents, write
from hlsflow.comparison.pages.page import page
from hlsflow.comparison.tables import tables
from hlsflow.comparison.terminal import terminal
from hlsflow.comparison.text import delta_text, figure_text, gate_text, value_text
from hlsflow.foundation.errors import ReportError
from hlsflow.records.report import markdown as report


def rows_of(comparison) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_text(comparison))))


@pytest.mark.parametrize(
    ("metric", "value", "expected"),
    [
        ("accuracy_csim", 0.96514, "96.51 %"),
        ("lut", 12345, "12,345"),
        ("lut", 0, "0"),
        ("lut", None, "-"),
        ("latency_at_target_ns", 4000.0, "4,000.0"),
        ("slack_ns", -0.4, "−0.400"),
        ("weights_file_bytes", 1536, "1.5"),
        ("throughput_at_target", 127551.02, "127,551"),
    ],
)
def test_values(metric, value, expected):
    assert value_text(METRICS[metric], value) == expected


@pytest.mark.parametrize(
    ("metric", "value", "delta", "expected"),
    [
        ("accuracy_csim", 0.95, -0.0113, "−1.13 pp"),
        ("lut", 80, -20, "−20.0 %"),
        ("lut", 100, 0, "±0.0 %"),
        ("dsp", 5, 5, "+5"),
        ("dsp", 0, 0, "±0"),
        ("slack_ns", 0.5, -0.25, "−0.250 ns"),
        ("lut", 80, None, ""),
        ("lut", None, None, ""),
    ],
)
def test_deltas(metric, value, delta, expected):
    assert delta_text(METRICS[metric], value, delta) == expected


def test_what_follows_from_a_figure():
    taken = figure(latency_max_cycles=800, interval_max_cycles=784, clock_target_ns=10.0, clock_achieved_ns=8.0)
    assert figure_value(taken, "latency_at_target_ns") == 8000.0
    assert figure_value(taken, "latency_at_achieved_ns") == 6400.0
    assert figure_value(taken, "throughput_at_target") == pytest.approx(127551.02, abs=0.01)
    assert figure_value(taken, "throughput_at_achieved") == pytest.approx(159438.776, abs=0.01)
    assert figure_value(figure(clock_achieved_ns=None), "latency_at_achieved_ns") is None
    assert figure_value(figure(interval_max_cycles=None), "throughput_at_target") is None


def test_error_bars_of_a_latency_in_ns_are_those_in_cycles():
    estimate = figure("analytic", ranges={"latency_max_cycles": [700.0, 900.0]}, clock_target_ns=5.0)
    assert figure_range(estimate, "latency_at_target_ns") == (3500.0, 4500.0)
    assert figure_range(estimate, "lut") is None


def test_both_ends_of_a_latency_are_shown_where_they_differ():
    text = figure_text(figure(latency_min_cycles=700, latency_max_cycles=1800), METRICS["latency_max_cycles"])
    assert text == "700–1,800"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "exact"),
        ({"passed": False}, "FAILED: off by 0.25, none allowed"),
        ({"gate": "bounded"}, "bounded: off by 0.25 of 0.5 allowed"),
        ({"gate": "bounded", "passed": False}, "FAILED: off by 0.75 of 0.5 allowed"),
        ({"holds_derived": False}, "equal on its samples, not exact for any input"),
        ({"passed": False, "mismatches": 0, "failures": ("the witnesses disagree",)}, "FAILED: the witnesses disagree"),
    ],
)
def test_gate(changes, expected):
    assert gate_text(compared(record(**changes)).rows[0].design.gate) == expected


def test_stages_never_share_a_table():
    comparison = compared(record("a", figures=(figure(lut=111), figure("post-route", lut=222))))
    _, csynth, routed = tables(comparison)
    assert csynth.title == "Stage csynth" and routed.title == "Stage post-route"
    assert ["111" in cell.text for row in csynth.rows for cell in row].count(True) == 1
    assert not any("222" in cell.text for row in csynth.rows for cell in row)


def test_an_estimate_is_called_one_with_its_error_bars():
    text = markdown(compared(*many(2)))
    assert "## Stage analytic (estimate, not a measurement)" in text
    assert "None of them is a measurement." in text
    assert "32,000–52,000" in text


def test_markdown_marks_a_failure_in_red_and_escapes():
    text = markdown(compared(record("bad", passed=False, title="a | b <script>")))
    assert '<span style="color:#b3261e">**FAILED: off by 0.25, none allowed**</span>' in text
    assert "a \\| b &lt;script&gt;" in text and "<script>" not in text


def test_markdown_without_any_figure_says_how_to_get_some():
    assert "No design has figures of hardware yet." in markdown(compared(record()))


def test_a_substitute_is_flagged_with_the_accuracy_of_training():
    text = markdown(compared(record(substitute=True, dataset="digits-as-mnist")))
    assert "10,000 of digits-as-mnist (substitute)" in text
    assert "measured on a substitute, invented; on mnist, quoted from models/small/training.json: 97.00 %" in text


def test_what_is_unknown_is_no_zero():
    comparison = compared(record("a", accuracy=None, figures=(figure(dsp=None), figure("cosim", dsp=0))))
    csynth, cosim = rows_of(comparison)
    assert (csynth["dsp"], cosim["dsp"]) == ("", "0")
    assert csynth["accuracy_csim"] == ""


def test_csv_has_one_row_for_each_build_stage_and_tool():
    rows = rows_of(compared(record("a", figures=(figure(), figure(tool_version="2.0"), figure("cosim"))), record("b")))
    assert [(row["design"], row["stage"], row["tool_version"]) for row in rows] == [
        ("a", "csynth", "1.0"),
        ("a", "csynth", "2.0"),
        ("a", "cosim", "1.0"),
        ("b", "", ""),
    ]
    for row in rows[:3]:
        assert row["tool"] and row["part"] and row["source_file"] and row["record_file"]


def test_csv_shows_a_wrong_number():
    (row,) = rows_of(compared(record("a", figures=(figure(lut=20001),))))
    assert row["lut"] == "20001" != "20000"
    assert row["lut_percent"] == "37.6"


def test_terminal_has_no_colours_in_a_file():
    text = terminal(compared(record("bad", passed=False), *many(2)), io.StringIO())
    assert "\x1b" not in text
    assert "FAILED: off by 0.25, none allowed" in text


def test_files_are_the_same_every_time_and_checked(tmp_path):
    comparison = compared(*many(3))
    assert contents(comparison) == contents(comparison)
    paths = write(comparison, tmp_path)
    stamps = [path.stat().st_mtime_ns for path in paths]
    assert [path.name for path in write(comparison, tmp_path)] == [
        "comparison.md",
        "comparison.csv",
        "comparison.json",
        "comparison.html",
    ]
    assert [path.stat().st_mtime_ns for path in paths] == stamps
    check(comparison, tmp_path)
    paths[0].write_text("old")
    with pytest.raises(ReportError, match=r"out of date: .*comparison\.md\n"):
        check(comparison, tmp_path)


def test_more_than_the_part_has_and_a_missed_clock_are_failures():
    taken = figure(lut=60_000, slack_ns=-0.25)
    cells = {cell.text: cell.bad for cell in tables(compared(record("a", figures=(taken,))))[1].rows[0]}
    assert cells["60,000"] and cells["−0.250"]
    assert not cells["10,000"]


def test_a_row_tells_in_what_its_figures_differ():
    base = record("base", bits=900_000, figures=(figure(),))
    other = record("other", figures=(figure(tool_version="2.0"), figure("cosim")))
    designs = tables(compared(base, other))[0]
    assert designs.rows[1][-1].text == "comparable"
    assert designs.rows[1][-1].detail == "figures ≠ tool version, stage"


OWN_RTL = figure("open-synthesis", tool="Yosys", lut=3677, dsp=180, architecture="folded")
TWO = (
    "two designs of one network: analytic figures are of the one that HLS makes of hls4ml's C++, open-synthesis "
    "figures of our own RTL (folded); neither says anything of the other"
)


@pytest.mark.parametrize("stage", ["rtl-sim", "open-synthesis", "open-route"])
def test_figures_of_two_designs_are_said_to_be_wherever_both_stand(stage):
    own = OWN_RTL.model_copy(update={"stage": stage})
    both = record("both", figures=(figure("analytic"), own))
    comparison = compared(both, record("one", figures=(figure("analytic"),)))
    said = TWO.replace("open-synthesis", stage)
    for text in (terminal(comparison, io.StringIO()), markdown(comparison), unescape(page(comparison))):
        assert f"both: {said}." in text.replace("\\", "")
        assert "one: two designs" not in text
        assert f"{stage} (our own RTL, another design than hls4ml's)" in text.replace("\\", "")
    assert f"These are {said}." in report(both)
    assert [(row["design"], row["figure_of"], row["architecture"]) for row in rows_of(comparison)] == [
        ("both", "HLS of hls4ml's C++", ""),
        ("both", "own RTL", "folded"),
        ("one", "HLS of hls4ml's C++", ""),
    ]


def test_it_is_the_figures_that_say_so_and_not_the_names():
    alone = compared(record("qap8", figures=(OWN_RTL,)), record("both", figures=(figure("csynth"), figure("cosim"))))
    assert "two designs" not in markdown(alone)
    # An architecture tells it of a stage that is not ours by its name, and two records of one kind share a sentence.
    odd = figure("post-route", lut=1, architecture="unrolled")
    text = markdown(compared(*(record(name, figures=(figure("csynth"), odd)) for name in ("a", "b"))))
    assert text.count("two designs of one network: csynth figures") == 1 and "a, b: two designs" in text
