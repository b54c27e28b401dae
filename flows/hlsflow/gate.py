"""Judging a build: C simulation against Keras, the emulator against the C simulation, and the record of it all."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsflow.conversion.agreement import Agreement, Difference, agree, first_difference
from hlsflow.conversion.csim import simulate
from hlsflow.conversion.emulator import make_emulator
from hlsflow.conversion.emulator_softmax import error_bound
from hlsflow.conversion.layer_types import LayerTypes
from hlsflow.conversion.network import MULTIPLIES, Network, Op
from hlsflow.conversion.project import HlsProject, read_project
from hlsflow.conversion.ranges import softmax_table_sizes
from hlsflow.conversion.reference import as_integers, comparable_nodes, keras_float
from hlsflow.errors import UnsupportedError
from hlsflow.record import (
    AgreementRecord,
    BuildRecord,
    Configuration,
    DifferenceRecord,
    EmulatorRecord,
    GateRecord,
    LayerRecord,
    Samples,
    SizeRecord,
    SoftmaxRecord,
    Trained,
)

if TYPE_CHECKING:
    import numpy as np

    from hlsflow.plan import Plan

# Samples on which the first differing layer is looked for.
TRACED_SAMPLES = 64


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Evidence:
    """Everything that the judgement rests on. `keras_layers` gives Keras' outputs of named layers for some pixels."""

    plan: Plan
    network: Network
    layers: tuple[LayerTypes, ...]
    hls: Path
    program: Path
    reference: Path
    outputs: Path
    warnings: tuple[str, ...]
    keras_layers: Callable[[np.ndarray, list[str]], dict[str, np.ndarray]]
    scratch: Path

    def layer(self, name: str) -> LayerTypes:
        return next(layer for layer in self.layers if layer.node.name == name)


def judge(evidence: Evidence) -> BuildRecord:
    """The record of a build, its gate passed or not; only reading results, computing nothing that was kept."""
    import numpy as np

    plan, network = evidence.plan, evidence.network
    project = read_project(evidence.hls)
    with np.load(evidence.reference / "outputs.npz", allow_pickle=False) as archive:
        keras = {name: archive[name] for name in archive.files}
    with np.load(evidence.outputs / "outputs.npz", allow_pickle=False) as archive:
        hardware = {name: archive[name] for name in archive.files}
    classes = np.load(evidence.reference / "classes.npy", allow_pickle=False)

    agreements = []
    for name in network.gate_outputs:
        type_ = evidence.layer(name).result
        found = hardware_output(network, project, hardware, name)
        agreements.append(agree(name, as_integers(keras[name], type_), found, type_))
    worst = max(agreements, key=lambda agreement: agreement.mismatching_values)
    if not worst.exact:
        difference = _locate(evidence, project, keras, hardware, worst)
        agreements = [replace(item, first_difference=difference) if item is worst else item for item in agreements]
    errors = [item.max_error_lsb * evidence.layer(item.output).result.lsb for item in agreements]
    allowed = plan.config.gate.max_abs_error or 0.0
    decisive = network.gate_outputs[0]
    return BuildRecord(
        model=plan.model,
        variant=plan.variant,
        title=plan.recipe.title,
        digest=plan.digest,
        configuration=Configuration(
            **plan.config.model_dump(
                include={"backend", "part", "clock_period_ns", "clock_uncertainty_percent", "io_type"}
            )
        ),
        samples=Samples(
            dataset=plan.samples.dataset,
            count=len(classes),
            source=plan.samples.source,
            sha256=plan.samples.sha256,
            substitute=plan.samples.substitute,
        ),
        trained=_trained(plan),
        keras_float=keras_float(network),
        accuracy_keras=_accuracy(keras[decisive], classes),
        accuracy_csim=_accuracy(hardware_output(network, project, hardware, decisive), classes),
        gate=GateRecord(
            kind=plan.config.gate.kind,
            passed=max(errors) <= allowed,
            max_abs_error=max(errors),
            allowed_abs_error=allowed,
        ),
        agreement=[_agreement_record(item) for item in agreements],
        softmax=_softmax(evidence, project, keras, hardware),
        emulator=_emulate(evidence, project, hardware),
        size=_size(evidence),
        layers=[_layer_record(layer, plan) for layer in evidence.layers],
        warnings=list(evidence.warnings),
        versions={**plan.keys["network"]["versions"], "compiler": plan.compiler.version},
    )


def hardware_output(
    network: Network, project: HlsProject, hardware: dict[str, np.ndarray], name: str
) -> np.ndarray:  # fmt: skip
    """The C simulation's integers of a gate output: traced by the layer's name, else the port that it is."""
    if name in hardware:
        return hardware[name]
    return hardware[project.outputs[network.outputs.index(name)].name]


def _accuracy(outputs: np.ndarray, classes: np.ndarray) -> float | None:
    return round(float((outputs.argmax(axis=1) == classes).mean()), 6)


