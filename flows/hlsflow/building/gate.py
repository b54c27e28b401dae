"""Judging a build: C simulation against Keras, the emulator against the C simulation, and the record of it all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hlsflow.building import scores
from hlsflow.building.witnesses import (
    Evidence,
    against_emulator,
    against_keras,
    against_softmax,
    against_tables,
    hardware_output,
)
from hlsflow.frontends.witness import witness_float
from hlsflow.hls.project import read_project
from hlsflow.network.graph import MULTIPLIES
from hlsflow.network.layer_types import LayerTypes
from hlsflow.records.record import BuildRecord, Configuration, LayerRecord, Samples, SizeRecord, Trained
from hlsflow.records.verdict import verdict

if TYPE_CHECKING:
    from hlsflow.building.plan import Plan


def judge(evidence: Evidence) -> BuildRecord:
    """The record of a build, its gate passed or not; only reading results, computing nothing that was kept."""
    import numpy as np

    plan, network = evidence.plan, evidence.network
    project = read_project(evidence.hls)
    with np.load(evidence.reference / "outputs.npz", allow_pickle=False) as archive:
        keras = {name: archive[name] for name in archive.files}
    with np.load(evidence.outputs / "outputs.npz", allow_pickle=False) as archive:
        hardware = {name: archive[name] for name in archive.files}
    truth = plan.samples.load().truth

    agreement = against_keras(evidence, project, keras, hardware)
    softmaxes = against_softmax(evidence, project, keras, hardware)
    tables = against_tables(evidence, project, keras, hardware)
    emulator = against_emulator(evidence, project, hardware)
    kind, allowed = plan.config.gate.kind, plan.config.gate.max_abs_error or 0.0
    gate = verdict(kind, allowed, agreement, softmaxes, emulator, tables, network.framework)
    decisive = network.gate_outputs[0]
    task = plan.model.task
    found = hardware_output(network, project, hardware, decisive) * evidence.layer(decisive).result.lsb
    # What has targets is compared as it leaves the hardware, behind a table where there is one.
    given = hardware[project.outputs[0].name] * evidence.layer(network.output_values[0]).result.lsb
    return BuildRecord(
        model=plan.model.name,
        variant=plan.variant,
        title=plan.model.title,
        digest=plan.digest,
        configuration=Configuration(
            **plan.config.model_dump(
                include={"backend", "part", "clock_period_ns", "clock_uncertainty_percent", "io_type"}
            )
        ),
        samples=Samples(
            dataset=plan.samples.dataset,
            count=len(keras[decisive]),
            source=plan.samples.source,
            sha256=plan.samples.sha256,
            substitute=plan.samples.substitute,
        ),
        trained=_trained(plan),
        framework=network.framework,
        keras_float=witness_float(network),
        accuracy_keras=scores.accuracy(task, keras[decisive], truth),
        accuracy_csim=scores.accuracy(task, found, truth),
        errors_keras=scores.errors(task, keras[network.outputs[0]], truth),
        errors_csim=scores.errors(task, given, truth),
        tables=tables,
        gate=gate,
        agreement=agreement,
        softmax=max(softmaxes, key=lambda item: item.table_error or 0.0, default=None),
        emulator=emulator,
        size=_size(evidence),
        layers=[_layer_record(layer, plan) for layer in evidence.layers],
        warnings=list(evidence.warnings),
        versions={**plan.keys["network"]["versions"], "compiler": plan.compiler.version},
    )


def _trained(plan: Plan) -> Trained | None:
    path = plan.model.folder / "training.json"
    try:
        said = json.loads(path.read_text())
        return Trained(
            dataset=said["dataset"],
            test_accuracy=float(said["accuracy"]["test"]),
            source=f"models/{plan.model.name}/{path.name}",
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _size(evidence: Evidence) -> SizeRecord:
    import numpy as np

    arrays: list[tuple[Any, int]] = [
        (array, layer.types[role].width) for layer in evidence.layers for role, array in layer.arrays.items()
    ]
    return SizeRecord(
        parameters=sum(array.size for array, _ in arrays),
        zeros=sum(int(np.count_nonzero(array == 0)) for array, _ in arrays),
        weight_bits=sum(array.size * width for array, width in arrays),
        weights_file_bytes=evidence.plan.model.weights.stat().st_size,
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
