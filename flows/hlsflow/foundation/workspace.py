"""The folders that the flow works in, and writes that are either whole or absent."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import hlsflow
from hlsflow.foundation.errors import StorageError, UsageError, did_you_mean

PACKAGE = Path(hlsflow.__file__).resolve().parent


@dataclass(frozen=True, kw_only=True, slots=True)
class Workspace:
    """The folders that the flow reads and writes, all below one root."""

    root: Path

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def hls_configs(self) -> Path:
        return self.root / "hls_configs"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def build(self) -> Path:
        return self.root / "build"

    def model_names(self) -> list[str]:
        """The names of all models, those with a recipe and those that were added, sorted."""
        found = (path for name in ("recipe.yaml", "model.yaml") for path in self.models.glob(f"*/{name}"))
        # A folder that a killed run left half-made begins with a point.
        return sorted({path.parent.name for path in found if not path.parent.name.startswith(".")})

    def model_dir(self, name: str) -> Path:
        """The folder of a model. Raises UsageError with a suggestion where there is none."""
        known = self.model_names()
        if name not in known:
            raise UsageError(f"no model '{name}' under {self.models}", hint=did_you_mean(name, known))
        return self.models / name


def find_workspace(explicit: str | os.PathLike[str] | None = None) -> Workspace:
    """The workspace: the one named, else HLSFLOW_WORKSPACE, else the current folder or the nearest one above it that is
    one, else the checkout that this code is run from. Raises UsageError where there is none.
    """
    named = explicit or os.environ.get("HLSFLOW_WORKSPACE")
    if named:
        root = Path(named).expanduser().resolve()
        if not (root / "models").is_dir():
            raise UsageError(
                f"{root} is no workspace: it has no folder models/", hint=f"make it one: hlsflow init {named}"
            )
        return Workspace(root=root)
    found = _nearest(Path.cwd()) or checkout()
    if found is None:
        raise UsageError(
            f"no workspace here: neither {Path.cwd()} nor a folder above it has models/ and hls_configs/",
            hint="hlsflow init makes one here, with an example; --workspace DIR names another",
        )
    return Workspace(root=found)


def workspace_or_here(explicit: str | os.PathLike[str] | None = None) -> Workspace:
    """The workspace, or the current folder as an empty one: for what reads a workspace where there is one, and can do
    without. Raises UsageError where the one that is named is none.
    """
    if explicit is None and not os.environ.get("HLSFLOW_WORKSPACE"):
        return Workspace(root=_nearest(Path.cwd()) or checkout() or Path.cwd())
    return find_workspace(explicit)


def started_workspace(explicit: str | os.PathLike[str] | None = None) -> Workspace:
    """The workspace; where there is none, the current folder or the one named, made one: for what somebody brings."""
    workspace = workspace_or_here() if explicit is None else Workspace(root=Path(explicit).expanduser().resolve())
    for folder in (workspace.models, workspace.hls_configs):
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
    return workspace


def checkout() -> Path | None:
    """The checkout that this code is run from, None where it is installed."""
    root = PACKAGE.parents[1]
    return root if (root / "flows" / "build.py").is_file() and _is_workspace(root) else None


def _nearest(folder: Path) -> Path | None:
    return next((root for root in (folder, *folder.parents) if _is_workspace(root)), None)


def _is_workspace(root: Path) -> bool:
    return (root / "models").is_dir() and (root / "hls_configs").is_dir()


@contextlib.contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turns an OSError of writing `path` into a StorageError that says what to do."""
    try:
        yield
    except OSError as error:
        reason = {
            errno.ENOSPC: "the disk is full: free some space and run the command again",
            errno.EDQUOT: "the disk quota is used up: free some space and run the command again",
            errno.EROFS: "the file system is read-only",
            errno.EACCES: "permission denied: make the folder writable",
        }.get(error.errno or 0, error.strerror or f"{error} (is the disk full?)")
        raise StorageError(f"cannot write {path}: {reason}") from error


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that replaces it when the block ends well, and is removed otherwise."""
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
        os.close(handle)
        partial = Path(name)
        try:
            yield partial
            os.chmod(partial, 0o644)
            with partial.open("rb") as written:
                os.fsync(written.fileno())
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all; a file that already has these bytes is left untouched."""
    with contextlib.suppress(OSError):
        if path.read_bytes() == data:
            return
    with whole_file(path) as partial:
        partial.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Writes a text as UTF-8, whole or not at all."""
    write_bytes(path, text.encode("utf-8"))
