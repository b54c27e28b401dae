"""The one table: every point of every sweep, accuracy against size, exactness, area and latency."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hlsflow.exploring import table
from hlsflow.exploring.models import SweepModels
from hlsflow.exploring.row import Row
from hlsflow.foundation.workspace import Workspace, write_text


def write_methods(workspace: Workspace, found: Sequence[tuple[SweepModels, Sequence[Row]]]) -> Path:
    """Writes `reports/methods.md` and `.csv` from the rows of all sweeps, and gives the first."""
    rows = [row for _, some in found for row in some]
    lines = [
        "# Every compression method, carried to the same hardware report",
        "",
        "Written by `python flows/sweep.py --all`; do not edit.",
        "",
        *table.legend(rows),
    ]
    for models, some in found:
        name = models.sweep.spec.name
        lines += ["", f"## {models.sweep.spec.title}", ""]
        lines += [f"All figures: [sweeps/{name}](sweeps/{name}/table.md).", ""] if some else []
        lines += table.brief(some) if some else ["Not run yet."]
    path = workspace.reports / "methods.md"
    write_text(path.with_suffix(".csv"), table.csv_text(rows))
    write_text(path, "\n".join(lines) + "\n")
    return path
