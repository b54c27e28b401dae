"""The main job from end to end on a model that needs no network, and everything that can stop it."""

from __future__ import annotations

import io
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from hlsflow.building.pipeline import build
from hlsflow.building.plan import BuildRequest, make_plan
from hlsflow.foundation.errors import ConfigError, HlsflowError, MismatchError, ModelError, ToolError, UsageError
from hlsflow.foundation.log import Log
from hlsflow.hls.project import read_project
from hlsflow.records.record import read_record

ROOT = Path(__file__).resolve().parents[2]


def quiet() -> Log:
    return Log(stream=io.StringIO())


@pytest.fixture(scope="module")
def built(digits6_build):
    """A workspace in which digits6 was built once; the tests that change it copy it."""
    from hlsflow.foundation.workspace import Workspace

    result = pickle.loads((digits6_build / "result").read_bytes())
    return Workspace(root=digits6_build / "workspace"), result, (digits6_build / "said").read_text()


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.slow
def test_a_build_is_exact_and_says_what_it_did(built):
    workspace, result, said = built
    record = result.record
    assert record.gate.passed and not result.unchanged
    assert [item.mismatching_values for item in record.agreement] == [0]
    assert record.agreement[0].values == 3590
    assert record.accuracy_keras == record.accuracy_csim and record.accuracy_keras > 0.93
    assert record.emulator.mismatching_values == 0
    assert 0 < record.softmax.max_abs_error <= record.softmax.bound
    assert record.size.sparsity > 0.7
    assert read_record(workspace.reports / "digits6" / "build.json") == record
    for step in ("model", "keras", "types", "hls", "compile", "csim", "gate"):
        assert f"  {step}" in said
    top = read_project(result.project).top
    assert re.fullmatch(r"hlsflow_[0-9a-f]{12}", top)
    for file in (f"firmware/{top}.cpp", "build_prj.tcl", "hls4ml_config.yml"):
        assert (result.project / file).is_file()
    assert str(result.project) in (result.project / "hls4ml_config.yml").read_text()


@pytest.mark.slow
def test_a_second_build_does_nothing_and_needs_no_tensorflow(built):
    workspace = built[0]
    before = {path: path.stat().st_mtime_ns for path in workspace.root.rglob("*") if path.is_file()}
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from hlsflow.__main__ import main\n"
        "code = main(['build', '--model', 'digits6', '--workspace', sys.argv[2]])\n"
        "print('loaded:', sorted({'tensorflow', 'keras', 'qkeras', 'hls4ml', 'numpy'} & set(sys.modules)))\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, ROOT / "flows", workspace.root], capture_output=True, text=True, check=True
    )
    assert "nothing changed since the last build" in done.stderr and "nothing to do" in done.stderr
    assert "loaded: []" in done.stdout or "loaded: ['numpy']" in done.stdout
    after = {path: path.stat().st_mtime_ns for path in workspace.root.rglob("*") if path.is_file()}
    assert {path: time for path, time in after.items() if path.name != ".lock"} == {
        path: time for path, time in before.items() if path.name != ".lock"
    }


@pytest.fixture
def mine(built, tmp_path):
    """A copy of the built workspace that a test may change."""
    from hlsflow.foundation.workspace import Workspace

    shutil.copytree(built[0].root, tmp_path / "w")
    return Workspace(root=tmp_path / "w")


@pytest.mark.slow
def test_a_narrowed_accumulator_is_caught_and_located(mine):
    config = mine.hls_configs / "digits6.yaml"
    text = config.read_text()
    block = text[text.index("  fc2:\n") :]
    accum = next(line for line in block.splitlines() if "accum:" in line)
    width, integer = (int(number) for number in accum.split("<")[1].split(">")[0].split(","))
    edit(
        config, block, block.replace(f"accum: fixed<{width},{integer}>", f"accum: fixed<{width - 4},{integer - 4}>", 1)
    )
    shipped = {path.name: path.read_bytes() for path in (mine.reports / "digits6").glob("*.*")}
    with pytest.raises(MismatchError) as caught:
        build(mine, BuildRequest(model="digits6"), quiet())
    message = str(caught.value)
    assert "digits6: the C simulation differs from Keras in" in message
    assert "first layer that differs: 'fc2'" in message
    assert "[accum-overflow]" in message and "--allow-mismatch" in message
    record = read_record(mine.reports / "digits6" / "build.json")
    first = record.agreement[0].first_difference
    assert not record.gate.passed and first.layer == "fc2" and first.error_lsb > 0
    # The emulator sees the same wrong integers: it is the converted project that it evaluates.
    assert record.emulator.mismatching_values == 0
    assert "estimate" not in record.stages
    # It is recorded, and goes on, when that is asked for: what a passing build would have run is run now.
    request = BuildRequest(model="digits6", allow_mismatch=True)
    allowed = build(mine, request, quiet())
    assert not allowed.record.gate.passed and not allowed.unchanged
    assert allowed.record.stages["estimate"].startswith("estimated") and allowed.record.figures
    record = read_record(mine.reports / "digits6" / "build.json")
    assert record == allowed.record and not record.passed
    assert build(mine, request, quiet()).unchanged
    # And the failure is remembered.
    with pytest.raises(MismatchError):
        build(mine, BuildRequest(model="digits6"), quiet())
    # The record of the design that passed is not lost, and comes back with it.
    (aside,) = (mine.reports / "digits6" / "designs").iterdir()
    assert aside.read_bytes() == shipped["build.json"]
    config.write_text(text)
    build(mine, BuildRequest(model="digits6"), quiet())
    assert {path.name: path.read_bytes() for path in (mine.reports / "digits6").glob("*.*")} == shipped


