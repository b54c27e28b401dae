"""An estimate: LUT, FF, DSP, BRAM, latency and interval of a design and of each layer, with error bars and a domain.

Nothing here was measured on the design: every figure is of the stage `analytic`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from hlsflow import __version__
from hlsflow.estimation.cost import TARGETS, design_cost
from hlsflow.estimation.design import Design
from hlsflow.estimation.layer_cost import LayerCost
from hlsflow.estimation.model import Model, group_of, reasons_outside, weighed
from hlsflow.records.record import FigureRecord

TOOL = "hlsflow estimate"


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerEstimate:
    """One layer: LUT, FF, DSP and 18 Kb BRAM by name, latency and interval in cycles. It has no error bars."""

    name: str
    values: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """The whole design by target, the 80 % interval of each, the layers, and why the design is outside the domain."""

    values: Mapping[str, float]
    ranges: Mapping[str, tuple[float, float]]
    layers: tuple[LayerEstimate, ...]
    group: str
    outside: tuple[str, ...]

    @property
    def in_domain(self) -> bool:
        return not self.outside


def estimate(design: Design, model: Model) -> Estimate:
    """The estimate of a design."""
    cost = design_cost(design)
    group = group_of(design)
    values = {target: model.value(target, cost) for target in TARGETS}
    return Estimate(
        values=values,
        ranges={target: model.range(target, group, value) for target, value in values.items()},
        layers=tuple(layer_estimate(layer, model) for layer in (*cost.layers, cost.top)),
        group=group,
        outside=tuple(reasons_outside(design, model, group)),
    )


def layer_estimate(cost: LayerCost, model: Model) -> LayerEstimate:
    """One layer's share of the design's figures."""
    return LayerEstimate(
        name=cost.name,
        values={
            "lut": weighed(model.weights["lut"], cost.lut),
            "ff": weighed(model.weights["ff"], cost.ff),
            "dsp": cost.dsp,
            "bram_18k": cost.bram_18k,
            "latency_cycles": cost.latency_cycles,
            "interval_cycles": cost.interval_cycles,
        },
    )


def assumed_tool(design: Design) -> str:
    """The tool that an estimate is of: `Vitis HLS 2023.2`."""
    tool = "Vitis HLS" if design.target.tool_version >= (2020, 2) else "Vivado HLS"
    return f"{tool} {design.target.tool_version[0]}.{design.target.tool_version[1]}"


def figure_records(result: Estimate, design: Design) -> list[FigureRecord]:
    """The total and one record a layer, for a build's record."""
    target = design.target
    device = target.part.device
    notes = [f"estimated for C synthesis by {assumed_tool(design)}; ranges are 80 % intervals"]
    notes += [f"outside the calibrated domain: {reason}" for reason in result.outside]
    common = {
        "stage": "analytic", "tool": TOOL, "tool_version": __version__, "part": target.part.name, "source_file": None,
        "in_domain": result.in_domain, "clock_target_ns": target.clock_period_ns,
    }  # fmt: skip
    ranges = {_FIELDS[name]: [float(int(low)), float(ceil(high))] for name, (low, high) in result.ranges.items()}
    total = FigureRecord(
        **common, **_counts(result.values), ranges=ranges, notes=notes, lut_available=device.lut,
        ff_available=device.ff, dsp_available=device.dsp, bram_18k_available=device.bram_18k,
        uram_available=device.uram,
    )  # fmt: skip
    layers = [
        FigureRecord(**common, module=layer.name, **_counts(layer.values), notes=["a share of the total's estimate"])
        for layer in result.layers
    ]
    return [total, *layers]


_FIELDS = {
    "lut": "lut", "ff": "ff", "dsp": "dsp", "bram_18k": "bram_18k",
    "latency_cycles": "latency_max_cycles", "interval_cycles": "interval_max_cycles",
}  # fmt: skip


def _counts(values: Mapping[str, float]) -> dict[str, int]:
    """Whole numbers by the record's fields; no design that we build uses URAM."""
    return {_FIELDS[name]: round(value) for name, value in values.items()} | {"uram": 0}
