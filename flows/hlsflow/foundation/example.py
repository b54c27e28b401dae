"""A workspace made anew: its folders, and an example that builds at once, without a download."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from hlsflow.foundation.errors import StorageError, UsageError
from hlsflow.foundation.workspace import PACKAGE, Workspace, checkout, storage_errors, write_text

MODEL = "digits6"
IGNORE_FILE = ".gitignore"
# The second makes a folder of models a workspace.
_FOLDERS = ("models", "hls_configs")
# What is in a workspace and never in version control.
_IGNORED = "/build/\n*.partial\n"


def make_workspace(root: Path) -> tuple[Workspace, list[Path]]:
    """The new workspace with the example in it, and the paths that were written, relative to its root.

    Raises UsageError where anything of it is there already: nothing is ever replaced, and nothing is written then.
    """
    source = _source()
    for name in _FOLDERS:
        if os.path.lexists(root / name):
            raise UsageError(
                f"{root} holds {name} already: nothing was written",
                hint="a workspace is made in a folder without models/ and hls_configs/: hlsflow init DIR",
            )
    written = []
    with storage_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".init.", suffix=".partial", dir=root) as partial:
            config = Path(partial) / "hls_configs" / f"{MODEL}.yaml"
            config.parent.mkdir()
            shutil.copyfile(source / "hls_configs" / config.name, config)
            # Whatever the permissions of an installation are, what it gives is the user's to change.
            shutil.copytree(source / "models" / MODEL, Path(partial) / "models" / MODEL, copy_function=shutil.copyfile)
            for name in _FOLDERS:
                os.rename(Path(partial) / name, root / name)
                written += [path.relative_to(root) for path in (root / name).rglob("*") if path.is_file()]
        # A user's own file stays as it is.
        if not os.path.lexists(root / IGNORE_FILE):
            write_text(root / IGNORE_FILE, _IGNORED)
            written.append(Path(IGNORE_FILE))
    return Workspace(root=root), sorted(written)


def _source() -> Path:
    """The folder that the example is copied from: in the package of a wheel, else the checkout."""
    inside = PACKAGE / "example_workspace"
    for root in (inside, checkout()):
        if root is not None and (root / "models" / MODEL).is_dir():
            return root
    raise StorageError(f"the example is missing from this installation: {inside}", hint="install hlsflow again")
