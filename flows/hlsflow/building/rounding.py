"""Types for a network that none carries exactly: as few bits as a bound on the outputs allows, measured in numpy."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor, inf, log10, prod
from pathlib import Path
from typing import TYPE_CHECKING

from hlsflow.building.scores import accuracy
from hlsflow.building.target import Target
from hlsflow.foundation.errors import ConfigError, UnsupportedError
from hlsflow.foundation.words import possessive
from hlsflow.hls.config import Gate, HlsConfig, LayerConfig
from hlsflow.network.fixed_point import FixedType, parse_type
from hlsflow.network.graph import MULTIPLIES, OPERATIONS, Op
from hlsflow.network.table_functions import TABLE_FUNCTIONS, softmax

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hlsflow.datasets.frames import Frames, Task
    from hlsflow.foundation.arrays import Array
    from hlsflow.frontends.contract import LiveModel
    from hlsflow.network.graph import Network, Node

# The measured error, times this, may be the bound: other frames err more.
ERROR_MARGIN = 2.0
# Where nobody states a bound: this share of the largest output, as an 8-bit output would be off by its last bit, behind
# a sigmoid or softmax where there is one; and the share of frames whose class stays, where classes are the matter.
USUAL_BOUND, SAME_CLASS = 2.0**-7, 0.995
LEAST_BITS, MOST_BITS, FIRST_BITS = 3, 20, 16
# Widths are compared on so many frames, fewer of networks with many products; the chosen ones are measured on all.
SEARCH_FRAMES, LEAST_FRAMES = 500, 16
_SEARCH_PRODUCTS = 1_000_000_000
# What hls4ml gives every value of a network that says nothing (`config_from_keras_model`).
HLS4ML_DEFAULT = parse_type("fixed<16,6>")
# So many products, one by one, take some ten seconds.
_MOST_PRODUCTS = 200_000_000
_ROLES = ("weight", "bias", "scale", "param", "accum", "result")


@dataclass(frozen=True, kw_only=True, slots=True)
class Bits:
    """Widths of constants and of values."""

    weights: int
    values: int

    def __str__(self) -> str:
        return f"{self.weights} bits for weights, {self.values} for values"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rounded:
    """A configuration with a bounded gate, and the error measured with it. `beside`: what other types would do.

    `wide`: no types that can be computed with exactly keep the usual bound.
    """

    config: HlsConfig
    bits: Bits
    error: float
    wide: bool
    beside: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Trial:
    """The largest error of the outputs, its share of what is allowed (the margin counted), the last bit of the coarsest
    output, the share of frames with Keras' class."""

    config: HlsConfig
    error: float
    excess: float
    lsb: float
    same_class: float


