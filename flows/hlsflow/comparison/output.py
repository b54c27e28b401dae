"""The files of a comparison: written whole, or checked against what is there."""

from __future__ import annotations

from pathlib import Path

from hlsflow.comparison.comparison import Comparison
from hlsflow.comparison.csv_rows import csv_text
from hlsflow.comparison.markdown import markdown
from hlsflow.comparison.pages.page import page
from hlsflow.foundation.errors import ReportError
from hlsflow.foundation.workspace import write_text


def contents(comparison: Comparison) -> dict[str, str]:
    """The text of every file by its name. The same comparison gives the same bytes."""
    return {
        "comparison.md": markdown(comparison),
        "comparison.csv": csv_text(comparison),
        "comparison.json": comparison.to_json(),
        "comparison.html": page(comparison),
    }


def write(comparison: Comparison, folder: Path) -> list[Path]:
    """Writes comparison.md, .csv, .json and .html and gives their paths. Raises StorageError."""
    paths = []
    for name, text in contents(comparison).items():
        write_text(folder / name, text)
        paths.append(folder / name)
    return paths


def check(comparison: Comparison, folder: Path) -> None:
    """Raises ReportError naming the files that are missing or differ from what `write` would write."""
    differing = []
    for name, text in contents(comparison).items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != text.encode("utf-8"):
            differing.append(str(path))
    if differing:
        raise ReportError(f"out of date: {', '.join(differing)}", hint="hlsflow compare writes them again")
