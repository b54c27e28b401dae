"""Finds the reports below a path, reads them, and joins them to runs with what contradicts them."""

from __future__ import annotations

import concurrent.futures
import hashlib
import multiprocessing
import os
import re
import signal
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from hlsflow.foundation.errors import ReportError, UsageError
from hlsflow.foundation.interrupts import boundaries
from hlsflow.foundation.part_name import part_of, spelled
from hlsflow.foundation.strict_read import UnreadableError, brief, open_regular, read_bytes, read_ends
from hlsflow.reports import tool_log
from hlsflow.reports.figures import STAGE_ORDER, Stage
from hlsflow.reports.hls import csynth_rpt, csynth_summary
from hlsflow.reports.kinds import decode, format_of, is_meant_as_report, read_text, recognise
from hlsflow.reports.merge import merge, run_key, split, with_stage_of_neighbours
from hlsflow.reports.project_config import (
    configs_beside,
    layer_numbers,
    parameters_digest,
    project_folder,
)
from hlsflow.reports.report import HEAD_CHARACTERS, Joins, Report
from hlsflow.reports.run import Discovery, Failure, LogRun, Note, NoteKind, PassedOver, Role, Run

SUFFIXES = frozenset({".rpt", ".xml", ".log"})
# The tools' own databases, whose reports are copies, and what is no project at all.
SKIPPED_FOLDERS = frozenset({".autopilot", ".git", ".Xil", ".ipcache", "node_modules", "__pycache__", ".venv", "venv"})
# From here on a second process saves more time than it takes to start.
POOL_THRESHOLD = 1500


@dataclass(frozen=True, kw_only=True, slots=True)
class _Candidate:
    path: Path
    root: Path
    shown_as: str
    named: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Outcome:
    candidate: _Candidate
    report: Report | None = None
    digest: str | None = None
    error: str | None = None
    left_out_bytes: int = 0


def discover(paths: Sequence[str | os.PathLike[str]], *, processes: int | None = None) -> Discovery:
    """The runs, logs and unreadable files at `paths`: files, project folders or trees of projects.

    A file that is named is meant to be a report; a folder's files are taken by their content. Raises UsageError where
    a path does not exist.
    """
    candidates = _candidates(paths)
    outcomes = _read_all(candidates, processes)
    reports = [outcome for outcome in outcomes if outcome.report is not None]
    failures = [
        Failure(source_file=outcome.candidate.shown_as, message=outcome.error) for outcome in outcomes if outcome.error
    ]
    logs = [_log_run(o.report, o.left_out_bytes) for o in reports if o.report.log is not None]
    without = [
        PassedOver(source_file=o.candidate.shown_as, what=o.report.passed_over)
        for o in reports
        if o.report.passed_over is not None
    ]
    return Discovery(
        runs=tuple(_runs([o for o in reports if o.report.log is None and o.report.passed_over is None])),
        logs=tuple(sorted(logs, key=lambda log: log.source_file)),
        passed_over=tuple(sorted(without, key=lambda report: report.source_file)),
        failures=tuple(sorted(failures, key=lambda failure: failure.source_file)),
        read_files=len(reports),
        other_files=len(outcomes) - len(reports) - len(failures),
    )


def _candidates(paths: Sequence[str | os.PathLike[str]]) -> list[_Candidate]:
    found: dict[Path, _Candidate] = {}
    for given in paths:
        path = Path(given)
        if path.is_dir():
            root = path.resolve()
            for file in _files(root):
                shown = path / file.relative_to(root)
                found.setdefault(file, _Candidate(path=file, root=root, shown_as=shown.as_posix(), named=False))
        elif path.exists():
            file = path.resolve()
            # the configuration of a single file may lie anywhere above it, within what a project is deep
            root = file.parents[min(6, len(file.parents) - 1)]
            found[file] = _Candidate(path=file, root=root, shown_as=path.as_posix(), named=True)
        else:
            raise UsageError(f"no such file or folder: {path}")
    return list(found.values())


def _files(root: Path) -> Iterator[Path]:
    """The files below a folder whose suffix a report may have, in a stable order; no link to a folder is followed.

    `os.walk` of this Python calls itself for each folder within a folder, and ends in a RecursionError.
    """
    waiting = [str(root)]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                inner = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            continue
        folders = [entry for entry in inner if entry.is_dir(follow_symlinks=False)]
        waiting += [entry.path for entry in reversed(folders) if entry.name not in SKIPPED_FOLDERS]
        for entry in inner:
            if os.path.splitext(entry.name)[1] in SUFFIXES and not entry.is_dir():
                yield Path(entry.path)


