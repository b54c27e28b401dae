"""A model's network held against its configuration, without a build."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hlsflow.building.pipeline import locked
from hlsflow.building.plan import Plan
from hlsflow.building.session import Session
from hlsflow.building.steps.network import load_network_step
from hlsflow.foundation.log import Log
from hlsflow.foundation.steps import Steps
from hlsflow.foundation.workspace import Workspace

if TYPE_CHECKING:
    from hlsflow.hls.lint import Linted


def lint_plan(workspace: Workspace, plan: Plan, log: Log) -> Linted:
    """The types of every layer with all complaints. Raises UnsupportedError for what cannot be built at all."""
    from hlsflow.hls.lint import lint

    folder = workspace.build / plan.name
    with locked(folder, log):
        network = load_network_step(plan, Steps(folder=folder, log=log), Session(plan.model))
    return lint(network, plan.config)
