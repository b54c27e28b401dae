"""The front ends that there are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hlsflow.frontends.contract import FrontEnd
from hlsflow.frontends.keras.front_end import KERAS
from hlsflow.frontends.onnx.front_end import ONNX

# In the order in which a file is shown to them; the last one says what is wrong with a file of none.
FRONT_ENDS: Mapping[str, FrontEnd] = {item.name: item for item in (KERAS, ONNX)}


def front_end_of(path: Path) -> FrontEnd:
    """The front end of a model's file, by its content; Keras', whose formats are many, where no other one knows it."""
    return next((item for item in FRONT_ENDS.values() if item.reads(path)), KERAS)
