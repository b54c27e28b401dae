"""build(): from a trained model to an exact, C-simulated HLS project and its record."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsflow.compression.recipe import Recipe, load_recipe
from hlsflow.conversion.csim import Compiler, find_compiler
from hlsflow.conversion.hls_config import HlsConfig, changed, load_hls_config
from hlsflow.errors import ConfigError, HlsflowError, MismatchError, ModelError
from hlsflow.log import Log, Step
from hlsflow.record import BuildRecord, read_record
from hlsflow.stages import MODULES, collect, run_stage, stage_inputs
from hlsflow.steps import Steps, code_version, digest, file_digest
from hlsflow.verification_samples import SampleSet, choose_samples
from hlsflow.workspace import Workspace, storage_errors, write_text

if TYPE_CHECKING:
    import numpy as np

    from hlsflow.conversion.lint import Linted
    from hlsflow.conversion.network import Network
    from hlsflow.conversion.project import HlsProject

# What each step's result depends on, besides its inputs: a change of this code makes it anew.
_NETWORK_CODE = (
    "compression/zoo.py", "compression/quantizers.py", "compression/weights.py", "compression/recipe.py",
    "conversion/frontend.py", "conversion/allow_list.py", "conversion/network.py", "conversion/network_file.py",
    "conversion/quantizers.py", "conversion/fixed_point.py",
)  # fmt: skip
_REFERENCE_CODE = ("conversion/reference.py", "datasets.py", "dataset_files.py", "digits_as_mnist.py")
_CONVERT_CODE = (
    "conversion/convert.py", "conversion/ranges.py", "conversion/intervals.py", "conversion/effective.py",
    "conversion/project.py",
)  # fmt: skip
_CSIM_CODE = ("conversion/csim.py",)
_RECORD_CODE = (
    "conversion", "pipeline.py", "record.py", "gate.py", "reporting/build_report.py", "verification_samples.py"
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildRequest:
    """What was asked for. `changes` are top-level values of the configuration that the command line replaces."""

    model: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    data_dir: Path | None = None
    samples: int | None = None
    allow_mismatch: bool = False
    # "vitis", "vivado" or "open", with the options of that stage; None: no synthesis.
    synth: str | None = None
    synth_options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildResult:
    """The record, where it was written, the HLS project, and whether anything had to be done."""

    record: BuildRecord
    record_path: Path
    project: Path
    unchanged: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """All inputs of a build and the digest of each step's, known before any work and without TensorFlow."""

    model: str
    variant: str
    recipe: Recipe
    config: HlsConfig
    config_path: Path
    model_dir: Path
    samples: SampleSet
    compiler: Compiler
    keys: Mapping[str, Mapping[str, Any]]

    @property
    def name(self) -> str:
        return f"{self.model}@{self.variant}" if self.variant else self.model

    @property
    def digest(self) -> str:
        """The digest of everything that the record depends on."""
        return digest(self.keys["record"])


