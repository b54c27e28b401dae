"""Archives that are the same for the same content, and their safe unpacking: nothing outside, no link, no flood."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from hlsflow.foundation.errors import ReportError, UsageError
from hlsflow.foundation.safe_names import safe_path
from hlsflow.foundation.strict_read import brief, open_regular, printable
from hlsflow.foundation.workspace import storage_errors, whole_file

# A synthesis project with its reports is some ten megabytes; the tools' databases can be gigabytes and are not packed.
MAX_FILES = 200_000
MAX_BYTES = 8 << 30
# Of one header (a long name, its times), and of what stands around a file on average.
_HEADER_BYTES = 1 << 20
_BYTES_AROUND = 8192
# tarfile fills up its last record.
_SLACK_BYTES = 1 << 16
_BLOCK_BYTES = 1 << 18


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
    """Unpacks plain files and folders below `folder`, from a tar, packed by gzip or not.

    Raises UsageError where the archive is not there, ReportError where it is damaged, holds a link, a device or a path
    that leads outside, or is larger than `max_files` or `max_bytes`; what was unpacked by then is the caller's to drop.
    """
    if not path.is_file():
        raise UsageError(f"no such archive: {path}")
    try:
        with open_regular(path) as raw, _unpacked(raw) as plain:
            stream = _Bounded(plain, path)
            with tarfile.open(fileobj=stream, mode="r:") as archive:
                _unpack(archive, stream, path, folder, max_files, max_bytes)
    except RecursionError as error:
        raise ReportError(f"{path}: headers within headers: refused") from error
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, ValueError) as error:
        raise ReportError(f"{path}: cut off or no archive: {printable(str(error))[:200]}") from error


def _unpack(
    archive: tarfile.TarFile, stream: _Bounded, path: Path, folder: Path, max_files: int, max_bytes: int
) -> None:  # fmt: skip
    entries = size = 0
    stream.limit = _HEADER_BYTES
    while (member := archive.next()) is not None:
        # tarfile remembers every member, and an archive can have very many
        archive.members.clear()  # type: ignore[attr-defined]  # typeshed leaves it out
        entries += 1
        size += member.size if member.isfile() else 0
        if entries > max_files or size > max_bytes:
            raise ReportError(
                f"{path}: more than {max_files:,} files and folders or {max_bytes:,} bytes: refused",
                hint="an archive of hlsflow's results is far smaller",
            )
        name = safe_path(member.name, str(path))
        if not (member.isdir() or member.isfile()) or member.issparse():
            raise ReportError(f"{path}: {brief(member.name)} is a link or a device: refused")
        try:
            tarfile.data_filter(member, str(folder))
        except tarfile.FilterError as error:
            raise ReportError(f"{path}: {brief(member.name)}: refused: {printable(str(error))[:200]}") from error
        # What stands between the files: 512 bytes a header, long names and fillings.
        stream.limit = size + _HEADER_BYTES + _BYTES_AROUND * entries
        if member.isfile():
            _write(archive, member, path, folder / name)


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path, target: Path) -> None:
    source = archive.extractfile(member)
    assert source is not None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # a second file of the same name would take the place of the first
        written = target.open("xb")
    except (FileExistsError, NotADirectoryError) as error:
        raise ReportError(f"{path}: {brief(member.name)} stands twice: refused") from error
    except OSError:
        with storage_errors(target):
            raise
    with written:
        while block := source.read(_BLOCK_BYTES):
            with storage_errors(target):
                written.write(block)


def _unpacked(raw: IO[bytes]) -> IO[bytes] | gzip.GzipFile:
    """The stream within gzip, or the stream itself."""
    magic = raw.read(2)
    raw.seek(0)
    return gzip.GzipFile(fileobj=raw, mode="rb") if magic == b"\x1f\x8b" else raw


class _Bounded(io.RawIOBase):
    """A stream that refuses to go past `limit`, and to be read in large pieces.

    A tar can state a header of gigabytes, which tarfile would read whole; packed, it is a thousand times smaller.
    """

    def __init__(self, stream: IO[bytes] | gzip.GzipFile, path: Path) -> None:
        self._stream, self._path = stream, path
        self.limit = _HEADER_BYTES

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._stream.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        assert whence == io.SEEK_SET
        self._demand(offset)
        return self._stream.seek(offset)

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _HEADER_BYTES:
            raise ReportError(f"{self._path}: a header of {size:,} bytes: refused")
        self._demand(self._stream.tell() + size)
        return self._stream.read(size)

    def _demand(self, position: int) -> None:
        if position > self.limit + _SLACK_BYTES:
            raise ReportError(f"{self._path}: more bytes between its files than any archive of results has: refused")