def _read_all(candidates: list[_Candidate], processes: int | None) -> list[_Outcome]:
    wanted = processes if processes is not None else min(os.cpu_count() or 1, 8)
    if wanted < 2 or (processes is None and len(candidates) < POOL_THRESHOLD):
        return [_read_one(candidate) for candidate in boundaries(candidates)]
    context = multiprocessing.get_context("fork" if "fork" in multiprocessing.get_all_start_methods() else None)
    # An interrupt is the parent's to handle; it drops what has not begun.
    with concurrent.futures.ProcessPoolExecutor(
        wanted, mp_context=context, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN)
    ) as pool:
        try:
            return list(boundaries(pool.map(_read_one, candidates, chunksize=32)))
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _read_one(candidate: _Candidate) -> _Outcome:
    meant = candidate.named or is_meant_as_report(candidate.path)
    left_out = 0
    try:
        known = recognise(_head(candidate.path))
        if not meant and known is None:
            return _Outcome(candidate=candidate)
        if known is tool_log.FORMAT:
            # a log of days may be gigabytes: its head has the tool's banner, its end what became of it
            data, left_out = read_ends(candidate.path)
        else:
            data = read_bytes(candidate.path)
    except UnreadableError as error:
        # a pipe or a device is no report, unless its name says that it is meant as one
        return _Outcome(candidate=candidate, error=f"not read: {error.strerror}" if meant else None)
    except OSError as error:
        return _Outcome(candidate=candidate, error=f"cannot be read: {error.strerror}")
    text = decode(data)
    try:
        report = read_text(text, candidate.shown_as)
    except ReportError as error:
        return _Outcome(candidate=candidate, error=error.message.removeprefix(f"{candidate.shown_as}: "))
    except (ArithmeticError, ValueError, RecursionError) as error:
        # of a file that no tool wrote; the fuzz tests ask the parsers themselves, without this net
        return _Outcome(candidate=candidate, error=f"no report that a tool writes: {brief(str(error))}")
    digest = hashlib.sha256(text.encode()).hexdigest()
    return _Outcome(candidate=candidate, report=report, digest=digest, left_out_bytes=left_out)


def _head(path: Path) -> str:
    with open_regular(path) as file:
        return decode(file.read(4 * HEAD_CHARACTERS))


def _log_run(report: Report, left_out_bytes: int) -> LogRun:
    return LogRun(
        source_file=report.provenance.source_file,
        tool=report.provenance.tool,
        tool_version=report.provenance.tool_version,
        part=None if report.provenance.part is None else spelled(report.provenance.part),
        clock_target_ns=None if report.clock is None else report.clock.target_ns,
        top=report.module,
        error_count=len(report.log.errors),
        first_error=report.log.errors[0] if report.log.errors else None,
        warning_count=report.log.warning_count,
        completed_steps=report.log.completed_steps,
        ended_by_kill=report.log.ended_by_kill,
        left_out_bytes=left_out_bytes,
    )


def _runs(outcomes: Sequence[_Outcome]) -> list[Run]:
    settled = with_stage_of_neighbours([outcome.report for outcome in outcomes])
    groups: dict[tuple[str, ...], list[tuple[Report, _Outcome]]] = {}
    for report, outcome in zip(settled, outcomes, strict=True):
        groups.setdefault(run_key(report), []).append((report, outcome))
    roles = _Roles(outcomes)
    runs: list[tuple[Run, list[_Outcome]]] = []
    for members in groups.values():
        outcome_of = {report.provenance.source_file: outcome for report, outcome in members}
        for reports, notes in split(report for report, _ in members):
            of_run = [outcome_of[report.provenance.source_file] for report in reports]
            candidate = of_run[0].candidate
            project = _shown(project_folder(candidate.path, candidate.root), candidate)
            run = merge(project, roles.of(reports[0], candidate), reports, notes)
            runs.append((replace(run, notes=(*run.notes, *_disagreements(run, candidate))), of_run))
    runs.sort(key=lambda item: _order(item[0]))
    return _with_age_notes(_with_duplicate_notes(runs))


def _shown(folder: Path, candidate: _Candidate) -> str:
    # `shown_as` is the path as the user gave it, with what lies below it
    below = candidate.path.relative_to(folder).parts
    parts = Path(candidate.shown_as).parts
    return Path(*parts[: len(parts) - len(below)]).as_posix() if len(parts) > len(below) else folder.as_posix()


def _order(run: Run) -> tuple:
    stage = run.provenance.stage
    return (
        run.project,
        len(STAGE_ORDER) if stage is None else STAGE_ORDER[stage],
        list(Role).index(run.role),
        run.module or "",
        run.provenance.source_file,
    )


