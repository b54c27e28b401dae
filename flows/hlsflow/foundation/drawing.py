"""Figures as PNG bytes, alike in colours and layout, and the same bytes from the same figure."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#1f5fa8", "#d9741a", "#9aa3ad"
DPI = 110
# Stems under more quantized values than this would cover a histogram.
FEW_VALUES = 50


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white")


def colours(count: int) -> list[tuple[float, ...]]:
    """Colours of so many lines, dark to light, apart for the colour-blind too (viridis)."""
    import matplotlib

    return [matplotlib.colormaps["viridis"](0.9 * index / max(1, count - 1)) for index in range(count)]


def tidy(axes: Axes, xlabel: str, ylabel: str) -> None:
    """Labels, a light grid, and no frame above and to the right."""
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e6e9ed", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8)


def png(figure: Figure) -> bytes:
    """The figure's bytes, without the version that matplotlib puts in: the same figure gives the same file."""
    content = io.BytesIO()
    figure.savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()
