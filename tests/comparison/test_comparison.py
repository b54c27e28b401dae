"""The comparison: what may be compared, deltas, fronts, and that its JSON is lossless."""

import pytest
from comparison_records import MNIST_SHA256, PART, compared, figure, many, record

from hlsflow.comparison.comparison import Comparison, Row, compare, comparison_from_json
from hlsflow.comparison.design import design_of_record
from hlsflow.comparison.pareto import front
from hlsflow.foundation.errors import ReportError, UsageError


def row_of(comparison: Comparison, name: str) -> Row:
    (found,) = [row for row in comparison.rows if row.design.name == name]
    return found


def texts(reasons) -> list[str]:
    return [reason.text for reason in reasons]


BASE = record("base", bits=900_000, figures=(figure(),))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"dataset": "digits", "sha256": "ab" * 32}, ["dataset digits, the baseline mnist"]),
        ({"samples": 500}, ["500 samples, the baseline 10,000"]),
        ({"sha256": "ab" * 32}, ["other samples (abababab, the baseline 06af5dfe)"]),
        (
            {"dataset": "digits-as-mnist", "substitute": True, "sha256": "ab" * 32},
            ["dataset digits-as-mnist in place of mnist, the baseline mnist"],
        ),
    ],
)
def test_accuracies_are_compared_on_the_same_samples_alone(changes, expected):
    row = row_of(compared(BASE, record("other", accuracy=0.95, **changes)), "other")
    assert texts(row.reasons) == expected
    assert ("accuracy_csim" in row.deltas) == (not expected)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"source_file": "elsewhere.rpt"}, []),
        ({"stage": "post-route"}, ["the baseline has no figure of the stage post-route"]),
        ({"part": "xc7z045ffg900-2"}, [f"part xc7z045ffg900-2, the baseline {PART}"]),
        ({"part": "xc7z020-clg400-1"}, []),
        ({"clock_target_ns": 5.0}, ["clock 5 ns, the baseline 10 ns"]),
        ({"tool_version": "2.0"}, ["tool version 2.0, the baseline 1.0"]),
        ({"tool_version": None}, ["its version of Invented HLS is not stated"]),
        ({"tool": "Other HLS"}, ["tool Other HLS, the baseline Invented HLS"]),
    ],
)
def test_figures_are_compared_of_one_stage_tool_version_part_and_clock(changes, expected):
    (item,) = row_of(compared(BASE, record("other", figures=(figure(lut=10000, **changes),))), "other").measurements
    assert texts(item.reasons) == expected
    assert item.deltas.get("lut") == (None if expected else -10000)


def test_a_figure_of_another_task_is_not_compared():
    other = record("other", dataset="digits", sha256="ab" * 32, figures=(figure(),))
    (item,) = row_of(compared(BASE, other), "other").measurements
    assert texts(item.reasons) == ["dataset digits, the baseline mnist"]


def test_a_report_without_part_and_clock_has_those_of_its_project():
    other = record("other", figures=(figure(part=None, clock_target_ns=None),))
    assert row_of(compared(BASE, other), "other").measurements[0].reasons == ()


def test_targets_that_differ_are_told_even_without_figures():
    other = record("other", part="xc7z045ffg900-2", clock_period_ns=5.0)
    reasons = texts(row_of(compared(record("base", bits=900_000), other), "other").target_reasons)
    assert reasons == [f"part xc7z045ffg900-2, the baseline {PART}", "clock 5 ns, the baseline 10 ns"]


def test_the_figure_of_the_same_version_is_the_one_to_differ_from():
    base = record("base", bits=900_000, figures=(figure(lut=1), figure(lut=100, tool_version="2.0")))
    other = record("other", figures=(figure(lut=90, tool_version="2.0"),))
    (item,) = row_of(compared(base, other), "other").measurements
    assert item.deltas["lut"] == -10


def test_modules_go_with_the_design_that_the_same_tool_described():
    whole, newer = figure(), figure(tool_version="2.0")
    modules = (figure(module="fc1", lut=7), figure(module="fc1", lut=8, tool_version="2.0"))
    first, second = row_of(compared(record(figures=(whole, newer, *modules))), "small").measurements
    assert [m.lut for m in first.measurement.modules] == [7]
    assert [m.lut for m in second.measurement.modules] == [8]


