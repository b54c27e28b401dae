"""Evidence through real builds of a small model: poorer runs, other checkouts, other tools, an edited clock.

The synthesis tools are stand-ins (`vendor_fixtures`), never AMD's.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import tarfile
from pathlib import Path

import pytest
from vendor_fixtures import MODEL, built, built_once, calls, clear, installs, quiet, request, run_there

import hlsflow.building.plan
from hlsflow.building.pipeline import build
from hlsflow.building.plan import BuildRequest
from hlsflow.foundation.errors import HlsflowError, ReportError
from hlsflow.foundation.log import Log
from hlsflow.foundation.workspace import Workspace
from hlsflow.packing.import_results import import_results
from hlsflow.records.record import read_record

__all__ = ["built", "built_once", "installs"]

pytestmark = pytest.mark.slow
PLAIN = BuildRequest(model=MODEL)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def csynth_lut(record) -> list[int]:
    return [item.lut for item in record.figures if item.stage == "csynth" and item.module is None]


@pytest.fixture
def synthesized(built, installs):
    """A workspace of its own with a build and the stand-in's C synthesis of it."""
    build(built, request("csynth"), quiet())
    return built


def fresh_clone(workspace: Workspace, folder: Path) -> Workspace:
    """Another checkout with what a repository holds: models, configurations and reports, and nothing that was built."""
    for name in ("models", "hls_configs", "reports"):
        shutil.copytree(workspace.root / name, folder / name)
    return Workspace(root=folder)


def test_a_fresh_clone_without_tools_leaves_every_report_as_it_is(synthesized, tmp_path, monkeypatch):
    """What git status shows after the README's first command: nothing."""
    there = fresh_clone(synthesized, tmp_path / "clone")
    before = contents(there.reports)
    monkeypatch.setenv("HLSFLOW_XILINX", str(tmp_path / "nothing"))
    # on fewer samples than the record, with another numpy and another compiler: as another machine may have it
    compiler = tmp_path / "other-g++"
    compiler.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "other g++ 99.1" && exit 0\nexec g++ "$@"\n')
    compiler.chmod(0o755)
    monkeypatch.setenv("CXX", str(compiler))
    real = hlsflow.building.plan.versions
    monkeypatch.setattr(hlsflow.building.plan, "versions", lambda front_end: {**real(front_end), "numpy": "99.1"})
    log = Log(stream=io.StringIO())
    first = build(there, BuildRequest(model=MODEL, samples=40), log)
    assert first.record.samples.count == 40 and first.record.versions["compiler"] == "other g++ 99.1"
    assert f"reports/{MODEL} keeps the verification on 359 samples of digits and the figures of csynth" in (
        log.stream.getvalue()
    )
    assert contents(there.reports) == before
    assert build(there, BuildRequest(model=MODEL, samples=40), log).unchanged
    # and so do as many samples
    whole = build(there, PLAIN, log).record
    assert whole.samples.count == 359 and contents(there.reports) == before


def test_other_versions_drop_no_figure_of_the_same_design(synthesized, tmp_path, monkeypatch):
    before = read_record(synthesized.reports / MODEL / "build.json")
    real = hlsflow.building.plan.versions
    with monkeypatch.context() as patch:
        patch.setattr(hlsflow.building.plan, "versions", lambda front_end: {**real(front_end), "numpy": "99.1"})
        result = build(synthesized, PLAIN, quiet())
        assert not result.unchanged and csynth_lut(result.record) == [1234]
        assert csynth_lut(build(synthesized, request("csynth"), quiet()).record) == [1234]
    assert calls(tmp_path) == ["csynth"]
    assert read_record(synthesized.reports / MODEL / "build.json") == before
    clear(synthesized)


def test_results_of_another_clock_do_not_join(built, installs, tmp_path):
    """Pack at 10 ns, edit the clock, import without a build in between: no 10 ns row is in the 5 ns record."""
    from hlsflow.__main__ import main

    mine = fresh_clone(built, tmp_path / "w")
    archive = tmp_path / "there.tar.gz"
    assert main(["pack", MODEL, "--output", str(archive), "--workspace", str(mine.root)]) == 0
    with tarfile.open(archive) as opened:
        opened.extractall(tmp_path, filter="data")
    assert run_there(tmp_path / "there", installs).returncode == 0
    config = mine.hls_configs / f"{MODEL}.yaml"
    text = config.read_text()
    assert "clock_period_ns: 10" in text
    config.write_text(text.replace("clock_period_ns: 10", "clock_period_ns: 5"))
    with contextlib.suppress(HlsflowError):
        import_results(mine, tmp_path / "there", quiet())
    build(mine, PLAIN, quiet())
    found = read_record(mine.reports / MODEL / "build.json")
    assert found.configuration.clock_period_ns == 5 and csynth_lut(found) == []
    # They are of the 10 ns design, and join it when it is built again.
    config.write_text(text)
    build(mine, PLAIN, quiet())
    import_results(mine, tmp_path / "there", quiet())
    assert csynth_lut(build(mine, PLAIN, quiet()).record) == [1234]
    assert csynth_lut(read_record(mine.reports / MODEL / "build.json")) == [1234]


def test_figures_that_contradict_the_target_are_refused(synthesized):
    """The step's own file says 5 ns, whatever wrote that: it joins no record of 10 ns."""
    path = synthesized.build / MODEL / "vitis" / "figures.json"
    path.write_text(path.read_text().replace('"clock_target_ns":10.0', '"clock_target_ns":5.0').replace(
        '"clock_target_ns": 10.0', '"clock_target_ns": 5.0'))  # fmt: skip
    before = contents(synthesized.reports)
    with pytest.raises(ReportError, match="of a clock of 5 ns, the record of 10 ns"):
        build(synthesized, PLAIN, quiet())
    assert contents(synthesized.reports) == before


def test_a_project_that_was_changed_by_hand_is_not_what_was_verified(synthesized):
    source = synthesized.build / MODEL / "hls" / "firmware" / "parameters.h"
    text = source.read_text()
    before = contents(synthesized.reports)
    try:
        source.write_text(text + "// changed\n")
        with pytest.raises(ReportError, match="it was changed after hlsflow wrote it"):
            build(synthesized, PLAIN, quiet())
    finally:
        source.write_text(text)
    assert contents(synthesized.reports) == before and build(synthesized, PLAIN, quiet()).unchanged