def versions() -> dict[str, str]:
    """The versions of what decides the result, without importing any of it."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for package in ("hls4ml", "qkeras", "tensorflow-cpu", "numpy"):
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def make_plan(workspace: Workspace, request: BuildRequest) -> Plan:
    """Everything read, checked and digested before any work. Raises what is wrong with it."""
    model_dir = workspace.model_dir(request.model)
    recipe = load_recipe(model_dir)
    config_path = workspace.hls_configs / f"{request.model}.yaml"
    if not config_path.is_file():
        raise ConfigError(
            f"no HLS configuration at {config_path}", hint=f"write an exact one: hlsflow config {request.model}"
        )
    config = changed(load_hls_config(config_path), request.changes, "the command line")
    weights = model_dir / "weights.npz"
    if not weights.is_file():
        raise ModelError(f"no weights at {weights}", hint=f"train the model: hlsflow train --model {request.model}")
    compiler = find_compiler()
    variant = "-".join(str(value) for value in request.changes.values() if value is not None)
    folder = workspace.build / (f"{request.model}@{variant}" if variant else request.model)
    samples = choose_samples(recipe.dataset, request.data_dir, request.samples, folder.parent / "no-download")
    tools = versions()
    network = {
        "recipe": recipe.sha256(),
        "weights": file_digest(weights),
        "code": code_version(_NETWORK_CODE),
        "versions": tools,
    }
    reference = {
        "network": digest(network), "samples": samples.identity, "code": code_version(_REFERENCE_CODE)
    }  # fmt: skip
    convert = {
        "network": digest(network),
        "config": config.model_dump(mode="json", exclude={"gate"}),
        "code": code_version(_CONVERT_CODE),
        "folder": str(folder),
    }
    compile_ = {"hls": digest(convert), "compiler": compiler.version, "code": code_version(_CSIM_CODE)}
    csim = {"program": digest(compile_), "samples": samples.identity}
    training = model_dir / "training.json"
    record = {
        "csim": {**csim, "program": digest({**compile_, "hls": digest({**convert, "folder": ""})})},
        "reference": digest(reference),
        "gate": config.gate.model_dump(mode="json"),
        "training": file_digest(training) if training.is_file() else None,
        "title": recipe.title,
        "code": code_version(_RECORD_CODE),
    }
    return Plan(
        model=request.model,
        variant=variant,
        recipe=recipe,
        config=config,
        config_path=config_path,
        model_dir=model_dir,
        samples=samples,
        compiler=compiler,
        keys={
            "network": network, "reference": reference, "hls": convert, "compile": compile_, "csim": csim,
            "record": record,
        },
    )  # fmt: skip


def build(workspace: Workspace, request: BuildRequest, log: Log) -> BuildResult:
    """Builds a model. Raises MismatchError where the gate fails, after the record was written."""
    plan = make_plan(workspace, request)
    folder = workspace.build / plan.name
    record_path = workspace.reports / plan.name / "build.json"
    with locked(folder, log):
        steps = Steps(folder=folder, log=log)
        steps.clean()
        stages = _wanted_stages(request)
        known = _known_record(plan, steps, record_path, stages)
        if known is not None:
            log.line(f"{plan.name}: nothing changed since the last build (inputs {plan.digest[:12]}), nothing to do")
            _raise_unless_passed(known, record_path, request)
            return BuildResult(record=known, record_path=record_path, project=folder / "hls", unchanged=True)
        if plan.samples.substitute:
            log.warn(f"verifying on {plan.samples.source}")
        record, hls = _verified(plan, steps, log)
        _write(record, record_path)
        _raise_unless_passed(record, record_path, request)
        for stage, options in stages.items():
            run_stage(stage, plan, hls, steps, options)
        figures, states = collect(plan, folder)
        record = record.model_copy(update={"figures": figures, "stages": states})
        _write(record, record_path)
        return BuildResult(record=record, record_path=record_path, project=hls, unchanged=False)


def _wanted_stages(request: BuildRequest) -> dict[str, Mapping[str, Any]]:
    """The stages after the gate, with their options: the estimate always, a synthesis where it was asked for."""
    stages: dict[str, Mapping[str, Any]] = {}
    if find_spec(MODULES["estimate"]) is not None:
        stages["estimate"] = {}
    if request.synth is not None:
        stages[request.synth] = request.synth_options
    return stages


def _verified(plan: Plan, steps: Steps, log: Log) -> tuple[BuildRecord, Path]:
    """The record of the C simulation against Keras, its gate passed or not, and the HLS project."""
    session = _Session(plan)
    network = load_network_step(plan, steps, session)
    reference = steps.run("reference", plan.keys["reference"], session.write_reference, title="keras")
    linted = _lint(plan, network, log)
    final = steps.folder / "hls"
    hls = steps.run("hls", plan.keys["hls"], lambda path, step: _convert(plan, network, linted, path, final))
    program = steps.run("compile", plan.keys["compile"], lambda path, step: _compile(plan, hls, path))
    outputs = steps.run(
        "csim", plan.keys["csim"], lambda path, step: _simulate(plan, network, linted, hls, program, path, step)
    )
    with log.step("gate") as step:
        from hlsflow.gate import Evidence, judge

        evidence = Evidence(
            plan=plan,
            network=network,
            layers=linted.layers,
            hls=hls,
            program=program,
            reference=reference,
            outputs=outputs,
            warnings=tuple(str(complaint) for complaint in linted.complaints),
            keras_layers=session.layer_outputs,
            scratch=steps.folder / "trace",
        )
        record = judge(evidence)
        step.detail = "passed" if record.gate.passed else "FAILED"
    return record, hls


def load_network_step(plan: Plan, steps: Steps, session: _Session) -> Network:
    """The model's network, from TensorFlow the first time and from its file afterwards."""
    from hlsflow.conversion.network_file import load_network

    return load_network(steps.run("network", plan.keys["network"], session.write_network, title="model"))


def _known_record(plan: Plan, steps: Steps, path: Path, stages: Mapping[str, Mapping[str, Any]]) -> BuildRecord | None:
    """The record of an earlier build with the same inputs, if that build's results are all still there."""
    if not all(steps.up_to_date(name, key) for name, key in plan.keys.items() if name != "record"):
        return None
    try:
        record = read_record(path)
    except HlsflowError:
        return None
    if record.digest != plan.digest or not (path.parent / "report.md").is_file():
        return None
    if record.gate.passed and not all(
        steps.up_to_date(stage, stage_inputs(stage, plan, options)) for stage, options in stages.items()
    ):
        return None
    return record


