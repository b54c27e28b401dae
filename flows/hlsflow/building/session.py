"""The live model of a build, loaded when a step first needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hlsflow.datasets.frames import Task
from hlsflow.frontends.contract import LiveModel
from hlsflow.models.model import Model

if TYPE_CHECKING:
    from hlsflow.network.graph import Network


class Session:
    """The live model, loaded when the first step needs it; a build whose steps are all kept never loads it."""

    def __init__(self, model: Model) -> None:
        self._of = model
        self._live: LiveModel | None = None

    @property
    def task(self) -> Task:
        """What the model is for."""
        return self._of.task

    @property
    def live(self) -> LiveModel:
        if self._live is None:
            self._live = self._of.live()
        return self._live

    def network(self) -> Network:
        return self.live.network(self._of.input_types)
