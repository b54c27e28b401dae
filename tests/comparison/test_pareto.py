"""Nothing that cannot be built as its figures say is on a front, and the tables and the page say why."""

from __future__ import annotations

import csv
import io
from html import unescape

import pytest
from comparison_records import compared, figure, record

from hlsflow.comparison.comparability import CLOCK_TOLERANCE_NS
from hlsflow.comparison.csv_rows import csv_text
from hlsflow.comparison.markdown import markdown
from hlsflow.comparison.pages.data import page_data
from hlsflow.comparison.pages.page import page
from hlsflow.comparison.terminal import terminal

BEST = {"lut": 100, "ff": 100, "latency_min_cycles": 5, "latency_max_cycles": 5}
NEVER = "lut latency_max_cycles latency_at_achieved_ns ff dsp interval_max_cycles weight_bits parameters".split()


def sound():
    """Two designs that can be built, one more accurate, one smaller."""
    return (
        record("good", accuracy=0.95, bits=900_000, figures=(figure(),)),
        record("small", accuracy=0.94, bits=800_000, figures=(figure(lut=19_000, latency_max_cycles=700),)),
    )


def of(comparison, name: str):
    return next(row for row in comparison.rows if row.design.name == name)


CASES = {
    "too many LUT": ({"lut": 90_000}, "does not fit", "it does not fit its part: 90,000 LUT of 53,200"),
    "the review's": ({"lut": 90_000, "slack_ns": -9.0}, "does not fit, misses its clock", "the slack is -9 ns"),
    "too many FF": ({"ff": 106_401}, "does not fit", "106,401 FF of 106,400"),
    "too many DSP": ({"dsp": 221}, "does not fit", "221 DSP of 220"),
    "too many BRAM": ({"bram_18k": 281}, "does not fit", "281 BRAM_18K of 280"),
    "URAM where there is none": ({"uram": 1}, "does not fit", "1 URAM of 0"),
    "negative slack": ({"slack_ns": -0.001}, "misses its clock", "it misses its clock: the slack is -0.001 ns"),
    "too slow": (
        {"slack_ns": None, "clock_achieved_ns": 10.01}, "misses its clock", "10.01 ns achieved of 10 ns",
    ),
    "slower than its project asks for": (
        {"slack_ns": None, "clock_target_ns": None, "clock_achieved_ns": 10.5}, "misses its clock", "10.5 ns achieved",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_does_not_fit_or_misses_its_clock_is_on_no_front_and_keeps_nobody_off_it(name):
    changes, words, sentence = CASES[name]
    bad = record("bad", accuracy=0.99, bits=10, figures=(figure(**{**BEST, **changes}),))
    comparison = compared(*sound(), bad, cost="lut")
    row = of(comparison, "bad")
    assert row.optimal == () and row.measurements[0].optimal == ()
    for metric in NEVER[:2]:
        on = {r.design.name for r in comparison.rows for item in r.measurements if metric in item.optimal}
        assert on == {"good", "small"}, metric
    assert {r.design.name for r in comparison.rows if "weight_bits" in r.optimal} == {"good", "small"}
    text = markdown(comparison).replace("\\", "")
    assert f"| bad<br>an invented model · on no front: {words} |" in text
    assert f'<span style="color:#b3261e">**bad**</span><br>on no front: {words} |' in text
    assert "bad ★" not in text and sentence in text
    shown = terminal(comparison, io.StringIO())
    # A terminal breaks lines where it likes.
    assert " ".join(f"on no front: {sentence}".split()[-3:]) in " ".join(shown.split())
    shown = unescape(page(comparison))
    assert f'<small class="warn">on no front: {words}</small>' in shown and sentence in shown
    (data,) = [item for item in page_data(comparison)["rows"] if item["name"] == "bad"]
    assert sentence in data["figures"][0]["barred"] and "optimal" not in data["figures"][0]
    (line,) = [item for item in csv.DictReader(io.StringIO(csv_text(comparison))) if item["design"] == "bad"]
    assert sentence in line["on_no_front"] and line["is_pareto_optimal"] == "False"


@pytest.mark.parametrize(
    "changes",
    [
        {"lut": 53_200, "ff": 106_400, "dsp": 220, "bram_18k": 280},
        {"slack_ns": 0.0, "clock_achieved_ns": 10.0},
        {"lut_available": None, "lut": 10},
        {"slack_ns": None, "clock_achieved_ns": None},
    ],
)
def test_what_just_fits_and_just_meets_its_clock_is_on_the_front(changes):
    just = record("just", accuracy=0.99, bits=10, figures=(figure(**{**BEST, **changes}),))
    comparison = compared(*sound(), just, cost="latency")
    row = of(comparison, "just")
    assert "latency_max_cycles" in row.measurements[0].optimal and "weight_bits" in row.optimal
    assert row.barred == () and "on no front:" not in markdown(comparison)


def test_an_estimate_outside_its_domain_is_on_no_front_and_the_design_s_measurement_is():
    estimates = [
        record(name, accuracy=accuracy, figures=(figure("analytic", lut=lut, in_domain=known), figure(lut=lut)))
        for name, accuracy, lut, known in (("a", 0.95, 900, True), ("b", 0.94, 800, True), ("c", 0.99, 1, False))
    ]
    comparison = compared(*estimates, cost="lut")
    estimated, measured = of(comparison, "c").measurements
    assert estimated.optimal == () and "lut" in measured.optimal
    assert "lut" in of(comparison, "a").measurements[0].optimal
    text = markdown(comparison)
    assert "on no front: outside the estimate's domain" in text
    assert "on no front: the estimate was not calibrated on such designs." in text


def test_a_failed_gate_is_named_as_the_reason():
    comparison = compared(*sound(), record("bad", accuracy=0.99, bits=10, passed=False, figures=(figure(**BEST),)))
    assert of(comparison, "bad").measurements[0].optimal == ()
    assert "on no front: gate FAILED" in markdown(comparison)


def test_a_latency_alone_does_not_hide_that_the_design_does_not_fit():
    latency = {"lut": None, "ff": None, "dsp": None, "bram_18k": None, "uram": None, "slack_ns": None,
               "clock_achieved_ns": None}  # fmt: skip
    good = [
        record(name, accuracy=accuracy, figures=(figure(), figure("cosim", latency_max_cycles=cycles, **latency)))
        for name, accuracy, cycles in (("a", 0.95, 800), ("b", 0.94, 700))
    ]
    figures = (figure(lut=90_000), figure("cosim", latency_max_cycles=5, **latency))
    comparison = compared(*good, record("bad", accuracy=0.99, figures=figures), cost="latency")
    assert [item.optimal for item in of(comparison, "bad").measurements] == [(), ()]
    assert "latency_max_cycles" in of(comparison, "a").measurements[1].optimal


def test_the_latest_stage_decides_and_another_part_says_nothing():
    figures = (figure(lut=60_000), figure("post-route", lut=50_000))
    row = of(compared(*sound(), record("late", accuracy=0.99, bits=10, figures=figures)), "late")
    assert row.barred == () and row.measurements[0].barred and "weight_bits" in row.optimal
    elsewhere = (figure(), figure("post-route", part="xc7z007sclg225-1", lut=90_000))
    row = of(compared(*sound(), record("late", accuracy=0.99, bits=10, figures=elsewhere)), "late")
    assert row.barred == () and row.measurements[1].barred
    estimated = (figure("analytic", lut=90_000),)
    row = of(compared(*sound(), record("late", accuracy=0.99, bits=10, figures=estimated)), "late")
    assert row.barred == () and row.measurements[0].barred


@pytest.mark.parametrize(
    ("clock_ns", "same"), [(10.0, True), (10.004, True), (10.006, False), (10.5, False), (9.99, False)]
)
def test_two_clocks_are_one_within_what_a_report_rounds(clock_ns, same):
    base = record("base", bits=900_000, figures=(figure(),))
    other = record("other", figures=(figure(lut=10_000, clock_target_ns=clock_ns),))
    (item,) = of(compared(base, other), "other").measurements
    assert (item.reasons == ()) is same
    assert ("lut" in item.deltas) is same
    assert 0.005 < CLOCK_TOLERANCE_NS < 0.006
