"""Everything of an HDF5 file read once, in a process of its own (`python -m …hdf5_walk FILE`).

libhdf5 never comes back from some damaged files, and dies of others; what this ends well on can be opened.
"""

from __future__ import annotations

import sys
from typing import Any

from hlsflow.frontends.keras.files.stores import MAX_BYTES


def walk(path: str) -> None:
    """Reads all attributes and arrays that lie in the file itself. Raises what h5py does."""
    import h5py

    def visit(name: str, item: Any) -> None:
        list(item.attrs.items())
        here = isinstance(item, h5py.Dataset) and not (item.is_virtual or item.external)
        if here and item.size * item.dtype.itemsize <= MAX_BYTES:
            item[()]

    with h5py.File(path, "r") as file:
        list(file.attrs.items())
        file.visititems(visit)


if __name__ == "__main__":
    try:
        walk(sys.argv[1])
    except Exception as error:
        # The reader says it in its own words, where it matters to a model at all.
        print(f"{type(error).__name__}: {error}")
