"""A workspace's own finished syntheses as calibration rows: estimate and csynth of the very same project."""

from __future__ import annotations

from hlsflow.estimation.read import design_of, target_of
from hlsflow.estimation.source import read_source
from hlsflow.estimation.table import Row, row_of
from hlsflow.foundation.errors import HlsflowError
from hlsflow.foundation.workspace import Workspace
from hlsflow.hls.design_files import design_digest
from hlsflow.records.record import FigureRecord, read_record

_FIELDS = {
    "lut": "lut", "ff": "ff", "dsp": "dsp", "bram_18k": "bram_18k",
    "latency_cycles": "latency_max_cycles", "interval_cycles": "interval_max_cycles",
}  # fmt: skip


def own_rows(workspace: Workspace) -> tuple[list[Row], list[str]]:
    """(rows, why others are none): every build with csynth figures of the whole design whose HLS project is there."""
    rows: list[Row] = []
    skipped: list[str] = []
    for path in sorted(workspace.reports.glob("*/build.json")):
        name = path.parent.name
        try:
            record = read_record(path)
            figures = [f for f in record.figures if f.stage == "csynth" and f.module is None]
            if not figures:
                continue
            hls = workspace.build / name / "hls"
            if record.design is not None and design_digest(hls) != record.design:
                raise ValueError(f"{hls} is another design than the one that was synthesized: build it again")
            rows.append(_row(workspace, name, figures[-1]))
        except (HlsflowError, ValueError) as error:
            skipped.append(f"{name}: {error}")
    return rows, skipped


def _row(workspace: Workspace, name: str, figure: FigureRecord) -> Row:
    measured = {target: getattr(figure, field) for target, field in _FIELDS.items()}
    missing = [target for target, value in measured.items() if value is None]
    if missing:
        raise ValueError(f"its csynth figures lack {', '.join(missing)}")
    source = read_source(workspace.build / name / "hls")
    version = None if figure.tool_version is None else ".".join(figure.tool_version.split(".")[:2])
    target = target_of(source, part=figure.part, tool_version=version, clock_period_ns=figure.clock_target_ns)
    design = design_of(source, target)
    values = {target: float(value) for target, value in measured.items()}
    # Designs of one model resemble each other, as those of one repository do.
    return row_of(design, source=name, repository=f"own: {name.split('@')[0]}", measured=values)
