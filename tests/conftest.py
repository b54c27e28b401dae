"""What the tests share: throw-away workspaces, what is made once in a run, a quick compiler."""

from __future__ import annotations

import io
import os
import pickle
import shutil
import signal
from pathlib import Path

import hypothesis
import pytest
from csim_programs import Programs
from shared_run import SharedRun

ROOT = Path(__file__).resolve().parents[1]

pytest_plugins = ["selection", "tool_fixtures", "fuzzing"]

# How long a draw or an example takes tells of the machine's load, not of the code.
hypothesis.settings.register_profile(
    "loaded machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("loaded machine")

# A shell without job control starts what runs in the background with Ctrl-C ignored, nohup with a hangup ignored, and
# so would every program be that a test starts and interrupts. A handler of Python's is not inherited: they have the
# default.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)


@pytest.fixture
def workspace(tmp_path):
    """A workspace of its own with the shipped models and configurations, and no reports."""
    from hlsflow.foundation.workspace import Workspace

    for folder in ("models", "hls_configs"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return Workspace(root=tmp_path)


@pytest.fixture(scope="session")
def converted(shared_run):
    """A workspace in which `qap8` and `digits6` are converted, neither compiled nor built; not to be written to."""
    from hlsflow.foundation.workspace import Workspace

    return Workspace(root=shared_run.once("converted", _convert_shipped))


def _convert_shipped(root: Path) -> None:
    from hlsflow.building.plan import BuildRequest, make_plan
    from hlsflow.building.session import Session
    from hlsflow.building.steps.network import load_network_step
    from hlsflow.foundation.log import Log
    from hlsflow.foundation.steps import Steps
    from hlsflow.foundation.workspace import Workspace
    from hlsflow.hls.convert import convert
    from hlsflow.hls.lint import lint

    for folder in ("models", "hls_configs"):
        shutil.copytree(ROOT / folder, root / folder)
    workspace = Workspace(root=root)
    for name in ("qap8", "digits6"):
        plan = make_plan(workspace, BuildRequest(model=name))
        steps = Steps(folder=workspace.build / name, log=Log(stream=io.StringIO()))
        network = load_network_step(plan, steps, Session(plan.model))
        hls = workspace.build / name / "hls"
        hls.mkdir()
        convert(network, lint(network, plan.config).layers, plan.config, hls)


@pytest.fixture(scope="session")
def compiler():
    """The C++ compiler."""
    from hlsflow.hls.csim import find_compiler

    return find_compiler()


_HEADERS = (
    "activation activation_stream batchnorm batchnorm_stream conv1d conv1d_stream conv2d conv2d_stream dense "
    "dense_stream helpers image image_stream merge merge_stream padding padding_stream pooling pooling_stream "
    "sepconv1d_stream sepconv2d_stream stream transpose transpose_stream types"
).split()


@pytest.fixture(scope="session")
def shared_run(tmp_path_factory) -> SharedRun:
    """What all processes of this test run make once."""
    base = tmp_path_factory.getbasetemp()
    return SharedRun(root=(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared")


@pytest.fixture(scope="session")
def digits6_build(shared_run) -> Path:
    """A folder with `workspace`, in which digits6 was built once in this run, `said` and the pickled `result`.

    It is for tests that only read it; the others take a copy.
    """

    def make(folder: Path) -> None:
        from hlsflow.building.pipeline import build
        from hlsflow.building.plan import BuildRequest
        from hlsflow.foundation.log import Log
        from hlsflow.foundation.workspace import Workspace

        root = folder / "workspace"
        for name in ("models", "hls_configs"):
            shutil.copytree(ROOT / name, root / name)
        log = Log(stream=io.StringIO())
        result = build(Workspace(root=root), BuildRequest(model="digits6"), log)
        (folder / "said").write_text(log.stream.getvalue())
        (folder / "result").write_bytes(pickle.dumps(result))

    return shared_run.once("digits6", make)


@pytest.fixture(scope="session")
def programs(compiler, shared_run) -> Programs:
    """Compiles the C simulations of all cases of a test together, at -O0: for many small networks."""
    return Programs(shared=shared_run, compiler=compiler)


@pytest.fixture(scope="session")
def quick_compile(compiler, shared_run):
    """Compiles a C simulation at -O0 with hls4ml's headers compiled once a run for each backend."""
    import subprocess

    from hlsflow.hls.csim import compile_csim

    flags = ("-std=c++14", "-O0", "-w", "-pthread")

    def compile_(project, folder: Path, backend: str) -> Path:
        def compile_headers(home: Path) -> None:
            lines = ["ap_fixed.h", "ap_int.h", *(f"nnet_utils/nnet_{name}.h" for name in _HEADERS)]
            prefix = home / "prefix.h"
            prefix.write_text(
                "".join(f'#include "{line}"\n' for line in [*lines]) + "#include <map>\n#include <vector>\n"
            )
            firmware = project.root / "firmware"
            include = [f"-I{firmware}", f"-I{firmware}/ap_types"]
            command = [compiler.path, *flags, *include, "-x", "c++-header", prefix, "-o", f"{prefix}.gch"]
            subprocess.run(command, check=True, capture_output=True)

        prefix = shared_run.once(f"headers-{backend}", compile_headers) / "prefix.h"
        return compile_csim(project, folder, compiler, flags=(*flags, "-include", str(prefix)))

    return compile_
