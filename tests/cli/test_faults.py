"""Faults injected into syntheses: the next run finishes correctly, no result is lost or invented, no process is left.

Every fault is a real one where that can be had: real processes and signals, stand-ins for AMD's tools. Where the
machine cannot be brought to it (a full disk, a kill between two system calls), the call itself fails or kills.
`pytest --faults -s` prints the table.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from vendor_fixtures import (
    MODEL,
    STAND_IN_VERSION,
    built,
    built_once,
    calls,
    clear,
    hlsflow,
    install,
    installs,
    quiet,
    request,
    tools_alive,
    top_of,
    wait_until,
)

from hlsflow.building.pipeline import build
from hlsflow.building.plan import BuildRequest
from hlsflow.foundation.errors import HlsflowError
from hlsflow.foundation.workspace import Workspace
from hlsflow.packing.import_results import import_results
from hlsflow.processes import guard
from hlsflow.records.record import read_record
from hlsflow.vendor.run import LEASE_FILE, read_lease

__all__ = ["built", "built_once", "installs"]

STAGES = ("csynth", "cosim", "vsynth")
TABLE: list[tuple[str, str, str]] = []


@dataclass
class Scene:
    """Where a fault happens. `faults` tells the stand-ins how to fail, until the next run."""

    workspace: Workspace
    installs: Path
    tmp: Path
    monkeypatch: pytest.MonkeyPatch

    def faults(self, text: str) -> None:
        self.monkeypatch.setenv("STAND_IN_FAULTS", text)

    def build(self, *stages: str, **options):
        return build(self.workspace, request(*(stages or STAGES), **options), quiet()).record

    def fails(self, **options) -> str:
        """A build that must fail; its message's first line."""
        with pytest.raises(HlsflowError) as caught:
            self.build(**options)
        return str(caught.value).splitlines()[0]

    def start(self) -> subprocess.Popen:
        return hlsflow(self.workspace, "build", "--model", MODEL, "--synth", "vitis", "--stages", ",".join(STAGES))

    def start_until(self, stage: str) -> subprocess.Popen:
        """A build in a process of its own, that hangs in a stage."""
        self.faults(f"{stage}=hang")
        process = self.start()
        wait_until(lambda: calls(self.tmp)[-1:] == [stage] and len(tools_alive(self.workspace.root)) >= 3)
        return process

    def lease(self) -> tuple[int, int, str]:
        (path,) = self.folder.glob(f"runs/*/{LEASE_FILE}")
        return read_lease(path)

    @property
    def folder(self) -> Path:
        (found,) = (self.workspace.build / MODEL).glob("synthesis-vitis/*-2099.1")
        return found

    @property
    def solution(self) -> Path:
        return self.folder / "project" / f"{top_of(self.workspace)}_prj" / "solution1"

    def dies_at(self, function: str, ending: str, work: Callable[[], object] | None = None) -> str:
        """Runs in a child that kills itself where `os.<function>` is about to touch a path of that ending."""
        child = os.fork()
        if child == 0:
            real = getattr(os, function)

            def deadly(source, target, *more, **named):
                if str(target).endswith(ending):
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(source, target, *more, **named)

            setattr(os, function, deadly)
            try:
                (work or self.build)()
            finally:
                os._exit(99)
        status = os.waitpid(child, 0)[1]
        assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, status
        return "killed there"


Fault = Callable[[Scene], str]
FAULTS: dict[str, tuple[Fault, tuple[str, ...]]] = {}


def fault(name: str, done: tuple[str, ...] = ()) -> Callable[[Fault], Fault]:
    """Registers a fault; `done` are the stages that are through by then, and must not be run again."""

    def add(function: Fault) -> Fault:
        FAULTS[name] = function, done
        return function

    return add


def killed(process: subprocess.Popen, number: int) -> str:
    process.send_signal(number)
    process.communicate(timeout=30)
    return f"exit code {process.returncode}"


for _stage, _done in (("csynth", ()), ("cosim", ("csynth",)), ("vsynth", ("csynth", "cosim"))):

    @fault(f"kill -9 of hlsflow during {_stage}", _done)
    def _kill(scene: Scene, stage=_stage) -> str:
        return killed(scene.start_until(stage), signal.SIGKILL)


for _number, _word in (
    (signal.SIGINT, "Ctrl-C"),
    (signal.SIGTERM, "SIGTERM"),
    (signal.SIGHUP, "the terminal is closed"),
):

    @fault(f"{_word} during cosim", ("csynth",))
    def _signal(scene: Scene, number=_number) -> str:
        return killed(scene.start_until("cosim"), number)


