"""The step `hls`: the network and its types as an HLS project, read back and found as it was asked for."""

from __future__ import annotations

from pathlib import Path

from hlsflow.foundation.workspace import storage_errors, write_text
from hlsflow.hls.config import HlsConfig
from hlsflow.hls.design_files import DESIGN_FILE, design_digest
from hlsflow.hls.lint import Linted
from hlsflow.network.graph import Network


def write_project(config: HlsConfig, network: Network, linted: Linted, folder: Path, final: Path) -> str:
    """Writes the project, which will stand at `final`, and says what it is for."""
    from hlsflow.hls.convert import convert
    from hlsflow.hls.effective import verify
    from hlsflow.hls.project import read_project

    said = convert(network, linted.layers, config, folder, final)
    with storage_errors(folder):
        (folder / "hls4ml.log").write_text(said)
    verify(read_project(folder), linted.layers, config)
    write_text(folder / DESIGN_FILE, design_digest(folder) + "\n")
    return f"{config.backend} {config.io_type}, {config.part}, {config.clock_period_ns:g} ns"
