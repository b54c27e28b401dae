"""The estimator's constants and error bars, `data/model.json`: made by `hlsflow calibrate` of `calibration.csv`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import exp, log1p
from pathlib import Path

from hlsflow.estimation.bounds import CONFIDENCES, Bound, Bounds
from hlsflow.estimation.cost import FITTED, TARGETS, DesignCost
from hlsflow.estimation.design import Design, Kind
from hlsflow.foundation.errors import ReportError

MODEL_FILE = Path(__file__).parent / "data" / "model.json"

# What one unit of a feature costs by itself: a LUT for an adder's or a selection's bit, a register for a bit that
# crosses a cut, a cycle for a stage. A fit moves these only as far as the data demand (see `calibration`). Those that
# are no plain unit were read off reports' expression tables, as the comments say.
UNITS: Mapping[str, Mapping[str, float]] = {
    "lut": {
        "adder": 1.0, "shift_add": 1.0, "fabric_multiplier": 1.2, "sharing": 1.0,
        "delay_line": 0.15,  # a shift register of several stages is one LUT a bit
        "dsp_wrapper": 5.0,  # `mul_16s_10ns_26_1_1`: 1 DSP, 5 LUT
        "vivado_adder": 2.0,  # `add` of 16 bits: 18 LUT
        "vitis_2022_adder": 4.0,  # `add` and `sub`: 7 LUT more than their bits, or none where two are one ternary one
        "output_select": 13.0,  # `ap_return` of Vitis 2021: a multiplexer of 9 to 14 LUT each
        "relu": 1.0, "softmax": 150.0, "softmax_fabric": 210.0,  # subtraction, sum and product of 18 bits a value
        "table": 8.0, "compare": 1.0, "merge": 1.0, "top": 1.0, "fifo": 1.0, "channel": 1.0, "stream_port": 1.0,
        "window": 1.0, "stream_control": 108.0,  # `relu` of 4, 8, 16, 32 and 64 channels: 108 LUT and 47 a channel
        "stream_compare": 6.0,  # seven pooling modules of 2019.2 and 2020.1: 112 LUT a maximum of 16 bits
        "stream_softmax": 150.0,
        "line": 1.0, "resource_rom": 1.0, "resource_fabric": 0.7,
        # Ten dense modules of three designs in Vivado HLS 2019.2: `mux` 273 LUT, `phi_mux` 9 and 15.
        "folded_mux": 273.0, "folded_input": 36.0, "folded_adder": 1.25, "folded_output": 18.0, "folded_choice": 20.0,
        # hls4ml's synthesis test of a Conv2D, 49 positions, 32 filters: 16 LUT in Vivado HLS 2020.1, 8 in Vitis 2024.1.
        "conv_result": 12.0,
        "resource_multiplier": 5.0, "resource_input": 2.0, "resource_select": 0.02, "resource_accumulator": 3.0,
        "saturation": 6.0,  # of every sum: rounding, two comparisons, two selections
    },
    "ff": {
        "cut": 0.6, "cut_per_interval": 0.5, "chain": 1.0, "chain_per_interval": 1.0, "ports": 1.0, "layer_out": 1.0,
        "softmax": 1.0, "input": 1.0, "shared": 1.0, "fifo": 1.0, "channel": 1.0, "stream_port": 1.0,
        "window": 1.0, "table": 1.0,
        "resource_multiplier": 1.0, "resource_accumulator": 2.0, "resource_input": 2.0,
        "conv_result": 1.0, "folded_input": 2.0, "folded_output": 1.0, "folded_multiplier": 1.0,
        "stream_compare": 2.0,  # the same modules: a maximum keeps its operands on their way down the tree
    },
    "latency_cycles": {"layers": 1.0, "turns": 1.0, "calls": 0.7, "calls_vitis_2021": 1.3, "slowest": 1.0, "fill": 4.0},
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """Weights by target and feature, the error bars by group and target, and what the calibration covers.

    Error bars are logarithms of the ratio of measurement to estimate: both ends of the 80 % interval, and what a
    resource stays below with each of the confidences.
    """

    weights: Mapping[str, Mapping[str, float]]
    errors: Mapping[str, Mapping[str, tuple[float, float]]]
    upper: Bounds
    domain: Mapping[str, Mapping[str, list]]
    designs: int
    own_designs: int = 0

    def value(self, target: str, cost: DesignCost) -> float:
        """The estimate of a target for a whole design."""
        if target in FITTED:
            return weighed(self.weights[target], cost.features[target])
        return cost.computed[target]

    def range(self, target: str, group: str, value: float) -> tuple[float, float]:
        """The 80 % interval around an estimate."""
        low, high = self.bars(target, group)
        return max(0.0, exp(log1p(value) + low) - 1), exp(log1p(value) + high) - 1

    def bars(self, target: str, group: str) -> tuple[float, float]:
        """A group's error bars; the widest of all groups where this one was not calibrated."""
        own = [self.errors[name][target] for name in _alike(group) if target in self.errors.get(name, {})]
        known = own or [errors[target] for errors in self.errors.values() if target in errors]
        return min(bar[0] for bar in known), max(bar[1] for bar in known)

    def upper_bound(self, resource: str, group: str, confidence: float) -> Bound:
        """What the error of a resource stays below with a confidence, one of CONFIDENCES; the widest as for `bars`."""
        place = CONFIDENCES.index(confidence)
        own = [self.upper[name][resource][place] for name in _alike(group) if name in self.upper]
        known = own or [bounds[resource][place] for bounds in self.upper.values()]
        held = [bound.held for bound in known if bound.held is not None]
        return Bound(
            log_ratio=max(bound.log_ratio for bound in known), held=min(held) if len(held) == len(known) else None
        )

    def bound(self, resource: str, group: str, value: float, confidence: float) -> float:
        """What a resource with this estimate stays below with a confidence, one of CONFIDENCES."""
        return exp(log1p(value) + self.upper_bound(resource, group, confidence).log_ratio) - 1


