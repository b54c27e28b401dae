"""The witnesses of a build, each against the others: Keras, the C simulation, the emulator, and the true softmax."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from hlsflow.building.agreement import Difference, agree, first_difference, in_lsb
from hlsflow.datasets.frames import Frames
from hlsflow.emulation.emulator import Emulator, make_emulator
from hlsflow.emulation.softmax import error_bound
from hlsflow.foundation.errors import UnsupportedError
from hlsflow.frontends.calibrate import is_open
from hlsflow.frontends.witness import comparable_nodes
from hlsflow.hls.csim import simulate
from hlsflow.hls.project import HlsProject
from hlsflow.network.batch_norm import unlike_keras
from hlsflow.network.fixed_point import FixedType
from hlsflow.network.graph import CLOSE, Network, Op
from hlsflow.network.layer_types import LayerTypes
from hlsflow.network.ranges import resolve, softmax_table_sizes
from hlsflow.network.table_functions import TABLE_FUNCTIONS, softmax
from hlsflow.network.value_tables import table_of
from hlsflow.records.record import AgreementRecord, DifferenceRecord, EmulatorRecord, SoftmaxRecord, TableRecord

if TYPE_CHECKING:
    from hlsflow.building.plan import Plan
    from hlsflow.foundation.arrays import Array

# Samples on which the first differing layer is looked for.
TRACED_SAMPLES = 64


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Evidence:
    """Everything that the judgement rests on. `keras_layers` gives Keras' outputs of named layers for some frames."""

    plan: Plan
    network: Network
    layers: tuple[LayerTypes, ...]
    hls: Path
    program: Path
    reference: Path
    outputs: Path
    warnings: tuple[str, ...]
    keras_layers: Callable[[Frames, list[str]], dict[str, Array]]
    scratch: Path

    def layer(self, name: str) -> LayerTypes:
        return next(layer for layer in self.layers if layer.node.name == name)


def hardware_output(
    network: Network, project: HlsProject, hardware: Mapping[str, Array], name: str
) -> Array:  # fmt: skip
    """The C simulation's integers of a gate output: traced by the layer's name, else the port that it is."""
    if name in hardware:
        return hardware[name]
    return hardware[project.outputs[network.outputs.index(name)].name]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Traces:
    """Some samples' values of every traced layer as the C simulation has them, int64 LSBs of the layers' types."""

    numbers: tuple[int, ...]
    frames: Frames
    order: tuple[str, ...]
    types: Mapping[str, FixedType]
    values: Mapping[str, Array]


def _trace(evidence: Evidence, project: HlsProject, wrong: Array) -> _Traces:
    """The traces of the first samples that are wrong; `wrong` is bool (samples,)."""
    import numpy as np

    numbers = np.flatnonzero(wrong)[:TRACED_SAMPLES]
    frames = evidence.plan.samples.load().taken(numbers)
    types = {name: evidence.layer(name).result for name in comparable_nodes(evidence.network) if name in project.traced}
    values = simulate(
        evidence.program / "csim",
        project,
        frames.inputs,
        layers=types,
        folder=evidence.scratch,
        workers=1,
    )
    return _Traces(
        numbers=tuple(int(number) for number in numbers),
        frames=frames,
        order=tuple(types),
        types=types,
        values=values,
    )


def against_keras(
    evidence: Evidence, project: HlsProject, keras: Mapping[str, Array], hardware: Mapping[str, Array]
) -> list[AgreementRecord]:
    """Every output of the gate against Keras; the worst one of those that differ with the layer where it begins."""
    network = evidence.network
    derived = _derived(evidence)
    found = []
    for name in network.gate_outputs:
        type_ = evidence.layer(name).result
        own = derived[name].result.grid if name in derived else None
        given = hardware_output(network, project, hardware, name)
        found.append(
            AgreementRecord(
                **asdict(agree(name, keras[name], given, type_, network.framework)),
                derived_type=None if own is None else str(own),
                holds_derived=own is not None and type_.holds(own),
            )
        )
    worst = max(range(len(found)), key=lambda index: found[index].mismatching_values)
    if found[worst].mismatching_values:
        first = _where_keras_differs(evidence, project, keras, hardware, found[worst].output, derived)
        found[worst] = found[worst].model_copy(update={"first_difference": first})
    return found


def _derived(evidence: Evidence) -> dict[str, LayerTypes]:
    """The layers with the types that the network's own arithmetic gives them, none where no type carries it."""
    if is_open(evidence.network):
        return {}
    try:
        layers = resolve(evidence.network, {}, evidence.plan.config.io_type)
    except UnsupportedError:
        return {}
    return {layer.node.name: layer for layer in layers}


def _where_keras_differs(
    evidence: Evidence,
    project: HlsProject,
    keras: Mapping[str, Array],
    hardware: Mapping[str, Array],
    output: str,
    derived: Mapping[str, LayerTypes],
) -> DifferenceRecord | None:
    """The first layer that differs, found by tracing every layer on some of the samples that differ at the end."""
    expected = in_lsb(output, keras[output], evidence.layer(output).result)
    found = hardware_output(evidence.network, project, hardware, output)
    traces = _trace(evidence, project, (expected != found).any(axis=1))
    unlike = unlike_keras([layer.node for layer in evidence.layers])
    ends = {name for name in evidence.network.output_values if evidence.network[name].op in CLOSE}
    order = [name for name in traces.order if name not in ends and name not in unlike]
    truth = evidence.keras_layers(traces.frames, order)
    # Where Keras rounds, or the hardware cuts off a quotient, a layer differs without being the cause.
    tolerances = {name: layer.result.lsb for name, layer in derived.items() if not layer.keras_exact}
    first = first_difference(order, truth, traces.values, traces.types, traces.numbers, tolerances)
    if first is None:
        first = first_difference(order, truth, traces.values, traces.types, traces.numbers)
    return _difference_record(first)


