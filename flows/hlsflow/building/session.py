"""The Keras model of a build, loaded when a step first needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hlsflow.models.recipe import Recipe

if TYPE_CHECKING:
    from hlsflow.building.plan import Plan
    from hlsflow.network.graph import Network


class Session:
    """The Keras model, loaded when the first step needs it; a build whose steps are all kept never loads it."""

    def __init__(self, plan: Plan) -> None:
        self._model_dir = plan.model_dir
        self.recipe: Recipe = plan.recipe
        self._model: Any = None

    @property
    def model(self) -> Any:
        if self._model is None:
            from hlsflow.frontends.runtime import prepare_tensorflow
            from hlsflow.models.weights import load_trained

            prepare_tensorflow()
            _, self._model = load_trained(self._model_dir)
        return self._model

    def network(self) -> Network:
        from hlsflow.frontends.keras2 import network_of
        from hlsflow.network.fixed_point import parse_type

        return network_of(self.model, parse_type(self.recipe.input.type))
