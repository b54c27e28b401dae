"""What is known of a design, as `reports/<name>/build.json`. A figure that is not known is None: not measured, never 0.

A record is of one design, the HLS project by its contents: `hlsflow.records.evidence` says how what several builds and
tools found of it becomes one record.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from hlsflow.foundation.errors import ReportError
from hlsflow.foundation.part_name import part_of
from hlsflow.records.tools import OWN_RTL_STAGES, VENDOR_STAGES

# 2: errors are of real values, and the verdict has its reasons. What an older gate called exact is not taken over.
# A record may be without a `design`: it is then of an unknown one, and joined with nothing.
SCHEMA: Final = 2

# csynth.rpt rounds the period to two digits.
CLOCK_TOLERANCE_NS = 0.0051


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Configuration(_Value):
    """The target. The clock in ns, its uncertainty in per cent of it."""

    backend: str
    part: str
    clock_period_ns: float
    clock_uncertainty_percent: float
    io_type: str


class Samples(_Value):
    """Which samples the outputs were compared on; `substitute`: not the model's own dataset, which was not found."""

    dataset: str
    count: int
    source: str
    sha256: str
    substitute: bool


class Trained(_Value):
    """What training measured, quoted from training.json."""

    dataset: str
    test_accuracy: float
    source: str


class DifferenceRecord(_Value):
    """Where the first difference is. What was expected (Keras' value, or the emulator's) may lie between two LSBs."""

    layer: str
    sample: int
    position: int
    expected_lsb: float
    found_lsb: int
    error_lsb: float
    type: str


class AgreementRecord(_Value):
    """One output of the C simulation against Keras, as real numbers; errors in LSBs of `type` and in its own unit.

    `derived_type` is the type that the network's own arithmetic gives the output, None where no type carries it;
    `holds_derived` whether `type` holds each of its values, without which no equality on samples is called exact.
    """

    output: str
    type: str
    derived_type: str | None = None
    holds_derived: bool = False
    samples: int
    values: int
    mismatching_samples: int
    mismatching_values: int
    max_error_lsb: float
    max_abs_error: float
    argmax_agreement: float
    first_difference: DifferenceRecord | None = None


class SoftmaxRecord(_Value):
    """A softmax of the hardware: tables, so close and not exact.

    `max_abs_error` is its largest distance to Keras', `table_error` to the true softmax of the hardware's own logits,
    which `bound` limits for any logits, with the types of this very record. None where an argmax stands in its place.
    """

    output: str
    implementation: str
    max_abs_error: float | None
    table_error: float | None
    bound: float | None
    argmax_agreement: float


class TableRecord(_Value):
    """A function of single values at an output, such as a sigmoid: a table, so close and not exact.

    `max_abs_error` is its largest distance to Keras', `table_error` to the true function of the hardware's own values,
    which `bound` limits for any value.
    """

    output: str
    function: str
    entries: int
    max_abs_error: float
    table_error: float
    bound: float


class EmulatorRecord(_Value):
    """The integer emulator against the C simulation: the second witness."""

    values: int
    mismatching_values: int
    arithmetic: str
    first_difference: DifferenceRecord | None = None


class GateRecord(_Value):
    """The verdict: errors in the outputs' own unit, and in words what it failed for, nothing where it passed."""

    kind: Literal["exact", "bounded"]
    passed: bool
    max_abs_error: float
    allowed_abs_error: float
    failures: list[str] = []


class ErrorRecord(_Value):
    """How far values are from the targets, in their own unit."""

    mean_abs: float
    root_mean_square: float


class LayerRecord(_Value):
    """One layer: its effective types by role, where each came from, what was proved, and its multipliers."""

    name: str
    operation: str
    keras_layer: str
    shape: list[int]
    types: dict[str, str]
    sources: dict[str, str]
    proof: str
    keras_float32_exact: bool
    parameters: int
    zeros: int
    strategy: str | None = None
    reuse_factor: int | None = None


class SizeRecord(_Value):
    """Parameters and their storage: bits at the widths of the hardware's types, bytes of the file of weights."""

    parameters: int
    zeros: int
    weight_bits: int
    weights_file_bytes: int

    @property
    def sparsity(self) -> float:
        return self.zeros / self.parameters if self.parameters else 0.0


