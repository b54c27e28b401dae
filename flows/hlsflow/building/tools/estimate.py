"""The estimate as a step of every build: as every tool of the registry."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsflow.building.tools.result import WIRING, write_figures
from hlsflow.building.tools.tool import Tool
from hlsflow.estimation.model import Model, read_model, shipped_model
from hlsflow.foundation.errors import ConfigError
from hlsflow.foundation.log import Step
from hlsflow.foundation.steps import file_digest
from hlsflow.keys.work import work_of

if TYPE_CHECKING:
    from hlsflow.building.plan import Plan

# A workspace's own calibration, made by `hlsflow calibrate --use`, takes the place of the shipped one.
OWN_MODEL = "estimate_model.json"


def own_model_path(root: Path) -> Path:
    """Where a workspace keeps its own calibration."""
    return root / OWN_MODEL


def model_of(root: Path) -> Model:
    """The workspace's own calibration where there is one, else the shipped one."""
    own = own_model_path(root)
    return read_model(own) if own.is_file() else shipped_model()


def step_inputs(plan: Plan, options: Mapping[str, Any]) -> dict[str, Any]:
    """What an estimate depends on besides the project: the code with its tables, and a workspace's own calibration."""
    own = own_model_path(_root(plan))
    return {
        "work": work_of("hlsflow.building.tools.estimate", ends=WIRING),
        "model": file_digest(own) if own.is_file() else None,
    }


def compute(plan: Plan, hls: Path, folder: Path, step: Step, options: Mapping[str, Any]) -> str:
    """Writes the estimate's figures. A part that the catalogue does not know leaves them out and says so."""
    from hlsflow.estimation.estimate import estimate, figure_records
    from hlsflow.estimation.read import design_of, target_of
    from hlsflow.estimation.source import read_source

    source = read_source(hls)
    try:
        design = design_of(source, target_of(source))
    except ConfigError as error:
        write_figures(folder, [], f"skipped: {error.message}")
        return f"skipped: {error.message}"
    result = estimate(design, model_of(_root(plan)))
    where = "in domain" if result.in_domain else f"outside its domain: {result.outside[0]}"
    write_figures(folder, figure_records(result, design), f"estimated, {where}")
    values = result.values
    return (
        f"LUT {values['lut']:,.0f}, FF {values['ff']:,.0f}, DSP {values['dsp']:.0f}, BRAM {values['bram_18k']:.0f}, "
        f"{values['latency_cycles']:,.0f} cycles ({where})"
    )


def _root(plan: Plan) -> Path:
    return plan.model.folder.parent.parent


ESTIMATE = Tool(name="estimate", step_inputs=step_inputs, compute=compute)
