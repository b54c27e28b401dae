"""The stages `vitis` and `vivado`: synthesis by AMD's tools, resumed where it was left, whatever ended it.

The tools' work is kept outside of the step, in `build/<name>/synthesis-<tool>/<design>-<version>/`: a stage that is
through stays through, however the next one ends. The step itself is but the sum of what is there.
"""

from __future__ import annotations

import glob
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsflow.building.tools.bench import DEFAULT_SAMPLES, bench_of
from hlsflow.building.tools.preflight import foresee
from hlsflow.building.tools.result import WIRING, StageFailed, write_figures
from hlsflow.building.tools.tool import Tool
from hlsflow.foundation.errors import HlsflowError, ToolError
from hlsflow.foundation.log import Step
from hlsflow.foundation.steps import digest
from hlsflow.hls.design_files import design_digest
from hlsflow.hls.project import HlsProject, read_project
from hlsflow.keys.work import work_of
from hlsflow.processes.machine import read_machine
from hlsflow.records.record import FigureRecord
from hlsflow.vendor.command import VendorStage
from hlsflow.vendor.cosim import Expected
from hlsflow.vendor.project import Bench
from hlsflow.vendor.result import StageResult
from hlsflow.vendor.run import DEFAULT_TIMEOUT_S, Limits
from hlsflow.vendor.toolchain import Toolchain, find_tools
from hlsflow.vendor.work import Work, do_stage, make_work, options_of, work_folder, works

if TYPE_CHECKING:
    from hlsflow.building.plan import Plan

# Of the memory that is free when a stage starts, what the tool may take at most: the rest keeps the system alive.
_MEMORY_SHARE = 0.95


def step_inputs(plan: Plan, options: Mapping[str, Any]) -> dict[str, Any]:
    """What the result depends on besides the project: the tool, its version, and the code that reads its reports."""
    tool = find_tools().hls(options["tool"])
    return {
        "tool": None if tool is None else tool.name,
        "version": None if tool is None else tool.version,
        # What co-simulation is held against.
        "csim": digest(plan.keys["csim"]),
        "reference": digest(plan.keys["reference"]),
        "work": work_of("hlsflow.building.tools.vendor", ends=WIRING),
    }


def refuse_without_tool(build: Path, model: str, kind: str, options: str = "") -> None:
    """Raises ToolError where no tool is here and nothing came from elsewhere: at once, not after the conversion.

    `options` are those that make the variant of the model that is wanted.
    """
    name = glob.escape(model)
    builds = (name, f"{name}@*")
    if not any(any(build.glob(f"{folder}/synthesis-{kind}/*/results/*.json")) for folder in builds):
        find_tools().required_hls(kind, f"hlsflow pack {model} {options}".rstrip())


def compute(plan: Plan, hls: Path, folder: Path, step: Step, options: Mapping[str, Any]) -> str:
    """Runs the stages that have yet to be done, and writes the figures of all that are.

    Raises StageFailed with the figures of the stages before, and ToolError where no tool is here and some are missing.
    """
    kind, wanted = options["tool"], options_of(options)
    project = read_project(hls)
    bench, ports = _bench(plan, project, wanted, options)
    toolchain = find_tools()
    work = choose_work(plan, hls, kind, wanted, bench, toolchain, project)
    missing = work.missing(wanted, bench)
    if missing:
        _run(plan, hls, work, missing, kind, toolchain, project, bench, ports, step, options)
    results = results_of(hls, kind, work.design, plan.name, project.top)
    state = summary(results)
    write_figures(folder, figures_of(results), state)
    return state


def _bench(
    plan: Plan, project: HlsProject, wanted: tuple[VendorStage, ...], options: Mapping[str, Any]
) -> tuple[Bench | None, tuple[Expected, ...]]:
    if VendorStage.COSIM not in wanted:
        return None, ()
    return bench_of(plan, project, int(options.get("cosim_samples") or DEFAULT_SAMPLES))


