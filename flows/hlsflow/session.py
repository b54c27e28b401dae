"""The Keras model of a build, loaded when a step first needs it, and the steps that need it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsflow.log import Step
from hlsflow.plan import Plan
from hlsflow.steps import Steps
from hlsflow.workspace import storage_errors

if TYPE_CHECKING:
    import numpy as np

    from hlsflow.conversion.network import Network


class Session:
    """The Keras model, loaded when the first step needs it; a build whose steps are all kept never loads it."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._model: Any = None

    @property
    def model(self) -> Any:
        if self._model is None:
            from hlsflow.compression.runtime import prepare_tensorflow
            from hlsflow.compression.weights import load_trained

            prepare_tensorflow()
            _, self._model = load_trained(self.plan.model_dir)
        return self._model

    def network(self) -> Network:
        from hlsflow.conversion.fixed_point import parse_type
        from hlsflow.conversion.frontend import network_of

        return network_of(self.model, parse_type(self.plan.recipe.input.type))

    def write_network(self, folder: Path, step: Step) -> str:
        from hlsflow.conversion.network_file import save_network

        network = self.network()
        save_network(network, folder)
        parameters = sum(array.size for node in network.nodes for array in node.arrays.values())
        return f"{len(network.nodes)} layers, {parameters:,} parameters"

    def write_reference(self, folder: Path, step: Step) -> str:
        import numpy as np

        pixels, classes = self.plan.samples.load()
        network = self.network()
        names = list(dict.fromkeys((*network.gate_outputs, *network.outputs)))
        outputs = self.layer_outputs(pixels, names, progress=lambda done, total: step.progress(done, total, "samples"))
        with storage_errors(folder):
            np.savez(folder / "outputs.npz", **outputs)
            np.save(folder / "classes.npy", classes)
        accuracy = float(np.mean(outputs[network.gate_outputs[0]].argmax(axis=1) == classes))
        return f"{len(pixels):,} samples of {self.plan.samples.dataset}, accuracy {accuracy:.4f}"

    def layer_outputs(self, pixels: np.ndarray, names: list[str], **more: Any) -> dict[str, np.ndarray]:
        """Outputs of layers, float64, for uint8 pixels."""
        from hlsflow.compression.zoo import preprocess
        from hlsflow.conversion.reference import reference_outputs

        return reference_outputs(self.model, self.network(), [preprocess(self.plan.recipe, pixels)], names, **more)


def load_network_step(plan: Plan, steps: Steps, session: Session) -> Network:
    """The model's network, from TensorFlow the first time and from its file afterwards."""
    from hlsflow.conversion.network_file import load_network

    return load_network(steps.run("network", plan.keys["network"], session.write_network, title="model"))
