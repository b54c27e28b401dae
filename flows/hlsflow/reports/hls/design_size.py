"""`csynth_design_size.rpt` and `.xml`: instruction counts of the compiler. Recognised, so that nobody takes it for C
synthesis; it states no figure of the hardware."""

from __future__ import annotations

from hlsflow.foundation.errors import ReportError
from hlsflow.reports.figures import Provenance, Stage
from hlsflow.reports.report import Report, ReportFormat

KIND = "design-size"


def parse(text: str) -> Report:
    """A report without figures. Raises ReportError where the text is no design-size report."""
    if "== Design Size Report" not in text and "<design_size" not in text:
        raise ReportError("title: no design-size report")
    return Report(
        kind=KIND,
        provenance=Provenance(stage=Stage.CSYNTH, tool="vitis_hls"),
        module=None,
        passed_over="design size",
    )


FORMAT = ReportFormat(
    kind=KIND,
    mark=r"^== Design Size Report|^\s*<design_size\b",
    parse=parse,
)
