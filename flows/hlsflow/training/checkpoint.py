"""The state of a training after an epoch: what an interrupted training needs to go on to the same weights."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hlsflow.foundation.array_file import pack_arrays
from hlsflow.foundation.workspace import write_bytes

METRICS = ("loss", "accuracy", "val_loss", "val_accuracy")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Checkpoint:
    """All variables of model (pruning masks and steps included) and optimizer, in their order, and the history.

    `history` is float64 (epochs, 4) in the order of METRICS. `inputs` is the digest of recipe and data.
    """

    inputs: str
    history: np.ndarray
    variables: tuple[np.ndarray, ...]

    @property
    def epochs(self) -> int:
        """The epochs that are finished."""
        return len(self.history)


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Writes a checkpoint whole or not at all. Raises StorageError."""
    arrays = {"inputs": np.array(checkpoint.inputs), "history": checkpoint.history}
    arrays |= {f"variable/{index:04d}": array for index, array in enumerate(checkpoint.variables)}
    write_bytes(path, pack_arrays(arrays, compresslevel=1))


def load_checkpoint(path: Path) -> Checkpoint | None:
    """The checkpoint at `path`, or None where none can be read: it only saves time, so its loss is no error."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return Checkpoint(
                inputs=str(archive["inputs"]),
                history=archive["history"],
                variables=tuple(archive[key] for key in sorted(archive.files) if key.startswith("variable/")),
            )
    except (OSError, ValueError, EOFError, KeyError, AttributeError, TypeError, zipfile.BadZipFile, zlib.error):
        return None
