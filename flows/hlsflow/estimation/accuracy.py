"""How far estimates are off: SMAPE, median ratio, rank correlation and coverage, over all designs and parts of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hlsflow.estimation.bars import FITTED_GROUPS, covers
from hlsflow.estimation.cost import TARGETS
from hlsflow.foundation.errors import ReportError

if TYPE_CHECKING:
    from hlsflow.estimation.calibration import Prediction
    from hlsflow.estimation.table import Row

ACCURACY_FILE = Path(__file__).parent / "data" / "accuracy.json"


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
    inside = [covers(p.ranges[target], p.row.measured[target]) for p in predictions]
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


GROUPS = {
    "parallel": "dense, io_parallel",
    "parallel_resource": "single dense layers, io_parallel, resource (10 of recurrent designs, 62 synthetic)",
    "stream": "io_stream (mostly convolutional)",
    "conv_parallel": "convolutional, io_parallel", "other": "with layers that are not modelled (LSTM, GRU, attention)",
}  # fmt: skip
_SLICES: tuple[tuple[str, Callable[[Row], str]], ...] = (
    ("group", lambda row: GROUPS[row.group]),
    ("strategy", lambda row: str(row.traits["strategy"])),
    ("io_type", lambda row: str(row.traits["io_type"])),
    ("tool", _tool),
    ("device", lambda row: str(row.traits["device"])),
)
TITLES = {
    "lut": "LUT", "ff": "FF", "dsp": "DSP", "bram_18k": "BRAM 18K", "latency_cycles": "latency",
    "interval_cycles": "interval",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class AccuracyRow:
    """Some designs by what they have in common, and the accuracy of every target over them, in the order of TARGETS."""

    name: str
    designs: int
    targets: tuple[Accuracy, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class AccuracyTable:
    """The designs parted by one trait: `group`, `strategy`, `io_type`, `tool` or `device`."""

    trait: str
    rows: tuple[AccuracyRow, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldOut:
    """How far estimates were off on `designs` designs of `repositories` repositories, each left out of its own fit."""

    designs: int
    repositories: int
    tables: tuple[AccuracyTable, ...]


def held_out(predictions: Sequence[Prediction]) -> HeldOut:
    """The tables: by group over all, then the modelled groups by strategy, io type, tool and device."""
    tables = []
    for trait, key in _SLICES:
        chosen = [p for p in predictions if trait == "group" or p.row.group in FITTED_GROUPS]
        parts = {name: [p for p in chosen if key(p.row) == name] for name in sorted({key(p.row) for p in chosen})}
        rows = [
            AccuracyRow(name=name, designs=len(part), targets=tuple(accuracy(target, part) for target in TARGETS))
            for name, part in parts.items()
        ]
        tables.append(AccuracyTable(trait=trait, rows=tuple(rows)))
    return HeldOut(
        designs=sum(p.row.group != "parallel_resource" for p in predictions),
        repositories=len({p.row.repository for p in predictions if p.row.group != "parallel_resource"}),
        tables=tuple(tables),
    )


def accuracy_markdown(tables: Sequence[AccuracyTable]) -> str:
    """The tables with a heading each."""
    lines = []
    for table in tables:
        lines += [f"### By {table.trait}", "", "| | designs | " + " | ".join(TITLES[t] for t in TARGETS) + " |"]
        lines.append("|---|---|" + "---|" * len(TARGETS))
        lines += [f"| {row.name} | {row.designs} | {' | '.join(map(_cell, row.targets))} |" for row in table.rows]
        lines.append("")
    return "\n".join(lines)


def _cell(found: Accuracy) -> str:
    ratio = "-" if found.median_ratio is None else f"{found.median_ratio:.2f}"
    rank = "-" if found.spearman is None else f"{found.spearman:.2f}"
    return f"**{found.smape_percent:.1f}** {ratio} {rank} {found.coverage:.0%}"


def held_out_text(found: HeldOut) -> str:
    """The file of a HeldOut, with fixed digits."""
    said = asdict(found)
    for table in said["tables"]:
        for row in table["rows"]:
            for target in row["targets"]:
                target |= {key: round(value, 4) for key, value in target.items() if isinstance(value, float)}
    return json.dumps(said, indent=1) + "\n"


def read_held_out(path: Path = ACCURACY_FILE) -> HeldOut:
    """The accuracy that a calibration wrote. Raises ReportError where the file is damaged or absent."""
    try:
        said = json.loads(path.read_text())
        tables = [
            AccuracyTable(
                trait=table["trait"],
                rows=tuple(
                    AccuracyRow(
                        name=row["name"],
                        designs=row["designs"],
                        targets=tuple(Accuracy(**target) for target in row["targets"]),
                    )
                    for row in table["rows"]
                ),
            )
            for table in said["tables"]
        ]
        return HeldOut(designs=said["designs"], repositories=said["repositories"], tables=tuple(tables))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReportError(f"{path}: not an accuracy: {error!r}", hint="make it anew: hlsflow calibrate") from error


def accuracy_text(predictions: Sequence[Prediction]) -> list[str]:
    """The table for a terminal: a line a group and target."""
    lines = [f"{'':44} {'designs':>7} {'SMAPE %':>8} {'ratio':>6} {'rank':>6} {'covered':>8}"]
    for group, title in GROUPS.items():
        members = [p for p in predictions if p.row.group == group]
        for target in TARGETS if members else ():
            found = accuracy(target, members)
            ratio = "-" if found.median_ratio is None else f"{found.median_ratio:.2f}"
            rank = "-" if found.spearman is None else f"{found.spearman:.2f}"
            label = f"{title[:32]}: {TITLES[target]}"
            lines.append(
                f"{label:44} {found.designs:7} {found.smape_percent:8.1f} {ratio:>6} {rank:>6} {found.coverage:8.0%}"
            )
    return lines
