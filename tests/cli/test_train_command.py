import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_models import RECIPE

from hlsflow.__main__ import main
from hlsflow.training.record import load_record

ROOT = Path(__file__).resolve().parents[2]
FILES = ["confusion.png", "curves.png", "recipe.yaml", "training.json", "weights.npz", "weights.png"]


@pytest.fixture
def workspace(tmp_path):
    folder = tmp_path / "models" / "tiny"
    folder.mkdir(parents=True)
    (folder / "recipe.yaml").write_text(RECIPE)
    return tmp_path


def train(workspace: Path, *words: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, ROOT / "flows" / "train.py", "--workspace", workspace, *words],
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.slow
def test_a_training_writes_everything_and_the_second_does_nothing(workspace, capsys):
    folder = workspace / "models" / "tiny"
    first = train(workspace, "--model", "tiny")
    assert first.returncode == 0, first.stderr
    assert sorted(path.name for path in folder.iterdir()) == FILES
    record = load_record(folder)
    assert re.match(rf"tiny on digits: test accuracy {record.accuracy.test:.2%} of 359 samples", first.stdout)
    assert "  epoch   3/3  loss " in first.stderr
    # What TensorFlow and its companions say on their own is kept out.
    assert not re.search(r"tensorflow|warn|oneDNN|cuda", first.stderr, re.IGNORECASE)
    assert not list(workspace.glob("build/training/**/checkpoint.npz"))
    for name in ("confusion.png", "curves.png", "weights.png"):
        assert (folder / name).read_bytes().startswith(b"\x89PNG")

    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    second = train(workspace, "tiny")
    assert second.stdout == "tiny is trained already as its recipe says; nothing to do (--force trains it again)\n"
    assert second.stderr == ""
    # Forced, it runs, in this process now, and gives the very same files: nothing in them depends on the clock.
    assert main(["train", "--workspace", str(workspace), "tiny", "--force"]) == 0
    assert "  epoch   3/3  loss " in capsys.readouterr().err
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()} == before


@pytest.mark.slow
def test_ctrl_c_keeps_the_finished_epochs_and_writes_nothing_half(workspace):
    folder = workspace / "models" / "tiny"
    (folder / "recipe.yaml").write_text(RECIPE.replace("epochs: 3", "epochs: 400"))
    process = subprocess.Popen(
        [sys.executable, ROOT / "flows" / "train.py", "tiny", "--workspace", workspace],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    checkpoint = workspace / "build" / "training" / "tiny" / "checkpoint.npz"
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert errors.endswith("interrupted: finished steps are kept, the next run goes on from there\n")
    assert "Traceback" not in errors
    assert sorted(path.name for path in folder.iterdir()) == ["recipe.yaml"]
    assert [path.name for path in checkpoint.parent.iterdir()] == ["checkpoint.npz"]


@pytest.mark.slow
def test_a_killed_training_goes_on(workspace):
    folder = workspace / "models" / "tiny"
    killed = (
        "import os, sys; from hlsflow.training import training; from hlsflow.__main__ import main\n"
        "save = training.save_checkpoint\n"
        "def save_then_die(path, state):\n"
        "    save(path, state)\n"
        "    if state.epochs == 2: os.kill(os.getpid(), 9)\n"
        "training.save_checkpoint = save_then_die\n"
        "main(['train', 'tiny', '--workspace', sys.argv[1]])\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "flows")}
    died = subprocess.run([sys.executable, "-c", killed, workspace], env=environment, capture_output=True, timeout=300)
    assert died.returncode == -9
    assert not (folder / "weights.npz").exists()
    resumed = train(workspace, "tiny")
    assert "going on after epoch 2 of an interrupted training" in resumed.stderr
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert main(["train", "--workspace", str(workspace), "tiny", "--force"]) == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["tiyn"], 2, "error: no model 'tiyn' under {root}/models\n  did you mean 'tiny'?\n"),
        ([], 2, "error: no model is named\n  for example: hlsflow train --model qap8\n"),
        (["tiny", "--model", "other"], 2,
         "error: two models are named: 'tiny' and 'other'\n  train one at a time\n"),
        (["tiny", "--data-dir", "{root}/absent"], 6,
         "error: {root}/absent is no folder\n  give --data-dir the folder that holds the dataset files\n"),
    ],
)  # fmt: skip
def test_mistakes(workspace, capsys, words, code, message):
    words = [word.format(root=workspace) for word in words]
    assert main(["train", "--workspace", str(workspace), *words]) == code
    assert capsys.readouterr().err.endswith(message.format(root=workspace))


def test_a_mistake_in_the_recipe_is_shown(workspace, capsys):
    path = workspace / "models" / "tiny" / "recipe.yaml"
    path.write_text(RECIPE.replace("epochs: 3", "epoch: 3"))
    assert main(["train", "--workspace", str(workspace), "tiny"]) == 3
    assert capsys.readouterr().err == (
        f"error: {path}: training.epochs: missing\n{path}: training.epoch: unknown key; did you mean 'epochs'?\n"
    )


def test_a_missing_dataset_is_a_dataset_error(workspace, capsys, monkeypatch):
    from hlsflow.datasets import files as dataset_files

    path = workspace / "models" / "tiny" / "recipe.yaml"
    path.write_text(RECIPE.replace("dataset: digits", "dataset: mnist"))
    monkeypatch.setenv("HOME", str(workspace))
    monkeypatch.delenv("HLSFLOW_DATA", raising=False)
    monkeypatch.setitem(dataset_files.URLS, "mnist", "http://127.0.0.1:9/mnist.npz")
    assert main(["train", "--workspace", str(workspace), "tiny"]) == 6
    assert "error: dataset 'mnist' was not found; looked in\n" in capsys.readouterr().err


def test_help_answers_without_tensorflow_or_numpy():
    program = (
        "import sys; from hlsflow.__main__ import make_parser; make_parser('train').parse_args(['train', 'x']); "
        "print(sorted({'tensorflow', 'keras', 'numpy', 'pydantic', 'matplotlib'} & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "flows")}
    assert subprocess.check_output([sys.executable, "-c", program], text=True, env=environment).strip() == "[]"
