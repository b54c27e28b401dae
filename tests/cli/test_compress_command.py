import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_models import QUANTIZATION, source

from hlsflow.__main__ import main
from hlsflow.foundation.array_file import pack_arrays, read_arrays
from hlsflow.models.recipe import load_recipe
from hlsflow.training import making
from hlsflow.training.making import recipe_text
from hlsflow.training.record import is_trained, load_record

ROOT = Path(__file__).resolve().parents[2]
FILES = ["confusion.png", "recipe.yaml", "training.json", "weights.npz", "weights.png"]


@pytest.fixture
def workspace(tmp_path):
    """A workspace with the untrained model `tiny`, as if it were trained."""
    tiny = source((12, 8, 10))
    folder = tmp_path / "models" / "tiny"
    folder.mkdir(parents=True)
    (tmp_path / "hls_configs").mkdir()
    (folder / "recipe.yaml").write_text(recipe_text(tiny.recipe))
    (folder / "weights.npz").write_bytes(pack_arrays(dict(tiny.weights)))
    return tmp_path


def compress(workspace: Path, *words: str) -> int:
    return main(["compress", "--workspace", str(workspace), *words])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_smaller_model_is_made_whole(workspace, capsys):
    words = ["tiny", "small", "--method", "magnitude_pruning", "--set", "percent=30"]
    assert compress(workspace, *words) == 0
    folder = workspace / "models" / "small"
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert [path.name for path in (workspace / "models").iterdir() if path.name != "tiny"] == ["small"]
    assert not list((workspace / "build").glob("compress/*"))
    recipe, record = load_recipe(folder), load_record(folder)
    assert recipe.derived.method == {"name": "magnitude_pruning", "percent": 30}
    assert (recipe.name, recipe.title) == ("small", "tiny: magnitude pruning, percent=30")
    assert is_trained(recipe, folder)
    said = capsys.readouterr()
    assert said.out.startswith(f"small on digits: test accuracy {record.accuracy.test:.2%} of 359\n")
    lines = [" ".join(line.split()) for line in said.out.splitlines()]
    assert lines[1:] == [
        f"parameters {64 * 12 + 12 * 8 + 8 * 10 + 30}",
        f"weights file {(folder / 'weights.npz').stat().st_size:,} bytes",
        *(f"{key} {value:,}" for key, value in record.facts.items()),
        "next: hlsflow build --model small",
    ]
    # It is a source like any other, and its accuracy is known.
    assert compress(workspace, "small", "smaller", "--method", "low_rank", "--set", "rank=4", "--title", "Smaller") == 0
    assert load_recipe(workspace / "models" / "smaller").title == "Smaller"
    assert f"of 359 samples (small: {record.accuracy.test:.2%})\n" in capsys.readouterr().out


def test_values_are_read_as_yaml_has_them(workspace):
    words = ["--method", "activation_pruning", "--set", "threshold=1e-2", "--set", "layers=[fc1, fc2]"]
    assert compress(workspace, "tiny", "small", *words) == 0
    method = {"name": "activation_pruning", "threshold": 0.01, "layers": ["fc1", "fc2"]}
    assert load_recipe(workspace / "models" / "small").derived.method == method


@pytest.mark.slow
def test_fine_tuning_takes_what_is_not_given_from_the_source(workspace, capsys):
    words = ["--method", "structured_pruning", "--set", "ratio=0.5", "--fine-tune", "2", "--learning-rate", "1e-2"]
    assert compress(workspace, "tiny", "small", *words) == 0
    folder = workspace / "models" / "small"
    assert sorted(path.name for path in folder.iterdir()) == sorted([*FILES, "curves.png"])
    recipe = load_recipe(folder)
    own = load_recipe(workspace / "models" / "tiny").training
    assert recipe.training == own.model_copy(update={"epochs": 2, "learning_rate": 1e-2})
    assert recipe.architecture.units == (6, 4, 10)
    assert recipe.title == "tiny: structured pruning, ratio=0.5, fine-tuned for 2 epochs"
    record = load_record(folder)
    assert len(record.history.loss) == 2
    assert record.history.loss[1] < record.history.loss[0]
    assert record.facts["kept_neurons"] == 10
    assert not list(workspace.glob("build/training/**/checkpoint.npz"))
    # What was never trained has no training to take anything from.
    capsys.readouterr()
    assert compress(workspace, "tiny", "plain", "--method", "magnitude_pruning", "--set", "percent=1") == 0
    assert compress(workspace, "plain", "tuned", *words) == 0
    training = load_recipe(workspace / "models" / "tuned").training
    assert (training.learning_rate, training.batch_size, training.validation_split) == (0.01, 64, 0.2)


