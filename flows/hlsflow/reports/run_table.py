"""Runs as text for a terminal: one block a stage, so that figures of two stages never stand below each other."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial

from rich.console import Console
from rich.text import Text

from hlsflow.reports.figures import RESOURCE_NAMES, Clock, Latency, Resources, Stage
from hlsflow.reports.report import Loop, Module
from hlsflow.reports.run import Role, Run

TITLES = {
    Stage.CSIM: "csim: C simulation",
    Stage.CSYNTH: "csynth: estimates of C synthesis",
    Stage.LOGIC_SYNTHESIS: "logic-synthesis: counted by Vivado, not placed",
    Stage.PLACED: "placed: counted by Vivado after placement",
    Stage.POST_ROUTE: "post-route: counted and timed by Vivado after routing",
    Stage.COSIM: "cosim: C/RTL co-simulation",
    None: "stage not stated",
}
RESOURCE_TITLES = {"lut": "LUT", "ff": "FF", "dsp": "DSP", "bram_18k": "BRAM 18Kb", "uram": "URAM"}
GAP = "  "

# A cell is its lines; a column its title's lines and the cell of a run.
Cell = tuple[str, ...]
Column = tuple[Cell, Callable[[Run], Cell]]


def print_runs(console: Console, runs: Sequence[Run]) -> None:
    """Prints the runs by stage, in the order of the design flow: values in columns, provenance in the line above."""
    base = os.path.commonpath([run.project for run in runs]) if runs else "."
    if base not in ("", "."):
        _print(console, Text(f"below {base}", style="dim"))
    for stage in [*Stage, None]:
        of_stage = [run for run in runs if run.provenance.stage == stage]
        if not of_stage:
            continue
        columns = SIMULATION_COLUMNS if stage in (Stage.CSIM, Stage.COSIM) else _columns_of(of_stage)
        rows = [[cell(run) for _, cell in columns] for run in of_stage]
        header, *aligned = _aligned([[title for title, _ in columns], *rows])
        _print(console, Text(f"\n{TITLES.get(stage, stage)}", style="bold"))
        for line in header:
            _print(console, Text(line, style="underline" if line is header[-1] else ""))
        for run, lines in zip(of_stage, aligned, strict=True):
            for text in _identity(run, base):
                _print(console, text)
            for line in lines:
                _print(console, Text(line, style="red" if _missed(run) and line is lines[0] else ""))


def print_modules(console: Console, run: Run) -> None:
    """Prints the modules and loops of one run, one a line, the name last."""
    if not run.modules and not run.loops:
        return
    stage = run.provenance.stage or "stage not stated"
    _print(console, Text(f"\n{stage}: modules of {run.module or run.project}", style="bold"))
    _print(console, Text(f"{run.project}: {_provenance(run)}", style="dim"))
    titles = [("latency", "cycles"), ("interval", "cycles"), ("", "pipeline")]
    titles += [("", RESOURCE_TITLES[name]) for name in RESOURCE_NAMES]
    parts = [*run.modules, *run.loops]
    header, *aligned = _aligned([titles, *(_part_cells(part) for part in parts)])
    for line in header:
        _print(console, Text(line + (f"{GAP}module" if line is header[-1] else "")))
    for part, lines in zip(parts, aligned, strict=True):
        kind = "loop " if isinstance(part, Loop) else ""
        instance = getattr(part, "instance", None)
        label = part.name if instance in (None, part.name) else f"{instance}: {part.name}"
        _print(console, Text(f"{lines[0]}{GAP}{'  ' * part.depth}{kind}{label}", style="dim" if kind else ""))


def _part_cells(part: Module | Loop) -> list[Cell]:
    if isinstance(part, Loop):
        interval, pipeline, resources = _number(part.initiation_interval_cycles), part.pipelined, None
    else:
        interval, pipeline, resources = _range(part.latency, "interval"), part.pipeline, part.resources
    counts = [(_number(getattr(resources, name, None)),) for name in RESOURCE_NAMES]
    return [(_range(part.latency, "latency"),), (interval,), (pipeline or "-",), *counts]


def _columns_of(runs: Sequence[Run]) -> list[Column]:
    # A column that would be empty in every row of a stage is left out.
    columns: list[Column] = []
    if any(run.clock is not None for run in runs):
        columns.append((("clock ns", "target", "achieved"), _clock_cell))
    if any(run.latency is not None for run in runs):
        columns.append((("", "latency", "cycles"), lambda run: (_range(run.latency, "latency"),)))
        columns.append((("latency ns", "at target", "at achieved"), _real_time_cell))
        columns.append((("", "interval", "cycles"), lambda run: (_range(run.latency, "interval"),)))
    if any(run.resources is not None for run in runs):
        columns += [
            (("", RESOURCE_TITLES[name], "% of part"), partial(_resource_cell, name)) for name in RESOURCE_NAMES
        ]
    if any(run.power is not None for run in runs):
        columns.append((("power W", "total", "dynamic"), _power_cell))
    return columns


def _clock_cell(run: Run) -> Cell:
    clock = run.clock or Clock()
    # The slack of C synthesis allows for the clock's uncertainty; beside both periods it would only confuse.
    shows_slack = clock.slack_ns is not None and not (run.provenance.stage == Stage.CSYNTH and clock.achieved_ns)
    return (
        _number(clock.target_ns),
        _number(clock.achieved_ns),
        *([f"slack {_number(clock.slack_ns)}"] if shows_slack else []),
    )


def _missed(run: Run) -> bool:
    clock = run.clock or Clock()
    return clock.meets_target is False or (clock.slack_ns is not None and clock.slack_ns < 0)


def _real_time_cell(run: Run) -> Cell:
    clock, latency = run.clock or Clock(), run.latency or Latency()
    return _span(*latency.at(clock.target_ns)), _span(*latency.at(clock.achieved_ns))


def _resource_cell(name: str, run: Run) -> Cell:
    resources = run.resources or Resources()
    share = resources.utilisation_percent(name)
    return _number(getattr(resources, name)), "-" if share is None else f"{share:.1f}%"


def _power_cell(run: Run) -> Cell:
    return ("-", "-") if run.power is None else (_number(run.power.total_w), _number(run.power.dynamic_w))


SIMULATION_COLUMNS: list[Column] = [
    (("", "verdict"), lambda run: (run.simulation.status,)),
    (("latency", "cycles"), lambda run: (_range(run.latency, "latency"),)),
    (("interval", "cycles"), lambda run: (_range(run.latency, "interval"),)),
    (("total", "cycles"), lambda run: (_number(run.simulation.total_execution_cycles),)),
]


def _identity(run: Run, base: str) -> list[Text]:
    project = os.path.relpath(run.project, base)
    name = Text(project if run.module is None else run.module if project == "." else f"{project}: {run.module}")
    if run.role != Role.TOP:
        name.append(f" ({run.role})")
    if run.simulation is not None and run.simulation.passed is False:
        name.stylize("red")
    notes = [Text(f"  ! {note.text}", style="yellow") for note in run.notes]
    conversion = run.resources.bram_conversion if run.resources is not None else None
    bram = [Text(f"  BRAM: {conversion}", style="dim")] if conversion and run.resources.bram_18k else []
    return [name, Text(f"  {_provenance(run)}", style="dim"), *bram, *notes]


def _provenance(run: Run) -> str:
    tool = " ".join(word for word in (run.provenance.tool, run.provenance.tool_version) if word) or "tool not stated"
    file = os.path.relpath(run.provenance.source_file, run.project)
    more = len(run.source_files) - 1
    return f"{tool} · {run.provenance.part or 'part not stated'} · {file}" + (f" (+{more})" if more else "")


def _aligned(rows: Sequence[Sequence[Cell]]) -> list[list[str]]:
    # every row's lines, each cell's lines right-aligned; a header's cells stand on its last lines
    columns = len(rows[0])
    widths = [max(len(line) for row in rows for line in row[n]) for n in range(columns)]
    blocks = []
    for row in rows:
        height = max(len(cell) for cell in row)
        lines = [
            GAP + GAP.join((row[n][line] if line < len(row[n]) else "").rjust(widths[n]) for n in range(columns))
            for line in range(height)
        ]
        blocks.append([line.rstrip() for line in lines if line.strip()])
    return blocks


def _print(console: Console, text: Text) -> None:
    console.print(text, soft_wrap=True)


def _range(latency: Latency | None, what: str) -> str:
    if latency is None:
        return "-"
    return _span(getattr(latency, f"{what}_min_cycles"), getattr(latency, f"{what}_max_cycles"))


def _span(least: float | None, greatest: float | None) -> str:
    if least is None and greatest is not None:
        return f"<={_number(greatest)}"
    if least == greatest:
        return _number(least)
    return f"{_number(least)}..{_number(greatest) if greatest is not None else '?'}"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:d}" if isinstance(value, int) else f"{value:.3f}".rstrip("0").rstrip(".")