@pytest.mark.slow
def test_only_what_depends_on_a_change_is_done_again(mine):
    edit(mine.hls_configs / "digits6.yaml", "clock_period_ns: 10", "clock_period_ns: 5")
    log = quiet()
    result = build(mine, BuildRequest(model="digits6"), log)
    lines = {line.split()[0]: line for line in log.stream.getvalue().splitlines() if line.startswith("  ")}
    assert "cached" in lines["model"] and "cached" in lines["keras"]
    assert "cached" not in lines["hls"]
    assert result.record.configuration.clock_period_ns == 5


@pytest.mark.slow
def test_other_backends_and_io_types_are_variants_of_their_own(mine):
    request = BuildRequest(model="digits6", changes={"backend": "Vivado", "io_type": "io_stream"})
    result = build(mine, request, quiet())
    assert result.record.name == "digits6@Vivado-io_stream"
    assert result.record.gate.passed
    assert (mine.reports / "digits6@Vivado-io_stream" / "report.md").is_file()
    assert read_record(mine.reports / "digits6" / "build.json").configuration.backend == "Vitis"


@pytest.mark.slow
@pytest.mark.parametrize("step", ["hls", "compile", "csim"])
def test_a_killed_build_resumes(mine, step):
    """SIGKILL as soon as a step begins; the next build makes it whole."""
    shutil.rmtree(mine.build / "digits6" / step)
    edit(mine.hls_configs / "digits6.yaml", "clock_period_ns: 10", "clock_period_ns: 7")
    process = subprocess.Popen(
        [sys.executable, ROOT / "flows" / "build.py", "--model", "digits6", "--workspace", mine.root],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    folder = mine.build / "digits6"
    while time.monotonic() < deadline and process.poll() is None:
        if any(folder.glob(f".{step}.*.partial")):
            break
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    result = build(mine, BuildRequest(model="digits6"), quiet())
    assert result.record.gate.passed and result.record.configuration.clock_period_ns == 7
    assert not list(folder.glob(".*.partial"))


@pytest.mark.slow
def test_ctrl_c_keeps_finished_steps_and_leaves_nothing_half_written(workspace):
    process = subprocess.Popen(
        [sys.executable, ROOT / "flows" / "build.py", "--model", "digits6", "--workspace", workspace.root],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    folder = workspace.build / "digits6"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not any(folder.glob(".compile.*.partial/csim.cpp")):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted: finished steps are kept" in said and "Traceback" not in said
    assert sorted(path.name for path in folder.iterdir() if path.name != ".lock") == ["hls", "network", "reference"]


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda w: (w.models / "digits6" / "weights.npz").unlink(), ModelError, "no weights at"),
        (
            lambda w: (w.models / "digits6" / "weights.npz").write_bytes(b"PK\x03\x04"),
            ModelError,
            "cannot read the weights",
        ),
        (
            lambda w: shutil.copy(w.models / "qap8" / "weights.npz", w.models / "digits6" / "weights.npz"),
            ModelError,
            "the architecture expects",
        ),
        (lambda w: (w.hls_configs / "digits6.yaml").unlink(), ConfigError, "hlsflow config digits6"),
        (
            lambda w: (w.hls_configs / "digits6.yaml").write_text("backend: [Vitis\n"),
            ConfigError,
            "digits6.yaml: line ",
        ),
        (
            lambda w: edit(w.hls_configs / "digits6.yaml", "  relu1:\n", "  relu_1:\n"),
            ConfigError,
            "layers.relu_1: the model has no layer 'relu_1'; did you mean 'relu1'?",
        ),
        (lambda w: edit(w.models / "digits6" / "recipe.yaml", "units:", "unit:"), ConfigError, "did you mean 'units'?"),
    ],
    ids=[
        "no weights",
        "corrupt weights",
        "other weights",
        "no configuration",
        "yaml syntax",
        "misspelt layer",
        "recipe",
    ],
)
def test_bad_input_is_one_clear_error(workspace, change, error, words):
    change(workspace)
    with pytest.raises(error) as caught:
        build(workspace, BuildRequest(model="digits6"), quiet())
    assert words in str(caught.value)
    assert not (workspace.reports / "digits6").exists()


