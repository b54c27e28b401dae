"""The stage `open`: the network as RTL, simulated on every image, synthesized by Yosys.

For an ECP5 part it is placed and routed; for a board whose wiring is known the board's whole design is, and its
bitstream written (`building.tools.routing`).
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsflow.building.tools.result import WIRING, StageFailed, write_figures
from hlsflow.building.tools.routing import TOOL_PACKAGES, OpenRun, keep, result_key, routed
from hlsflow.building.tools.tool import Tool
from hlsflow.building.tools.vectors import read_vectors
from hlsflow.foundation.errors import MismatchError
from hlsflow.foundation.log import Log, Step
from hlsflow.foundation.steps import Steps, digest
from hlsflow.hls.project import read_project
from hlsflow.keys.compiler import compiler_identity
from hlsflow.keys.environment import PROGRAM_VARIABLES, values_of
from hlsflow.keys.work import work_of
from hlsflow.opentools import figures as open_figures
from hlsflow.opentools import verilator, yosys
from hlsflow.opentools.capacity import check_memories
from hlsflow.opentools.check import check_supported
from hlsflow.opentools.design import Architecture, OpenOptions, make_design, read_options, target_of
from hlsflow.opentools.tools import (
    ROUTE_TOOLS,
    OpenTool,
    find_da4ml,
    find_router,
    find_verilator,
    find_yosys,
    needed,
    route_versions,
)
from hlsflow.opentools.unroll import unroll_within
from hlsflow.opentools.verilator import Simulated, Traffic
from hlsflow.records.record import FigureRecord
from hlsflow.records.tools import BOARD_ROUTE
from hlsflow.rtl.chain import read_chain
from hlsflow.rtl.design import RtlDesign
from hlsflow.rtl.files import write_companions

if TYPE_CHECKING:
    from hlsflow.building.plan import Plan
    from hlsflow.network.graph import Network
    from hlsflow.network.layer_types import LayerTypes

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
    tools = (find_verilator(), find_yosys(), find_da4ml())
    return {
        "work": work_of("hlsflow.building.tools.open", ends=WIRING, also=TOOL_PACKAGES),
        "compiler": compiler_identity(plan.compiler.path, ()),
        "environment": values_of(PROGRAM_VARIABLES),
        # What the RTL is held against.
        "csim": digest(plan.keys["csim"]),
        "tools": {tool.name: tool.version for tool in tools if tool is not None} | route_versions(),
    }


def check_request(plan: Plan, options: Mapping[str, Any]) -> None:
    """Raises ConfigError for an option or a target that there is not, ToolError where a tool is missing."""
    asked = read_options(options)
    target = target_of(asked, plan.config.part)
    _tools(asked)
    if target.wiring is not None and asked.route is not False:
        router = ROUTE_TOOLS[target.family].router
        needed(find_router(target.family), router)


def check_network(plan: Plan, network: Network, layers: Sequence[LayerTypes], options: Mapping[str, Any]) -> None:
    """Raises UnsupportedError that names every layer without hardware."""
    check_supported(network, layers, plan.config, read_options(options).architecture)


def _tools(asked: OpenOptions) -> tuple[OpenTool, OpenTool]:
    """The simulator and the synthesizer. Raises ToolError where a tool is missing that the run surely needs."""
    if asked.architecture is Architecture.UNROLLED:
        needed(find_da4ml(), "da4ml")
    return needed(find_verilator(), "Verilator"), needed(find_yosys(), "Yosys")


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
    check_memories(design, target)
    vectors = read_vectors(plan, hls, chain)
    run = OpenRun(
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
        if asked.route is not False:
            figures += routed(run, synthesizer)
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
            words.append(f"{1000 / figure.clock_achieved_ns:.1f} MHz routed" + _met(figure))
    return "; ".join(words)


def _met(figure: FigureRecord) -> str:
    """Whether a board's clock is met: a core's clock is a wish, a board's is there."""
    if figure.stage != BOARD_ROUTE or figure.clock_target_ns is None or figure.slack_ns is None:
        return ""
    met = "met" if figure.slack_ns >= 0 else "MISSED, no bitstream"
    return f", the board's {1000 / figure.clock_target_ns:.0f} MHz {met}"


def _simulated(run: OpenRun, tool: OpenTool, rtl: Path) -> FigureRecord:
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


def _synthesized(run: OpenRun, tool: OpenTool) -> list[FigureRecord]:
    key = result_key(run, tool)

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
    keep(kept, run.folder / "yosys")
    synthesis = yosys.read_synthesis(kept)
    return open_figures.synthesis_figures(
        run.design, tool, run.target, synthesis, run.source(f"yosys/{yosys.STAT_FILE}"), run.period_ns
    )


OPEN = Tool(
    name="open",
    step_inputs=step_inputs,
    compute=compute,
    check_request=check_request,
    check_network=check_network,
)
