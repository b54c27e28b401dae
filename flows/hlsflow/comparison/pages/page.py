"""The comparison as one self-contained HTML page: `comparison.html`. It asks no host for anything."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html import escape
from importlib import resources

from hlsflow.comparison.comparison import Comparison
from hlsflow.comparison.markdown import legend
from hlsflow.comparison.metrics import METRICS
from hlsflow.comparison.pages.accuracy import accuracy_html
from hlsflow.comparison.pages.data import page_data
from hlsflow.comparison.pages.notes import printed_tables_html, provenance_html
from hlsflow.comparison.pages.table import table_html
from hlsflow.comparison.tables import tables
from hlsflow.comparison.text import stage_title, with_unit

# In this order: each uses what the ones before it define.
SCRIPTS = ("common.js", "table.js", "scatter.js", "bars.js", "main.js")


def page(comparison: Comparison) -> str:
    """The page as text. All that comes from a record or a report is escaped, and no script but ours may run."""
    style, script = _asset("page.css"), "".join(_asset(name) for name in SCRIPTS)
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    # "<" begins a tag, "</script>" included, wherever it stands in a script element
    data = json.dumps(page_data(comparison), ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    filled = {
        "policy": escape(policy),
        "style": style,
        "script": script,
        "data": data,
        "lead": _lead(comparison),
        "stages": _options(comparison.stages, [stage_title(stage) for stage in comparison.stages]),
        "parts": _options(*[_parts(comparison)] * 2),
        "table": table_html(comparison),
        "accuracy": accuracy_html(comparison),
        "provenance": provenance_html(comparison),
        "printed": printed_tables_html(comparison),
        "remarks": _remarks(comparison),
    }
    # one pass, so that nothing inside a value is taken for a place to fill
    return re.sub(r"\{\{(\w+)\}\}", lambda match: filled[match[1]], _asset("page.html"))


def _asset(name: str) -> str:
    return resources.files("hlsflow.comparison.pages").joinpath("template", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _lead(comparison: Comparison) -> str:
    count = len(comparison.rows)
    failed = sum(row.failed for row in comparison.rows)
    said = [
        f"{count} design{'s' if count != 1 else ''}",
        f"baseline <b>{escape(comparison.baseline)}</b>",
        f"★ Pareto-optimal in accuracy against <b>{escape(with_unit(METRICS[comparison.cost]))}</b>",
    ]
    if failed:
        said.insert(1, f'<b class="fail">{failed} failed the gate</b>')
    return " · ".join(said)


def _parts(comparison: Comparison) -> list[str]:
    parts = {row.design.part for row in comparison.rows}
    parts |= {item.measurement.figure.part for row in comparison.rows for item in row.measurements}
    return sorted(part for part in parts if part)


def _options(values: tuple[str, ...] | list[str], labels: list[str]) -> str:
    return "".join(
        f'<option value="{escape(value)}">{escape(label)}</option>' for value, label in zip(values, labels, strict=True)
    )


def _remarks(comparison: Comparison) -> str:
    # Those of the stages stand with the provenance of the figures.
    remarks = [*(line for line in legend(comparison) if line), *tables(comparison)[0].remarks]
    return "".join(f"<li>{escape(remark)}</li>" for remark in remarks)
