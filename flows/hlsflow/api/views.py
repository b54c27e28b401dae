"""Results as a notebook shows them: the value itself, and HTML that says what the report says."""

from __future__ import annotations

import html
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hlsflow.building.on_board import OnBoard
    from hlsflow.building.pipeline import BuildResult
    from hlsflow.comparison.comparison import Comparison
    from hlsflow.estimation.design import Design
    from hlsflow.estimation.estimate import Estimate
    from hlsflow.foundation.arrays import Array
    from hlsflow.hls.lint import Linted
    from hlsflow.records.record import BuildRecord
    from hlsflow.reports.run import Discovery


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """An HTML table of texts; what is None is not known, and shown so."""

    def cell(value: Any) -> str:
        text = "-" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
        return f"<td style='text-align:left'>{html.escape(text)}</td>"

    head = "".join(f"<th style='text-align:left'>{html.escape(name)}</th>" for name in header)
    body = "".join(f"<tr>{''.join(map(cell, row))}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


@dataclass(frozen=True, slots=True)
class BuiltView:
    """The result of a build."""

    result: BuildResult

    @property
    def record(self) -> BuildRecord:
        """What is known of the design."""
        return self.result.record

    @property
    def exact(self) -> bool:
        """Whether the hardware's outputs may be called exact."""
        return self.result.record.exact

    def __repr__(self) -> str:
        from hlsflow.records.report import summary

        return summary(self.record, self.result.record_path, self.result.project, io.StringIO())

    def _repr_html_(self) -> str:
        from hlsflow.records.report import FIGURE_COLUMNS, NOT_MEASURED, figure_rows, summary_rows

        record = self.record
        head = html.escape(f"{record.name}: {record.title}")
        said = summary_rows(record, self.result.record_path, self.result.project, io.StringIO())
        figures = figure_rows(record)
        below = table(FIGURE_COLUMNS, figures) if figures else f"<p>{NOT_MEASURED}</p>"
        return f"<h4>{head}</h4>{table(('', ''), said)}{below}"


@dataclass(frozen=True, slots=True)
class LintedView:
    """Every layer's effective types, and what there is to say about them."""

    linted: Linted

    def __repr__(self) -> str:
        from hlsflow.records.report import types_table

        said = "\n".join(f"{item.severity}: {item}" for item in self.linted.complaints)
        return types_table(self.linted.layers) + (f"\n{said}" if said else "")

    def _repr_html_(self) -> str:
        rows = [
            (layer.node.name, ", ".join(f"{role} {type_}" for role, type_ in layer.types.items()), layer.proof)
            for layer in self.linted.layers
        ]
        said = [(str(item.severity), item.path, item.message) for item in self.linted.complaints]
        return table(("layer", "types", "proof"), rows) + (table(("finding", "key", "message"), said) if said else "")


@dataclass(frozen=True, slots=True)
class EstimatedView:
    """What a design is estimated to cost; never a measurement."""

    result: Estimate
    design: Design

    def __repr__(self) -> str:
        from hlsflow.estimation.text import estimate_text

        return estimate_text(self.result, self.design, io.StringIO())

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"


@dataclass(frozen=True, slots=True)
class OnBoardView:
    """What a board, or a simulated one, gave."""

    result: OnBoard

    @property
    def outputs(self) -> Array:
        """Its outputs, int64 (n, n_out) in LSBs of the output's type."""
        return self.result.checked.outputs

    def __repr__(self) -> str:
        return "\n".join([self.result.summary, *self.result.figure.notes])

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"


@dataclass(frozen=True, slots=True)
class ParsedView:
    """The runs that were found in vendor reports."""

    discovery: Discovery

    def __repr__(self) -> str:
        from rich.console import Console

        from hlsflow.reports.run_table import print_runs

        out = io.StringIO()
        print_runs(Console(file=out, width=200, highlight=False), list(self.discovery.runs))
        unread = "".join(f"unreadable: {item.source_file}: {item.message}\n" for item in self.discovery.failures)
        return out.getvalue() + unread

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"


@dataclass(frozen=True, slots=True)
class ComparedView:
    """Designs side by side, and which sources could not be read."""

    comparison: Comparison
    failures: tuple[Any, ...] = ()

    def __repr__(self) -> str:
        from hlsflow.comparison.terminal import terminal

        unread = "".join(f"\nunreadable: {item.source_file}: {item.message}" for item in self.failures)
        return terminal(self.comparison, io.StringIO()) + unread

    def _repr_html_(self) -> str:
        from hlsflow.comparison.pages.page import page

        whole = html.escape(page(self.comparison), quote=True)
        return f"<iframe srcdoc=\"{whole}\" style='width:100%;height:42em;border:0'></iframe>"
