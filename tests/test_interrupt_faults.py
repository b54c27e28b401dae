"""Interrupts at moments that nobody chose: a training always ends soon, and what it leaves is whole."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hlsflow import interrupts
from hlsflow.compression.checkpoint import load_checkpoint

ROOT = Path(__file__).resolve().parents[1]
TRIES = 10

RECIPE = """\
name: tiny
title: A small network for tests
dataset: digits
seed: 1
input: {scale_exponent: -8, type: "ufixed<8,0>"}
architecture: {name: mlp, units: [12, 10], dropout: 0.2}
compression:
  quantization:
    kernel: quantized_bits(6,0,alpha=1)
    bias: quantized_bits(6,0,alpha=1)
    activation: quantized_relu(6,2)
training: {learning_rate: 1e-2, batch_size: 32, epochs: 10000, validation_split: 0.2}
"""


def keeps_signals(pid: int) -> bool:
    """Whether a process catches SIGTERM, which Python does not do by itself."""
    text = Path(f"/proc/{pid}/status").read_text()
    caught = next(int(line.split()[1], 16) for line in text.splitlines() if line.startswith("SigCgt:"))
    return bool(caught >> (signal.SIGTERM - 1) & 1)


def wait_until(condition, process) -> None:
    deadline = time.monotonic() + 100
    while not condition() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(TRIES))
def test_an_interrupt_at_any_moment_ends_a_training(tmp_path, seed):
    """Half of the tries hit while TensorFlow is loaded and traces its functions, half of them an epoch."""
    moment = random.Random(seed)
    folder = tmp_path / "models" / "tiny"
    folder.mkdir(parents=True)
    (folder / "recipe.yaml").write_text(RECIPE)
    process = subprocess.Popen(
        [sys.executable, ROOT / "flows" / "train.py", "tiny", "--workspace", tmp_path],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    checkpoint = tmp_path / "build" / "training" / "tiny" / "checkpoint.npz"
    try:
        # Before its handler is there, Python itself ends the process.
        wait_until(lambda: checkpoint.exists() if seed % 2 else keeps_signals(process.pid), process)
        time.sleep(moment.uniform(0, 0.5 if seed % 2 else 6.0))
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=interrupts.GRACE_S + 10)
    finally:
        process.kill()
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert said.endswith(f"{interrupts.KEPT}\n")
    assert time.monotonic() - started < interrupts.GRACE_S + 5
    assert [path.name for path in folder.iterdir()] == ["recipe.yaml"]
    if checkpoint.exists():
        assert load_checkpoint(checkpoint) is not None