def _alike(group: str) -> tuple[str, ...]:
    """`parallel_resource` was calibrated on single layers; around them stand what `parallel` designs are made of."""
    return ("parallel", "parallel_resource") if group == "parallel_resource" else (group,)


def weighed(weights: Mapping[str, float], features: Mapping[str, float]) -> float:
    """The weighed sum of features."""
    return sum(weights.get(name, 0.0) * value for name, value in features.items())


def group_of(design: Design) -> str:
    """The group whose error bars a design takes.

    `parallel`, `parallel_resource` (a dense layer is folded), `stream`, `conv_parallel` or `other`.
    """
    kinds = {layer.kind for layer in design.layers}
    if Kind.OTHER in kinds:
        return "other"
    if design.target.io_stream:
        return "stream"
    if kinds & {Kind.CONV, Kind.DEPTHWISE}:
        return "conv_parallel"
    return "parallel_resource" if any(layer.folded for layer in design.layers) else "parallel"


def traits(design: Design) -> dict[str, str | float]:
    """What decides whether a design lies among the calibrated ones: choices as words, sizes as numbers."""
    # With a reuse factor of 1 the resource strategy's constants are unrolled like the latency strategy's.
    unrolled = {"resource": "latency"}
    strategies = sorted(
        {
            layer.strategy if layer.folded else unrolled.get(layer.strategy, layer.strategy)
            for layer in design.layers
            if layer.multiplies
        }
    )
    products = sum(layer.matrix for layer in design.layers if layer.multiplies)
    return {
        "tool": design.target.tool_generation,
        "device": design.target.part.device.generation,
        "io_type": "io_stream" if design.target.io_stream else "io_parallel",
        "strategy": "+".join(strategies) or "none",
        "kinds": " ".join(sorted({layer.kind.value for layer in design.layers})),
        "tool_version": float(f"{design.target.tool_version[0]}.{design.target.tool_version[1]}"),
        "clock_period_ns": design.target.clock_period_ns,
        "products": float(products),
        "input_bits": float(design.input_bits),
    }


