"""What the tests of the vendor flow share: stand-ins installed like AMD's tools, and a workspace built once."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hlsflow.building.pipeline import build
from hlsflow.building.plan import BuildRequest
from hlsflow.foundation.log import Log
from hlsflow.foundation.workspace import Workspace
from hlsflow.hls.project import read_project
from hlsflow.processes.tree import PROC
from hlsflow.records.evidence_files import OWN_FILE, own_record_path

ROOT = Path(__file__).resolve().parents[1]
STAND_IN = Path(__file__).parent / "stand_ins" / "stand_in.py"
# No real tool has it: whatever figure carries it is a stand-in's.
STAND_IN_VERSION = "2099.1"
MODEL = "digits6"


def quiet() -> Log:
    return Log(stream=io.StringIO())


def install(root: Path, product: str, version: str, *names: str) -> Path:
    """Puts stand-ins where AMD's installer puts the tools; gives back their bin folder."""
    folder = root / product / version / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        path = folder / name
        path.write_text(f'#!/bin/sh\n# A STAND-IN for {name}\nexec "{sys.executable}" -I -S "{STAND_IN}" {name} "$@"\n')
        path.chmod(0o755)
    return folder


@pytest.fixture
def installs(tmp_path, monkeypatch):
    """An install folder with stand-ins for Vitis and Vivado, and nothing else that could be found."""
    root = tmp_path / "Xilinx"
    install(root, "Vitis", STAND_IN_VERSION, "vitis-run", "v++", "vitis_hls")
    install(root, "Vivado", STAND_IN_VERSION, "vivado")
    monkeypatch.setenv("HLSFLOW_XILINX", str(root))
    for name in ("XILINX_VITIS", "XILINX_HLS", "XILINX_VIVADO", "HLSFLOW_SETTINGS", "STAND_IN_FAULTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STAND_IN_CALLS", str(tmp_path / "calls.txt"))
    return root


@pytest.fixture(scope="session")
def built_once(digits6_build, tmp_path_factory):
    """A throw-away workspace in which a small model is built; never the repository's own."""
    root = tmp_path_factory.mktemp("vendor")
    there = digits6_build / "workspace"
    for folder in (f"models/{MODEL}", f"build/{MODEL}", f"reports/{MODEL}"):
        shutil.copytree(there / folder, root / folder)
    (root / "hls_configs").mkdir()
    shutil.copy(there / "hls_configs" / f"{MODEL}.yaml", root / "hls_configs")
    workspace = Workspace(root=root)
    # The project holds its own path: it is written again, and the rest is as it was.
    build(workspace, BuildRequest(model=MODEL), quiet())
    # A record is never made poorer: what a test adds to it is taken back by hand.
    shutil.copytree(workspace.reports / MODEL, root / "untouched")
    shutil.copy(own_record_path(workspace.build / MODEL), root / "untouched" / OWN_FILE)
    return workspace


@pytest.fixture
def built(built_once):
    """The same, without any trace of an earlier synthesis."""
    clear(built_once)
    return built_once


def clear(workspace: Workspace) -> None:
    """Removes what the vendor stages left."""
    folder = workspace.build / MODEL
    for path in [*folder.glob("synthesis-*"), *folder.glob("vitis"), *folder.glob("vivado"), workspace.build / "queue"]:
        subprocess.run(["chmod", "-R", "u+w", str(path)], check=False, capture_output=True)
        shutil.rmtree(path, ignore_errors=True)
    shutil.rmtree(workspace.reports / MODEL, ignore_errors=True)
    shutil.copytree(workspace.root / "untouched", workspace.reports / MODEL)
    shutil.move(workspace.reports / MODEL / OWN_FILE, own_record_path(folder))


def top_of(workspace: Workspace) -> str:
    """The top function of the built project, which carries the design's digest."""
    return read_project(workspace.build / MODEL / "hls").top


def request(*stages: str, tool: str = "vitis", **options) -> BuildRequest:
    """A build with a synthesis of these stages."""
    return BuildRequest(
        model=MODEL, synth=tool, synth_options={"tool": tool, "stages": list(stages or ("csynth",)), **options}
    )


def calls(tmp_path: Path) -> list[str]:
    """Which stages the stand-ins were asked for, in order."""
    path = tmp_path / "calls.txt"
    return [line.split()[1] for line in path.read_text().splitlines()] if path.exists() else []


def hlsflow(workspace: Workspace, *words: str, **more) -> subprocess.Popen:
    """The command line as a process of its own, in a process group of its own."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "flows"), **more.pop("env", {})}
    return subprocess.Popen(
        [sys.executable, "-m", "hlsflow", *words, "--workspace", str(workspace.root)],
        env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, **more,
    )  # fmt: skip


def tools_alive(root: Path) -> list[str]:
    """The command lines of stand-ins and their helpers that still run: those started below `root`."""
    found = []
    for name in os.listdir(PROC):
        if name.isdigit():
            try:
                words = (PROC / name / "cmdline").read_bytes().split(b"\0")
                where = os.readlink(PROC / name / "cwd")
            except OSError:
                continue
            if where.startswith(str(root)) and words[0] and int(name) != os.getpid():
                found.append(" ".join(word.decode() for word in words)[:120])
    return found


def wait_until(condition, timeout_s: float = 30.0, seen=lambda: "nothing more is known") -> None:
    """Waits for a condition. Fails where it does not come, with what is `seen` then."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"it never happened: {seen()}"
        time.sleep(0.02)


def run_there(folder, installs, *words, faults="", path=None):
    """run.sh as the other machine runs it: a bare shell, AMD's tools, and no variable of ours."""
    bins = f"{installs}/Vitis/{STAND_IN_VERSION}/bin:{installs}/Vivado/{STAND_IN_VERSION}/bin:/usr/bin:/bin"
    return subprocess.run(
        ["sh", "run.sh", *words],
        cwd=folder, env={"PATH": path or bins, "HOME": str(folder), "STAND_IN_FAULTS": faults,
                         "STAND_IN_CALLS": os.environ["STAND_IN_CALLS"]},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
