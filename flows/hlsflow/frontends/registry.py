"""The front ends that there are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hlsflow.foundation.errors import ToolError
from hlsflow.frontends.contract import FrontEnd
from hlsflow.frontends.hgq1.front_end import HGQ1
from hlsflow.frontends.hgq2.front_end import HGQ2
from hlsflow.frontends.keras.front_end import KERAS

# In the order in which a file is shown to them; the last one says what is wrong with a file of none.
FRONT_ENDS: Mapping[str, FrontEnd] = {item.name: item for item in (HGQ2, HGQ1, KERAS)}


def front_end_of(path: Path) -> FrontEnd:
    """The front end of a model's file, by its content; Keras', whose formats are many, where no other one knows it."""
    return next((item for item in FRONT_ENDS.values() if item.reads(path)), KERAS)


def check_installed(front_end: FrontEnd, command: str) -> None:
    """Raises ToolError, with the one command that does it, where a framework is not installed here."""
    if front_end.missing:
        raise ToolError(
            f"this needs {front_end.framework}, and here is no {', no '.join(front_end.missing)}",
            hint=f"uv run {front_end.environment} {command}",
        )
