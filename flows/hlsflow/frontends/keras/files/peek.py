"""What a model's file says of itself, before it is known whose it is; nothing of it is run."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from hlsflow.foundation.strict_read import read_bytes

# Larger ones are read, and refused, as files of Keras.
MOST_BYTES = 1 << 28


def archived_configuration(data: bytes) -> bytes | None:
    """The `config.json` of an archive of Keras, None where these bytes are no archive with one of a readable size."""
    try:
        if not zipfile.is_zipfile(io.BytesIO(data)):
            return None
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if archive.getinfo("config.json").file_size > MOST_BYTES:
                return None
            return archive.read("config.json")
    except (OSError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile):
        return None


def peeked(path: Path) -> bytes | None:
    """The bytes of a regular file, None where it is none, cannot be read or is too large: a pipe would never end."""
    try:
        return read_bytes(path, MOST_BYTES)
    except (OSError, ValueError):
        return None
