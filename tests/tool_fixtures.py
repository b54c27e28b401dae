"""What a test may need that a bare machine lacks: one fixture each, that skips with the command that installs it.

The reasons read `what | remedy`; the run's last lines gather them (`selection.py`).
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"
DATA_DIR = Path(os.environ.get("HLSFLOW_DATA") or SHARED / "data")
REPORTS_DIR = Path(os.environ.get("HLSFLOW_REPORTS") or SHARED / "reports")
MODELS_DIR = Path(os.environ.get("HLSFLOW_MODELS") or SHARED / "models")
CHROMIUM = Path("/usr/bin/chromium")


def needed(found, what: str, remedy: str):
    """`found` itself; the test is skipped where that is nothing."""
    if not found:
        pytest.skip(f"need {what} | {remedy}")
    return found


@pytest.fixture(scope="session")
def verilator():
    from hlsflow.opentools.tools import find_verilator

    return needed(find_verilator(), "Verilator", "apt-get install verilator make")


@pytest.fixture(scope="session")
def icarus():
    return needed(shutil.which("iverilog"), "Icarus Verilog", "apt-get install iverilog")


@pytest.fixture(scope="session")
def yosys():
    from hlsflow.opentools.tools import find_yosys

    return needed(find_yosys(), "Yosys", "uv sync --extra open")


@pytest.fixture(scope="session")
def da4ml():
    from hlsflow.opentools.tools import find_da4ml

    return needed(find_da4ml(), "da4ml", "uv sync --extra open")


@pytest.fixture(scope="session")
def pyserial():
    from importlib.util import find_spec

    return needed(find_spec("serial"), "pyserial", "uv sync --extra board")


@pytest.fixture(scope="session")
def route_to_icebreaker(verilator, yosys):
    """The tools from RTL to an iCE40's bitstream."""
    from hlsflow.opentools.tools import find_packer, find_router

    found = find_router("ice40") and find_packer("ice40")
    return needed(found, "nextpnr-ice40 and icepack", "uv sync --extra open --extra board")


@pytest.fixture(scope="session")
def chromium():
    """The browser's path. It must be found before Playwright is asked to start it."""
    return needed(CHROMIUM if CHROMIUM.exists() else None, "Chromium", "apt-get install chromium")


@pytest.fixture(scope="session")
def mnist_dir() -> Path:
    """The folder with the real mnist.npz, from HLSFLOW_DATA or beside the checkout."""
    return dataset_folder("mnist")


def dataset_folder(name: str) -> Path:
    """The folder with a data set's real file."""
    found = DATA_DIR if (DATA_DIR / f"{name}.npz").is_file() else None
    return needed(found, f"the real {name}.npz", "HLSFLOW_DATA=FOLDER")


@pytest.fixture(scope="session")
def collected_reports() -> Path:
    """The folder of reports that Vivado and Vitis wrote for other people's designs, which are not ours to ship."""
    found = REPORTS_DIR if (REPORTS_DIR / "INDEX.csv").is_file() else None
    return needed(found, "the collected vendor reports", "HLSFLOW_REPORTS=FOLDER")


@pytest.fixture(scope="session")
def collected_models() -> Path:
    """The folder of Keras models that people published, which are not ours to ship."""
    found = MODELS_DIR if (MODELS_DIR / "INDEX.csv").is_file() else None
    return needed(found, "the collected model files", "HLSFLOW_MODELS=FOLDER")


needs_verilator = pytest.mark.usefixtures("verilator")
needs_icarus = pytest.mark.usefixtures("icarus")
needs_yosys = pytest.mark.usefixtures("yosys")
needs_pyserial = pytest.mark.usefixtures("pyserial")
needs_da4ml = pytest.mark.usefixtures("da4ml")