class FigureRecord(_Value):
    """What one tool says of the whole design or of one module of it, at one stage; None: it does not say.

    Counts are of LUT, FF, DSP, 18 Kb BRAM and URAM; latency and interval are in cycles, clocks in ns. `ranges` holds
    [low, high] of an estimate's error bars by field name, `in_domain` whether it was calibrated on such designs.
    `samples` went through a simulation. `architecture` is that of RTL of our own (`folded`, `sparse`, `unrolled`),
    which is another design than the one that HLS makes of the same network. `bitstream_bytes` is the size of the file
    that configures a device. A board, or a simulated one, gave `frames_per_s` results a second, and took
    `round_trip_ms` for a frame and its result where no other was under way (the mean), serial line included.
    """

    stage: str
    tool: str
    tool_version: str | None
    part: str | None
    source_file: str | None
    module: str | None = None
    lut: int | None = None
    ff: int | None = None
    dsp: int | None = None
    bram_18k: int | None = None
    uram: int | None = None
    lut_available: int | None = None
    ff_available: int | None = None
    dsp_available: int | None = None
    bram_18k_available: int | None = None
    uram_available: int | None = None
    latency_min_cycles: int | None = None
    latency_max_cycles: int | None = None
    interval_min_cycles: int | None = None
    interval_max_cycles: int | None = None
    clock_target_ns: float | None = None
    clock_achieved_ns: float | None = None
    slack_ns: float | None = None
    ranges: dict[str, list[float]] = {}
    in_domain: bool | None = None
    notes: list[str] = []
    samples: int | None = None
    architecture: str | None = None
    bitstream_bytes: int | None = None
    frames_per_s: float | None = None
    round_trip_ms: float | None = None

    @property
    def is_of_own_rtl(self) -> bool:
        """Whether it is of RTL of our own, and not of the design that HLS makes of hls4ml's C++."""
        return self.architecture is not None or self.stage in OWN_RTL_STAGES


def two_designs(figures: Iterable[FigureRecord]) -> str | None:
    """That figures are of two designs of one network, as a sentence with their stages; None where they are of one."""
    stages: dict[bool, list[str]] = {False: [], True: []}
    architectures = []
    for figure in figures:
        stages[figure.is_of_own_rtl].append(figure.stage)
        architectures += [figure.architecture] if figure.architecture else []
    if not all(stages.values()):
        return None
    hls, own = (" and ".join(dict.fromkeys(stages[key])) for key in (False, True))
    shape = f" ({', '.join(dict.fromkeys(architectures))})" if architectures else ""
    return (
        f"two designs of one network: {hls} figures are of the one that HLS makes of hls4ml's C++, {own} figures of "
        f"our own RTL{shape}; neither says anything of the other"
    )


class RequestRecord(_Value):
    """What was asked for beside the model, where that is another build than its own: a variant.

    `config` is a configuration's name below hls_configs/, else its path; `configured_by` the command that wrote it,
    where it says so. `changes` are values of the command line by their key.
    """

    config: str | None = None
    configured_by: str | None = None
    changes: dict[str, str | int | float] = {}

    @property
    def options(self) -> str:
        """The options of `hlsflow build` and `hlsflow pack` that ask for it."""
        said = [] if self.config is None else ["--config", self.config]
        for key, value in self.changes.items():
            said += [f"--{key.replace('_', '-')}", str(value)]
        return shlex.join(said)


class CounterexampleRecord(_Value):
    """A run whose gate failed on the very design that the record's own verification passed."""

    samples: Samples
    gate: GateRecord
    versions: dict[str, str]


