"""The step `network`: the trained Keras model as a network of layers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hlsflow.building.kept import copy_kept
from hlsflow.building.session import Session
from hlsflow.network.file import load_network, save_network
from hlsflow.network.graph import Network

if TYPE_CHECKING:
    from hlsflow.building.plan import Plan
    from hlsflow.foundation.log import Step
    from hlsflow.foundation.steps import Steps


def write_network(session: Session, folder: Path, step: Step) -> str:
    """Writes the network, and says how large it is."""
    network = session.network()
    save_network(network, folder)
    parameters = sum(array.size for node in network.nodes for array in node.arrays.values())
    return f"{len(network.nodes)} layers, {parameters:,} parameters"


def load_network_step(plan: Plan, steps: Steps, session: Session) -> Network:
    """The model's network, from its framework the first time and from its file afterwards."""

    def compute(folder: Path, step: Step) -> str:
        if "network" in plan.kept:
            return copy_kept(plan.kept["network"], "network", folder)
        return write_network(session, folder, step)

    return load_network(steps.run("network", plan.keys["network"], compute, title="model"))