class Rounding:
    """A network held against Keras on frames, under any types."""

    def __init__(self, network: Network, live: LiveModel, frames: Frames, task: Task) -> None:
        from hlsflow.frontends import calibrate
        from hlsflow.frontends.witness import comparable_nodes

        self.network, self.frames, self.task = network, frames, task
        self.bound: float | None = None
        # What goes into the table of a layer of its own is no layer's output.
        names = (*comparable_nodes(network), *network.gate_outputs, *calibrate.before_tables(network))
        self.outputs = live.outputs(network, frames.inputs, list(dict.fromkeys(names)))

    def narrowest(self, candidates: Sequence[HlsConfig], target: Target) -> Rounded:
        """The first candidate that converts, with the narrowest types that keep the target's bound.

        Raises UnsupportedError where none converts, ConfigError where no types keep the bound.
        """
        bits = target.bits or FIRST_BITS
        at = Bits(weights=bits, values=bits)
        self.bound = target.bound
        candidate, trial = self._first(candidates, at)
        if target.bits is None:
            at = self._searched(candidate)
            trial = self._trial(candidate, at)
            while not self._keeps(trial) and at.values < MOST_BITS:
                wider = Bits(weights=min(at.weights + 1, MOST_BITS), values=at.values + 1)
                try:
                    trial, at = self._trial(candidate, wider), wider
                except UnsupportedError:
                    # Sums of wider types need more bits than are exact.
                    break
        if target.bound is None:
            # Frames without an error tell nothing of others: rounding can be off by a last bit at least.
            bound = rounded_up(max(ERROR_MARGIN * trial.error, trial.lsb))
        elif ERROR_MARGIN * trial.error > target.bound:
            raise ConfigError(
                f"--bound {target.bound:g}: with {at} outputs are off by {trial.error:.2g}, and the bound is to be "
                f"{ERROR_MARGIN:g} times that",
                hint=f"--bound {rounded_up(ERROR_MARGIN * trial.error):g}",
            )
        else:
            bound = target.bound
        said = {**trial.config.model_dump(), "gate": {"kind": "bounded", "max_abs_error": bound}}
        return Rounded(
            config=HlsConfig.model_validate(said),
            bits=at,
            error=trial.error,
            wide=target.bits is None and target.bound is None and not self._keeps(trial),
            beside=self._beside(candidate),
        )

    def _first(self, candidates: Sequence[HlsConfig], bits: Bits) -> tuple[HlsConfig, _Trial]:
        refused = []
        for candidate in candidates:
            try:
                return candidate, self._trial(candidate, bits)
            except UnsupportedError as error:
                refused.append(error)
        if len(refused) == 1:
            raise refused[0]
        said = [f"{candidate.io_type}: {error}" for candidate, error in zip(candidates, refused, strict=True)]
        raise UnsupportedError("\n".join(["neither io_stream nor io_parallel has it:", *said]))

    def _searched(self, candidate: HlsConfig) -> Bits:
        """The least width of all, then of weights, then of values; each taken as if more bits never did worse."""
        few = self._on(slice(0, min(SEARCH_FRAMES, max(LEAST_FRAMES, _SEARCH_PRODUCTS // self._products()))))

        def kept(bits: Bits) -> bool:
            try:
                return few._keeps(few._trial(candidate, bits))
            except UnsupportedError:
                return False

        both = _least(LEAST_BITS, MOST_BITS, FIRST_BITS, lambda bits: kept(Bits(weights=bits, values=bits)))
        if both is None:
            return Bits(weights=FIRST_BITS, values=FIRST_BITS)
        bits = Bits(weights=both, values=both)
        weights = _least(LEAST_BITS, both, both - 2, lambda width: kept(replace(bits, weights=width)))
        bits = replace(bits, weights=weights or both)
        values = _least(LEAST_BITS, both, both - 2, lambda width: kept(replace(bits, values=width)))
        return replace(bits, values=values or both)

    def _products(self) -> int:
        """The products of one frame, at least one."""
        multiplying = (node for node in self.network.nodes if node.op in MULTIPLIES)
        return max(1, sum(node.arrays["weight"].size * prod(node.shape[:-1]) for node in multiplying))

    def _on(self, which: slice) -> Rounding:
        few = object.__new__(Rounding)
        few.network, few.task, few.bound, few.frames = self.network, self.task, self.bound, self.frames.taken(which)
        few.outputs = {name: values[which] for name, values in self.outputs.items()}
        return few

    def _keeps(self, trial: _Trial) -> bool:
        # Generated frames are no examples of any class, and many lie between two.
        classes_count = self.frames.truth is not None
        return trial.excess <= 1 and (trial.same_class >= SAME_CLASS or not classes_count)

    def _excess(self, name: str, output: str, found: Array) -> float:
        """The error of an output, the margin counted, in units of what is allowed."""
        keras = self.outputs[name]
        if self.bound is None:
            # What is read is behind a table, where large values are all alike.
            found, keras = (_behind(self.network[output], values) for values in (found, keras))
        limit = USUAL_BOUND * float(abs(keras).max()) if self.bound is None else self.bound
        error = ERROR_MARGIN * float(abs(found - keras).max())
        return error / limit if limit > 0 else (inf if error > 0 else 0.0)

    def _trial(self, candidate: HlsConfig, bits: Bits) -> _Trial:
        from hlsflow.frontends import calibrate

        types = calibrate.rounded_types(self.network, self.outputs, weights=bits.weights, values=bits.values)
        return self._under(_with_types(candidate, types))

    def _under(self, config: HlsConfig) -> _Trial:
        """Raises UnsupportedError where the types cannot be converted."""
        found = _emulated(self.network, config, self.frames.inputs)
        error = max(float(abs(values - self.outputs[name]).max()) for name, (values, _) in found.items())
        gate_outputs = self.network.gate_outputs
        first = gate_outputs[0]
        return _Trial(
            config=config,
            error=error if error == error else inf,
            excess=max(
                self._excess(name, output, found[name][0])
                for name, output in zip(gate_outputs, self.network.output_values, strict=True)
            ),
            lsb=max(lsb for _, lsb in found.values()),
            same_class=same_class(self.task, found[first][0], self.outputs[first]),
        )

    def _beside(self, candidate: HlsConfig) -> tuple[str, ...]:
        """What hls4ml's default types would have done, by the emulator: product by product, for their sums wrap."""
        given = {
            node.name: dict.fromkeys(_roles_of(node), HLS4ML_DEFAULT)
            for node in self.network.nodes
            if node.op not in (Op.INPUT, Op.SOFTMAX, Op.TABLE)
        }
        few = self._on(slice(0, _MOST_PRODUCTS // self._products()))
        try:
            if len(few.frames) == 0:
                return ()
            trial = few._under(_with_types(candidate, {name: types for name, types in given.items() if types}))
        except UnsupportedError:
            return ()
        whose = possessive(self.network.framework)
        classes = "" if self.task == "regression" else f", {whose} class on {trial.same_class:.2%} of them"
        said = f"off by {trial.error:.3g} on {len(few.frames):,} of these frames{classes}"
        return (f"hls4ml's default, {HLS4ML_DEFAULT} for everything: {said}",)


def _behind(node: Node, values: Array) -> Array:
    """What a table at the end makes of values (n, flat), as numbers of float64; any other node nothing."""
    if node.op is Op.SOFTMAX:
        return softmax(values, node.shape[-1])
    return TABLE_FUNCTIONS[node.function].true(values) if node.op is Op.TABLE else values


def _roles_of(node: Node) -> list[str]:
    said = OPERATIONS[node.op].roles
    return [role for role in _ROLES if role in node.arrays or (role in said and role in ("accum", "result"))]


def same_class(task: Task, found: Array, keras: Array) -> float:
    """The share of frames on which two outputs (n, values) say the same class; 1 for a regression."""
    share = accuracy(task, found, keras > 0 if task == "binary" else keras.argmax(axis=1))
    return 1.0 if share is None else share


def _least(low: int, high: int, first: int, kept: Callable[[int], bool]) -> int | None:
    """The least number in [low, high] that is kept, by bisection from a first guess; None where `high` is not."""
    least, middle = None, min(max(first, low), high)
    while low <= high:
        if kept(middle):
            least, high = middle, middle - 1
        else:
            low = middle + 1
        middle = (low + high) // 2
    return least


def rounded_up(value: float) -> float:
    """The least number of one significant digit that is not below a value: a bound must not be rounded down."""
    if value <= 0:
        return 0.0
    unit = 10.0 ** floor(log10(value))
    # A value that is such a number already is not to become the next one by its last bit.
    return float(f"{ceil(value / unit - 1e-9) * unit:.1g}")


def _with_types(config: HlsConfig, types: Mapping[str, Mapping[str, FixedType]]) -> HlsConfig:
    layers = dict(config.layers)
    for name, given in types.items():
        layers[name] = layers.get(name, LayerConfig()).model_copy(update={"precision": given})
    # Any bound, until one is measured: an exact gate refuses what is only close.
    return config.model_copy(update={"layers": layers, "gate": Gate(kind="bounded", max_abs_error=1.0)})


def _emulated(network: Network, config: HlsConfig, inputs: Sequence[Array]) -> dict[str, tuple[Array, float]]:
    """Real values of the gate's outputs under a configuration, from the emulator of a throw-away project, and the last
    bit of each."""
    from hlsflow.emulation.emulator import make_emulator
    from hlsflow.hls.convert import convert
    from hlsflow.hls.lint import lint
    from hlsflow.hls.project import read_project

    layers = lint(network, config).layers
    types = {layer.node.name: layer.result for layer in layers}
    with tempfile.TemporaryDirectory(prefix="hlsflow-") as folder:
        convert(network, layers, config, Path(folder) / "hls")
        emulator = make_emulator(read_project(Path(folder) / "hls"))
        found = emulator.run(inputs, layers=network.gate_outputs)
    return {name: (found[name] * types[name].lsb, types[name].lsb) for name in network.gate_outputs}
