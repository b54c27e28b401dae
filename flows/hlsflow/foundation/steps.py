"""Steps whose results are kept under a digest of their inputs: done once, never half, and found again after a kill.

A step's result is a folder with a stable name, `build/<model>/<step>/`. It is made in a folder beside it and put in its
place whole, with `step.json` inside, which holds the digest of everything that went in.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsflow.foundation.workspace import storage_errors

if TYPE_CHECKING:
    from hlsflow.foundation.log import Log, Step

STEP_FILE = "step.json"


def digest(inputs: Mapping[str, Any]) -> str:
    """The SHA-256 of a mapping that JSON can hold."""
    return hashlib.sha256(json.dumps(inputs, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """The SHA-256 of a file as it is now."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class Steps:
    """The steps of one build, below one folder."""

    folder: Path
    log: Log

    def up_to_date(self, name: str, inputs: Mapping[str, Any]) -> bool:
        """Whether the step's result is there for exactly these inputs."""
        try:
            said = json.loads((self.folder / name / STEP_FILE).read_text())
        except (OSError, ValueError):
            return False
        return isinstance(said, dict) and said.get("digest") == digest(inputs)

    def run(
        self, name: str, inputs: Mapping[str, Any], compute: Callable[[Path, Step], str], *, title: str | None = None
    ) -> Path:
        """The folder with the step's result, computed now unless it is there for the same inputs.

        `compute(folder, step)` fills the folder and gives back what to say about it in the log.
        """
        target = self.folder / name
        with self.log.step(title or name) as step:
            if self.up_to_date(name, inputs):
                step.cached = True
                step.detail = json.loads((target / STEP_FILE).read_text())["detail"]
                return target
            with storage_errors(target):
                self.folder.mkdir(parents=True, exist_ok=True)
                partial = Path(tempfile.mkdtemp(prefix=f".{name}.", suffix=".partial", dir=self.folder))
            try:
                step.detail = compute(partial, step)
                with storage_errors(target):
                    (partial / STEP_FILE).write_text(
                        json.dumps(
                            {"step": name, "digest": digest(inputs), "detail": step.detail, "inputs": inputs}, indent=1
                        )
                    )
                    _replace(partial, target)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
        return target

    def clean(self) -> None:
        """Removes what a killed run left half-written."""
        for partial in self.folder.glob(".*.partial"):
            shutil.rmtree(partial, ignore_errors=True)


def _replace(partial: Path, target: Path) -> None:
    """Puts a folder in the place of another. A kill in between leaves the step undone, never half done."""
    if target.exists():
        doomed = Path(tempfile.mkdtemp(prefix=".old.", suffix=".partial", dir=target.parent))
        os.rename(target, doomed / target.name)
        os.rename(partial, target)
        shutil.rmtree(doomed, ignore_errors=True)
    else:
        os.rename(partial, target)
