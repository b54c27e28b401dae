"""Every sentence about what a design is held to names the framework; what says Keras' says it as it always did."""

from __future__ import annotations

import pytest

from hlsflow.foundation.words import possessive
from hlsflow.records.record import BuildRecord


@pytest.mark.parametrize(("name", "whose"), [("Keras", "Keras'"), ("qonnx", "qonnx's")])
def test_a_name_owns(name, whose):
    assert possessive(name) == whose


def test_a_record_says_its_framework_where_it_is_another():
    from comparison_records import record

    usual = record()
    assert usual.framework == "Keras" and '"framework"' not in usual.to_json()
    other = usual.model_copy(update={"framework": "qonnx"})
    assert '"framework": "qonnx"' in other.to_json()
    assert BuildRecord.from_json(other.to_json(), "here").framework == "qonnx"


def test_a_report_of_another_framework_does_not_speak_of_keras(tmp_path):
    from comparison_records import record

    from hlsflow.records.report import exactness

    said = exactness(record())
    assert "from Keras" in said
    assert exactness(record().model_copy(update={"framework": "qonnx"})) == said.replace("Keras", "qonnx")
