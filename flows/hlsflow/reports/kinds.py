"""Which format a report is, told by its content, and the reading of one file."""

from __future__ import annotations

import codecs
import dataclasses
import re
from pathlib import Path

from hlsflow.foundation.errors import ReportError
from hlsflow.foundation.strict_read import printable, read_bytes
from hlsflow.reports import tool_log
from hlsflow.reports.hls import (
    cosim,
    csim_log,
    csynth_rpt,
    csynth_summary,
    csynth_xml,
    design_size,
    export_rpt,
    export_xml,
)
from hlsflow.reports.report import HEAD_CHARACTERS, Report, ReportFormat
from hlsflow.reports.vivado import (
    passed_over,
    power,
    timing_path,
    timing_summary,
    utilization,
    utilization_hierarchical,
)

# Every format that is read, the first that fits. Of several reports of one run, the first here states most, and most
# exactly: its figures count.
FORMATS: tuple[ReportFormat, ...] = (
    csynth_xml.FORMAT,
    export_xml.FORMAT,
    csynth_rpt.FORMAT,
    csynth_summary.FORMAT,
    design_size.FORMAT,
    export_rpt.FORMAT,
    # before those that it is not
    passed_over.FORMAT,
    utilization.FORMAT,
    utilization_hierarchical.FORMAT,
    timing_summary.FORMAT,
    timing_path.FORMAT,
    power.FORMAT,
    cosim.FORMAT,
    csim_log.FORMAT,
    tool_log.FORMAT,
)
_BY_KIND = {each.kind: each for each in FORMATS}
_MARKS = [(each, re.compile(each.mark, re.MULTILINE)) for each in FORMATS]
# A file of such a name is meant to be a report: if its content is none, it is damaged or of an unknown layout.
_MEANT = re.compile("|".join(f"(?:{each.named})" for each in FORMATS if each.named))

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


def recognise(text: str) -> ReportFormat | None:
    """The format of a report, None where it is none of those that this package reads."""
    head = text[:HEAD_CHARACTERS]
    return next((each for each, mark in _MARKS if mark.search(head)), None)


def format_of(report: Report) -> ReportFormat:
    """The format that a report was read as."""
    return _BY_KIND[report.kind]


def rank_of(report: Report) -> int:
    """The place of a report's format among all: the figures of the lowest count."""
    return FORMATS.index(format_of(report))


def is_meant_as_report(path: Path) -> bool:
    """Whether a file's name promises a report."""
    return _MEANT.fullmatch(path.name) is not None


def parse(text: str) -> Report:
    """What a report of any known format states. Raises ReportError where it is of none, or cut off, or malformed."""
    found = recognise(text)
    if found is None:
        raise ReportError("empty file" if not text.strip() else "no report of Vivado, Vivado HLS or Vitis HLS")
    return found.parse(text)


def read(path: Path, shown_as: str | None = None) -> Report:
    """What one report file states, with the file in its provenance. Raises ReportError naming file and section."""
    return read_text(_load(path), shown_as or str(path))


def read_text(text: str, source_file: str) -> Report:
    """The same of a text that came from `source_file`."""
    try:
        report = parse(text)
    except ReportError as error:
        raise ReportError(f"{source_file}: {error.message}") from error
    # These name their top in the file name alone; `hls_run_csim.log` is a tool's own log.
    named = re.fullmatch(r"(.+)_(cosim|export|csim)\.(rpt|log|xml)", source_file.rsplit("/", 1)[-1])
    return dataclasses.replace(
        report,
        module=report.module or (named[1] if named and report.log is None else None),
        provenance=dataclasses.replace(report.provenance, source_file=source_file),
    )


def _load(path: Path) -> str:
    try:
        return decode(read_bytes(path))
    except OSError as error:
        raise ReportError(f"{path}: cannot be read: {error.strerror}") from error
