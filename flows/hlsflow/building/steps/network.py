"""The step `network`: the trained Keras model as a network of layers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hlsflow.building.session import Session
from hlsflow.network.file import save_network

if TYPE_CHECKING:
    from hlsflow.foundation.log import Step


def write_network(session: Session, folder: Path, step: Step) -> str:
    """Writes the network, and says how large it is."""
    network = session.network()
    save_network(network, folder)
    parameters = sum(array.size for node in network.nodes for array in node.arrays.values())
    return f"{len(network.nodes)} layers, {parameters:,} parameters"
