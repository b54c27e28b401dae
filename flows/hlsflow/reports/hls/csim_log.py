"""The log of C simulation (`<top>_csim.log`): whether the test bench ended well."""

from __future__ import annotations

import re

from hlsflow.foundation.errors import ReportError
from hlsflow.reports.figures import Provenance, Stage
from hlsflow.reports.report import Report, ReportFormat, Simulation

KIND = "csim-log"

STARTED = re.compile(r"INFO: \[SIM (?:211-)?[24]\] ")
DONE = re.compile(r"INFO: \[SIM (?:211-)?1\] CSim done with (\d+) errors")
FAILED = re.compile(r"ERROR: \[SIM (?:211-)?\d+\] |@E \[SIM|ERROR: .*CSim failed|INFO: .*CSim failed with errors")

# Where the test bench does not compile, the log ends with the compiler: a verdict, and nothing is cut off.
NOT_COMPILED = re.compile(
    r"(.*: )?(fatal )?error: .|.*\bld: .*cannot find|collect2: error|make(\[\d+\])?: \*\*\* .*Error \d+"
)


def parse(text: str) -> Report:
    """The verdict of C simulation. Raises ReportError where the log ends before it (cut off, or still running)."""
    lines = text.splitlines()
    if not any(STARTED.match(line) for line in lines):
        raise ReportError("head: no line of C simulation")
    done = next((match for match in map(DONE.match, lines) if match), None)
    failed = next((line.strip() for line in lines if FAILED.match(line)), None)
    if done is None and failed is None:
        compiler = next((line.strip() for line in lines if NOT_COMPILED.match(line)), None)
        failed = None if compiler is None else f"the test bench does not compile: {compiler}"
    if done is None and failed is None:
        raise ReportError("end: no verdict of C simulation (is the file cut off?)")
    passed = failed is None and done is not None and int(done[1]) == 0
    return Report(
        kind=KIND,
        provenance=Provenance(stage=Stage.CSIM),
        module=None,
        simulation=Simulation(passed=passed, status=failed or done[0].partition("] ")[2]),
    )


FORMAT = ReportFormat(
    kind=KIND,
    mark=r"\A\s*INFO: \[SIM (211-)?\d+\] ",
    parse=parse,
)
