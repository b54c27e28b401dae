"""A sweep's pictures: one column against another, a line for each value of a third."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean
from typing import Any

from hlsflow.exploring.row import Row
from hlsflow.exploring.spec import PlotSpec
from hlsflow.foundation import drawing

_LABELS = {
    "accuracy": "test accuracy (%)", "size_bytes": "weights file (bytes)", "parameter_count": "parameters",
    "lut": "LUT (estimate)", "ff": "FF (estimate)", "dsp": "DSP (estimate)", "bram_18k": "BRAM 18K (estimate)",
    "latency_cycles": "latency (cycles, estimate)", "interval_cycles": "interval (cycles, estimate)",
}  # fmt: skip
_MARKERS = "os^Dv<>Pp*hX"


def plot(spec: PlotSpec, rows: Sequence[Row]) -> bytes:
    """The picture as PNG bytes. Rows without one of the values are left out; equal x are averaged (seeds)."""
    series: dict[Any, dict[Any, list[float]]] = {}
    for row in rows:
        if spec.points is not None and row.family not in spec.points:
            continue
        x, y = row.value(spec.x), row.value(spec.y)
        if x is None or y is None:
            continue
        line = None if spec.series is None else row.value(spec.series)
        series.setdefault(line, {}).setdefault(x, []).append(100 * y if spec.y == "accuracy" else y)
    if all(isinstance(line, int | float) for line in series):
        series = dict(sorted(series.items()))
    figure = drawing.new_figure(6.4, 4.0)
    axes = figure.subplots()
    colours = drawing.colours(len(series))
    for index, (line, points) in enumerate(series.items()):
        xs = list(points)
        if all(isinstance(x, int | float) for x in xs):
            xs.sort()
        label = None if spec.series is None else f"{spec.series} {line}"
        axes.plot(
            [x if isinstance(x, int | float) else str(x) for x in xs],
            [mean(points[x]) for x in xs],
            marker=_MARKERS[index % len(_MARKERS)],
            color=colours[index],
            linewidth=1.4,
            markersize=4,
            label=label,
        )
    if spec.log_x:
        axes.set_xscale("log", base=2)
    if spec.log_y:
        axes.set_yscale("log")
    drawing.tidy(axes, _LABELS.get(spec.x, spec.x.replace("_", " ")), _LABELS.get(spec.y, spec.y.replace("_", " ")))
    if spec.series is not None and series:
        axes.legend(frameon=False, fontsize=8)
    figure.suptitle(spec.title, fontsize=11)
    return drawing.png(figure)
