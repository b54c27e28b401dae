"""What the files of a project say of its target: hls4ml's configuration and the Tcl scripts, of any version.

One reader for all who ask: whether a conversion wrote what was planned, whom a report belongs to, what is estimated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

# Of a configuration or script; a larger file is none.
MAX_BYTES = 4 << 20
NS_PER_UNIT = {"ps": 1e-3, "ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9, "sec": 1e9}


@dataclass(frozen=True, kw_only=True, slots=True)
class StatedTarget:
    """The target that a file states; None: it does not say. Clock in ns, its uncertainty in per cent of it."""

    backend: str | None = None
    part: str | None = None
    clock_period_ns: float | None = None
    clock_uncertainty_percent: float | None = None
    io_type: str | None = None
    top: str | None = None


class _TolerantLoader(yaml.SafeLoader):
    """Safe YAML, in which a tag of somebody else (`!keras_model`) is read as nothing."""


_TolerantLoader.add_multi_constructor("", lambda loader, suffix, node: None)


def hls4ml_config(text: str) -> dict[Any, Any]:
    """The mapping of an hls4ml_config.yml. Raises ValueError where it is none."""
    try:
        data = yaml.load(text, Loader=_TolerantLoader)
    except (yaml.YAMLError, RecursionError, TypeError, AttributeError) as error:
        # YAML's own constructors raise what they please: a date of the 99th, a number of too many digits
        raise ValueError(str(error)) from error
    if not isinstance(data, dict):
        raise ValueError("it holds no keys")
    # Some people write the whole configuration under one key of their own, `config: {'Backend': 'Vivado', …}`.
    inner = data.get("config")
    return inner if len(data) == 1 and isinstance(inner, dict) else data


def stated_by_hls4ml(text: str) -> StatedTarget:
    """What an hls4ml_config.yml says; nothing where it cannot be read."""
    try:
        said: Mapping[Any, Any] = hls4ml_config(text)
    except ValueError:
        return StatedTarget()
    words = {key: said[key] for key in said if isinstance(said[key], str) and said[key] not in ("null", "None")}
    return StatedTarget(
        backend=words.get("Backend"),
        part=words.get("Part") or words.get("XilinxPart"),
        clock_period_ns=_measure(said.get("ClockPeriod"), nanoseconds),
        clock_uncertainty_percent=_measure(said.get("ClockUncertainty"), _percent),
        io_type=words.get("IOType"),
        top=words.get("ProjectName"),
    )


def tcl_settings(text: str) -> list[tuple[str, str]]:
    """The variables that a script sets, in its order: `set clock_period 7.5`, `set part "xc7z020clg400-1"`."""
    return re.findall(r"^[ \t]*(?:set|variable)[ \t]+(\w+)[ \t]+[\"{]?([^\"}\s]+)", text, re.MULTILINE)


def stated_by_tcl(text: str) -> StatedTarget:
    """What a script of hls4ml's (project.tcl, build_prj.tcl) says, the last time that it says it."""

    def last(allowed: str, command: str, *names: str) -> str | None:
        # A value of another variable says nothing here.
        found = [matched[0] for name, value in said if name in names and (matched := re.match(allowed, value))]
        found = found or re.findall(rf"^\s*{command}", text, re.MULTILINE)
        return found[-1] if found else None

    said = tcl_settings(text)
    return StatedTarget(
        # set_part {xc7z020clg400-1}          create_clock -period 5 -name default          set_top myproject
        part=last(r"[\w-]+", r"set_part [\"{]?([\w-]+)", "part"),
        clock_period_ns=nanoseconds(last(r"[\d.]+", r"create_clock -period ([\w.]+)", "clock_period") or ""),
        clock_uncertainty_percent=_percent(dict(said).get("clock_uncertainty", "")),
        top=last(r"\w+", r"set_top (\w+)", "project_name", "myproject"),
    )


def nanoseconds(text: str) -> float | None:
    """A clock period such as `5`, `5ns` or `200MHz` in ns, None where it is none."""
    matched = re.fullmatch(r"([\d.]+)\s*(ps|ns|us|ms|s|MHz)?", text.strip().strip("'\""))
    if matched is None or matched[1].count(".") > 1 or not matched[1].strip("."):
        return None
    value = float(matched[1])
    if matched[2] == "MHz":
        return 1000.0 / value if value else None
    return value * NS_PER_UNIT[matched[2] or "ns"]


def _percent(text: str) -> float | None:
    matched = re.fullmatch(r"(\d+(?:\.\d*)?)\s*%", text.strip())
    return None if matched is None else float(matched[1])


def _measure(said: object, read: Any) -> float | None:
    # a structure of aliases would be written out
    found: float | None = read(str(said)) if isinstance(said, str | int | float) else None
    return found
