"""Open tools within their time and memory: stopped, explained with the option that helps, and with their progress."""

from __future__ import annotations

import argparse
import sys

import pytest

from hlsflow.cli.common import add_synthesis, synthesis_options
from hlsflow.foundation.errors import ToolError, UsageError
from hlsflow.opentools.budget import Budget, run_within, where
from hlsflow.opentools.design import read_options


def python(text: str) -> tuple[str, ...]:
    return (sys.executable, "-c", text)


def test_what_runs_too_long_is_stopped_and_names_the_option(tmp_path):
    log = tmp_path / "yosys.log"
    said = "print('12.3.1. Executing ABC pass (technology mapping).', flush=True); import time; time.sleep(60)"
    seen: list[tuple[float, str]] = []
    with pytest.raises(ToolError) as caught:
        run_within(
            Budget(timeout_s=1.5),
            python(said),
            what="Yosys for xc7",
            log=log,
            cwd=tmp_path,
            progress=lambda *state: seen.append(state),
        )
    assert caught.value.message == "Yosys for xc7: no end after 0.025 min, it was at ABC"
    assert "--synth-timeout-min gives it longer" in str(caught.value)
    assert str(log) in str(caught.value)
    assert seen[-1][1] == "ABC" and 0 < seen[-1][0] < 10


def test_what_needs_too_much_memory_names_the_option(tmp_path):
    with pytest.raises(ToolError) as caught:
        run_within(
            Budget(memory_bytes=1 << 29),
            python("bytearray(1 << 30)"),
            what="nextpnr-ecp5",
            log=tmp_path / "nextpnr.log",
            cwd=tmp_path,
        )
    assert caught.value.message == "nextpnr-ecp5: 0.5 GiB of memory were not enough"
    assert "--synth-memory-gib gives it more" in str(caught.value)


def test_another_failure_stays_what_it_is(tmp_path):
    with pytest.raises(ToolError, match="Yosys for xc7: exit code 3"):
        run_within(Budget(), python("raise SystemExit(3)"), what="Yosys for xc7", log=tmp_path / "log", cwd=tmp_path)


def test_webassembly_is_not_limited_in_its_address_space(tmp_path):
    run_within(
        Budget(memory_bytes=1 << 29),
        python("bytearray(1 << 30)"),
        what="Yosys for xc7",
        log=tmp_path / "log",
        cwd=tmp_path,
        webassembly=True,
    )


@pytest.mark.parametrize(
    ("text", "doing"),
    [
        ("", ""),
        ("3. Executing Verilog-2005 frontend: a.v\n", "Verilog-2005"),
        ("3.1. Executing OPT pass (x).\n3.25.4. Executing TECHMAP pass (map).\nnothing\n", "TECHMAP"),
        ("Info: Packing LUTs..\nInfo: Routing..\n", "Routing"),
        ("frame 500\nframe 1000\n", "frame 1000"),
    ],
)
def test_where_a_tool_is(tmp_path, text, doing):
    (tmp_path / "log").write_text(text)
    assert where(tmp_path / "log") == doing


def test_a_tool_that_has_said_nothing_yet(tmp_path):
    assert where(tmp_path / "log") == ""


def test_options_become_a_budget():
    assert read_options({}).budget == Budget(timeout_s=3600, memory_bytes=8 << 30)
    assert read_options({"timeout_s": 90.0, "memory_bytes": 1 << 30}).budget == Budget(
        timeout_s=90, memory_bytes=1 << 30
    )
    assert str(Budget(timeout_s=90, memory_bytes=3 << 29)) == "1.5 min, 1.5 GiB"


def options(*words: str) -> dict:
    parser = argparse.ArgumentParser()
    add_synthesis(parser)
    return synthesis_options(parser.parse_args(words))


def test_the_command_line_limits_open_tools_too():
    words = ("--synth", "open", "--synth-timeout-min", "90", "--synth-memory-gib", "2.5")
    assert options(*words) == {"timeout_s": 5400, "memory_bytes": 5 << 29}
    assert options("--synth", "open", "--device", "kv260") == {"device": "kv260"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--synth-timeout-min", "5"], "--synth-timeout-min goes with --synth"),
        (["--synth-memory-gib", "5"], "--synth-memory-gib goes with --synth"),
        (["--synth", "open", "--synth-timeout-min", "0"], "--synth-timeout-min 0: more than 0"),
        (["--synth", "open", "--synth-memory-gib", "-1"], "--synth-memory-gib -1: more than 0"),
        (["--synth", "open", "--stages", "csynth"], "--stages goes with --synth vitis or --synth vivado"),
        (["--synth", "vitis", "--device", "kv260"], "--device goes with --synth open"),
    ],
)
def test_limits_that_cannot_be_meant(words, message):
    with pytest.raises(UsageError) as caught:
        options(*words)
    assert str(caught.value) == message