class BuildRecord(_Value):
    """What is known of one design of one model: its verification, and the figures of tools; None is not measured."""

    schema_version: Literal[2] = SCHEMA
    model: str
    variant: str
    # What made the variant; None: the model's own build, or it is not known.
    request: RequestRecord | None = None
    title: str
    # Of everything that the verification depends on, tools and code included.
    digest: str
    # Of the contents of the HLS project (sources, types, weights); None: not known.
    design: str | None = None
    # Of what it is compared with: the Keras network and its weights.
    reference: str | None = None
    configuration: Configuration
    samples: Samples
    trained: Trained | None
    # What computed the reference: the model's framework, or what evaluates its models. The keys that say Keras are of
    # the first framework that there was.
    framework: str = "Keras"
    # The float that Keras computed the reference in: float64 where float32 rounds the network's sums.
    keras_float: Literal["float32", "float64"] = "float32"
    accuracy_keras: float | None
    accuracy_csim: float | None
    # Of a model whose outputs are values: how far they are from the targets.
    errors_keras: ErrorRecord | None = None
    errors_csim: ErrorRecord | None = None
    # Outputs that are functions of single values, read from tables.
    tables: list[TableRecord] = []
    gate: GateRecord
    agreement: list[AgreementRecord]
    softmax: SoftmaxRecord | None
    emulator: EmulatorRecord | None
    size: SizeRecord
    layers: list[LayerRecord]
    warnings: list[str]
    versions: dict[str, str]
    # Runs on other samples, or with other tools, that contradict the verification.
    counterexamples: list[CounterexampleRecord] = []
    # Figures of every stage that was run on exactly this design, the whole design first, then its modules.
    figures: list[FigureRecord] = []
    # What became of each stage that was asked for: "done", "skipped: vitis-run not found", "failed: …".
    stages: dict[str, str] = {}

    @property
    def exact(self) -> bool:
        """Whether these outputs may be called exact: demanded, found on every sample, and held by every output's type.

        A bounded network never is, whatever its samples show.
        """
        return (
            self.gate.kind == "exact"
            and self.passed
            and all(item.mismatching_values == 0 and item.holds_derived for item in self.agreement)
        )

    @property
    def name(self) -> str:
        """The model with its variant, as folders are named: `qap8`, `qap8@Vivado-io_stream`."""
        return f"{self.model}@{self.variant}" if self.variant else self.model

    @property
    def passed(self) -> bool:
        """Whether the gate passed, and no other run on this design contradicts it."""
        return self.gate.passed and not self.counterexamples

    def to_json(self) -> str:
        """The record as text: fixed order and layout, no clock time.

        Raises ReportError where a vendor's figure is of another part or clock than the record.
        """
        check_target(self, self.name)
        data = self.model_dump(mode="json")
        # What is as usual is left out, so that the records of older builds read and write the same.
        for key, usual in _USUAL.items():
            if data[key] == usual:
                del data[key]
        for figure in data["figures"]:
            for key in ("samples", "architecture", "bitstream_bytes", "frames_per_s", "round_trip_ms"):
                if figure[key] is None:
                    del figure[key]
        return json.dumps(data, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str, source: str) -> Self:
        """The record that a text holds.

        Raises ReportError naming `source` and the key that is wrong, or the figure that is of another target.
        """
        try:
            record = cls.model_validate_json(text)
        except ValidationError as error:
            older = next((item for item in error.errors() if item["loc"] == ("schema_version",)), None)
            if older is not None:
                raise ReportError(
                    f"{source}: written by another version of hlsflow (schema {older['input']!r}, here {SCHEMA})",
                    hint="build the model again",
                ) from error
            first = error.errors()[0]
            path = ".".join(str(part) for part in first["loc"]) or "the whole file"
            raise ReportError(f"{source}: {path}: {first['msg']}", hint="build the model again") from error
        check_target(record, source)
        return record


_USUAL: dict[str, object] = {
    "framework": "Keras",
    "keras_float": "float32",
    "design": None,
    "reference": None,
    "request": None,
    "counterexamples": [],
    "errors_keras": None,
    "errors_csim": None,
    "tables": [],
}


def check_target(record: BuildRecord, source: str) -> None:
    """Raises ReportError where a figure of a vendor's tool is of another part or another clock than the record."""
    part, clock_ns = record.configuration.part, record.configuration.clock_period_ns
    for number, figure in enumerate(record.figures):
        if figure.stage not in VENDOR_STAGES:
            continue
        other = None
        if figure.part and figure.part.strip() and not part_of(figure.part).may_be(part_of(part)):
            other = f"part {figure.part}, the record of {part}"
        elif figure.clock_target_ns is not None and abs(figure.clock_target_ns - clock_ns) > CLOCK_TOLERANCE_NS:
            other = f"a clock of {figure.clock_target_ns:g} ns, the record of {clock_ns:g} ns"
        if other is not None:
            raise ReportError(
                f"{source}: figures.{number}: the {figure.stage} figures of {figure.tool} are of {other}",
                hint="they are results of another configuration: run the synthesis again on this one",
            )


def read_record(path: Path) -> BuildRecord:
    """The record in a file. Raises ReportError where it is absent, cut off, or of another schema."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ReportError(f"cannot read {path}: {error.strerror or error}", hint="build the model first") from error
    except UnicodeDecodeError as error:
        raise ReportError(f"{path}: no UTF-8 text", hint="build the model again") from error
    return BuildRecord.from_json(text, str(path))
