"""`--fit BOARD`: from a model and its configuration to the fitted one, written as a YAML that a person can edit.

The file's name says all that was asked for, so that two requests never share a file or a variant. Its first line holds
the digest of the rest: a file that a person has edited since is never written over unasked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hlsflow.building.pipeline import locked
from hlsflow.building.plan import BuildRequest, make_plan
from hlsflow.building.session import Session
from hlsflow.building.steps.network import load_network_step
from hlsflow.building.tools.estimate import model_of
from hlsflow.devices.boards import find_amd_board
from hlsflow.estimation.bounds import DEFAULT_CONFIDENCE
from hlsflow.estimation.design import Design
from hlsflow.estimation.network import design_of_layers
from hlsflow.fitting.fit import Fit, fit
from hlsflow.fitting.options import is_free
from hlsflow.fitting.program import parse_goal
from hlsflow.fitting.text import fit_lines
from hlsflow.foundation.errors import HlsflowError, UsageError
from hlsflow.foundation.log import Log
from hlsflow.foundation.steps import Steps
from hlsflow.foundation.workspace import Workspace, storage_errors, write_text
from hlsflow.hls.config import HlsConfig, LayerConfig, changed
from hlsflow.hls.config_seal import is_untouched, sealed
from hlsflow.hls.config_writer import write_config
from hlsflow.hls.lint import lint
from hlsflow.network.graph import Network


@dataclass(frozen=True, kw_only=True, slots=True)
class Fitted:
    """The fit, its explanation, and the text of the configuration with the path that it belongs to."""

    model: str
    board: str
    fit: Fit
    lines: tuple[str, ...]
    text: str
    path: Path


def fit_model(
    workspace: Workspace,
    model: str,
    board: str,
    goal: str,
    changes: Mapping[str, Any],
    log: Log,
    confidence: float | None = None,
) -> Fitted:
    """Fits a model to a board. `changes` are top-level values of the configuration that the command line replaces.

    Raises ConfigError for an unknown board, UnsupportedError where nothing fits, and what is wrong with the model.
    """
    wish = parse_goal(goal, confidence)
    name, part = find_amd_board(board)
    request = BuildRequest(model=model, changes={**changes, "part": part.name})
    plan = make_plan(workspace, request)
    # The network does not depend on the target: it is kept with the model's own build.
    folder = workspace.build / model
    with locked(folder, log):
        network = load_network_step(plan, Steps(folder=folder, log=log), Session(plan.model))
    linted = lint(network, plan.config)
    design = design_of_layers(model, linted.layers, plan.config)
    with log.step("fit") as step:
        found = fit(design, wish, model_of(workspace.root), lambda: _other_io_type(model, network, plan.config))
        values = found.best.estimate.values
        step.detail = f"{name}: LUT {values['lut']:,.0f}, {values['latency_cycles']:,.0f} cycles"
    config = fitted_config(plan.config, found)
    lines = tuple(fit_lines(found))
    # The types do not depend on reuse factors, so those of the base configuration hold.
    words = "".join(f" --{key.replace('_', '-')} {_word(value)}" for key, value in changes.items())
    if wish.confidence != DEFAULT_CONFIDENCE:
        words += f" --confidence {wish.confidence:g}"
    header = f"# Fitted to {name} by `hlsflow fit {model} {name} --goal {goal}{words}`.\n"
    header += "".join(f"# {line}\n" for line in lines) + "#\n"
    return Fitted(
        model=model,
        board=name,
        fit=found,
        lines=lines,
        text=sealed(header + write_config(model, config, linted.layers)),
        path=workspace.hls_configs / f"{model}.{variant_of(name, goal, changes, wish.confidence)}.yaml",
    )


def _other_io_type(model: str, network: Network, config: HlsConfig) -> dict[str, Design]:
    """The network's design with the other io type, by the option that makes it; none where it cannot carry it."""
    io_type = "io_parallel" if config.io_type == "io_stream" else "io_stream"
    try:
        other = changed(config, {"io_type": io_type}, "the other io type")
        linted = lint(network, other)
        linted.raise_errors("the other io type")
        return {f"--io-type {io_type}": design_of_layers(model, linted.layers, other)}
    except HlsflowError:
        return {}


def variant_of(board: str, goal: str, changes: Mapping[str, Any], confidence: float = DEFAULT_CONFIDENCE) -> str:
    """The name of a fit among those of a model: the board, and all that was asked for besides."""
    words = [board, *([] if goal == "latency" else [goal.replace("=", "")])]
    words += [] if confidence == DEFAULT_CONFIDENCE else [f"confidence{round(100 * confidence)}"]
    return "-".join([*words, *(f"{_word(value)}" for value in changes.values() if value is not None)])


def _word(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def write_fitted(fitted: Fitted, *, force: bool) -> None:
    """Writes the configuration of a fit.

    Raises UsageError where the file was edited since a fit wrote it, or no fit wrote it, unless `force` says otherwise.
    """
    try:
        present = fitted.path.read_text(encoding="utf-8")
    except FileNotFoundError:
        present = None
    except UnicodeDecodeError:
        present = ""
    except OSError as error:
        with storage_errors(fitted.path):
            raise error
    if present is not None and not force and not is_untouched(present):
        raise UsageError(
            f"{fitted.path} was edited since `hlsflow fit` wrote it, so it is not written over",
            hint=f"build it as it is: hlsflow build --model {fitted.model} --config {fitted.path.name}; keep it under "
            "another name; or replace it: --force",
        )
    write_text(fitted.path, fitted.text)


def fitted_config(config: HlsConfig, found: Fit) -> HlsConfig:
    """The configuration with the chosen strategies and reuse factors."""
    layers = dict(config.layers)
    for layer in found.best.design.layers:
        if is_free(layer):
            said = layers.get(layer.name, LayerConfig())
            chosen = {"strategy": layer.strategy, "reuse_factor": layer.reuse_factor}
            layers[layer.name] = said.model_copy(update=chosen)
    return config.model_copy(update={"layers": layers})
