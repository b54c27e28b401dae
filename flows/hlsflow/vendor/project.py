"""The copy of an HLS project that the tools work on, and the data of its test bench."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hlsflow.foundation.strict_read import sha256
from hlsflow.foundation.workspace import storage_errors, write_text
from hlsflow.hls.design_files import NOT_SEEN, design_files
from hlsflow.vendor.command import VendorStage

if TYPE_CHECKING:
    import numpy as np

INPUTS_FILE = "tb_data/tb_input_features.dat"
PREDICTIONS_FILE = "tb_data/tb_output_predictions.dat"
RTL_RESULTS_FILE = "tb_data/rtl_cosim_results.log"
CSIM_RESULTS_FILE = "tb_data/csim_results.log"


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """What goes through the test bench: `inputs` (n, values) on the grid of its type, `expected` alike, float64."""

    inputs: np.ndarray
    expected: np.ndarray

    @property
    def text(self) -> str:
        """The file of inputs, a sample a line."""
        return lines_of(self.inputs)


def lines_of(values: np.ndarray) -> str:
    return "".join(" ".join(f"{value:.17g}" for value in row) + "\n" for row in values.tolist())


def prepare(hls: Path, project: Path, bench: Bench | None) -> None:
    """Makes `project` a copy of the HLS project, or brings the copy up to date; what the tools made in it stays.

    Raises StorageError where it cannot be written.
    """
    wanted = dict(design_files(hls))
    for path in [*project.glob("firmware/**/*"), *project.glob("*.tcl"), *project.glob("*_test.cpp")]:
        name = path.relative_to(project).as_posix()
        if path.is_file() and name not in wanted and not name.startswith(NOT_SEEN):
            with storage_errors(path):
                path.unlink()
    with storage_errors(project):
        project.mkdir(parents=True, exist_ok=True)
        for name, content in wanted.items():
            target = project / name
            if not target.is_file() or target.read_bytes() != content:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        (project / "tb_data").mkdir(exist_ok=True)
        if (hls / "hls4ml_config.yml").is_file():
            shutil.copy(hls / "hls4ml_config.yml", project)
    if bench is not None:
        write_text(project / INPUTS_FILE, bench.text)
        write_text(project / PREDICTIONS_FILE, lines_of(bench.expected))


def bench_digest(project: Path) -> str | None:
    """The SHA-256 of the inputs that the test bench reads; None where it has none, and takes zeros."""
    try:
        return sha256(project / INPUTS_FILE)
    except OSError:
        return None


def solution(project: Path, top: str) -> Path:
    """The folder of the tools' own results."""
    return project / f"{top}_prj" / "solution1"


def has_rtl(project: Path, top: str) -> bool:
    """Whether C synthesis left the Verilog that all later stages start from."""
    return any((solution(project, top) / "syn" / "verilog").glob("*.v"))


def evidence_files(project: Path, top: str, stage: VendorStage) -> list[Path]:
    """The files that say what a stage gave: its reports, the outputs of its simulation, its packed IP; sorted."""
    made = solution(project, top)
    found: list[Path] = []
    if stage is VendorStage.CSYNTH:
        found = _reports(made / "syn" / "report")
    elif stage is VendorStage.COSIM:
        results = Path(RTL_RESULTS_FILE).name
        found = [*_reports(made / "sim" / "report"), project / RTL_RESULTS_FILE, *(made / "sim").rglob(results)]
    elif stage is VendorStage.VSYNTH:
        found = [project / "vivado_synth.rpt"]
    elif stage is VendorStage.EXPORT:
        found = [*(made / "impl").rglob("*.zip"), *made.glob("*.zip")]
    return sorted({path for path in found if path.is_file()})


def _reports(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.suffix in (".rpt", ".xml", ".log")]


def stale_paths(project: Path, top: str, stage: VendorStage) -> list[Path]:
    """What an earlier run of a stage may have left, and what would be taken for the next run's result."""
    made = solution(project, top)
    if stage is VendorStage.CSYNTH:
        # All that follows was made of the old design.
        return [project / f"{top}_prj", project / "vivado_synth.rpt", project / RTL_RESULTS_FILE]
    if stage is VendorStage.COSIM:
        return [made / "sim", project / RTL_RESULTS_FILE]
    if stage is VendorStage.VSYNTH:
        return [project / "vivado_synth.rpt"]
    return [made / "impl"]


def remove_stale(project: Path, top: str, stage: VendorStage) -> None:
    """Removes it, so that a report that is there afterwards is of this run, whatever the clock says.

    Raises StorageError where it cannot be removed.
    """
    logs = [path for pattern in ("*_hls.log", "vivado*.log", "vitis*.log") for path in project.glob(pattern)]
    for path in [*stale_paths(project, top, stage), *logs]:
        with storage_errors(path):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
