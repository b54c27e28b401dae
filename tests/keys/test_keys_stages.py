"""The keys of the stages after the gate; and that a changed key costs no vendor tool's finished work. Stand-ins run."""

from __future__ import annotations

import shutil

import pytest
from vendor_fixtures import MODEL, built, built_once, calls, installs, quiet, request  # noqa: F401

from hlsflow.building.pipeline import build
from hlsflow.building.plan import BuildRequest, make_plan
from hlsflow.building.stages import stage_inputs
from hlsflow.building.tools.registry import NAMES, tool_of
from hlsflow.building.tools.result import WIRING
from hlsflow.foundation.steps import digest
from hlsflow.foundation.workspace import Workspace
from hlsflow.keys import work
from hlsflow.keys.imports import ROOT, Sources, sources

OPTIONS = {"estimate": {}, "vitis": {"tool": "vitis"}, "vivado": {"tool": "vivado"}, "open": {}}


@pytest.fixture
def changed_package(tmp_path, monkeypatch):
    """Appends a line to modules of a copy of the package, which the keys are then made of."""
    root = tmp_path / "package"
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns("__pycache__"))

    def change(*modules: str) -> None:
        for module in modules:
            with (root / module).open("a") as stream:
                stream.write("\n# Changed.\n")
        found = Sources(root)
        monkeypatch.setattr(work, "sources", lambda: found)

    change()
    return change


def keys(workspace) -> dict[str, str]:
    plan = make_plan(workspace, BuildRequest(model="digits6"))
    return {
        stage: digest(stage_inputs(stage, plan, "design", OPTIONS[stage])["own"]) for stage in NAMES
    }  # fmt: skip


@pytest.mark.parametrize(
    ("module", "reached", "not_reached"),
    [
        ("estimation/arithmetic.py", {"estimate"}, {"open", "vitis"}),
        ("vendor/run.py", {"vitis", "vivado"}, {"estimate", "open"}),
        ("vendor/toolchain.py", {"vitis", "vivado"}, {"estimate"}),
        ("vendor/diagnosis_rules.py", {"vitis", "vivado"}, {"estimate", "open"}),
        ("reports/hls/csynth_xml.py", {"vitis", "vivado"}, {"estimate", "open"}),
        # By `importlib`, in a registry.
        ("reports/vivado/utilization_hierarchical.py", {"vitis", "vivado"}, {"estimate", "open"}),
        # What joins the results to a record, and what shows it, makes none of them.
        ("evidence.py", set(), {"estimate", "open"}),
        ("records/report.py", set(), {"estimate", "open"}),
        ("opentools/pyosys_script.py", {"open"}, {"estimate", "vitis"}),
        ("processes/limited.py", {"open"}, {"estimate", "vitis"}),
        ("rtl/verilog/mac_array.v", {"open"}, {"estimate", "vitis"}),
        # The open stage holds its RTL against C simulation, co-simulation the tools' RTL.
        ("processes/process.py", {"open", "vitis", "vivado"}, set()),
        ("building/stages.py", set(NAMES), set()),
        ("cli/build.py", set(), set(NAMES)),
    ],
)
def test_a_line_of_code_changes_the_stages_that_it_runs_in(workspace, changed_package, module, reached, not_reached):
    before = keys(workspace)
    changed_package(module)
    after = keys(workspace)
    changed = {stage for stage in before if before[stage] != after[stage]}
    assert reached <= changed and not changed & not_reached


@pytest.mark.parametrize("stage", ["estimate", "open"])
def test_no_parser_of_reports_runs_in_a_stage_that_reads_none(stage):
    modules = sources().closure(tool_of(stage).compute.__module__, "hlsflow.foundation.steps", ends=WIRING).modules
    assert {"hlsflow.records.record", "hlsflow.building.stages"} <= modules
    assert not [module for module in modules if module.startswith("hlsflow.reports.")]


def test_a_workspaces_own_calibration_changes_its_estimates(workspace):
    before = keys(workspace)
    assert keys(workspace) == before
    (workspace.root / "estimate_model.json").write_text("{}")
    after = keys(workspace)
    assert {stage for stage in before if before[stage] != after[stage]} == {"estimate"}


@pytest.mark.slow
def test_finished_vendor_work_is_read_again_whatever_the_keys(built, installs, tmp_path, changed_package):  # noqa: F811
    root = tmp_path / "moved"
    shutil.copytree(built.root, root, symlinks=True)
    moved = Workspace(root=root)
    first = build(moved, request("csynth"), quiet())
    assert calls(tmp_path) == ["csynth"] and not first.unchanged
    assert build(moved, request("csynth"), quiet()).unchanged
    for modules in (["reports/hls/csynth_xml.py"], ["hls/convert.py"], ["foundation/errors.py"]):
        changed_package(*modules)
        again = build(moved, request("csynth"), quiet())
        assert not again.unchanged
        assert again.record.figures == first.record.figures
        assert any(figure.stage == "csynth" for figure in again.record.figures)
    assert calls(tmp_path) == ["csynth"]
    assert (moved.build / MODEL / "synthesis-vitis").is_dir()