STRUCTURED = ["--method", "structured_pruning", "--set", "ratio=0.5"]
MAGNITUDE = ["--method", "magnitude_pruning", "--set", "percent=30"]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["tinny", "small", *MAGNITUDE], 2, "no model 'tinny' under {root}/models\n  did you mean 'tiny'?\n"),
        (["tiny", "8bit", *MAGNITUDE], 2,
         "'8bit' cannot name a model\n  letters, digits and _, at most 64, and a letter at the front\n"),
        (["tiny", "../up", *MAGNITUDE], 2,
         "'../up' cannot name a model\n  letters, digits and _, at most 64, and a letter at the front\n"),
        (["tiny", "tiny", *MAGNITUDE, "--force"], 3,
         "{root}/models/tiny was not made by hlsflow compress, and stays\n  choose another name\n"),
        (["tiny", "small", "--method", "low_rang"], 3,
         "the command line: method.name: no method 'low_rang'; did you mean 'low_rank'?\n"),
        (["tiny", "small", "--method", "low_rank"], 3, "the command line: method low_rank: rank: missing\n"),
        (["tiny", "small", "--method", "low_rank", "--set", "rang=3"], 3,
         "the command line: method low_rank: rank: missing\n"
         "the command line: method low_rank: rang: unknown key; did you mean 'rank'?\n"),
        (["tiny", "small", "--method", "low_rank", "--set", "rank"], 2,
         "--set rank: expected KEY=VALUE\n  for example: --set ratio=0.5\n"),
        (["tiny", "small", "--method", "low_rank", "--set", "rank=3", "--set", "rank=4"], 2,
         "--set rank=4: 'rank' is given twice\n  the method's name stands behind --method\n"),
        (["tiny", "small", "--method", "low_rank", "--set", "name=x"], 2,
         "--set name=x: 'name' is given twice\n  the method's name stands behind --method\n"),
        (["tiny", "small", "--method", "low_rank", "--set", "rank=100"], 5,
         "tiny: no layer has a rank above 100\n  choose a rank below 12\n"),
        (["tiny", "small", *MAGNITUDE, "--learning-rate", "0.1"], 2, "--learning-rate goes with --fine-tune EPOCHS\n"),
        (["tiny", "small", *MAGNITUDE, "--fine-tune", "3"], 2,
         "--fine-tune would move the pruned weights off zero again\n"
         "  train with compression.pruning in a recipe, which keeps them there\n"),
        (["tiny", "small", *STRUCTURED, "--fine-tune", "0"], 3,
         "the command line: training: epochs: input should be greater than or equal to 1, not 0\n"),
        (["tiny", "small", *MAGNITUDE, "--data-dir", "{root}/absent"], 6,
         "{root}/absent is no folder\n  give --data-dir the folder that holds the dataset files\n"),
    ],
)  # fmt: skip
def test_mistakes(workspace, capsys, words, code, message):
    assert compress(workspace, *(word.format(root=workspace) for word in words)) == code
    assert capsys.readouterr().err.endswith(f"error: {message.format(root=workspace)}")
    assert [path.name for path in (workspace / "models").iterdir()] == ["tiny"]


def test_a_model_is_made_anew_only_where_it_is_forced_and_gives_the_same_files(workspace, capsys):
    words = ["tiny", "small", *MAGNITUDE]
    assert compress(workspace, *words) == 0
    folder = workspace / "models" / "small"
    before = contents(folder)
    capsys.readouterr()
    assert compress(workspace, *words) == 3
    assert capsys.readouterr().err == f"error: {folder} exists\n  --force makes it anew\n"
    assert compress(workspace, *words, "--force") == 0
    assert contents(folder) == before
    assert compress(workspace, "tiny", "small", "--method", "low_rank", "--set", "rank=2", "--force") == 0
    assert load_recipe(folder).architecture.ranks == {"fc1": 2, "fc2": 2, "logits": 2}
    assert not list((workspace / "build").glob("compress/*"))
    assert compress(workspace, "small", "small", *MAGNITUDE, "--force") == 2
    assert "small cannot be made out of itself" in capsys.readouterr().err


