"""Keras as a front end: `architecture.json` and `weights.npz` in a model's folder, QKeras beside it.

Two front ends, of one reader, one description and one set of handlers: Keras 2 with QKeras 0.9, and Keras 3 with
qkeras-v3. Both QKeras are a package `qkeras`, so an environment has one of them. A file of Keras 3 is opened by either,
since a folder holds plain values; one of Keras 2 by Keras 2 alone, for nothing says that Keras 3 computes the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from hlsflow.foundation.errors import ModelError, ToolError
from hlsflow.foundation.strict_read import read_text
from hlsflow.frontends.installed import with_it
from hlsflow.frontends.keras.files.architecture import Architecture
from hlsflow.frontends.keras.files.found import ARCHITECTURE_FILE, WEIGHTS_FILE, FoundModel
from hlsflow.frontends.keras.files.reader import Generation
from hlsflow.frontends.keras.live import KerasModel
from hlsflow.frontends.keras.needs import KERAS_2, KerasNeeds
from hlsflow.frontends.keras.needs import KERAS_3 as KERAS_3_NEEDS

# Layers that QKeras for Keras 3 computes by other operations: it divides by a root, and takes no inverse root.
_OTHER_ROOT = ("QConv2DBatchnorm", "QBatchNormalization")


def read_architecture(folder: Path, again: str, file: str = ARCHITECTURE_FILE) -> Architecture:
    """The layers of a model's folder. Raises ModelError; `again` says how its files come back."""
    path = folder / file
    try:
        text = read_text(path)
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror or error}", hint=again) from error
    return Architecture.from_json(text, str(path))


@dataclass(frozen=True, kw_only=True, slots=True)
class KerasFrontEnd:
    """The Keras of one generation, with its QKeras. `opens` are the generations whose files it takes."""

    name: str
    needs: KerasNeeds
    opens: tuple[Generation, ...]
    distributions: tuple[str, ...]
    files: tuple[str, ...] = (ARCHITECTURE_FILE, WEIGHTS_FILE)

    def reads(self, path: Path) -> bool:
        from hlsflow.frontends.keras.files.reader import written_by

        return written_by(path) in self.opens

    def read(self, path: Path, weights: Path | None = None) -> FoundModel:
        from hlsflow.frontends.keras.files.reader import read_model_file

        found = read_model_file(path, weights, own=self.needs.generation == 3)
        return replace(found, notes=(*found.notes, *self._notes(found)))

    def _notes(self, found: FoundModel) -> tuple[str, ...]:
        """That the witness is another Keras than the one that made the model, where it is."""
        if not found.keras_3 or self.needs.generation == 3:
            return ()
        command = with_it(KERAS_3_NEEDS, f"hlsflow build --model {found.origin.file}")
        roots = [item.name for item in found.architecture.layers if item.class_name in _OTHER_ROOT]
        return (
            f"Keras 3 saved it, and its witness is Keras 2, of the same layers; against Keras 3 itself: {command}",
            *(
                f"'{name}': QKeras for Keras 3 divides by a root where Keras 2 takes an inverse one, so that a "
                "constant may be a step off"
                for name in roots
            ),
        )

    def input_shapes(self, folder: Path, again: str) -> Mapping[str, tuple[int, ...]]:
        return read_architecture(folder, again).input_shapes

    def open(self, folder: Path, again: str) -> KerasModel:
        from hlsflow.foundation.array_file import read_arrays
        from hlsflow.frontends.keras.files.keras_model import keras_model

        arrays = read_arrays(folder / WEIGHTS_FILE, again)
        architecture = read_architecture(folder, again)
        self._check_loaded()
        return KerasModel(model=keras_model(architecture, arrays, str(folder)), framework=self.needs.framework)

    def _check_loaded(self) -> None:
        """Raises ToolError where variables of the environment put another Keras in the place of the installed one."""
        from hlsflow.frontends.keras.generations import is_keras_3
        from hlsflow.frontends.keras.runtime import prepare_tensorflow

        prepare_tensorflow(any_keras=True)
        try:
            import keras
            from tensorflow import keras as of_tensorflow

            backend = keras.backend.backend() if is_keras_3() else "tensorflow"
        except ImportError as error:
            # The backend that a variable or ~/.keras/keras.json names is imported with it.
            raise ToolError(f"Keras cannot be loaded: {error}", hint="KERAS_BACKEND=tensorflow") from error
        if backend != "tensorflow":
            raise ToolError(
                f"Keras computes with {backend} here, and the witness is what it computes with TensorFlow",
                hint="KERAS_BACKEND=tensorflow",
            )
        if is_keras_3() and keras.Model is not of_tensorflow.Model:
            raise ToolError("TF_USE_LEGACY_KERAS puts Keras 2 in Keras 3's place", hint="unset TF_USE_LEGACY_KERAS")


KERAS = KerasFrontEnd(
    name="keras",
    needs=KERAS_2,
    opens=(2, 3),
    distributions=("qkeras", "keras", "tensorflow"),
)
KERAS_3 = KerasFrontEnd(
    name="keras3",
    needs=KERAS_3_NEEDS,
    opens=(3,),
    distributions=("qkeras-v3", "keras", "tensorflow"),
)
