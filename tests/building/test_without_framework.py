"""Where the framework that made a model is not installed: what is kept serves, and all else names the one command.

The frameworks are hidden from a process of its own by a finder of modules that refuses them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hlsflow.building.kept import copy_kept, kept_inputs
from hlsflow.foundation.errors import ModelError
from hlsflow.foundation.steps import STEP_FILE

PACKAGE = Path(__file__).resolve().parents[2] / "flows"
BLOCKER = '''
import sys
HIDDEN = {"tensorflow", "keras", "qkeras", "tensorflow_model_optimization", "tf_keras"}

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"No module named {name!r}: it is hidden by a test", name=name)

sys.meta_path.insert(0, Hidden())
'''
EVERY = """
import importlib, pkgutil, hlsflow
found = (item.name for item in pkgutil.walk_packages(hlsflow.__path__, "hlsflow."))
names = [name for name in found if not name.endswith("__main__")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


@pytest.fixture
def run(tmp_path):
    """Runs Python without any framework of models."""
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "sitecustomize.py").write_text(BLOCKER)

    def run_(*words: str, cwd: Path = tmp_path) -> subprocess.CompletedProcess:
        environ = {**os.environ, "PYTHONPATH": f"{tmp_path / 'hidden'}{os.pathsep}{PACKAGE}", "COLUMNS": "200"}
        return subprocess.run(
            [sys.executable, *words], cwd=cwd, env=environ, capture_output=True, text=True, timeout=300
        )

    assert run_("-c", "import tensorflow").returncode != 0
    return run_


@pytest.fixture
def workspace(digits6_build, tmp_path):
    return Path(shutil.copytree(digits6_build / "workspace", tmp_path / "workspace"))


def hlsflow(run, workspace, *words):
    said = run("-m", "hlsflow", *words, cwd=workspace)
    assert "Traceback" not in said.stderr, said.stderr
    return said


def test_every_module_is_imported_without_a_framework(run):
    said = run("-c", EVERY)
    assert said.returncode == 0 and int(said.stdout) > 300, said.stderr


def test_what_needs_the_framework_ends_in_the_command_that_has_it(run, workspace):
    shutil.rmtree(workspace / "build")
    said = hlsflow(run, workspace, "build", "--model", "digits6")
    assert said.returncode == 7
    assert "error: this needs Keras, and there is no tensorflow, no qkeras here" in said.stderr
    assert "uv run hlsflow build --model digits6" in said.stderr
    assert "pip install 'hlsflow[keras2]', with Python 3.11" in said.stderr
    assert not [*(workspace / "build").rglob("*.partial")]


@pytest.mark.slow
def test_a_kept_network_is_built_again_fitted_and_synthesized(run, workspace, digits6_build):
    before = json.loads((workspace / "reports/digits6/build.json").read_text())
    for step in ("hls", "compile", "csim", "record.json"):
        path = workspace / "build/digits6" / step
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.rmtree(workspace / "reports/digits6")
    said = hlsflow(run, workspace, "build", "--model", "digits6")
    assert said.returncode == 0, said.stderr
    assert "no tensorflow, no qkeras here: network and reference as Python 3.11" in said.stderr
    assert "PASS  exact: 0 of 3,590 output integers differ from Keras (359 samples)" in said.stdout
    after = json.loads((workspace / "reports/digits6/build.json").read_text())
    assert after["gate"] == before["gate"] and after["design"] == before["design"]
    outputs = [
        dict(np.load(root / "build/digits6/csim/outputs.npz")) for root in (workspace, digits6_build / "workspace")
    ]
    assert outputs[0].keys() == outputs[1].keys()
    assert all(np.array_equal(array, outputs[1][name]) for name, array in outputs[0].items())
    assert "nothing to do" in hlsflow(run, workspace, "build", "--model", "digits6").stderr
    for words in (
        ("lint", "digits6"), ("fit", "digits6", "pynq-z2"), ("estimate", "build/digits6/hls"), ("compare",),
        ("pack", "digits6", "--output", "packed.tar.gz"), ("bundle", "digits6", "--output", "bundle.tar.gz"),
    ):  # fmt: skip
        said = hlsflow(run, workspace, *words)
        assert said.returncode == 0, (words, said.stderr)
    # A variant takes the network of the model's own build.
    said = hlsflow(run, workspace, "build", "--model", "digits6", "--config", "hls_configs/digits6.pynq-z2.yaml")
    assert said.returncode == 0 and "PASS  exact" in said.stdout, said.stderr


RTL = """
from pathlib import Path
from hlsflow.emulation.emulator import make_emulator
from hlsflow.hls.project import read_project
from hlsflow.opentools.design import Architecture, OpenOptions, make_design
from hlsflow.devices.targets import find_target
from hlsflow.rtl.chain import read_chain

project = read_project(Path("build/digits6/hls"))
make_emulator(project)
design = make_design(read_chain(project), "net", find_target("pynq-z2"), OpenOptions(architecture=Architecture.FOLDED))
print(sum(len(text) for text in design.sources.values()))
"""


def test_rtl_needs_no_framework(run, workspace):
    said = run("-c", RTL, cwd=workspace)
    assert said.returncode == 0 and int(said.stdout) > 10_000, said.stderr


def test_kept_results_of_another_model_or_other_code_are_none(workspace):
    kept = json.loads((workspace / "build/digits6/network" / STEP_FILE).read_text())["inputs"]
    folders = [workspace / "nowhere", workspace / "build/digits6"]
    here = {**kept, "versions": {"python": "3.13.0"}, "work": {**kept["work"], "packages": {}, "python": "other"}}
    assert kept_inputs(folders, "network", here) == (folders[1], kept)
    assert kept_inputs(folders, "network", {**here, "weights": "0" * 64}) is None
    assert kept_inputs(folders, "network", {**here, "work": {**here["work"], "code": "0" * 64}}) is None
    assert kept_inputs(folders, "reference", here) is None
    (folders[1] / "network" / STEP_FILE).write_text("{")
    assert kept_inputs(folders, "network", here) is None
    with pytest.raises(ModelError, match="it was changed meanwhile"):
        copy_kept(folders[1], "network", workspace)
