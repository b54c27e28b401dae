"""What the tests share: where real data is, throw-away workspaces, small networks, a quick compiler."""

from __future__ import annotations

import io
import os
import pickle
import shutil
import signal
from pathlib import Path

import pytest
from csim_programs import Programs
from shared_run import SharedRun

ROOT = Path(__file__).resolve().parents[1]
DATA_DIR = Path(os.environ.get("HLSFLOW_DATA") or ROOT.parent / "shared" / "data")


# A shell without job control starts what runs in the background with Ctrl-C ignored, and so would every program be
# that a test starts and interrupts. A handler of Python's is not inherited: they have the default.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Kills, hangs and deadlines: they need a machine to themselves, and so a run of their own.
FAULT_TESTS = ("test_faults.py", "test_queue.py")


def pytest_addoption(parser):
    parser.addoption("--faults", action="store_true", help="run the fault injection tests, and nothing beside them")


def pytest_ignore_collect(collection_path, config):
    if collection_path.suffix == ".py" and collection_path.name.startswith("test_"):
        return (collection_path.name in FAULT_TESTS) != config.getoption("--faults") or None
    return None


@pytest.fixture(scope="session")
def mnist_dir() -> Path:
    """The folder with the real mnist.npz, from HLSFLOW_DATA or beside the checkout."""
    if not (DATA_DIR / "mnist.npz").is_file():
        pytest.skip(f"needs mnist.npz in HLSFLOW_DATA or {DATA_DIR}")
    return DATA_DIR


@pytest.fixture
def workspace(tmp_path):
    """A workspace of its own with the shipped models and configurations, and no reports."""
    from hlsflow.foundation.workspace import Workspace

    for folder in ("models", "hls_configs"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return Workspace(root=tmp_path)


@pytest.fixture(scope="session")
def compiler():
    """The C++ compiler."""
    from hlsflow.hls.csim import find_compiler

    return find_compiler()


_HEADERS = (
    "activation activation_stream batchnorm batchnorm_stream conv1d conv1d_stream conv2d conv2d_stream dense "
    "dense_stream helpers image image_stream merge merge_stream padding padding_stream pooling pooling_stream "
    "sepconv1d_stream sepconv2d sepconv2d_stream stream transpose transpose_stream types"
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
