"""`vitis_hls.log`, `vivado_hls.log`, `vivado.log`: which tool ran with which part, clock and top, and how it went."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hlsflow.foundation.errors import ReportError
from hlsflow.reports.figures import Clock, Provenance
from hlsflow.reports.report import HEAD_CHARACTERS, LogSummary, Report, ReportFormat

KIND = "tool-log"

# The program that was run, by its banner. Started by `vitis-run`, HLS itself writes `**** HLS Build v2025.1`, alone
# where the log is its own.
TOOLS = {
    "Vitis HLS": "vitis_hls",
    "Vivado(TM) HLS": "vivado_hls",
    "Vivado": "vivado",
    "Vitis": "vitis",
    "vitis-run": "vitis-run",
    "v++": "v++",
    "HLS Build": "vitis_hls",
}
VERSION = r"(\d{4}\.\d+(?:\.\d+)*)"
# `****** Vivado v2020.2 (64-bit)`, in the log of a batch run `# Vivado v2020.2 (64-bit)`
NAMES = r"(Vitis HLS|Vivado\(TM\) HLS|Vivado|Vitis|vitis-run|v\+\+|HLS Build)"
BANNER = re.compile(rf"\s*(?:# )?\*{{0,6}}\s*{NAMES}(?!\w).*?\bv?\.?{VERSION}(?:_\w+)?(?:\s|$)")
MARK = (
    rf"^\s*(# |\*{{6}} )?(?!HLS Build){NAMES} (- High-Level|v?\.?\d{{4}}\.)|^\s*\*{{4}} HLS Build v?\d{{4}}\.|"
    r"^(INFO:|@I) \[HLS[ \d]*-10\] Running '"
)
# Started by the IDE, the tool prints no banner, but its own path.
# Until 2014 a message began with `@I [HLS-10]`, later with `INFO: [HLS 200-10]`.
INFO = r"(?:INFO:|@I) \[[\w -]+\] "
RUNNING = re.compile(
    rf"{INFO}Running '.*/(?:Vitis_HLS|Vivado_HLS|Vivado|Vitis)/{VERSION}/bin/.*/(vitis_hls|vivado_hls)"
)
PART = re.compile(rf"{INFO}Setting target device to '([^']+)'|Command: synth_design .*-part (\S+)")
PERIOD = re.compile(rf"{INFO}Setting up clock '([^']+)' with a period of ([\d.]+)ns")
TOP = re.compile(rf"(?:{INFO}Running: |\s*)set_top\s+(\S+)\s*$|Command: synth_design .*-top (\S+)")
COMPLETED = re.compile(rf"\*{{5}} (.+) COMPLETED IN |{INFO}Finished Command (\w+)")
KILLED = re.compile(r"\S+: line \d+:\s+\d+ Killed\s")


def parse(text: str) -> Report:
    """Tool, version, and the part, clock period (ns) and top last set; errors, and the steps completed.

    A log may end anywhere, since a run may: it states no figure of the design. Raises ReportError where no tool's
    mark is found.
    """
    lines = text.splitlines()
    tool, version = _tool(text[:HEAD_CHARACTERS].splitlines())
    part = period = clock_name = top = None
    errors: list[str] = []
    completed: list[str] = []
    warnings, killed = 0, False
    for line in lines:
        if line.startswith(("ERROR", "@E ")):
            errors.append(line.rstrip())
        elif line.startswith(("WARNING", "CRITICAL WARNING", "@W ")):
            warnings += 1
        elif KILLED.match(line):
            errors.append(line.rstrip())
            killed = True
        elif matched := PART.match(line):
            part = matched[1] or matched[2]
        elif matched := PERIOD.match(line):
            clock_name, period = matched[1], float(matched[2])
        elif matched := TOP.match(line):
            top = matched[1] or matched[2]
        elif matched := COMPLETED.match(line):
            completed.append(matched[1] or matched[2])
    return Report(
        kind=KIND,
        provenance=Provenance(stage=None, tool=tool, tool_version=version, part=part),
        module=top,
        clock=None if period is None else Clock(name=clock_name, target_ns=period),
        log=LogSummary(
            errors=tuple(errors), warning_count=warnings, completed_steps=tuple(completed), ended_by_kill=killed
        ),
    )


def _tool(lines: Sequence[str]) -> tuple[str, str | None]:
    for line in lines:
        if matched := BANNER.match(line):
            return TOOLS[matched[1]], matched[2]
        if matched := RUNNING.match(line):
            return matched[2], matched[1]
    raise ReportError("head: no banner of Vitis HLS, vitis-run, Vivado HLS or Vivado")


FORMAT = ReportFormat(
    kind=KIND,
    mark=MARK,
    parse=parse,
    named=r"(vitis|vivado)_hls\.log",
)