def _difference_record(first: Difference | None) -> DifferenceRecord | None:
    return None if first is None else DifferenceRecord(**asdict(first), error_lsb=first.error_lsb)


def against_softmax(
    evidence: Evidence,
    project: HlsProject,
    keras: Mapping[str, Array],
    hardware: Mapping[str, Array],
) -> list[SoftmaxRecord]:
    """Every output that is a softmax: how far it is from Keras', from that of its own logits, and how far it can be."""
    import numpy as np

    network, config = evidence.network, evidence.plan.config
    records = []
    for index, name in enumerate(network.output_values):
        if network[name].op is not Op.SOFTMAX or config.layer(name).skip:
            continue
        layer, before, output = evidence.layer(name), network.gate_outputs[index], network.outputs[index]
        logits, classes = evidence.layer(before).result, network[name].shape[-1]
        found = hardware[project.outputs[index].name] * layer.result.lsb
        same = _largest(found, classes) == _largest(keras[output], classes)
        implementation = config.layer(name).implementation or "stable"
        errors: dict[str, float | None] = {"max_abs_error": None, "table_error": None, "bound": None}
        # A one-hot argmax is no approximation of probabilities.
        if implementation == "stable":
            true = softmax(hardware_output(network, project, hardware, before) * logits.lsb, classes)
            errors = {
                "max_abs_error": round(float(np.abs(found - keras[output]).max()), 9),
                "table_error": round(float(np.abs(found - true).max()), 9),
                "bound": _rounded_bound(error_bound(classes, logits, layer.types, softmax_table_sizes(layer))),
            }
        records.append(
            SoftmaxRecord(
                output=name,
                implementation=implementation,
                argmax_agreement=float(np.mean(same)),
                **errors,
            )
        )
    return records


def against_tables(
    evidence: Evidence,
    project: HlsProject,
    keras: Mapping[str, Array],
    hardware: Mapping[str, Array],
) -> list[TableRecord]:
    """Every output that is a function of single values, read from a table: how far it is from Keras', from the function
    of the hardware's own values, and how far it can be."""
    import numpy as np

    network = evidence.network
    records = []
    for index, name in enumerate(network.output_values):
        if network[name].op is not Op.TABLE:
            continue
        layer, before = evidence.layer(name), network[name].inputs[0]
        function, data = layer.node.function, evidence.layer(before).result
        found = hardware[project.outputs[index].name] * layer.result.lsb
        own = hardware_output(network, project, hardware, network.gate_outputs[index]) * data.lsb
        true = TABLE_FUNCTIONS[function].true(own)
        records.append(
            TableRecord(
                output=name,
                function=function,
                entries=layer.node.attributes["table_size"],
                max_abs_error=round(float(np.abs(found - keras[network.outputs[index]]).max()), 9),
                table_error=round(float(np.abs(found - true).max()), 9),
                bound=_rounded_up(table_of(layer.node, data, layer.types).error_bound()),
            )
        )
    return records


def _largest(values: Array, classes: int) -> Array:
    """The place of the largest value of each vector, int64 (vectors,)."""
    return values.reshape(-1, classes).argmax(axis=1)


def _rounded_bound(bound: float | None) -> float | None:
    return None if bound is None else _rounded_up(bound)


def _rounded_up(bound: float) -> float:
    """A bound with nine decimals, rounded up: it must stay one."""
    return ceil(bound * 1e9) / 1e9


def against_emulator(evidence: Evidence, project: HlsProject, hardware: Mapping[str, Array]) -> EmulatorRecord | None:
    """The second witness, on every sample and every output; None where it does not cover a construct."""
    import numpy as np

    try:
        emulator = make_emulator(project)
    except UnsupportedError:
        return None
    names = [name for name in hardware if name in project.traced]
    found = emulator.run(evidence.plan.samples.load().inputs, layers=names)
    wrong = {name: (found[name] != values).reshape(len(values), -1) for name, values in hardware.items()}
    mismatching = int(sum(np.count_nonzero(values) for values in wrong.values()))
    first = None
    if mismatching:
        samples = np.any([values.any(axis=1) for values in wrong.values()], axis=0)
        first = _where_witnesses_differ(evidence, project, emulator, samples)
    return EmulatorRecord(
        values=int(sum(values.size for values in hardware.values())),
        mismatching_values=mismatching,
        arithmetic=emulator.dtype,
        first_difference=first,
    )


def _where_witnesses_differ(
    evidence: Evidence, project: HlsProject, emulator: Emulator, wrong: Array
) -> DifferenceRecord | None:
    """The first layer where emulator and C simulation differ, on some of the samples that do."""
    traces = _trace(evidence, project, wrong)
    found = emulator.run(traces.frames.inputs, layers=traces.order)
    expected = {name: found[name] * traces.types[name].lsb for name in traces.order if name in found}
    return _difference_record(
        first_difference(traces.order, expected, traces.values, traces.types, traces.numbers)
    )  # fmt: skip
