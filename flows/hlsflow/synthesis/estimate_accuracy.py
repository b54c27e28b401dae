"""How far estimates are off: SMAPE, median ratio, rank correlation and coverage, over all designs and parts of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hlsflow.synthesis.estimate_cost import TARGETS
from hlsflow.synthesis.estimate_fit import Prediction
from hlsflow.synthesis.estimate_table import Row


@dataclass(frozen=True, kw_only=True, slots=True)
class Accuracy:
    """One target over some designs. `smape_percent` is 0 to 200; `median_ratio` is estimate to measurement, over those
    measured above 0; `spearman` is None below 3 designs or where all are alike; `coverage` is the share of measurements
    inside their 80 % interval, whole numbers at the ends included."""

    target: str
    designs: int
    smape_percent: float
    median_ratio: float | None
    spearman: float | None
    coverage: float


def smape_percent(estimated: Sequence[float], measured: Sequence[float]) -> float:
    """The mean of 200 |p - y| / (|p| + |y|); a pair of zeros is no error."""
    terms = [200 * abs(p - y) / (abs(p) + abs(y)) if p or y else 0.0 for p, y in zip(estimated, measured, strict=True)]
    return sum(terms) / len(terms)


def accuracy(target: str, predictions: Sequence[Prediction]) -> Accuracy:
    """The accuracy of one target."""
    import numpy as np

    # An estimate is given in whole LUTs and cycles.
    estimated = [float(round(p.values[target])) for p in predictions]
    measured = [p.row.measured[target] for p in predictions]
    ratios = [p / y for p, y in zip(estimated, measured, strict=True) if y]
    inside = [int(p.ranges[target][0]) <= p.row.measured[target] <= np.ceil(p.ranges[target][1]) for p in predictions]
    return Accuracy(
        target=target,
        designs=len(predictions),
        smape_percent=smape_percent(estimated, measured),
        median_ratio=float(np.median(ratios)) if ratios else None,
        spearman=_spearman(estimated, measured),
        coverage=float(np.mean(inside)),
    )


def _spearman(a: Sequence[float], b: Sequence[float]) -> float | None:
    import numpy as np
    from scipy.stats import rankdata

    if len(a) < 3 or len(set(a)) == 1 or len(set(b)) == 1:
        return None
    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])


def _tool(row: Row) -> str:
    return {"vivado": "Vivado HLS to 2020.1", "vitis": "Vitis HLS 2020.2 to 2021", "vitis-2022": "Vitis HLS from 2022"}[
        str(row.traits["tool"])
    ]


_GROUPS = {
    "parallel": "dense, io_parallel", "stream": "io_stream (mostly convolutional)",
    "conv_parallel": "convolutional, io_parallel", "other": "with layers that are not modelled (LSTM, GRU, attention)",
}  # fmt: skip
_SLICES: tuple[tuple[str, Callable[[Row], str]], ...] = (
    ("group", lambda row: _GROUPS[row.group]),
    ("strategy", lambda row: str(row.traits["strategy"])),
    ("io_type", lambda row: str(row.traits["io_type"])),
    ("tool", _tool),
    ("device", lambda row: str(row.traits["device"])),
)
_TITLES = {
    "lut": "LUT", "ff": "FF", "dsp": "DSP", "bram_18k": "BRAM 18K", "latency_cycles": "latency",
    "interval_cycles": "interval",
}  # fmt: skip


def accuracy_markdown(predictions: Sequence[Prediction]) -> str:
    """The tables: by group over all, then the modelled groups by strategy, io type, tool and device."""
    lines = []
    for title, key in _SLICES:
        chosen = [p for p in predictions if title == "group" or p.row.group in ("parallel", "stream")]
        lines += [f"### By {title}", "", "| | designs | " + " | ".join(_TITLES[t] for t in TARGETS) + " |"]
        lines.append("|---|---|" + "---|" * len(TARGETS))
        for name in sorted({key(p.row) for p in chosen}):
            members = [p for p in chosen if key(p.row) == name]
            cells = [_cell(accuracy(target, members)) for target in TARGETS]
            lines.append(f"| {name} | {len(members)} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def _cell(found: Accuracy) -> str:
    ratio = "-" if found.median_ratio is None else f"{found.median_ratio:.2f}"
    rank = "-" if found.spearman is None else f"{found.spearman:.2f}"
    return f"**{found.smape_percent:.1f}** {ratio} {rank} {found.coverage:.0%}"


def accuracy_text(predictions: Sequence[Prediction]) -> list[str]:
    """The table for a terminal: a line a group and target."""
    lines = [f"{'':44} {'designs':>7} {'SMAPE %':>8} {'ratio':>6} {'rank':>6} {'covered':>8}"]
    for group, title in _GROUPS.items():
        members = [p for p in predictions if p.row.group == group]
        for target in TARGETS if members else ():
            found = accuracy(target, members)
            ratio = "-" if found.median_ratio is None else f"{found.median_ratio:.2f}"
            rank = "-" if found.spearman is None else f"{found.spearman:.2f}"
            label = f"{title[:32]}: {_TITLES[target]}"
            lines.append(
                f"{label:44} {found.designs:7} {found.smape_percent:8.1f} {ratio:>6} {rank:>6} {found.coverage:8.0%}"
            )
    return lines
