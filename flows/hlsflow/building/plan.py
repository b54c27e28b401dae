"""The plan of a build: all its inputs, checked and digested before any work and without TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hlsflow.building.kept import kept_inputs
from hlsflow.foundation.errors import ConfigError
from hlsflow.foundation.steps import digest, file_digest
from hlsflow.foundation.workspace import Workspace
from hlsflow.frontends.contract import FrontEnd
from hlsflow.hls.config import HlsConfig, changed, load_hls_config
from hlsflow.hls.config_seal import command_of
from hlsflow.hls.csim import FLAGS, Compiler, find_compiler
from hlsflow.keys.compiler import compiler_identity
from hlsflow.keys.distributions import TENSORFLOW, installed
from hlsflow.keys.environment import PROGRAM_VARIABLES, values_of
from hlsflow.keys.work import work_of
from hlsflow.models.model import Model, Samples, open_model
from hlsflow.records.record import RequestRecord

# What hands the steps of a build what they work on.
_WIRING = ("hlsflow.building.pipeline", "hlsflow.building.session")
# Another framework's front end makes nothing of this one's models.
_FRONT_ENDS = "hlsflow.frontends.registry"


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

    model: Model
    variant: str
    config: HlsConfig
    config_path: Path
    samples: Samples
    compiler: Compiler
    # What makes it a variant; None for the model's own build.
    request: RequestRecord | None
    # The build folder whose network, or whose reference outputs, another environment made: none has them made here.
    kept: Mapping[str, Path]
    keys: Mapping[str, Mapping[str, Any]]

    @property
    def name(self) -> str:
        return f"{self.model.name}@{self.variant}" if self.variant else self.model.name

    @property
    def digest(self) -> str:
        """The digest of everything that the record depends on."""
        return digest(self.keys["record"])


def versions(front_end: FrontEnd) -> dict[str, str]:
    """The versions of the packages that a record of a framework's model names, without importing any of them."""
    import platform

    distributions = installed().distributions
    named = [name for name in front_end.distributions if name != "tensorflow"]
    if "tensorflow" in front_end.distributions:
        named += (name for name in distributions if name in TENSORFLOW)
    names = ("hls4ml", *named, "numpy")
    found = {name: distributions[name].version for name in names if name in distributions}
    return {"python": platform.python_version(), **found}


def make_plan(workspace: Workspace, request: BuildRequest) -> Plan:
    """Everything read, checked and digested before any work. Raises what is wrong with it."""
    model = open_model(workspace.model_dir(request.model))
    config_path = request.config_path or workspace.hls_configs / f"{request.model}.yaml"
    if not config_path.is_file():
        raise ConfigError(
            f"no HLS configuration at {config_path}", hint=f"write an exact one: hlsflow config {request.model}"
        )
    config = changed(load_hls_config(config_path), request.changes, "the command line")
    identity = model.identity
    compiler = find_compiler()
    words = [config_path.stem.removeprefix(f"{request.model}.")] if request.config_path else []
    variant = "-".join([*words, *(str(value) for value in request.changes.values() if value is not None)])
    asked = _asked(workspace, request) if variant else None
    folder = workspace.build / (f"{request.model}@{variant}" if variant else request.model)
    training = model.folder / "training.json"
    samples = model.samples(request.data_dir, request.samples, folder.parent / "no-download")
    folders = (folder, workspace.build / request.model)
    keys, kept = step_keys(identity, model.front_end, config, samples, compiler, folders)
    keys["record"] = {
        "csim": digest(keys["csim"]),
        "reference": digest(keys["reference"]),
        "gate": config.gate.model_dump(mode="json"),
        "training": file_digest(training) if training.is_file() else None,
        "title": model.title,
        "source": samples.source,
        # Each stage after the gate has a key of its own.
        "work": work_of("hlsflow.building.pipeline", ends=("hlsflow.building.tools.registry", _FRONT_ENDS)),
    }
    if asked is not None:
        keys["record"]["request"] = asked.model_dump(mode="json")
    return Plan(
        model=model,
        variant=variant,
        config=config,
        config_path=config_path,
        samples=samples,
        compiler=compiler,
        request=asked,
        kept=kept,
        keys=keys,
    )


def _asked(workspace: Workspace, request: BuildRequest) -> RequestRecord:
    """What makes a variant, as its record has it."""
    path, name, command = request.config_path, None, None
    if path is not None:
        folders = (workspace.hls_configs.resolve(), workspace.root.resolve())
        there = next((folder for folder in folders if path.resolve().is_relative_to(folder)), None)
        name = str(path if there is None else path.resolve().relative_to(there))
        command = command_of(path.read_text(encoding="utf-8"))
    changes = {key: value for key, value in request.changes.items() if value is not None}
    return RequestRecord(config=name, configured_by=command, changes=changes)


def step_keys(
    model: Mapping[str, object],
    front_end: FrontEnd,
    config: HlsConfig,
    samples: Samples,
    compiler: Compiler,
    folders: Sequence[Path],
) -> tuple[dict[str, dict[str, Any]], dict[str, Path]]:
    """What each step's result depends on: its inputs, those of the steps before it, and what it is made by; and where
    the results of those steps are that the framework takes part in, which is not installed here.

    `folders` are the build's own, and others whose results may serve.
    """
    kept: dict[str, Path] = {}

    def here_or_kept(step: str, inputs: dict[str, Any]) -> dict[str, Any]:
        found = kept_inputs(folders, step, inputs) if front_end.needs.missing else None
        if found is None:
            return inputs
        kept[step], known = found
        return known

    def work(step: str, *more: str) -> dict[str, Any]:
        return work_of(f"hlsflow.building.steps.{step}", *more, wiring=_WIRING, ends=(_FRONT_ENDS,))

    network: dict[str, Any] = {
        **model,
        "versions": versions(front_end),
        "work": work("network", type(front_end).__module__),
    }
    network = here_or_kept("network", network)
    reference: dict[str, Any] = {
        "network": digest(network),
        "samples": samples.identity,
        "work": work("reference", type(front_end).__module__),
    }
    reference = here_or_kept("reference", reference)
    hls = {
        "network": digest(network),
        "config": config.model_dump(mode="json", exclude={"gate"}),
        "work": work("hls"),
        # hls4ml notes it in the project's configuration; nothing that follows reads it there.
        "folder": str(folders[0]),
    }
    compile_ = {
        "hls": digest({**hls, "folder": ""}),
        "compiler": compiler_identity(compiler.path, FLAGS),
        "work": work("compile"),
    }
    csim = {
        "program": digest(compile_),
        "samples": samples.identity,
        "environment": values_of(PROGRAM_VARIABLES),
        "work": work("csim"),
    }
    keys = {"network": network, "reference": reference, "hls": hls, "compile": compile_, "csim": csim}
    return keys, kept
