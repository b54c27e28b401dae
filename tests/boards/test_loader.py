"""openFPGALoader, by a program on PATH that stands in for it: what it is told, and what is said where it cannot."""

from __future__ import annotations

import pytest
from rtl_networks import network

from hlsflow.boards.design import board_design
from hlsflow.boards.image import image_of
from hlsflow.boards.loader import flash
from hlsflow.devices.wiring import wirings
from hlsflow.foundation.errors import ToolError
from hlsflow.opentools import tools
from hlsflow.rtl.folded import folded_design

DESIGN = board_design(folded_design(network((6, 3), (6,)), "net"), wirings()["tang-nano-9k"])
IMAGE = image_of(DESIGN, "GW1NR-LV9QN88PC6/I5", "core.fs", None)
STAND_IN = """\
#!/bin/sh
case "$1" in
--Version) echo "openFPGALoader v0.12.1" ;;
--list-boards) echo "board name               cable_name"; echo "tangnano9k               ft2232" ;;
*)
    echo "$@" > "$(dirname "$0")/argv"
    [ ! -e "$(dirname "$0")/absent" ] || { echo "unable to open ftdi device"; exit 1; } ;;
esac
"""


@pytest.fixture
def loader(tmp_path, monkeypatch):
    """The stand-in, found as the real one is."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "openFPGALoader").write_text(STAND_IN)
    (folder / "openFPGALoader").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    found = tools.find_loader.__wrapped__()
    assert (found.name, found.version) == ("openFPGALoader", "0.12.1")
    return found, folder


def test_what_it_is_told(tmp_path, loader):
    tool, folder = loader
    (tmp_path / "core.fs").write_text("0101")
    flash(IMAGE, tmp_path, tool, permanent=False)
    assert (folder / "argv").read_text().split() == ["--board", "tangnano9k", str(tmp_path / "core.fs")]
    flash(IMAGE, tmp_path, tool, permanent=True)
    assert (folder / "argv").read_text().split() == [
        "--board", "tangnano9k", "--write-flash", str(tmp_path / "core.fs"),
    ]  # fmt: skip


def test_what_is_said_where_it_cannot(tmp_path, loader):
    tool, folder = loader
    with pytest.raises(ToolError, match=r"core\.fs: no such file\n  build the model again"):
        flash(IMAGE, tmp_path, tool, permanent=False)
    (tmp_path / "core.fs").write_text("0101")
    (folder / "absent").touch()
    with pytest.raises(ToolError, match=r"openFPGALoader: exit code 1(.|\n)*unable to open ftdi device"):
        flash(IMAGE, tmp_path, tool, permanent=False)
    other = IMAGE.model_copy(update={"board": "tang-nano-20k"})
    with pytest.raises(ToolError, match=r"openFPGALoader 0\.12\.1 does not know the board 'tangnano20k'\n  a newer"):
        flash(other, tmp_path, tool, permanent=False)
    none = IMAGE.model_copy(update={"bitstream": None, "no_bitstream": "20.1 MHz reached, the board's clock has 27"})
    with pytest.raises(ToolError, match=r"no bitstream for tang-nano-9k: 20\.1 MHz reached"):
        flash(none, tmp_path, tool, permanent=False)
