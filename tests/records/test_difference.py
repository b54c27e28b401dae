"""Before and after of a variant: what was asked for differently, what came of it, and what is not known."""

from __future__ import annotations

import pytest
from comparison_records import figure, record

from hlsflow.cli.build import _difference
from hlsflow.foundation.workspace import Workspace
from hlsflow.records.difference import difference
from hlsflow.records.record import LayerRecord, RequestRecord
from hlsflow.records.report import markdown


def layer(name: str, **changes) -> LayerRecord:
    fields = {
        "name": name, "operation": "dense", "keras_layer": name, "shape": [4], "sources": {}, "proof": "none",
        "keras_float32_exact": True, "parameters": 4, "zeros": 0, "strategy": "latency", "reuse_factor": 1,
        "types": {"weight": "fixed<8,4>", "result": "fixed<16,6>"},
    }  # fmt: skip
    return LayerRecord(**{**fields, **changes})


def estimate(**changes):
    return figure("analytic", tool="hlsflow estimate", source_file=None, **changes)


OWN = record("small", figures=(estimate(), figure("csynth", lut=30000))).model_copy(
    update={"layers": [layer("fc1"), layer("fc2"), layer("fc3")]}
)
VARIANT = record(
    "small", accuracy=0.94, figures=(estimate(lut=9000, latency_max_cycles=1600),), clock_period_ns=5.0
).model_copy(
    update={
        "variant": "half",
        "request": RequestRecord(config="small.half.yaml", changes={"clock_period_ns": 5.0}),
        "layers": [
            layer("fc1", strategy="resource", reuse_factor=8),
            layer("fc2", types={"weight": "fixed<4,2>", "result": "fixed<16,6>"}),
            layer("fc3"),
        ],
    }
)


def test_what_differs_is_said_and_what_does_not_is_not():
    lines = difference(OWN, VARIANT, "reports/small/build.json")
    text = "\n".join(lines)
    assert lines[0] == "small@half against small (of reports/small/build.json):"
    assert "  target     clock_period_ns 10 -> 5" in lines
    assert "  fc1        strategy latency -> resource, reuse_factor 1 -> 8" in lines
    assert "  fc2        weight fixed<8,4> -> fixed<4,2>" in lines
    assert "fc3" not in text and "result" not in text
    assert "  accuracy   Keras 96.00 % -> 94.00 %" in lines
    assert any(line.startswith("  gate       PASS (exact: ") and line.endswith(", as before") for line in lines)
    assert (
        "  estimate   LUT 20,000 -> 9,000, FF 10,000, DSP 10, BRAM 18K 40, latency 800 -> 1,600, interval 784" in lines
    )
    # Only one of the two was synthesized: there is nothing to compare.
    assert "csynth" not in text and "not to be compared" not in text


def test_other_samples_are_not_compared_silently():
    lines = difference(OWN, record("small", samples=100), "x")
    assert "             of other samples: 10,000 of mnist, now 100 of mnist: not to be compared" in lines
    assert "  the same settings and types" not in lines


def test_a_failed_gate_and_a_missing_estimate_are_said():
    failed = record("small", passed=False, mismatches=7, figures=())
    text = "\n".join(difference(OWN, failed, "x"))
    assert "PASS (exact: " in text and " -> FAIL (7 of " in text
    assert "estimate   not measured for both: nothing to compare" in text


def test_a_model_without_a_build_of_its_own_is_told_how_to_make_it(tmp_path):
    workspace = Workspace(root=tmp_path)
    (said,) = _difference(workspace, VARIANT)
    assert said == ("small@half is a variant, and small's own build is not on record yet: hlsflow build --model small")
    path = workspace.reports / "small" / "build.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    (said,) = _difference(workspace, VARIANT)
    assert str(path) in said and said.endswith("hlsflow build --model small")
    path.write_text(OWN.to_json())
    assert _difference(workspace, VARIANT) == difference(OWN, VARIANT, "reports/small/build.json")


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (RequestRecord(config="small.half.yaml"), "--model small --config small.half.yaml`."),
        (RequestRecord(changes={"io_type": "io_stream"}), "--model small --io-type io_stream`."),
        (RequestRecord(config="a b.yaml", changes={"clock_period_ns": 2.5}),
         "--model small --config 'a b.yaml' --clock-period-ns 2.5`."),
        (RequestRecord(config="small.half.yaml", configured_by="hlsflow fit small half --goal area"),
         "--config small.half.yaml`. Its configuration is from: hlsflow fit small half --goal area."),
        (None, "--model small` with the options that its variant `half` is named after."),
    ],
)  # fmt: skip
def test_the_report_names_the_command_that_made_a_variant(request_, said):
    text = markdown(VARIANT.model_copy(update={"request": request_}))
    assert f"Made again by `python flows/build.py {said}" in text or f"{said}\n" in text
    assert "Made again by `python flows/build.py --model small`.\n" in markdown(OWN)


def test_what_made_a_variant_comes_back_from_its_record():
    assert type(VARIANT).from_json(VARIANT.to_json(), "x").request == VARIANT.request
    assert "request" not in OWN.to_json()
