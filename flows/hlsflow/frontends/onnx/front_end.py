"""ONNX as a front end: `model.onnx` in a model's folder, in an environment with onnxruntime and qonnx."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hlsflow.foundation.errors import ModelError, UsageError
from hlsflow.frontends.contract import Origin
from hlsflow.frontends.installed import Needs, check_installed
from hlsflow.frontends.onnx.wire import is_onnx

if TYPE_CHECKING:
    from hlsflow.frontends.onnx.found import FoundOnnx
    from hlsflow.frontends.onnx.live import OnnxModel

MODEL_FILE = "model.onnx"
SUFFIX = ".onnx"
NEEDS = Needs(
    framework="ONNX", packages=("onnx", "onnxruntime", "qonnx"), environment="--extra onnx", extra="onnx"
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class OnnxFrontEnd:
    """ONNX and QONNX."""

    name: str = "onnx"
    needs: Needs = NEEDS
    distributions: tuple[str, ...] = ("onnx", "onnxruntime", "qonnx")
    files: tuple[str, ...] = (MODEL_FILE,)

    def reads(self, path: Path) -> bool:
        """By its content; a file that is called `.onnx` and holds none is damaged, which it is for this one to say."""
        return path.suffix.lower() == SUFFIX or is_onnx(path)

    def read(self, path: Path, weights: Path | None = None) -> FoundOnnx:
        # Protobuf is read by onnx itself.
        check_installed(self.needs)
        from hlsflow.frontends.onnx.files import graph_of, read_model
        from hlsflow.frontends.onnx.found import FoundOnnx

        if weights is not None:
            raise UsageError(
                f"--weights {weights}: {path.name} is a file of ONNX, which holds its own", hint="leave it out"
            )
        data, model = read_model(path)
        graph = graph_of(model, str(path))
        kind = "QONNX" if graph.is_quantized else "ONNX"
        origin = Origin(file=path.name, sha256=hashlib.sha256(data).hexdigest(), format=f"{kind}, opset {graph.opset}")
        return FoundOnnx(graph=graph, data=data, origin=origin)

    def input_shapes(self, folder: Path, again: str) -> Mapping[str, tuple[int, ...]]:
        return self._found(folder, again).input_shapes

    def open(self, folder: Path, again: str) -> OnnxModel:
        from hlsflow.frontends.onnx.live import OnnxModel

        return OnnxModel(graph=self._found(folder, again).graph)

    def _found(self, folder: Path, again: str) -> FoundOnnx:
        try:
            return self.read(folder / MODEL_FILE)
        except ModelError as error:
            raise ModelError(error.message, hint=again) from error


ONNX = OnnxFrontEnd()
