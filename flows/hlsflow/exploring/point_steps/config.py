"""The step `config`: the configuration of a point's model, exact where it can be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hlsflow.foundation.log import Log
from hlsflow.foundation.workspace import Workspace, storage_errors

if TYPE_CHECKING:
    from hlsflow.exploring.spec import TargetSpec

RESULT_FILE = "config.yaml"


def derive_configuration(
    workspace: Workspace, name: str, target: TargetSpec, data_dir: Path | None, log: Log, folder: Path
) -> str:  # fmt: skip
    """Writes the configuration, and says what it is for."""
    from hlsflow.building.configure import configure
    from hlsflow.building.target import Target

    text = configure(workspace, name, Target(**target.model_dump()), data_dir, Log(quiet=True, stream=log.stream))
    with storage_errors(folder):
        (folder / RESULT_FILE).write_text(text)
    return f"{target.backend} {target.io_type}, {target.part}"