def choose_work(
    plan: Plan, hls: Path, kind: str, wanted: tuple[VendorStage, ...], bench: Bench | None, toolchain: Toolchain,
    project: HlsProject,
) -> Work:  # fmt: skip
    """Where the work on this design is or shall be done.

    With a tool, that of its version. Without one, where all that is wanted came from elsewhere, else the first there.
    """
    base = hls.parent / f"synthesis-{kind}"
    design = design_digest(hls)
    tool = toolchain.hls(kind)
    there = works(base, design, project.top, plan.name)
    complete = [work for work in there if not work.missing(wanted, bench)]
    if tool is not None:
        return make_work(work_folder(base, design, tool.version), design, project.top, plan.name)
    return next(iter(complete or there), make_work(work_folder(base, design, None), design, project.top, plan.name))


def _run(
    plan: Plan, hls: Path, work: Work, missing: list[VendorStage], kind: str, toolchain: Toolchain,
    project: HlsProject, bench: Bench | None, ports: tuple[Expected, ...], step: Step, options: Mapping[str, Any],
) -> None:  # fmt: skip
    _check_backend(plan, kind)
    tool = toolchain.required_hls(kind, f"hlsflow pack {plan.name}")
    for trouble in toolchain.troubles(tool, kind):
        step.warn(trouble)
    machine = read_machine(work.folder)
    limit = options.get("memory_bytes")
    if limit is None and machine.memory_available_bytes is not None:
        limit = int(machine.memory_available_bytes * _MEMORY_SHARE)
    for trouble in foresee(plan, project, machine, limit):
        step.warn(trouble)
    limits = Limits(timeout_s=options.get("timeout_s") or DEFAULT_TIMEOUT_S, memory_bytes=limit)
    for stage in missing:
        try:
            result = do_stage(work, stage, hls, tool, toolchain, bench, ports, limits, step)
        except HlsflowError as error:
            results = results_of(hls, kind, work.design, plan.name, project.top)
            raise StageFailed(
                error, figures=figures_of(results), state=failed_state(error, results, hls.parents[2])
            ) from error
        step.say(f"{stage} done by {result.tool} {result.tool_version or ''} in {result.seconds or 0:,.0f} s")
        for remark in result.remarks:
            step.say(f"  {remark}")


def _check_backend(plan: Plan, kind: str) -> None:
    wanted = plan.config.backend.lower()
    if wanted != kind:
        raise ToolError(
            f"--synth {kind}: the project is for {plan.config.backend} HLS (backend: {plan.config.backend}), "
            "which the other tool does not compile",
            hint=f"--synth {wanted}, or --backend {kind.capitalize()}",
        )


def results_of(hls: Path, kind: str, design: str, name: str, top: str) -> dict[VendorStage, StageResult]:
    """The result of every stage that was done on this design, here or elsewhere, by the newest tool that did."""
    found: dict[VendorStage, StageResult] = {}
    for work in works(hls.parent / f"synthesis-{kind}", design, top, name):
        for stage, result in work.finished().items():
            found.setdefault(stage, result)
    return {stage: found[stage] for stage in VendorStage if stage in found}


def figures_of(results: Mapping[VendorStage, StageResult]) -> list[FigureRecord]:
    """The figures of all finished stages: the whole design of every stage first, then the modules."""
    figures = [figure for result in results.values() for figure in result.figures]
    return sorted(figures, key=lambda figure: figure.module is not None)


def failed_state(error: HlsflowError, results: Mapping[VendorStage, StageResult], root: Path) -> str:
    """`failed: cosim: … (done: csynth by …)`, one line, without the path of the workspace: a record travels."""
    done = summary(results)
    message = error.message.replace(f"{root}/", "")
    return " ".join((f"failed: {message}" + (f" ({done})" if done else "")).split())


def summary(results: Mapping[VendorStage, StageResult]) -> str:
    """`done: csynth, cosim by vitis-run 2024.1`, with where it was done if not here; empty where nothing is."""
    if not results:
        return ""
    tools = dict.fromkeys(f"{result.tool} {result.tool_version or '(version unknown)'}" for result in results.values())
    imported = " (imported)" if any(result.origin == "imported" for result in results.values()) else ""
    return f"done: {', '.join(results)} by {', '.join(tools)}{imported}"


VITIS = Tool(name="vitis", step_inputs=step_inputs, compute=compute)
VIVADO = Tool(name="vivado", step_inputs=step_inputs, compute=compute)
