"""An interrupt is a state: whatever a signal comes into, the next look finds it, and no program is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from hlsflow.__main__ import main
from hlsflow.foundation import interrupts

FLOWS = Path(__file__).resolve().parents[2] / "flows"

HEAD = """\
import ctypes, os, signal, subprocess, sys, time
from pathlib import Path
from hlsflow.foundation import interrupts
from hlsflow.processes.process import ask, run

def interrupt(number=signal.SIGINT):
    os.kill(os.getpid(), number)
    time.sleep(0.01)
"""


def start(body: str, cwd: Path) -> subprocess.Popen:
    """A process of Python that runs `body` as a command runs: under `watched`, Interrupted being its exit code."""
    lines = "".join(f"        {line}\n" for line in body.splitlines())
    text = f"{HEAD}\ntry:\n    with interrupts.watched(grace_s=3.0):\n{lines}"
    text += "except interrupts.Interrupted as stop:\n    sys.exit(stop.exit_code)\n"
    environ = {**os.environ, "PYTHONPATH": str(FLOWS)}
    return subprocess.Popen([sys.executable, "-c", text], cwd=cwd, env=environ, stderr=subprocess.PIPE, text=True)


def wait_until(condition, process=None) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert process is None or process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# Where Python can only print an exception and go on.
SWALLOWING = {
    "a destructor": "class Doomed:\n    def __del__(self): interrupt()\nDoomed()",
    "a callback of ctypes": "ctypes.CFUNCTYPE(None)(interrupt)()",
    "a callback of weakref": "import weakref\nclass Doomed: pass\ndoomed = Doomed()\n"
    "reference = weakref.ref(doomed, lambda _: interrupt())\ndel doomed",
    "code that catches everything": "try:\n    interrupt()\nexcept BaseException: pass",
}


@pytest.mark.parametrize("where", SWALLOWING)
def test_an_interrupt_where_python_goes_on_is_seen_by_the_next_look(tmp_path, where):
    process = start(f"{SWALLOWING[where]}\nfor _ in interrupts.boundaries(range(500)): time.sleep(0.02)", tmp_path)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert said == ""


@pytest.mark.parametrize("where", SWALLOWING)
def test_an_exception_would_be_lost_there(tmp_path, where):
    """What the state is for: Python's own Ctrl-C is lost in each of these places."""
    text = f"{HEAD}\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n{SWALLOWING[where]}\nsys.exit(7)\n"
    environ = {**os.environ, "PYTHONPATH": str(FLOWS)}
    done = subprocess.run([sys.executable, "-c", text], cwd=tmp_path, env=environ, capture_output=True, timeout=20)
    assert done.returncode == 7


TOOL = "['sh', '-c', 'sleep 60 & echo $! > pid; wait']"
# A stand-in for Yosys, Verilator and nextpnr, which run within a budget.
OPEN_TOOL = (
    "from hlsflow.opentools.budget import Budget, run_within\n"
    f"run_within(Budget(), {TOOL}, what='stand-in', log=Path('log'), cwd=Path('.'))"
)


@pytest.mark.parametrize(
    ("number", "code", "body"),
    [
        (signal.SIGINT, 130, f"run({TOOL}, log=Path('log'), what='stand-in')"),
        (signal.SIGTERM, 143, f"run({TOOL}, log=Path('log'), what='stand-in')"),
        (signal.SIGTERM, 143, OPEN_TOOL),
        (signal.SIGHUP, 129, OPEN_TOOL),
    ],
)
def test_a_signal_ends_a_tool_with_all_that_it_started(tmp_path, number, code, body):
    process = start(body, tmp_path)
    wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip(), process)
    process.send_signal(number)
    _, said = process.communicate(timeout=20)
    assert (process.returncode, said) == (code, "")
    assert not alive(int((tmp_path / "pid").read_text()))


def test_a_signal_ends_a_program_that_is_asked_for_its_version(tmp_path):
    process = start("ask(['sh', '-c', 'sleep 60 & echo $! > pid; wait'], timeout_s=60)", tmp_path)
    wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip(), process)
    process.terminate()
    assert process.wait(timeout=20) == 143
    assert not alive(int((tmp_path / "pid").read_text()))


