"""Deriving a whole configuration for a trained model: exact where it has quantizers, measured where it has none."""

from __future__ import annotations

import tempfile
from math import ceil, floor, log10
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsflow.building.target import Target
from hlsflow.foundation.log import Log
from hlsflow.foundation.workspace import Workspace, write_text
from hlsflow.hls.config import HlsConfig
from hlsflow.hls.config_writer import multiplier_choice, write_config

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array
    from hlsflow.models.recipe import Recipe
    from hlsflow.network.graph import Network

# How many training samples measure the values of a network without quantizers, and the margin on its error.
CALIBRATION_SAMPLES = 4000
ERROR_MARGIN = 2.0


def configure(workspace: Workspace, model_name: str, target: Target, data_dir: Path | None, log: Log) -> str:
    """The text of a configuration for a trained model. Raises what is wrong with the model or the target."""
    from hlsflow.foundation.strict_yaml import validate
    from hlsflow.frontends import calibrate
    from hlsflow.frontends.keras2 import network_of
    from hlsflow.frontends.runtime import prepare_tensorflow
    from hlsflow.hls.lint import lint
    from hlsflow.models.weights import load_trained
    from hlsflow.network.fixed_point import parse_type

    with log.step("model") as step:
        prepare_tensorflow()
        recipe, model = load_trained(workspace.model_dir(model_name))
        network = network_of(model, parse_type(recipe.input.type))
        step.detail = f"{len(network.nodes)} layers"
    values: dict[str, Any] = {
        "backend": target.backend,
        "io_type": target.io_type,
        "part": target.part,
        "clock_period_ns": target.clock_period_ns,
        "layers": multiplier_choice(network),
    }
    if values["layers"]:
        values["strategy"] = "resource"
    config = validate(HlsConfig, values, "the command line")
    if calibrate.is_open(network):
        config = _measured(recipe, model, network, config, target.bits, data_dir, log)
    with log.step("types") as step:
        linted = lint(network, config)
        linted.raise_errors("the derived configuration")
        step.detail = "exact for any input" if config.gate.kind == "exact" else "rounded, within a measured bound"
    return write_config(model_name, config, linted.layers)


def write_derived(workspace: Workspace, model_name: str, data_dir: Path | None, log: Log) -> Path:
    """The configuration of a model that has none, derived for the default target and written now, as `hlsflow config`
    does it. Raises what is wrong with the model.
    """
    path = workspace.hls_configs / f"{model_name}.yaml"
    workspace.model_dir(model_name)
    log.line(f"{model_name} has no HLS configuration: deriving one, as `hlsflow config {model_name}` does")
    write_text(path, configure(workspace, model_name, Target(), data_dir, log))
    log.line(f"wrote {path}: yours to edit")
    return path


def _measured(
    recipe: Recipe, model: Any, network: Network, config: HlsConfig, bits: int, data_dir: Path | None, log: Log
) -> HlsConfig:
    """The configuration with rounded types, and a gate at twice the error that they cause on training samples."""
    from hlsflow.datasets.dataset import load_dataset
    from hlsflow.frontends import calibrate
    from hlsflow.frontends.reference import comparable_nodes, keras_outputs
    from hlsflow.hls.config import LayerConfig
    from hlsflow.models.zoo import preprocess

    with log.step("measure") as step:
        dataset = load_dataset(recipe.dataset, data_dir)
        x = preprocess(recipe, dataset.x_train[:CALIBRATION_SAMPLES])
        outputs = keras_outputs(model, network, [x], comparable_nodes(network))
        given = calibrate.rounded_types(network, outputs, bits)
        layers = dict(config.layers)
        for name, types in given.items():
            layers[name] = layers.get(name, LayerConfig()).model_copy(update={"precision": types})
        config = config.model_copy(update={"layers": layers})
        error = max(float(abs(found - outputs[name]).max()) for name, found in _emulated(network, config, x).items())
        step.detail = f"largest error {error:.2g} on {len(x):,} training samples of {recipe.dataset}"
    bound = rounded_up(ERROR_MARGIN * error)
    return config.model_copy(update={"gate": {"kind": "bounded", "max_abs_error": bound}}).model_validate(
        {**config.model_dump(), "gate": {"kind": "bounded", "max_abs_error": bound}}
    )


def rounded_up(value: float) -> float:
    """The least number of one significant digit that is not below a value: a bound must not be rounded down."""
    if value <= 0:
        return 0.0
    unit = 10.0 ** floor(log10(value))
    # A value that is such a number already is not to become the next one by its last bit.
    return float(f"{ceil(value / unit - 1e-9) * unit:.1g}")


def _emulated(network: Network, config: HlsConfig, x: Array) -> dict[str, Array]:
    """Real values of the gate's outputs under a configuration, from the emulator of a throw-away project."""
    from hlsflow.emulation.emulator import make_emulator
    from hlsflow.hls.convert import convert
    from hlsflow.hls.lint import lint
    from hlsflow.hls.project import read_project

    layers = lint(network, config).layers
    types = {layer.node.name: layer.result for layer in layers}
    with tempfile.TemporaryDirectory(prefix="hlsflow-") as folder:
        convert(network, layers, config, Path(folder) / "hls")
        emulator = make_emulator(read_project(Path(folder) / "hls"))
        found = emulator.run([x], layers=network.gate_outputs)
    return {name: found[name] * types[name].lsb for name in network.gate_outputs}
