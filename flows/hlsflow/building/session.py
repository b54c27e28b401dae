"""The Keras model of a build, loaded when a step first needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hlsflow.datasets.frames import Task
from hlsflow.models.model import Model

if TYPE_CHECKING:
    from hlsflow.network.graph import Network


class Session:
    """The Keras model, loaded when the first step needs it; a build whose steps are all kept never loads it."""

    def __init__(self, model: Model) -> None:
        self._of = model
        self._keras: Any = None

    @property
    def task(self) -> Task:
        """What the model is for."""
        return self._of.task

    @property
    def keras(self) -> Any:
        if self._keras is None:
            self._keras = self._of.keras()
        return self._keras

    def network(self) -> Network:
        from hlsflow.frontends.keras2 import network_of

        return network_of(self.keras, self._of.input_types)
