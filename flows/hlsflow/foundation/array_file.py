"""Arrays as an .npz file: no pickles, and the same bytes for the same arrays."""

from __future__ import annotations

import io
import lzma
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from hlsflow.foundation.errors import ModelError
from hlsflow.foundation.strict_read import check_zip

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

# What numpy raises for a file that is cut off, altered, pickled, or no .npz at all.
UNREADABLE = (
    OSError,
    ValueError,
    EOFError,
    KeyError,
    AttributeError,
    TypeError,
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    # An unknown method of packing, or a password.
    RuntimeError,
    struct.error,
    # numpy reads the header of an array as a text of Python's, without running it.
    SyntaxError,
    tokenize.TokenError,
)


def pack_arrays(arrays: dict[str, Array], *, compresslevel: int = 9) -> bytes:
    """The bytes of a compressed .npz with these arrays, without the clock time that `np.savez` puts in."""
    import numpy as np

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for key, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(  # type: ignore[no-untyped-call]
                content, np.asarray(array, order="C"), version=(1, 0), allow_pickle=False
            )
            info = zipfile.ZipInfo(f"{key}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            info.external_attr = 0o644 << 16
            archive.writestr(info, content.getvalue(), compress_type=zipfile.ZIP_DEFLATED, compresslevel=compresslevel)
    return packed.getvalue()


def read_arrays(path: Path, again: str | None = None) -> dict[str, Array]:
    """All arrays of an .npz file; never unpickles.

    Raises ModelError where it is missing or unreadable; `again` says how to get it again (None: by training).
    """
    import numpy as np

    name = path.resolve().parent.name
    if not path.is_file():
        raise ModelError(f"no weights at {path}", hint=again or f"train the model: hlsflow train --model {name}")
    try:
        if not zipfile.is_zipfile(path):
            raise ValueError("it is no .npz archive, or it is cut off")
        check_zip(path)
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except UNREADABLE as error:
        raise ModelError(
            f"cannot read the weights {path}: {error}",
            hint=f"restore the file, or {again or f'train it again: hlsflow train --model {name} --force'}",
        ) from error
