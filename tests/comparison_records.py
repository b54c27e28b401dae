"""Records of builds for the tests of the comparison. Every number in them is invented, and so are the tools."""

from __future__ import annotations

from typing import Any

from hlsflow.comparison.comparison import Comparison, compare
from hlsflow.comparison.design import design_of_record
from hlsflow.records.record import (
    AgreementRecord,
    BuildRecord,
    Configuration,
    FigureRecord,
    GateRecord,
    LayerRecord,
    Samples,
    SizeRecord,
    Trained,
)

PART = "xc7z020clg400-1"
MNIST_SHA256 = "06af5dfe" + "0" * 56
AVAILABLE = {
    "lut_available": 53200,
    "ff_available": 106400,
    "dsp_available": 220,
    "bram_18k_available": 280,
    "uram_available": 0,
}


def figure(stage: str = "csynth", **changes: Any) -> FigureRecord:
    """A figure of an invented tool; `changes` are fields of FigureRecord."""
    fields: dict[str, Any] = {
        "stage": stage,
        "tool": "Invented HLS",
        "tool_version": "1.0",
        "part": PART,
        "source_file": f"build/{stage}.rpt",
        "lut": 20000,
        "ff": 10000,
        "dsp": 10,
        "bram_18k": 40,
        "uram": 0,
        "latency_min_cycles": 800,
        "latency_max_cycles": 800,
        "interval_min_cycles": 784,
        "interval_max_cycles": 784,
        "clock_target_ns": 10.0,
        "clock_achieved_ns": 8.0,
        "slack_ns": 0.75,
        **AVAILABLE,
    }
    return FigureRecord(**{**fields, **changes})


def layer(name: str, parameters: int, zeros: int) -> LayerRecord:
    """A dense layer."""
    return LayerRecord(
        name=name,
        operation="dense",
        keras_layer=name,
        shape=[10],
        types={"weight": "fixed<8,3>"},
        sources={},
        proof="",
        keras_float32_exact=True,
        parameters=parameters,
        zeros=zeros,
        reuse_factor=4,
    )


def record(
    model: str = "small",
    *,
    accuracy: float | None = 0.96,
    bits: int = 100_000,
    figures: tuple[FigureRecord, ...] = (),
    gate: str = "exact",
    passed: bool = True,
    mismatches: int | None = None,
    holds_derived: bool = True,
    failures: tuple[str, ...] = ("the C simulation differs from Keras",),
    dataset: str = "mnist",
    samples: int = 10_000,
    sha256: str = MNIST_SHA256,
    substitute: bool = False,
    part: str = PART,
    clock_period_ns: float = 10.0,
    title: str = "an invented model",
    zeros: int = 5000,
    stages: dict[str, str] | None = None,
) -> BuildRecord:
    """A record of a build; what is not named is the same for all. One that did not pass differs in its outputs."""
    mismatches = int(not passed and gate == "exact") if mismatches is None else mismatches
    error = {"exact": 0.25 * mismatches, "bounded": 0.25 if passed else 0.75}[gate]
    return BuildRecord(
        model=model,
        variant="",
        title=title,
        digest="0" * 64,
        configuration=Configuration(
            backend="Vitis",
            part=part,
            clock_period_ns=clock_period_ns,
            clock_uncertainty_percent=12.5,
            io_type="io_parallel",
        ),
        samples=Samples(dataset=dataset, count=samples, source="invented", sha256=sha256, substitute=substitute),
        trained=Trained(dataset="mnist", test_accuracy=0.97, source=f"models/{model}/training.json"),
        accuracy_keras=accuracy,
        accuracy_csim=accuracy,
        gate=GateRecord(
            kind=gate,
            passed=passed,
            max_abs_error=error,
            allowed_abs_error=0.0 if gate == "exact" else 0.5,
            failures=[] if passed else list(failures),
        ),
        agreement=[
            AgreementRecord(
                output="logits",
                type="fixed<14,7>",
                derived_type="fixed<14,7>",
                holds_derived=holds_derived,
                samples=samples,
                values=10 * samples,
                mismatching_samples=mismatches,
                mismatching_values=mismatches,
                max_error_lsb=float(mismatches > 0),
                max_abs_error=error,
                argmax_agreement=1.0,
            )
        ],
        softmax=None,
        emulator=None,
        size=SizeRecord(parameters=10_000, zeros=zeros, weight_bits=bits, weights_file_bytes=bits // 4),
        layers=[layer("fc1", 8000, zeros * 8 // 10), layer("logits", 2000, zeros // 5)],
        warnings=[],
        versions={},
        figures=list(figures),
        stages=stages or {},
    )


def many(count: int) -> list[BuildRecord]:
    """Records of designs from large to small, with an estimate, a C synthesis and modules each."""
    records = []
    for index in range(count):
        lut = 40_000 - 150 * index + 700 * (index % 5)
        dsp, cycles = index % 7, 400 + 13 * index
        estimate = figure(
            "analytic",
            tool="hlsflow estimate",
            lut=lut + 1500,
            dsp=dsp,
            latency_min_cycles=cycles + 30,
            latency_max_cycles=cycles + 30,
            clock_achieved_ns=None,
            slack_ns=None,
            ranges={"lut": [lut * 0.8, lut * 1.3], "latency_max_cycles": [cycles * 0.9, cycles * 1.2]},
        )
        whole = figure(lut=lut, dsp=dsp, latency_max_cycles=cycles, latency_min_cycles=cycles)
        modules = [figure(module=name, lut=lut // share, dsp=None, slack_ns=None, latency_max_cycles=None)
                   for name, share in (("fc1", 2), ("relu1", 9), ("fc2", 4), ("logits", 12))]  # fmt: skip
        records.append(
            record(
                f"net{index:03d}",
                accuracy=round(0.975 - 0.0004 * index - 0.002 * (index % 3), 6),
                bits=300_000 - 1200 * index,
                figures=(estimate, whole, *modules),
                zeros=min(9_900, 50 * index),
            )
        )
    return records


def compared(*records: BuildRecord, **options: Any) -> Comparison:
    """The comparison of records as if they lay under reports/."""
    return compare([design_of_record(each, f"reports/{each.name}/build.json") for each in records], **options)
