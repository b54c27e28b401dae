"""Every mistake in a configuration is one line: file, key path, what is wrong, what was meant."""

from __future__ import annotations

import pytest

from hlsflow.foundation.errors import ConfigError
from hlsflow.hls.config import HlsConfig, changed, load_hls_config


def load(tmp_path, text):
    path = tmp_path / "m.yaml"
    path.write_text(text)
    return load_hls_config(path)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("backnd: Vitis", "backnd: unknown key; did you mean 'backend'?"),
        ("backend: Quartus", "backend: input should be 'Vitis' or 'Vivado', not 'Quartus'"),
        ("io_type: io_serial", "io_type: input should be 'io_parallel' or 'io_stream', not 'io_serial'"),
        ("strategy: Resourse", "strategy: input should be 'latency' or 'resource', not 'Resourse'"),
        ("clock_period_ns: fast", "clock_period_ns: input should be a valid number, not 'fast'"),
        ("clock_period_ns: 0", "clock_period_ns: input should be greater than 0.1, not 0"),
        ("reuse_factor: -4", "reuse_factor: input should be greater than or equal to 1, not -4"),
        (
            "reuse_factor: 2.5",
            "reuse_factor: input should be a valid integer, not 2.5",
        ),
        ("part: banana", "part: 'banana' is not written like an AMD part: e.g. xc7z020clg400-1"),
        (
            "layers: {fc1: {precision: {weight: 'ap_fixd<8,2>'}}}",
            "layers.fc1.precision.weight: 'ap_fixd<8,2>' is not a precision: write e.g. fixed<16,6>, "
            "ufixed<8,0,RND_CONV,SAT> or int<6>",
        ),
        (
            "layers: {fc1: {precission: {weight: int<6>}}}",
            "layers.fc1.precission: unknown key; did you mean 'precision'?",
        ),
        ("layers: {fc1: {precision: {weight: null}}}", "layers.fc1.precision.weight: None is not a precision"),
        (
            "layers: {fc1: {Precision: {weight: int<6>}}}",
            "layers.fc1.Precision: unknown key; did you mean 'precision'?",
        ),
        ("gate: {kind: bounded}", "gate: a bounded gate, and no other, states its max_abs_error"),
        ("gate: {kind: exact, max_abs_error: 1.0}", "gate: a bounded gate, and no other, states its max_abs_error"),
    ],
)
def test_a_mistake_is_one_clear_line(tmp_path, text, complaint):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert f"{tmp_path / 'm.yaml'}: {complaint}" in str(caught.value)


def test_a_syntax_error_shows_its_line(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, "backend: Vitis\nlayers:\n  fc1: {precision: [\n")
    assert "m.yaml: line " in str(caught.value)


def test_two_equal_keys_are_an_error(tmp_path):
    with pytest.raises(ConfigError, match="the key 'backend' stands twice"):
        load(tmp_path, "backend: Vitis\nbackend: Vivado\n")


@pytest.mark.parametrize(
    "part",
    [
        "xc7z020clg400-1", "xc7z007sclg225-2", "xcu250-figd2104-2L-e", "xczu7ev-ffvc1156-2-e", "xcvu13p-flga2577-2-e",
        "xc7a35tcpg236-1", "xcku115-flvb2104-2-i", "xck26-sfvc784-2LV-c", "xcvu9p-flgb2104-2-e", "xczu3eg-sbva484-1-e",
        "xcvc1902-vsva2197-2MP-e-s",
    ],
)  # fmt: skip
def test_the_spellings_of_real_parts_are_accepted(part):
    assert HlsConfig(part=part).part == part


@pytest.mark.parametrize("part", ["xc7z007s-clg225-2", "7z007sclg225-2", "XC7Z007S-CLG225-2"])
def test_a_part_has_one_spelling_however_it_was_written(part):
    assert HlsConfig(part=part).part == "xc7z007sclg225-2"


def test_layers_fall_back_to_the_model():
    config = HlsConfig.model_validate(
        {
            "strategy": "resource",
            "reuse_factor": 4,
            "layers": {"fc1": {"reuse_factor": 8}, "fc2": {"strategy": "latency"}},
        }
    )
    assert (config.strategy_of("fc1"), config.reuse_factor_of("fc1")) == ("resource", 8)
    assert (config.strategy_of("fc2"), config.reuse_factor_of("fc2")) == ("latency", 4)


def test_the_command_line_replaces_top_level_values_and_is_checked():
    config = HlsConfig(backend="Vitis")
    assert changed(config, {"backend": "Vivado", "part": None}, "the command line").backend == "Vivado"
    with pytest.raises(ConfigError, match="the command line: part: 'x' is not written like an AMD part"):
        changed(config, {"part": "x"}, "the command line")