class _Session:
    """The Keras model, loaded when the first step needs it; a build whose steps are all kept never loads it."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._model: Any = None

    @property
    def model(self) -> Any:
        if self._model is None:
            from hlsflow.compression.runtime import prepare_tensorflow
            from hlsflow.compression.weights import load_trained

            prepare_tensorflow()
            _, self._model = load_trained(self.plan.model_dir)
        return self._model

    def network(self) -> Network:
        from hlsflow.conversion.fixed_point import parse_type
        from hlsflow.conversion.frontend import network_of

        return network_of(self.model, parse_type(self.plan.recipe.input.type))

    def write_network(self, folder: Path, step: Step) -> str:
        from hlsflow.conversion.network_file import save_network

        network = self.network()
        save_network(network, folder)
        parameters = sum(array.size for node in network.nodes for array in node.arrays.values())
        return f"{len(network.nodes)} layers, {parameters:,} parameters"

    def write_reference(self, folder: Path, step: Step) -> str:
        import numpy as np

        pixels, classes = self.plan.samples.load()
        network = self.network()
        names = list(dict.fromkeys((*network.gate_outputs, *network.outputs)))
        outputs = self.layer_outputs(pixels, names, progress=lambda done, total: step.progress(done, total, "samples"))
        with storage_errors(folder):
            np.savez(folder / "outputs.npz", **outputs)
            np.save(folder / "classes.npy", classes)
        accuracy = float(np.mean(outputs[network.gate_outputs[0]].argmax(axis=1) == classes))
        return f"{len(pixels):,} samples of {self.plan.samples.dataset}, accuracy {accuracy:.4f}"

    def layer_outputs(self, pixels: np.ndarray, names: list[str], **more: Any) -> dict[str, np.ndarray]:
        """Outputs of layers, float64, for uint8 pixels."""
        from hlsflow.compression.zoo import preprocess
        from hlsflow.conversion.reference import keras_outputs

        return keras_outputs(self.model, self.network(), [preprocess(self.plan.recipe, pixels)], names, **more)


def _lint(plan: Plan, network: Network, log: Log) -> Linted:
    from hlsflow.conversion.lint import Severity, lint

    with log.step("types") as step:
        linted = lint(network, plan.config)
        linted.raise_errors(str(plan.config_path))
        warnings = linted.of(Severity.WARNING)
        step.detail = f"{len(warnings)} warnings" if warnings else "every accumulator proved wide enough for any input"
    for warning in warnings:
        log.warn(str(warning))
    return linted


def _convert(plan: Plan, network: Network, linted: Linted, folder: Path, final: Path) -> str:
    from hlsflow.conversion.convert import convert
    from hlsflow.conversion.effective import verify
    from hlsflow.conversion.project import read_project

    said = convert(network, linted.layers, plan.config, folder, final)
    with storage_errors(folder):
        (folder / "hls4ml.log").write_text(said)
    verify(read_project(folder), linted.layers, plan.config)
    config = plan.config
    return f"{config.backend} {config.io_type}, {config.part}, {config.clock_period_ns:g} ns"


def _compile(plan: Plan, hls: Path, folder: Path) -> str:
    from hlsflow.conversion.csim import compile_csim
    from hlsflow.conversion.project import read_project

    compile_csim(read_project(hls), folder, plan.compiler)
    return plan.compiler.version


def traced_outputs(network: Network, project: HlsProject) -> list[str]:
    """The gate's outputs that the project traces: all but those that only move values, which are ports."""
    return [name for name in network.gate_outputs if name in project.traced]


def _simulate(
    plan: Plan, network: Network, linted: Linted, hls: Path, program: Path, folder: Path, step: Step
) -> str:  # fmt: skip
    import numpy as np

    from hlsflow.compression.zoo import preprocess
    from hlsflow.conversion.csim import simulate
    from hlsflow.conversion.project import read_project

    project = read_project(hls)
    pixels, _ = plan.samples.load()
    types = {layer.node.name: layer.result for layer in linted.layers}
    outputs = simulate(
        program / "csim",
        project,
        [preprocess(plan.recipe, pixels)],
        layers={name: types[name] for name in traced_outputs(network, project)},
        folder=folder,
        progress=lambda done, total: step.progress(done, total, "samples"),
    )
    with storage_errors(folder):
        np.savez(folder / "outputs.npz", **outputs)
    return f"{len(pixels):,} samples, {len(pixels) / step.seconds:,.0f} a second"


def _write(record: BuildRecord, path: Path) -> None:
    from hlsflow.reporting.build_report import markdown

    write_text(path.parent / "report.md", markdown(record))
    write_text(path, record.to_json())


def _raise_unless_passed(record: BuildRecord, path: Path, request: BuildRequest) -> None:
    if record.gate.passed or request.allow_mismatch:
        return
    worst = max(record.agreement, key=lambda agreement: agreement.mismatching_values)
    message = (
        f"{record.name}: the C simulation differs from Keras in {worst.mismatching_values:,} of {worst.values:,} values of "
        f"'{worst.output}', by up to {worst.max_error_lsb} LSB of {worst.type}"
    )
    first = worst.first_difference
    if first is not None:
        message += (
            f"\n  first layer that differs: '{first.layer}', by {first.error_lsb} LSB of {first.type} "
            f"(sample {first.sample}, value {first.position}: Keras {first.keras_integer}, "
            f"hardware {first.hardware_integer})"
        )
    near = [warning for warning in record.warnings if first is not None and f"layers.{first.layer}." in warning]
    hint = f"the configuration was warned about: {near[0]}" if near else f"the whole record: {path}"
    raise MismatchError(message, hint=hint + "\n  --allow-mismatch records this and goes on")


@contextlib.contextmanager
def locked(folder: Path, log: Log) -> Iterator[None]:
    """Holds the build folder: two builds of one model take turns."""
    import fcntl

    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            log.line(f"another build holds {folder}: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
