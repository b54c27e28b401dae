"""The archive for a bug report: what is in it, and what must not be."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from vendor_fixtures import MODEL, built, built_once, installs, quiet, request, top_of

from hlsflow.__main__ import main
from hlsflow.building.pipeline import build
from hlsflow.foundation.errors import UsageError
from hlsflow.packing.bundle import bundle

__all__ = ["built", "built_once", "installs"]


def contents(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {member.name.partition("/")[2]: archive.extractfile(member).read() for member in archive}


def test_a_bundle_holds_what_explains_a_failure_and_no_weights(built, installs, tmp_path, monkeypatch):
    monkeypatch.setenv("STAND_IN_FAULTS", "csynth=licence")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(Exception, match="licence"):
        build(built, request("csynth", "cosim"), quiet())
    out = tmp_path / "bug.tar.gz"
    assert main(["bundle", MODEL, "--output", str(out), "--workspace", str(built.root)]) == 0
    files = contents(out)
    assert {f"reports/{MODEL}/build.json", f"hls_configs/{MODEL}.yaml", f"models/{MODEL}/recipe.yaml",
            f"build/{MODEL}/hls/firmware/{top_of(built)}.cpp", f"build/{MODEL}/hls/step.json", "environment.json"
            } <= set(files)  # fmt: skip
    (log,) = (text for name, text in files.items() if name.endswith("runs/csynth-001/tool.log"))
    assert b"Common 17-345" in log
    assert any(name.endswith("replay.sh") for name in files)
    assert not [name for name in files if name.endswith((".npz", ".dat", ".bin")) or "/weights/" in name]
    assert str(tmp_path).encode() not in b"".join(files.values())


def test_weights_are_added_when_asked_for(built, tmp_path):
    names = bundle(built, MODEL, tmp_path / "bug.tar.gz", with_weights=True)
    assert f"models/{MODEL}/weights.npz" in names
    assert not [name for name in names if name.endswith(".dat") or "csim/outputs" in name]


def test_a_bundle_of_nothing_is_refused(built, tmp_path):
    with pytest.raises(UsageError, match=r"(?s)no model 'digit6'.*did you mean 'digits6'"):
        bundle(built, "digit6", tmp_path / "bug.tar.gz", with_weights=False)


def test_licence_servers_are_left_out(built, tmp_path):
    log = built.build / MODEL / "hls" / "extra.log"
    log.write_text("XILINXD_LICENSE_FILE=2100@licence.example.com and 27000@other.example.com\n")
    try:
        bundle(built, MODEL, tmp_path / "bug.tar.gz", with_weights=False)
        text = contents(tmp_path / "bug.tar.gz")[f"build/{MODEL}/hls/extra.log"].decode()
    finally:
        log.unlink()
    assert "example.com" not in text and "LICENCE-SERVER" in text