# Vivado HLS does not partition larger arrays of io_parallel (hls4ml's build_prj.tcl: config_array_partition).
PARTITION_LIMIT = 4096
# How far beyond the calibrated range a number may lie, as a factor; a version not at all.
_REACH = {"tool_version": 1.0}


def reasons_outside(design: Design, model: Model, group: str) -> list[str]:
    """Why a design lies outside what was calibrated; empty where it does not."""
    reasons = list(design.doubts)
    largest = max(layer.n_out * layer.positions for layer in design.layers)
    if not design.target.io_stream and design.target.tool_generation == "vivado" and largest > PARTITION_LIMIT:
        reasons.append(
            f"an array of {largest:,} values stays in a memory (config_array_partition: {PARTITION_LIMIT:,}), so that "
            "its loops take one value at a time"
        )
    domain = model.domain.get(group)
    if domain is None:
        return [*reasons, f"no calibrated design is of the group '{group}'"]
    for name, value in traits(design).items():
        known = domain[name]
        if name == "kinds":
            unknown = set(str(value).split()) - set(known)
            if unknown:
                reasons.append(f"layers of kind {', '.join(sorted(unknown))} are not among the calibrated designs")
        elif isinstance(value, str):
            if value not in known:
                reasons.append(f"{name} is {value}, calibrated: {', '.join(known)}")
        elif not known[0] / _REACH.get(name, 1.1) <= value <= known[1] * _REACH.get(name, 1.1):
            reasons.append(f"{name} is {value:g}, calibrated from {known[0]:g} to {known[1]:g}")
    return reasons


def read_model(path: Path) -> Model:
    """The model of a file. Raises ReportError where it is damaged or absent."""
    try:
        said = json.loads(path.read_text())
        return Model(
            weights={target: said["weights"][target] for target in FITTED},
            errors={
                group: {target: (bar[0], bar[1]) for target, bar in bars.items() if target in TARGETS}
                for group, bars in said["errors"].items()
            },
            upper={
                group: {name: _read_bounds(bounds[name]) for name in TARGETS[:4]}
                for group, bounds in said["upper"].items()
            },
            domain=said["domain"],
            designs=said["designs"],
            own_designs=said.get("own_designs", 0),
        )
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise ReportError(
            f"{path}: not a calibration, or of another version of hlsflow: {error!r}",
            hint="make it anew: hlsflow calibrate --own --use, or remove it for the shipped one",
        ) from error


def _read_bounds(said: Sequence[Sequence[float | None]]) -> tuple[Bound, ...]:
    """The bounds of one resource. Raises ValueError where they are not one a confidence."""
    if len(said) != len(CONFIDENCES):
        raise ValueError(f"{len(said)} bounds, and {len(CONFIDENCES)} confidences")
    return tuple(Bound(log_ratio=float(log_ratio), held=held) for log_ratio, held in said)


@cache
def shipped_model() -> Model:
    """The model that hlsflow ships."""
    return read_model(MODEL_FILE)


def model_text(model: Model) -> str:
    """The file of a model: sorted, with fixed digits."""

    def rounded(value: object) -> object:
        if isinstance(value, float):
            return round(value, 4)
        if isinstance(value, Mapping):
            return {key: rounded(value[key]) for key in sorted(value)}
        return [rounded(item) for item in value] if isinstance(value, list | tuple) else value

    said = {
        "weights": model.weights, "errors": model.errors, "upper": model.upper, "domain": model.domain,
        "designs": model.designs, "own_designs": model.own_designs,
    }  # fmt: skip
    return json.dumps(rounded(said), indent=1) + "\n"
