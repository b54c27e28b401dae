"""One archive for a bug report: record, configuration, logs, versions; no weights and no samples unless asked for."""

from __future__ import annotations

import getpass
import json
import os
import re
import socket
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from hlsflow.building.checkup import check
from hlsflow.building.plan import versions
from hlsflow.foundation.archive import Entry, write_archive
from hlsflow.foundation.errors import UsageError
from hlsflow.foundation.workspace import Workspace
from hlsflow.frontends.registry import FRONT_ENDS

# A log of hours: its beginning and its end tell what happened.
_LOG_BYTES = 2 << 20
_TEXTS = {".log", ".txt", ".rpt", ".xml", ".json", ".sh", ".tcl", ".yml", ".yaml", ".h", ".cpp", ".md", ".status"}
# Weights, and samples, which may be somebody's data: in files of their own, and in those that the tools copy.
_PRIVATE = re.compile(
    r"(^|/)(weights?|tb_data|ap_types|nnet_utils|\.autopilot)(/|$)|\.(npz|npy|bin|h5|keras|dat|so|o|zip|tar\.gz|partial)$"
    r"|\.partial/|csim_results|cosim_results"
)
_WEIGHT_FILES = re.compile(r"(^|/)weights(/|\.)|(^|/)(network)/.*\.npz$")
_ADDRESSES = re.compile(r"\b\d+@[\w.-]+|(?i:(?<=LICENSE_FILE[=:]))\S+")


def bundle(workspace: Workspace, name: str, archive: Path, *, with_weights: bool) -> list[str]:
    """Writes the archive of a model or a variant, and gives back the names of what is in it.

    Home folder, user, host and licence servers are replaced in all texts. Raises UsageError where the model is not
    known and nothing was built under that name.
    """
    model = name.partition("@")[0]
    if not (workspace.build / name).is_dir() and not (workspace.reports / name).is_dir():
        workspace.model_dir(model)
    entries = {entry.name: entry for entry in _files(workspace, name, model, with_weights)}
    if not entries:
        raise UsageError(f"nothing of '{name}' is under {workspace.root}")
    checkup = asdict(check(workspace.build))
    installed = {front_end.name: versions(front_end) for front_end in FRONT_ENDS.values()}
    said = json.dumps({"versions": installed, "doctor": checkup}, indent=1, ensure_ascii=False) + "\n"
    entries["environment.json"] = Entry(name="environment.json", content=_redacted(said).encode())
    root = archive.name.removesuffix(".tar.gz")
    write_archive(archive, [Entry(name=f"{root}/{key}", content=entry.content) for key, entry in entries.items()])
    return sorted(entries)


def _files(workspace: Workspace, name: str, model: str, with_weights: bool) -> Iterator[Entry]:
    roots = [
        workspace.reports / name,
        workspace.build / name,
        workspace.models / model,
        workspace.hls_configs / f"{model}.yaml",
    ]
    for root in roots:
        for path in [root] if root.is_file() else sorted(root.rglob("*")):
            shown = path.relative_to(workspace.root).as_posix()
            if path.is_symlink() or not path.is_file():
                continue
            if with_weights and _WEIGHT_FILES.search(shown):
                yield Entry(name=shown, content=path)
            elif path.suffix in _TEXTS and not _PRIVATE.search(shown):
                yield Entry(name=shown, content=_redacted(_text(path)).encode())


def _text(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(_LOG_BYTES)
        size = file.seek(0, os.SEEK_END)
        if size <= 2 * _LOG_BYTES:
            file.seek(len(head))
            return (head + file.read()).decode("utf-8", errors="replace")
        file.seek(size - _LOG_BYTES)
        tail = file.read()
    cut = f"\n... {size - 2 * _LOG_BYTES:,} bytes left out by hlsflow bundle ...\n"
    return head.decode("utf-8", errors="replace") + cut + tail.decode("utf-8", errors="replace")


def _redacted(text: str) -> str:
    """A text without who wrote it where: home folder, user, host, licence servers."""
    home = str(Path.home())
    if len(home) > 1:
        text = text.replace(home, "~")
    for word, shown in ((getpass.getuser(), "USER"), (socket.gethostname(), "HOST")):
        # a user `root` or a host `a` would take half of the text with it
        if len(word) > 4:
            text = re.sub(rf"\b{re.escape(word)}\b", shown, text)
    return _ADDRESSES.sub("LICENCE-SERVER", text)
