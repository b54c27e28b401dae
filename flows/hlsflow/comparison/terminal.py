"""The comparison for a terminal: one table of the designs, one for each stage."""

from __future__ import annotations

from typing import TextIO

from hlsflow.comparison.comparison import Comparison
from hlsflow.comparison.markdown import legend
from hlsflow.comparison.tables import Cell, Table, tables
from hlsflow.foundation.log import paint

# What a terminal is not wide enough for; the other formats have it.
LEFT_OUT = frozenset(
    {
        "file",
        "of Keras",
        "target",
        "differing values",
        "file of weights (KiB)",
        "latency at target clock (ns)",
        "latency at achieved clock (ns)",
        "throughput at target clock (1/s)",
        "throughput at achieved clock (1/s)",
        "target clock (ns)",
    }
)


def terminal(comparison: Comparison, stream: TextIO) -> str:
    """The tables as aligned text, failures in red where `stream` shows colours."""
    parts = []
    for table in tables(comparison):
        parts += [paint(table.title, "bold", stream), *_lines(table, stream), ""]
        parts += [*(f"  {remark}" for remark in table.remarks), ""] if table.remarks else []
    parts += [line for line in legend(comparison) if line]
    return "\n".join(parts)


def _lines(table: Table, stream: TextIO) -> list[str]:
    columns = [index for index, word in enumerate(table.header) if word not in LEFT_OUT]
    words = [[table.header[index] for index in columns]]
    words += [[_text(row[index], index) for index in columns] for row in table.rows]
    widths = [max(len(line[place]) for line in words) for place in range(len(columns))]
    lines = []
    for number, line in enumerate(words):
        cells = []
        for place, index in enumerate(columns):
            text = line[place].rjust(widths[place]) if table.numeric[index] else line[place].ljust(widths[place])
            bad = number > 0 and table.rows[number - 1][index].bad
            cells.append(paint(text, "red" if bad else "dim", stream) if bad or number == 0 else text)
        lines.append(("  " + "  ".join(cells)).rstrip())
    return lines


def _text(cell: Cell, index: int) -> str:
    # the first column's detail is the title
    return cell.text if index == 0 or not cell.detail else f"{cell.text} ({cell.detail})"
