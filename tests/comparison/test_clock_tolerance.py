"""Which clocks are one clock: what csynth.rpt rounds away, and no more."""

from __future__ import annotations

import pytest
from comparison_records import compared, figure, record


@pytest.mark.parametrize(
    ("first", "other", "same"),
    [
        (10.0, 10.0, True),
        # csynth.rpt prints two digits: 3.125 ns appears as 3.12 or as 3.13.
        (3.125, 3.12, True),
        (3.125, 3.13, True),
        (6.666, 6.67, True),
        # a different target, however near
        (10.0, 10.01, False),
        (3.333, 3.34, False),
        (5.0, 4.99, False),
        (10.0, 9.5, False),
        (5.0, 5.9, False),
        (5.0, 6.0, False),
    ],
)
def test_a_clock_is_the_same_up_to_the_report_s_two_digits(first, other, same):
    base = record("base", bits=900_000, figures=(figure(clock_target_ns=first),))
    found = compared(base, record("other", figures=(figure(clock_target_ns=other, lut=10_000),)))
    (row,) = [row for row in found.rows if row.design.name == "other"]
    (item,) = row.measurements
    assert [reason.text for reason in item.reasons] == (
        [] if same else [f"clock {other:g} ns, the baseline {first:g} ns"]
    )
    assert item.deltas.get("lut") == (-10_000 if same else None)


@pytest.mark.parametrize(("first", "other", "same"), [(3.125, 3.12, True), (5.0, 5.5, False), (10.0, 10.01, False)])
def test_the_same_holds_for_the_clocks_of_the_projects(first, other, same):
    base = record("base", bits=900_000, clock_period_ns=first)
    found = compared(base, record("other", clock_period_ns=other))
    (row,) = [row for row in found.rows if row.design.name == "other"]
    assert [reason.text for reason in row.target_reasons] == (
        [] if same else [f"clock {other:g} ns, the baseline {first:g} ns"]
    )
