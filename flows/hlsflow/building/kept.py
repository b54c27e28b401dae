"""What another environment made of a model and kept, for one in which the model's framework is not installed.

A network and its reference outputs are files. With the same model, the same samples and the same code of this project
they are what the framework would give here, too, so reports, types, fits, RTL and C simulations need no framework.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hlsflow.foundation.errors import ModelError
from hlsflow.foundation.steps import STEP_FILE
from hlsflow.foundation.workspace import storage_errors

# What the environment decides: packages, Python, variables. All else has to be the same.
_OF_ENVIRONMENT = ("python", "packages", "environment")


def kept_inputs(folders: Sequence[Path], step: str, inputs: Mapping[str, Any]) -> tuple[Path, dict[str, Any]] | None:
    """The first of these build folders with the result of a step, kept for the same inputs in another environment, and
    those inputs. None where there is none."""
    for folder in folders:
        try:
            said = json.loads((folder / step / STEP_FILE).read_text())["inputs"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if isinstance(said, dict) and _but_environment(said) == _but_environment(inputs):
            return folder, said
    return None


def _but_environment(inputs: Mapping[str, Any]) -> dict[str, Any]:
    work = inputs.get("work")
    work = work if isinstance(work, dict) else {}
    found = {key: value for key, value in inputs.items() if key not in ("versions", "work")}
    return {**found, "work": {key: value for key, value in work.items() if key not in _OF_ENVIRONMENT}}


def copy_kept(kept: Path, step: str, folder: Path) -> str:
    """Copies the result of a step into a folder; gives back what was said of it. Raises ModelError, StorageError."""
    source = kept / step
    try:
        said = json.loads((source / STEP_FILE).read_text())["detail"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{source}: it was changed meanwhile", hint="build again") from error
    with storage_errors(folder):
        for path in source.iterdir():
            if path.name != STEP_FILE:
                shutil.copy(path, folder / path.name)
    return str(said)