def test_an_unknown_model_is_suggested(workspace):
    with pytest.raises(UsageError, match="did you mean 'digits6'"):
        make_plan(workspace, BuildRequest(model="digit6"))


def test_samples_below_one_are_refused(workspace):
    with pytest.raises(UsageError, match="--samples 0"):
        make_plan(workspace, BuildRequest(model="digits6", samples=0))


def test_a_compiler_that_fails_is_quoted(workspace, monkeypatch, tmp_path):
    compiler = tmp_path / "stand-in-g++"
    compiler.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "stand-in 1.0" && exit 0\necho "disk quota"; exit 1\n')
    compiler.chmod(0o755)
    monkeypatch.setenv("CXX", str(compiler))
    with pytest.raises(ToolError) as caught:
        build(workspace, BuildRequest(model="digits6"), quiet())
    assert "compiling the C simulation: exit code 1" in str(caught.value) and "disk quota" in str(caught.value)
    assert not (workspace.reports / "digits6").exists()


def test_an_unreadable_dataset_is_named(workspace, tmp_path):
    (tmp_path / "mnist.npz").write_bytes(b"not an archive")
    with pytest.raises(HlsflowError) as caught:
        build(workspace, BuildRequest(model="qap8", data_dir=tmp_path), quiet())
    assert str(tmp_path / "mnist.npz") in str(caught.value)


@pytest.mark.slow
def test_without_mnist_the_digits_stand_in_and_that_is_said(workspace, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("HLSFLOW_DATA", raising=False)
    # No network: whatever the machine has, this test does not use it.
    monkeypatch.setattr("hlsflow.datasets.verification_samples.load_dataset", _no_network)
    log = quiet()
    record = build(workspace, BuildRequest(model="qap8"), log).record
    assert record.samples.substitute and record.samples.dataset == "digits"
    assert "resampled to 28x28 in MNIST's framing" in record.samples.source
    assert "warning: verifying on scikit-learn's handwritten digits" in log.stream.getvalue()
    assert record.gate.passed and record.agreement[0].mismatching_values == 0
    assert record.trained.dataset == "mnist" and record.trained.source == "models/qap8/training.json"


def _no_network(name, data_dir=None, **options):
    from hlsflow.datasets.dataset import MissingDataError

    raise MissingDataError(f"{name} is nowhere")


@pytest.mark.slow
@pytest.mark.parametrize("model", ["qat8", "qap8"])
def test_real_mnist_is_exact_in_every_backend_and_io_type(model, workspace, mnist_dir):
    """All 10,000 test images where a build simulates them; the other three share its C++ but for the loops."""
    for samples, changes in (
        (10_000, {}),
        (2_000, {"io_type": "io_stream"}),
        (2_000, {"backend": "Vivado"}),
        (2_000, {"backend": "Vivado", "io_type": "io_stream"}),
    ):
        request = BuildRequest(model=model, changes=changes, data_dir=mnist_dir, samples=samples)
        record = build(workspace, request, quiet()).record
        assert [(item.mismatching_values, item.values) for item in record.agreement] == [(0, 10 * samples)]
        assert record.emulator.mismatching_values == 0 and record.emulator.values == 20 * samples


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["latency", "resource"])
def test_strategies_are_exact(mine, strategy):
    config = mine.hls_configs / "digits6.yaml"
    text = config.read_text()
    text = text.replace("strategy: latency", f"strategy: {strategy}").replace("reuse_factor: 1", "reuse_factor: 2")
    config.write_text(text)
    assert build(mine, BuildRequest(model="digits6"), quiet()).record.gate.passed


@pytest.mark.slow
def test_an_argmax_instead_of_the_softmax_is_built(mine):
    edit(mine.hls_configs / "digits6.yaml", "implementation: stable", "implementation: argmax")
    record = build(mine, BuildRequest(model="digits6"), quiet()).record
    assert record.gate.passed
    assert record.softmax.implementation == "argmax"
    # One-hot: it is the largest logit's place.
    assert record.softmax.argmax_agreement == 1.0


@pytest.mark.slow
def test_zeros_survive_quantization_and_conversion(built):
    workspace, result, _ = built
    with np.load(workspace.models / "digits6" / "weights.npz") as weights:
        trained = {key.split("/")[0]: int(np.count_nonzero(weights[key] == 0)) for key in weights if "kernel" in key}
    from hlsflow.hls.project import read_project

    project = read_project(result.project)
    for name, zeros in trained.items():
        call = project.calls_of(name)[0]
        assert int(np.count_nonzero(project.weights(call.arguments[2]) == 0)) >= zeros > 0
