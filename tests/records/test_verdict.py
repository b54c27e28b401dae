"""The gate's verdict: what passes, what fails, what is called exact, and in which words."""

from __future__ import annotations

from fractions import Fraction

import pytest
from comparison_records import record as make_record
from hypothesis import given
from hypothesis import strategies as st

from hlsflow.records.record import AgreementRecord, DifferenceRecord, EmulatorRecord, SoftmaxRecord
from hlsflow.records.report import exactness, markdown
from hlsflow.records.verdict import at_most, complaint, verdict


def agreement(**more) -> AgreementRecord:
    """An output that agrees on 100 values; keywords change it."""
    values = {
        "output": "logits", "type": "fixed<8,4>", "derived_type": "fixed<8,4>", "holds_derived": True, "samples": 10,
        "values": 100, "mismatching_samples": 0, "mismatching_values": 0, "max_error_lsb": 0.0, "max_abs_error": 0.0,
        "argmax_agreement": 1.0,
    }  # fmt: skip
    return AgreementRecord(**values | more)


def softmax(**more) -> SoftmaxRecord:
    values = {
        "output": "probabilities", "implementation": "stable", "max_abs_error": 0.001, "table_error": 0.001,
        "bound": 0.002, "argmax_agreement": 1.0,
    }  # fmt: skip
    return SoftmaxRecord(**values | more)


DIFFERS = agreement(mismatching_samples=1, mismatching_values=3, max_error_lsb=0.25, max_abs_error=0.015625)
AGREES = EmulatorRecord(values=200, mismatching_values=0, arithmetic="float32")
DISAGREES = EmulatorRecord(
    values=200, mismatching_values=7, arithmetic="float32",
    first_difference=DifferenceRecord(
        layer="relu1", sample=4, position=2, expected_lsb=5.0, found_lsb=8, error_lsb=3.0, type="ufixed<6,2>"
    ),
)  # fmt: skip


def record(kind="exact", allowed=0.0, items=(), softmaxes=(), emulator=AGREES):
    items = list(items) or [agreement()]
    return make_record(model="net").model_copy(
        update={
            "gate": verdict(kind, allowed, items, softmaxes, emulator),
            "agreement": items,
            "softmax": softmaxes[0] if softmaxes else None,
            "emulator": emulator,
            "warnings": ["layers.relu1.precision.result: ufixed<6,2> drops bits [result-rounds]"],
        }
    )


def test_equal_outputs_that_their_type_holds_are_exact():
    found = record()
    assert found.gate.passed and found.gate.failures == [] and found.exact
    assert exactness(found).startswith("exact: 0 of 100 output integers differ from Keras")


def test_a_fraction_of_an_lsb_fails_an_exact_gate():
    found = record(items=[agreement(output="other"), DIFFERS])
    assert not found.gate.passed and not found.exact
    assert found.gate.failures == [
        "the C simulation differs from Keras in 3 of 100 values of 'logits', by up to 0.25 LSB of fixed<8,4>"
    ]
    assert found.gate.max_abs_error == 0.015625
    assert "exact:" not in exactness(found) and "by up to 0.25 LSB" in exactness(found)


def test_a_type_that_does_not_hold_the_networks_own_is_never_called_exact():
    for narrow in (agreement(holds_derived=False, derived_type="fixed<14,6>"), agreement(holds_derived=False)):
        found = record(items=[narrow])
        assert found.gate.passed and not found.exact
        assert exactness(found).startswith("equal on these samples: 0 of 100") and "not called exact" in exactness(
            found
        )


@pytest.mark.parametrize("error", [0.0, 0.004, 0.009])
def test_a_bounded_network_is_never_called_exact(error):
    """`float` with a coarse type was: on its samples no value differed after rounding."""
    item = agreement(mismatching_values=int(error > 0), max_abs_error=error, max_error_lsb=error * 16)
    found = record("bounded", 0.009, [item])
    assert found.gate.passed and not found.exact
    assert exactness(found).startswith("within its bound: off by ")
    for text in (exactness(found), markdown(found)):
        assert "exact:" not in text.lower()


@pytest.mark.parametrize("error", [0.0090001, 1.0, float("inf"), float("nan")])
def test_an_error_beyond_the_bound_fails(error):
    found = verdict("bounded", 0.009, [agreement(mismatching_values=1, max_abs_error=error)], [], AGREES)
    assert not found.passed


def test_the_witnesses_vote():
    """An emulator of a broken ReLU once disagreed in 7,017 of 7,180 values, and the build passed."""
    found = record(emulator=DISAGREES)
    assert not found.gate.passed and not found.exact
    assert found.gate.failures == [
        "the witnesses disagree: the emulator and the C simulation differ in 7 of 200 values"
    ]  # fmt: skip
    message, hint = complaint(found)
    assert "'relu1', by 3 LSB of ufixed<6,2> (sample 4, value 2: emulator 5, C simulation 8)" in message
    assert hint.startswith("the configuration was warned about: layers.relu1.")
    assert "exact:" not in exactness(found)
    assert verdict("exact", 0.0, [agreement()], [], None).passed


@pytest.mark.parametrize("kind", ["exact", "bounded"])
def test_a_softmax_outside_its_bound_fails(kind):
    found = verdict(kind, 0.1, [agreement()], [softmax(), softmax(output="second", table_error=0.0021)], AGREES)
    assert not found.passed
    assert found.failures == [
        "the softmax 'second' is off by 0.0021 from that of its own logits, more than the 0.002 that its tables can be "
        "off"
    ]
    assert verdict(kind, 0.1, [agreement()], [softmax(table_error=0.002)], AGREES).passed


def test_a_softmax_far_from_keras_fails_where_its_logits_are_equal_and_alone_there():
    far = softmax(max_abs_error=0.9)
    assert "off by 0.9 from Keras" in verdict("exact", 0.0, [agreement()], [far], AGREES).failures[0]
    # Other logits give another softmax: the bound is on the tables.
    assert verdict("bounded", 0.1, [agreement()], [far], AGREES).passed


def test_a_softmax_without_a_bound_or_an_argmax_is_held_to_none():
    plain = softmax(implementation="argmax", max_abs_error=None, table_error=None, bound=None)
    assert verdict("exact", 0.0, [agreement()], [plain, softmax(bound=None)], AGREES).passed


def test_everything_that_failed_is_said():
    found = record(items=[DIFFERS], softmaxes=[softmax(table_error=0.5)], emulator=DISAGREES)
    assert len(found.gate.failures) == 3
    message, _ = complaint(found)
    for failure in found.gate.failures:
        assert failure in message and failure in markdown(found)


@given(st.floats(1e-12, 1e6), st.integers(1, 6))
def test_what_is_said_to_be_the_most_is_not_below_it(value, digits):
    said = Fraction(at_most(value, digits))
    # The last bit of a float may be lost, a digit not.
    assert said >= Fraction(value) * (1 - Fraction(1, 10**8))
    assert said <= Fraction(value) * (1 + Fraction(11, 10**digits))


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(0.004932, 2, "0.005"), (0.0049325, 4, "0.004933"), (0.009, 2, "0.009"), (0.0, 4, "0"), (0.0039062, 3, "0.00391")],
)  # fmt: skip
def test_how_it_is_said(value, digits, text):
    assert at_most(value, digits) == text
