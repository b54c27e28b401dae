"""The workspace: which folder is one, how one is made, and what is said where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from hlsflow.__main__ import main
from hlsflow.building import configure, pipeline
from hlsflow.foundation import example, workspace
from hlsflow.foundation.errors import StorageError, UsageError
from hlsflow.foundation.workspace import checkout, find_workspace, workspace_or_here
from hlsflow.hls.config_seal import sealed

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = [
    ".gitignore", "hls_configs/digits6.yaml", "models/digits6/confusion.png", "models/digits6/curves.png",
    "models/digits6/recipe.yaml", "models/digits6/training.json", "models/digits6/weights.npz",
    "models/digits6/weights.png",
]  # fmt: skip
NONE_HERE = (
    "error: no workspace here: neither {here} nor a folder above it has models/ and hls_configs/\n"
    "  hlsflow init makes one here, with an example; --workspace DIR names another\n"
)


def files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def make(root: Path) -> Path:
    for name in ("models", "hls_configs"):
        (root / name).mkdir(parents=True)
    return root


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """As an installed package in an empty folder."""
    monkeypatch.delenv("HLSFLOW_WORKSPACE", raising=False)
    monkeypatch.setattr(workspace, "checkout", lambda: None)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_named_one_goes_before_the_environment_before_the_current_one(installed, monkeypatch):
    named, environment, here = (make(installed / name) for name in ("named", "environment", "here"))
    monkeypatch.chdir(here)
    assert find_workspace().root == here
    monkeypatch.setenv("HLSFLOW_WORKSPACE", str(environment))
    assert find_workspace().root == environment
    assert find_workspace(named).root == find_workspace("../named").root == named


def test_a_folder_inside_a_workspace_is_of_it(installed, monkeypatch):
    make(installed)
    inner = installed / "models" / "mine"
    inner.mkdir()
    monkeypatch.chdir(inner)
    assert find_workspace().root == workspace_or_here().root == installed


def test_a_checkout_is_the_workspace_of_what_runs_from_it(monkeypatch, tmp_path):
    monkeypatch.delenv("HLSFLOW_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path)
    assert checkout() == find_workspace().root == ROOT
    assert find_workspace(make(tmp_path / "other")).root == tmp_path / "other"


def test_a_folder_that_is_named_must_be_one(installed):
    with pytest.raises(UsageError) as caught:
        find_workspace("absent")
    assert str(caught.value) == (
        f"{installed}/absent is no workspace: it has no folder models/\n  make it one: hlsflow init absent"
    )
    with pytest.raises(UsageError, match="is no workspace"):
        workspace_or_here("absent")


NEED_ONE = (
    "build --model x", "train x", "compress x y --method low_rank", "tflite x --kind float", "weights export x x.npz",
    "config x", "lint x", "fit x pynq-z2", "calibrate --own", "compare", "pack x", "import x.tar.gz", "sweep quick",
    "queue x", "bundle x",
)  # fmt: skip


@pytest.mark.parametrize("words", NEED_ONE)
def test_without_a_workspace_a_command_says_exactly_that(installed, capsys, words):
    assert main(words.split()) == 2
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", NONE_HERE.format(here=installed))
    assert not list(installed.iterdir())


@pytest.mark.parametrize("words", ["lint --constructs", "doctor --json"])
def test_what_needs_no_workspace_does_without(installed, capsys, words):
    assert main(words.split()) == 0
    assert not list(installed.iterdir())


def test_a_record_by_its_path_is_compared_without_a_workspace(installed, capsys):
    record = shutil.copy(ROOT / "reports" / "digits6" / "build.json", installed)
    assert main(["compare", record, "--json"]) == 0
    assert '"digits6"' in capsys.readouterr().out
    assert files(installed) == ["build.json"]


@pytest.mark.parametrize("words", [[], ["new/place"]])
def test_init_makes_a_workspace_with_the_shipped_example(tmp_path, monkeypatch, capsys, words):
    monkeypatch.chdir(tmp_path)
    root = tmp_path.joinpath(*words)
    assert main(["init", *words]) == 0
    assert files(root) == EXAMPLE
    for name in EXAMPLE[1:]:
        assert (root / name).read_bytes() == (ROOT / name).read_bytes()
    enter = f"cd {words[0]} && " if words else ""
    assert capsys.readouterr().out == "".join(f"wrote {root / name}\n" for name in EXAMPLE) + (
        f"next: {enter}hlsflow build --model digits6\n"
    )
    assert find_workspace(root).model_names() == ["digits6"]


@pytest.mark.parametrize("name", ["models", "hls_configs"])
@pytest.mark.parametrize("kind", ["folder", "file", "dangling link"])
def test_init_replaces_nothing(tmp_path, capsys, name, kind):
    path = tmp_path / name
    match kind:
        case "folder":
            path.mkdir()
        case "file":
            path.write_text("mine")
        case _:
            path.symlink_to("nowhere")
    assert main(["init", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"error: {tmp_path} holds {name} already: nothing was written\n"
        "  a workspace is made in a folder without models/ and hls_configs/: hlsflow init DIR\n"
    )
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_init_leaves_the_users_own_file_as_it_is(tmp_path):
    (tmp_path / ".gitignore").write_text("mine\n")
    assert main(["init", str(tmp_path)]) == 0
    assert (tmp_path / ".gitignore").read_text() == "mine\n"
    assert files(tmp_path) == EXAMPLE


def test_an_init_that_fails_leaves_nothing(tmp_path, monkeypatch, capsys):
    def full(source, target, **named):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    assert main(["init", str(tmp_path)]) == StorageError.exit_code
    assert "the disk is full" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_an_installation_without_its_example_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(example, "checkout", lambda: None)
    monkeypatch.setattr(example, "PACKAGE", tmp_path)
    with pytest.raises(StorageError, match="the example is missing from this installation"):
        example.make_workspace(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_build_without_a_configuration_derives_one_and_says_so(tmp_path, monkeypatch, capsys):
    derived = (ROOT / "hls_configs" / "digits6.yaml").read_text()
    targets = []

    def configured(mine, name, target, data_dir, log):
        targets.append((name, target.part, data_dir))
        return derived

    def built(mine, request, log):
        text = (mine.hls_configs / "digits6.yaml").read_text()
        assert text == (sealed(derived, "build") if targets else derived)
        raise UsageError("as far as this test goes")

    monkeypatch.setattr(configure, "configure", configured)
    monkeypatch.setattr(pipeline, "build", built)
    example.make_workspace(tmp_path)
    path = tmp_path / "hls_configs" / "digits6.yaml"
    words = ["build", "--model", "digits6", "--workspace", str(tmp_path), "--data-dir", "data"]
    assert main(words) == 2
    # There is one: nothing is derived.
    assert (targets, capsys.readouterr().err) == ([], "error: as far as this test goes\n")
    path.unlink()
    assert main(words) == 2
    assert targets == [("digits6", "xc7z020clg400-1", Path("data"))]
    assert capsys.readouterr().err == (
        "digits6 has no HLS configuration: deriving one, as `hlsflow config digits6` does\n"
        f"wrote {path}: yours to edit\n"
        "error: as far as this test goes\n"
    )


def test_what_cannot_be_derived_writes_nothing(tmp_path, capsys):
    example.make_workspace(tmp_path)
    (tmp_path / "hls_configs" / "digits6.yaml").unlink()
    assert main(["build", "--model", "digits7", "--workspace", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"error: no model 'digits7' under {tmp_path}/models\n  did you mean 'digits6'?\n"
    )
    path = tmp_path / "hls_configs" / "digits6.yaml"
    path.symlink_to("nowhere")
    assert main(["build", "--model", "digits6", "--workspace", str(tmp_path)]) == 3
    assert f"error: no HLS configuration at {path}" in capsys.readouterr().err
    assert not path.exists()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The package as a wheel installs it, in a folder of its own."""
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("needs uv, which builds the wheel")
    home = tmp_path_factory.mktemp("wheel")
    command = [uv, "build", "--wheel", "--offline", "--quiet", "--out-dir", home, ROOT]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0 and "network" in done.stderr:
        pytest.skip("needs hatchling in uv's cache, which builds the wheel")
    assert done.returncode == 0, done.stderr
    (path,) = home.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(home / "site")
    return home / "site"


