"""What is done to a built project after the gate, each a step with figures: estimate, vendor and open synthesis.

A stage's module has `NAME`, the folder of its step; `step_inputs(plan, options)`, what its result depends on besides
the project; and `compute(plan, hls, folder, step, options)`, which writes `figures.json` (a list of FigureRecord) and
`state.txt` (one line) into the folder and gives back what to say in the log.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from hlsflow.errors import ReportError
from hlsflow.record import FigureRecord
from hlsflow.steps import STEP_FILE, Steps, digest
from hlsflow.workspace import write_text

if TYPE_CHECKING:
    from hlsflow.plan import Plan

# Stage -> its module. The estimate is part of every build; the others are asked for with --synth.
MODULES = {
    "estimate": "hlsflow.synthesis.estimate_stage",
    "vitis": "hlsflow.synthesis.vendor_stage",
    "vivado": "hlsflow.synthesis.vendor_stage",
    "open": "hlsflow.synthesis.open_stage",
}

FIGURES_FILE = "figures.json"
STATE_FILE = "state.txt"

_FIGURES = TypeAdapter(list[FigureRecord])


def write_figures(folder: Path, figures: list[FigureRecord], state: str) -> None:
    """Writes a stage's result into its folder: the figures and one line that says what became of it."""
    write_text(folder / FIGURES_FILE, _FIGURES.dump_json(figures, indent=1).decode() + "\n")
    write_text(folder / STATE_FILE, state + "\n")


def run_stage(stage: str, plan: Plan, hls: Path, steps: Steps, options: Mapping[str, Any]) -> None:
    """Runs a stage unless its result for this very project and these options is there."""
    module = importlib.import_module(MODULES[stage])
    inputs = stage_inputs(stage, plan, options)
    steps.run(stage, inputs, lambda folder, step: module.compute(plan, hls, folder, step, options))


def stage_inputs(stage: str, plan: Plan, options: Mapping[str, Any]) -> dict[str, Any]:
    """What a stage's result depends on."""
    module = importlib.import_module(MODULES[stage])
    return {"hls": digest(plan.keys["hls"]), "options": dict(options), "own": module.step_inputs(plan, options)}


def collect(plan: Plan, folder: Path) -> tuple[list[FigureRecord], dict[str, str]]:
    """The figures of every stage that was run on exactly this project, and their states; older ones are left out.

    Raises ReportError where a stage's file is damaged.
    """
    figures: list[FigureRecord] = []
    states: dict[str, str] = {}
    wanted = digest(plan.keys["hls"])
    for stage in MODULES:
        path = folder / stage
        try:
            said = json.loads((path / STEP_FILE).read_text())
            if said["inputs"]["hls"] != wanted:
                continue
            figures += _FIGURES.validate_json((path / FIGURES_FILE).read_text())
            states[stage] = (path / STATE_FILE).read_text().strip()
        except FileNotFoundError:
            continue
        except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
            raise ReportError(
                f"{path}: damaged: {error}", hint=f"remove the folder and run the stage '{stage}' again"
            ) from error
    return figures, states
