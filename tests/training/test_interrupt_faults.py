"""Interrupts at moments that nobody chose: a training always ends soon, and what it leaves is whole."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_models import RECIPE

from hlsflow.foundation import interrupts
from hlsflow.training.checkpoint import load_checkpoint

ROOT = Path(__file__).resolve().parents[2]
TRIES = 20

LONG = RECIPE.replace("epochs: 3,", "epochs: 10000,")


def keeps_signals(pid: int) -> bool:
    """Whether a process catches SIGTERM, which Python does not do by itself."""
    text = Path(f"/proc/{pid}/status").read_text()
    caught = next(int(line.split()[1], 16) for line in text.splitlines() if line.startswith("SigCgt:"))
    return bool(caught >> (signal.SIGTERM - 1) & 1)


@pytest.fixture
def workspace(tmp_path):
    folder = tmp_path / "models" / "tiny"
    folder.mkdir(parents=True)
    (folder / "recipe.yaml").write_text(LONG)
    return tmp_path


def check_what_is_left(workspace: Path) -> None:
    """No part of a result, and of the checkpoint all of it."""
    assert [path.name for path in (workspace / "models" / "tiny").iterdir()] == ["recipe.yaml"]
    checkpoint = workspace / "build" / "training" / "tiny" / "checkpoint.npz"
    if checkpoint.exists():
        assert [path.name for path in checkpoint.parent.iterdir()] == [checkpoint.name]
        assert load_checkpoint(checkpoint) is not None


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_an_interrupt_while_tensorflow_is_loaded_ends_a_training(workspace, seed):
    process = subprocess.Popen(
        [sys.executable, ROOT / "flows" / "train.py", "tiny", "--workspace", workspace],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        # Before its handler is there, Python itself ends the process.
        deadline = time.monotonic() + 60
        while not keeps_signals(process.pid) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(random.Random(seed).uniform(0, 6.0))
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=interrupts.GRACE_S + 10)
    finally:
        process.kill()
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert said.endswith(f"{interrupts.KEPT}\n")
    assert time.monotonic() - started < interrupts.GRACE_S + 5
    check_what_is_left(workspace)


# Many trainings in one process, which loads TensorFlow once; each is interrupted at some moment of its few seconds.
MANY = f"""\
import os, random, signal, sys, threading, time
from hlsflow.__main__ import main

def interrupt(moment):
    while signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        time.sleep(0.001)
    time.sleep(moment)
    sent.append(time.monotonic())
    os.kill(os.getpid(), signal.SIGINT)

import hlsflow.training.training
from hlsflow.frontends.keras.runtime import prepare_tensorflow
prepare_tensorflow()
moments = random.Random(1)
for _ in range({TRIES}):
    sent = []
    threading.Thread(target=interrupt, args=(moments.uniform(0, 2.5),)).start()
    code = main(["train", "tiny", "--workspace", sys.argv[1]])
    print(code, time.monotonic() - sent[0], flush=True)
"""


@pytest.mark.slow
def test_an_interrupt_at_any_moment_ends_a_training(workspace):
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "flows")}
    done = subprocess.run(
        [sys.executable, "-c", MANY, workspace], env=environ, capture_output=True, text=True, timeout=170
    )
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [code for code, _ in rows] == ["130"] * TRIES
    # A batch is over at once; what takes longer is TensorFlow's tracing of a function.
    assert max(float(seconds) for _, seconds in rows) < interrupts.GRACE_S
    assert "Traceback" not in done.stderr
    check_what_is_left(workspace)
