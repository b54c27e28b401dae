"""CSV that a spreadsheet takes for what it is: no cell that somebody else wrote becomes a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# OWASP's list of what begins a formula, and the full-width forms that some spreadsheets take for them.
_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def cell(value: Any) -> Any:
    """A value as it may stand in a cell: a text that a spreadsheet would compute gets a `'` before it.

    Numbers stay what they are, as a number or as its text.
    """
    if not isinstance(value, str) or _NUMBER.fullmatch(value):
        return value
    # Python's writer leaves a lone carriage return unquoted, and what follows it would begin a row
    text = value.replace("\r\n", "\n").replace("\r", "\n") if "\r" in value else value
    return f"'{text}" if _FORMULA.match(text) else text


def csv_text(records: Iterable[Mapping[str, Any]], names: Sequence[str]) -> str:
    """A header with `names`, and a line a record; what a record does not have is empty, and so is None."""
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow([cell(name) for name in names])
    for record in records:
        unknown = record.keys() - set(names)
        if unknown:
            raise ValueError(f"no column for {sorted(unknown)}")
        writer.writerow([cell(record.get(name, "")) for name in names])
    return content.getvalue()
