"""One way to run a program: whatever it does, its whole process tree ends and its last words are kept."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hlsflow.foundation.errors import ToolError
from hlsflow.processes.process import run


def sh(script, tmp_path, **options):
    return run(["sh", "-c", script], log=tmp_path / "log", what="the work", **options)


def alive(pid: int) -> bool:
    try:
        return open(f"/proc/{pid}/stat").read().split(")")[1].split()[0] != "Z"
    except OSError:
        return False


def test_output_and_error_are_kept_in_order(tmp_path):
    finished = sh("echo one; echo two >&2; echo three", tmp_path)
    assert (finished.returncode, finished.log.read_text()) == (0, "one\ntwo\nthree\n")


def test_a_failure_shows_the_command_the_log_and_the_last_lines(tmp_path):
    with pytest.raises(ToolError) as caught:
        sh("echo first; echo last; exit 3", tmp_path)
    message = str(caught.value)
    assert "the work: exit code 3" in message and "    last" in message and str(tmp_path / "log") in message
    assert "sh -c" in message


def test_a_failure_may_be_asked_for_as_a_value(tmp_path):
    assert sh("exit 3", tmp_path, check=False).returncode == 3


def test_a_missing_program_is_named(tmp_path):
    with pytest.raises(ToolError, match="the work: cannot start 'no-such-program': No such file or directory"):
        run(["no-such-program"], log=tmp_path / "log", what="the work")


def test_a_timeout_ends_grandchildren_too(tmp_path):
    with pytest.raises(ToolError, match="no end after 0 s"):
        sh("sleep 60 & echo $! > pid; wait", tmp_path, timeout_s=0.4, cwd=tmp_path)
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 5
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(pid)


def test_a_program_that_ignores_sigterm_is_killed(tmp_path):
    started = time.monotonic()
    with pytest.raises(ToolError):
        sh("trap '' TERM; sleep 60 & wait; sleep 60", tmp_path, timeout_s=0.3)
    assert time.monotonic() - started < 20


def test_ctrl_c_ends_the_tree_before_it_goes_on(tmp_path):
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from hlsflow.processes.process import run\n"
        "run(['sh', '-c', 'echo $$ > pid; sleep 60'], log=Path('log'), what='the work')\n"
    )
    flows = str(Path(__file__).resolve().parents[2] / "flows")
    process = subprocess.Popen([sys.executable, "-c", script, flows], cwd=tmp_path, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 20
    while not (tmp_path / "pid").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.1)
    pid = int((tmp_path / "pid").read_text())
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert not alive(pid)
