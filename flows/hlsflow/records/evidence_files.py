"""The records of a model below `reports/<name>/`: the one of its present design, and those of its earlier ones.

    build.json, report.md           all evidence for the design that was built last
    designs/<design>-<subject>.json what was known of another design; it comes back when that is built again

The record of a single run is another one, `build/<name>/record.json`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from hlsflow.foundation.errors import ReportError
from hlsflow.foundation.workspace import storage_errors, write_bytes
from hlsflow.records.evidence import contradiction, joined, kept, subject
from hlsflow.records.record import BuildRecord, read_record

RECORD_FILE = "build.json"
REPORT_FILE = "report.md"
DESIGNS = "designs"
OWN_FILE = "record.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Publication:
    """A run's record joined with what is known: the record, the files to write in their order, and those to remove.

    `said` and `warnings` are lines for the user.
    """

    record: BuildRecord
    writes: tuple[tuple[Path, bytes], ...]
    removes: tuple[Path, ...]
    said: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def is_done(self) -> bool:
        """Whether every file is already as it shall be."""
        return not self.removes and all(_content(path) == content for path, content in self.writes)

    def carry_out(self) -> None:
        """Writes and removes. A kill in between loses nothing, and the next run ends what was begun.

        Raises StorageError.
        """
        for path, content in self.writes:
            write_bytes(path, content)
        for path in self.removes:
            with storage_errors(path):
                path.unlink(missing_ok=True)


def own_record_path(build_folder: Path) -> Path:
    """Where a build keeps the record of its last run."""
    return build_folder / OWN_FILE


def publication(folder: Path, own: BuildRecord) -> Publication:
    """How a run's record joins those in `reports/<name>/`, where nothing is lost. Nothing is written yet."""
    assert own.design is not None
    path = folder / RECORD_FILE
    content = _content(path)
    writes: list[tuple[Path, bytes]] = []
    warnings: list[str] = []
    known: list[BuildRecord] = []
    if content is not None:
        try:
            stored = read_record(path)
        except ReportError as error:
            aside = folder / DESIGNS / f"unreadable-{_name_of(content)}.json"
            writes.append((aside, content))
            warnings.append(f"{error.message}: kept as {DESIGNS}/{aside.name}, and made anew")
        else:
            if stored.design == own.design:
                known.append(stored)
            if subject(stored) != subject(own) or stored.design is None:
                writes.append(_archived(folder, stored, content))
    removes = []
    for archived in sorted((folder / DESIGNS).glob(f"{own.design[:12]}-*.json")):
        try:
            earlier = read_record(archived)
        except ReportError as error:
            warnings.append(f"{error.message}: left as it is")
            continue
        if earlier.design != own.design:
            continue
        known.append(earlier)
        if subject(earlier) == subject(own):
            removes.append(archived)
    record = own
    for earlier in known:
        record = joined(earlier, record)
    text = _report(record)
    writes += [(folder / REPORT_FILE, text.encode()), (path, record.to_json().encode())]
    better = kept(record, own)
    refuted = contradiction(record)
    if refuted is not None:
        warnings.append(f"{folder.parent.name}/{folder.name} is contradicted: {refuted}")
    return Publication(
        record=record,
        writes=tuple(writes),
        removes=tuple(removes),
        said=() if better is None else (f"{folder.parent.name}/{folder.name} keeps {better}",),
        warnings=tuple(warnings),
    )


def _archived(folder: Path, stored: BuildRecord, content: bytes) -> tuple[Path, bytes]:
    """Where the record of another design goes, and what is there afterwards."""
    found = subject(stored)
    if stored.design is None or found is None:
        return folder / DESIGNS / f"unknown-{_name_of(content)}.json", content
    path = folder / DESIGNS / f"{stored.design[:12]}-{found[:8]}.json"
    try:
        earlier = read_record(path)
    except ReportError:
        return path, content
    return path, joined(earlier, stored).to_json().encode() if subject(earlier) == found else content


def _name_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def _report(record: BuildRecord) -> str:
    from hlsflow.records.report import markdown

    return markdown(record)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
