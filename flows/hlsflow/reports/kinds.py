"""Which format a report is, told by its content, and the reading of one file."""

from __future__ import annotations

import codecs
import dataclasses
import importlib
import re
from pathlib import Path

from hlsflow.foundation.errors import ReportError
from hlsflow.foundation.strict_read import printable, read_bytes
from hlsflow.reports.report import Kind, Report

PARSERS = {
    Kind.CSYNTH_RPT: "hls.csynth_rpt",
    Kind.CSYNTH_XML: "hls.csynth_xml",
    Kind.CSYNTH_SUMMARY: "hls.csynth_summary",
    Kind.DESIGN_SIZE: "hls.design_size",
    Kind.UTILIZATION: "vivado.utilization",
    Kind.UTILIZATION_HIERARCHICAL: "vivado.utilization_hierarchical",
    Kind.TIMING_SUMMARY: "vivado.timing_summary",
    Kind.TIMING_PATH: "vivado.timing_path",
    Kind.POWER: "vivado.power",
    Kind.EXPORT_RPT: "hls.export_rpt",
    Kind.EXPORT_XML: "hls.export_xml",
    Kind.COSIM: "hls.cosim",
    Kind.CSIM_LOG: "hls.csim_log",
    Kind.TOOL_LOG: "tool_log",
}

HEAD_CHARACTERS = 8192
# In this order, on the first HEAD_CHARACTERS of a file.
MARKS = (
    (Kind.CSYNTH_RPT, r"^== (Vivado|Vitis) HLS Report for '"),
    (Kind.CSYNTH_SUMMARY, r"^== Synthesis Summary Report of '"),
    (Kind.DESIGN_SIZE, r"^== Design Size Report|^\s*<design_size\b"),
    (Kind.EXPORT_RPT, r"^== Vivado (RTL Synthesis|Place & Route) Results|^Implementation tool: +Xilinx Vivado"),
    (Kind.UTILIZATION_HIERARCHICAL, r"\A(?s:.)*^\| Tool Version(?s:.)*^\d+\. Utilization by Hierarchy"),
    (Kind.UTILIZATION, r"\A(?s:.)*^\| Tool Version(?s:.)*^Utilization Design Information"),
    (Kind.TIMING_SUMMARY, r"\A(?s:.)*^\| Tool Version(?s:.)*^Timing Summary Report"),
    (Kind.TIMING_PATH, r"\A(?s:.)*^\| Tool Version(?s:.)*^Timing Report$"),
    (Kind.POWER, r"\A(?s:.)*^\| Tool Version(?s:.)*^Power Report"),
    (Kind.COSIM, r"\A(?s:.)*^Report time +:(?s:.)*^\+ +RTL +\+"),
    (Kind.CSYNTH_XML, r"\A\s*(<\?xml[^>]*>\s*)?<profile>(?s:.)*<UserAssignments>"),
    (Kind.EXPORT_XML, r"\A\s*(<\?xml[^>]*>\s*)?<profile>(?s:.)*<TimingReport>"),
    (Kind.CSIM_LOG, r"\A\s*INFO: \[SIM (211-)?\d+\] "),
    (
        Kind.TOOL_LOG,
        r"^\s*(\*{6} )?(Vitis HLS|Vivado\(TM\) HLS|Vivado|Vitis) (- High-Level|v?\.?\d{4}\.)|"
        r"^(INFO:|@I) \[HLS[ \d]*-10\] Running '",
    ),
)
COMPILED_MARKS = tuple((kind, re.compile(mark, re.MULTILINE)) for kind, mark in MARKS)

# A file of such a name is meant to be a report: if its content is none, it is damaged or of an unknown layout.
MEANT = re.compile(
    r"((.*_)?csynth.*|vivado_synth.*|.*_utilization_.*|.*_cosim|.*_export|export_(syn|impl))\.(rpt|xml)|(vitis|vivado)_hls\.log"
)
TEXT_ENCODINGS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def decode(data: bytes) -> str:
    """The text of a report in UTF-8, UTF-16 (with or without its mark) or Latin-1, with `\\n` line ends.

    A report's names and messages are shown on terminals, so its control characters are `?`.
    """
    encoding = next((name for mark, name in TEXT_ENCODINGS.items() if data.startswith(mark)), None)
    if encoding is None and data[1:64:2].count(0) > 16:
        encoding = "utf-16-le"
    try:
        text = data.decode(encoding or "utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return printable(text.replace("\r\n", "\n").replace("\r", "\n"))


def recognise(text: str) -> Kind | None:
    """The format of a report, None where it is none of those that this package reads."""
    head = text[:HEAD_CHARACTERS]
    return next((kind for kind, mark in COMPILED_MARKS if mark.search(head)), None)


def is_meant_as_report(path: Path) -> bool:
    """Whether a file's name promises a report."""
    return MEANT.fullmatch(path.name) is not None


def parse(text: str) -> Report:
    """What a report of any known format states. Raises ReportError where it is of none, or cut off, or malformed."""
    kind = recognise(text)
    if kind is None:
        raise ReportError("empty file" if not text.strip() else "no report of Vivado, Vivado HLS or Vitis HLS")
    return importlib.import_module(f"hlsflow.reports.{PARSERS[kind]}").parse(text)


def read(path: Path, shown_as: str | None = None) -> Report:
    """What one report file states, with the file in its provenance. Raises ReportError naming file and section."""
    return read_text(_load(path), shown_as or str(path))


def read_text(text: str, source_file: str) -> Report:
    """The same of a text that came from `source_file`."""
    try:
        report = parse(text)
    except ReportError as error:
        raise ReportError(f"{source_file}: {error.message}") from error
    # These name their top in the file name alone.
    named = re.fullmatch(r"(.+)_(cosim|export|csim)\.(rpt|log|xml)", source_file.rsplit("/", 1)[-1])
    return dataclasses.replace(
        report,
        module=report.module or (named[1] if named else None),
        provenance=dataclasses.replace(report.provenance, source_file=source_file),
    )


def _load(path: Path) -> str:
    try:
        return decode(read_bytes(path))
    except OSError as error:
        raise ReportError(f"{path}: cannot be read: {error.strerror}") from error