@fault("kill -9 of the guard of the tool", ("csynth",))
def _guard(scene: Scene) -> str:
    process = scene.start_until("cosim")
    os.kill(scene.lease()[0], signal.SIGKILL)
    process.communicate(timeout=30)
    return f"exit code {process.returncode}"


@fault("kill -9 of hlsflow and of the guard at once", ("csynth",))
def _both(scene: Scene) -> str:
    process = scene.start_until("cosim")
    process.send_signal(signal.SIGSTOP)
    os.kill(scene.lease()[0], signal.SIGKILL)
    process.kill()
    process.communicate(timeout=30)
    # Nobody is left to end the tool: the next run does, before it starts.
    return "tool ended by the next run"


@fault("the tool is killed from outside (kill -9)", ("csynth",))
def _tool_killed(scene: Scene) -> str:
    scene.faults("cosim=killed")
    return scene.fails()


@fault("the tool is stopped (SIGSTOP) and never goes on")
def _stopped(scene: Scene) -> str:
    scene.faults("csynth=hang")
    process = hlsflow(
        scene.workspace, "build", "--model", MODEL, "--synth", "vitis", "--stages", "csynth",
        "--synth-timeout-min", "0.03",
    )  # fmt: skip
    wait_until(lambda: len(tools_alive(scene.workspace.root)) >= 3)
    subprocess.run(["pkill", "-STOP", "-s", str(scene.lease()[0]), "-f", "stand_in.py"], check=True)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 7
    return next(line for line in err.splitlines() if line.startswith("error:"))


@fault("a tool that hangs", ("csynth",))
def _hung(scene: Scene) -> str:
    scene.faults("cosim=hang")
    return scene.fails(timeout_s=1.0)


@fault("a tool that hangs and ignores SIGTERM")
def _stubborn(scene: Scene) -> str:
    scene.faults("csynth=stubborn")
    return scene.fails(timeout_s=0.8)


@fault("more memory than allowed")
def _greedy(scene: Scene) -> str:
    scene.faults("csynth=greedy")
    return scene.fails(memory_bytes=200 << 20)


for _name, _text, _done in (
    ("truncated report of csynth", "csynth=truncated", ()),
    ("truncated report of cosim", "cosim=truncated", ("csynth",)),
    ("truncated report of vsynth", "vsynth=truncated", ("csynth", "cosim")),
    ("outputs of the RTL cut off", "cosim=cut-off", ("csynth",)),
    ("outputs of the RTL wrong", "cosim=wrong", ("csynth",)),
    ("report of another part", "csynth=other-part", ()),
    ("success without a result (exit code 0)", "csynth=silent", ()),
    ("no report at all", "vsynth=no-report", ("csynth", "cosim")),
    ("disk full inside the tool", "cosim=disk", ("csynth",)),
    ("licence lost between two stages", "vsynth=licence", ("csynth", "cosim")),
):

    @fault(_name, _done)
    def _failure(scene: Scene, text=_text) -> str:
        scene.faults(text)
        return scene.fails()


@fault("a stale report lies there, and the tool fails")
def _stale(scene: Scene) -> str:
    scene.build("csynth")
    (scene.folder / "results" / "csynth.json").unlink()
    shutil.rmtree(scene.workspace.build / MODEL / "vitis")
    (scene.tmp / "calls.txt").unlink()
    scene.faults("csynth=no-report")
    return scene.fails()


@fault("disk full when a result is kept")
def _disk_full(scene: Scene) -> str:
    real = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        if ".csynth.json." in path.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, data)

    scene.monkeypatch.setattr(Path, "write_bytes", full)
    said = scene.fails()
    scene.monkeypatch.setattr(Path, "write_bytes", real)
    assert "the disk is full" in said
    return said


@fault("read-only folder")
def _read_only(scene: Scene) -> str:
    real = Path.mkdir

    def refused(path: Path, *more, **named) -> None:
        if "synthesis-vitis" in str(path):
            raise OSError(errno.EROFS, "Read-only file system")
        real(path, *more, **named)

    scene.monkeypatch.setattr(Path, "mkdir", refused)
    said = scene.fails()
    scene.monkeypatch.setattr(Path, "mkdir", real)
    return said


for _name, _function, _ending, _done in (
    ("kill while the result of a stage is put in place", "replace", "csynth.json", ()),
    ("kill while the step is put in place", "rename", f"{MODEL}/vitis", STAGES),
):

    @fault(_name, _done)
    def _torn(scene: Scene, function=_function, ending=_ending) -> str:
        return scene.dies_at(function, ending)


