"""Running a whole sweep and writing what it found."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from hlsflow.exploring import plots, table
from hlsflow.exploring.models import SweepModels
from hlsflow.exploring.pool import Outcome, run_points
from hlsflow.exploring.row import Row
from hlsflow.exploring.spec import Sweep, SweepPoint, load_spec
from hlsflow.foundation.errors import ReportError, UsageError, did_you_mean
from hlsflow.foundation.log import Log, paint
from hlsflow.foundation.workspace import Workspace, storage_errors, write_bytes, write_text


def spec_path(workspace: Workspace, named: str) -> Path:
    """The file of a sweep, named by its path or by the name of one in `sweeps/`. Raises UsageError."""
    path = Path(named)
    if path.is_file():
        return path
    shipped = {path.stem: path for path in sorted((workspace.root / "sweeps").glob("*.yaml"))}
    if named not in shipped:
        raise UsageError(
            f"no sweep '{named}', no file and not in {workspace.root / 'sweeps'}", hint=did_you_mean(named, shipped)
        )
    return shipped[named]


def open_sweep(workspace: Workspace, path: Path) -> SweepModels:
    """A sweep with the workspace of its own, `build/sweeps/<name>/`, checked before any work. Raises ConfigError."""
    sweep = load_spec(path)
    own = Workspace(root=workspace.build / "sweeps" / sweep.spec.name)
    models = SweepModels(sweep=sweep, own=own, shipped=workspace)
    models.check()
    with storage_errors(own.root):
        for folder in (own.models, own.hls_configs):
            folder.mkdir(parents=True, exist_ok=True)
    return models


def run_sweep(
    models: SweepModels, data_dir: Path | None, jobs: int, log: Log, *, only: Sequence[str] = ()
) -> list[Row]:
    """Runs the points of a sweep (`only` some of them, and what they are made from) and gives all rows that there are.

    A point that fails does not stop the others: its row says why. Raises UsageError for a point that there is not.
    """
    from hlsflow.exploring.point import row_path

    points = _chosen(models.sweep, only)
    started = time.monotonic()
    log.line(f"{models.sweep.spec.name}: {models.sweep.spec.title}, {len(points)} points, {jobs} at once")
    for done, outcome in enumerate(run_points(models, points, data_dir, jobs, log), start=1):
        write_text(row_path(models, outcome.point), outcome.row.to_json())
        log.line(_line(outcome, done, len(points), log))
    log.line(f"  {len(points)} points in {time.monotonic() - started:.0f} s")
    return known_rows(models)


def known_rows(models: SweepModels) -> list[Row]:
    """The rows of all points that were run, in the order of the specification."""
    from hlsflow.exploring.point import row_path

    rows = []
    for point in models.sweep.points:
        try:
            rows.append(Row.read(row_path(models, point)))
        except ReportError:
            continue
    return rows


def write_reports(models: SweepModels, rows: Sequence[Row]) -> Path:
    """Writes the tables and pictures of a sweep into `reports/sweeps/<name>/` and gives that folder."""
    folder = models.shipped.reports / "sweeps" / models.sweep.spec.name
    for spec in models.sweep.spec.plots:
        write_bytes(folder / spec.file, plots.plot(spec, rows))
    write_text(folder / "table.csv", table.csv_text(rows))
    write_text(folder / "table.json", table.json_text(models.sweep, rows))
    write_text(folder / "table.md", table.markdown(models.sweep, rows))
    return folder


def _chosen(sweep: Sweep, only: Sequence[str]) -> list[SweepPoint]:
    """The points to run, in order: all, or the named ones (points or families) with all that they are made from."""
    names = [point.name for point in sweep.points]
    families = [point.family for point in sweep.points]
    for name in only:
        if name not in names and name not in families:
            raise UsageError(f"{sweep.path}: no point '{name}'", hint=did_you_mean(name, names))
    wanted = {point.name for point in sweep.points if not only or point.name in only or point.family in only}
    while (
        more := {need for point in sweep.points if point.name in wanted for need in point.needs} & set(names) - wanted
    ):
        wanted |= more
    return [point for point in sweep.points if point.name in wanted]


def _line(outcome: Outcome, done: int, total: int, log: Log) -> str:
    row = outcome.row
    head = f"  [{done:>{len(str(total))}}/{total}] {outcome.point.name:<28}"
    if row.error is not None:
        return f"{head} {paint('failed', 'red', log.stream)}: {row.error}"
    accuracy = "" if row.accuracy is None else f"{row.accuracy:8.2%}"
    exact = "" if row.exactness is None else table.exactness_text(row.exactness)
    lut = "" if row.estimate is None or row.estimate.lut is None else f"about {row.estimate.lut:,} LUT"
    return f"{head} {accuracy:>8}  {exact:<38} {lut:<18} {outcome.seconds:6.1f} s"
