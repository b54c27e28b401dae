"""Names that strangers give, before one becomes part of a path: one narrow pattern, and a check after joining."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from hlsflow.foundation.errors import ReportError
from hlsflow.foundation.strict_read import brief

# No separator, no leading dot or dash, nothing that a shell or a terminal takes for its own.
NAME = r"[A-Za-z0-9_][A-Za-z0-9._@+-]{0,127}"
# The same for the files within an archive; tools also write hidden ones.
_PART = re.compile(r"[A-Za-z0-9._@+=~,#%-]{1,200}")
_NAME = re.compile(NAME)
# Of AMD's tools: 2019.2, 2024.1.1
VERSION = re.compile(r"20\d\d\.\d{1,2}(\.\d{1,3})?", re.ASCII)
_MAX_DEPTH = 40


def safe_name(text: str, what: str) -> str:
    """The text itself where it is a plain name. Raises ReportError, which calls it `what`, where it is not."""
    if _NAME.fullmatch(text) is None or ".." in text:
        raise ReportError(f"{what}: {brief(text)} is no plain name: refused")
    return text


def safe_version(text: str, what: str) -> str:
    """The text itself where it is a version of AMD's tools. Raises ReportError where it is not."""
    if VERSION.fullmatch(text) is None:
        raise ReportError(f"{what}: {brief(text)} is no version such as 2024.1: refused")
    return text


def safe_path(text: str, what: str) -> PurePosixPath:
    """A relative path of plain parts. Raises ReportError where it leads elsewhere or has odd characters."""
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or "\\" in text:
        raise ReportError(f"{what}: {brief(text)} leads outside of its folder: refused")
    if len(path.parts) > _MAX_DEPTH or not all(_PART.fullmatch(part) for part in path.parts):
        raise ReportError(f"{what}: {brief(text)} is no plain path: refused")
    return path


def below(folder: Path, *parts: str) -> Path:
    """A path in a folder, links resolved. Raises ReportError where it does not lie below it."""
    base = folder.resolve()
    found = base.joinpath(*parts).resolve()
    if found == base or not found.is_relative_to(base):
        raise ReportError(f"{brief('/'.join(parts))} does not lie below {folder}: refused")
    return found
