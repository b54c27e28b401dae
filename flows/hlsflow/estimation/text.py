"""An estimate for a person: a table of layers, the total with its error bars, what part of the device that is."""

from __future__ import annotations

from typing import TextIO

from hlsflow.devices.catalogue import RESOURCES
from hlsflow.estimation.cost import TARGETS
from hlsflow.estimation.design import Design
from hlsflow.estimation.estimate import Estimate, assumed_tool
from hlsflow.foundation.log import paint

TITLES = {
    "lut": "LUT", "ff": "FF", "dsp": "DSP", "bram_18k": "BRAM 18K", "latency_cycles": "latency",
    "interval_cycles": "interval",
}  # fmt: skip


def estimate_text(result: Estimate, design: Design, stream: TextIO) -> str:
    """The table. Latency and interval in cycles; `80 %` are intervals that hold 8 of 10 measurements."""
    target = design.target
    rows = [["", *(TITLES[name] for name in TARGETS)]]
    for layer in result.layers:
        if any(layer.values[name] for name in TARGETS[:5]):
            rows.append([layer.name, *(f"{layer.values[name]:,.0f}" for name in TARGETS)])
    total = len(rows)
    rows.append(["total", *(f"{result.values[name]:,.0f}" for name in TARGETS)])
    rows.append(["80 %", *(f"{result.ranges[n][0]:,.0f}-{result.ranges[n][1]:,.0f}" for n in TARGETS)])
    shares = []
    for name in TARGETS:
        capacity = target.part.device.capacity(name) if name in RESOURCES else 0
        shares.append(f"{100 * result.values[name] / capacity:.0f} %" if capacity else "")
    rows.append([f"of {target.part.device.name}", *shares])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        f"Estimate (nothing measured) for C synthesis by {assumed_tool(design)}: {target.part.name}, "
        f"{target.clock_period_ns:g} ns, {'io_stream' if target.io_stream else 'io_parallel'}"
    ]
    for index, row in enumerate(rows):
        if index in (1, total):
            lines.append("  " + "-" * (sum(widths) + 2 * len(widths) - 2))
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  " + "  ".join(cells).rstrip())
    if result.in_domain:
        lines.append(f"In domain: like the designs of the group '{result.group}' that it was calibrated on.")
    else:
        lines += [f"{paint('outside the domain:', 'yellow', stream)} {reason}" for reason in result.outside]
    return "\n".join(lines)
