"""Archives that are the same for the same content, and their safe unpacking: nothing outside, no link, no flood."""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hlsflow.errors import ReportError, UsageError
from hlsflow.workspace import storage_errors, whole_file

# A synthesis project with its reports is some ten megabytes; the tools' databases can be gigabytes and are not packed.
MAX_FILES = 200_000
MAX_BYTES = 8 << 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A file of an archive, by its path in it with `/`; `content` is bytes, or a file to be read."""

    name: str
    content: bytes | Path
    executable: bool = False


def write_archive(path: Path, entries: Iterable[Entry]) -> None:
    """Writes a tar.gz, whole or not at all: sorted, without times, owners or names of this machine."""
    with (
        whole_file(path) as partial,
        partial.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for entry in sorted(entries, key=lambda entry: entry.name):
            content = entry.content if isinstance(entry.content, bytes) else entry.content.read_bytes()
            info = tarfile.TarInfo(entry.name)
            info.size = len(content)
            info.mode = 0o755 if entry.executable else 0o644
            archive.addfile(info, io.BytesIO(content))


def unpack(path: Path, folder: Path, *, max_files: int = MAX_FILES, max_bytes: int = MAX_BYTES) -> None:
    """Unpacks plain files and folders below `folder`.

    Raises UsageError where the archive is not there, ReportError where it is damaged, holds a link, a device or a path
    that leads outside, or is larger than `max_files` or `max_bytes`; what was unpacked by then is the caller's to drop.
    """
    if not path.is_file():
        raise UsageError(f"no such archive: {path}")
    files = size = 0
    try:
        with tarfile.open(path, "r:*") as archive:
            for member in archive:
                name = PurePosixPath(member.name)
                if name.is_absolute() or ".." in name.parts or "\\" in member.name:
                    raise ReportError(f"{path}: '{member.name}' leads outside of the archive's folder: refused")
                if member.isdir():
                    continue
                if not member.isfile():
                    raise ReportError(f"{path}: '{member.name}' is a link or a device: refused")
                files, size = files + 1, size + member.size
                if files > max_files or size > max_bytes:
                    raise ReportError(
                        f"{path}: more than {max_files:,} files or {max_bytes / (1 << 30):.1f} GiB: refused",
                        hint="an archive of hlsflow's results is far smaller",
                    )
                source = archive.extractfile(member)
                assert source is not None
                target = folder / name
                with storage_errors(target):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with target.open("wb") as written:
                        shutil.copyfileobj(source, written)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ReportError(f"{path}: cut off or no archive: {error}") from error
