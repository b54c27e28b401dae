"""What stands below the page's table: where every figure comes from, and the tables that are printed."""

from __future__ import annotations

from html import escape

from hlsflow.comparison.comparability import sentences
from hlsflow.comparison.comparison import Comparison
from hlsflow.comparison.feasibility import sentences as bar_sentences
from hlsflow.comparison.tables import Cell, Table, tables
from hlsflow.comparison.text import clock_text, stage_title, tool_text


def provenance_html(comparison: Comparison) -> str:
    """A list of where every figure comes from, and of what speaks against comparing it."""
    items = []
    for row in comparison.rows:
        for item in row.measurements:
            figure = item.measurement.figure
            said = [tool_text(figure), figure.part or "part not stated"]
            said += [clock_text(figure.clock_target_ns)] if figure.clock_target_ns is not None else []
            lines = [f"not comparable with the baseline: {sentences(item.reasons)}"] if item.reasons else []
            lines += [f"on no front: {bar_sentences(item.barred)}"] if item.barred else []
            notes = [note for note in figure.notes if note not in item.measurement.contradictions]
            items.append(
                f"<tr><th scope='row'>{escape(row.design.name)}</th><td>{escape(stage_title(figure.stage))}</td>"
                f"<td>{escape(' · '.join(said))}</td><td class='path'>{escape(figure.source_file or 'not stated')}</td>"
                f"<td>{''.join(f'<p>{escape(line)}</p>' for line in lines)}{_folded(notes)}</td></tr>"
            )
    if not items:
        return ""
    head = "".join(f"<th scope='col'>{word}</th>" for word in ("design", "stage", "tool, part, clock", "file", "notes"))
    inner = f"<thead><tr>{head}</tr></thead><tbody>{''.join(items)}</tbody>"
    return f"<div class='scroll'><table class='plain'>{inner}</table></div>"


def _folded(notes: list[str]) -> str:
    if not notes:
        return ""
    text = "".join(f"<p>{escape(note)}</p>" for note in notes)
    return f"<details><summary>{len(notes)} note{'s' if len(notes) > 1 else ''} of the tool</summary>{text}</details>"


def printed_tables_html(comparison: Comparison) -> str:
    """A table for each stage: on paper they replace the columns of the stages, which no sheet is wide enough for."""
    return "".join(_table(table) for table in tables(comparison)[1:])


def _table(table: Table) -> str:
    aligned = [' class="n"' if right else "" for right in table.numeric]
    head = "".join(f"<th{how}>{escape(word)}</th>" for word, how in zip(table.header, aligned, strict=True))
    body = "".join(
        f"<tr>{''.join(_cell(cell, how) for cell, how in zip(row, aligned, strict=True))}</tr>" for row in table.rows
    )
    remarks = "".join(f"<li>{escape(remark)}</li>" for remark in table.remarks)
    return (
        f"<h3>{escape(table.title)}</h3><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        f"<ul class='remarks'>{remarks}</ul>"
    )


def _cell(cell: Cell, how: str) -> str:
    detail = f"<small>{escape(cell.detail)}</small>" if cell.detail else ""
    text = f"<b class='fail'>{escape(cell.text)}</b>" if cell.bad else escape(cell.text)
    return f"<td{how}>{text}{detail}</td>"