@fault("kill while the record is written", STAGES)
def _torn_record(scene: Scene) -> str:
    scene.build()
    record = scene.workspace.reports / MODEL / "build.json"
    record.unlink()
    return scene.dies_at("replace", "build.json")


@fault("two builds of the same model at once", STAGES)
def _two(scene: Scene) -> str:
    scene.faults("csynth=slow")
    both = [scene.start(), scene.start()]
    for process in both:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    assert calls(scene.tmp) == list(STAGES)
    return "both end well, each stage was run once"


@fault("the tool's project was moved away", ())
def _moved(scene: Scene) -> str:
    scene.build("csynth")
    shutil.move(scene.solution, scene.tmp / "elsewhere")
    (scene.tmp / "calls.txt").unlink()
    return "its RTL is made again"


@fault("the whole workspace was moved", STAGES)
def _moved_all(scene: Scene) -> str:
    scene.build()
    there = Workspace(root=scene.tmp / "moved")
    shutil.copytree(scene.workspace.root, there.root)
    record = build(there, request(*STAGES), quiet()).record
    assert calls(scene.tmp) == list(STAGES) and record.stages["vitis"].startswith("done: csynth, cosim, vsynth")
    return "the same results serve there"


@fault("the clock jumped back between two stages", ("csynth",))
def _clock(scene: Scene) -> str:
    scene.build("csynth")
    later = time.time() + 10 * 365 * 86400
    for path in scene.folder.rglob("*"):
        os.utime(path, (later, later))
    return "files of the future are no matter"


@fault("a kept result is damaged", ())
def _damaged_result(scene: Scene) -> str:
    scene.build()
    for path in [*scene.folder.glob("results/*.json"), *scene.workspace.build.glob(f"{MODEL}/vitis/figures.json")]:
        path.write_text(path.read_text()[:100])
    (scene.tmp / "calls.txt").unlink()
    return "it is made again"


@fault("the figures of the step are damaged", STAGES)
def _damaged_step(scene: Scene) -> str:
    scene.build()
    path = scene.workspace.build / MODEL / "vitis" / "figures.json"
    path.write_text(path.read_text()[:200])
    return "taken from the kept results"


@fault("the record is damaged", STAGES)
def _damaged_record(scene: Scene) -> str:
    scene.build()
    path = scene.workspace.reports / MODEL / "build.json"
    path.write_text(path.read_text()[:200])
    return "written again"


@fault("the copy that the tool sees is damaged", ("csynth",))
def _damaged_copy(scene: Scene) -> str:
    scene.build("csynth")
    (scene.folder / "project" / "firmware" / "parameters.h").write_text("")
    (scene.folder / "project" / "vivado_synth.tcl").unlink()
    return "mended from the project"


@fault("a lease names a process that came later")
def _lease(scene: Scene) -> str:
    scene.faults("csynth=licence")
    said = scene.fails()
    bystander = subprocess.Popen(["sleep", "60"], start_new_session=True)
    lease = scene.folder / "runs" / "csynth-001" / LEASE_FILE
    lease.write_text(json.dumps({"pid": bystander.pid, "started": 1, "boot": guard.boot()}))
    scene.monkeypatch.delenv("STAND_IN_FAULTS")
    scene.build("csynth")
    alive = bystander.poll() is None
    bystander.kill()
    bystander.wait()
    assert alive and said
    (scene.tmp / "calls.txt").write_text("")
    shutil.rmtree(scene.folder)
    shutil.rmtree(scene.workspace.build / MODEL / "vitis")
    return "the bystander lives"


@fault("another version of the tool is installed meanwhile", ())
def _upgrade(scene: Scene) -> str:
    install(scene.installs, "Vitis", "2098.1", "vitis-run")
    shutil.move(scene.installs / "Vitis" / STAND_IN_VERSION, scene.tmp / "aside")
    scene.build("csynth")
    shutil.move(scene.tmp / "aside", scene.installs / "Vitis" / STAND_IN_VERSION)
    (scene.tmp / "calls.txt").unlink()
    return "its results are kept apart"


@fault("the tool is gone after csynth", ("csynth",))
def _gone(scene: Scene) -> str:
    scene.build("csynth")
    shutil.move(scene.installs, scene.tmp / "aside")
    said = scene.fails()
    shutil.move(scene.tmp / "aside", scene.installs)
    return said


