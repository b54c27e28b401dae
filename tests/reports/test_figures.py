"""Figures know their units, keep None apart from zero, and go through JSON unchanged."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hlsflow.reports.codec import from_data, to_data
from hlsflow.reports.discover import discover
from hlsflow.reports.figures import RESOURCE_NAMES, STAGE_ORDER, Clock, Latency, Provenance, Resources, Stage
from hlsflow.reports.kinds import read
from hlsflow.reports.report import Report
from hlsflow.reports.run import Discovery

SAMPLES = Path(__file__).parents[1] / "data" / "reports"
SAMPLE_FILES = sorted(path for path in SAMPLES.rglob("*") if path.is_file())


def test_latency_in_ns_is_cycles_times_the_period_that_is_asked_for():
    latency = Latency(latency_min_cycles=10, latency_max_cycles=12)
    assert latency.at(5.0) == (50.0, 60.0)
    assert latency.at(None) == (None, None)
    assert Latency(latency_max_cycles=12).at(5.0) == (None, 60.0)


def test_utilisation_is_known_only_where_both_counts_are():
    resources = Resources(lut=50, lut_available=200, ff=0, ff_available=100, dsp=3, uram=0, uram_available=0)
    assert resources.utilisation_percent("lut") == 25.0
    assert resources.utilisation_percent("ff") == 0.0
    assert resources.utilisation_percent("dsp") is None
    assert resources.utilisation_percent("uram") is None
    assert resources.utilisation_percent("bram_18k") is None


def test_the_conversion_of_bram_is_stated_only_where_there_was_one():
    assert Resources(bram_18k=33, bram_36k_tiles=16.5).bram_conversion == "16.5 tiles of 36 Kb x 2"
    assert Resources(bram_18k=33).bram_conversion is None


def test_a_clock_meets_its_target_only_where_both_periods_are_known():
    assert Clock(target_ns=5.0, achieved_ns=5.0).meets_target is True
    assert Clock(target_ns=5.0, achieved_ns=5.001).meets_target is False
    assert Clock(target_ns=5.0).meets_target is None


def test_nothing_stated_is_none_and_not_zero():
    assert not Resources().states_anything
    assert Resources(lut=0).states_anything
    assert all(getattr(Resources(), name) is None for name in RESOURCE_NAMES)


def test_stages_are_in_the_order_of_the_design_flow():
    names = ["analytic", "csim", "csynth", "logic-synthesis", "open-synthesis"]
    names += ["open-route", "board-route", "placed", "post-route"]
    assert [stage.value for stage in STAGE_ORDER] == [*names, "cosim", "rtl-sim", "board-sim", "board"]


@pytest.mark.parametrize("path", SAMPLE_FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_report_goes_through_json_unchanged(path):
    report = read(path)
    assert from_data(Report, json.loads(json.dumps(to_data(report)))) == report


def test_a_discovery_goes_through_json_unchanged():
    discovery = discover([SAMPLES])
    assert from_data(Discovery, json.loads(json.dumps(to_data(discovery)))) == discovery


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"stage": "csynth"}, "Provenance: unknown fields [], missing fields"),
        ({"stage": "csynth", "lut": 1}, "Provenance: unknown fields ['lut']"),
        ({"stage": "guess", "tool": None, "tool_version": None, "part": None, "source_file": None}, "'guess'"),
        ({"stage": None, "tool": 7, "tool_version": None, "part": None, "source_file": None}, "7 is no str"),
    ],
)
def test_json_of_another_form_is_refused(data, message):
    with pytest.raises(ValueError) as error:
        from_data(Provenance, data)
    assert message in str(error.value)


def test_a_wrong_number_is_another_value():
    stated = to_data(Resources(lut=100))
    assert from_data(Resources, stated | {"lut": 101}) != Resources(lut=100)
    assert from_data(Provenance, to_data(Provenance(stage=Stage.CSYNTH))) != Provenance(stage=Stage.COSIM)


def test_reading_reports_imports_neither_numpy_nor_tensorflow():
    code = (
        "import sys, hlsflow.cli.parse, hlsflow.reports.discover, hlsflow.reports.run_table;"
        "print(sorted({'numpy', 'tensorflow', 'keras', 'hls4ml', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
