"""What a stage after the gate leaves in its folder: figures, and one line that says what became of it.

It stands apart from `hlsflow.building.stages`, which joins results to records, so that a stage is made again for what
makes it and not for what is read or joined afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter

from hlsflow.foundation.errors import HlsflowError, ToolError
from hlsflow.foundation.workspace import write_text
from hlsflow.records.record import FigureRecord

FIGURES_FILE = "figures.json"
STATE_FILE = "state.txt"

# What calls a tool: its text counts in a stage's key, and not what it imports to join the result to a record.
WIRING = ("hlsflow.building.stages",)

FIGURES = TypeAdapter(list[FigureRecord])


class StageFailed(ToolError):
    """A stage that ended early. `figures` are what it found before, and `state` says how it ended: both are recorded.

    The exit code is that of the failure behind it.
    """

    def __init__(self, error: HlsflowError, *, figures: Sequence[FigureRecord], state: str) -> None:
        super().__init__(error.message, hint=error.hint)
        self.exit_code = error.exit_code
        self.figures = list(figures)
        self.state = state


def write_figures(folder: Path, figures: list[FigureRecord], state: str) -> None:
    """Writes a stage's result into its folder: the figures and one line that says what became of it."""
    write_text(folder / FIGURES_FILE, FIGURES.dump_json(figures, indent=1).decode() + "\n")
    write_text(folder / STATE_FILE, state + "\n")
