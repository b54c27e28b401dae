"""The keys of a build's steps: what can change a result changes the keys of the steps it reaches, and no others."""

from __future__ import annotations

import functools
import io
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from hlsflow.building.plan import BuildRequest, make_plan
from hlsflow.compression.methods import METHODS
from hlsflow.foundation.steps import digest
from hlsflow.foundation.workspace import Workspace
from hlsflow.hls.config_seal import sealed
from hlsflow.keys import work
from hlsflow.keys.distributions import Installed
from hlsflow.keys.imports import ROOT, Sources

MODEL = "digits6"
ALL = {"network", "reference", "hls", "compile", "csim", "record"}
# What follows from the network, and from the project.
HLS = {"hls", "compile", "csim", "record"}


def keys(workspace: Workspace, **request) -> dict[str, str]:
    plan = make_plan(workspace, BuildRequest(**{"model": MODEL} | request))
    found = {name: digest(key) for name, key in plan.keys.items()}
    assert found["record"] == plan.digest
    return found


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    assert before.keys() == after.keys() == ALL
    return {name for name in before if before[name] != after[name]}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package that the keys are made of; `read()` is a new process, which reads it anew."""
    root = tmp_path / "package"
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns("__pycache__"))

    def read() -> None:
        found = Sources(root)
        monkeypatch.setattr(work, "sources", lambda: found)

    read()
    return root, read


def test_nothing_changes_where_nothing_changed(workspace):
    assert keys(workspace) == keys(workspace)


def test_another_process_finds_the_same_keys(workspace, tmp_path):
    """Whatever the order of its sets, wherever it is started and however."""
    program = (
        "import json, sys; from pathlib import Path; from hlsflow.foundation.workspace import Workspace;"
        "from hlsflow.building.plan import BuildRequest, make_plan;"
        "print(json.dumps(make_plan(Workspace(root=Path(sys.argv[1])), BuildRequest(model=sys.argv[2])).keys))"
    )
    words = [sys.executable, "-c", program, str(workspace.root), MODEL]
    for seed in "1", "2":
        environ = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT.parent)}
        said = subprocess.run(words, cwd=tmp_path, env=environ, capture_output=True, text=True, check=True).stdout
        assert {name: digest(key) for name, key in json.loads(said).items()} == keys(workspace)


def test_one_weight_changes_all(workspace):
    before = keys(workspace)
    path = workspace.models / MODEL / "weights.npz"
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    next(iter(arrays.values())).flat[0] += 2.0**-5
    np.savez(path, **arrays)
    assert changed(before, keys(workspace)) == ALL


def mnist(folder: Path, first_pixel: int = 0) -> Path:
    folder.mkdir(exist_ok=True)
    pixels = np.arange(20 * 784, dtype=np.int64).reshape(20, 28, 28).astype(np.uint8)
    pixels[0, 0, 0] = first_pixel
    classes = np.arange(20) % 10
    np.savez(folder / "mnist.npz", x_train=pixels, y_train=classes, x_test=pixels, y_test=classes)
    return folder


def test_a_sample_changes_what_is_computed_of_samples(workspace, tmp_path):
    before = keys(workspace, model="qap8", data_dir=mnist(tmp_path / "data"))
    assert keys(workspace, model="qap8", data_dir=mnist(tmp_path / "data")) == before
    after = keys(workspace, model="qap8", data_dir=mnist(tmp_path / "data", first_pixel=1))
    assert changed(before, after) == {"reference", "csim", "record"}


def test_how_many_samples_changes_what_is_computed_of_samples(workspace):
    before = keys(workspace)
    assert changed(before, keys(workspace, samples=100)) == {"reference", "csim", "record"}
    assert changed(keys(workspace, samples=100), keys(workspace, samples=101)) == {"reference", "csim", "record"}


def test_which_classes_changes_all_that_knows_the_recipe(workspace):
    before = keys(workspace)
    edit(workspace.models / MODEL / "recipe.yaml", "dataset: digits\n", "dataset: digits\nclasses: [0, 1, 2]\n")
    edit(workspace.models / MODEL / "recipe.yaml", "units: [64, 32, 16, 10]", "units: [64, 32, 16, 3]")
    assert changed(before, keys(workspace)) == ALL


def test_a_type_changes_the_project_and_a_gate_the_record_alone(workspace):
    before = keys(workspace)
    assert changed(before, keys(workspace, changes={"clock_period_ns": 5.0})) == HLS
    config = workspace.hls_configs / f"{MODEL}.yaml"
    text = config.read_text()
    edit(config, "fixed<15,6>", "fixed<16,6>")
    assert changed(before, keys(workspace)) == HLS
    config.write_text(text)
    assert keys(workspace) == before
    edit(config, "kind: exact", "kind: bounded\n  max_abs_error: 0.5")
    assert changed(before, keys(workspace)) == {"record"}


def test_a_variant_is_named_by_its_configuration_and_what_the_command_line_changes(workspace):
    plain = make_plan(workspace, BuildRequest(model=MODEL))
    assert (plain.variant, plain.name) == ("", MODEL)
    assert plain.keys["hls"]["folder"] == str(workspace.build / MODEL)
    path = workspace.hls_configs / f"{MODEL}.other.yaml"
    shutil.copy(workspace.hls_configs / f"{MODEL}.yaml", path)
    request = BuildRequest(model=MODEL, changes={"clock_period_ns": 5.0, "part": None}, config_path=path)
    plan = make_plan(workspace, request)
    assert (plan.variant, plan.name) == ("other-5.0", f"{MODEL}@other-5.0")
    assert plan.keys["hls"]["folder"] == str(workspace.build / f"{MODEL}@other-5.0")
    assert (plan.config.clock_period_ns, plan.config.part) == (5.0, plain.config.part)
    assert not request.allow_mismatch


def test_a_moved_workspace_changes_only_what_holds_its_path(workspace, tmp_path):
    before = keys(workspace)
    shutil.copytree(workspace.root / "models", tmp_path / "elsewhere" / "models")
    shutil.copytree(workspace.root / "hls_configs", tmp_path / "elsewhere" / "hls_configs")
    assert changed(before, keys(Workspace(root=tmp_path / "elsewhere"))) == {"hls"}


def test_the_reference_of_other_samples_is_not_taken_for_the_same(workspace, package):
    """The case of the review: with the samples reversed, a build said that nothing had changed."""
    root, read = package
    before = keys(workspace)
    edit(
        root / "building" / "steps" / "reference.py", "frames = samples.load()",
        "frames = samples.load().taken(slice(None, None, -1))",
    )  # fmt: skip
    read()
    assert changed(before, keys(workspace)) == {"reference", "record"}


@pytest.mark.parametrize(
    ("module", "old", "new", "reached"),
    [
        ("building/session.py", "return self._live", "return self._live.reversed()", ALL),
        # Reached by an import within a function alone.
        ("frontends/keras/runtime.py", "def ", "def  ", ALL),
        # What hands the steps what they work on.
        ("building/pipeline.py", "plan.samples", "plan.samples.reversed()", ALL),
        ("foundation/steps.py", "compute(", "compute (", ALL),
        ("hls/csim.py", "def ", "def  ", {"compile", "csim", "record"}),
        ("hls/config.py", "def ", "def  ", HLS),
        ("building/gate.py", "def ", "def  ", {"record"}),
        ("building/plan.py", "def ", "def  ", {"record"}),
        # Outside the closure.
        ("vendor/run.py", "def ", "def  ", set()),
        ("cli/build.py", "def ", "def  ", set()),
    ],
)
def test_a_line_of_code_changes_what_it_runs_in(workspace, package, module, old, new, reached):
    root, read = package
    before = keys(workspace)
    edit(root / module, old, new)
    read()
    assert changed(before, keys(workspace)) == reached


def test_the_compiler_changes_what_it_made(workspace, monkeypatch, tmp_path):
    def stand_in(name, version):
        path = tmp_path / name
        path.write_text(f'#!/bin/sh\necho "stand-in for g++"\necho "{version}"\n')
        path.chmod(0o755)
        monkeypatch.setenv("CXX", str(path))
        return keys(workspace)

    # The first line of what it says is the same.
    first = stand_in("one", "1.0")
    assert stand_in("one", "1.0") == first
    assert changed(first, stand_in("one", "1.1")) == {"compile", "csim", "record"}
    assert changed(first, stand_in("two", "1.0")) == {"compile", "csim", "record"}
    stand_in("one", "1.0")
    monkeypatch.setenv("CPLUS_INCLUDE_PATH", "/elsewhere")
    assert changed(first, keys(workspace)) == {"compile", "csim", "record"}


@pytest.mark.parametrize(
    ("variable", "value", "reached"),
    [
        ("TF_ENABLE_ONEDNN_OPTS", "1", ALL),
        ("XLA_FLAGS", "--xla_cpu_enable_fast_math=true", ALL),
        ("OPENBLAS_CORETYPE", "Sandybridge", ALL),
        ("LD_LIBRARY_PATH", "/elsewhere", {"csim", "record"}),
        ("HLSFLOW_NOTHING", "1", set()),
    ],
)
def test_an_environment_variable_changes_what_it_reaches(workspace, monkeypatch, variable, value, reached):
    before = keys(workspace)
    monkeypatch.setenv(variable, value)
    assert changed(before, keys(workspace)) == reached


def test_another_keras_of_the_same_version_changes_all(workspace, monkeypatch, tmp_path):
    def install(code: str) -> None:
        for name, module in (("keras", "keras"), ("tensorflow", "tensorflow"), ("numpy", "numpy")):
            info = tmp_path / "site" / f"{name}-2.15.0.dist-info"
            info.mkdir(parents=True, exist_ok=True)
            (info / "RECORD").write_text(f"{module}/__init__.py,sha256={code if name == 'keras' else ''},10\n")
        found = Installed([str(tmp_path / "site")])
        monkeypatch.setattr(work, "installed", lambda: found)

    install("as released")
    before = keys(workspace)
    install("patched")
    # The compiler's step knows no Keras; what it compiles was written by the step before it.
    assert changed(before, keys(workspace)) == ALL
    install("as released")
    assert keys(workspace) == before


def test_the_training_record_and_the_title_change_the_record(workspace):
    before = keys(workspace)
    edit(workspace.models / MODEL / "training.json", "{", "{ ")
    assert changed(before, keys(workspace)) == {"record"}


def test_a_sweep_trains_nothing_anew_for_another_methods_code(package):
    root, read = package

    def key():
        return work.work_of(
            "hlsflow.exploring.point_steps.compress",
            METHODS["low_rank"].module,
            ends=("hlsflow.compression.methods",),
        )

    before = key()
    edit(root / "compression" / "activation_pruning.py", "def ", "def  ")
    read()
    assert key() == before
    for module in ("compression/low_rank", "training/training", "models/zoo", "training/making"):
        edit(root / f"{module}.py", "def ", "def  ")
        read()
        assert key() != before, module
        before = key()


@pytest.mark.slow
def test_only_code_of_its_closure_runs_in_a_step(workspace, monkeypatch):
    """A whole build, watched: whatever of this package runs while a step is computed is in the step's key."""
    from hlsflow.building.pipeline import build
    from hlsflow.building.tools import registry
    from hlsflow.building.tools.registry import NAMES, tool_of
    from hlsflow.building.tools.result import WIRING
    from hlsflow.foundation.log import Log
    from hlsflow.foundation.steps import Steps

    modules = {str(path): name for name, path in Sources().paths.items()}
    ran: dict[str, set[str]] = {}

    def watched(compute, seen):
        def watch(frame, event, _):
            if event == "call" and frame.f_code.co_filename in modules:
                seen.add(modules[frame.f_code.co_filename])

        @functools.wraps(compute)
        def run(folder, step):
            threading.setprofile(watch)
            sys.setprofile(watch)
            try:
                return compute(folder, step)
            finally:
                sys.setprofile(None)
                threading.setprofile(None)

        return run

    original = Steps.run

    def run(self, name, inputs, compute, *, title=None):
        return original(self, name, inputs, watched(compute, ran.setdefault(name, set())), title=title)

    monkeypatch.setattr(Steps, "run", run)
    log = Log(stream=io.StringIO())
    assert build(workspace, BuildRequest(model=MODEL), log).record.gate.passed
    assert set(ran) == {"network", "reference", "hls", "compile", "csim", "estimate"}
    for step, seen in ran.items():
        root = tool_of(step).compute.__module__ if step in NAMES else f"hlsflow.building.steps.{step}"
        closure = Sources().closure(
            root,
            "hlsflow.foundation.steps",
            alone=("hlsflow.building.pipeline", "hlsflow.building.session"),
            ends=(registry.__name__, *WIRING),
        )
        assert root in seen
        # The log shows what is done.
        assert seen - closure.modules - {"hlsflow.foundation.log"} == set(), step
    monkeypatch.setattr(Steps, "run", original)

    # The second build does nothing; with a changed session it does not say so.
    assert build(workspace, BuildRequest(model=MODEL), log).unchanged
    root = workspace.root / "package"
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns("__pycache__"))
    edit(root / "building/session.py", "return self._live", "return self._live.reversed()")
    monkeypatch.setattr(work, "sources", lambda: Sources(root))
    assert not build(workspace, BuildRequest(model=MODEL), log).unchanged


def test_what_made_a_variant_is_part_of_its_plan_and_of_no_other(workspace):
    assert make_plan(workspace, BuildRequest(model=MODEL)).request is None
    path = workspace.hls_configs / f"{MODEL}.other.yaml"
    text = (workspace.hls_configs / f"{MODEL}.yaml").read_text()
    path.write_text(sealed(f"# Fitted to x by `hlsflow fit {MODEL} x --goal area`.\n{text}"))
    request = BuildRequest(model=MODEL, changes={"io_type": "io_stream", "part": None}, config_path=path)
    asked = make_plan(workspace, request).request
    assert asked.options == f"--config {MODEL}.other.yaml --io-type io_stream"
    assert asked.configured_by == f"hlsflow fit {MODEL} x --goal area"
    elsewhere = workspace.root.parent / "outside.yaml"
    elsewhere.write_text(text)
    outside = make_plan(workspace, BuildRequest(model=MODEL, config_path=elsewhere)).request
    assert outside.options == f"--config {elsewhere}" and outside.configured_by is None
