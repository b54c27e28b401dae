"""What the files beside a report ask of the tools: part, clock and top, so that a stale report can be told."""

from __future__ import annotations

import functools
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hlsflow.foundation.part_name import spelled
from hlsflow.foundation.strict_read import read_bytes
from hlsflow.reports.cells import NS_PER_UNIT
from hlsflow.reports.kinds import decode

NAMES = ("hls4ml_config.yml", "project.tcl", "hls_config.cfg", "build_prj.tcl", "vitis_hls.log", "vivado_hls.log")
# Of a configuration or of hls4ml's parameters; a file that is larger asks for nothing.
MAX_BYTES = 4 << 20
# Keys that differ between two conversions of the same model.
VOLATILE_KEYS = (
    "OutputDir",
    "Stamp",
    "KerasModel",
    "KerasH5",
    "KerasJson",
    "InputData",
    "OutputPredictions",
    "Version",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectConfig:
    """Part, clock period in ns and top that one file asks for. None: it does not say."""

    source_file: str
    part: str | None = None
    clock_target_ns: float | None = None
    top: str | None = None
    backend: str | None = None


@functools.lru_cache(maxsize=4096)
def configs_in(folder: Path) -> tuple[ProjectConfig, ...]:
    """What every configuration file of a folder asks for; a file that cannot be read asks for nothing."""
    found = []
    for name in NAMES:
        path = folder / name
        try:
            text = decode(read_bytes(path, MAX_BYTES))
        except OSError:
            continue
        stated = READERS[name](text)
        if any(value is not None for value in stated.values()):
            part = stated.get("part")
            found.append(
                ProjectConfig(source_file=str(path), **stated | {"part": None if part is None else spelled(part)})
            )
    return tuple(found)


def configs_beside(report: Path, root: Path) -> tuple[ProjectConfig, ...]:
    """The configuration nearest to a report: of the first folder upwards, down to `root`, that has any."""
    for folder in _upwards(report, root):
        found = configs_in(folder)
        if found:
            return found
    return ()


@functools.lru_cache(maxsize=4096)
def parameters_digest(folder: Path) -> str | None:
    """A digest of what was synthesized: hls4ml's parameters and types, else its configuration; None without both."""
    digest = hashlib.sha256()
    for name in ("firmware/parameters.h", "firmware/defines.h", "hls4ml_config.yml"):
        try:
            text = decode(read_bytes(folder / name, MAX_BYTES))
        except OSError:
            continue
        lines = [line for line in text.splitlines() if not line.startswith(VOLATILE_KEYS)]
        digest.update("\n".join(lines).encode())
        return digest.hexdigest()
    return None


@functools.lru_cache(maxsize=4096)
def layer_numbers(folder: Path) -> frozenset[str]:
    """The numbers of the layers that hls4ml's `firmware/parameters.h` configures, empty where there is no such file."""
    # struct config2 : nnet::dense_config {        struct relu_config4 : nnet::activ_config {
    try:
        text = decode(read_bytes(folder / "firmware/parameters.h", MAX_BYTES))
    except OSError:
        return frozenset()
    return frozenset(re.findall(r"^\s*struct \w*?config(\d+)", text, flags=re.MULTILINE))


def project_folder(report: Path, root: Path) -> Path:
    """The folder of the project that a report belongs to: that of its configuration, else that above the tool's own."""
    for folder in _upwards(report, root):
        if configs_in(folder) or (folder / "firmware").is_dir():
            return folder
    parts = report.relative_to(root).parts[:-1]
    own = next(
        (
            n
            for n, part in enumerate(parts)
            if part in ("syn", "sim", "csim", "impl") or part.endswith((".runs", "_prj"))
        ),
        len(parts),
    )
    return root.joinpath(*parts[:own])


def _upwards(report: Path, root: Path) -> list[Path]:
    return [folder for folder in report.parents if folder == root or root in folder.parents]


class _TolerantLoader(yaml.SafeLoader):
    """Safe YAML, in which a tag of somebody else (`!keras_model`) is read as nothing."""


_TolerantLoader.add_multi_constructor("", lambda loader, suffix, node: None)


def _hls4ml_config(text: str) -> dict[str, Any]:
    try:
        data = yaml.load(text, Loader=_TolerantLoader)
    except (yaml.YAMLError, ValueError, RecursionError, TypeError, AttributeError):
        # YAML's own constructors raise what they please: a date of the 99th, a number of too many digits
        return {}
    if not isinstance(data, dict):
        return {}
    name, backend = data.get("ProjectName"), data.get("Backend")
    part = data.get("Part") or data.get("XilinxPart")
    # a structure of aliases would be written out
    period = data.get("ClockPeriod")
    return {
        "part": part if isinstance(part, str) else None,
        "clock_target_ns": _nanoseconds(str(period) if isinstance(period, str | int | float) else ""),
        "top": name if isinstance(name, str) else None,
        "backend": backend if isinstance(backend, str) else None,
    }


def _tcl(text: str) -> dict[str, Any]:
    # set part "xcku115-flvb2104-2-i"          set_part {xc7z020clg400-1}
    # set clock_period 5                       create_clock -period 5 -name default
    # variable project_name / set project_name "myproject"       set_top myproject
    def last(*patterns: str) -> str | None:
        for pattern in patterns:
            found = re.findall(pattern, text, flags=re.MULTILINE)
            if found and "$" not in found[-1]:
                return found[-1]
        return None

    return {
        "part": last(r"^\s*(?:set|variable) part [\"{]?([\w-]+)", r"^\s*set_part [\"{]?([\w-]+)"),
        "clock_target_ns": _nanoseconds(
            last(r"^\s*(?:set|variable) clock_period [\"{]?([\d.]+)", r"^\s*create_clock -period ([\w.]+)") or ""
        ),
        "top": last(r"^\s*(?:set|variable) (?:project_name|myproject) [\"{]?(\w+)", r"^\s*set_top (\w+)"),
    }


def _cfg(text: str) -> dict[str, Any]:
    # part=xck26-sfvc784-2LV-c   clock=5ns   syn.top=myproject
    stated = dict(re.findall(r"^\s*([\w.]+)\s*=\s*(\S+)\s*$", text, flags=re.MULTILINE))
    return {
        "part": stated.get("part"),
        "clock_target_ns": _nanoseconds(stated.get("clock") or stated.get("hls.clock") or ""),
        "top": stated.get("syn.top") or stated.get("hls.syn.top"),
    }


def _log(text: str) -> dict[str, Any]:
    from hlsflow.foundation.errors import ReportError
    from hlsflow.reports import tool_log

    try:
        report = tool_log.parse(text)
    except ReportError:
        return {}
    return {
        "part": report.provenance.part,
        "clock_target_ns": None if report.clock is None else report.clock.target_ns,
        "top": report.module,
    }


def _nanoseconds(text: str) -> float | None:
    matched = re.fullmatch(r"([\d.]+)\s*(ps|ns|us|ms|s|MHz)?", text.strip().strip("'\""))
    if matched is None or matched[1].count(".") > 1 or not matched[1].strip("."):
        return None
    value = float(matched[1])
    if matched[2] == "MHz":
        return 1000.0 / value if value else None
    return value * NS_PER_UNIT[matched[2] or "ns"]


READERS = {
    "hls4ml_config.yml": _hls4ml_config,
    "project.tcl": _tcl,
    "build_prj.tcl": _tcl,
    "hls_config.cfg": _cfg,
    "vitis_hls.log": _log,
    "vivado_hls.log": _log,
}