def run(site: Path, here: Path, *words: str) -> subprocess.CompletedProcess:
    environ = {name: value for name, value in os.environ.items() if name != "HLSFLOW_WORKSPACE"}
    environ["PYTHONPATH"] = str(site)
    return subprocess.run(
        [sys.executable, "-m", "hlsflow", *words], cwd=here, env=environ, capture_output=True, text=True, timeout=600
    )


def test_a_wheel_finds_no_workspace_and_makes_one(wheel, tmp_path):
    first = run(wheel, tmp_path, "train", "digits6")
    assert (first.returncode, first.stdout) == (2, "")
    assert first.stderr == NONE_HERE.format(here=tmp_path)
    made = run(wheel, tmp_path, "init")
    assert made.returncode == 0, made.stderr
    assert files(tmp_path) == EXAMPLE
    assert all((tmp_path / name).read_bytes() == (ROOT / name).read_bytes() for name in EXAMPLE[1:])
    unknown = run(wheel, tmp_path, "train", "digits7")
    assert unknown.stderr == f"error: no model 'digits7' under {tmp_path}/models\n  did you mean 'digits6'?\n"


@pytest.mark.slow
def test_a_wheel_builds_its_example_and_derives_the_configuration_that_is_missing(wheel, tmp_path):
    assert run(wheel, tmp_path, "init").returncode == 0
    path = tmp_path / "hls_configs" / "digits6.yaml"
    path.unlink()
    built = run(wheel, tmp_path, "build", "--model", "digits6", "--samples", "40")
    assert built.returncode == 0, built.stderr
    assert "gate         PASS" in built.stdout
    assert "digits6 has no HLS configuration: deriving one" in built.stderr
    assert (tmp_path / "build" / "digits6" / "hls" / "firmware").is_dir()
    again = run(wheel, tmp_path, "config", "digits6", "--stdout")
    assert sealed(again.stdout, "build") == path.read_text()