@fault("a tool that floods its output", STAGES)
def _flood(scene: Scene) -> str:
    scene.faults("csynth=flood")
    scene.build()
    return "read as it comes"


@fault("kill in the middle of an import", STAGES)
def _import(scene: Scene) -> str:
    archive = scene.tmp / "there.tar.gz"
    from hlsflow.__main__ import main

    assert main(["pack", MODEL, "--output", str(archive), "--workspace", str(scene.workspace.root)]) == 0
    subprocess.run(["tar", "xzf", str(archive), "-C", str(scene.tmp)], check=True)
    tools = f"{scene.installs}/Vitis/{STAND_IN_VERSION}/bin:{os.environ['PATH']}"
    subprocess.run(
        ["sh", "run.sh"], cwd=scene.tmp / "there", env={**os.environ, "PATH": tools}, check=True, capture_output=True
    )
    scene.dies_at("rename", "-imported", lambda: import_results(scene.workspace, scene.tmp / "there", quiet()))
    (imported,) = import_results(scene.workspace, scene.tmp / "there", quiet())
    assert list(imported.done) == ["csynth"]
    (scene.tmp / "calls.txt").unlink()
    assert not list((scene.workspace.build / MODEL).rglob("*.partial"))
    shutil.rmtree(scene.workspace.build / MODEL / "synthesis-vitis")
    shutil.rmtree(scene.workspace.build / MODEL / "vitis")
    scene.build()
    return "the next import is whole"


@pytest.fixture(scope="module")
def clean_figures(built_once, tmp_path_factory):
    """The figures of a run to which nothing happens."""
    tmp = tmp_path_factory.mktemp("clean")
    with pytest.MonkeyPatch.context() as patch:
        root = tmp / "Xilinx"
        install(root, "Vitis", STAND_IN_VERSION, "vitis-run")
        install(root, "Vivado", STAND_IN_VERSION, "vivado")
        patch.setenv("HLSFLOW_XILINX", str(root))
        clear(built_once)
        return build(built_once, request(*STAGES), quiet()).record.figures


@pytest.fixture(scope="module", autouse=True)
def print_table():
    yield
    if TABLE:
        width = max(len(row[0]) for row in TABLE)
        print(f"\n\n{'fault':<{width}}  next run   what was said")
        for name, verdict, said in TABLE:
            print(f"{name:<{width}}  {verdict:<9}  {said[:110]}")
        print(
            f"\n{len(TABLE)} faults: after each, the next run is whole, nothing is lost or invented, no process is left"
        )


# Those that take more than two seconds.
SLOW = (
    "the whole workspace was moved", "the tool is stopped", "two builds", "kill in the middle of an import", 
    "the terminal is closed", "kill -9 of hlsflow during csynth", "a tool that hangs and ignores",
)  # fmt: skip


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name.startswith(SLOW) else name for name in FAULTS]
)
def test_after_a_fault_the_next_run_is_whole(name, built, installs, tmp_path, monkeypatch, clean_figures):
    inject, done = FAULTS[name]
    scene = Scene(workspace=built, installs=installs, tmp=tmp_path, monkeypatch=monkeypatch)
    said = inject(scene)
    # nothing is invented: what the record holds now, a whole run would say, too
    path = built.reports / MODEL / "build.json"
    whole = [figure.model_dump() for figure in clean_figures]
    if path.exists() and not name.startswith(("the record is", "another version")):
        assert all(figure.model_dump() in whole for figure in read_record(path).figures)
    if "by the next run" not in said:
        wait_until(lambda: not tools_alive(built.root), timeout_s=5, seen=lambda: tools_alive(built.root))
    before = calls(tmp_path)
    monkeypatch.delenv("STAND_IN_FAULTS", raising=False)
    record = scene.build()
    assert [figure.model_dump() for figure in record.figures] == whole
    assert record.stages["vitis"].startswith("done: csynth, cosim, vsynth by ")
    # nothing is lost: what was through is not run again
    assert calls(tmp_path)[len(before) :] == [stage for stage in STAGES if stage not in done]
    assert not tools_alive(built.root)
    assert not [*(built.build / MODEL).rglob("*.partial"), *built.reports.rglob(".*.partial")]
    assert build(built, BuildRequest(model=MODEL), quiet()).unchanged
    TABLE.append((name, "whole", said.replace(f"{built.root}/", "")))


def test_there_are_thirty_and_more():
    assert len(FAULTS) >= 30 and sys.platform == "linux"
