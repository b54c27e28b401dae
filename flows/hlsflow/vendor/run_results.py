"""What run.sh left of one model on another machine: the status of each stage, and the checksums of its files.

models/NAME/runs/csynth.status   stage=…, outcome=…, tool=…, version=…, design=…
models/NAME/runs/csynth.sums     design=…, then `<SHA-256>  <path below models/NAME>` of status, log, reports

The sums find what was changed, mixed up or cut off after the run. They prove nothing more: nobody signed them.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from hlsflow.foundation.archive import MAX_BYTES, MAX_FILES
from hlsflow.foundation.errors import ReportError
from hlsflow.foundation.safe_names import below, safe_path, safe_version
from hlsflow.foundation.strict_read import brief, open_regular, read_bytes, sha256
from hlsflow.foundation.workspace import storage_errors
from hlsflow.reports import tool_log
from hlsflow.reports.kinds import decode
from hlsflow.vendor.command import VendorStage
from hlsflow.vendor.project import evidence_files
from hlsflow.vendor.toolchain import Tool

# What stands at the figures of a stage that another machine ran.
NOTE = "imported: checksums agree; not signed"
_MAX_TEXT_BYTES = 4 << 20
_HEAD_BYTES = 64 << 10
_PROGRAMS = {"vitis": ("vitis-run", "vitis_hls"), "vivado": ("vivado_hls",)}
_SUM = re.compile(r"([0-9a-f]{64})  (\S+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What an archive's results must be of: the tool's kind, the top function and the digest of the project."""

    kind: str
    top: str
    design: str


def copy_files(source: Path, target: Path) -> None:
    """Copies the regular files of a folder that somebody brought; a link, a pipe or a device is passed over.

    What `target` has already stays. Raises ReportError where there is too much of it, StorageError where it cannot be
    written.
    """
    waiting, files, size = [(source, target)], 0, 0
    while waiting:
        folder, copy = waiting.pop()
        with storage_errors(copy):
            copy.mkdir(parents=True, exist_ok=True)
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            files += 1
            if entry.is_dir(follow_symlinks=False):
                waiting.append((Path(entry.path), copy / entry.name))
            elif entry.is_file(follow_symlinks=False) and not (copy / entry.name).exists():
                size += entry.stat(follow_symlinks=False).st_size
                with (
                    open_regular(Path(entry.path)) as read,
                    storage_errors(copy),
                    (copy / entry.name).open("xb") as written,
                ):
                    shutil.copyfileobj(read, written, 1 << 20)
            if files > MAX_FILES or size > MAX_BYTES:
                raise ReportError(f"{source}: more files than the results of any synthesis have: refused")


def read_status(folder: Path, stage: VendorStage, target: Target) -> Tool | None:
    """The tool that ran a stage there, None where it was not run.

    Raises ReportError where the status is of another design, or names a tool or a version that there is none of.
    """
    shown = f"runs/{stage}.status"
    path = folder / shown
    if not path.is_file():
        return None
    said = _said(path)
    if said.get("design") != target.design:
        raise ReportError(f"{shown}: of another project (digest {brief(said.get('design'))[:14]})")
    if said.get("stage") != str(stage):
        raise ReportError(f"{shown}: stage={brief(said.get('stage'))}, not {stage}")
    known = ("vivado",) if stage is VendorStage.VSYNTH else _PROGRAMS[target.kind]
    name = said.get("tool")
    if name not in known:
        raise ReportError(f"{shown}: tool={brief(name)}, which runs no {stage}: known: {', '.join(known)}")
    version = said.get("version")
    if version in (None, "", "unknown"):
        version = None
    else:
        safe_version(version, f"{shown}: version")
    return Tool(name=name, path=Path("elsewhere"), version=version, found_by="imported")


def _said(path: Path) -> dict[str, str]:
    text = read_bytes(path, _MAX_TEXT_BYTES).decode("utf-8", errors="replace")
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def check_sums(folder: Path, stage: VendorStage, target: Target) -> None:
    """Raises ReportError where a stage's files are not those that run.sh left, or are of another design."""
    shown = f"runs/{stage}.sums"
    try:
        lines = read_bytes(folder / shown, _MAX_TEXT_BYTES).decode("utf-8", errors="replace").splitlines()
    except OSError as error:
        raise ReportError(
            f"{shown}: {error.strerror}: run.sh writes the sums of a stage's files when it ends",
            hint="bring the whole folder, or results.tar.gz as run.sh wrote it",
        ) from error
    if not lines or lines[0] != f"design={target.design}":
        raise ReportError(f"{shown}: of another project: {brief(lines[0] if lines else '')}")
    sums: dict[str, str] = {}
    for line in lines[1:]:
        matched = _SUM.fullmatch(line)
        if matched is None:
            raise ReportError(f"{shown}: {brief(line)} is no sum of a file")
        sums[str(safe_path(matched[2], shown))] = matched[1]
    used = [folder / "runs" / f"{stage}.status", folder / "runs" / f"{stage}.log"]
    used += evidence_files(folder / "project", target.top, stage)
    for name in dict.fromkeys([*(file.relative_to(folder).as_posix() for file in used), *sums]):
        if name not in sums:
            raise ReportError(f"{stage}: {name} was not there when the stage ended: no sum in {shown}")
        if _digest(folder, name) != sums[name]:
            raise ReportError(
                f"{stage}: {name} was changed after the run: it is not what {shown} says",
                hint="bring results.tar.gz as run.sh wrote it, or run the stage again",
            )


def _digest(folder: Path, name: str) -> str | None:
    """The SHA-256 of a file below a folder, None where there is none."""
    try:
        return sha256(below(folder, name))
    except FileNotFoundError:
        return None


def check_versions(stage: VendorStage, status: str | None, logged: str | None, reported: str | None) -> None:
    """Raises ReportError where status, log and report name different releases of the tool; None says nothing."""
    said = {"status": status, "log": logged, "report": reported}
    known = {source: version for source, version in said.items() if version}
    # 2024.1.1 is an update of 2024.1, in the folder of that name
    if len({tuple(version.split(".")[:2]) for version in known.values()}) > 1:
        words = ", ".join(f"its {source} says {brief(version)}" for source, version in known.items())
        raise ReportError(f"{stage}: not of one run: {words}")


def logged_version(log: Path) -> str | None:
    """The version in the banner at the head of a tool's log, None where there is none."""
    try:
        with open_regular(log) as file:
            return tool_log.parse(decode(file.read(_HEAD_BYTES))).provenance.tool_version
    except (OSError, ReportError):
        return None
