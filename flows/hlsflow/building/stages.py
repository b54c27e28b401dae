"""What is done to a built project after the gate, each a step with figures: estimate, vendor and open synthesis.

A stage is a tool of `hlsflow.building.tools.registry`, and its step's folder has the tool's name.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from hlsflow.building.tools.registry import tool_of
from hlsflow.building.tools.result import FIGURES, FIGURES_FILE, STATE_FILE, StageFailed, write_figures
from hlsflow.foundation.errors import ReportError
from hlsflow.foundation.log import Step
from hlsflow.foundation.steps import STEP_FILE, Steps
from hlsflow.records.evidence import ordered
from hlsflow.records.record import FigureRecord
from hlsflow.records.tools import TOOL_KINDS

if TYPE_CHECKING:
    from hlsflow.building.plan import Plan
    from hlsflow.network.graph import Network
    from hlsflow.network.layer_types import LayerTypes

# The folders of a build with figures for its record.
_RECORDED = tuple(kind.name for kind in TOOL_KINDS)
# Options that say what a stage may take, not what it makes: its result does not depend on them.
LIMITS = ("timeout_s", "memory_bytes")


def check_request(stages: Mapping[str, Mapping[str, Any]], plan: Plan) -> None:
    """Raises what makes a wanted stage impossible whatever the network: an unknown target, a missing tool."""
    for name, options in stages.items():
        check = tool_of(name).check_request
        if check is not None:
            check(plan, options)


def check_network(
    stages: Mapping[str, Mapping[str, Any]], plan: Plan, network: Network, layers: Sequence[LayerTypes]
) -> None:
    """Raises UnsupportedError where a wanted stage has no way to make this network."""
    for name, options in stages.items():
        check = tool_of(name).check_network
        if check is not None:
            check(plan, network, layers, options)


def run_stage(
    stage: str, plan: Plan, hls: Path, design: str, steps: Steps, options: Mapping[str, Any]
) -> None:  # fmt: skip
    """Runs a stage unless its result for this very design and these options is there.

    Raises StageFailed where it ended early; what it had found by then is kept, and the next run goes on from there.
    """
    tool = tool_of(stage)
    inputs = stage_inputs(stage, plan, design, options)
    try:
        steps.run(stage, inputs, lambda folder, step: tool.compute(plan, hls, folder, step, options))
    except StageFailed as error:
        failed = error

        def keep(folder: Path, step: Step) -> str:
            write_figures(folder, failed.figures, failed.state)
            return "kept what was finished"

        # Other inputs than those of a success: the next run is not told that there is nothing to do.
        steps.run(stage, {**inputs, "failed": failed.state}, keep)
        raise


def drop_damaged(folder: Path) -> list[str]:
    """Removes the results of stages whose files cannot be read, so that they are made anew; gives back their names."""
    damaged = [stage for stage in _RECORDED if (folder / stage / STEP_FILE).exists() and not _is_whole(folder / stage)]
    for stage in damaged:
        shutil.rmtree(folder / stage)
    return damaged


def _is_whole(folder: Path) -> bool:
    try:
        json.loads((folder / STEP_FILE).read_text())["inputs"].get("design")
        FIGURES.validate_json((folder / FIGURES_FILE).read_text())
        return bool((folder / STATE_FILE).read_text().strip())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError):
        return False


def stage_inputs(stage: str, plan: Plan, design: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """What a stage's result depends on: the design by its contents, not how or where it was made."""
    lasting = {name: value for name, value in options.items() if name not in LIMITS}
    return {"design": design, "options": lasting, "own": tool_of(stage).step_inputs(plan, options)}


def collect(design: str, folder: Path) -> tuple[list[FigureRecord], dict[str, str]]:
    """The figures of every stage that was run on exactly this design, and their states; others' are left out.

    Raises ReportError where a stage's file is damaged.
    """
    figures: list[FigureRecord] = []
    states: dict[str, str] = {}
    for stage in _RECORDED:
        path = folder / stage
        try:
            said = json.loads((path / STEP_FILE).read_text())
            # Results of an hlsflow that did not know designs have none.
            if said["inputs"].get("design") != design:
                continue
            figures += FIGURES.validate_json((path / FIGURES_FILE).read_text())
            states[stage] = (path / STATE_FILE).read_text().strip()
        except FileNotFoundError:
            continue
        except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
            raise ReportError(
                f"{path}: damaged: {error}", hint=f"remove the folder and run the stage '{stage}' again"
            ) from error
    return ordered(figures), states


def of_other_designs(design: str, folder: Path) -> list[str]:
    """The stages whose results in the folder are of another design, or of an unknown one: they join no record of it."""
    found = []
    for stage in _RECORDED:
        try:
            said = json.loads((folder / stage / STEP_FILE).read_text())
            if said["inputs"].get("design") != design:
                found.append(stage)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return found
