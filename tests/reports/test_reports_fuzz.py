"""Damaged reports: no crash, no invented figure, and whatever is cut off is either an error or lost nothing.

More than 10,000 cases in all; `CASES` counts them and the last test of this module asserts it.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hlsflow.foundation.errors import ReportError
from hlsflow.reports import tool_log
from hlsflow.reports.figures import RESOURCE_NAMES
from hlsflow.reports.kinds import decode, parse
from hlsflow.reports.report import Report

SAMPLES = Path(__file__).parents[1] / "data" / "reports"
PATHS = sorted(path for path in SAMPLES.rglob("*") if path.is_file())
NAMES = [f"{path.parent.name}/{path.name}" for path in PATHS]
BYTES = dict(zip(NAMES, (path.read_bytes() for path in PATHS), strict=True))
WHOLE = {name: parse(decode(data)) for name, data in BYTES.items()}
# A log has no end: a run may stop anywhere, and what it said until then stands.
FRAMED = [name for name in NAMES if WHOLE[name].kind != tool_log.KIND]
CASES: Counter[str] = Counter()

# a damaged report may not hang the reader either
pytestmark = pytest.mark.timeout(60)

fuzz = settings(
    max_examples=2500,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def read_or_none(text: str) -> Report | None:
    """The report, None for a ReportError. Anything else that is raised fails the test."""
    try:
        return parse(text)
    except ReportError as error:
        assert error.message.strip()
        return None


@pytest.mark.parametrize("name", FRAMED)
def test_cut_off_at_every_line(name):
    lines = decode(BYTES[name]).splitlines(keepends=True)
    for end in range(len(lines)):
        found = read_or_none("".join(lines[:end]))
        assert found in (None, WHOLE[name]), f"{name} cut off after line {end}"
        CASES["lines"] += 1


@fuzz
@given(st.sampled_from(FRAMED), st.floats(0, 1, exclude_max=True))
def test_cut_off_at_any_character(name, where):
    text = decode(BYTES[name])
    assert read_or_none(text[: int(where * len(text))]) in (None, WHOLE[name])
    CASES["characters"] += 1


@fuzz
@given(st.sampled_from(NAMES), st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1))
def test_flipped_bytes_crash_nothing(name, flips):
    data = bytearray(BYTES[name])
    for where, byte in flips:
        data[int(where * len(data))] = byte
    found = read_or_none(decode(bytes(data)))
    if found is not None:
        assert isinstance(found, Report)
        assert found.resources is None or all(
            value is None or value >= 0 for value in (getattr(found.resources, name) for name in RESOURCE_NAMES)
        )
    CASES["bytes"] += 1


@fuzz
@given(st.sampled_from(NAMES), st.data())
def test_a_line_that_is_lost_or_doubled(name, data):
    lines = decode(BYTES[name]).splitlines()
    number = data.draw(st.integers(0, len(lines) - 1))
    changed = (
        [*lines[:number], *lines[number + 1 :]] if data.draw(st.booleans()) else [*lines[: number + 1], *lines[number:]]
    )
    found = read_or_none("\n".join(changed))
    if found is not None and found.resources is not None and WHOLE[name].resources is not None:
        ours, theirs = found.resources, WHOLE[name].resources
        for resource in RESOURCE_NAMES:
            assert getattr(ours, resource) in (None, getattr(theirs, resource)), f"{name}, line {number + 1}"
    CASES["lines lost"] += 1


@fuzz
@given(st.sampled_from(NAMES), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1"]), st.booleans())
def test_line_ends_and_encodings_change_nothing(name, encoding, crlf):
    text = decode(BYTES[name])
    found = parse(decode((text.replace("\n", "\r\n") if crlf else text).encode(encoding)))
    assert found == WHOLE[name]
    CASES["encodings"] += 1


@fuzz
@given(st.one_of(st.text(max_size=400), st.binary(max_size=400).map(decode)))
def test_what_is_no_report_is_an_error(text):
    assert read_or_none(text) is None
    CASES["noise"] += 1


@fuzz
@given(st.sampled_from(NAMES), st.sampled_from(NAMES), st.floats(0, 1), st.floats(0, 1))
def test_two_reports_in_one_file(first, second, where, other):
    one, two = decode(BYTES[first]), decode(BYTES[second])
    read_or_none(one[: int(where * len(one))] + two[int(other * len(two)) :])
    CASES["two"] += 1


def test_a_title_in_another_alphabet_is_kept():
    name = next(name for name in NAMES if name.endswith("2024_1/digits_csynth.rpt"))
    text = decode(BYTES[name]).replace("'digits'", "'größe_网络'")
    assert parse(text).module == "größe_网络"
    assert parse(decode(text.encode("utf-16"))).module == "größe_网络"


def test_enough_cases_were_tried():
    if len(CASES) < 7:
        pytest.skip("only some of the tests above ran")
    assert CASES.total() >= 10_000, CASES