def test_modules_alone_say_nothing_of_the_whole_design():
    (item,) = row_of(compared(record(figures=(figure(module="fc1"),))), "small").measurements
    assert item.measurement.figure.lut is None
    assert [m.module for m in item.measurement.modules] == ["fc1"]


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([], []),
        ([(1, 0.9)], [0]),
        ([(1, 0.9), (2, 0.95), (3, 0.94)], [0, 1]),
        ([(1, 0.9), (2, 0.9)], [0]),
        ([(2, 0.9), (1, 0.9), (1, 0.9)], [1, 2]),
        ([(1, 0.9), (1, 0.95)], [1]),
        ([(0, 0.5), (5, 0.9), (4, 0.8), (4.5, 0.7)], [0, 1, 2]),
    ],
)
def test_front(points, expected):
    assert front(points) == expected


def test_a_failed_gate_is_on_no_front_and_keeps_nobody_off_it():
    good = record("good", accuracy=0.95, bits=1000)
    failed = record("failed", accuracy=0.99, bits=10, passed=False, mismatches=5)
    large = record("large", accuracy=0.96, bits=2000)
    comparison = compared(good, failed, large, cost="weight_bits")
    assert [row.design.name for row in comparison.rows if "weight_bits" in row.optimal] == ["good", "large"]


def test_fronts_are_within_a_group():
    same = [record("a", accuracy=0.95, figures=(figure(lut=10),)), record("b", accuracy=0.94, figures=(figure(lut=9),))]
    part = "xc7z045ffg900-2"
    alone = record("c", accuracy=0.99, part=part, figures=(figure(lut=1, part=part),))
    comparison = compared(*same, alone, cost="lut")
    optimal = {row.design.name: row.measurements[0].optimal for row in comparison.rows}
    # c beats both, on another part; alone in its group it is not better than anything
    assert "lut" in optimal["a"] and "lut" in optimal["b"] and optimal["c"] == ()


def test_an_estimate_is_never_on_a_front_with_a_measurement():
    measured = [record(n, accuracy=a, figures=(figure(lut=lut),)) for n, a, lut in (("a", 0.95, 10), ("b", 0.94, 12))]
    estimated = record("c", accuracy=0.99, figures=(figure("analytic", lut=1),))
    assert "lut" in row_of(compared(*measured, estimated), "a").measurements[0].optimal


def test_the_baseline_is_the_largest_build_unless_named():
    records = [record("a", bits=10), record("b", bits=30), record("c", bits=20)]
    assert compared(*records).baseline == "b"
    assert compared(*records, baseline="c").baseline == "c"
    assert row_of(compared(*records, baseline="c"), "c").is_baseline


def test_an_unknown_baseline_is_an_error():
    with pytest.raises(UsageError, match=r"--baseline smal: not among what is compared\n  did you mean 'small'\?"):
        compared(record("small"), baseline="smal")


def test_nothing_to_compare_is_an_error():
    with pytest.raises(UsageError, match="nothing to compare"):
        compare([])


def test_the_cost_is_lut_where_two_may_be_compared_in_it():
    assert compared(record("a")).cost == "weight_bits"
    assert compared(record("a"), BASE).cost == "weight_bits"
    assert compared(record("a", figures=(figure(),)), BASE).cost == "lut"


def test_two_designs_of_one_name_are_told_apart():
    designs = [design_of_record(record("a"), folder) for folder in ("here", "there", "here")]
    assert [row.design.name for row in compare(designs).rows] == ["a (here)", "a (there)"]


def test_rows_are_in_the_same_order_whatever_order_they_come_in():
    records = [*many(5), record("a", sha256=MNIST_SHA256)]
    assert compared(*records).to_json() == compared(*reversed(records)).to_json()


def test_json_is_lossless():
    comparison = compared(*many(4), record("failed", passed=False), record("none", accuracy=None))
    assert comparison_from_json(comparison.to_json(), "x") == comparison


def test_damaged_json_names_the_key():
    text = compared(record()).to_json().replace('"weight_bits": 100000', '"weight_bits": "many"')
    with pytest.raises(ReportError, match=r"old.json: rows.0.design.weight_bits: Input should be a valid integer"):
        comparison_from_json(text, "old.json")


def test_100_records_are_100_rows():
    assert len(compared(*many(100)).rows) == 100


def test_an_estimate_without_a_report_is_from_its_record():
    (item,) = compared(record("a", figures=(figure("analytic", source_file=None),))).rows[0].measurements
    assert item.measurement.figure.source_file == "reports/a/build.json"


@pytest.mark.parametrize(
    ("state", "shown"), [("skipped: vitis-run not found", True), ("failed: out of memory", True), ("estimated", False)]
)
def test_stages_that_gave_no_figure_are_told_once_for_all(state, shown):
    from hlsflow.comparison.tables import tables

    remarks = tables(compared(record("a", stages={"vitis": state}), record("b", stages={"vitis": state})))[0].remarks
    assert (f"vitis: {state} (a, b)." in remarks) == shown
