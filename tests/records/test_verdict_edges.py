"""The verdict at its very edges, and its complaint where one witness or none tells of a place."""

from __future__ import annotations

import pytest
from test_verdict import AGREES, DIFFERS, DISAGREES, agreement, record, softmax

from hlsflow.records.record import DifferenceRecord
from hlsflow.records.verdict import at_most, complaint, verdict

PLACE = DifferenceRecord(
    layer="fc1", sample=1, position=0, expected_lsb=2.25, found_lsb=2, error_lsb=0.25, type="fixed<8,4>"
)


def test_a_softmax_may_be_off_by_its_bound():
    assert verdict("exact", 0.0, [agreement()], [softmax(max_abs_error=0.002)], AGREES).passed
    assert not verdict("exact", 0.0, [agreement()], [softmax(max_abs_error=0.002 + 1e-9)], AGREES).passed


def test_an_error_may_be_what_is_allowed():
    worst = agreement(mismatching_values=1, max_abs_error=0.25)
    assert verdict("bounded", 0.25, [worst], [], AGREES).passed
    assert not verdict("bounded", 0.2499999, [worst], [], AGREES).passed
    # An exact gate does not ask how large the difference is.
    assert not verdict("exact", 0.25, [worst], [], AGREES).passed


def test_the_error_of_a_build_is_that_of_its_worst_output():
    items = [agreement(max_abs_error=0.1), agreement(max_abs_error=0.3), agreement(max_abs_error=0.2)]
    found = verdict("bounded", 0.5, items, [], None)
    assert (found.max_abs_error, found.allowed_abs_error, found.kind) == (0.3, 0.5, "bounded")
    assert verdict("exact", 0.0, [agreement()], [], None).kind == "exact"


def warned(emulator, items, *warnings):
    return record(items=items, emulator=emulator).model_copy(update={"warnings": list(warnings)})


def test_without_a_place_the_complaint_names_none():
    for emulator in (None, AGREES, DISAGREES.model_copy(update={"first_difference": None})):
        message, hint = complaint(warned(emulator, [DIFFERS], "layers.fc1.precision.result: x"))
        assert "first layer that differs" not in message and hint is None


def test_each_witness_names_its_own_place_and_the_first_warning_is_the_hint():
    items = [DIFFERS.model_copy(update={"first_difference": PLACE})]
    warnings = ("layers.other.x: a", "layers.fc1.x: b", "layers.fc1.y: c", "layers.relu1.x: d")
    message, hint = complaint(warned(DISAGREES, items, *warnings))
    assert message.splitlines()[-2:] == [
        "  first layer that differs: 'fc1', by 0.25 LSB of fixed<8,4> (sample 1, value 0: Keras 2.25, hardware 2)",
        "  first layer that differs: 'relu1', by 3 LSB of ufixed<6,2> (sample 4, value 2: emulator 5, C simulation 8)",
    ]
    assert hint == "the configuration was warned about: layers.fc1.x: b"
    assert complaint(warned(AGREES, items, "layers.other.x: a"))[1] is None


@pytest.mark.parametrize("field", ["bound", "table_error", "max_abs_error"])
def test_a_softmax_that_was_not_measured_is_held_to_nothing(field):
    far = softmax(**{"table_error": 0.9, "max_abs_error": 0.9, field: None})
    assert verdict("exact", 0.0, [agreement()], [far], AGREES).passed


def test_a_gate_s_kind_is_told_by_its_text():
    """As it comes from a file: equal to the code's own word, and another object."""
    exact = "".join(["ex", "act"])
    assert verdict(exact, 0.5, [DIFFERS], [], None).failures
    assert verdict(exact, 0.5, [agreement()], [softmax(max_abs_error=0.9)], None).failures
    assert verdict(exact, 0.0, [agreement()], [], None).kind == "exact"
    assert verdict("".join(["bound", "ed"]), 0.5, [DIFFERS], [], None).passed


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.00493251, "0.004933"), (-0.5, "-0.5"), (12345.6, "1.235e+04"), (1.0, "1"), (1.00001, "1.001")],
)
def test_the_most_is_said_with_four_digits(value, text):
    assert at_most(value) == text


def test_every_failure_is_said_once():
    found = record(items=[DIFFERS], softmaxes=[softmax(table_error=0.5)], emulator=DISAGREES)
    message, _ = complaint(found)
    first, *others = found.gate.failures
    assert message.splitlines()[:3] == [f"{found.name}: {first}", *(f"  and {text}" for text in others)]
    assert [message.count(text) for text in found.gate.failures] == [1, 1, 1]