def _trained(plan: Plan) -> Trained | None:
    path = plan.model_dir / "training.json"
    try:
        said = json.loads(path.read_text())
        return Trained(
            dataset=said["dataset"],
            test_accuracy=float(said["accuracy"]["test"]),
            source=f"models/{plan.model}/{path.name}",
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _locate(
    evidence: Evidence,
    project: HlsProject,
    keras: dict[str, np.ndarray],
    hardware: dict[str, np.ndarray],
    worst: Agreement,
) -> Difference | None:
    """The first layer that differs, found by tracing every layer on some of the samples that differ at the end."""
    import numpy as np

    from hlsflow.compression.zoo import preprocess

    network = evidence.network
    expected = as_integers(keras[worst.output], evidence.layer(worst.output).result)
    found = hardware_output(network, project, hardware, worst.output)
    wrong = np.flatnonzero((expected != found).any(axis=1))[:TRACED_SAMPLES]
    pixels, _ = evidence.plan.samples.load()
    pixels = pixels[wrong]
    order = [name for name in comparable_nodes(network) if name in project.traced]
    types = {name: evidence.layer(name).result for name in order}
    order = [name for name in order if network[name].op is not Op.SOFTMAX]
    truth = evidence.keras_layers(pixels, order)
    traces = simulate(
        evidence.program / "csim",
        project,
        [preprocess(evidence.plan.recipe, pixels)],
        layers={name: types[name] for name in order},
        folder=evidence.scratch,
        workers=1,
    )
    integers = {name: as_integers(values, types[name]) for name, values in truth.items()}
    return first_difference(order, integers, traces, types, [int(number) for number in wrong])


def _agreement_record(item: Agreement) -> AgreementRecord:
    first = item.first_difference
    difference = None if first is None else DifferenceRecord(**asdict(first), error_lsb=first.error_lsb)
    return AgreementRecord(**{**asdict(item), "first_difference": difference})


def _softmax(
    evidence: Evidence, project: HlsProject, keras: dict[str, np.ndarray], hardware: dict[str, np.ndarray]
) -> SoftmaxRecord | None:
    """The softmax of the first output that is one: how far it is from Keras', and how far it can be."""
    import numpy as np

    network, config = evidence.network, evidence.plan.config
    for index, name in enumerate(network.outputs):
        if network[name].op is not Op.SOFTMAX or config.layer(name).skip:
            continue
        layer = evidence.layer(name)
        found = hardware[project.outputs[index].name] * layer.result.lsb
        implementation = config.layer(name).implementation or "stable"
        bound = None
        if implementation == "stable":
            logits = evidence.layer(network[name].inputs[0]).result
            bound = error_bound(network[name].shape[-1], logits, layer.types, softmax_table_sizes(layer))
        return SoftmaxRecord(
            implementation=implementation,
            # A one-hot argmax is not an approximation of probabilities.
            max_abs_error=round(float(np.abs(found - keras[name]).max()), 9) if implementation == "stable" else None,
            bound=None if bound is None else round(bound, 9),
            argmax_agreement=float(np.mean(found.argmax(axis=1) == keras[name].argmax(axis=1))),
        )
    return None


def _emulate(evidence: Evidence, project: HlsProject, hardware: dict[str, np.ndarray]) -> EmulatorRecord | None:
    """The second witness, on every sample and every output; None where it does not cover a construct."""
    import numpy as np

    from hlsflow.compression.zoo import preprocess

    try:
        emulator = make_emulator(project)
    except UnsupportedError:
        return None
    pixels, _ = evidence.plan.samples.load()
    names = [name for name in hardware if name in project.traced]
    found = emulator.run([preprocess(evidence.plan.recipe, pixels)], layers=names)
    return EmulatorRecord(
        values=int(sum(values.size for values in hardware.values())),
        mismatching_values=int(sum(np.count_nonzero(found[name] != hardware[name]) for name in hardware)),
        arithmetic=emulator.dtype,
    )


def _size(evidence: Evidence) -> SizeRecord:
    import numpy as np

    arrays: list[tuple[Any, int]] = [
        (array, layer.types[role].width) for layer in evidence.layers for role, array in layer.arrays.items()
    ]
    return SizeRecord(
        parameters=sum(array.size for array, _ in arrays),
        zeros=sum(int(np.count_nonzero(array == 0)) for array, _ in arrays),
        weight_bits=sum(array.size * width for array, width in arrays),
        weights_file_bytes=(evidence.plan.model_dir / "weights.npz").stat().st_size,
    )


def _layer_record(layer: LayerTypes, plan: Plan) -> LayerRecord:
    import numpy as np

    node = layer.node
    multiplies = node.op in MULTIPLIES
    return LayerRecord(
        name=node.name,
        operation=str(node.op) if not node.function else f"{node.op}: {node.function}",
        keras_layer=node.keras_layer,
        shape=list(node.shape),
        types={role: str(type_) for role, type_ in layer.types.items()},
        sources=dict(layer.sources),
        proof=layer.proof,
        keras_float32_exact=layer.keras_exact,
        parameters=sum(array.size for array in layer.arrays.values()),
        zeros=sum(int(np.count_nonzero(array == 0)) for array in layer.arrays.values()),
        strategy=plan.config.strategy_of(node.name) if multiplies else None,
        reuse_factor=plan.config.reuse_factor_of(node.name) if multiplies else None,
    )
