"""`--fit BOARD`: from a model and its configuration to the fitted one, written as a YAML that a person can edit.

The file's name says all that was asked for, so that two requests never share a file or a variant. Its first line holds
the digest of the rest: a file that a person has edited since is never written over unasked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hlsflow.building.pipeline import locked
from hlsflow.building.plan import BuildRequest, make_plan
from hlsflow.building.session import Session, load_network_step
from hlsflow.building.tools.estimate import model_of
from hlsflow.devices.boards import find_amd_board
from hlsflow.estimation.network import design_of_layers
from hlsflow.fitting.fit import Fit, fit
from hlsflow.fitting.options import is_free
from hlsflow.fitting.program import parse_goal
from hlsflow.fitting.text import fit_lines
from hlsflow.foundation.errors import UsageError
from hlsflow.foundation.log import Log
from hlsflow.foundation.steps import Steps
from hlsflow.foundation.workspace import Workspace, storage_errors, write_text
from hlsflow.hls.config import HlsConfig, LayerConfig
from hlsflow.hls.config_writer import write_config
from hlsflow.hls.lint import lint

_SEAL = "# Written by hlsflow fit; SHA-256 of what follows: "


@dataclass(frozen=True, kw_only=True, slots=True)
class Fitted:
    """The fit, its explanation, and the text of the configuration with the path that it belongs to."""

    model: str
    board: str
    fit: Fit
    lines: tuple[str, ...]
    text: str
    path: Path


def fit_model(workspace: Workspace, model: str, board: str, goal: str, changes: Mapping[str, Any], log: Log) -> Fitted:
    """Fits a model to a board. `changes` are top-level values of the configuration that the command line replaces.

    Raises ConfigError for an unknown board, UnsupportedError where nothing fits, and what is wrong with the model.
    """
    wish = parse_goal(goal)
    name, part = find_amd_board(board)
    request = BuildRequest(model=model, changes={**changes, "part": part.name})
    plan = make_plan(workspace, request)
    # The network does not depend on the target: it is kept with the model's own build.
    folder = workspace.build / model
    with locked(folder, log):
        network = load_network_step(plan, Steps(folder=folder, log=log), Session(plan))
    linted = lint(network, plan.config)
    design = design_of_layers(model, linted.layers, plan.config)
    with log.step("fit") as step:
        found = fit(design, wish, model_of(workspace.root))
        values = found.best.estimate.values
        step.detail = f"{name}: LUT {values['lut']:,.0f}, {values['latency_cycles']:,.0f} cycles"
    config = fitted_config(plan.config, found)
    lines = tuple(fit_lines(found))
    # The types do not depend on reuse factors, so those of the base configuration hold.
    words = "".join(f" --{key.replace('_', '-')} {_word(value)}" for key, value in changes.items())
    header = f"# Fitted to {name} by `hlsflow fit {model} {name} --goal {goal}{words}`.\n"
    header += "".join(f"# {line}\n" for line in lines) + "#\n"
    return Fitted(
        model=model,
        board=name,
        fit=found,
        lines=lines,
        text=_sealed(header + write_config(model, config, linted.layers)),
        path=workspace.hls_configs / f"{model}.{variant_of(name, goal, changes)}.yaml",
    )


def variant_of(board: str, goal: str, changes: Mapping[str, Any]) -> str:
    """The name of a fit among those of a model: the board, and all that was asked for besides."""
    words = [board, *([] if goal == "latency" else [goal.replace("=", "")])]
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


def _sealed(text: str) -> str:
    return f"{_SEAL}{hashlib.sha256(text.encode()).hexdigest()}\n{text}"


def is_untouched(text: str) -> bool:
    """Whether a file is as a fit wrote it."""
    first, _, rest = text.partition("\n")
    return first.startswith(_SEAL) and _sealed(rest) == text


def fitted_config(config: HlsConfig, found: Fit) -> HlsConfig:
    """The configuration with the chosen strategies and reuse factors."""
    layers = dict(config.layers)
    for layer in found.best.design.layers:
        if is_free(layer):
            said = layers.get(layer.name, LayerConfig())
            chosen = {"strategy": layer.strategy, "reuse_factor": layer.reuse_factor}
            layers[layer.name] = said.model_copy(update=chosen)
    return config.model_copy(update={"layers": layers})
