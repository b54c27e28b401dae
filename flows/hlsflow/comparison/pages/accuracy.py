"""How far the estimates of a page were off where the truth is known: the table of `docs/estimation.md`, folded away."""

from __future__ import annotations

from html import escape

from hlsflow.comparison.comparison import Comparison
from hlsflow.estimation.accuracy import TITLES, Accuracy, AccuracyTable, read_held_out
from hlsflow.estimation.cost import TARGETS

_CAPTIONS = {
    "group": "All designs, by kind",
    "strategy": "The modelled kinds, by strategy",
    "io_type": "The modelled kinds, by io_type",
    "tool": "The modelled kinds, by the tool that measured",
    "device": "The modelled kinds, by device",
}


def accuracy_html(comparison: Comparison) -> str:
    """The section, empty where no design has an estimate. It holds errors alone, no figure of any design."""
    if "analytic" not in comparison.stages:
        return ""
    found = read_held_out()
    lead = (
        f"Estimated and measured by C synthesis: {found.designs} designs of {found.repositories} public repositories. "
        "Each was estimated by constants that were fitted without its repository; the structure of the estimator was "
        "found with these very reports in view, so that other designs may fare worse."
    )
    key = (
        "The first number is the mean error, SMAPE (0 to 200 %). Below it: the median ratio of estimate to "
        "measurement, Spearman's rank correlation, and how many measurements lay inside their 80 % interval."
    )
    return (
        '<section aria-labelledby="accuracy-title"><details class="accuracy">'
        '<summary><h2 id="accuracy-title">How accurate are the estimates</h2></summary>'
        f"<p>{escape(lead)}</p><p>{escape(key)}</p>{''.join(map(_table, found.tables))}</details></section>"
    )


def _table(table: AccuracyTable) -> str:
    head = "".join(f'<th scope="col" class="n">{escape(word)}</th>' for word in ["designs", *map(TITLES.get, TARGETS)])
    body = "".join(
        f'<tr><th scope="row">{escape(row.name)}</th><td class="n">{row.designs}</td>'
        f"{''.join(map(_cell, row.targets))}</tr>"
        for row in table.rows
    )
    caption = escape(_CAPTIONS[table.trait])
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{caption}"><table><caption>{caption}</caption>'
        f'<thead><tr><th scope="col">designs that are</th>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _cell(found: Accuracy) -> str:
    said = [f"×{found.median_ratio:.2f}"] if found.median_ratio is not None else []
    said += [f"rank {found.spearman:.2f}"] if found.spearman is not None else []
    return (
        f'<td class="n">{found.smape_percent:.1f} %<small>{" · ".join(said)}</small>'
        f"<small>{found.coverage:.0%} inside</small></td>"
    )
