"""The sources of anyone's project, with the target that it states: its C++, or the form in which designs are collected
for calibration, a folder with `project.json` and `weights.npz`."""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hlsflow.foundation.errors import ToolError
from hlsflow.foundation.strict_read import MAX_BYTES, brief, check_zip, read_ends, read_text
from hlsflow.foundation.target_files import MAX_BYTES as MAX_CONFIG_BYTES
from hlsflow.foundation.target_files import StatedTarget, stated_by_hls4ml, stated_by_tcl
from hlsflow.hls.source import Call, Config, Source, read_cpp, tops

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings(StatedTarget):
    """The target as all of a project's files state it, with what the tool's own scripts and log say besides."""

    multiplier_binding: str | None = None
    tool_version: str | None = None


def read_source(root: Path) -> Source:
    """The sources of a project's folder. Raises ToolError naming the file and what it lacks."""
    try:
        return _read_collected(root) if (root / "project.json").is_file() else _read_cpp(root)
    except OSError as error:
        raise ToolError(f"cannot read {error.filename}: {error.strerror or error}") from error


def _read_cpp(root: Path) -> Source:
    sources = [path for path in tops(root) if not path.stem.endswith(("_axi", "_bridge", "_test"))]
    if len(sources) != 1:
        raise ToolError(
            f"{root} is no hls4ml project: expected one top function's .cpp in {root / 'firmware'}, "
            f"found {len(sources)}"
        )
    source = read_cpp(root, sources[0])
    if not source.calls:
        raise ToolError(f"{sources[0]}: it calls no layer of nnet::")
    return source


def _read_collected(root: Path) -> Source:
    try:
        said = json.loads(read_text(root / "project.json"))
        return Source(
            root=root,
            calls=tuple(
                Call(function=layer["function"], template=tuple(layer["template"]), arguments=tuple(layer["arguments"]))
                for layer in said["layers"]
            ),
            configs={
                name: Config(name=name, values={key: str(value) for key, value in values.items()})
                for name, values in said["configs"].items()
            },
            types=said["types"],
            sizes=said["sizes"],
            pragmas=tuple(said["pragmas"]),
            weights=partial(_packed_weights, root),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ToolError(f"{root}/project.json: it does not describe a project: {brief(error)}") from error


def _packed_weights(root: Path, name: str) -> Array | None:
    import numpy as np

    path = root / "weights.npz"
    if not path.is_file():
        return None
    try:
        check_zip(path)
        with np.load(path, allow_pickle=False) as arrays:
            return np.asarray(arrays[name], dtype=np.float64).ravel() if name in arrays else None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ToolError(f"{path}: cannot be read: {brief(str(error))}") from error


def read_settings(root: Path) -> Settings:
    """The target: from hls4ml_config.yml and, where that is silent, the Tcl scripts. Raises ToolError."""
    found: dict[str, str | float] = {}
    try:
        for name, stated_by in (("hls4ml_config.yml", stated_by_hls4ml), ("project.tcl", stated_by_tcl)):
            if (root / name).is_file():
                said = asdict(stated_by(read_text(root / name, MAX_CONFIG_BYTES)))
                found = {key: value for key, value in said.items() if value is not None} | found
        for path in sorted(root.glob("*.tcl")) + sorted(root.glob("vi*_hls.log")):
            # The end of a log of hours is no setting.
            text = read_ends(path, MAX_BYTES)[0].decode("utf-8", errors="replace") if path.is_file() else ""
            if match := re.search(r"config_op\s+mul\s+-impl\s+(\w+)", text):
                found.setdefault("multiplier_binding", match.group(1))
            if match := re.search(r"\bv?(20\d\d\.\d)", text) if path.suffix == ".log" else None:
                found.setdefault("tool_version", match.group(1))
    except OSError as error:
        raise ToolError(f"cannot read {error.filename}: {error.strerror or error}") from error
    return Settings(**found)  # type: ignore[arg-type]