# The main thread neither looks nor comes back; a program of ours runs beside it.
STUCK = """\
import threading
threading.Thread(target=lambda: run(['sh', '-c', 'sleep 60 & echo $! > pid; wait'], log=Path('log'), what='x'),
                 daemon=True).start()
interrupts.check = lambda: None
while True: time.sleep(60)
"""


def test_what_never_looks_is_ended_when_its_time_is_over(tmp_path):
    process = start(STUCK, tmp_path)
    wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip(), process)
    started = time.monotonic()
    process.terminate()
    _, said = process.communicate(timeout=20)
    assert process.returncode == 143
    assert 2.5 < time.monotonic() - started < 8
    assert said.startswith("interrupted: ending as soon as") and said.endswith(f"{interrupts.KEPT}\n")
    assert not alive(int((tmp_path / "pid").read_text()))


def test_a_second_signal_ends_everything_at_once(tmp_path):
    process = start(STUCK.replace("time.sleep", "ctypes.CDLL(None).sleep"), tmp_path)
    wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip(), process)
    process.send_signal(signal.SIGINT)
    # What comes at once is the same wish, which `timeout` and `uv run` pass on once more.
    process.send_signal(signal.SIGTERM)
    time.sleep(interrupts.SAME_WISH_S + 0.3)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=2.5) in (130, 143)
    wait_until(lambda: not alive(int((tmp_path / "pid").read_text())))


@pytest.mark.parametrize(
    "wait",
    ["lock = open('lock', 'w'); held = open('lock'); fcntl.flock(held, fcntl.LOCK_EX)\n"
     "    Path('ready').touch(); fcntl.flock(lock, fcntl.LOCK_EX)",
     "Path('ready').touch(); threading.Event().wait()",
     "Path('ready').touch(); time.sleep(60)"],
    ids=["lock", "event", "sleep"],
)  # fmt: skip
def test_a_wait_is_ended_at_once(tmp_path, wait):
    process = start(f"import fcntl, threading\nwith interrupts.at_once():\n    {wait}", tmp_path)
    wait_until((tmp_path / "ready").exists, process)
    time.sleep(0.1)
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 130
    assert time.monotonic() - started < 1.5


def test_an_ignored_signal_stays_ignored(tmp_path):
    """As of nohup, or of a background job."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = start("interrupt(signal.SIGHUP)\ninterrupts.check()\nsys.exit(5)", tmp_path)
        assert process.wait(timeout=20) == 5
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_forked_child_dies_of_its_signals_and_its_parent_hears_none(tmp_path):
    body = (
        "child = os.fork()\nif child == 0:\n    time.sleep(60)\n    os._exit(9)\n"
        "os.kill(child, signal.SIGTERM)\nstatus = os.waitpid(child, 0)[1]\n"
        "time.sleep(0.1)\ninterrupts.check()\nsys.exit(os.WTERMSIG(status))"
    )
    assert start(body, tmp_path).wait(timeout=20) == signal.SIGTERM


def test_everything_is_as_before_afterwards():
    before = [signal.getsignal(number) for number in interrupts.SIGNALS]
    threads = threading.active_count()
    with interrupts.watched():
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(interrupts.Interrupted) as caught:
            interrupts.check()
        assert caught.value.exit_code == 143
        assert interrupts.requested()
    assert [signal.getsignal(number) for number in interrupts.SIGNALS] == before
    assert threading.active_count() == threads
    assert not interrupts.requested()


def test_what_fails_after_an_interrupt_was_interrupted(monkeypatch, capsys):
    """The same Ctrl-C may have ended what a command needs: it is no failure of a tool."""
    from hlsflow.cli import doctor
    from hlsflow.foundation import errors

    def run(args):
        os.kill(os.getpid(), signal.SIGINT)
        raise errors.ToolError("the tool was killed")

    monkeypatch.setattr(doctor, "run", run)
    assert main(["doctor"]) == 130
    assert capsys.readouterr().err == f"{interrupts.KEPT}\n"