@pytest.mark.parametrize("exists", [False, True])
def test_an_interruption_while_the_files_are_written_leaves_what_was_there(workspace, monkeypatch, capsys, exists):
    folder = workspace / "models" / "small"
    if exists:
        assert compress(workspace, "tiny", "small", *MAGNITUDE) == 0
    before = contents(folder) if exists else None

    def interrupted(*_):
        assert list(workspace.glob("build/compress/small/small/recipe.yaml"))
        raise KeyboardInterrupt

    monkeypatch.setattr(making, "write_training", interrupted)
    words = ["--method", "magnitude_pruning", "--set", "percent=60", "--force"]
    assert compress(workspace, "tiny", "small", *words) == 130
    assert "interrupted" in capsys.readouterr().err
    assert (contents(folder) if folder.exists() else None) == before
    assert not list((workspace / "build").glob("compress/*"))


def test_what_cannot_be_put_into_place_leaves_what_was_there(workspace, monkeypatch, capsys):
    assert compress(workspace, "tiny", "small", *MAGNITUDE) == 0
    folder = workspace / "models" / "small"
    before = contents(folder)
    rename = os.rename

    def refuse_new(path, target):
        if path == workspace / "build" / "compress" / "small" / "small":
            raise PermissionError(13, "Permission denied")
        rename(path, target)

    monkeypatch.setattr(os, "rename", refuse_new)
    assert compress(workspace, "tiny", "small", "--method", "magnitude_pruning", "--set", "percent=60", "--force") == 10
    assert "permission denied" in capsys.readouterr().err
    assert contents(folder) == before


@pytest.mark.slow
def test_ctrl_c_keeps_the_finished_epochs_of_a_fine_tuning_alone(workspace):
    process = subprocess.Popen(
        [sys.executable, "-m", "hlsflow", "compress", "tiny", "small", "--workspace", workspace,
         *STRUCTURED, "--fine-tune", "400"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "flows")},
    )  # fmt: skip
    checkpoint = workspace / "build" / "training" / "small" / "checkpoint.npz"
    try:
        deadline = time.monotonic() + 300
        while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert checkpoint.exists(), "no epoch was finished in time"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert [path.name for path in (workspace / "models").iterdir()] == ["tiny"]
    assert [path.name for path in checkpoint.parent.iterdir()] == ["checkpoint.npz"]
    assert not list((workspace / "build").glob("compress/*"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("quantized", "words", "gate"),
    [
        (False, ["--method", "structured_pruning", "--set", "ratio=0.5"], "bounded"),
        (False, ["--method", "low_rank", "--set", "rank=4"], "bounded"),
        (True, ["--method", "structured_pruning", "--set", "ratio=0.5"], "exact"),
    ],
)
def test_what_is_made_goes_the_whole_way_to_hardware(workspace, capsys, quantized, words, gate):
    if quantized:
        path = workspace / "models" / "tiny" / "recipe.yaml"
        path.write_text(recipe_text(source((12, 8, 10), quantized=True).recipe))
        assert load_recipe(path).compression.quantization.kernel == QUANTIZATION["kernel"]
    assert compress(workspace, "tiny", "small", *words) == 0
    assert main(["config", "small", "--workspace", str(workspace)]) == 0
    capsys.readouterr()
    assert main(["build", "--model", "small", "--workspace", str(workspace), "--json"]) == 0
    from hlsflow.records.record import BuildRecord

    record = BuildRecord.model_validate_json(capsys.readouterr().out)
    assert (record.gate.kind, record.gate.passed) == (gate, True)
    assert record.samples.count == 359
    weights = read_arrays(workspace / "models" / "small" / "weights.npz")
    assert record.size.parameters == sum(array.size for array in weights.values())
