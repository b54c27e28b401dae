"""The front ends that there are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hlsflow.frontends.contract import FrontEnd
from hlsflow.frontends.hgq1.front_end import HGQ1
from hlsflow.frontends.hgq2.front_end import HGQ2
from hlsflow.frontends.keras.front_end import KERAS, KERAS_3
from hlsflow.frontends.onnx.front_end import ONNX

# In the order in which a file is shown to them; the last one says what is wrong with a file of none.
FRONT_ENDS: Mapping[str, FrontEnd] = {item.name: item for item in (ONNX, HGQ2, HGQ1, KERAS_3, KERAS)}


def front_end_of(path: Path) -> FrontEnd:
    """The front end of a model's file, by its content; Keras', whose formats are many, where no other one knows it.

    Of several the first whose framework is installed, for a model without a witness is of no use: a file of Keras 3
    has the Keras that made it where that is there, else Keras 2, which computes the same layers. Where none is, it is
    the framework that made it.
    """
    able = [item for item in FRONT_ENDS.values() if item.reads(path)]
    for item in (HGQ2, HGQ1):
        # Layers of HGQ have no other witness.
        if item in able:
            return item
    return next((item for item in able if not item.needs.missing), able[0] if able else KERAS)

