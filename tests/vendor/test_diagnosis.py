"""What AMD's tools write, and the sentence that becomes of it. The lines have the form of those of real logs."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from hlsflow.vendor.diagnosis import diagnose, explain, relevant_lines, remarks
from hlsflow.vendor.diagnosis_rules import RULES

BENIGN_LOG = """\
****** Vitis HLS - High-Level Synthesis from C, C++ and OpenCL v2024.1 (64-bit)
ERROR: [HLS 200-642] The 'config_array_partition -maximum_size' command is not supported.
ERROR: [HLS 200-101] config_array_partition: Unknown option '-maximum_size'.
ERROR: [HLS 200-101] config_array_partition: Unknown option '4096'.
INFO: [HLS 200-111] Finished Command csynth_design CPU user time: 6.05 seconds.
***** C/RTL SYNTHESIS COMPLETED IN 0h1m31s *****
Synthesis finished with 0 errors, 0 critical warnings and 9 warnings.
18 Infos, 9 Warnings, 0 Critical Warnings and 0 Errors encountered.
INFO: [Common 17-83] Releasing license: Synthesis
"""

_CASES = tomllib.loads((Path(__file__).parents[1] / "data" / "tool_failures.toml").read_text())["case"]
CASES = [(case["code"], case["text"], case["words"]) for case in _CASES]


@pytest.mark.parametrize(("code", "text", "words"), CASES)
def test_each_failure_has_its_sentence(code, text, words):
    found = diagnose(BENIGN_LOG + text)
    assert (found.code, words in str(found)) == (code, True), str(found)
    assert re.fullmatch(r"[^{}\n]+", str(found)), "one line, every blank filled in"


def test_lines_of_successful_runs_are_no_failure():
    assert diagnose(BENIGN_LOG) is None
    assert "config_array_partition" not in "\n".join(relevant_lines(BENIGN_LOG))


@pytest.mark.parametrize(
    ("line", "then"),
    [
        (
            "ERROR: [HLS 200-642] The 'config_array_partition -maximum_size' command is not supported.",
            "INFO: [HLS 200-1510] Running: config_compile -name_max_length 80",
        ),
        (
            "CRITICAL WARNING: [Route 35-39] The design did not meet timing requirements.",
            "***** EXPORT IP COMPLETED IN 0h9m1s *****",
        ),
    ],
)
def test_a_line_that_the_tool_goes_on_after_is_no_cause(line, then):
    assert diagnose(line) is not None
    assert diagnose(f"{line}\n{then}") is None
    assert diagnose(f"{then}\n{line}").line == line
    other = "ERROR: [HLS 200-1023] Part 'xc7z020clg400-1' is not installed."
    assert diagnose(f"{line}\n{then}\n{other}").code == diagnose(f"{line}\n{other}").code == "part-not-installed"


def test_real_logs_of_runs_that_ended_well_are_left_alone(collected_reports):
    logs = [path for path in collected_reports.rglob("*_hls.log") if path.stat().st_size < 2 << 20]
    wrong = []
    for path in logs:
        text = path.read_text(errors="replace")
        if "C/RTL SYNTHESIS COMPLETED" in text and "ERROR: [COSIM" not in text and " Killed " not in text:
            found = diagnose(text)
            if found is not None:
                wrong.append((str(path), str(found)))
    assert len(logs) > 20 and not wrong


def test_every_rule_says_what_to_do_and_has_its_own_code():
    assert len({rule.code for rule in RULES}) == len(RULES)
    assert all(rule.action and rule.cause for rule in RULES)


def test_a_kill_without_a_word_is_told_by_the_signal(tmp_path):
    (tmp_path / "tool.log").write_text("INFO: all is well\n")
    assert diagnose("INFO: all is well", -9).code == "killed"
    assert diagnose("INFO: all is well", 1) is None
    code, text = explain(tmp_path / "tool.log", -9)
    assert code == "killed" and str(tmp_path / "tool.log") in text


def test_an_unknown_failure_shows_what_there_is(tmp_path):
    (tmp_path / "tool.log").write_text("\n".join([*(f"INFO: {n}" for n in range(99)), "ERROR: [ZZZ 1-1] The moon."]))
    code, text = explain(tmp_path / "tool.log", 3)
    assert code == "undiagnosed" and "The moon" in text and "exit code 3" in text and "INFO: 98" not in text
    code, text = explain(tmp_path / "absent.log", 3)
    assert code == "undiagnosed" and "absent.log" in text


def test_a_design_that_misses_its_timing_is_a_remark():
    line = "CRITICAL WARNING: [Route 35-39] The design did not meet timing requirements.\n"
    assert remarks(line) == ["timing is not met: the design does not run at the clock that was asked for"]


def test_remarks_are_no_failures():
    text = (
        BENIGN_LOG
        + "WARNING: [HLS 200-871] Estimated clock period (5.282ns) exceeds the target (target clock period: 5ns)\n"
    )
    assert diagnose(text) is None
    assert remarks(text * 2) == ["C synthesis estimates a clock of 5.282 ns, above the target less its uncertainty"]
