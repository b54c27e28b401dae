"""Reading what strangers wrote: regular files alone, of a bounded size, and no control characters on a terminal."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import reprlib
import stat
import zipfile
from io import BufferedReader
from pathlib import Path
from typing import Any

# Far more than any report, configuration or record is.
MAX_BYTES = 64 << 20
# Of an archive of weights: two hundred times those of the largest model here.
MAX_UNPACKED_BYTES = 1 << 30
_SHOWN = 80
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = _SHOWN
_SHORT.maxlevel = 3


class UnreadableError(OSError):
    """A file that is not read, whatever it holds: no regular one, or too large. `strerror` says which."""


def open_regular(path: Path) -> BufferedReader:
    """The opened file, a link followed. Raises UnreadableError where it is a pipe, a device or a folder.

    It is looked at before it is opened, since opening alone can hang or act on a device, and after, since what is
    there can be exchanged in between.
    """
    _demand_regular(os.stat(path), path)
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _demand_regular(os.fstat(descriptor), path)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_bytes(path: Path, limit: int = MAX_BYTES) -> bytes:
    """The content of a regular file. Raises UnreadableError where it is none or larger than `limit` bytes, and OSError.

    Nothing of a file that is too large is read but its first `limit` bytes, were it one that grows meanwhile.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        data = b"" if size > limit else file.read(limit + 1)
    if max(size, len(data)) > limit:
        raise UnreadableError(errno.EFBIG, f"it is larger than {limit / (1 << 20):g} MiB", str(path))
    return data


def sha256(path: Path) -> str:
    """The SHA-256 of a regular file in hexadecimal, of any size. Raises UnreadableError and OSError."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def demand_size(path: Path, limit: int = MAX_BYTES) -> None:
    """Raises as `read_bytes` does, for a file that something else is about to read."""
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size > limit:
            raise UnreadableError(errno.EFBIG, f"it is larger than {limit / (1 << 20):g} MiB", str(path))


def read_text(path: Path, limit: int = MAX_BYTES) -> str:
    """The text of a regular file in UTF-8, what is none as U+FFFD. Raises as `read_bytes` does."""
    return read_bytes(path, limit).decode("utf-8", errors="replace")


def read_ends(path: Path, limit: int = MAX_BYTES) -> tuple[bytes, int]:
    """(content, bytes left out): all of a regular file, or whole lines of its head and tail, `limit` bytes together."""
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size <= limit:
            return file.read(limit), 0
        head = file.read(limit // 2)
        file.seek(size - limit // 2)
        tail = file.read(limit // 2)
    # half lines would say what nobody wrote
    head, tail = head[: head.rfind(b"\n") + 1], tail[tail.find(b"\n") + 1 :]
    return head + tail, size - len(head) - len(tail)


def check_zip(path: Path, limit: int = MAX_UNPACKED_BYTES) -> None:
    """Raises UnreadableError where an archive would unpack to more than `limit` bytes, and zipfile.BadZipFile.

    What a member states is the most that is unpacked of it, so a small file with large arrays is known beforehand.
    """
    with open_regular(path) as file, zipfile.ZipFile(file) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > limit:
        raise UnreadableError(errno.EFBIG, f"unpacked it is larger than {limit / (1 << 20):g} MiB", str(path))


def _demand_regular(found: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = next((name for test, name in _KINDS if test(found.st_mode)), "something else")
        raise UnreadableError(errno.EINVAL, f"it is {kind}, no regular file", str(path))


def brief(value: Any) -> str:
    """`repr` of any value in some 80 characters, for messages: however long, deep or full of control characters."""
    try:
        text = _SHORT.repr(value)
    except ValueError:
        # an integer of more than 4,300 digits has no decimal text
        text = f"a value of type {type(value).__name__} that is too large to show"
    text = text.encode("unicode_escape").decode("ascii") if not text.isprintable() else text
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN // 2]}...{text[-_SHOWN // 2 + 3 :]}"


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """A text in which control characters other than line ends and tabs are `?`: a terminal obeys them.

    So are those that turn the direction of what follows, and make one text look like another.
    """
    return _CONTROL.sub("?", text) if _CONTROL.search(text) else text
