"""The part that a stranger's project is for: by its configuration, the tools' reports in it, or its Vivado project.

The order in which the files are asked: hls4ml_config.yml, project.tcl, hls_config.cfg, build_prj.tcl, the HLS tool's
log, reports of C synthesis, Vivado's reports, Vivado projects (.xpr). All of them are held against each other.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hlsflow.devices.catalogue import find_part
from hlsflow.foundation.errors import ConfigError
from hlsflow.foundation.part_name import part_of
from hlsflow.foundation.strict_read import read_text
from hlsflow.reports.discover import SKIPPED_FOLDERS, discover
from hlsflow.reports.figures import STAGE_ORDER
from hlsflow.reports.project_config import configs_in

# Of a Vivado project: hls4ml's own lies one folder below, people keep theirs two or three below.
_DEPTH = 4
_MAX_XPR_BYTES = 16 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class StatedPart:
    """A part as a file spells it, and the file."""

    part: str
    source_file: str


def stated_parts(root: Path) -> list[StatedPart]:
    """What every file of a project says its part is, in the order above."""
    said = [
        StatedPart(part=config.part, source_file=config.source_file)
        for config in configs_in(root)
        if config.part is not None
    ]
    runs = [run for run in discover([root]).runs if run.provenance.part is not None]
    runs.sort(key=lambda run: len(STAGE_ORDER) if run.provenance.stage is None else STAGE_ORDER[run.provenance.stage])
    said += [StatedPart(part=run.provenance.part, source_file=run.provenance.source_file) for run in runs]
    for path in _vivado_projects(root):
        try:
            text = read_text(path, _MAX_XPR_BYTES)
        except OSError:
            continue
        # <Option Name="Part" Val="xc7z020clg400-1"/>, of the project; its runs say it again.
        if found := re.search(r"<Option\s+Name=\"Part\"\s+Val=\"([\w-]+)\"", text):
            said.append(StatedPart(part=found[1], source_file=str(path)))
    return said


def part_of_project(root: Path) -> StatedPart | None:
    """The part that the first file names, None where none does.

    Raises ConfigError where two files name different parts, or where the catalogue does not know it, naming the files.
    """
    said = stated_parts(root)
    for later in said[1:]:
        if not part_of(said[0].part).may_be(part_of(later.part)):
            raise ConfigError(
                f"{said[0].source_file} says part {said[0].part}, but {later.source_file} says {later.part}",
                hint="say which one is meant with --part, or remove what is out of date",
            )
    if not said:
        return None
    try:
        find_part(said[0].part)
    except ConfigError as error:
        raise ConfigError(f"{said[0].source_file}: {error.message}", hint=error.hint) from error
    return said[0]


def _vivado_projects(root: Path) -> Iterator[Path]:
    waiting = [(root, 0)]
    while waiting:
        folder, depth = waiting.pop(0)
        try:
            with os.scandir(folder) as entries:
                inner = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            continue
        yield from (Path(entry.path) for entry in inner if entry.name.endswith(".xpr"))
        if depth < _DEPTH:
            folders = [entry for entry in inner if entry.is_dir(follow_symlinks=False)]
            waiting += [(Path(entry.path), depth + 1) for entry in folders if entry.name not in SKIPPED_FOLDERS]
