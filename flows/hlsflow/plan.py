"""The plan of a build: all its inputs, checked and digested before any work and without TensorFlow."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hlsflow.compression.recipe import Recipe, load_recipe
from hlsflow.conversion.csim import Compiler, find_compiler
from hlsflow.conversion.hls_config import HlsConfig, changed, load_hls_config
from hlsflow.errors import ConfigError, ModelError
from hlsflow.steps import code_version, digest, file_digest
from hlsflow.verification_samples import SampleSet, choose_samples
from hlsflow.workspace import Workspace

# What each step's result depends on, besides its inputs: a change of this code makes it anew.
_NETWORK_CODE = (
    "compression/zoo.py", "compression/quantizers.py", "compression/qkeras_quantizers.py", "compression/weights.py",
    "compression/recipe.py",
    "conversion/frontend.py", "conversion/frontend_layers.py", "conversion/allow_list.py", "conversion/network.py",
    "conversion/network_file.py", "conversion/quantizers.py", "conversion/fixed_point.py",
)  # fmt: skip
_REFERENCE_CODE = (
    "conversion/reference.py", "conversion/calibrate.py", "conversion/ranges.py", "conversion/layer_types.py",
    "conversion/intervals.py", "datasets.py", "dataset_files.py", "digits_as_mnist.py",
)  # fmt: skip
_CONVERT_CODE = (
    "conversion/convert.py", "conversion/ranges.py", "conversion/layer_types.py", "conversion/intervals.py",
    "conversion/effective.py", "conversion/project.py",
)  # fmt: skip
_CSIM_CODE = ("conversion/csim.py",)
_RECORD_CODE = (
    "conversion", "pipeline.py", "plan.py", "record.py", "gate.py", "reporting/build_report.py",
    "verification_samples.py",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildRequest:
    """What was asked for. `changes` are top-level values of the configuration that the command line replaces."""

    model: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    data_dir: Path | None = None
    samples: int | None = None
    allow_mismatch: bool = False
    # A configuration other than the model's own, such as `hls_configs/qap8.pynq-z2.yaml`, of the variant `pynq-z2`.
    config_path: Path | None = None
    # "vitis", "vivado" or "open", with the options of that stage; None: no synthesis.
    synth: str | None = None
    synth_options: Mapping[str, Any] = field(default_factory=dict)


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
    config_path = request.config_path or workspace.hls_configs / f"{request.model}.yaml"
    if not config_path.is_file():
        raise ConfigError(
            f"no HLS configuration at {config_path}", hint=f"write an exact one: hlsflow config {request.model}"
        )
    config = changed(load_hls_config(config_path), request.changes, "the command line")
    weights = model_dir / "weights.npz"
    if not weights.is_file():
        raise ModelError(f"no weights at {weights}", hint=f"train the model: hlsflow train --model {request.model}")
    compiler = find_compiler()
    words = [config_path.stem.removeprefix(f"{request.model}.")] if request.config_path else []
    variant = "-".join([*words, *(str(value) for value in request.changes.values() if value is not None)])
    folder = workspace.build / (f"{request.model}@{variant}" if variant else request.model)
    samples = choose_samples(
        recipe.dataset, request.data_dir, request.samples, folder.parent / "no-download", recipe.classes
    )
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
