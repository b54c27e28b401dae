"""The files of an HLS project that the tools read, and the digest of them: which design it is, by its contents.

The digest is of contents, never of paths: the same project in another folder, or on another machine, is the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from hlsflow.foundation.errors import ToolError
from hlsflow.foundation.steps import digest
from hlsflow.foundation.strict_read import read_bytes

SCRIPT = "build_prj.tcl"
# In an HLS project: the digest of its contents as they were written.
DESIGN_FILE = "design.sha256"
_BENCH_OPENS = "std::ofstream fout(RESULTS_LOG);"
# Six digits, the default of a stream, do not tell apart the values of a type of more than nineteen bits.
_BENCH_DIGITS = "\n    fout.precision(17);"
# Of one source file; the weights of a large layer are some megabytes of text.
_MAX_SOURCE_BYTES = 512 << 20
# What hls4ml's C simulation needs and the tools bring themselves, or what holds a random stamp or a path.
NOT_SEEN = ("firmware/ap_types", "build_opt.tcl")


def design_files(root: Path) -> Iterator[tuple[str, bytes]]:
    """(path, content) of every file that the tools read, the test bench as the copy will have it, sorted.

    Raises ToolError where the folder is no HLS project.
    """
    paths = [path for path in root.glob("firmware/**/*") if path.is_file()]
    paths += [path for pattern in ("*.tcl", "*_test.cpp") for path in root.glob(pattern)]
    if not (root / SCRIPT).is_file() or not (root / "firmware").is_dir():
        raise ToolError(f"{root} is no HLS project of hls4ml: {SCRIPT} or firmware/ is missing", hint="build it again")
    for path in sorted(paths):
        name = path.relative_to(root).as_posix()
        if name.startswith(NOT_SEEN):
            continue
        try:
            content = read_bytes(path, _MAX_SOURCE_BYTES)
        except OSError as error:
            raise ToolError(f"cannot read {path}: {error.strerror or error}") from error
        if name.endswith("_test.cpp") and _BENCH_DIGITS.encode() not in content:
            content = content.replace(_BENCH_OPENS.encode(), (_BENCH_OPENS + _BENCH_DIGITS).encode())
        yield name, content


def file_hashes(root: Path) -> dict[str, str]:
    """The SHA-256 of every file that the tools read, by its path in the project."""
    return {name: hashlib.sha256(content).hexdigest() for name, content in design_files(root)}


def design_digest(root: Path) -> str:
    """The digest of a project as the tools see it, of an original and of its copy alike."""
    return digest(file_hashes(root))
