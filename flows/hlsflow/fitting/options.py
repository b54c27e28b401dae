"""What a layer can be: every strategy and legal reuse factor with its cost, those left out that another one beats."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hlsflow.estimation.cost import RESOURCES
from hlsflow.estimation.design import Design, Kind, Layer
from hlsflow.estimation.estimate import layer_estimate
from hlsflow.estimation.features import layer_cost
from hlsflow.estimation.liveness import with_liveness
from hlsflow.estimation.model import Model
from hlsflow.hls.lint import UNROLL_LIMIT, exact_reuse_factors, parallel_multiplications


@dataclass(frozen=True, kw_only=True, slots=True)
class Option:
    """One way to build a layer: LUT, FF, DSP and 18 Kb BRAM by name; latency and interval in cycles.

    The latency is what the layer adds to a pipelined design's, in the model's cycles."""

    layer: str
    strategy: str
    reuse_factor: int
    multipliers: int
    cost: dict[str, float]
    latency_cycles: float
    interval_cycles: float

    def beats(self, other: Option) -> bool:
        """Whether it is nowhere worse; of equals, the one with the smaller reuse factor is."""
        mine, its = self._figures(), other._figures()
        return mine != its and all(a <= b for a, b in zip(mine, its, strict=True))

    def _figures(self) -> tuple[float, ...]:
        costs = (self.cost[name] for name in RESOURCES)
        return (*costs, self.latency_cycles, self.interval_cycles, float(self.reuse_factor))


def is_free(layer: Layer) -> bool:
    """Whether the fit may choose the layer's strategy and reuse factor."""
    return layer.kind in (Kind.DENSE, Kind.CONV)


def options_of(layer: Layer, design: Design, model: Model) -> list[Option]:
    """A layer's options: unrolled in the latency strategy where HLS can, and every legal factor of the resource one.

    What cannot be chosen has one option: as it is.
    """
    if not is_free(layer):
        return [_option(layer, design, model)]
    candidates = []
    if layer.n_in * layer.n_out <= UNROLL_LIMIT:
        candidates.append(replace(layer, strategy="latency", reuse_factor=1))
    io_type = "io_stream" if design.target.io_stream else "io_parallel"
    convolution = layer.kind is Kind.CONV
    for factor in exact_reuse_factors(layer.n_in, layer.n_out, convolution=convolution, io_type=io_type):
        if factor > 1 and parallel_multiplications(layer.n_in, layer.n_out, factor) <= UNROLL_LIMIT:
            candidates.append(replace(layer, strategy="resource", reuse_factor=factor))
    found = [_option(candidate, design, model) for candidate in candidates]
    return [option for option in found if not any(other.beats(option) for other in found)]


def _option(layer: Layer, design: Design, model: Model) -> Option:
    cost = layer_cost(layer, design.target)
    share = layer_estimate(cost, model).values
    multiplies = layer.kind in (Kind.DENSE, Kind.CONV, Kind.DEPTHWISE)
    weights = model.weights["latency_cycles"]
    return Option(
        layer=layer.name,
        strategy=layer.strategy,
        reuse_factor=layer.reuse_factor,
        multipliers=parallel_multiplications(layer.n_in, layer.n_out, layer.reuse_factor) if multiplies else 0,
        cost={name: share[name] for name in RESOURCES},
        latency_cycles=weights["layers"] * (cost.latency_cycles - cost.turns) + weights["turns"] * cost.turns,
        interval_cycles=cost.interval_cycles,
    )


def with_options(design: Design, chosen: dict[str, Option]) -> Design:
    """The design with its layers built as chosen."""
    layers = tuple(
        replace(layer, strategy=chosen[layer.name].strategy, reuse_factor=chosen[layer.name].reuse_factor)
        if layer.name in chosen and is_free(layer)
        else layer
        for layer in design.layers
    )
    dataflow = design.target.io_stream or any(layer.strategy == "resource" for layer in layers if is_free(layer))
    # A folded layer computes what an unrolled one leaves out: outputs that nothing reads, products of constants.
    return replace(design, layers=with_liveness(layers), dataflow=dataflow)
