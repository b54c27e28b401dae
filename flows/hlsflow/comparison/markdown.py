"""The comparison as Markdown: `comparison.md`."""

from __future__ import annotations

import re

from hlsflow.comparison.comparison import Comparison
from hlsflow.comparison.metrics import METRICS, Subject
from hlsflow.comparison.tables import DIFFERS_MARK, OPTIMAL_MARK, Cell, Table, tables
from hlsflow.comparison.text import with_unit


def markdown(comparison: Comparison) -> str:
    """The comparison as Markdown. Failures are in bold and in red where the reader of Markdown shows colours."""
    parts = ["# Comparison", *(_escaped(line) for line in legend(comparison)), ""]
    for table in tables(comparison):
        parts += [f"## {_escaped(table.title)}", "", _table(table), ""]
        parts += [f"- {_escaped(remark)}" for remark in table.remarks]
        if table.remarks:
            parts.append("")
    if not comparison.stages:
        parts += ["## Resources and latency", "", no_figures(), ""]
    return "\n".join(parts)


def legend(comparison: Comparison) -> list[str]:
    """What the marks mean, in sentences."""
    cost = METRICS[comparison.cost]
    group = (
        "the same samples"
        if cost.subject is Subject.DESIGN
        else "the same samples, stage, tool, version, part and clock"
    )
    return [
        "",
        f"Baseline: {comparison.baseline}. Differences are from it; a row that may not be compared with it shows none "
        f"and is marked {DIFFERS_MARK} with the reason.",
        "",
        f"{OPTIMAL_MARK} Pareto-optimal in accuracy against {with_unit(cost)}, among rows of {group}: no other "
        "is as good in both and better in one. A row that is alone in its group is not marked; on no front is what "
        "failed its gate, does not fit its part, misses its clock, or is an estimate outside its domain.",
        "",
        'Accuracy is that of the C simulation. "-" is not measured. Columns that no row states are left out here; '
        "comparison.csv has all, and the notes of the tools.",
    ]


def no_figures() -> str:
    """What to do where no design has any figure of hardware."""
    return (
        "No design has figures of hardware yet. `hlsflow build --model NAME` estimates them; with `--synth open`, "
        "`--synth vitis` or `--synth vivado` it measures them. Reports of another project: "
        "`hlsflow compare NAME PATH`."
    )


def _table(table: Table) -> str:
    lines = [
        "| " + " | ".join(_escaped(word) for word in table.header) + " |",
        "|" + "|".join(" ---: " if right else " --- " for right in table.numeric) + "|",
    ]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in table.rows]
    return "\n".join(lines)


def _cell(cell: Cell) -> str:
    text = _escaped(cell.text)
    if cell.bad:
        text = f'<span style="color:#b3261e">**{text}**</span>'
    return f"{text}<br>{_escaped(cell.detail)}" if cell.detail else text


def _escaped(text: str) -> str:
    # What a title or a path may hold must neither end a cell nor become markup.
    text = " ".join(text.split())
    return re.sub(r"([\\|*_\[\]])", r"\\\1", text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