class _Roles:
    """Which module of a folder of C synthesis is its top, by what the reports of that folder say."""

    def __init__(self, outcomes: Sequence[_Outcome]) -> None:
        self._tops: dict[Path, str] = {}
        self._instances: dict[Path, set[str]] = {}
        for outcome in outcomes:
            report, folder = outcome.report, outcome.candidate.path.parent
            if report.kind == csynth_summary.KIND or outcome.candidate.path.name == "csynth.xml":
                self._tops[folder] = report.module
            if report.kind == csynth_rpt.KIND:
                self._instances.setdefault(folder, set()).update(module.name for module in report.modules)

    def of(self, report: Report, candidate: _Candidate) -> Role:
        """The role of a report's module."""
        if format_of(report).joins is not Joins.CSYNTH:
            return Role.TOP
        folder = candidate.path.parent
        top = self._tops.get(folder)
        names = {config.top for config in configs_beside(candidate.path, candidate.root)} - {None}
        if report.module == top or (top is None and report.module in {name + "_axi" for name in names}):
            return Role.TOP
        if report.module in names:
            # hls4ml's project name is the network; where it is not the top, a wrapper is
            wrapped = top is not None or report.module in self._instances.get(folder, set())
            return Role.CORE if wrapped else Role.TOP
        if top is not None or names or report.module in self._instances.get(folder, set()):
            return Role.SUBMODULE
        return Role.TOP


def _disagreements(run: Run, candidate: _Candidate) -> Iterable[Note]:
    for config in configs_beside(candidate.path, candidate.root):
        name = Path(config.source_file).name
        part, target = run.provenance.part, None if run.clock is None else run.clock.target_ns
        if None not in (part, config.part) and not part_of(part).may_be(part_of(config.part)):
            yield Note(kind=NoteKind.PART_DISAGREES, text=f"part {part}, but {name} says {config.part}")
        # csynth.rpt rounds the period to two digits
        if None not in (target, config.clock_target_ns) and abs(target - config.clock_target_ns) > 0.0051:
            yield Note(
                kind=NoteKind.CLOCK_DISAGREES,
                text=f"clock {target:g} ns, but {name} says {config.clock_target_ns:g} ns",
            )
        # Vivado's design may be any wrapper of the network; C synthesis names the network itself.
        if (
            run.role == Role.TOP
            and run.provenance.stage == Stage.CSYNTH
            and config.top is not None
            and run.module not in (config.top, f"{config.top}_axi")
        ):
            yield Note(kind=NoteKind.TOP_DISAGREES, text=f"top {run.module}, but {name} says {config.top}")

    # hls4ml numbers its layers, and the tool names a layer's module after them: dense_latency_..._config5_s
    known = layer_numbers(project_folder(candidate.path, candidate.root))
    named = {number for module in run.modules for number in re.findall(r"config(\d+)(?=_|$)", module.name)}
    if known and named - known:
        numbers = ", ".join(sorted(named - known, key=int))
        text = f"modules of the layers {numbers}, which firmware/parameters.h does not have"
        yield Note(kind=NoteKind.PARAMETERS_DISAGREE, text=text)


def _with_duplicate_notes(runs: Sequence[tuple[Run, list[_Outcome]]]) -> list[tuple[Run, list[_Outcome]]]:
    seen: dict[tuple[str, ...], tuple[Run, _Outcome]] = {}
    noted = []
    for run, outcomes in runs:
        key = tuple(sorted(outcome.digest for outcome in outcomes))
        if key in seen and run.role != Role.SUBMODULE:
            earlier, other = seen[key]
            same = _parameters(outcomes[0]) == _parameters(other) or None in (
                _parameters(outcomes[0]),
                _parameters(other),
            )
            kind = NoteKind.DUPLICATE if same else NoteKind.SAME_UNDER_OTHER_PARAMETERS
            text = f"the same as {earlier.provenance.source_file}" + ("" if same else ", under other parameters")
            run = replace(run, notes=(*run.notes, Note(kind=kind, text=text)))
        seen.setdefault(key, (run, outcomes[0]))
        noted.append((run, outcomes))
    return noted


def _parameters(outcome: _Outcome) -> str | None:
    return parameters_digest(project_folder(outcome.candidate.path, outcome.candidate.root))


def _with_age_notes(runs: Sequence[tuple[Run, list[_Outcome]]]) -> list[Run]:
    # Logic synthesis reads what C synthesis wrote: a report that is older belongs to an earlier design.
    written: dict[str, datetime] = {}
    for run, _ in runs:
        moment = _moment(run.date)
        if run.provenance.stage == Stage.CSYNTH and run.role == Role.TOP and moment is not None:
            written[run.project] = max(moment, written.get(run.project, moment))
    noted = []
    for run, _ in runs:
        moment, csynth = _moment(run.date), written.get(run.project)
        later = run.provenance.stage in (Stage.LOGIC_SYNTHESIS, Stage.PLACED, Stage.POST_ROUTE, Stage.COSIM)
        if later and None not in (moment, csynth) and moment < csynth:
            text = f"written {moment:%Y-%m-%d %H:%M}, before the C synthesis beside it ({csynth:%Y-%m-%d %H:%M})"
            run = replace(run, notes=(*run.notes, Note(kind=NoteKind.OLDER_THAN_CSYNTH, text=text)))
        noted.append(run)
    return noted


def _moment(date: str | None) -> datetime | None:
    # `Tue Sep 29 13:25:42 2026`; a date in another form or with a time zone is not compared
    try:
        return None if date is None else datetime.strptime(" ".join(date.split()), "%a %b %d %H:%M:%S %Y")
    except ValueError:
        return None
