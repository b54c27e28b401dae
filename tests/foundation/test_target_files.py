"""One reader of what a project says of its target: every form that was met, and nothing where nothing is said."""

from __future__ import annotations

import pytest

from hlsflow.estimation.source import read_settings
from hlsflow.foundation.target_files import StatedTarget, hls4ml_config, nanoseconds, stated_by_hls4ml, stated_by_tcl
from hlsflow.reports.project_config import configs_in

PLAIN = """Backend: Vitis
ClockPeriod: 7.5
ClockUncertainty: 12.5%
IOType: io_stream
KerasModel: !keras_model 'keras_model.h5'
Part: xc7z020clg400-1
ProjectName: myproject
"""
SAID = StatedTarget(
    backend="Vitis", part="xc7z020clg400-1", clock_period_ns=7.5, clock_uncertainty_percent=12.5, io_type="io_stream",
    top="myproject",
)  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.replace("Part:", "XilinxPart:"),
        PLAIN.replace("7.5", "'7.5ns'"),
        # Under a key of their own, as a Python dictionary was printed.
        "config: {'ProjectName': 'myproject', 'Backend': 'Vitis', 'Part': 'xc7z020clg400-1', 'ClockPeriod': 7.5, "
        "'ClockUncertainty': '12.5%', 'IOType': 'io_stream', 'KerasModel': <keras.Model object at 0x7f7d09ef5510>}",
    ],
)
def test_hls4mls_configuration_in_every_form(text):
    assert stated_by_hls4ml(text) == SAID


@pytest.mark.parametrize(
    "text", ["", "{ not yaml", "- a list", "[" * 5000, "ClockPeriod: [1]\nPart: null\nBackend: 7", "Part: None"]
)
def test_what_says_nothing(text):
    assert stated_by_hls4ml(text) == StatedTarget()


@pytest.mark.parametrize("text", ["{ not yaml", "- a list", "when: 2021-99-99", "[" * 5000])
def test_what_is_no_mapping_is_refused(text):
    with pytest.raises(ValueError):
        hls4ml_config(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'set part "xcku115-flvb2104-2-i"\nset clock_period 5\nset clock_uncertainty 27%\nset project_name "a"\n',
            StatedTarget(part="xcku115-flvb2104-2-i", clock_period_ns=5, clock_uncertainty_percent=27, top="a"),
        ),
        (
            "set_part {xc7z020clg400-1}\ncreate_clock -period 200MHz -name default\nset_top jets\n",
            StatedTarget(part="xc7z020clg400-1", clock_period_ns=5, top="jets"),
        ),
        ('variable project_name\nset project_name "b"\nset part $argv\n', StatedTarget(top="b")),
        ('set part "one"\nset part "two"\nset clock_period $period\n', StatedTarget(part="two")),
        ("# set part nothing\nputs done\n", StatedTarget()),
    ],
)
def test_scripts_of_every_version(text, said):
    assert stated_by_tcl(text) == said


@pytest.mark.parametrize(("text", "period"), [("5", 5), ("5ns", 5), ("250 MHz", 4), ("0MHz", None), (".", None)])
def test_periods(text, period):
    assert nanoseconds(text) == period


def test_an_estimate_and_a_reports_check_read_the_same(tmp_path):
    (tmp_path / "hls4ml_config.yml").write_text(PLAIN)
    (tmp_path / "project.tcl").write_text('set part "xcu250-figd2104-2L-e"\nset clock_period 5\n')
    config, script = configs_in(tmp_path)
    settings = read_settings(tmp_path)
    assert (config.part, config.clock_target_ns, config.top) == (settings.part, settings.clock_period_ns, settings.top)
    assert (script.part, script.clock_target_ns) == ("xcu250-figd2104-2L-e", 5)
