"""Where designs come from: records of builds by name, files and folders, and the reports of any project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hlsflow.comparison.design import Design, design_of_record, designs_of_runs
from hlsflow.foundation.errors import ReportError, UsageError, did_you_mean
from hlsflow.foundation.strict_read import demand_size
from hlsflow.foundation.workspace import Workspace
from hlsflow.records.record import read_record
from hlsflow.reports.run import Failure

RECORD = "build.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """The designs that were found, and the reports that are meant as such and cannot be read."""

    designs: tuple[Design, ...]
    failures: tuple[Failure, ...] = ()


def load(workspace: Workspace, words: Sequence[str]) -> Sources:
    """The designs that `words` name: builds under reports/, records, or files and folders of a tool's reports. All
    builds without any word.

    Raises UsageError for a word that is neither, ReportError for a damaged record or a path without any report.
    """
    known = {path.parent.name: path for path in sorted(workspace.reports.glob(f"*/{RECORD}"))}
    if not words:
        if not known:
            hint = "build a model first: hlsflow build --model NAME"
            raise UsageError(f"no build to compare: {workspace.reports} holds no */{RECORD}", hint=hint)
        return Sources(designs=tuple(_design(workspace, path) for path in known.values()))
    designs: list[Design] = []
    failures: list[Failure] = []
    for word in words:
        path = Path(word)
        if word in known:
            designs.append(_design(workspace, known[word]))
        elif path.is_file() and path.suffix == ".json":
            designs.append(_design(workspace, path))
        elif path.is_dir() and (records := _records(path)):
            designs += [_design(workspace, record) for record in records]
        elif path.exists():
            found, unreadable = _projects(word)
            designs += found
            failures += unreadable
        else:
            hint = did_you_mean(word, list(known))
            raise UsageError(f"'{word}' is neither a build under {workspace.reports} nor a path", hint=hint)
    return Sources(designs=tuple(designs), failures=tuple(failures))


def _records(folder: Path) -> list[Path]:
    if (folder / RECORD).is_file():
        return [folder / RECORD]
    return sorted(path for path in folder.glob(f"*/{RECORD}") if path.is_file())


def _design(workspace: Workspace, path: Path) -> Design:
    absolute = path.resolve()
    # as the checkout sees it, so that the result is the same wherever the checkout lies
    inside = absolute.is_relative_to(workspace.root)
    try:
        # a record may be somebody else's, of any size
        demand_size(path)
    except OSError as error:
        raise ReportError(f"cannot read {path}: {error.strerror or error}") from error
    return design_of_record(read_record(path), (absolute.relative_to(workspace.root) if inside else path).as_posix())


def _projects(word: str) -> tuple[list[Design], tuple[Failure, ...]]:
    from hlsflow.reports.discover import discover

    found = discover([word])
    if not found.runs:
        if found.failures:
            first = found.failures[0]
            raise ReportError(f"{first.source_file}: {first.message}", hint=f"no other report was found at {word}")
        hint = "a project has *_csynth.rpt, csynth.xml, vivado_synth.rpt and the like; a build has build.json"
        raise ReportError(f"{word}: no report found", hint=hint)
    designs = designs_of_runs(found.runs)
    return [replace(design, name=_name_below(design, word)) for design in designs], found.failures


def _name_below(design: Design, word: str) -> str:
    # What all projects of a folder have in common tells none apart; `source_file` keeps the whole path.
    project = Path(design.source_file)
    if project.is_relative_to(word) and project != Path(word):
        short = project.relative_to(word).as_posix()
    else:
        short = project.name or project.resolve().name
    return short + design.name.removeprefix(design.source_file)
